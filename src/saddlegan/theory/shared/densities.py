"""Densities on the line in log space, and divergences between two of them on a grid.

Integrals are sums: for smooth densities that vanish at both ends of the grid the rectangle rule converges faster than
any power of its step (not for total variation and Wasserstein-1, whose integrands have kinks).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from saddlegan.checks import ConfigError

Array = NDArray[np.float64]
LOG2 = math.log(2.0)


def check_scale(scale: ArrayLike) -> None:
    """Raise `ConfigError` unless 0 < scale < infinity."""
    if not np.all((np.asarray(scale) > 0) & np.isfinite(scale)):
        raise ConfigError(f"scale={scale}: got {scale}, expected a finite number > 0; a point has no density.")


def log_normal(x: Array, mean: float | Array, scale: float | Array) -> Array:
    """log N(x; mean, scale^2), of the shape that the three give together."""
    check_scale(scale)
    return -0.5 * ((x - mean) / scale) ** 2 - np.log(scale) - 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True)
class Mixture:
    """Gaussians N(mean_i, scale_i^2). Raises `ConfigError` unless weights are >= 0 with sum 1 and scales are > 0."""

    weights: Sequence[float]
    means: Sequence[float]
    scales: Sequence[float]

    def __post_init__(self) -> None:
        sizes = (len(self.weights), len(self.means), len(self.scales))
        if len(set(sizes)) > 1 or not sizes[0]:
            raise ConfigError(f"mixture: got {sizes} weights, means and scales, expected as many of each, at least 1.")
        if not (min(self.weights) >= 0 and math.isclose(sum(self.weights), 1.0, abs_tol=1e-9)):
            raise ConfigError(f"weights={self.weights}: got a sum of {sum(self.weights):g}, expected all >= 0, sum 1.")
        check_scale(self.scales)

    def log_density(self, x: Array) -> Array:
        """log p(x), of the shape of x."""
        parts = log_normal(x[..., None], np.array(self.means), np.array(self.scales))
        return np.asarray(special.logsumexp(parts, axis=-1, b=np.array(self.weights)))

    def cdf(self, x: Array) -> Array:
        """P(X <= x), of the shape of x."""
        z = (x[..., None] - np.array(self.means)) / np.array(self.scales)
        return special.ndtr(z) @ np.array(self.weights)


def gaussian(mean: float, scale: float) -> Mixture:
    """N(mean, scale^2) as a mixture of one."""
    return Mixture((1.0,), (mean,), (scale,))


def covered(log_density: Array, step: float) -> Array:
    """`log_density` (..., x) back. Raises `ConfigError` where the grid's sum is not within 1e-6 of mass 1."""
    masses = np.exp(log_density).sum(-1) * step
    worst = float(masses.flat[np.abs(masses - 1.0).argmax()]) if np.ndim(masses) else float(masses)
    if not abs(worst - 1.0) < 1e-6:
        remedy = f"widen the grid or make its step {step:.3g} smaller, or normalise the density"
        raise ConfigError(f"grid: got a density of mass {worst:.6g} on it, expected 1; {remedy}.")
    return log_density


def kl(log_p: Array, log_q: Array, step: float) -> Array:
    """KL(p||q) over the last axis: finite where q underflows, infinite only where log q is -inf and p is not 0."""
    shape = np.broadcast_shapes(log_p.shape, log_q.shape)
    ratio = np.subtract(log_p, log_q, out=np.zeros(shape), where=np.broadcast_to(log_p > -np.inf, shape))
    return (np.exp(log_p) * ratio).sum(-1) * step


def js(log_p: Array, log_q: Array, step: float) -> Array:
    """Jensen-Shannon divergence, the mean of both KL to (p + q) / 2: at most log 2."""
    log_m = np.logaddexp(log_p, log_q) - LOG2
    return 0.5 * (kl(log_p, log_m, step) + kl(log_q, log_m, step))


def total_variation(log_p: Array, log_q: Array, step: float) -> Array:
    """Half the area between the two densities: at most 1."""
    return 0.5 * np.abs(np.exp(log_p) - np.exp(log_q)).sum(-1) * step


def wasserstein(log_p: Array, log_q: Array, step: float) -> Array:
    """W1 on the line: the area between the two distribution functions."""
    return np.abs(np.cumsum(np.exp(log_p) - np.exp(log_q), axis=-1)).sum(-1) * step**2


DIVERGENCES: dict[str, Callable[[Array, Array, float], Array]] = {
    "KL(p||q)": kl,
    "KL(q||p)": lambda log_p, log_q, step: kl(log_q, log_p, step),
    "JS": js,
    "total variation": total_variation,
    "Wasserstein-1": wasserstein,
}


def gaussian_kl(mu: float | Array, scale: float) -> tuple[Array, Array]:
    """KL(p||q) and KL(q||p) of p = N(0, 1), q = N(mu, scale^2): closed forms."""
    check_scale(scale)
    square, log = np.square(mu), math.log(scale)
    return log + (1.0 + square) / (2.0 * scale**2) - 0.5, (scale**2 + square - 1.0) / 2.0 - log


def gaussian_js(mu: Array, scale: float) -> tuple[Array, Array]:
    """JS of p = N(0, 1), q = N(mu, scale^2) and its gradient by mu, -E_q[(x - mu) log(1 + p/q)] / (2 scale^2)."""
    check_scale(scale)
    step = min(1.0, scale) / 20.0
    x = np.arange(min(-10.0, mu.min() - 10.0 * scale), max(10.0, mu.max() + 10.0 * scale), step)
    log_p, log_q = covered(log_normal(x, 0.0, 1.0), step), covered(log_normal(x, mu[:, None], scale), step)
    pull = np.exp(log_q) * (x - mu[:, None]) * np.logaddexp(0.0, log_p - log_q)
    return js(log_p, log_q, step), -pull.sum(-1) * step / (2.0 * scale**2)


def moving(mu: Array) -> dict[str, tuple[Array, Array]]:
    """Values and gradients by mu >= 0 of every divergence between N(0, 1) and N(mu, 1), each (len(mu),).

    Raises `ConfigError` where one is negative or not finite.
    """
    if not ((mu >= 0) & np.isfinite(mu)).all():
        raise ConfigError(f"mu={mu}: expected finite numbers >= 0: the gradients are those of moving away from 0.")
    forward, reverse = gaussian_kl(mu, 1.0)
    variation = special.erf(mu / math.sqrt(8.0)), np.exp(-(mu**2) / 8.0) / math.sqrt(2.0 * math.pi)
    pairs = (forward, mu), (reverse, mu), gaussian_js(mu, 1.0), variation, (mu, np.ones_like(mu))
    return dict(zip(DIVERGENCES, pairs, strict=True))


def prices(share: float) -> dict[str, tuple[float, float]]:
    """Of q that puts `share` where p has nothing, and of q that misses `share` of p, both one unit of length away.

    Raises `ConfigError` unless 0 < share < 1.
    """
    if not 0.0 < share < 1.0:
        raise ConfigError(f"share={share}: expected a share between 0 and 1.")
    with np.errstate(divide="ignore"):
        part, whole = np.log([1.0 - share, share]), np.log([1.0, 0.0])
    return {name: (float(of(whole, part, 1.0)), float(of(part, whole, 1.0))) for name, of in DIVERGENCES.items()}
