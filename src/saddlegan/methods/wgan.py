"""Wasserstein GAN with clipped weights: Arjovsky, Chintala & Bottou (2017), arXiv:1701.07875, Algorithm 1."""

from collections.abc import Mapping
from typing import Any

import torch

from saddlegan.checks import PositiveFloat, checked
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.engine.variant import Loss
from saddlegan.objectives import wasserstein


class WGAN(AdversarialModule):
    """Args beyond those of `AdversarialModule`: clip, the largest absolute value of a weight of the critic."""

    objective = wasserstein()

    @checked
    def __init__(self, *, clip: PositiveFloat, **shared: Any) -> None:
        super().__init__(**shared)
        self.clip = clip

    @torch.no_grad()
    def after_step(self, player: str, terms: Mapping[str, Loss]) -> None:
        if player == "discriminator":
            for weight in self.players[player]:
                weight.clamp_(-self.clip, self.clip)
