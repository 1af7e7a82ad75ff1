"""Metrics against SciPy and closed forms."""

import math

import numpy as np
import pytest
from scipy import stats

from saddlegan.data.distributions import Atoms, Gaussian, Mixture
from saddlegan.metrics import distribution as metrics
from saddlegan.metrics import trajectory

RNG = np.random.default_rng(0)


def test_wasserstein_against_scipy():
    samples = np.sort(RNG.normal(0.4, 2.0, (3, 500)))
    quantiles = Gaussian(mean=1.0, variance=0.25).quantiles(500)
    expected = [stats.wasserstein_distance(row, quantiles) for row in samples]
    np.testing.assert_allclose(metrics.wasserstein_1(samples, quantiles), expected, rtol=1e-12)


@pytest.mark.parametrize("shift", [-2.0, 0.0, 0.75])
def test_wasserstein_of_a_known_shift_and_scale(shift):
    law = Gaussian(mean=1.0, variance=4.0)
    quantiles = law.quantiles(20_000)
    shifted = metrics.wasserstein_1((quantiles + shift)[None], quantiles)
    np.testing.assert_allclose(shifted, [abs(shift)], atol=1e-12)
    widened = metrics.wasserstein_1((1.0 + 1.5 * (quantiles - 1.0))[None], quantiles)
    np.testing.assert_allclose(widened, [0.5 * 2.0 * math.sqrt(2 / math.pi)], rtol=1e-3)  # E|X - 1| / 2


def test_wasserstein_to_a_point_is_the_mean_distance():
    samples = np.sort(RNG.normal(size=(2, 400)))
    found = metrics.wasserstein_1(samples, Atoms(points=[1.0], unit=0.1).quantiles(400))
    np.testing.assert_allclose(found, np.abs(samples - 1.0).mean(-1))


def test_kolmogorov_smirnov_against_scipy():
    law = Gaussian(mean=1.0, variance=0.25)
    samples = np.sort(RNG.normal(1.2, 0.6, (3, 200)))
    expected = [stats.kstest(row, stats.norm(1.0, 0.5).cdf).statistic for row in samples]
    np.testing.assert_allclose(metrics.kolmogorov_smirnov(samples, law.cdf, law.cdf_left), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("samples", "expected"), [([1.0, 1.0], 0.0), ([0.9, 1.1], 0.5), ([0.0, 0.0], 1.0), ([1.0, 2.0], 0.5)]
)
def test_kolmogorov_smirnov_at_an_atom(samples, expected):
    law = Atoms(points=[1.0], unit=0.1)
    assert metrics.kolmogorov_smirnov(np.array([samples]), law.cdf, law.cdf_left) == pytest.approx([expected])


def test_mean_and_std():
    samples = np.sort(RNG.normal(3.0, 2.0, (2, 300)))
    np.testing.assert_allclose(metrics.mean_error(samples, 1.0), samples.mean(-1) - 1.0)
    np.testing.assert_allclose(metrics.std_ratio(samples, 4.0), samples.std(-1, ddof=1) / 4.0)


def test_modes_covered_needs_a_share_of_the_samples():
    modes = np.array([-1.0, 1.0])
    both = np.repeat([[-1.0, 1.0]], 50, axis=1)
    stray = np.array([[-1.0] * 99 + [1.0]])
    between = np.linspace(-1, 1, 100)[None]
    found = [metrics.modes_covered(np.sort(x), modes, radius=0.1).item() for x in (both, stray, between)]
    assert found == [2, 1, 0]


def test_a_seed_that_is_not_finite_is_nan_and_the_others_are_not():
    samples = np.array([[0.0, 1.0], [np.nan, np.nan]])
    law = Gaussian(mean=0.0, variance=1.0)
    columns = [
        metrics.wasserstein_1(samples, law.quantiles(2)),
        metrics.kolmogorov_smirnov(samples, law.cdf, law.cdf_left),
        metrics.modes_covered(samples, law.modes, law.radius),
    ]
    for column in columns:
        assert np.isfinite(column).tolist() == [True, False]


