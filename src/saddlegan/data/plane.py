"""Mixtures of Gaussians in the plane, on which modes get lost, with everything that a metric may ask of them."""

import math

import numpy as np

from saddlegan.checks import Annotated, Filled, Place, PositiveFloat, PositiveInt, checked

Array = np.ndarray


class PlaneMixture:
    """An equal mixture of Gaussians N(mode, std^2 I) in the plane. `modes`: `(k, 2)`."""

    #: What a model must take to be trained on this.
    samples = "vectors"
    dim = 2

    def __init__(self, modes: Array, std: float) -> None:
        self.modes = np.asarray(modes, dtype=float)
        self.std = std

    @property
    def root_mean_square(self) -> float:
        """Of the distance from the origin."""
        return math.sqrt((self.modes**2).sum(-1).mean() + 2.0 * self.std**2)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw float32 of shape `(*shape, 2)`."""
        noise = rng.standard_normal((*shape, 2), dtype=np.float32)
        centres = self.modes[rng.integers(len(self.modes), size=shape)]
        return (centres + self.std * noise).astype(np.float32)


class Ring(PlaneMixture):
    """`count` Gaussians, evenly spaced on a circle of `radius` around the origin; the first on the right.

    Raises `ConfigError` where an argument is out of its range.
    """

    @checked
    def __init__(self, *, count: PositiveInt, radius: PositiveFloat, std: PositiveFloat) -> None:
        angles = 2.0 * math.pi * np.arange(count) / count
        super().__init__(radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1), std)


class Grid(PlaneMixture):
    """`side` x `side` Gaussians with `spacing` between neighbours, around the origin.

    Raises `ConfigError` where an argument is out of its range.
    """

    @checked
    def __init__(self, *, side: PositiveInt, spacing: PositiveFloat, std: PositiveFloat) -> None:
        line = spacing * (np.arange(side) - (side - 1) / 2.0)
        super().__init__(np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2), std)


class Custom(PlaneMixture):
    """Gaussians around `modes`, each a list of two coordinates.

    Raises `ConfigError` where an argument is out of its range.
    """

    @checked
    def __init__(self, *, modes: Annotated[list[tuple[Place, Place]], Filled()], std: PositiveFloat) -> None:
        super().__init__(np.array(modes), std)
