"""The game x*y: paths and rates against closed forms, limits on both sides, averages, every rule both ways."""

import numpy as np
import pytest
from scipy.special import gammaln

from saddlegan.checks import ConfigError
from saddlegan.theory import bilinear_game as game
from saddlegan.theory.bilinear_game import maths as recurrences
from saddlegan.theory.bilinear_game import rules
from saddlegan.theory.bilinear_game.maths import (
    METHODS,
    alternating,
    average,
    derived_rate,
    measured_rate,
    path,
    simultaneous,
)

STEPS = np.array([0.05, 0.3, 0.9, 1.3, 1.9])


@pytest.fixture(scope="module")
def section():
    return game.section()


@pytest.fixture(scope="module")
def rates():
    measured = {name: measured_rate(method, rules.STEPS) for name, method in METHODS.items()}
    return measured, {name: derived_rate(method, rules.STEPS) for name, method in METHODS.items()}


@pytest.mark.parametrize(
    ("name", "factor"), [("simultaneous", lambda s: 1 + 1j * s), ("extragradient", lambda s: 1 + 1j * s - s**2)]
)
def test_paths_that_turn_and_scale_are_powers_of_one_number(name, factor):
    points = path(METHODS[name], 0.3, iterations=50)
    np.testing.assert_allclose(points, (1 + 1j) * factor(0.3) ** np.arange(51), rtol=1e-12)


@pytest.mark.parametrize("momentum", [-0.4, 0.7])
def test_momentum_and_the_optimistic_gradient_follow_their_recurrences_in_x_plus_iy(momentum):
    heavy, past = path(simultaneous(momentum), 0.3, iterations=60), path(METHODS["optimistic"], 0.3, iterations=60)
    np.testing.assert_allclose(heavy[2:], (1 + 0.3j) * heavy[1:-1] + momentum * (heavy[1:-1] - heavy[:-2]), rtol=1e-9)
    np.testing.assert_allclose(past[2:], past[1:-1] + 0.3j * (2 * past[1:-1] - past[:-2]), rtol=1e-9)


