"""Statistics over seeds: intervals (bootstrap, or Student's of few), shares, paired comparison, Holm's correction.

Everything is deterministic: the resampling is seeded.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 2000
FEW = 16  # seeds below which an interval is Student's: see `student`


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

    def within(self, low: float, high: float) -> bool:
        """Whether the whole interval lies in [low, high]."""
        return low <= self.low and self.high <= high


@dataclass(frozen=True)
class Comparison:
    """A method against the reference on the `seeds` seeds that both have.

    `ratio`: geometric mean of metric(method) / metric(reference) over the pairs where both are finite and positive.
    `worse`: share of all pairs in which the method is worse; only the method diverged: worse; both diverged: not.
    `sign`: +1 where worse pairs outrank better ones in the signed-rank sums, -1 where better outrank worse, else 0.
    `p`: Wilcoxon's signed-rank test on the log ratios, two-sided, a diverged side counting as the worst rank. Of fewer
    than `FEW` seeds, none diverged, Student's test on them: Wilcoxon's p of five pairs is at least 1/16.
    """

    ratio: Estimate
    worse: Estimate
    sign: int
    p: float
    seeds: int


def mean(values: ArrayLike) -> Estimate:
    """Mean with its bias-corrected and accelerated bootstrap interval; not finite values are left out."""
    return _bootstrap(values, np.mean, "BCa")


def student(values: ArrayLike) -> Estimate:
    """Mean with Student's t interval, exact for normal values of any number; not finite values are left out.

    For few seeds: a bootstrap only resamples what was seen, and is far too narrow. Of three normal values its 95 %
    interval covers the mean in about 74 % of all cases, of five in 83 %.
    """
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if values.size < 2:
        return Estimate(float(values.mean()) if values.size else np.nan, np.nan, np.nan, values.size)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size)
    return Estimate(float(values.mean()), float(values.mean() - half), float(values.mean() + half), values.size)


def average(values: ArrayLike) -> Estimate:
    """`student` of fewer than `FEW` seeds, diverged ones counted, else `mean`."""
    return student(values) if np.size(values) < FEW else mean(values)


def median(values: ArrayLike) -> Estimate:
    """Median with its percentile bootstrap interval (BCa suits only smooth statistics); not finite values left out.

    Of fewer than six seeds it has none: even from the least to the greatest value covers it in at most 94 % of cases.
    """
    if np.size(values) < 6:
        finite = np.asarray(values, dtype=float)[np.isfinite(values)]
        return Estimate(float(np.median(finite)) if finite.size else np.nan, np.nan, np.nan, finite.size)
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
    logs = _log_ratios(a, b)
    ratio = _exponential(student(logs) if a.size < FEW else mean(logs))
    excess = _excess(a, b, higher_is_better)
    ranks = stats.rankdata(np.abs(excess))
    sign = int(np.sign((np.sign(excess) * ranks).sum()))
    return Comparison(ratio, share(excess > 0), sign, _p(excess), a.size)


def equivalence(method: pd.Series, reference: pd.Series) -> Estimate:
    """Geometric mean ratio over the common seeds in which both are finite, with Student's interval on log ratios.

    To be compared with a margin, such as [0.8, 1.25], that was fixed before: an interval inside it shows equivalence,
    which a difference that is not significant does not.
    """
    return _exponential(student(_log_ratios(*_common(method, reference))))


def ratio(method: pd.Series, reference: pd.Series) -> float:
    """`compare(...).ratio.value` alone, without the price of its interval."""
    logs = _log_ratios(*_common(method, reference))
    return float(np.exp(logs.mean())) if logs.size else np.nan


def difference(method: pd.Series, reference: pd.Series) -> Estimate:
    """Share of flags of method minus that of reference over the seeds that both have; NaN is a false one.

    Its interval is that of Newcombe (1998), Statist. Med. 17, 2635, method 10 for paired shares: the Wilson intervals
    of both, put together by the correlation of the flags, with his correction for continuity. It keeps a width where no
    seed differs.
    """
    a, b = (np.nan_to_num(flags) > 0 for flags in _common(method, reference))
    first, second = share(a), share(b)
    excess = float((a & b).sum() * (~a & ~b).sum() - (a & ~b).sum() * (~a & b).sum())
    if excess > 0:
        excess = max(excess - a.size / 2, 0.0)
    spread = np.sqrt(float(a.sum() * (~a).sum() * b.sum() * (~b).sum()))
    correlation = excess / spread if spread else 0.0

    def half(one: float, other: float) -> float:
        return float(np.sqrt(one**2 - 2 * correlation * one * other + other**2))

    value = first.value - second.value
    low = value - half(first.value - first.low, second.high - second.value)
    return Estimate(value, low, value + half(first.high - first.value, second.value - second.low), first.count)


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


def _exponential(logs: Estimate) -> Estimate:
    value, low, high = np.exp([logs.value, logs.low, logs.high]).tolist()
    return Estimate(value, low, high, logs.count)


def _p(excess: NDArray) -> float:
    if excess.size < 2:
        return np.nan
    if excess.size < FEW and np.isfinite(excess).all() and np.ptp(excess) > 0:
        return float(stats.ttest_1samp(excess, 0.0)[1])  # type: ignore
    return float(stats.wilcoxon(excess)[1]) if np.any(excess) else 1.0  # type: ignore
