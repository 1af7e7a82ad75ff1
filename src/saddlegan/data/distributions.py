"""Distributions on the line, with everything that a metric may ask of them. NumPy and SciPy only."""

import math
from abc import ABC, abstractmethod

import numpy as np
from scipy import optimize, special

from saddlegan.checks import Place, Places, PositiveFloat, checked

Array = np.ndarray


class Distribution(ABC):
    """A law on the line. `unit` is the length that W1 is judged in: the standard deviation, where there is one."""

    #: What a model must take to be trained on this.
    samples = "vectors"
    dim = 1
    mean: float
    std: float
    unit: float
    #: Modes that a generator must cover, and the distance from a mode at which a sample still belongs to it.
    modes: Array
    radius: float
    #: `(k, 2)`: position and mass of each atom; empty for a continuous law.
    atoms: Array = np.zeros((0, 2))

    @abstractmethod
    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw float32 of shape `(*shape, 1)`."""

    @abstractmethod
    def cdf(self, x: Array) -> Array:
        """P(X <= x)."""

    def cdf_left(self, x: Array) -> Array:
        """P(X < x); another number than `cdf` at atoms alone."""
        return self.cdf(x)

    def density(self, x: Array) -> Array | None:
        """The density at x, or None where the law has atoms."""
        return None

    @abstractmethod
    def quantiles(self, n: int) -> Array:
        """The n quantiles at (i + 1/2)/n."""


class Mixture(Distribution):
    """An equal mixture of Gaussians N(mean_i, variance). One mean makes a Gaussian.

    Raises `ConfigError` where `variance <= 0` (use `point_mass` or `two_point`) or there is no mean.
    """

    @checked
    def __init__(self, *, means: Places, variance: PositiveFloat) -> None:
        self.modes = np.asarray(means, dtype=float)
        self.scale = math.sqrt(variance)
        self.mean = float(self.modes.mean())
        self.std = math.sqrt(variance + self.modes.var())
        self.unit = self.std
        self.radius = 3.0 * self.scale

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        size = (*shape, 1)
        noise = rng.standard_normal(size, dtype=np.float32)
        centres = self.modes[rng.integers(len(self.modes), size=size)] if len(self.modes) > 1 else self.modes[0]
        return (centres + self.scale * noise).astype(np.float32)

    def cdf(self, x: Array) -> Array:
        return special.ndtr((x[..., None] - self.modes) / self.scale).mean(-1)

    def density(self, x: Array) -> Array:
        z = (x[..., None] - self.modes) / self.scale
        return np.exp(-0.5 * z**2).mean(-1) / (self.scale * math.sqrt(2.0 * math.pi))

    def quantiles(self, n: int) -> Array:
        levels = (np.arange(n) + 0.5) / n
        if len(self.modes) == 1:
            return self.mean + self.scale * special.ndtri(levels)
        reach = 12.0 * self.scale
        low, high = self.modes.min() - reach, self.modes.max() + reach
        return np.array([optimize.brentq(lambda x, u=u: float(self.cdf(np.asarray(x))) - u, low, high) for u in levels])


class Gaussian(Mixture):
    """N(mean, variance). Raises `ConfigError` where `variance <= 0` (use `data=point_mass`)."""

    @checked
    def __init__(self, *, mean: Place, variance: PositiveFloat) -> None:
        super().__init__(means=[mean], variance=variance)


class Atoms(Distribution):
    """Equal masses on points. `unit` takes the place of the standard deviation, which is 0 for one point.

    Raises `ConfigError` where `unit <= 0` or there is no point.
    """

    @checked
    def __init__(self, *, points: Places, unit: PositiveFloat) -> None:
        self.modes = np.sort(np.asarray(points, dtype=float))
        self.mean, self.std, self.unit = float(self.modes.mean()), float(self.modes.std()), unit
        self.radius = 3.0 * unit
        self.atoms = np.stack([self.modes, np.full(len(points), 1.0 / len(points))], axis=-1)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return self.modes[rng.integers(len(self.modes), size=(*shape, 1))].astype(np.float32)

    def cdf(self, x: Array) -> Array:
        return (x[..., None] >= self.modes).mean(-1)

    def cdf_left(self, x: Array) -> Array:
        return (x[..., None] > self.modes).mean(-1)

    def quantiles(self, n: int) -> Array:
        levels = (np.arange(n) + 0.5) / n
        return self.modes[np.minimum((levels * len(self.modes)).astype(int), len(self.modes) - 1)]
