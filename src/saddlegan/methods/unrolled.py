"""Unrolled GAN: Metz, Poole, Pfau & Sohl-Dickstein (2017), arXiv:1611.02163, eqs. (6) to (10)."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from saddlegan.batch import Batch
from saddlegan.checks import NonNegativeInt, checked
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.engine.variant import Logits, Loss
from saddlegan.objectives import js, saturating
from saddlegan.steps import steps_ahead

Weights = Mapping[str, Tensor]


class UnrolledGAN(AdversarialModule):
    """The generator descends what the discriminator will have reached after so many steps more, and differentiates
    through these.

    Args beyond those of `AdversarialModule`: unrolled, the steps ahead; 0 is the minimax GAN. They are those that the
    discriminator's own optimizer would take, Adam or plain SGD, on the minibatch of the generator's step.
    """

    objective = saturating(js())
    second_order = True

    @checked
    def __init__(self, *, unrolled: NonNegativeInt, **shared: Any) -> None:
        super().__init__(**shared)
        self.unrolled = unrolled

    def generator_loss(self, real: Batch, fake: Batch) -> Loss:
        if not self.unrolled:
            return super().generator_loss(real, fake)  # type: ignore[return-value]
        ahead = self.ahead(real, fake)
        return -self.objective.discriminator(*self.judge(real, fake, partial(self.at, ahead)))

    def at(self, weights: Weights, batch: Batch) -> Logits:
        """The logits of a discriminator with these weights."""
        own = {name: buffer.clone() for name, buffer in self.discriminator.named_buffers()}  # steps that are not taken
        given = (batch["x"], *(batch[condition] for condition in self.conditions))
        return functional_call(self.discriminator, {**weights, **own}, given)

    def ahead(self, real: Batch, fake: Batch) -> Weights:
        """The discriminator's weights after `unrolled` steps more, as a function of the fake samples."""
        weights = dict(self.discriminator.named_parameters())
        steps = steps_ahead(self.optimizer_of("discriminator").optimizer, list(weights.values()))
        for _ in range(self.unrolled):
            loss = self.objective.discriminator(*self.judge(real, fake, partial(self.at, weights))).sum()
            slopes = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
            weights = dict(zip(weights, steps(list(weights.values()), slopes), strict=True))
        return weights
