"""Divergences: closed forms, slopes against differences, best Gaussians against brute force, every rule both ways."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from saddlegan.checks import ConfigError
from saddlegan.theory import divergences
from saddlegan.theory.divergences import maths as two_modes
from saddlegan.theory.divergences import rules
from saddlegan.theory.divergences.maths import Fit, best_gaussian
from saddlegan.theory.shared import densities
from saddlegan.theory.shared.densities import (
    DIVERGENCES,
    LOG2,
    Mixture,
    gaussian,
    gaussian_js,
    gaussian_kl,
    log_normal,
)

MU = np.array([0.01, 0.5, 1.7, 4.0, 9.0])


@pytest.fixture(scope="module")
def section():
    return divergences.section()


def grid(low=-30.0, high=30.0, step=0.002):
    return np.arange(low, high, step), step


@pytest.mark.parametrize(("mean", "scale"), [(0.0, 1.0), (3.0, 1.0), (-2.0, 0.5), (1.0, 2.5)])
def test_every_integral_is_its_closed_form(mean, scale):
    x, step = grid()
    log_p, log_q = log_normal(x, 0.0, 1.0), log_normal(x, mean, scale)
    found = {name: float(of(log_p, log_q, step)) for name, of in DIVERGENCES.items()}
    forward, reverse = gaussian_kl(mean, scale)
    assert found["KL(p||q)"] == pytest.approx(float(forward), abs=1e-10)
    assert found["KL(q||p)"] == pytest.approx(float(reverse), abs=1e-10)
    p, q = stats.norm(0.0, 1.0), stats.norm(mean, scale)
    # Quantile coupling: W1 is the mean of |mean + (scale - 1) z|, that of a folded normal.
    spread = abs(scale - 1.0)
    folded = stats.foldnorm(abs(mean) / spread, scale=spread).mean() if spread else abs(mean)
    assert found["Wasserstein-1"] == pytest.approx(folded, abs=1e-5)
    if scale == 1.0:
        assert found["total variation"] == pytest.approx(2.0 * p.cdf(abs(mean) / 2.0) - 1.0, abs=1e-5)

    def integrand(t):
        return 0.5 * (p.pdf(t) * (p.logpdf(t) - middle(t)) + q.pdf(t) * (q.logpdf(t) - middle(t)))

    def middle(t):
        return np.logaddexp(p.logpdf(t), q.logpdf(t)) - LOG2

    expected = integrate.quad(integrand, -25.0, 25.0, points=[0.0, mean], limit=400, epsabs=1e-12)[0]
    assert found["JS"] == pytest.approx(expected, abs=1e-9)


def test_kl_of_gaussians_is_that_of_an_independent_formula():
    forward, reverse = gaussian_kl(3.0, 2.0)
    assert float(forward) == pytest.approx(math.log(2.0) + 10.0 / 8.0 - 0.5)
    assert float(reverse) == pytest.approx(-math.log(2.0) + 13.0 / 2.0 - 0.5)
    assert gaussian_kl(3.0, 1.0) == (4.5, 4.5), "symmetric at equal widths"


@pytest.mark.parametrize("scale", [0.6, 1.0, 2.0])
def test_gradient_of_js_is_its_slope(scale):
    value, slope = gaussian_js(MU, scale)
    step = 1e-4
    differences = (gaussian_js(MU + step, scale)[0] - gaussian_js(MU - step, scale)[0]) / (2.0 * step)
    np.testing.assert_allclose(slope, differences, rtol=1e-5, atol=1e-10)
    assert (value > 0).all()
    assert (value < LOG2).all()


def test_js_near_and_far():
    small, _ = gaussian_js(np.array([1e-3, 1e-2]), 1.0)
    np.testing.assert_allclose(small, np.array([1e-3, 1e-2]) ** 2 / 8.0, rtol=1e-4)
    far = np.array([10.0, 11.0])
    value, slope = gaussian_js(far, 1.0)
    # Laplace: log 2 - JS is sqrt(2 pi) exp(-mu^2/8) / mu (1 + O(mu^-2)), its slope mu/4 times that.
    rest = math.sqrt(2.0 * math.pi) * np.exp(-(far**2) / 8.0) / far
    np.testing.assert_allclose(LOG2 - value, rest, rtol=0.1)
    np.testing.assert_allclose(slope, rest * far / 4.0, rtol=0.1)
    assert 0 < gaussian_js(np.array([30.0]), 1.0)[1][0] < 1e-48, "no underflow to zero"


def test_js_is_symmetric_and_kl_is_not_where_widths_differ():
    x, step = grid()
    log_p, log_q = log_normal(x, 0.0, 1.0), log_normal(x, 2.0, 2.0)
    assert densities.js(log_p, log_q, step) == pytest.approx(densities.js(log_q, log_p, step), abs=1e-14)
    assert abs(densities.kl(log_p, log_q, step) - densities.kl(log_q, log_p, step)) > 0.5


def test_moving_values_and_gradients_agree():
    step = 1e-5
    above, below = divergences.moving(MU + step), divergences.moving(MU - step)
    for name, (_, gradient) in divergences.moving(MU).items():
        slope = (above[name][0] - below[name][0]) / (2.0 * step)
        np.testing.assert_allclose(gradient, slope, rtol=1e-4, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_prices_on_disjoint_supports(share):
    found = divergences.prices(share)
    rest = -math.log(1.0 - share)
    half = 0.5 * (-math.log(1 - share / 2) + (1 - share) * math.log((1 - share) / (1 - share / 2)) + share * LOG2)
    assert found["KL(p||q)"] == pytest.approx((rest, math.inf))
    assert found["KL(q||p)"] == pytest.approx((math.inf, rest))
    assert found["JS"] == pytest.approx((half, half))
    assert found["total variation"] == pytest.approx((share, share))
    assert found["Wasserstein-1"] == pytest.approx((share, share))


def test_mass_outside_a_region():
    unit, edge = gaussian(0.0, 1.0), stats.norm.ppf(0.995)
    assert two_modes.outside(unit, unit) == pytest.approx(0.01, abs=1e-4)
    assert two_modes.outside(gaussian(0.0, 3.0), unit) == pytest.approx(2 * stats.norm.sf(edge / 3), abs=1e-3)
    modes = two_modes.two_modes(20.0, 0.5)  # two intervals of 2.576 widths
    half = edge * 0.5
    q = stats.norm(0.0, 4.0)
    expected = 1.0 - 2.0 * (q.cdf(5.0 + half) - q.cdf(5.0 - half))
    assert two_modes.outside(gaussian(0.0, 4.0), modes) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("separation", [3.0, 7.0, 12.0])
def test_best_gaussian_under_kl_matches_the_moments(separation):
    found = best_gaussian("KL(p||q)", two_modes.two_modes(separation, 0.5))
    assert found.mean == pytest.approx(0.0, abs=1e-5)
    assert found.scale**2 == pytest.approx((separation / 4.0) ** 2 + 0.25, rel=1e-5)
    if separation == 12.0:  # its data's region is two intervals of 2.576 widths
        ends = np.array([3.0, -3.0])[:, None] + 0.5 * stats.norm.ppf(0.995) * np.array([-1.0, 1.0])
        inside = np.diff(stats.norm.cdf(ends, scale=found.scale)).sum()
        assert found.bad == pytest.approx(1.0 - inside, abs=1e-3)
        assert found.missed < 1e-6


@pytest.mark.parametrize("name", ["KL(q||p)", "JS", "total variation", "Wasserstein-1"])
@pytest.mark.parametrize("separation", [7.0, 10.0])
def test_no_gaussian_of_a_fine_grid_is_better(name, separation):
    p = two_modes.two_modes(separation, 0.5)
    found = best_gaussian(name, p)
    x, step = grid(-25.0, 25.0, 0.02)
    log_p = p.log_density(x)
    means = np.linspace(-0.3, 1.4, 35) * max(p.means)
    best = min(
        float(DIVERGENCES[name](log_p, log_normal(x, means[:, None], scale), step).min())
        for scale in np.geomspace(0.3, 4.5, 40)
    )
    assert found.value <= best + 1e-4
    own = DIVERGENCES[name](log_p, log_normal(x, found.mean, found.scale), step)
    assert found.value == pytest.approx(float(own), abs=1e-3)


def test_one_far_mode_has_the_closed_form_value():
    p = two_modes.two_modes(14.0, 0.5)
    assert best_gaussian("JS", p).value == pytest.approx(0.75 * math.log(4.0 / 3.0), abs=1e-6)
    assert best_gaussian("KL(q||p)", p).value == pytest.approx(LOG2, abs=1e-4)


@pytest.mark.parametrize(("name", "low", "high"), [("JS", 8.0, 9.0), ("KL(q||p)", 5.0, 6.0)])
def test_at_the_switch_both_halves_are_equally_good(name, low, high):
    at = two_modes.switch(name, 0.5, low, high)
    middle, mode = two_modes.halves(name, two_modes.two_modes(at, 0.5))
    assert middle.value == pytest.approx(mode.value, abs=1e-5)
    assert middle.mean == pytest.approx(0.0, abs=1e-3)
    assert two_modes.switch(name, 2.0, low, high) == pytest.approx(at, abs=1e-3), "widths are the unit"


def test_saturation_both_ways():
    mu = np.linspace(0.01, 30.0, 400)
    curves = divergences.moving(mu)
    assert rules.judge_saturation(mu, *curves["JS"]).verdict == "reproduced"
    near = mu < 6.0  # saturated, gradient not yet below 1 %
    assert rules.judge_saturation(mu[near], *(part[near] for part in curves["JS"])).verdict == "contradicted"
    growing = curves["JS"][0], np.ones_like(mu)
    assert rules.judge_saturation(mu, *growing).verdict == "contradicted"
    assert rules.judge_saturation(mu, 0.5 * curves["JS"][0], curves["JS"][1]).verdict == "contradicted"
    assert rules.judge_saturation(mu, *curves["Wasserstein-1"]).verdict == "inconclusive"
    assert rules.judge_saturation(mu, np.full_like(mu, np.nan), growing[1]).verdict == "inconclusive"


def fit(bad, missed, mean=0.0, value=0.0):
    return Fit(value, mean, 1.0, bad, missed)


def test_punishment_both_ways():
    covers, seeks = fit(0.6, 0.0), fit(0.01, 0.5)
    assert rules.judge_punishment(covers, seeks).verdict == "reproduced"
    assert rules.judge_punishment(seeks, covers).verdict == "contradicted"
    assert rules.judge_punishment(covers, covers).verdict == "contradicted"
    assert rules.judge_punishment(fit(0.2, 0.0), seeks).verdict == "inconclusive"
    assert rules.judge_punishment(covers, fit(0.01, 0.2)).verdict == "inconclusive"


def test_bad_samples_all_ways():
    forward = [fit(0.1, 0.0), fit(0.4, 0.0), fit(0.5, 0.0)]
    few, many = fit(0.01, 0.5), fit(0.38, 0.0)

    def judged(*other):
        return rules.judge_bad_samples((2.0, 8.0, 9.0), forward, other)

    assert judged(many, few, few).verdict == "reproduced", "the first is not asked: KL(p||q) has few bad samples there"
    assert judged(few, many, few).verdict == "inconclusive"
    assert judged(few, many, few).effect == 0.5
    assert judged(few, many, many).verdict == "contradicted"
    assert rules.judge_bad_samples((2.0,), forward[:1], [few]).verdict == "inconclusive"


def test_switch_all_ways():
    middle, far, value = fit(0.4, 0.0), (2.0, 8.0, 9.0), rules.ONE_MODE

    def on(distance, value=value):
        return fit(0.01, 0.5, mean=0.25 * distance, value=value)

    assert rules.judge_switch(far, [middle, middle, on(9.0)]).verdict == "reproduced"
    assert rules.judge_switch(far, [middle] * 3).verdict == "contradicted"
    assert rules.judge_switch(far, [middle, on(8.0), middle]).verdict == "inconclusive"
    assert rules.judge_switch(far, [on(2.0), on(8.0), on(9.0)]).verdict == "inconclusive"
    assert rules.judge_switch(far, [middle, middle, on(9.0, value=0.23)]).verdict == "inconclusive"


@pytest.mark.thorough
def test_section_says_what_was_found(section):
    verdicts = {statement.id: verdict for statement, verdict in section.findings}
    assert {name: verdict.verdict for name, verdict in verdicts.items()} == {
        "js-saturates": "reproduced",
        "kl-covers-reverse-kl-seeks": "reproduced",
        "js-punishes-bad-samples": "inconclusive",
        "js-leaves-far-modes": "reproduced",
    }
    flat = verdicts["js-saturates"].effect
    slopes = gaussian_js(np.linspace(0.01, 8.0, 800), 1.0)[1]
    assert gaussian_js(np.array([flat]), 1.0)[1][0] == pytest.approx(0.01 * slopes.max(), rel=0.02)
    moments = f"N(0.00, {math.sqrt(9.25):.2f}^2)"
    assert section.tables[0].rows[0][1] == moments
    assert [len(row) for row in section.tables[0].rows] == [len(section.tables[0].headers)] * 5
    assert [picture.name for picture in section.pictures] == ["moving", "two-modes"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Mixture((0.5, 0.4), (0.0, 1.0), (1.0, 1.0)), "sum of 0.9"),
        (lambda: Mixture((1.5, -0.5), (0.0, 1.0), (1.0, 1.0)), ">= 0"),
        (lambda: Mixture((math.nan,), (0.0,), (1.0,)), "sum of nan"),
        (lambda: Mixture((1.0,), (0.0, 1.0), (1.0,)), "as many"),
        (lambda: Mixture((), (), ()), "at least 1"),
        (lambda: gaussian(0.0, 0.0), "expected a finite number > 0"),
        (lambda: gaussian_js(np.array([1.0]), -1.0), "expected a finite number > 0"),
        (lambda: gaussian_kl(1.0, math.inf), "expected a finite number > 0"),
        (lambda: two_modes.two_modes(0.0, 0.5), "got one point"),
        (lambda: two_modes.halves("JS", gaussian(0.0, 1.0)), "expected two alike"),
        (lambda: two_modes.halves("JS", Mixture((0.5, 0.5), (1.0, 3.0), (1.0, 1.0))), "expected two alike"),
        (lambda: two_modes.halves("JS", Mixture((0.4, 0.6), (-1.0, 1.0), (1.0, 1.0))), "expected two alike"),
        (lambda: densities.moving(np.array([1.0, -1.0])), "finite numbers >= 0"),
        (lambda: two_modes.switch("KL(p||q)", 0.5, 5.0, 9.0), "change of sign"),
        (lambda: densities.covered(log_normal(np.arange(-1.0, 1.0, 0.01), 0.0, 1.0), 0.01), "mass 0.68"),
        (lambda: densities.covered(log_normal(np.arange(-9.0, 9.0, 3.0), 0.0, 1.0), 3.0), "smaller"),
    ],
)
def test_bad_input_is_refused_with_words(wrong, says):
    with pytest.raises(ConfigError, match=says):
        wrong()


@pytest.mark.parametrize("share", [0.0, 1.0, 1.5])
def test_a_price_is_that_of_a_share(share):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        densities.prices(share)
