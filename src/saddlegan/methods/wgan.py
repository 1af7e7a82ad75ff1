"""Wasserstein GAN with clipped weights: Arjovsky, Chintala & Bottou (2017), arXiv:1701.07875, Algorithm 1."""

from collections.abc import Mapping
from typing import Any

import torch

from saddlegan.checks import ConfigError, NonNegativeInt, PositiveFloat, checked
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.engine.variant import Loss
from saddlegan.objectives import wasserstein

#: In the authors' script the critic makes more steps before the generator's first 25 steps, and then once every 500.
FIRST, AGAIN = 25, 500


class WGAN(AdversarialModule):
    """Args beyond those of `AdversarialModule`:

    clip: the largest absolute value of a weight of the critic.
    early_critic_steps: the critic's steps before each of the generator's first 25 steps and before every 500th, as in
        the authors' script, where they are 100; 0: `num_critic_steps` always. The generator waits meanwhile, so that an
        iteration has as many of the critic's steps as any other. A multiple of `num_critic_steps`.
    """

    objective = wasserstein()

    @checked
    def __init__(self, *, clip: PositiveFloat, early_critic_steps: NonNegativeInt, **shared: Any) -> None:
        super().__init__(**shared)
        self.clip = clip
        self.early, rest = divmod(early_critic_steps, self.num_critic_steps)  # iterations of an early step
        if rest:
            raise ConfigError(
                f"method.early_critic_steps={early_critic_steps}: got no multiple of method.num_critic_steps="
                f"{self.num_critic_steps}. Remedy: {early_critic_steps - rest + self.num_critic_steps}."
            )

    def waits(self, player: str, iteration: int) -> bool:
        if player != "generator" or self.early < 2:
            return False
        since = iteration - FIRST * self.early  # iterations after the first steps
        if since < 0:
            return (iteration + 1) % self.early > 0
        since -= AGAIN - FIRST
        return since >= 0 and since % (self.early + AGAIN - 1) < self.early - 1

    @torch.no_grad()
    def after_step(self, player: str, terms: Mapping[str, Loss]) -> None:
        if player == "discriminator":
            for weight in self.players[player]:
                weight.clamp_(-self.clip, self.clip)
