"""Images of few values: what networks see, what people see, and distances by fresh discriminators."""

import math

import numpy as np
import pytest
import torch
from conftest import SMALL, alone, composed
from scipy.stats import norm

from saddlegan import commands
from saddlegan.data.discrete import BinarizedImages, QuantizedImages
from saddlegan.data.images import ImageSet, unit
from saddlegan.data.sets import SetData
from saddlegan.engine.build import build
from saddlegan.folder import RESULT, write_json
from saddlegan.metrics import fresh as fresh_metrics
from saddlegan.metrics.expected import expected_classes, expected_frechet
from saddlegan.metrics.fresh import BOUNDS, estimate, fresh

DIGITS = {"name": "digits", "root": "", "download": False, "train_images": 0}


@pytest.fixture(scope="module")
def grey():
    return ImageSet(**DIGITS)


# Data -----------------------------------------------------------------------------------------------------------------


def test_a_fixed_threshold_is_half_of_white(grey):
    found = BinarizedImages(**DIGITS, binarization="fixed")
    assert torch.equal(found.train == 255, grey.train >= 128)
    assert set(found.train.unique().tolist()) == {0, 255}
    assert torch.equal(found.test == 255, grey.test >= 128)
    assert torch.equal(found.train_labels, grey.train_labels)


def minibatches(images, start, stop, **spans):
    data = SetData(
        images, **{"seeds": [0], "batch_size": 128, "draws": 2, "iterations": 100, "evaluate_every": 50} | spans
    )
    data.trainer = alone()
    return data.span(start, stop)["x"]


def test_drawn_pixels_are_white_as_often_as_they_are_grey(grey):
    """Over many draws of an image; anew in each minibatch, which is a function of the seed and its place."""
    images = BinarizedImages(**DIGITS | {"train_images": 128}, binarization="drawn")
    found = minibatches(images, 0, 50)  # an epoch is one minibatch: each image is drawn 100 times
    assert set(found.unique().tolist()) == {0.0, 1.0}
    white, expected = found.mean((0, 1, 2, 3))[0], unit(grey.train[:128]).mean((0, 1))
    assert (white - expected).abs().max() < 5 * 0.5 / math.sqrt(100 * 128)
    assert torch.equal(found[17:19], minibatches(images, 17, 19))
    assert not torch.equal(found[0, 0].sum(1), found[0, 1].sum(1))
    assert not torch.equal(found, minibatches(images, 0, 50, seeds=[1]))


def test_what_samples_are_compared_with_is_drawn_once(grey):
    one, other = (BinarizedImages(**DIGITS, binarization="drawn") for _ in range(2))
    assert torch.equal(one.test, other.test)
    assert set(one.test.unique().tolist()) == {0, 255}
    assert float(unit(one.test).mean()) == pytest.approx(float(unit(grey.test).mean()), abs=5e-3)
    assert not ((one.test == 255) & (grey.test == 0)).any()
    assert not ((one.test == 0) & (grey.test == 255)).any()


@pytest.mark.parametrize("levels", [2, 5])
def test_levels_are_the_nearest_ones_and_are_seen_as_one_hot(grey, levels):
    found = QuantizedImages(**DIGITS, levels=levels)
    shades = np.linspace(0, 255, levels)
    nearest = shades[np.abs(grey.test.numpy()[..., None] - shades).argmin(-1)]
    assert np.abs(found.test.numpy() - nearest).max() <= 0.5
    x = found.values(found.test)
    assert x.shape == (len(grey.test), levels, 28, 28)
    assert (x.sum(1) == 1).all()
    torch.testing.assert_close(found.pictures(x), unit(found.test), atol=2e-3, rtol=0)
    assert QuantizedImages.shape_of({"levels": levels}) == (levels, 28, 28)


