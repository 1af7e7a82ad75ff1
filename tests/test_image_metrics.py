"""Scores in features and logits, against numpy, SciPy and closed forms. `pytest -rP` shows how well they agree."""

import math
import warnings

import numpy as np
import pytest
import torch
from agreement import assert_agree
from scipy import linalg

from saddlegan.metrics import features as metrics


def normal(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


FAKE, REAL = 1.3 * normal(600, 16, 1).relu() + 0.2, normal(500, 16, 2).relu() @ (torch.eye(16) + 0.1)
LOGITS = 3.0 * normal(700, 10, 3) + torch.linspace(-2, 1, 10)


def frechet_by_square_root(fake: torch.Tensor, real: torch.Tensor) -> float:
    x, y = fake.double().numpy(), real.double().numpy()
    s, t = np.cov(x.T), np.cov(y.T)
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s + t - 2 * np.real(np.asarray(linalg.sqrtm(s @ t))))


def unbiased_mmd(fake: torch.Tensor, real: torch.Tensor) -> float:
    """MMD_u^2 of Gretton et al. (2012), eq. (3), pair by pair, without the pairs of a sample with itself."""
    x, y = fake.double().numpy(), real.double().numpy()
    kernel = [(a @ b.T / a.shape[1] + 1.0) ** 3 for a, b in ((x, x), (y, y), (x, y))]
    off_x, off_y = (~np.eye(len(samples), dtype=bool) for samples in (x, y))
    return kernel[0][off_x].mean() + kernel[1][off_y].mean() - 2.0 * kernel[2].mean()


def inception_score(logits: torch.Tensor) -> float:
    p = np.exp(logits.double().numpy())
    p /= p.sum(1, keepdims=True)
    return math.exp((p * np.log(p / p.mean(0))).sum(1).mean())


def test_frechet_distance_against_scipy():
    assert_agree(
        "frechet_distance", metrics.frechet_distance(FAKE, REAL), "scipy", frechet_by_square_root(FAKE, REAL), 1e-9
    )


def test_frechet_distance_of_two_gaussians_in_closed_form():
    shift, stds = torch.linspace(0, 1, 8), torch.linspace(0.5, 2, 8)
    fake, real = normal(40_000, 8, 4) * stds + shift, normal(40_000, 8, 5)
    expected = float((shift**2 + (stds - 1.0) ** 2).sum())  # covariances that commute
    assert_agree("frechet_distance", metrics.frechet_distance(fake, real), "closed form", expected, 0.03)


def test_frechet_distance_is_symmetric_keeps_under_rotation_and_scales_by_the_square():
    distance, rotation = metrics.frechet_distance(FAKE, REAL), torch.linalg.qr(normal(16, 16, 6).double()).Q
    assert metrics.frechet_distance(REAL, FAKE) == pytest.approx(distance, rel=1e-9)
    moved = [x.double() @ rotation + 5.0 for x in (FAKE, REAL)]
    assert metrics.frechet_distance(*moved) == pytest.approx(distance, rel=1e-9)
    assert metrics.frechet_distance(10 * FAKE, 10 * REAL) == pytest.approx(100 * distance, rel=1e-5)


def test_frechet_distance_of_collapsed_and_of_dead_features():
    assert metrics.frechet_distance(REAL, REAL) == pytest.approx(0.0, abs=1e-9)
    point = REAL[:1].expand(50, -1)  # a Gaussian without variance: |mu - nu|^2 + tr(T)
    expected = float((point[0] - REAL.mean(0)).square().sum() + REAL.var(0).sum())
    assert metrics.frechet_distance(point, REAL) == pytest.approx(expected, rel=1e-5)
    fake, real = (torch.cat([x, torch.full((len(x), 20), 2.0)], 1) for x in (FAKE, REAL))
    assert metrics.frechet_distance(fake, real) == pytest.approx(metrics.frechet_distance(FAKE, REAL), rel=1e-6)


def test_kernel_distance_against_numpy():
    fake = FAKE[:500]  # one subset, of all samples
    ours = metrics.kernel_distance(fake, REAL, subsets=1, subset_size=10**6)
    assert_agree("kernel_distance", ours, "numpy", unbiased_mmd(fake, REAL), 1e-10)
    by_subsets = metrics.kernel_distance(FAKE, REAL, subsets=400, subset_size=100)
    assert_agree("kernel_distance (subsets)", by_subsets, "numpy (all)", unbiased_mmd(FAKE, REAL), 0.05)


