"""Statistics over seeds: bootstrap intervals, shares, paired comparison with a reference, Holm's correction.

Everything is deterministic: the resampling is seeded.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval over `count` seeds; NaN where there are too few seeds to say."""

    value: float
    low: float
    high: float
    count: int

    def above(self, level: float) -> bool:
        """Whether the whole interval lies above `level`."""
        return self.low > level

    def below(self, level: float) -> bool:
        """Whether the whole interval lies below `level`."""
        return self.high < level


@dataclass(frozen=True)
class Comparison:
    """A method against the reference on the `seeds` seeds that both have.

    `ratio`: geometric mean of metric(method) / metric(reference) over the pairs where both are finite and positive.
    `worse`: share of all pairs in which the method is worse; only the method diverged: worse; both diverged: not.
    `sign`: +1 where worse pairs outrank better ones in the signed-rank sums, -1 where better outrank worse, else 0.
    `p`: Wilcoxon's signed-rank test on the log ratios, two-sided, a diverged side counting as the worst rank.
    """

    ratio: Estimate
    worse: Estimate
    sign: int
    p: float
    seeds: int


def mean(values: ArrayLike) -> Estimate:
    """Mean with its bias-corrected and accelerated bootstrap interval; not finite values are left out."""
    return _bootstrap(values, np.mean, "BCa")


def median(values: ArrayLike) -> Estimate:
    """Median with its percentile bootstrap interval (BCa suits only smooth statistics); not finite values left out."""
    return _bootstrap(values, np.median, "percentile")


def share(flags: ArrayLike) -> Estimate:
    """Share of true flags with Wilson's interval, which, unlike the bootstrap's, keeps a width at 0 and at 1."""
    flags = np.asarray(flags, dtype=bool)
    if not flags.size:
        return Estimate(np.nan, np.nan, np.nan, 0)
    interval = stats.binomtest(int(flags.sum()), flags.size).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(float(flags.mean()), float(interval.low), float(interval.high), flags.size)


def compare(method: pd.Series, reference: pd.Series, *, higher_is_better: bool = False) -> Comparison:
    """Compare a metric, indexed by seed and NaN where diverged, on the seeds that both methods have."""
    a, b = _common(method, reference)
    estimate = mean(_log_ratios(a, b))
    value, low, high = np.exp([estimate.value, estimate.low, estimate.high]).tolist()
    ratio = Estimate(value, low, high, estimate.count)
    excess = _excess(a, b, higher_is_better)
    ranks = stats.rankdata(np.abs(excess))
    sign = int(np.sign((np.sign(excess) * ranks).sum()))
    return Comparison(ratio, share(excess > 0), sign, _signed_rank(excess), a.size)


def ratio(method: pd.Series, reference: pd.Series) -> float:
    """`compare(...).ratio.value` alone, without the price of its interval."""
    logs = _log_ratios(*_common(method, reference))
    return float(np.exp(logs.mean())) if logs.size else np.nan


def difference(method: pd.Series, reference: pd.Series) -> Estimate:
    """Mean of method - reference over the seeds that both have, with its bootstrap interval: for flags, NaN as 0."""
    a, b = _common(method, reference)
    return mean(np.nan_to_num(a) - np.nan_to_num(b))


def holm(p_values: ArrayLike) -> NDArray:
    """Holm's (1979) step-down adjusted p-values; NaN (no test made) stays NaN and is not counted."""
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def _bootstrap(values: ArrayLike, statistic, method: str) -> Estimate:
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if not values.size:
        return Estimate(np.nan, np.nan, np.nan, 0)
    value = float(statistic(values))
    if values.size == 1:
        return Estimate(value, np.nan, np.nan, 1)
    if np.ptp(values) == 0:
        return Estimate(value, value, value, values.size)
    interval = stats.bootstrap(
        (values,),
        statistic,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method=method,
        rng=np.random.default_rng(0),
    ).confidence_interval
    if method == "BCa" and not np.isfinite((interval.low, interval.high)).all():
        return _bootstrap(values, statistic, "percentile")
    return Estimate(value, float(interval.low), float(interval.high), values.size)


def _common(method: pd.Series, reference: pd.Series) -> tuple[NDArray, NDArray]:
    seeds = method.index.intersection(reference.index)
    return method.reindex(seeds).to_numpy(dtype=float), reference.reindex(seeds).to_numpy(dtype=float)


def _log_ratios(a: NDArray, b: NDArray) -> NDArray:
    both = np.isfinite(a) & np.isfinite(b) & (a > 0) & (b > 0)
    return np.log(a[both] / b[both])


def _excess(a: NDArray, b: NDArray, higher_is_better: bool) -> NDArray:
    """How much worse the method is, per seed: log ratio (difference, if any value is 0); ±inf if one side diverged."""
    finite = np.isfinite(a) & np.isfinite(b)
    excess = np.zeros(a.shape)
    x, y = (b[finite], a[finite]) if higher_is_better else (a[finite], b[finite])
    excess[finite] = np.log(x / y) if np.all((x > 0) & (y > 0)) else x - y
    excess[~np.isfinite(a) & np.isfinite(b)] = np.inf
    excess[np.isfinite(a) & ~np.isfinite(b)] = -np.inf
    return excess


def _signed_rank(excess: NDArray) -> float:
    if excess.size < 2:
        return np.nan
    return float(stats.wilcoxon(excess)[1]) if np.any(excess) else 1.0  # type: ignore
