"""What losses say of quality along a run, and what a random search says of methods: correlations, spreads, budgets."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from saddlegan.checks import ConfigError
from saddlegan.reporting.statistics import CONFIDENCE, RESAMPLES, Estimate

LEAST = 4  # evaluations of a run below which its rank correlation is not taken


def rank_correlation(loss: NDArray, quality: NDArray) -> float:
    """Spearman's rho in [-1, 1] over the evaluations (n,) where both are finite; NaN of fewer than `LEAST`, or where
    one of them never changes."""
    both = np.isfinite(loss) & np.isfinite(quality)
    a, b = (stats.rankdata(values[both]) for values in (loss, quality))
    if a.size < LEAST or not np.ptp(a) or not np.ptp(b):
        return np.nan
    return float(np.corrcoef(a, b)[0, 1])


def between_share(values: NDArray) -> Estimate:
    """Share of the variance of `values` (settings, seeds) that lies between settings, by the one-way analysis of
    variance, with its bootstrap interval over settings. Raises `ConfigError` of fewer than two of either, and of
    values that are all the same."""
    if min(values.shape) < 2 or not np.ptp(values) > 0:
        raise ConfigError(
            f"values: got shape {values.shape} and range {np.ptp(values):g}, expected two settings and two seeds at "
            "least that are not all the same."
        )
    rng = np.random.default_rng(0)
    drawn = _share(values[rng.integers(len(values), size=(RESAMPLES, len(values)))])
    low, high = np.quantile(drawn, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Estimate(float(_share(values)), float(low), float(high), len(values))


def _share(values: NDArray) -> NDArray:
    within = values.var(-1, ddof=1).mean(-1)
    between = np.maximum(values.mean(-1).var(-1, ddof=1) - within / values.shape[-1], 0)
    return between / (between + within)


def expected_best(values: NDArray, budgets: Sequence[int]) -> list[Estimate]:
    """Mean of the least of k draws from `values` (settings,) for each budget k, with its bootstrap interval over
    settings. Raises `ConfigError` where there is no value or a budget below 1."""
    if not values.size or min(budgets, default=0) < 1:
        raise ConfigError(f"budgets: got {list(budgets)} of {values.size} settings, expected numbers >= 1 of some.")
    count, k = len(values), np.asarray(budgets)
    reached = (np.arange(count, -1, -1)[:, None] / count) ** k  # that all k draws have rank i or above
    weights = reached[:-1] - reached[1:]
    drawn = values[np.random.default_rng(0).integers(count, size=(RESAMPLES, count))]
    ends = np.quantile(np.sort(drawn) @ weights, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2), axis=0)
    best = np.sort(values) @ weights
    return [Estimate(float(v), float(low), float(high), count) for v, low, high in zip(best, *ends, strict=True)]
