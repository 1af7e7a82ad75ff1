"""Two settings on the seeds that both have: ratios, differences of shares, equivalence, Holm's correction."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from saddlegan.reporting.statistics import FEW, TIE, Estimate, average, flags, numbers, share, student

SIGNIFICANT = 0.05  # of p after Holm's correction


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


def compare(method: pd.Series, reference: pd.Series, *, higher_is_better: bool = False) -> Comparison:
    """Compare a metric, indexed by seed and NaN where diverged, on the seeds that both methods have."""
    a, b = _common(method, reference)
    excess = _excess(a, b, higher_is_better)
    return Comparison(_exponential(average(_log_ratios(a, b))), share(excess > 0), _sign(excess), _p(excess), a.size)


def signed(method: pd.Series, reference: pd.Series, *, higher_is_better: bool = False) -> tuple[int, float]:
    """`sign` and `p` of `compare` alone, without the price of its intervals."""
    excess = _excess(*_common(method, reference), higher_is_better)
    return _sign(excess), _p(excess)


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
    """Share of flags of method minus that of reference over the seeds that both have; a missing one is false.

    Its interval is that of Newcombe (1998), Statist. Med. 17, 2635, method 10 for paired shares: the Wilson intervals
    of both, put together by the correlation of the flags, with his correction for continuity. It keeps a width where no
    seed differs.
    """
    a, b = (flags(values) for values in _common(method, reference))
    first, second = share(a), share(b)
    excess = float((a & b).sum() * (~a & ~b).sum() - (a & ~b).sum() * (~a & b).sum())
    excess = max(excess - a.size / 2, min(excess, 0.0))
    correlation = excess / max(np.sqrt(float(a.sum() * (~a).sum() * b.sum() * (~b).sum())), 1.0)

    def half(one: float, other: float) -> float:
        return float(np.sqrt(one**2 - 2 * correlation * one * other + other**2))

    value = first.value - second.value
    low = value - half(first.value - first.low, second.high - second.value)
    return Estimate(value, low, value + half(first.high - first.value, second.value - second.low), first.count)


def holm(p_values: ArrayLike) -> NDArray:
    """Holm's (1979) step-down adjusted p-values; NaN (no test made) stays NaN and is not counted."""
    p = numbers(p_values)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def _common(method: pd.Series, reference: pd.Series) -> tuple[NDArray, NDArray]:
    seeds = method.index.intersection(reference.index)
    return numbers(method.reindex(seeds)), numbers(reference.reindex(seeds))


def _log_ratios(a: NDArray, b: NDArray) -> NDArray:
    both = np.isfinite(a) & np.isfinite(b) & (a > 0) & (b > 0)
    return _tied(np.log(a[both] / b[both]), 1.0)


def _excess(a: NDArray, b: NDArray, higher_is_better: bool) -> NDArray:
    """How much worse the method is, per seed: log ratio (difference, if any value is 0); ±inf if one side diverged."""
    finite = np.isfinite(a) & np.isfinite(b)
    excess = np.zeros(a.shape)
    x, y = (b[finite], a[finite]) if higher_is_better else (a[finite], b[finite])
    logs = np.all((x > 0) & (y > 0))
    excess[finite] = _tied(np.log(x / y) if logs else x - y, 1.0 if logs else np.abs([x, y]).max())
    excess[~np.isfinite(a) & np.isfinite(b)] = np.inf
    excess[np.isfinite(a) & ~np.isfinite(b)] = -np.inf
    return excess


def _sign(excess: NDArray) -> int:
    return int(np.sign((np.sign(excess) * stats.rankdata(np.abs(excess))).sum()))


def _tied(values: NDArray, scale: float) -> NDArray:
    """Values with those sizes made equal that differ by rounding at this `scale` alone, and 0 where they are rounding:
    ranks, signs and a variance of 0 hang on it."""
    sizes = np.abs(values)
    order = np.argsort(sizes)
    rises = np.diff(sizes[order], prepend=0.0) > TIE * scale
    sizes[order] = np.maximum.accumulate(np.where(rises, sizes[order], 0.0))
    return np.copysign(sizes, values)


def _exponential(logs: Estimate) -> Estimate:
    value, low, high = np.exp([logs.value, logs.low, logs.high]).tolist()
    return Estimate(value, low, high, logs.count)


def _p(excess: NDArray) -> float:
    if excess.size < 2:
        return np.nan
    if excess.size < FEW and np.isfinite(excess).all() and np.ptp(excess) > 0:
        return float(stats.ttest_1samp(excess, 0.0)[1])  # type: ignore
    return float(stats.wilcoxon(excess)[1]) if np.any(excess) else 1.0  # type: ignore
