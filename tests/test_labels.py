"""Labels as samples, given their images: a classifier as a generator."""

import math

import numpy as np
import pytest
import torch
from conftest import SMALL, alone, composed
from torch.nn.functional import cross_entropy, one_hot

from saddlegan.checks import ConfigError
from saddlegan.config.schema import check
from saddlegan.data.images import ImageSet, unit
from saddlegan.engine.build import build
from saddlegan.interface import load_generator, save_generator
from saddlegan.metrics.labels import error_rate, sample_error_rate

pytestmark = pytest.mark.usefixtures("own_draws")

NARROW = ("data=labels_of_digits", "num_seeds=1", "evaluation.samples=200", "model.generator.width=2",
          "model.discriminator.width=2")  # fmt: skip


def built(*words):
    return build(composed(*SMALL, *NARROW, *words))


def test_a_minibatch_has_labels_as_samples_beside_their_images():
    images = ImageSet(name="digits", root="", download=False, train_images=0)
    module, data = built("method=cross_entropy")
    data.trainer = alone()
    batch = data.span(0, 3)
    assert batch["x"].shape[3:] == (8, 10, 1)
    assert batch["image"].shape[3:] == (8, 1, 28, 28)
    known = {
        image.numpy().tobytes(): int(label)
        for image, label in zip(unit(images.train), images.train_labels, strict=True)
    }
    for label, image in zip(batch["x"].flatten(0, 3), batch["image"].flatten(0, 3), strict=True):
        assert known[image.numpy().tobytes()] == int(label[:, 0].argmax())
    assert module.conditions == ("image",)


def test_each_of_many_samples_is_judged_with_its_own_image():
    """The discriminator sees M samples of each image: the image of a sample is that which it was drawn for."""
    module, _ = built("method=bgan_discrete", "method.num_samples=3")
    image = torch.rand(1, 5, 1, 28, 28)
    given = {"latent": torch.zeros(1, 5, 1), "image": image, "choice": torch.rand(1, 5, 3)}
    made = module.make(module.generator, given)
    assert made["x"].shape == (1, 15, 10, 1)
    for place in range(15):
        assert torch.equal(made["image"][0, place], image[0, place % 5])
    chances = module.generator(given["latent"], image).softmax(2)[0, :, :, 0]
    for place in range(15):
        below = chances[place % 5].cumsum(0)[:-1]
        assert int(made["x"][0, place, :, 0].argmax()) == int(
            (given["choice"][0, place % 5, place // 5] >= below).sum()
        )


def test_the_image_reaches_both_players():
    module, _ = built("method=bgan_discrete")
    image = torch.rand(1, 6, 1, 28, 28, requires_grad=True)
    label = one_hot(torch.arange(6), 10)[None, :, :, None].float()
    for found in (module.logits({"x": label, "image": image}), module.generator(torch.zeros(1, 6, 1), image)):
        (slope,) = torch.autograd.grad(found.square().sum(), image)
        assert slope.abs().sum() > 0
    other = module.logits({"x": label.roll(1, 1), "image": image})
    assert not torch.allclose(module.logits({"x": label, "image": image}), other)


def test_cross_entropy_is_torchs_own_and_moves_the_generator_alone():
    module, _ = built("method=cross_entropy")
    labels = torch.randint(10, (7,))
    real = {"x": one_hot(labels, 10)[None, :, :, None].float(), "image": torch.rand(1, 7, 1, 28, 28)}
    given = {"latent": torch.zeros(1, 7, 1), "image": real["image"], "choice": torch.rand(1, 7, 1)}
    loss = module.generator_loss(real, {**given, **module.make(module.generator, given)})
    logits = module.generator(given["latent"], given["image"])[0, :, :, 0]
    torch.testing.assert_close(loss[0], cross_entropy(logits, labels))
    assert [turn.player for turn in module.turns()] == ["generator"]


def test_a_classifier_is_trained_by_likelihood_and_by_its_discriminator(run):
    """Far from chance after some iterations of either; test images are others than those of training."""
    for method in ("cross_entropy", "bgan_discrete"):
        longer = ("iterations=150", "batch_size=64", "evaluation.every=150", "optimizer.lr=3e-3", "optimizer.beta1=0.5")
        widths = ("model.generator.width=4", "model.discriminator.width=4")
        result = run(*NARROW, f"method={method}", *longer, *widths, folder=method)
        assert result["final"]["error_rate"][0] < 0.5, method
        assert result["final"]["sample_error_rate"][0] >= result["final"]["error_rate"][0] - 0.1


def test_errors_are_counted_against_test_labels(run, tmp_path):
    result = run(*NARROW, "method=bgan_reinforce", "iterations=2")
    counts = np.load(tmp_path / "run" / "samples.npz")["confusion"]
    labels = ImageSet(name="digits", root="", download=False, train_images=0).test_labels[:200]
    assert counts.sum(1).tolist() == np.bincount(labels, minlength=10).tolist()
    assert result["final"]["error_rate"][0] == pytest.approx(1 - np.trace(counts) / 200)


def test_error_rates_by_hand():
    chances = np.array([[0.6, 0.4], [0.1, 0.9], [0.7, 0.3]])
    assert error_rate(chances, np.array([0, 0, 1])) == pytest.approx(2 / 3)
    assert math.isnan(error_rate(chances * math.nan, np.array([0, 0, 1])))
    assert sample_error_rate(np.array([0, 1, 1]), np.array([0, 1, 0])) == pytest.approx(1 / 3)


def test_a_classifier_is_exported_and_loaded(run, tmp_path):
    module, _ = built("method=cross_entropy")
    save_generator(module, tmp_path / "export")
    generator, latent = load_generator(tmp_path / "export")
    image = torch.rand(1, 3, 1, 28, 28)
    torch.testing.assert_close(
        generator(torch.zeros(1, 3, latent.dim), image), module.generator(torch.zeros(1, 3, 1), image)
    )


def test_labels_need_networks_that_take_images():
    for words, said in (
        (("method=gan",), "Remedy: method=bgan_discrete"),
        (("method=bgan_discrete", "model=mnist_discrete"), "Remedy: model=classifier"),
    ):
        with pytest.raises(ConfigError, match=said):
            check(composed(*SMALL, "num_seeds=1", "data=labels_of_digits", *words))


def test_a_report_compares_error_rates(saddlegan, tmp_path):
    words = (*NARROW, "method=cross_entropy,bgan_discrete", "iterations=4", f"hydra.sweep.dir={tmp_path / 'sweep'}")
    status, output = saddlegan("-m", *words, "report.reference=cross_entropy")
    assert status == 0, output
    report = (tmp_path / "sweep" / "report" / "report.md").read_text()
    assert "error rate" in report
    assert "| bgan_discrete | cross_entropy |" in report
    assert "None: no run failed" in report
