"""Boundary-seeking GAN on discrete data: Hjelm et al. (2018), arXiv:1702.08431. Samples of the generator are weighted
by the discriminator's estimate of p/q, and the generator raises the log-probability of each by its weight."""

import math
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from saddlegan.batch import Batch
from saddlegan.checks import ConfigError, Literal, PositiveInt, checked
from saddlegan.discrete import ESTIMATORS, BySample
from saddlegan.divergences import BOUNDARY_SEEKING, variational
from saddlegan.engine.discrete import DiscreteModule
from saddlegan.engine.variant import Loss, Losses
from saddlegan.random import draw_evaluation


class DiscreteBGAN(DiscreteModule):
    """Args beyond those of `DiscreteModule`:

    num_samples: M, the samples that are drawn of each latent in training.
    divergence: which one the discriminator estimates.
    weights: `normalised` over the M samples of each latent, or `basic`: over the mean weight of the minibatch, the
        estimate of beta, which needs no second sample of a latent.

    Raises `ConfigError` for normalised weights of one sample: they are 1, whatever the discriminator says.
    """

    watches: ClassVar = {"ess": "effective sample size of M", "log_weight_std": "standard deviation of log w"}

    @checked
    def __init__(
        self,
        *,
        num_samples: PositiveInt,
        divergence: Literal["gan", "jensen_shannon", "kl", "reverse_kl", "squared_hellinger", "pearson"],
        weights: Literal["normalised", "basic"],
        **shared: Any,
    ) -> None:
        self.num_samples = num_samples
        super().__init__(**shared)
        if weights == "normalised" and num_samples == 1:
            raise ConfigError(
                "method.num_samples=1: got one sample of each latent, expected two or more, since the only one has a"
                " weight of 1, whatever the discriminator says. Remedy: method.num_samples=20, or method.weights=basic."
            )
        self.divergence, self.coefficients = BOUNDARY_SEEKING[divergence], ESTIMATORS[weights]
        self.objective = variational(self.divergence, heuristic=False)

    def generator_loss(self, real: Batch, fake: Batch) -> Losses:
        """-E_z sum_m w~(m) log g(x(m)|z); basic: -E[w / beta log g(x|z)]."""
        weight = self.coefficients(self.log_weights(fake), -math.log(self.num_samples))
        return -(weight * self.by_latent(fake["log_probability"])).sum(-2).mean(-1)

    @torch.no_grad()
    def log_weights(self, fake: Batch) -> BySample:
        """log w of each sample."""
        return self.by_latent(self.divergence.log_weight(self.logits(fake)))

    def by_latent(self, values: Float[Tensor, "seeds all"]) -> BySample:
        return values.unflatten(1, (self.num_samples, -1))

    def watch(self, real: Batch, fake: Batch) -> dict[str, Loss]:
        """The effective number of a latent's M samples, 1 / sum_m w~^2, from 1 to M, the mean over latents; and how far
        log weights spread."""
        uniform = draw_evaluation(self.laws["choice"].draw, self.seeds, fake["latent"].shape[1], part="weights")
        log_weight = self.log_weights(self.make(self.generator, {**fake, "choice": self.place(uniform)}))
        ess = 1.0 / log_weight.softmax(-2).square().sum(-2)
        return {"ess": ess.mean(-1), "log_weight_std": log_weight.flatten(1).std(-1)}
