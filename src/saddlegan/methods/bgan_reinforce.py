"""Boundary-seeking GAN on discrete data by REINFORCE: Hjelm et al. (2018), arXiv:1702.08431, whose reward is the
gradient of the reverse Kullback-Leibler divergence."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from saddlegan.batch import Batch
from saddlegan.checks import Decay, checked
from saddlegan.discrete import reinforce
from saddlegan.engine.variant import Loss, Losses
from saddlegan.methods.bgan_discrete import DiscreteBGAN


class ReinforceBGAN(DiscreteBGAN):
    """The generator ascends the reward log w - log beta of its samples.

    Args beyond those of `DiscreteBGAN`: log_beta_decay, in [0, 1). log beta, the baseline, is a running mean of the
    logarithm of a minibatch's mean weight: what was before counts `log_beta_decay`.
    """

    watches: ClassVar = {
        "ess": "effective sample size of M",
        "log_weight_std": "standard deviation of log w",
        "log_beta": "log beta",
    }
    log_beta: Tensor

    @checked
    def __init__(self, *, log_beta_decay: Decay, **shared: Any) -> None:
        super().__init__(weights="basic", **shared)
        self.log_beta_decay = log_beta_decay
        self.register_buffer("log_beta", torch.zeros(len(self.seeds)))

    def generator_loss(self, real: Batch, fake: Batch) -> Losses:
        log_weight = self.log_weights(fake)
        reward = reinforce(log_weight, -math.log(self.num_samples), self.log_beta)
        mean = log_weight.logsumexp((-2, -1)) - math.log(log_weight[0].numel())
        loss = -(reward * self.by_latent(fake["log_probability"])).sum(-2).mean(-1)
        return {"loss": loss, "_log_mean_weight": mean}

    @torch.no_grad()
    def after_step(self, player: str, terms: Mapping[str, Loss]) -> None:
        if player == "generator":
            self.log_beta.lerp_(terms["_log_mean_weight"], 1.0 - self.log_beta_decay)

    def watch(self, real: Batch, fake: Batch) -> dict[str, Loss]:
        return {**super().watch(real, fake), "log_beta": self.log_beta}
