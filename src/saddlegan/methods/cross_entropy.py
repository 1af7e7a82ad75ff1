"""No GAN: the generator of discrete samples learns by their log-likelihood, -log g(x|z). What an adversarial classifier
is compared with: Hjelm et al. (2018), arXiv:1702.08431. The discriminator makes no step."""

import torch
from torch import nn

from saddlegan.batch import Batch
from saddlegan.discrete import LEADING, drawn, law_of
from saddlegan.engine.discrete import DiscreteModule
from saddlegan.engine.variant import Losses, Turn
from saddlegan.objectives import js, non_saturating


class CrossEntropy(DiscreteModule):
    objective = non_saturating(js())

    def turns(self) -> list[Turn]:
        return [Turn("generator", self.num_generator_steps)]

    def make(self, generator: nn.Module, given: Batch) -> Batch:
        logits = self.logits_of_samples(generator, given)
        with torch.no_grad():
            return {"x": drawn(law_of(logits), self.by_sample(given["choice"]))[0], "logits": logits}

    def generator_loss(self, real: Batch, fake: Batch) -> Losses:
        return -law_of(fake["logits"]).log_prob(real["x"].movedim(LEADING, -1)).mean(-1)
