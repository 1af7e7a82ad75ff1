"""Laws on the line against SciPy: what is drawn, and what the metrics are told about it."""

import numpy as np
import pytest
from scipy import stats

from saddlegan.data.distributions import Atoms, Gaussian, Mixture

#: Neither symmetric, nor centred, nor of variance one; modes and points are not in order.
MEANS = [4.0, -1.0, 1.5]
POINTS, UNIT = [2.0, -1.0, 0.5, 5.0], 0.1
LAWS = {"mixture": Mixture(means=MEANS, variance=0.25), "gaussian": Gaussian(mean=-2.0, variance=9.0)}
PARTS = {"mixture": [(mean, 0.5) for mean in MEANS], "gaussian": [(-2.0, 3.0)]}
ATOMS = Atoms(points=POINTS, unit=UNIT)
GRID = np.linspace(-9.0, 9.0, 181)


def average(function: str, name: str, x: np.ndarray) -> np.ndarray:
    return np.mean([getattr(stats.norm(mean, deviation), function)(x) for mean, deviation in PARTS[name]], axis=0)


@pytest.mark.parametrize("name", LAWS)
def test_density_cdf_and_quantiles_are_those_of_equal_normal_laws(name):
    law = LAWS[name]
    np.testing.assert_allclose(law.cdf(GRID), average("cdf", name, GRID), atol=1e-12)
    np.testing.assert_allclose(law.density(GRID), average("pdf", name, GRID), atol=1e-12)
    np.testing.assert_allclose(average("cdf", name, law.quantiles(201)), (np.arange(201) + 0.5) / 201, atol=1e-9)


def test_a_mode_reaches_three_deviations_of_its_own():
    assert LAWS["mixture"].radius == pytest.approx(1.5)
    assert LAWS["gaussian"].radius == pytest.approx(9.0)
    assert LAWS["mixture"].unit == pytest.approx(np.sqrt(0.25 + np.var(MEANS)))


@pytest.mark.parametrize("name", LAWS)
def test_draws_follow_the_law_and_are_independent(name):
    x = LAWS[name].draw(np.random.default_rng(2), (100, 200))
    assert x.shape == (100, 200, 1)
    assert x.dtype == np.float32
    assert stats.kstest(x.ravel(), lambda at: average("cdf", name, at)).pvalue > 0.01


def test_atoms_have_equal_masses_on_their_points():
    assert ATOMS.atoms.tolist() == [[-1.0, 0.25], [0.5, 0.25], [2.0, 0.25], [5.0, 0.25]]
    assert (ATOMS.mean, ATOMS.std) == pytest.approx((np.mean(POINTS), np.std(POINTS)))
    assert ATOMS.unit == UNIT
    assert ATOMS.radius == pytest.approx(3 * UNIT)
    at = np.array([-1.5, -1.0, 0.0, 2.0, 4.9, 5.0])
    assert ATOMS.cdf(at).tolist() == [0.0, 0.25, 0.25, 0.75, 0.75, 1.0]
    assert ATOMS.cdf_left(at).tolist() == [0.0, 0.0, 0.25, 0.5, 0.75, 0.75]
    assert ATOMS.quantiles(8).tolist() == np.repeat(sorted(POINTS), 2).tolist()
    x = ATOMS.draw(np.random.default_rng(3), (100, 200))
    points, counts = np.unique(x, return_counts=True)
    assert points.tolist() == sorted(POINTS)
    assert stats.chisquare(counts).pvalue > 0.01
