"""The kernel term against closed forms, quadrature and densities of scipy; each verdict on both sides of its rule."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats

from saddlegan.checks import ConfigError
from saddlegan.reporting.statistics import Estimate
from saddlegan.theory import kernel_force as lab
from saddlegan.theory.kernel_force import maths as terms
from saddlegan.theory.kernel_force import rules

ONE = torch.tensor(1.0, dtype=torch.float64)
FLOW = {"distance": 10.0, "std": 1.0, "count": 24, "seeds": 2, "time": 10.0, "step": 0.2}


@pytest.fixture(scope="module")
def section():
    return lab.section()


def plane(x):
    return 0.8 * x[..., 0] - 0.3 * x[..., 1] + 0.2


def normal(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def test_forces_are_those_of_the_closed_form():
    fake, real, sigma, alpha = normal(2, 7, 2), normal(2, 5, 2, seed=1), torch.tensor([[[0.7]], [[1.9]]]).double(), 0.3
    first, second = terms.forces(fake, real, plane, sigma, alpha * ONE)
    caught = torch.sigmoid(plane(fake))[..., None]
    np.testing.assert_allclose(first, caught.numpy() * [0.8, -0.3], rtol=1e-12)
    f1 = np.log(2) - np.logaddexp(0, plane(real).numpy())
    step = fake[:, :, None] - real[:, None]
    kernel = torch.exp(-step.square().sum(-1) / sigma**2)
    expected = 4 * alpha / (5 * sigma**2) * torch.einsum("ri,rji,rjid->rjd", torch.as_tensor(f1), kernel, step)
    np.testing.assert_allclose(second, expected, rtol=1e-10)


def test_the_force_on_a_sample_does_not_depend_on_the_others_nor_on_the_origin():
    fake, real, away = normal(6, 2), normal(5, 2, seed=1), torch.tensor([3.0, -2.0])
    whole, alone = (terms.forces(x, real, plane, ONE, ONE) for x in (fake, fake[2:3]))
    moved = terms.forces(fake + away, real + away, lambda x: plane(x - away), ONE, ONE)
    for a, b, c in zip(whole, alone, moved, strict=True):
        np.testing.assert_allclose(a[2:3], b, rtol=1e-12)
        np.testing.assert_allclose(a, c, rtol=1e-9)


@pytest.mark.parametrize(("sigma", "shift"), [(0.4, 0.5), (1.4, 2.0), (6.0, 0.01)])
def test_the_integrated_ratio_is_that_of_adaptive_quadrature(sigma, shift):
    logit = lambda x: -shift * (x - shift / 2)  # noqa: E731
    first = integrate.quad(lambda x: stats.norm.pdf(x, shift) * special.expit(logit(x)) * shift, -9, 11)[0]

    def smoothed(x, centre):  # p(x): a Gaussian convolved with the kernel
        width = sigma**2 + 2
        return sigma / math.sqrt(width) * math.exp(-((x - centre) ** 2) / width)

    def integrand(x):
        slope = (smoothed(x, shift + 1e-5) - smoothed(x, shift - 1e-5)) / 2e-5
        return stats.norm.pdf(x) * (math.log(2) - np.logaddexp(0, logit(x))) * slope

    second = 2 * integrate.quad(integrand, -9, 9)[0]
    assert terms.ratio_integrated(sigma, 1.0, 1.0, shift) == pytest.approx(second / first, rel=1e-6)
    assert terms.ratio_integrated(5 * sigma, 0.3, 5.0, 5 * shift) == pytest.approx(0.3 * second / first, rel=1e-6)


def test_the_formula_is_the_limit_and_has_its_largest_value_at_sqrt_two():
    sigma = np.linspace(0.5, 4, 3501)
    values = terms.ratio_theory(sigma, 2.0)
    assert values.max() == pytest.approx(2 * 2 / 3**1.5, rel=1e-6)
    assert sigma[values.argmax()] == pytest.approx(math.sqrt(2), abs=1e-3)
    assert terms.ratio_theory(0.7, 1.0, 0.5) == pytest.approx(terms.ratio_theory(1.4, 1.0))
    errors = [abs(terms.ratio_integrated(1.0, 1.0, 1.0, at) / terms.ratio_theory(1.0, 1.0) - 1) for at in (0.1, 0.05)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)  # of second order in the shift


def test_the_sampled_ratio_agrees_and_grows_with_alpha():
    sampled = terms.ratio_sampled(2.0, 1.0, 1.0, 0.01, count=128, seeds=64)
    assert abs(sampled.mean() - terms.ratio_theory(2.0, 1.0)) < 4 * sampled.std() / 8
    np.testing.assert_allclose(terms.ratio_sampled(2.0, 3.0, 1.0, 0.01, count=128, seeds=64), 3 * sampled)


def test_the_pull_is_that_of_the_closed_form():
    distance = np.linspace(0, 9, 40)
    np.testing.assert_allclose(
        terms.pull(distance, 1.7), 2 * distance / 1.7**2 * np.exp(-((distance / 1.7) ** 2)), rtol=1e-12
    )


def test_the_smoothed_logit_is_that_of_the_densities():
    samples, modes, x = normal(3, 2), torch.tensor([[0.0, 1.0], [2.0, -1.0]]).double(), normal(4, 2, seed=2)
    found = terms.smoothed_logit(samples, modes, 0.5)(x)
    density = lambda centres, variance: np.mean(  # noqa: E731
        [stats.multivariate_normal.pdf(x, c, variance * np.eye(2)) for c in centres.numpy()], 0
    )
    np.testing.assert_allclose(found, np.log(density(modes, 0.5) / density(samples, 0.25)), rtol=1e-9)


def test_samples_reach_the_missing_mode_by_the_kernel_alone():
    right, left = terms.recover(np.array([8.0, 1.0]), np.array([0.0, 1.0]), **FLOW | {"time": 20.0})
    assert (right[0] == 0).all()  # alpha = 0
    assert (left[0] > 0.9).all()
    assert (right[1, 0] > 0.1).all()
    assert (right[1, 1] == 0).all()
    again, _ = terms.recover(np.array([8.0]), np.array([1.0]), **FLOW | {"time": 20.0, "step": 0.05})
    np.testing.assert_allclose(again[0, 0], right[1, 0], atol=0.09)  # two of 24 samples


def test_the_flow_scales_with_its_units():
    small = terms.recover(np.array([7.0]), np.array([2.0]), **FLOW)[0]
    large = terms.recover(np.array([21.0]), np.array([2.0]), **FLOW | {"distance": 30.0, "std": 3.0})[0]
    assert small.max() > 0.1
    np.testing.assert_allclose(large, small, atol=0.09)


def test_the_ratio_is_contradicted_by_a_wrong_integral_or_by_samples_beside_it():
    sigmas, noise = np.array([0.5, 1.4, 5.0]), np.random.default_rng(0).standard_normal((3, 40))
    theory = terms.ratio_theory(sigmas, 1.0)
    sampled = theory[:, None] * (1 + 0.02 * noise)
    assert rules.judge_ratio(sigmas, theory, sampled).verdict == "reproduced"
    assert rules.judge_ratio(sigmas, theory * [1, 1.002, 1], sampled).verdict == "contradicted"
    assert rules.judge_ratio(sigmas, theory, sampled + np.array([[0], [0.1], [0]])).verdict == "contradicted"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.03, 0.039, "reproduced"), (0.041, 0.05, "contradicted"), (0.03, 0.05, "inconclusive")],
)
def test_a_small_alpha(low, high, verdict):
    found = rules.judge_small([Estimate(0.01, 0.0, 0.02, 9), Estimate((low + high) / 2, low, high, 9)])
    assert (found.verdict, found.interval) == (verdict, (low, high))


def test_the_pull_is_contradicted_by_another_place_a_long_tail_or_a_wrong_sign():
    u = np.linspace(0, 3, 3001)
    right = 2 * u * np.exp(-(u**2))
    assert rules.judge_pull(u, right, 1.0, -1.0).verdict == "reproduced"
    for pulls, towards, away in ((u * np.exp(-2 * u**2), 1, -1), (right + 0.01, 1, -1), (right, -1, -1), (right, 1, 1)):
        assert rules.judge_pull(u, pulls, towards, away).verdict == "contradicted"


def test_recovery_is_judged_on_both_sides_of_its_rule():
    reaches, alphas, noise = np.array([0.1, 1.0, 3.0, 5.0, 9.0]), np.array([1.0, 9.0]), 0.02 * np.array([-1, 0, 1])
    judge = lambda *shares, alone=0.0: rules.judge_recovery(  # noqa: E731
        reaches, alphas, np.array([[0, 0, 0, 0, 0], shares])[..., None] + noise, alone + noise
    )
    assert judge(0.3, 0.5, 0.0, 0.0, 0.0).verdict == "reproduced"
    assert judge(0.3, 0.0, 0.0, 0.0, 0.0).verdict == "contradicted"  # nowhere from 1/3 to 3
    assert judge(0.3, 0.5, 0.0, 0.3, 0.0).verdict == "contradicted"  # also at 5
    assert judge(0.3, 0.5, 0.0, 0.1, 0.0).verdict == "inconclusive"
    assert judge(0.3, 0.1, 0.0, 0.0, 0.0).verdict == "inconclusive"
    assert judge(0.3, 0.5, 0.0, 0.0, 0.0, alone=0.5).verdict == "inconclusive"
    assert "at alpha = 9." in judge(0.3, 0.5, 0.0, 0.3, 0.0).text


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: terms.forces(normal(3, 2), normal(3, 2), plane, 0 * ONE, ONE), "sigma"),
        (lambda: terms.forces(normal(3, 2), normal(3, 2), plane, ONE, -ONE), "alpha"),
        (lambda: terms.forces(normal(0, 2), normal(3, 2), plane, ONE, ONE), "got 0 samples"),
        (lambda: terms.pull(np.ones(1), -1.0), "sigma"),
        (lambda: terms.ratio_theory(np.array([1.0, 0.0]), 1.0), "sigma"),
        (lambda: terms.ratio_theory(1.0, -1.0), "alpha"),
        (lambda: terms.ratio_integrated(1.0, 1.0, 1.0, 100.0), "over 30 std"),
        (lambda: terms.ratio_integrated(1.0, 1.0, 0.0, 0.1), "std"),
        (lambda: terms.ratio_integrated(1.0, 1.0, 1.0, 0.0), "shift"),
        (lambda: terms.ratio_integrated(1.0, -1.0, 1.0, 0.1), "alpha"),
        (lambda: terms.ratio_sampled(1.0, 1.0, 1.0, 0.1, count=0, seeds=2), "count"),
        (lambda: terms.ratio_sampled(1.0, 1.0, 1.0, 0.0, count=2, seeds=2), "shift"),
        (lambda: terms.recover(np.ones(1), np.ones(1), **FLOW | {"time": 0.05}), "time / step"),
        (lambda: terms.smoothed_logit(normal(3, 1), normal(1, 1), 1.0), "got 1, expected two"),
        (lambda: terms.smoothed_logit(normal(3, 1), normal(2, 1), 0.0), "std"),
        (lambda: terms.recover(np.ones(1), np.ones(1), **FLOW | {"seeds": 0}), "seeds"),
        (lambda: terms.recover(np.array([5.0]), np.array([1e30]), **FLOW), "Remedy: a smaller step"),
    ],
)
def test_bad_input_is_an_error_that_names_it(call, words):
    with pytest.raises(ConfigError, match=words):
        call()


@pytest.mark.thorough
def test_the_section_agrees_with_the_closed_forms(section):
    verdicts = {statement.id: verdict for statement, verdict in section.findings}
    assert [verdicts[name].verdict for name in list(verdicts)[:3]] == ["reproduced"] * 3
    assert list(verdicts)[3] == "kernel-recovers-near-mode"
    assert verdicts["kernel-gradient-ratio"].effect < 1e-4
    assert verdicts["kernel-pull"].effect == pytest.approx(math.sqrt(0.5), abs=1e-3)
    low, high = verdicts["small-alpha-small-term"].interval
    assert low < 0.1 * 2 / 3**1.5 < high
    assert "is 0.4 % of the standard one" in section.text
    near = [float(cell) for cell in section.tables[0].rows[0][1:]]
    assert near == pytest.approx([2 / 3**1.5, float(terms.ratio_theory(lab.FIGURE_1, 1.0))], rel=5e-3)
    assert [picture.name for picture in section.pictures] == ["kernel-terms", "kernel-forces", "kernel-recovery"]


def test_towards_a_point_that_is_missed_and_away_from_one_that_is_not():
    strength = 4 * math.sqrt(0.5) * math.exp(-0.5)
    assert lab.pull_where(0.9) == pytest.approx(-math.log(0.2) * strength, rel=1e-6)
    assert lab.pull_where(0.1) == pytest.approx(-math.log(1.8) * strength, rel=1e-6)
    assert lab.pull_where(0.5) == pytest.approx(0, abs=1e-12)


def test_fields_point_to_the_missing_modes(section):
    line, ring = lab.field_line(6.0), lab.field_plane(1.0)
    at = np.abs(line.points[:, 0] + 3).argmin()  # between the modes, near the samples
    assert line.second[at, 0] > 100 * abs(line.first[at, 0])
    assert (line.first[line.points[:, 0] > 1] > 9).all()  # past the middle the standard term leads on
    on_samples = np.linalg.norm(ring.points - [1, 0], axis=-1) < 0.15
    assert (ring.second[on_samples, 0] < 0).all()  # to the seven others


@pytest.mark.parametrize("sigma", [0.5, 1.0, 3.0])
def test_a_sample_at_the_centre_feels_another_ratio_than_the_mean_does(sigma):
    """Near equilibrium, data N(0, 1): 4 alpha r^2 (1 + 2 r^2)^(-3/2), as the section says."""
    quantiles = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    real, sample = torch.from_numpy(quantiles)[:, None], torch.zeros(1, 1).double()
    logit = lambda x: -0.001 * x.squeeze(-1)  # noqa: E731
    first, second = terms.forces(sample, real, logit, torch.tensor(sigma).double(), torch.tensor(0.7).double())
    assert float(second / first) == pytest.approx(4 * 0.7 / sigma**2 * (1 + 2 / sigma**2) ** -1.5, rel=2e-3)
