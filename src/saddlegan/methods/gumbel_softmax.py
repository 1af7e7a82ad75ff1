"""The 2014 GAN on discrete data by the Gumbel-softmax, or concrete, relaxation: Jang, Gu & Poole (2017),
arXiv:1611.01144; Maddison, Mnih & Teh (2017), arXiv:1611.00712. The discriminator sees relaxed samples."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from saddlegan.batch import Batch
from saddlegan.checks import PositiveFloat, checked
from saddlegan.engine.discrete import DiscreteModule
from saddlegan.methods.gan_non_saturating import NonSaturatingGAN
from saddlegan.random import Law, Uniform


class GumbelSoftmaxGAN(DiscreteModule, NonSaturatingGAN):
    """Args beyond those of `AdversarialModule`: temperature, of the relaxation: samples are discrete as it goes to
    0."""

    @checked
    def __init__(self, *, temperature: PositiveFloat, **shared: Any) -> None:
        super().__init__(**shared)
        self.temperature = temperature

    def noise_of_training(self) -> Mapping[str, Law]:
        return {"choice": Uniform(math.prod(self.shape))}

    def make(self, generator: nn.Module, given: Batch) -> Batch:
        """A bit is a sigmoid of its logit and logistic noise; of several levels a softmax of logits and Gumbel
        noise."""
        logits = self.logits_of_samples(generator, given)
        uniform = given["choice"].reshape(logits.shape).clamp(min=torch.finfo(torch.float32).tiny, max=1.0 - 2.0**-24)
        if self.shape[0] == 1:
            return {"x": torch.sigmoid((logits + torch.logit(uniform)) / self.temperature)}
        return {"x": torch.softmax((logits - (-uniform.log()).log()) / self.temperature, dim=2)}
