"""Distances between samples on the line and a distribution that is known exactly.

Samples come as `(seeds, n)`, sorted along n; every function returns `(seeds,)`, and NaN for a seed with a NaN sample.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from saddlegan.metrics.facts import metric

Sorted = Float[np.ndarray, "seeds n"]
PerSeed = Float[np.ndarray, "seeds"]
Cdf = Callable[[np.ndarray], np.ndarray]


@metric("W1")
def wasserstein_1(samples: Sorted, quantiles: Float[np.ndarray, "n"]) -> PerSeed:
    """Wasserstein-1 (lower is better, data units) to the law with these quantiles at (i + 1/2)/n."""
    return np.abs(samples - quantiles).mean(-1)


@metric("W1 / true std")
def wasserstein_1_in_stds(samples: Sorted, quantiles: Float[np.ndarray, "n"], std: float) -> PerSeed:
    """Wasserstein-1 over the true standard deviation (lower is better); `std > 0`."""
    return wasserstein_1(samples, quantiles) / std


@metric("Kolmogorov-Smirnov", most=1.0)
def kolmogorov_smirnov(samples: Sorted, cdf: Cdf, cdf_left: Cdf | None = None) -> PerSeed:
    """sup |F_n - F| in [0, 1] (lower is better). `cdf_left(x)` is F(x-), for a law with atoms, where it is not F(x)."""
    n = samples.shape[-1]
    right = cdf(samples)
    left = right if cdf_left is None else cdf_left(samples)
    above, below = np.arange(1, n + 1) / n - right, left - np.arange(n) / n
    return np.maximum(above.max(-1), below.max(-1))


@metric("error of the mean", better="none", least=None)
def mean_error(samples: Sorted, mean: float) -> PerSeed:
    """Sample mean minus the true mean (signed, data units)."""
    return samples.mean(-1) - mean


@metric("std / true std", better="one")
def std_ratio(samples: Sorted, std: float) -> PerSeed:
    """Sample standard deviation over the true one (1 is best); `std > 0`."""
    return samples.std(-1, ddof=1) / std


@metric("modes covered", better="higher")
def modes_covered(samples: Sorted, modes: Float[np.ndarray, "modes"], radius: float, least: float = 0.25) -> PerSeed:
    """How many modes hold, within `radius`, at least `least` times an equal share of the samples (higher is better).

    The share keeps a stray sample, swept over a mode by a generator that is continuous in z, from counting as cover.
    """
    near = np.abs(samples[..., None] - modes) <= radius
    covered = (near.mean(-2) >= least / len(modes)).sum(-1).astype(float)
    return np.where(np.isfinite(samples).all(-1), covered, np.nan)


@metric("mean |D - D*|", when="end")
def discriminator_error(
    samples: Float[np.ndarray, "seeds n"],
    scores: Float[np.ndarray, "seeds n"],
    real: Float[np.ndarray, "seeds m"],
    real_scores: Float[np.ndarray, "seeds m"],
    optimum: Callable[[np.ndarray, np.ndarray], np.ndarray],
    bins: int = 16,
) -> PerSeed:
    """Mean |D - D*| in units of D (lower is better) over `bins` intervals that hold equally many samples, real and fake
    ones together. D is the mean of `scores` in one; D* the `optimum` for the shares that it has of the real and of the
    fake samples, one of each added so that it is finite. Samples may be in any order."""
    errors = []
    for fake, of_fake, true, of_true in zip(samples, scores, real, real_scores, strict=True):
        both, score = np.concatenate([true, fake]), np.concatenate([of_true, of_fake])
        real_here = np.arange(both.size) < true.size
        parts = np.array_split(np.argsort(both, kind="stable"), bins)
        p = np.array([(real_here[part].sum() + 1) / (true.size + bins) for part in parts])
        q = np.array([((~real_here[part]).sum() + 1) / (fake.size + bins) for part in parts])
        found = np.array([score[part].mean() for part in parts])
        errors.append(np.abs(found - optimum(p, q)).mean() if np.isfinite(both).all() else np.nan)
    return np.array(errors)
