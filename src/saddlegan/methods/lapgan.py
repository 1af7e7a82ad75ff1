"""LAPGAN, a level of it: Denton et al. (2015), arXiv:1506.05751. A Laplacian pyramid writes an image as a coarse one
plus a residual, level by level; at each level a GAN of its own makes residuals, given the coarse image.

Levels are trained independently, on real coarse images; samples are chained, each level's on those of the one below.
The coarsest level is a GAN of another method, on small images.
"""

from typing import Any

import torch
from torch import Tensor

from saddlegan.batch import Batch
from saddlegan.checks import ConfigError, checked
from saddlegan.engine.variant import Logits
from saddlegan.frozen import FrozenRun
from saddlegan.methods.gan_non_saturating import NonSaturatingGAN
from saddlegan.pyramid import doubled


class LAPGAN(NonSaturatingGAN):
    """Samples `x` are whole images: the `coarse` one plus the residual.

    Args beyond those of `AdversarialModule`: below, the run folder of the next coarser level, from which samples are
    chained; None: samples can be made of given coarse images alone.

    Raises `DamagedRun` where that folder holds no whole run, `ConfigError` where its images are not of half the height
    and width.
    """

    conditions = ("coarse",)
    below: FrozenRun | None

    @checked
    def __init__(self, *, below: str | None, **shared: Any) -> None:
        super().__init__(**shared)
        self.below = None if below is None else FrozenRun(run=below)
        if self.below is None:
            return
        got, (channels, height, width) = tuple(self.below.sample(1).shape[2:]), shared["shape"]
        if got != (channels, height // 2, width // 2):
            raise ConfigError(
                f"method.below={below}: got a run whose images are {got[1]} x {got[2]}, in {got[0]} channels, expected"
                f" {height // 2} x {width // 2} in {channels}, which this level doubles. Remedy: a run of"
                f" data=pyramid data.size={height // 2}."
            )

    def logits(self, batch: Batch) -> Logits:
        """Of the residual and the coarse image, which the discriminator's first operation adds."""
        return self.discriminator(batch["x"] - batch["coarse"], batch["coarse"])

    def complete(self, given: Batch) -> dict[str, Tensor]:
        """Where no coarse images are given, those are taken that the level below makes of its own latents."""
        if "coarse" not in given and self.below is not None:
            given = {**given, "coarse": self.chained(given["latent"].shape[1])}
        return super().complete(given)

    @torch.no_grad()
    def chained(self, count: int) -> Tensor:
        """So many coarse images of the level below, `(1, count, channels, height, width)`, of its own latents: those of
        another level are of the same stream, in rows of another length, so that only the first rows are alike."""
        assert self.below is not None
        return doubled(self.below.sample(count)[0])[None]

    @torch.no_grad()
    def chain(self, latent: Tensor) -> list[Tensor]:
        """Samples of latents `(1, count, latent)`, and those of the levels below that they are made of, the coarsest
        first, each `(count, channels, height, width)`."""
        levels, module = [self({"latent": latent})[0]], self
        while (below := getattr(module, "below", None)) is not None:
            levels, module = [below.sample(latent.shape[1])[0], *levels], below.module
        return levels