def test_expectations_of_levels_are_mixtures_of_shades():
    x = torch.zeros(1, 3, 1, 2)
    x[0, :, 0, 0], x[0, :, 0, 1] = torch.tensor([0.5, 0.0, 0.5]), torch.tensor([0.0, 0.25, 0.75])
    torch.testing.assert_close(QuantizedImages.pictures(x)[0, 0, 0], torch.tensor([0.5, 0.875]))


# Runs -----------------------------------------------------------------------------------------------------------------

NARROW = ("num_seeds=1", "model.generator.width=4", "model.discriminator.width=4", "evaluation.samples=128")


@pytest.mark.parametrize("data", ["binarized_digits", "quantized_digits"])
def test_a_run_measures_samples_and_expectations_and_shows_images(run, tmp_path, data, monkeypatch):
    monkeypatch.setattr(fresh_metrics, "STEPS", 50)
    result = run(f"data={data}", "method=bgan_discrete", "method.num_samples=3", *NARROW, "iterations=4")
    final = result["final"]
    bounds = BOUNDS if data == "quantized_digits" else ()  # the first look has none
    assert {"frechet", "expected_frechet", "expected_classes", "ess", *bounds} <= final.keys()
    assert all(math.isfinite(value[0]) for value in final.values())
    assert 1 <= final["ess"][0] <= 3
    assert final["expected_frechet"] != final["frechet"]
    assert result["floors"]["frechet"] < final["frechet"][0]
    assert result["floors"].keys() & set(BOUNDS) == final.keys() & set(BOUNDS) == set(bounds)
    assert "expected_frechet" not in result["floors"]
    arrays = np.load(tmp_path / "run" / "samples.npz")
    assert arrays["images"].shape == (64, 28, 28)
    assert len(np.unique(arrays["images"])) == (2 if data == "binarized_digits" else 8)
    assert len(np.unique(arrays["real"])) == len(np.unique(arrays["images"]))
    write_json(tmp_path / "run" / RESULT, result)
    assert commands.sample([str(tmp_path / "run"), "n=9"]) == 0
    assert (tmp_path / "run" / "figures" / "sample-9.png").is_file()


def test_the_expectation_is_the_mean_of_many_samples():
    module, _ = build(composed(*SMALL, "data=binarized_digits", "method=bgan_discrete", *NARROW))
    latent = torch.rand(1, 1, 64).expand(1, 4000, 64)
    expected, samples = module.expected(latent)[0, 0], module(latent)[0]
    assert (samples.mean(0) - expected).abs().max() < 5 * 0.5 / math.sqrt(4000)
    assert ((expected > 0) & (expected < 1)).all()


# Distances by fresh discriminators ------------------------------------------------------------------------------------


def points(mean, count, seed):
    """Standard normal in three dimensions, about a mean along the first."""
    drawn = torch.randn(count, 3, generator=torch.Generator().manual_seed(seed))
    drawn[:, 0] += mean
    return drawn


def test_samples_of_one_law_are_at_no_distance():
    found = fresh(points(0, 4000, 0), points(0, 4000, 1), points(0, 4000, 2))
    assert all(abs(value) < 0.06 for value in found.values()), found


def test_the_step_is_chosen_on_other_samples_than_those_that_are_reported():
    """Those that are reported are made equal here, so that their distance is 0, whatever the others say."""
    fake, test = points(5, 400, 0), points(0, 200, 1)
    fake[300:] = test[1::2]
    assert estimate("fresh_wasserstein", fake, points(0, 400, 2), test) == pytest.approx(0, abs=1e-6)


def test_estimates_come_near_to_what_the_laws_have_and_not_above():
    """Two Gaussians a distance of 2 apart: KL is 2, W1 is 2, and JS by quadrature."""
    x = np.linspace(-10, 12, 20_001)
    p, q = norm.pdf(x), norm.pdf(x - 2)
    middle = (p + q) / 2
    js = 0.5 * np.trapezoid(p * np.log(p / middle) + q * np.log(q / middle), x)
    found = fresh(points(2, 8000, 0), points(0, 8000, 1), points(0, 8000, 2))
    assert 0.9 * js < found["fresh_js"] < 1.08 * js
    assert 1.5 < found["fresh_reverse_kl"] < 2.4
    assert 1.7 < found["fresh_wasserstein"] < 2.3


