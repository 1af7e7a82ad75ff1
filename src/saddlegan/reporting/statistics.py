"""Statistics over seeds: means, medians and shares with their intervals, by bootstrap or, of few, Student's.

Everything is deterministic: the resampling is seeded.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
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