def test_kernel_distance_is_symmetric_and_unbiased_at_zero():
    fake = FAKE[:500]
    forth, back = (metrics.kernel_distance(*pair, subsets=1) for pair in ((fake, REAL), (REAL, fake)))
    assert forth == pytest.approx(back, rel=1e-9)
    nulls = [metrics.kernel_distance(normal(200, 8, s), normal(200, 8, s + 50), subsets=1) for s in range(10, 50)]
    assert abs(np.mean(nulls)) < 3 * np.std(nulls) / math.sqrt(40)
    assert min(nulls) < 0 < max(nulls)


def test_classifier_score_against_numpy():
    assert_agree("classifier_score", metrics.classifier_score(LOGITS, splits=1), "numpy", inception_score(LOGITS), 1e-9)
    many = LOGITS.repeat(40, 1)  # ten large random parts are nearly the whole
    assert_agree("classifier_score (parts)", metrics.classifier_score(many), "numpy (all)", inception_score(many), 2e-3)


@pytest.mark.parametrize("sharpness", [50.0, 1e4])  # at 1e4 a float64 probability underflows
def test_classifier_score_of_certain_answers_is_the_number_of_classes_that_are_shown(sharpness):
    for shown in (1, 4, 10):
        logits = sharpness * torch.eye(10)[torch.arange(1000) % shown]
        assert metrics.classifier_score(logits, splits=1) == pytest.approx(shown, rel=1e-9)
    assert metrics.classifier_score(torch.full((1000, 10), sharpness)) == pytest.approx(1.0)


def test_classes_covered_and_class_kl_against_counts_by_hand():
    shares = np.array([400, 300, 200, 60, 25, 15, 0, 0, 0, 0])  # of 1000: the least share that counts is 25
    logits = torch.eye(10)[torch.from_numpy(np.repeat(np.arange(10), shares))] + 0.1 * normal(1000, 10, 7).tanh()
    assert_agree("classes_covered", metrics.classes_covered(logits), "by hand", 5.0, 0.0)
    assert metrics.classes_covered(logits, least=0.26) == 4.0
    p = shares[shares > 0] / 1000
    assert_agree("class_kl", metrics.class_kl(logits), "numpy", float((p * np.log(10 * p)).sum()), 1e-12)


@pytest.mark.parametrize(("shown", "kl"), [(10, 0.0), (5, math.log(2)), (1, math.log(10))])
def test_class_kl_and_cover_of_equal_shares(shown, kl):
    logits = torch.eye(10)[torch.arange(100) % shown]
    assert metrics.class_kl(logits) == pytest.approx(kl, abs=1e-12)
    assert metrics.classes_covered(logits) == shown


DISTANCES = [metrics.frechet_distance, metrics.kernel_distance]
SCORES = [metrics.classifier_score, metrics.classes_covered, metrics.class_kl]
name = lambda function: function.__name__  # noqa: E731


@pytest.mark.parametrize("distance", DISTANCES, ids=name)
def test_what_is_shifted_further_is_further(distance):
    steps = [distance(REAL[:250] + shift, REAL[250:]) for shift in (0.0, 0.3, 0.6)]
    assert steps[0] < steps[1] / 3
    assert steps[1] < steps[2] / 2
    assert distance(0.5 * REAL[:250], REAL[250:]) > 3 * steps[0]  # the other side: too narrow


@pytest.mark.parametrize("metric", DISTANCES + SCORES, ids=name)
def test_metrics_are_pure_and_silent(metric):
    arguments = (FAKE, REAL) if metric in DISTANCES else (LOGITS,)
    copies = [x.clone() for x in arguments]
    values = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values.append(metric(*arguments))
        assert torch.equal(torch.get_rng_state(), before)
    assert values[0] == values[1]
    assert all(torch.equal(*pair) for pair in zip(arguments, copies, strict=True))


def test_one_part_alone_is_silent_too():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metrics.classifier_score(LOGITS, splits=1) > 1.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e200])
@pytest.mark.parametrize("metric", DISTANCES + SCORES, ids=name)
def test_samples_that_are_not_finite_are_nan(metric, bad):
    samples = (FAKE if metric in DISTANCES else LOGITS).double()
    samples[3, 2] = 3e38  # the largest that float32 holds
    assert math.isfinite(metric(samples, *((REAL,) if metric in DISTANCES else ())))
    samples[3, 2] = bad
    assert math.isnan(metric(samples, *((REAL,) if metric in DISTANCES else ())))


def test_lapack_never_sees_what_is_not_finite(monkeypatch):
    """It ends the process at times, and with it a whole sweep."""
    monkeypatch.setattr(metrics, "FrechetInceptionDistance", lambda **_: pytest.fail("torchmetrics was called"))
    assert math.isnan(metrics.frechet_distance(torch.full((9, 4), math.nan), torch.ones(9, 4)))