@pytest.mark.parametrize("distance", [5, 10])
def test_wassersteins_distance_does_not_grow_faster_than_it_is(distance):
    """By a penalty of weight 10 alone slopes are 1 + distance / 20, and what the critic says so much more."""
    found = estimate("fresh_wasserstein", points(distance, 8000, 0), points(0, 8000, 1), points(0, 8000, 2))
    assert 0.8 * distance < found < 1.06 * distance


def test_a_critic_that_is_wrong_of_a_few_held_out_samples_makes_no_generator_look_good():
    """Laws that hardly meet, of few samples: KL(q|p) is 72, of which few samples show some; it is never below 0."""
    found = estimate("fresh_reverse_kl", points(12, 400, 0), points(0, 400, 1), points(0, 400, 2))
    assert 3 < found <= 20


def test_where_no_critic_says_more_than_none_the_distance_is_0():
    for name in BOUNDS:
        assert estimate(name, points(0, 60, 0), points(0, 60, 1), points(0, 60, 2)) < 0.3
    same = torch.zeros(200, 3)
    assert [estimate(name, same, same, same) for name in BOUNDS] == pytest.approx([0.0, 0.0, 0.0], abs=1e-5)


def test_what_takes_long_to_learn_is_learned():
    """Normal laws in three dimensions of which one is twice as wide: no plane tells them apart."""
    wide, narrow = (scale * points(0, 8000, seed) for seed, scale in enumerate((2.0, 1.0)))
    log_ratio = [(-(x**2).sum(-1) / 8 - 3 * math.log(2) + (x**2).sum(-1) / 2).numpy() for x in (wide, narrow)]
    js = 0.5 * sum(
        np.mean(math.log(2) - np.log1p(np.exp(-sign * r))) for sign, r in zip((1, -1), log_ratio, strict=True)
    )
    found = estimate("fresh_js", wide, narrow, points(0, 8000, 2))
    assert 0.85 * js < found < 1.1 * js


def test_laws_that_do_not_meet_are_told_apart():
    assert estimate("fresh_js", points(20, 2000, 0), points(0, 2000, 1), points(0, 2000, 2)) == pytest.approx(
        math.log(2), rel=0.02
    )


def test_estimates_are_always_the_same_and_draw_nothing_of_torchs_own():
    parts = points(1, 400, 0), points(0, 400, 1), points(0, 400, 2)
    torch.manual_seed(5)
    one, before = fresh(*parts), torch.random.get_rng_state()
    torch.manual_seed(5)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(6)
    assert fresh(*parts) == one
    broken = parts[0].clone()
    broken[3] = math.nan
    assert all(math.isnan(value) for value in fresh(broken, *parts[1:]).values())


def test_expectations_are_measured_as_samples_are():
    features, logits = torch.randn(200, 4), torch.randn(200, 10)
    assert expected_frechet(features, features) == pytest.approx(0, abs=1e-6)
    assert expected_frechet(features + 1, features) == pytest.approx(4, rel=1e-3)
    assert expected_classes(logits) == 10
    assert expected_classes(torch.eye(10)[torch.zeros(50, dtype=torch.long)]) == 1


def test_the_step_that_tells_most_is_reported():
    """Quarters of the plane, which no line parts: JS is log 2, and after the first 50 steps far from seen."""
    wide = [points(0, 800, seed)[:, :2] for seed in range(3)]
    fake, others, test = (
        torch.stack([x[:, 0], sign * x[:, 0].sign() * x[:, 1].abs()], dim=1)
        for x, sign in zip(wide, (-1, 1, 1), strict=True)
    )
    assert 0.62 < estimate("fresh_js", fake, others, test) <= math.log(2)
