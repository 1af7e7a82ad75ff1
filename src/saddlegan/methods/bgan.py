"""Boundary-seeking GAN on continuous data: Hjelm et al. (2018), arXiv:1702.08431."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from saddlegan.batch import Batch
from saddlegan.checks import Decay, checked
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.engine.variant import Loss, Losses
from saddlegan.objectives import js, saturating


class BoundarySeekingGAN(AdversarialModule):
    """The generator seeks samples whose weight w = D / (1 - D), the estimate of p / p_g, is 1, or Z where log Z is
    kept: it minimises (log w - log Z)^2 / 2.

    Args beyond those of `AdversarialModule`: log_z_decay, in [0, 1). log Z is a running mean of the logarithm of a
    minibatch's mean weight: what was before counts `log_z_decay`. With 0 none is kept, and log Z is 0.
    """

    objective = saturating(js())
    watches: ClassVar = {"bgan_log_z": "log Z"}
    log_z: Tensor

    @checked
    def __init__(self, *, log_z_decay: Decay, **shared: Any) -> None:
        super().__init__(**shared)
        self.log_z_decay = log_z_decay
        self.register_buffer("log_z", torch.zeros(len(self.seeds)))

    def generator_loss(self, real: Batch, fake: Batch) -> Losses:
        log_weight = self.logits(fake)  # log D - log(1 - D)
        mean = log_weight.logsumexp(-1) - math.log(log_weight.shape[-1])
        return {"loss": 0.5 * (log_weight - self.log_z[:, None]).square().mean(-1), "_log_mean_weight": mean}

    @torch.no_grad()
    def after_step(self, player: str, terms: Mapping[str, Loss]) -> None:
        if player == "generator" and self.log_z_decay:
            self.log_z.lerp_(terms["_log_mean_weight"], 1.0 - self.log_z_decay)

    def watch(self, real: Batch, fake: Batch) -> dict[str, Loss]:
        return {"bgan_log_z": self.log_z}
