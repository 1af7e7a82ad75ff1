"""Intervals, comparison and correction: coverage on synthetic data, hand-computed values, the edges."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from saddlegan.reporting import paired, statistics

NAN = np.nan


@pytest.mark.parametrize(("estimate", "truth"), [(statistics.mean, np.exp(0.125)), (statistics.median, 1.0)])
def test_coverage_of_the_interval_on_skewed_data(estimate, truth):
    samples = np.random.default_rng(0).lognormal(0, 0.5, (400, 32))
    found = [estimate(sample) for sample in samples]
    covered = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.90 <= covered <= 0.98
    assert np.mean([one.high < truth for one in found]) < 0.08  # neither side takes all the misses
    assert np.mean([one.low > truth for one in found]) < 0.08


def test_mean_interval_is_near_the_normal_one():
    values = np.random.default_rng(1).normal(3, 1, 200)
    found = statistics.mean(values)
    half = 1.96 * values.std(ddof=1) / np.sqrt(200)
    assert found.value == values.mean()
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=0.02)
    assert found == statistics.mean(values)  # deterministic


def test_few_equal_and_not_finite_values():
    assert statistics.mean([]).count == 0
    one = statistics.median([2.0, NAN])
    assert (one.value, one.count) == (2.0, 1)
    assert np.isnan([one.low, one.high]).all()
    assert statistics.mean([3.0] * 9 + [np.inf]) == statistics.Estimate(3.0, 3.0, 3.0, 9)


def test_share_keeps_a_width_at_the_ends():
    none, some = statistics.share([False] * 32), statistics.share([True, False] * 16)
    assert none.value == none.low == 0
    assert none.high == pytest.approx(1.96**2 / (32 + 1.96**2), abs=1e-3)  # Wilson at 0 of n
    assert some.low == pytest.approx(1 - some.high)
    assert some.value == 0.5


@pytest.mark.parametrize("count", [3, 5, 15])
def test_student_covers_the_mean_of_few_normal_values_where_the_bootstrap_does_not(count):
    samples = np.random.default_rng(count).normal(2, 3, (1000, count))
    found = [statistics.student(sample) for sample in samples]
    assert np.mean([one.low <= 2 <= one.high for one in found]) == pytest.approx(0.95, abs=0.02)
    if count == 3:
        boot = [statistics.mean(sample) for sample in samples[:300]]
        assert np.mean([one.low <= 2 <= one.high for one in boot]) < 0.85


def test_student_by_hand_and_at_its_edges():
    found = statistics.student([1.0, 2.0, 3.0, NAN])  # t of two degrees of freedom: 4.3027; deviation 1
    assert (found.value, found.count) == (2.0, 3)
    assert (found.low, found.high) == pytest.approx((2 - 4.3027 / 3**0.5, 2 + 4.3027 / 3**0.5), abs=1e-4)
    one, none = statistics.student([5.0]), statistics.student([NAN])
    assert (one.value, one.count, none.count) == (5.0, 1, 0)
    assert np.isnan([one.low, one.high, none.value]).all()


def test_few_seeds_are_those_that_have_a_value():
    """However many ran: a bootstrap of three values is far too narrow, and their median has no interval."""
    left = [1.0, 2.0, 3.5]
    lost = left + [NAN] * 29
    assert statistics.average(left) == statistics.average(lost) == statistics.student(left)
    assert np.isnan(statistics.median(lost).low)
    ones, method = pd.Series([1.0] * 32), pd.Series(lost)
    assert paired.compare(method, ones).ratio == paired.equivalence(method, ones)
    sixteen = list(np.random.default_rng(0).normal(size=16))
    assert statistics.average(sixteen) == statistics.mean(sixteen) != statistics.student(sixteen)


VALUES = [3.0, 1.0, 2.0, 8.0, 5.0, 1.5, 2.5, 4.0]
ESTIMATES = [statistics.mean, statistics.student, statistics.average, statistics.median, statistics.share]
MISSING = [None, NAN, np.inf, -np.inf, pd.NA]


@pytest.mark.parametrize("missing", MISSING, ids=str)
@pytest.mark.parametrize("estimate", ESTIMATES, ids=lambda function: function.__name__)
def test_a_missing_value_is_left_out_and_a_missing_flag_is_false(estimate, missing):
    for count in (0, 1, 3, len(VALUES)):
        values = VALUES[:count]
        expected = estimate([*values, False] if estimate is statistics.share else values)
        for kind in (list, tuple, pd.Series, lambda x: np.array(x, dtype=object), lambda x: pd.Series(x, dtype=object)):
            assert repr(estimate(kind([missing, *values]))) == repr(expected)
        if not isinstance(missing, float):
            assert repr(estimate(pd.array([missing, *values], dtype="Float64"))) == repr(expected)


@pytest.mark.parametrize("missing", MISSING, ids=str)
def test_a_missing_value_of_a_pair_is_a_diverged_one(missing):
    others, where = pd.Series(VALUES[::-1]), [1, 4]
    plain, lost = pd.Series(VALUES), pd.Series(VALUES, dtype=object)
    plain[where], lost[where] = NAN, missing
    for function in (paired.compare, paired.equivalence, paired.ratio, paired.difference):
        assert function(lost, others) == function(plain, others)
        assert function(others, lost) == function(others, plain)
        assert repr(function(lost[[1]], others)) == repr(function(plain[[1]], others))
        function(lost[[]], others)
    np.testing.assert_array_equal(paired.holm([0.01, None, 0.3]), paired.holm([0.01, NAN, 0.3]))


def test_the_mean_of_a_metric_with_a_range_has_an_interval_inside_of_it():
    found = statistics.student([0.2, 0.4, 0.783], 0.0)  # 0.461 [-0.276, 1.2] without it
    half = stats.t.ppf(0.975, 2) * stats.sem([0.2, 0.4, 0.783])
    assert found.value == pytest.approx(0.461)
    assert (found.low, found.high) == pytest.approx((0.461 * np.exp(-half / 0.461), 0.461 * np.exp(half / 0.461)))
    share = statistics.student([0.7, 0.9, 0.99], 0.0, 1.0)
    half = stats.t.ppf(0.975, 2) * stats.sem([0.7, 0.9, 0.99])
    place = np.log(share.value / (1 - share.value)) + half / (share.value * (1 - share.value)) * np.array([-1, 1])
    assert (share.low, share.high) == pytest.approx(tuple(1 / (1 + np.exp(-place))))


@pytest.mark.parametrize(("least", "most"), [(0.0, np.inf), (-2.0, np.inf), (0.0, 1.0), (1.0, 10.0)])
@pytest.mark.parametrize("count", [2, 3, 15, 16, 40])
def test_no_interval_reaches_over_an_end_of_the_range(least, most, count):
    rng = np.random.default_rng(count)
    for spread in (0.1, 1.0, 10.0):
        places = rng.lognormal(-2, spread, count)
        values = least + (places if np.isinf(most) else (most - least) * places / (1 + places))
        values[0] = least  # the end itself is a value, too
        found = statistics.average(values, least, most)
        assert found.value == values.mean()
        assert least < found.low < found.value < found.high
        assert found.high < most or found.value == most
        shifted = statistics.average(3 * values, 3 * least, 3 * most)
        assert (shifted.low, shifted.high) == pytest.approx((3 * found.low, 3 * found.high))


def test_a_range_that_the_values_refute_or_that_they_do_not_come_near_changes_nothing():
    values = [10.0, 11.0, 12.0]
    assert statistics.student(values, 0.0, 10.0) == statistics.student(values, 20.0) == statistics.student(values)
    near, free = statistics.student(values, -1e6, 1e6), statistics.student(values)
    assert (near.low, near.high) == pytest.approx((free.low, free.high), rel=1e-3)
    assert statistics.student([10.0] * 3, 0.0, 10.0) == statistics.Estimate(10.0, 10.0, 10.0, 3)


LAWS = {  # draws, their mean, and the ends of their range
    "normal": (lambda rng, size: np.abs(rng.normal(1, 0.2, size)), 1.0, np.inf),
    "lognormal": (lambda rng, size: rng.lognormal(0, 1, size), np.exp(0.5), np.inf),
    "exponential": (lambda rng, size: rng.exponential(1, size), 1.0, np.inf),
    "share": (lambda rng, size: rng.beta(20, 1, size), 20 / 21, 1.0),
}


@pytest.mark.parametrize("count", [3, 5])
@pytest.mark.parametrize("law", LAWS)
def test_the_interval_in_a_range_covers_no_less_than_the_plain_one(law, count):
    draw, truth, most = LAWS[law]
    samples = draw(np.random.default_rng(0), (1500, count))
    plain, inside = (
        np.mean([one.low <= truth <= one.high for one in (statistics.student(x, *ends) for x in samples)])
        for ends in ((), (0.0, most))
    )
    assert inside >= (plain - 0.01 if law == "normal" else plain + 0.03)
    assert inside > 0.86


def test_ratios_that_are_equal_to_an_ulp_are_equal():
    found = paired.compare(pd.Series([0.3, 0.6, 0.9]), pd.Series([0.1, 0.2, 0.3]))
    exact = paired.compare(pd.Series([3.0, 6.0, 9.0]), pd.Series([1.0, 2.0, 3.0]))
    assert found.ratio.value == pytest.approx(exact.ratio.value, rel=1e-12)
    assert (found.ratio.low, found.ratio.high) == (found.ratio.value, found.ratio.value)
    assert (found.p, found.sign, found.worse.value) == (0.25, 1, 1.0)  # of three signs; no variance is no certainty
    assert paired.equivalence(pd.Series([0.3, 0.6, 0.9]), pd.Series([0.1, 0.2, 0.3])) == found.ratio
    same = paired.compare(pd.Series([0.1 + 0.2] * 20), pd.Series([0.3] * 20))
    assert (same.ratio.low, same.ratio.high, same.p, same.sign, same.worse.value) == (1, 1, 1, 0, 0)


@pytest.mark.parametrize("zero", [False, True])  # with a zero the differences are ranked, without it the log ratios
@pytest.mark.parametrize("count", [4, 15, 16, 40])
def test_rounding_decides_nothing(count, zero):
    """Values on a coarse grid, with many ties, against the same with the last bits changed."""
    rng = np.random.default_rng(count)
    for _ in range(20):
        a, b = (2.0 ** rng.integers(-3, 4, count) for _ in range(2))
        a[0] *= not zero
        noise = 1 + 1e-15 * rng.integers(-2, 3, (2, count))
        exact, found = (paired.compare(pd.Series(x), pd.Series(y)) for x, y in ((a, b), (a * noise[0], b * noise[1])))
        assert (found.sign, found.worse) == (exact.sign, exact.worse)
        assert found.p == pytest.approx(exact.p, rel=1e-9)
        assert (found.ratio.low, found.ratio.high) == pytest.approx((exact.ratio.low, exact.ratio.high), rel=1e-9)


@pytest.mark.parametrize("estimate", [statistics.mean, statistics.student, statistics.median])
@pytest.mark.parametrize("count", [6, 20])
def test_values_that_are_equal_to_an_ulp_have_no_variance(estimate, count):
    values = [0.1 + 0.2, 0.3] * (count // 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = estimate(values)
    assert found.low == found.value == found.high == pytest.approx(0.3)


def test_a_median_of_fewer_than_six_seeds_has_no_interval():
    assert np.isnan(statistics.median([1, 2, 3, 4, 5]).low)
    six = statistics.median([1, 2, 3, 4, 5, 6])
    assert 1 <= six.low < six.value < six.high <= 6


def test_equivalence_is_students_interval_on_log_ratios():
    method, reference = pd.Series({0: 2.2, 1: 1.8, 2: 2.1, 3: NAN, 9: 5.0}), pd.Series({0: 2.0, 1: 2.0, 2: 2.0, 3: 1.0})
    found, back = paired.equivalence(method, reference), paired.equivalence(reference, method)
    logs = np.log([1.1, 0.9, 1.05])
    low, high = stats.t.interval(0.95, 2, logs.mean(), stats.sem(logs))
    assert (found.value, found.low, found.high) == pytest.approx(tuple(np.exp([logs.mean(), low, high])))
    assert found.count == 3
    assert (back.low, back.high) == pytest.approx((1 / found.high, 1 / found.low))
    assert found.within(found.low, found.high)
    assert not found.within(found.low + 1e-9, 9)
    assert not found.within(0, found.high - 1e-9)


def test_few_seeds_are_compared_by_student_and_many_by_ranks():
    draws = np.random.default_rng(3).lognormal(0, 0.1, (2, 16))
    for count in (5, 15, 16):
        a, b = pd.Series(draws[0][:count] * 1.5), pd.Series(draws[1][:count])
        found, logs = paired.compare(a, b), np.log(a / b)
        few = count < 16
        assert found.p == pytest.approx((stats.ttest_1samp(logs, 0) if few else stats.wilcoxon(logs)).pvalue)
        assert (found.ratio == paired.equivalence(a, b)) == few
    assert paired.compare(pd.Series(draws[0][:5] * 1.5), pd.Series(draws[1][:5])).p < 0.05  # ranks: at least 1/16


def test_holm_by_hand():
    # sorted 0.005 0.01 0.03 0.04, times 4 3 2 1: 0.02 0.03 0.06 0.04; running maximum: 0.02 0.03 0.06 0.06
    adjusted = paired.holm([0.01, 0.04, NAN, 0.03, 0.005])
    np.testing.assert_allclose(adjusted, [0.03, 0.06, NAN, 0.06, 0.02])
    np.testing.assert_allclose(paired.holm([0.7, 0.9]), [1.0, 1.0])


@pytest.mark.parametrize(("logs", "sign"), [((0.1, 0.2, 0.3, -1.0, -2.0), -1), ((-0.1, -0.2, -0.3, 1.0, 2.0), 1)])
def test_the_side_of_a_difference_is_that_of_its_ranks_and_not_of_a_count(logs, sign):
    """Three small differences one way (ranks 1, 2, 3) weigh less than two great ones the other way (4, 5)."""
    reference = pd.Series(np.ones(5))
    assert paired.compare(np.exp(pd.Series(logs)), reference).sign == sign
    assert paired.compare(np.exp(pd.Series(logs)), reference, higher_is_better=True).sign == -sign


def test_ratio_is_the_geometric_mean_over_common_seeds():
    method = pd.Series({0: 2.0, 1: 8.0, 2: NAN, 9: 100.0})
    reference = pd.Series({2: 1.0, 1: 1.0, 0: 1.0, 7: 50.0})
    found = paired.compare(method, reference)
    assert found.ratio.value == pytest.approx(4.0)
    assert found.ratio.value == pytest.approx(paired.ratio(method, reference))
    assert (found.ratio.count, found.seeds) == (2, 3)
    assert found.worse.value == 1.0  # the diverged seed is one of the three


def test_swapping_the_sides_inverts_the_ratio_and_keeps_p():
    draws = np.random.default_rng(2).lognormal(0, 0.4, (2, 24))
    a, b = pd.Series(draws[0] * 1.3), pd.Series(draws[1])
    there, back = paired.compare(a, b), paired.compare(b, a)
    assert there.ratio.value == pytest.approx(1 / back.ratio.value)
    assert there.ratio.low == pytest.approx(1 / back.ratio.high, rel=0.03)
    assert there.p == pytest.approx(back.p)
    assert there.p == pytest.approx(stats.wilcoxon(np.log(a), np.log(b)).pvalue)
    assert there.worse.value == pytest.approx(1 - back.worse.value)


def test_divergence_counts_for_the_other_side():
    good, lost = pd.Series([1.0] * 12), pd.Series([NAN] * 12)
    found = paired.compare(lost, good)
    assert (found.worse.value, found.ratio.count) == (1.0, 0)
    assert found.p < 0.01
    assert paired.compare(good, lost).worse.value == 0
    both = paired.compare(lost, lost)
    assert (both.worse.value, both.p) == (0, 1)


def test_where_more_is_better_less_is_worse():
    found = paired.compare(pd.Series([1.0, 0.0, 2.0]), pd.Series([2.0, 2.0, 1.0]), higher_is_better=True)
    assert found.worse.value == pytest.approx(2 / 3)


def test_equal_sides_are_not_worse():
    same = pd.Series([0.2, 0.3, 0.4])
    found = paired.compare(same, same)
    assert (found.ratio.low, found.ratio.high, found.p, found.worse.value) == (1, 1, 1, 0)


def test_difference_of_flags_over_common_seeds():
    found = paired.difference(pd.Series({0: 1, 1: 1, 2: 0, 5: 1}), pd.Series({0: 0, 1: 1, 2: 0, 6: 1}))
    assert found.value == pytest.approx(1 / 3)
    assert found.low <= 0 <= found.high


def flags(both, first, second, neither):
    """Pairs of flags, of which so many are true on both sides, on one alone, on none."""
    a = pd.Series([1] * (both + first) + [0] * (second + neither))
    return a, pd.Series([1] * both + [0] * first + [1] * second + [0] * neither)


def test_the_interval_of_a_difference_of_flags_is_newcombe_s():
    """The example of Newcombe (1998), method 10: 36, 12, 2, 0 give 0.2 [0.0569, 0.3404]."""
    found = paired.difference(*flags(36, 12, 2, 0))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0569, 0.3404), abs=5e-5)
    none = paired.difference(*flags(64, 0, 0, 0))
    wilson = statistics.share([True] * 64)
    assert (none.low, none.high) == pytest.approx((wilson.low - 1, 1 - wilson.low))


def test_the_interval_of_a_difference_of_flags_covers_the_true_one():
    rng, shares = np.random.default_rng(0), np.array([0.6, 0.3, 0.05, 0.05])
    found = [paired.difference(*flags(*rng.multinomial(64, shares))) for _ in range(400)]
    assert 0.93 <= np.mean([one.low <= 0.25 <= one.high for one in found]) <= 0.98


@pytest.mark.parametrize(("lost", "sign"), [(14, -1), (0, 0), (-14, 1)])
def test_the_side_of_a_difference_is_that_of_the_untied_pairs(lost, sign):
    """14 of 64 seeds differ, all one way: too few for a majority, enough to be significant."""
    seeds = range(64)
    ours = pd.Series([1.0 if lost > 0 and s < lost else 2.0 for s in seeds], index=seeds)
    theirs = pd.Series([1.0 if lost < 0 and s < -lost else 2.0 for s in seeds], index=seeds)
    assert paired.compare(ours, theirs, higher_is_better=True).sign == -sign
    assert paired.compare(ours, theirs).sign == sign
