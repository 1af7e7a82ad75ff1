"""Stacked digits: how they are drawn, their modes, and a run of them."""

import math

import numpy as np
import pytest
import torch
from conftest import SMALL, alone, composed, results

from saddlegan.data.images import ImageSet
from saddlegan.data.stacked import StackedDigits
from saddlegan.engine.build import build
from saddlegan.metrics.stacked import stacked

STACK = ("data=stacked_mnist", "data.name=digits", "model=mnist_unrolled", "num_seeds=1", "evaluation.samples=128")


def data_of(*settings):
    module, data = build(composed(*SMALL, *STACK, *settings))
    data.trainer = alone()
    return module, data


@pytest.fixture(scope="module")
def digits():
    return ImageSet(name="digits", root="", download=False, train_images=0)


def numbers(channel, digits):
    """The places of images among the digits, by their pixels."""
    found = {image.numpy().tobytes(): place for place, image in enumerate(digits)}
    return [found[image.numpy().tobytes()] for image in channel]


def test_each_channel_is_a_digit_and_comes_once_in_an_epoch(digits):
    _, data = data_of("batch_size=100")
    assert data.epoch_length == len(digits.train) // 100 == 13
    drawn = (data.span(0, 13)["x"] * 255).round().to(torch.uint8).flatten(0, 3)
    assert drawn.shape == (1300, 3, 28, 28)
    places = [numbers(drawn[:, channel : channel + 1], digits.train) for channel in range(3)]
    assert all(len(set(of)) == 1300 for of in places)
    assert sum(a == b for a, b in zip(places[0], places[1], strict=True)) < 10  # one in 1348 by chance
    assert sum(a == b for a, b in zip(places[0], places[2], strict=True)) < 10
    assert sum(a == b for a, b in zip(places[1], places[2], strict=True)) < 10


def test_the_next_epoch_puts_others_together_and_a_seed_repeats_its_own():
    _, data = data_of("batch_size=100")
    first, second = data.span(0, 13)["x"], data.span(13, 26)["x"]
    assert not torch.equal(first, second)
    for one, other in ((0, 1), (1, 2), (0, 2)):
        sums = [of.flatten(0, 3)[:, [one, other]].sum((2, 3)) for of in (first, second)]
        pairs = [{tuple(image.tolist()) for image in of} for of in sums]
        assert len(pairs[0] & pairs[1]) < 10, (one, other)
    _, again = data_of("batch_size=100")
    assert torch.equal(again.span(13, 14)["x"], second[:1])
    _, other = data_of("batch_size=100", "seed=7")
    assert not torch.equal(other.span(0, 1)["x"], first[:1])


def test_what_is_measured_against_is_made_of_test_digits_and_is_always_the_same(digits):
    images = StackedDigits(name="digits", root="", download=False, train_images=0)
    assert images.test.shape == images.train.shape == (10_000, 3, 28, 28)
    assert torch.equal(images.test, StackedDigits(name="digits", root="", download=False, train_images=200).test)
    numbers(images.test[:50, 1:2], digits.test)
    numbers(images.train[:50, 2:3], digits.train)
    assert images.sizes == {}


def test_modes_by_hand():
    """Two combinations of 1000, one three times as often."""
    logits = torch.zeros(4, 3, 10)
    for image, word in enumerate(([1, 2, 3], [1, 2, 3], [3, 2, 1], [1, 2, 3])):
        for channel, digit in enumerate(word):
            logits[image, channel, digit] = 5.0
    found = stacked(logits)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert found == {"stacked_modes": 2.0, "stacked_kl": pytest.approx(math.log(1000) - entropy)}
    every = torch.nn.functional.one_hot(torch.cartesian_prod(*[torch.arange(10)] * 3), 10).float()
    assert stacked(every) == {"stacked_modes": 1000.0, "stacked_kl": pytest.approx(0.0, abs=1e-9)}
    assert np.isnan(list(stacked(logits * math.nan).values())).all()
    assert stacked(torch.eye(2)[None].expand(5, -1, -1)) == {
        "stacked_modes": 1.0,
        "stacked_kl": pytest.approx(math.log(4)),
    }


@pytest.mark.thorough
def test_a_run_counts_modes_through_training_and_beside_real_images(saddlegan, tmp_path):
    status, output = saddlegan(*STACK, "method=unrolled", "method.unrolled=1", "iterations=2", "evaluation.every=2")
    assert status == 0, output
    (result,) = results(tmp_path).values()
    assert 1 <= result["final"]["stacked_modes"][0] <= 128
    assert math.log(1000 / 128) - 1e-6 <= result["final"]["stacked_kl"][0] <= math.log(1000) + 1e-6
    assert 60 < result["floors"]["stacked_modes"] <= 128  # of 128 real images nearly each has a mode of its own
    assert not {"classes_covered", "classifier_score"} & result["final"].keys()
    assert next(iter(tmp_path.rglob("metrics.csv"))).read_text().count("stacked_modes") == 1


def test_steps_that_are_looked_ahead_leave_the_running_means_alone():
    module, data = data_of("method=unrolled", "method.unrolled=3")
    module.train()
    real = next(iter(data.span(0, 1)["x"][0]))
    kept = {name: buffer.clone() for name, buffer in module.discriminator.named_buffers()}
    weights = dict(module.discriminator.named_parameters())
    module.at(weights, {"x": real})
    assert kept
    assert all(torch.equal(kept[name], buffer) for name, buffer in module.discriminator.named_buffers())


def test_a_discriminator_of_a_quarter_has_the_layers_of_the_source():
    module, _ = data_of()
    discriminator = sum(p.numel() for n, p in module.discriminator.named_parameters() if "layers" in n)
    convolutions = (3 * 2 + 2 * 4 + 4 * 8) * 9 + 2 + 4 + 8
    assert discriminator == convolutions + 2 * (2 + 4 + 8) + 8 * 4 * 4 + 1
    fake = module.generator(torch.randn(1, 5, 256))
    assert fake.shape == (1, 5, 3, 28, 28)
    assert fake.min() >= 0
    assert fake.max() <= 1
