"""The method in function space: one step by hand, projections, limits, random starts, every rule both ways."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from saddlegan.checks import ConfigError
from saddlegan.objectives import pair_named
from saddlegan.reporting.statistics import share
from saddlegan.theory import function_space as lab
from saddlegan.theory.function_space import finite_support as space
from saddlegan.theory.function_space import random_starts, rules, step_limits
from saddlegan.theory.function_space.finite_support import State, advance, run, support, uniform
from saddlegan.theory.function_space.random_starts import NAMES, PAIRS, converges, starts

JS = PAIRS["js"]
#: On D itself, as the paper writes them: f0', f1, f1', f0'' + f1'' at equilibrium.
WRITTEN = {
    "js": (lambda d: 1 / d, lambda d: np.log(2 * (1 - d)), lambda d: -1 / (1 - d), -8.0),
    "kl": (lambda d: 1 / d, lambda d: 1 - d, lambda d: -np.ones_like(d), -1.0),
    "reverse_kl": (lambda d: -np.ones_like(d), np.log, lambda d: 1 / d, -1.0),
    "pearson": (np.ones_like, lambda d: -(d**2) / 4 - d, lambda d: -d / 2 - 1, -0.5),
    "hellinger": (lambda d: -np.ones_like(d), lambda d: 1 - 1 / d, lambda d: 1 / d**2, -2.0),
    "approximate_wasserstein": (lambda d: 1 - d, lambda d: -d - d**2 / 2, lambda d: -1 - d, -2.0),
}
YES, NO, OPEN = share([True] * 32), share([False] * 32), share([True, False] * 16)


@pytest.fixture(scope="module")
def section():
    return lab.section()


def start(pair, n=3):
    return starts(pair, 2, n)


@pytest.mark.parametrize("name", NAMES)
def test_one_iteration_is_that_of_the_pair_on_d(name):
    pair, step = PAIRS[name], 0.05
    slope0, f1, slope1, _ = WRITTEN[name]
    p, state = start(pair)
    d, q = (part.numpy() for part in advance(pair, p, state, step))
    d0, q0, p0 = state.d[0, 0].numpy(), state.q[0, 0].numpy(), p.numpy()
    low, high = (float(pair.output(torch.tensor(end).double().logit())) for end in (0.01, 0.99))
    climbed = np.clip(d0 + step * (p0 * slope0(d0) + q0 * slope1(d0)), low, high)
    best = np.clip(pair.optimum(p, torch.tensor(q0)).numpy(), low, high)
    for scheme, (after, seen) in enumerate(((climbed, d0), (climbed, climbed), (best, best))):
        np.testing.assert_allclose(d[scheme], np.broadcast_to(after, d[scheme].shape), rtol=1e-10)
        np.testing.assert_allclose(q[scheme, 0], np.maximum(q0 - step * f1(seen), 0), rtol=1e-10, atol=1e-15)
        weights = q0 * np.exp(-step * f1(seen))
        np.testing.assert_allclose(q[scheme, 2], weights / weights.sum(-1, keepdims=True), rtol=1e-10)
        moved = torch.tensor(q0 - step * f1(seen))
        np.testing.assert_allclose(q[scheme, 1], space.project(moved).numpy(), rtol=1e-9, atol=1e-14)


def test_projection_lowers_all_by_the_number_that_leaves_a_sum_of_one():
    points = np.random.default_rng(0).normal(size=(8, 4))
    for point, found in zip(points, space.project(torch.tensor(points)).numpy(), strict=True):
        lowered = brentq(lambda level, x=point: np.maximum(x - level, 0).sum() - 1, -10, 10, xtol=1e-14)
        np.testing.assert_allclose(found, np.maximum(point - lowered, 0), atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_equilibrium_stays_where_it_is(name):
    p = support(torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64))
    rest = State(torch.full((3, 3, 3), space.equilibrium(PAIRS[name])).double(), p.expand(3, 3, 3))
    after = advance(PAIRS[name], p, rest, 0.3)
    assert float(space.distance(PAIRS[name], p, after).max()) < 1e-12


def test_a_weight_that_vanished_can_come_back():
    q = torch.tensor([0.0, 0.5, 0.5], dtype=torch.float64).expand(3, 3, 3)
    state = State(torch.tensor([0.9, 0.5, 0.5], dtype=torch.float64).expand(3, 3, 3), q)
    assert advance(JS, uniform(3), state, 0.1).q[:, 2, 0].min() > 0


def test_relabelling_the_points_relabels_the_path():
    p, state = start(JS)
    order = [2, 0, 1]
    after = advance(JS, p, state, 0.2)
    relabelled = advance(JS, p[..., order], State(state.d[..., order], state.q[..., order]), 0.2)
    for one, other in zip(after, relabelled, strict=True):
        np.testing.assert_allclose(one[..., order], other, rtol=1e-12, atol=1e-12)


def test_mean_of_the_last_three_quarters_is_weighted_by_the_steps():
    p, state = start(JS)
    found = run(JS, p, state, 0.3, iterations=8, power=-0.5, every=1)
    weights, states = [0.3 * t**-0.5 for t in range(1, 9)], []
    for weight in weights:
        state = advance(JS, p, state, weight)
        states.append(state)
    kept = list(zip(weights, states, strict=True))[2:]
    total = sum(weight for weight, _ in kept)
    mean = State(*(torch.stack([weight * state[i] for weight, state in kept]).sum(0) / total for i in (0, 1)))
    np.testing.assert_allclose(found.mean[-1], space.distance(JS, p, mean))
    np.testing.assert_allclose(found.last[-1], space.distance(JS, p, states[-1]))


@pytest.mark.parametrize("n", [2, 5, 16])
def test_limits_of_js_in_closed_form(n):
    p, limits = 1 / n, step_limits.derived_thresholds(JS, n)
    assert limits[:, 0].tolist() == pytest.approx([2 * p, math.sqrt(1 + 4 * p**2) - 2 * p, 4 * p])
    assert limits[2, 2].item() == pytest.approx(4)
    assert limits[0, 2].item() == pytest.approx(min(2, n / 4))
    np.testing.assert_allclose(step_limits.jacobian_thresholds(JS, n), limits, rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_limits_follow_from_two_derivatives_of_the_pair(name):
    _, f1, slope1, curvature = WRITTEN[name]
    d = np.array(space.equilibrium(PAIRS[name]))
    assert f1(d) == pytest.approx(0, abs=1e-12)
    limits = step_limits.derived_thresholds(PAIRS[name], 4)
    assert limits[0, 0].item() == pytest.approx(-curvature / 4 / slope1(d) ** 2)
    np.testing.assert_allclose(step_limits.jacobian_thresholds(PAIRS[name], 4), limits, rtol=1e-4, atol=0)


def test_small_errors_die_out_below_the_limit_and_grow_above():
    limits = step_limits.derived_thresholds(JS, 4)
    rates = step_limits.growth(JS, uniform(4), limits[..., None] * torch.tensor([0.9, 1.1]))
    assert (rates[..., 0] < 0).all()
    assert (rates[..., 1] > 0).all()
    radius = step_limits.spectral_radius(JS, uniform(4), 0.9 * limits[..., None, None])
    np.testing.assert_allclose(rates[..., 0].exp(), radius, rtol=2e-2, atol=0)


def test_a_path_converges_where_its_last_quarter_is_near():
    t = torch.arange(1, 161).double()
    kinds = torch.stack([t**-0.5, t**-1, torch.full_like(t, 0.009), torch.full_like(t, 0.011), 0.002 * (t % 7)], -1)
    assert converges(kinds).tolist() == [False, True, True, False, False]


def test_starts_are_random_and_the_same_each_time():
    (p, one), (again, two) = starts(JS, 4, 3), starts(JS, 8, 3)
    np.testing.assert_allclose(p, again[:4])
    np.testing.assert_allclose(one.q, two.q[..., :4, :])
    assert len(set(p[:, 0].tolist())) == 4


@pytest.mark.parametrize("iterate", ["averaged", "last"])
def test_verdict_on_reach(iterate):
    good = {"js, a": [NO, YES, OPEN], "kl, a": [YES, NO, OPEN]}
    for row, verdict in (
        ([OPEN, NO, NO], "inconclusive"),
        ([NO, NO, NO], "contradicted"),
        ([NO, NO, YES], "reproduced"),
    ):
        assert rules.reach(good | {"kl, b": row}, iterate)[1].verdict == verdict


@pytest.mark.parametrize(
    ("off", "verdict"),
    [
        ((1, 1, 1), "reproduced"),
        ((1.002, 1, 1), "contradicted"),
        ((1, 1.02, 1), "contradicted"),
        ((1, 1, 1.002), "contradicted"),
        ((1, math.nan, 1), "contradicted"),
    ],
)
def test_verdict_on_limits(off, verdict):
    one = torch.ones(4, 3, 3)
    assert rules.limits(one, off[0] * one, off[1] * one, [one, off[2] * one])[1].verdict == verdict


def test_verdicts_on_constant_steps_follow_the_intervals():
    for converging, agree, oppose in ((True, YES, NO), (False, NO, YES)):
        assert rules.judge([agree, agree], converging) == "reproduced"
        assert rules.judge([agree, OPEN], converging) == "inconclusive"
        assert rules.judge([agree, OPEN, oppose], converging) == "contradicted"


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        ([1.0], "got 1 point"),
        ([0.5, 0.6], "sum to 1"),
        ([1.2, -0.2], "numbers > 0"),
        ([1.0, 0.0], "numbers > 0"),
        ([0.5, math.nan], "numbers > 0"),
    ],
)
def test_probabilities_that_are_none(probabilities, message):
    with pytest.raises(ConfigError, match=message):
        support(torch.tensor(probabilities))


def test_a_support_of_one_point():
    with pytest.raises(ConfigError, match="expected at least 2"):
        uniform(1)


@pytest.mark.parametrize(("step", "iterations"), [(0.0, 10), (-1.0, 10), (math.inf, 10), (0.1, 2)])
def test_a_step_or_a_count_that_is_too_small(step, iterations):
    p, state = start(JS)
    with pytest.raises(ConfigError, match="expected finite steps > 0 and at least 5"):
        run(JS, p, state, step, iterations=iterations)


def test_a_step_that_overflows():
    p, state = start(JS)
    with pytest.raises(ConfigError, match="path that overflows, expected a finite one"):
        run(JS, p, state, 1e308, iterations=20)


@pytest.mark.slow
def test_section_reports_what_the_closed_forms_say(section):
    found = {about.id: verdict for about, verdict in section.findings}
    assert list(found) == [
        "function-space-averaged-iterate",
        "function-space-last-iterate",
        "function-space-limits",
        "function-space-above-limit",
        "function-space-below-limit",
        "function-space-average-constant",
    ]
    assert found["function-space-limits"].verdict == "reproduced"
    assert found["function-space-limits"].effect < 0.01
    assert found["function-space-above-limit"].verdict == "reproduced"
    assert found["function-space-average-constant"].verdict == "contradicted"
    assert all(verdict.seeds == 32 for name, verdict in found.items() if name != "function-space-limits")
    row = section.tables[0].rows[0]
    assert row[:4] == ["simultaneous", "orthant", *row[2:4]]
    assert row[3].startswith("0.500 (0.5")
    assert [picture.name for picture in section.pictures] == ["limits", "paths"]


def test_below_its_limit_a_path_spirals_in_and_above_it_circles():
    inside, outside = (random_starts.trace(factor) - (0.5, 1 / 8) for factor in (0.5, 1.2))
    assert np.abs(inside[-20:]).max() < 0.1 * np.abs(inside[:20]).max()
    assert np.abs(outside[-20:, 0]).max() > 0.1


def test_distance_is_the_larger_of_total_variation_and_the_worst_error_of_d():
    p = support(torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64))
    for worst, expected in ((0.6, 0.3), (0.9, 0.4)):
        d = torch.tensor([0.5, worst, 0.5], dtype=torch.float64)
        q = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
        assert space.distance(JS, p, State(d, q)).item() == pytest.approx(expected)


@pytest.mark.parametrize("n", [0, 1, -1])
def test_limits_of_a_support_that_is_none(n):
    with pytest.raises(ConfigError):
        step_limits.derived_thresholds(JS, n)


def test_limit_where_d_is_damped_more_than_it_turns():
    """p a > 2 |b|: the error of D overshoots at the smaller root of 4 - 2 step p a + step^2 b^2 = 0."""
    pair = pair_named("approximate_wasserstein", epsilon=5.0)
    found, jacobian = (way(pair, 2) for way in (step_limits.derived_thresholds, step_limits.jacobian_thresholds))
    np.testing.assert_allclose(jacobian, found, rtol=1e-4, atol=0)
    assert found[0, 0] < 0.25


def test_a_start_outside_of_its_domain_is_not_called_an_overflow():
    p, state = start(JS)
    for d, q in ((torch.ones_like(state.d), state.q), (state.d, -state.q)):
        with pytest.raises(ConfigError, match="start: got D outside"):
            run(JS, p, State(d, q), 0.1, iterations=10)
    with pytest.raises(ConfigError, match="every"):
        run(JS, p, state, 0.1, iterations=10, every=0)