def test_growing_steps_multiply_to_a_quotient_of_gamma_functions():
    points = path(METHODS["simultaneous"], 0.2, iterations=300, power=0.5)
    t, c = np.arange(301), 0.2**-2
    logs = t * np.log(0.2) + (gammaln(t + 1 + c) - gammaln(1 + c)) / 2
    np.testing.assert_allclose(np.log(np.abs(points) / 2**0.5), logs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("step", [0.1, 0.5, 1.9])
def test_the_alternating_path_stays_on_its_ellipse_whose_far_end_is_the_start(step):
    points = path(METHODS["alternating"], step, iterations=1000)
    x, y = np.real(points), np.imag(points)
    np.testing.assert_allclose(x**2 + y**2 - step * x * y, 2 - step, rtol=1e-9)
    assert np.abs(points).max() == pytest.approx(2**0.5, rel=1e-9)
    assert x[1] == pytest.approx(1 - step)  # x moves first, y sees it
    assert y[1] == pytest.approx(1 + step * x[1])


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("simultaneous", lambda s: np.sqrt(1 + s**2)),
        ("alternating", np.ones_like),
        ("extragradient", lambda s: np.sqrt(1 - s**2 + s**4)),
        ("optimistic", lambda s: np.abs(1 + 2j * s + np.sqrt(1 - 4 * s**2 + 0j)) / 2),
    ],
)
def test_rates_in_closed_form(name, rate):
    np.testing.assert_allclose(derived_rate(METHODS[name], STEPS), rate(STEPS), rtol=1e-7)
    np.testing.assert_allclose(measured_rate(METHODS[name], STEPS), rate(STEPS), rtol=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_the_polynomial_has_the_spectral_radius_of_the_updates_own_matrix(name):
    for step, derived in zip(STEPS, derived_rate(METHODS[name], STEPS), strict=True):
        matrix = METHODS[name].update(np.eye(4), step)
        assert np.abs(np.linalg.eigvals(matrix)).max() == pytest.approx(derived, rel=1e-6)


@pytest.mark.parametrize("method", [m for m in METHODS.values() if m.limit] + [alternating(-0.2), alternating(-0.8)])
def test_a_method_converges_below_its_limit_alone(method):
    sides = method.limit * np.array([0.1, 0.5, 0.99, 1.01])
    for rates in (derived_rate(method, sides), measured_rate(method, sides)):
        assert (rates[:3] < 1).all()
        assert rates[3] > 1


@pytest.mark.parametrize("momentum", [-0.9, -0.5, 0.5, 0.9])
def test_simultaneous_descent_converges_with_no_momentum_and_alternation_with_no_positive_one(momentum):
    assert derived_rate(simultaneous(momentum), STEPS).min() > 1
    assert derived_rate(alternating(abs(momentum)), STEPS).min() > 1


@pytest.mark.parametrize("power", [0.0, -0.5])
def test_averages_of_simultaneous_descent_telescope(power):
    points = path(METHODS["simultaneous"], 0.4, iterations=200, power=power)
    travelled = 0.4 * np.cumsum(np.arange(1, 201) ** power)
    np.testing.assert_allclose(average(points, power=power), -1j * (points[1:] - points[0]) / travelled, rtol=1e-9)


def test_with_a_constant_step_the_average_of_simultaneous_descent_leaves():
    means = np.abs(average(path(METHODS["simultaneous"], 0.2, iterations=1000)))
    assert means[-1] > 1e4 * means[0]


def test_power_and_limit_are_read_off_through_an_oscillation():
    t = np.arange(1, 2**14)
    assert recurrences.power_of(t**-0.7) == pytest.approx(-0.7, abs=0.005)
    assert recurrences.power_of(t**-0.7 * np.abs(np.cos(np.sqrt(t)))) == pytest.approx(-0.7, abs=0.05)
    steps = np.linspace(0.1, 2, 50)
    assert recurrences.largest_step(steps, 1 - steps * (1.3 - steps)) == pytest.approx(1.3, abs=1e-3)
    assert np.isnan(recurrences.largest_step(steps, 1 + steps))


def test_verdict_on_convergence_breaks_with_one_rate_under_1(rates):
    measured, derived = rates
    assert rules.convergence(measured, derived)[1].verdict == "reproduced"
    cured = measured | {"alternating": measured["extragradient"]}
    assert rules.convergence(cured, derived)[1].verdict == "contradicted"
    assert rules.convergence(measured, derived | {"simultaneous": np.full(60, np.nan)})[1].verdict == "contradicted"


def test_verdict_on_swings_needs_both_rate_and_time():
    both = np.outer(2.0 ** np.arange(4), 2.0 ** np.arange(4))
    tables = {"reproduced": both, "contradicted": both[:, :1] * np.ones(4)}
    tables["inconclusive"] = np.where(np.arange(4) > 2, both[:, 2:3], both)
    for verdict, table in tables.items():
        assert rules.swinging("simultaneous", table)[1].verdict == verdict
    assert rules.swinging("simultaneous", tables["contradicted"].T)[1].verdict == "contradicted"


def test_verdict_on_rates_breaks_with_one_that_is_off(rates):
    measured, derived = rates
    bent = measured["optimistic"] * np.where(rules.STEPS > 1, 1.002, 1)
    assert rules.agreement(measured, derived)[1].verdict == "reproduced"
    assert rules.agreement(measured | {"optimistic": bent}, derived)[1].verdict == "contradicted"


@pytest.mark.parametrize(
    ("power", "verdict"), [(-0.96, "reproduced"), (-0.9, "contradicted"), (np.nan, "contradicted")]
)
def test_verdict_on_remedies_breaks_with_a_limit_or_a_power_that_is_off(rates, power, verdict):
    measured, _ = rates
    assert rules.remedies(measured, {"a": (-1.0, power)})[1].verdict == verdict
    late = measured | {"extragradient": measured_rate(METHODS["extragradient"], rules.STEPS / 1.02)}
    never = measured | {"extragradient": measured["simultaneous"]}
    for broken in (late, never):
        assert rules.remedies(broken, {"a": (-1.0, -1.0)})[1].verdict == "contradicted"


@pytest.mark.parametrize(("step", "iterations"), [(0.0, 10), (-0.1, 10), (np.inf, 10), (np.nan, 10), (0.1, 0)])
def test_a_step_or_a_count_that_is_not_positive(step, iterations):
    with pytest.raises(ConfigError, match="expected a finite step > 0 and a count >= 1"):
        path(METHODS["alternating"], step, iterations=iterations)


def test_a_path_that_overflows_names_the_iterations_that_stay_finite():
    # |z| = sqrt(2) (1 + 9)^(t/2) passes 2^1024 at t = 617; one coordinate may lag by a few iterations.
    with pytest.raises(ConfigError, match=r"overflows, expected a finite one\. Take at most 61\d iterations") as error:
        path(METHODS["simultaneous"], 3.0, iterations=1000)
    count = int(str(error.value).split("at most ")[1].split()[0])
    assert np.isfinite(path(METHODS["simultaneous"], 3.0, iterations=count)).all()


def test_section_finds_what_the_recurrences_say(section):
    verdicts = {about.id: verdict for about, verdict in section.findings}
    assert {name: verdict.verdict for name, verdict in verdicts.items()} == {
        "bilinear-no-convergence": "reproduced",
        "bilinear-swings-simultaneous": "reproduced",
        "bilinear-swings-alternating": "contradicted",
        "bilinear-rates": "reproduced",
        "bilinear-remedies": "reproduced",
    }
    swing = verdicts["bilinear-swings-simultaneous"].effect
    assert swing == pytest.approx((1.16 / 1.0025) ** 200, rel=1e-9)
    assert verdicts["bilinear-rates"].effect < 1e-6
    limits = {row[0]: row[1] for row in section.tables[0].rows}
    assert limits["optimistic"] == "0.5774"
    assert limits["alternating"] == "none"
    assert [picture.name for picture in section.pictures] == ["paths", "rates"]


@pytest.mark.parametrize("step", [0.0, -1.0, np.nan, np.inf, 1e160])
def test_rates_of_steps_that_are_none_or_overflow(step):
    for rate in (recurrences.measured_rate, recurrences.derived_rate):
        with pytest.raises(ConfigError, match="smaller ones"):
            rate(recurrences.simultaneous(0.0), np.array([0.1, step]))
    with pytest.raises(ConfigError, match="iterations"):
        recurrences.measured_rate(recurrences.simultaneous(0.0), np.array([0.1]), iterations=0)
