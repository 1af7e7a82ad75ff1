"""No GAN: the generator of discrete samples learns by their log-likelihood, -log g(x|z). What an adversarial classifier
is compared with: Hjelm et al. (2018), arXiv:1702.08431. The discriminator makes no step."""

from torch import nn

from saddlegan.batch import Batch
from saddlegan.discrete import LEADING, law_of
from saddlegan.engine.discrete import DiscreteModule
from saddlegan.engine.variant import Losses, Turn
from saddlegan.objectives import js, non_saturating


class CrossEntropy(DiscreteModule):
    objective = non_saturating(js())

    def turns(self) -> list[Turn]:
        return [Turn("generator", self.num_generator_steps)]

    def make(self, generator: nn.Module, given: Batch) -> Batch:
        return {"x": self.sampled(generator, given), "logits": self.logits_of_samples(generator, given)}

    def generator_loss(self, real: Batch, fake: Batch) -> Losses:
        return -law_of(fake["logits"]).log_prob(real["x"].movedim(LEADING, -1)).mean(-1)
