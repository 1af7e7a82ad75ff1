"""The best single Gaussian on two modes under a divergence: does it cover both or sit on one, and at what price."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from saddlegan.checks import ConfigError
from saddlegan.theory.shared.densities import DIVERGENCES, Mixture, covered, gaussian, log_normal


def outside(of: Mixture, region: Mixture, level: float = 0.99) -> float:
    """Mass of `of` outside of `region`'s highest-density set of mass `level`, its bounds by linear interpolation."""
    reach = max(abs(mean) + 9.0 * scale for mean, scale in zip(region.means, region.scales, strict=True))
    x = np.linspace(-reach, reach, 8001)
    density = np.exp(covered(region.log_density(x), x[1] - x[0]))
    ordered = np.sort(density)[::-1]
    gap = density - ordered[np.searchsorted(np.cumsum(ordered) * (x[1] - x[0]), level)]
    at = np.flatnonzero((gap[:-1] >= 0) != (gap[1:] >= 0))
    bounds = x[at] - gap[at] * (x[at + 1] - x[at]) / (gap[at + 1] - gap[at])
    return float(1.0 - np.diff(of.cdf(bounds))[::2].sum())


@dataclass(frozen=True)
class Fit:
    """The best Gaussian N(mean, scale^2) under a divergence, its `value`, its shares of `bad` and `missed` samples."""

    value: float
    mean: float
    scale: float
    bad: float
    missed: float


def two_modes(separation: float, width: float) -> Mixture:
    """Equal modes of `width` at -a and a, 2a = separation * width. Raises `ConfigError` where the two are one."""
    if not 0 < separation < math.inf:
        raise ConfigError(f"separation={separation}: got one point, expected two: a finite separation > 0.")
    half = 0.5 * separation * width
    return Mixture((0.5, 0.5), (-half, half), (width, width))


def halves(name: str, p: Mixture) -> tuple[Fit, Fit]:
    """The best N(m, s^2) with m nearer to the middle of modes at -a and a, and the best nearer to a: p is symmetric.

    Raises `ConfigError` unless p is such a one.
    """
    if len(p.means) != 2 or sum(p.means) or len({*p.weights}) > 1 or len({*p.scales}) > 1:
        raise ConfigError(f"p: got modes at {list(p.means)}, expected two alike at -a and a: use two_modes.")
    half = max(p.means)
    return _fit_within(name, p, 0.0, 0.5 * half), _fit_within(name, p, 0.5 * half, 1.5 * half)


def _fit_within(name: str, p: Mixture, low: float, high: float) -> Fit:
    """A grid of starts, then Nelder-Mead from the best of them."""
    width, spread = min(p.scales), math.hypot(max(p.means), max(p.scales))
    step = width / 16.0
    x = np.arange(-12.0 * spread, 12.0 * spread, step)
    log_p = covered(p.log_density(x), step)

    def value(theta: Sequence[float]) -> float:
        return float(DIVERGENCES[name](log_p, log_normal(x, theta[0], math.exp(theta[1])), step))

    scales = math.log(0.5 * width), math.log(1.5 * spread)
    best = min(((mean, scale) for mean in np.linspace(low, high, 7) for scale in np.linspace(*scales, 12)), key=value)
    search = {"xatol": 1e-7, "fatol": 1e-12}
    found = optimize.minimize(value, best, method="Nelder-Mead", bounds=((low, high), scales), options=search)
    q = gaussian(float(found.x[0]), math.exp(found.x[1]))
    return Fit(float(found.fun), q.means[0], q.scales[0], outside(q, p), outside(p, q))


def best_gaussian(name: str, p: Mixture) -> Fit:
    """The global minimum over N(m, s^2) with m >= 0."""
    return min(halves(name, p), key=lambda found: found.value)


def switch(name: str, width: float, low: float, high: float) -> float:
    """The separation, from `low` to `high`, at which the best Gaussian leaves the middle for a mode.

    Raises `ConfigError` where it does not between the two.
    """

    def advantage(separation: float) -> float:
        middle, mode = halves(name, two_modes(separation, width))
        return middle.value - mode.value

    ends = advantage(low), advantage(high)
    if not ends[0] < 0 < ends[1]:
        raise ConfigError(f"switch: got {ends} at {low:g} and {high:g}, expected a change of sign; take other ends.")
    return float(optimize.brentq(advantage, low, high, xtol=1e-4))  # type: ignore


def places(separations: Sequence[float], width: float, fits: Sequence[Fit]) -> list[float]:
    """Where each fit's mean lies: 0 between the modes, 1 on one."""
    return [fit.mean / (0.5 * width * at) for at, fit in zip(separations, fits, strict=True)]