def test_last_fifth_holds_the_end_of_the_run_up_to_the_stop():
    iterations = np.array([0, 20, 40, 60, 80, 100, 120])
    assert iterations[trajectory.last_fifth(iterations, 100)].tolist() == [100]
    assert iterations[trajectory.last_fifth(np.arange(0, 121, 10), 100)[::2]].tolist() == [100]
    assert np.arange(0, 101, 5)[trajectory.last_fifth(np.arange(0, 101, 5), 100)].tolist() == [85, 90, 95, 100]


def test_one_evaluation_does_not_say_how_training_ended():
    one = np.array([[0.1, 0.9, np.nan]])
    assert np.isnan(trajectory.converged(one, unit=1.0)).all()
    assert np.isnan(trajectory.oscillation(one)).all()
    assert trajectory.diverged(one, limit=0.5).tolist() == [0.0, 1.0, 1.0], "which it does say"


def test_converged_oscillation_and_diverged():
    w1 = np.array([[0.2, 0.2, 0.2], [0.6, 0.9, np.nan]])
    assert trajectory.converged(w1, unit=1.0).tolist() == [1.0, 0.0, 0.0]
    assert trajectory.diverged(w1, limit=0.8).tolist() == [0.0, 1.0, 1.0]
    errors = np.array([[1.0, 0.5], [-1.0, 0.5]])
    assert trajectory.oscillation(errors).tolist() == [1.0, 0.0]


LAWS = {
    "gaussian": Gaussian(mean=1.0, variance=0.01),
    "mixture": Mixture(means=[-3.0, -1.0, 1.0, 3.0], variance=0.01),
    "point": Atoms(points=[1.0], unit=0.03),
    "two_point": Atoms(points=[1.0, -1.0], unit=0.03),
}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_draws_follow_the_law_that_the_metrics_know(law):
    samples = np.sort(law.draw(np.random.default_rng(1), (1, 20_000))[..., 0].astype(float))
    assert samples.shape == (1, 20_000)
    assert abs(metrics.mean_error(samples, law.mean)) < 0.05 * max(law.std, 0.01)
    assert samples.std() == pytest.approx(law.std, rel=0.02, abs=1e-6)
    assert metrics.wasserstein_1(samples, law.quantiles(20_000)) < 0.03 * max(law.std, 0.01)
    # an atom's float32 position may fall a rounding below it, which a KS distance cannot forgive
    assert metrics.kolmogorov_smirnov(samples, law.cdf, law.cdf_left) < 0.012
    assert metrics.modes_covered(samples, law.modes, law.radius) == len(law.modes)


@pytest.mark.parametrize("name", ["gaussian", "mixture"])
def test_density_quantiles_and_cdf_are_one_law(name):
    law = LAWS[name]
    levels = (np.arange(501) + 0.5) / 501
    np.testing.assert_allclose(law.cdf(law.quantiles(501)), levels, atol=1e-9)
    grid = np.linspace(-6, 6, 120_001)
    np.testing.assert_allclose(np.trapezoid(law.density(grid), grid), 1.0, rtol=1e-6)
    middle = slice(60_000, 80_000, 1000)
    step = grid[1] - grid[0]
    slope = (law.cdf(grid[middle] + step) - law.cdf(grid[middle] - step)) / (2 * step)
    np.testing.assert_allclose(law.density(grid)[middle], slope, atol=1e-3)


def test_a_discriminators_error_is_its_mean_distance_from_the_best_in_bins_of_equally_many():
    """Two bins, in each of which D is constant: at its best, or 0.1 too high in one and 0.2 too low in the other."""
    real, fake = np.linspace(2, 3, 100)[None], np.concatenate([np.linspace(0, 1, 100), np.linspace(2, 3, 100)])[None]
    edge = np.sort(np.concatenate([real, fake], 1))[0, 150]
    p = np.array([(real < edge).sum() + 1, (real >= edge).sum() + 1]) / 102
    q = np.array([(fake < edge).sum() + 1, (fake >= edge).sum() + 1]) / 202
    target = p / (p + q)
    for shift in (0.0, 0.1):
        real_scores, scores = (np.where(x < edge, target[0] + shift, target[1] - 2 * shift) for x in (real, fake))
        found = metrics.discriminator_error(fake, scores, real, real_scores, lambda p, q: p / (p + q), bins=2)
        np.testing.assert_allclose(found, 1.5 * shift, atol=1e-12)
