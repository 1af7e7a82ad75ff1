"""Scores of samples in the plane against an equal mixture of Gaussians N(mode, std^2 I).

Samples come as `(seeds, n, 2)`; every function returns `(seeds,)`, and NaN for a seed with a sample that is not finite.
A sample is of high quality within three standard deviations of its nearest mode: the protocol of Srivastava et al.
(2017), arXiv:1705.07761, and Lin et al. (2018), arXiv:1712.04086, who take 2500 samples.
"""

import math

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from saddlegan.metrics.facts import ASSIGNED, metric

Points = Float[np.ndarray, "seeds n 2"]
Modes = Float[np.ndarray, "modes 2"]
PerSeed = Float[np.ndarray, "seeds"]

#: Standard deviations from its mode within which a sample is of high quality.
NEAR = 3.0


@metric("W1")
def wasserstein_1(samples: Points, real: Points, most: int = ASSIGNED) -> PerSeed:
    """Wasserstein-1 (lower is better, data units) between the first `most` generated and as many real samples: the
    optimal assignment, exactly. Of two sets of real samples it is not 0 either."""

    def of(fake: np.ndarray, true: np.ndarray) -> float:
        if not np.isfinite(fake).all():
            return math.nan
        count = min(most, len(fake), len(true))
        costs = cdist(fake[:count], true[:count])
        return float(costs[linear_sum_assignment(costs)].mean())

    return np.array([of(*pair) for pair in zip(samples, real, strict=True)])


@metric("modes covered", better="higher")
def modes_covered(samples: Points, modes: Modes, std: float) -> PerSeed:
    """How many modes are the nearest one of at least one sample of high quality (higher is better)."""
    return _judged(samples, (_counts(samples, modes, std) > 0).sum(-1))


@metric("high-quality share", better="higher", most=1.0)
def high_quality(samples: Points, modes: Modes, std: float) -> PerSeed:
    """The share of samples of high quality (higher is better; 0.989 of real samples, 1 - exp(-4.5))."""
    return _judged(samples, _counts(samples, modes, std).sum(-1) / samples.shape[-2])


@metric("reverse KL of modes")
def reverse_kl(samples: Points, modes: Modes, std: float) -> PerSeed:
    """KL(shares of the modes among samples of high quality | equal shares) in nats: 0 for equal shares, log(modes) for
    one mode alone (lower is better); NaN where no sample is of high quality."""
    shares = _shares(samples, modes, std)
    terms = np.where(shares > 0, shares * np.log(np.where(shares > 0, shares * len(modes), 1.0)), 0.0)
    return _judged(samples, np.where(np.isnan(shares).any(-1), np.nan, np.maximum(terms.sum(-1), 0.0)))


@metric("total variation of modes", most=1.0)
def total_variation(samples: Points, modes: Modes, std: float) -> PerSeed:
    """Total variation between the shares of the modes among samples of high quality and equal shares: 0 for equal
    ones, 1 - 1 / modes for one mode alone (lower is better); NaN where no sample is of high quality."""
    return _judged(samples, np.abs(_shares(samples, modes, std) - 1.0 / len(modes)).sum(-1) / 2.0)


def _counts(samples: Points, modes: Modes, std: float) -> Int[np.ndarray, "seeds modes"]:
    """How many samples of high quality are nearest to each mode."""
    squares = ((samples[..., None, :] - modes) ** 2).sum(-1)
    nearest, good = squares.argmin(-1), squares.min(-1) < (NEAR * std) ** 2
    return np.stack([np.bincount(of[near], minlength=len(modes)) for of, near in zip(nearest, good, strict=True)])


def _shares(samples: Points, modes: Modes, std: float) -> Float[np.ndarray, "seeds modes"]:
    counts = _counts(samples, modes, std)
    totals = counts.sum(-1, keepdims=True)
    return np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)


def _judged(samples: Points, values: np.ndarray) -> PerSeed:
    return np.where(np.isfinite(samples).all((-1, -2)), values, np.nan).astype(float)
