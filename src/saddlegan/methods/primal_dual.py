"""Primal-dual subgradient GAN: Algorithm 1 of the reproduced paper, after Chen, Wang & Ge (2018), arXiv:1802.01765.

The discriminator's outputs D(x_i) are the primal variables of a convex program, the generated distribution p_g(x_i) its
dual variables, f1 the constraint. The discriminator's step, eq. (4), is the standard one; the generator's, eq. (7),
also pulls p_g towards the dual variables after one subgradient step, eq. (5).
"""

import math
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from saddlegan import objectives
from saddlegan.batch import Batch
from saddlegan.checks import ConfigError, Literal, NonNegativeFloat, PositiveFloat, Width, checked
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.engine.losses import gradient_norm
from saddlegan.engine.variant import Loss, Samples
from saddlegan.extractor import Extractor
from saddlegan.kernels import dual_pull, kernel_density
from saddlegan.metrics.neighbours import distances


class PrimalDual(AdversarialModule):
    """Args beyond those of `AdversarialModule`:

    pair: the (f0, f1) of `objectives`; `epsilon` is that of `approximate_wasserstein`.
    sigma: width of the kernel, in the units of its space.
    alpha: the dual step; 0 gives the standard GAN of the pair.
    kernel: `unnormalised` as in eq. (3), where k(0) = 1, or `normalised` to integrate to 1 over the data space.
    space: what the kernel measures distance between: `pixels` (the data themselves, also where they are no images), or
        `features` of the fixed extractor, an extension of ours for images.
    first_term: `saturating` is f1 as in eq. (7); `non_saturating` is -f0.
    extractor: a file of other weights than the shipped ones, for `features`.
    """

    watches: ClassVar = {"pull_ratio": "gradient of the second term / of the first"}

    @checked
    def __init__(
        self,
        *,
        pair: Literal["js", "kl", "reverse_kl", "pearson", "hellinger", "approximate_wasserstein"],
        epsilon: PositiveFloat,
        sigma: Width,
        alpha: NonNegativeFloat,
        kernel: Literal["unnormalised", "normalised"],
        space: Literal["pixels", "features"],
        first_term: Literal["saturating", "non_saturating"],
        extractor: str | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(**shared)
        self.pair = objectives.pair_named(pair, epsilon=epsilon)
        self.objective = getattr(objectives, first_term)(self.pair)
        self.sigma = sigma
        self.alpha = alpha
        self.normalised = kernel == "normalised"
        self.extractor = Extractor(extractor) if space == "features" else None
        if self.extractor and self.stacked:
            raise ConfigError("method.space=features: got vectors, expected images. Remedy: method.space=pixels.")

    def generator_loss(self, real: Batch, fake: Batch) -> Loss:  # eq. (7)
        return self.first(fake) + self.pull(real, fake)

    def first(self, fake: Batch) -> Loss:
        """The first term of eq. (7): the generator's loss of the standard GAN."""
        return self.objective.generator(self.logits(fake))

    def pull(self, real: Batch, fake: Batch) -> Loss:
        """The second term of eq. (7)."""
        points = self.points(fake["x"]), self.points(real["x"])
        density = kernel_density(*points, self.sigma, self.normalised)  # eq. (6): p_g(x_i)
        with torch.no_grad():  # the target is held fixed
            constraint = self.pair.f1(self.logits(real))
        return dual_pull(density, constraint, self.alpha)

    def points(self, samples: Samples) -> Float[Tensor, "seeds batch dim"]:
        """Samples where the kernel measures their distance."""
        if self.extractor is None:
            return samples.flatten(2)
        with torch.autocast(samples.device.type, enabled=False):  # distances need all digits
            return self.extractor.features(self.extractor.fitting(samples[0]))[None]

    @torch.no_grad()
    def advice(self, real: Samples) -> list[str]:
        """Whether sigma leaves anything of the kernel at the distances that the data have.

        Raises `ConfigError` where a normalised kernel is no float32 number in so many dimensions.
        """
        points = self.points(real)[0]
        if self.normalised and abs(points.shape[-1] / 2 * math.log10(math.pi * self.sigma**2)) > 30:
            raise ConfigError(
                f"method.kernel=normalised: got {points.shape[-1]} dimensions, in which (pi sigma^2)^(dim/2) is no"
                f" float32 number at sigma={self.sigma:g}. Remedy: method.kernel=unnormalised, as in eq. (3)."
            )
        if self.stacked:  # a toy may hold the same point many times
            return []
        median, nearest = distances(points)
        largest = math.exp(-((nearest / self.sigma) ** 2))
        if largest > torch.finfo(torch.float32).eps:
            return []
        return [
            f"method.sigma={self.sigma:g}: the kernel underflows. At the median distance of the data to their nearest"
            f" neighbour, {nearest:.3g}, it is {largest:.1g}, so that this is the standard GAN. Remedy: a sigma from"
            f" {nearest / 2:.2g} up to the median distance, {median:.3g}."
        ]

    def watch(self, real: Batch, fake: Batch) -> dict[str, Loss]:
        """`pull_ratio`: how large the gradient of eq. (7)'s second term is beside that of the first, as norms over the
        generator's weights. In [0, inf); NaN where the first has none."""
        first, second = (
            gradient_norm(term, self.players["generator"]) for term in (self.first(fake), self.pull(real, fake))
        )
        return {"pull_ratio": torch.where(first > 0, second / first, math.nan)}
