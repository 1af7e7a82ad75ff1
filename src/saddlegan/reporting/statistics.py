"""Statistics over seeds: means, medians and shares with their intervals, by bootstrap or, of few, Student's.

Values are lists, arrays or series, one value per seed. None, NaN and infinity stand for a seed without a value: means
and medians leave it out, shares count it as false. Values that are equal to rounding are equal. Everything is
deterministic: the resampling is seeded.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 2000
FEW = 16  # seeds below which an interval is Student's: see `student`
DIGITS = 12  # to which values are equal: what they differ by beyond is rounding
TIE = 10.0**-DIGITS


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


def numbers(values: ArrayLike) -> NDArray:
    """Values as floats; None, and whatever else pandas calls missing, is NaN. Raises where one is no number."""
    array = np.asarray(values)
    if array.dtype == object:
        array = np.where(pd.isna(array), np.nan, array)
    return array.astype(float)


def flags(values: ArrayLike) -> NDArray:
    """True where a value is positive; a missing or infinite one is false."""
    values = numbers(values)
    return np.isfinite(values) & (values > 0)


def mean(values: ArrayLike) -> Estimate:
    """Mean with its bias-corrected and accelerated bootstrap interval, which lies between the least and the greatest
    value."""
    return _bootstrap(values, np.mean, "BCa")


def student(values: ArrayLike, least: float = -np.inf, most: float = np.inf) -> Estimate:
    """Mean with Student's t interval, exact for normal values of any number, inside of the range [least, most].

    For few seeds: a bootstrap only resamples what was seen, and is far too narrow. Of three normal values its 95 %
    interval covers the mean in about 74 % of all cases, of five in 83 %.

    In a range with ends the interval is formed where there are none, and carried back: on the logarithm of the mean's
    distance from `least`, or, with two ends, on the logit of its place between them (delta method). In simulations of
    3, 5 and 10 values it covers the mean as often as the plain interval where values are normal with a deviation of up
    to 0.3 means (95 %), and more often where they are skewed: log-normal with a deviation of the logarithm of 1, 91, 89
    and 88 % for 84, 82 and 84; exponential 95, 94 and 93 % for 89, 88 and 90; Beta(20, 1), whose mean is 0.95, 94, 94
    and 93 % for 89, 89 and 91. `most` may be finite where `least` is. Values outside of the range refute it, and the
    interval is the plain one.
    """
    values = _finite(values)
    if values.size < 2 or _all_equal(values):
        return _without_width(values)
    value = float(values.mean())
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size))
    if np.isinf(least) or values.min() < least or values.max() > most:
        return Estimate(value, value - half, value + half, values.size)
    above, below = value - least, most - value
    factor = np.exp(half / above + half / below)
    if np.isinf(most):
        return Estimate(value, least + above / factor, least + above * factor, values.size)
    low, high = (above / (above + below * by) for by in (factor, 1 / factor))
    return Estimate(value, least + (most - least) * low, least + (most - least) * high, values.size)


def average(values: ArrayLike, least: float = -np.inf, most: float = np.inf) -> Estimate:
    """`student` where fewer than `FEW` seeds have a value, else `mean`: inside of [least, most] either way."""
    return student(values, least, most) if _finite(values).size < FEW else mean(values)


def median(values: ArrayLike) -> Estimate:
    """Median with its percentile bootstrap interval (BCa suits only smooth statistics).

    Of fewer than six values it has none: even from the least to the greatest one covers it in at most 94 % of cases.
    """
    values = _finite(values)
    if values.size < 6:
        return Estimate(float(np.median(values)) if values.size else np.nan, np.nan, np.nan, values.size)
    return _bootstrap(values, np.median, "percentile")


def share(values: ArrayLike) -> Estimate:
    """Share of true flags with Wilson's interval, which, unlike the bootstrap's, keeps a width at 0 and at 1."""
    true = flags(values)
    if not true.size:
        return Estimate(np.nan, np.nan, np.nan, 0)
    interval = stats.binomtest(int(true.sum()), true.size).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(float(true.mean()), float(interval.low), float(interval.high), true.size)


def _finite(values: ArrayLike) -> NDArray:
    values = numbers(values)
    return values[np.isfinite(values)]


def _all_equal(values: NDArray) -> bool:
    return bool(np.ptp(values) <= TIE * np.abs(values).max())


def _without_width(values: NDArray) -> Estimate:
    """The mean of equal values, or of fewer than two, which have no interval."""
    value = float(values.mean()) if values.size else np.nan
    end = value if values.size > 1 else np.nan
    return Estimate(value, end, end, values.size)


def _bootstrap(values: ArrayLike, statistic, method: str) -> Estimate:
    values = _finite(values)
    if values.size < 2 or _all_equal(values):
        return _without_width(values)
    value = float(statistic(values))
    digits = DIGITS - int(np.floor(np.log10(np.abs(values).max())))

    def to_rounding(sample: NDArray, axis: int = -1) -> NDArray:
        """BCa counts what lies below the estimate: of few distinct values much is equal to it but for rounding."""
        return np.round(statistic(sample, axis=axis), digits)

    interval = stats.bootstrap(
        (values,),
        to_rounding,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method=method,
        rng=np.random.default_rng(0),
    ).confidence_interval
    if method == "BCa" and not np.isfinite((interval.low, interval.high)).all():
        return _bootstrap(values, statistic, "percentile")
    return Estimate(value, float(interval.low), float(interval.high), values.size)
