"""BEGAN: Berthelot, Schumm & Metz (2017), arXiv:1703.10717. The discriminator is an autoencoder."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from saddlegan.batch import Batch
from saddlegan.checks import NonNegativeFloat, PositiveFloat, checked
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.engine.variant import Logits, Loss, Losses


class BEGAN(AdversarialModule):
    """Args beyond those of `AdversarialModule`:

    gamma: the ratio of the errors of fake and real samples that is aimed at, in [0, 1].
    gain: lambda_k, the rate at which k follows.
    """

    judges_by = "reconstructions"
    watches: ClassVar = {"began_k": "k", "began_measure": "measure of convergence M"}
    k: Tensor
    real_error: Tensor

    @checked
    def __init__(self, *, gamma: NonNegativeFloat, gain: PositiveFloat, **shared: Any) -> None:
        super().__init__(**shared)
        self.gamma, self.gain = gamma, gain
        self.register_buffer("k", torch.zeros(len(self.seeds)))
        self.register_buffer("real_error", torch.zeros(len(self.seeds)))

    def error(self, batch: Batch) -> Logits:
        """L(v) = |v - D(v)|, the mean over the coordinates of each sample."""
        return (batch["x"] - self.discriminator(batch["x"])).abs().flatten(2).mean(-1)

    def discriminator_loss(self, real: Batch, fake: Batch) -> Losses:
        return {"real": self.error(real).mean(-1), "fake": -self.k * self.error(fake).mean(-1)}

    def generator_loss(self, real: Batch, fake: Batch) -> Loss:
        return self.error(fake).mean(-1)

    @torch.no_grad()
    def after_step(self, player: str, terms: Mapping[str, Loss]) -> None:
        if player == "discriminator":
            self.real_error.copy_(terms["real"])
        else:  # k follows gamma L(x) - L(G(z)), and stays in [0, 1]
            self.k.add_(self.gain * (self.gamma * self.real_error - terms["loss"])).clamp_(0.0, 1.0)

    def score(self, batch: Batch) -> Logits:
        return self.error(batch)

    def watch(self, real: Batch, fake: Batch) -> dict[str, Loss]:
        """`k`, and the measure of convergence M = L(x) + |gamma L(x) - L(G(z))|, both at least 0."""
        with torch.no_grad():
            of_real, of_fake = (self.error(batch).mean(-1) for batch in (real, fake))
        return {"began_k": self.k, "began_measure": of_real + (self.gamma * of_real - of_fake).abs()}
