"""What a discriminator has learned, by an SVM: the protocol on features whose answer is known, and whole runs."""

import json

import numpy as np
import pytest
import torch
from conftest import SMALL, composed
from interventions import interrupted_at
from sklearn.cluster import MiniBatchKMeans
from torch import nn

from saddlegan.checks import ConfigError
from saddlegan.config.schema import check
from saddlegan.engine.build import build, evaluation
from saddlegan.evaluation.features import activations_of
from saddlegan.metrics.svm import (
    CLUSTERS,
    CONTRAST,
    DRAWS,
    PATCHES,
    WHITENING,
    accuracy,
    few,
    kmeans_features,
    normalised,
    pooled,
    svm_accuracies,
)

pytestmark = pytest.mark.usefixtures("own_draws")

FEW = ("data=digits", "num_seeds=1", "evaluation=features", "evaluation.samples=128", "batch_size=16", "model=dcgan",
       "model.generator.width=4", "method=gan_non_saturating", "iterations=4", "evaluation.every=2")  # fmt: skip


def parts(features, labels):
    """The rows in three equal parts."""
    third = len(labels) // 3
    names = {"train": slice(0, third), "validation": slice(third, 2 * third), "test": slice(2 * third, 3 * third)}
    return {name: features[of] for name, of in names.items()}, {name: labels[of] for name, of in names.items()}


def test_separable_features_are_told_apart_and_noise_is_not():
    draws = np.random.default_rng(0)
    labels = draws.integers(4, size=900)
    apart = np.eye(4)[labels] * 10 + draws.normal(size=(900, 4))
    noise = draws.normal(size=(900, 4))
    for features, least, most in ((apart, 0.99, 1.0), (noise, 0.1, 0.4)):
        arrays, known = parts(features, labels)
        assert least <= accuracy(arrays, known, few(known["train"], 10, 0)) <= most
    arrays, known = parts(apart * np.nan, labels)
    assert np.isnan(accuracy(arrays, known, few(known["train"], 10, 0)))


def test_the_same_features_have_the_same_accuracy_whatever_their_units_and_the_test_decides_nothing():
    """C is chosen on validation alone: with the labels of `test` moved on, each answer is wrong, none another one."""
    draws = np.random.default_rng(0)
    labels = draws.integers(3, size=600)
    features = np.eye(3)[labels] * 20 + draws.normal(size=(600, 3))
    arrays, known = parts(features, labels)
    rows = few(known["train"], 20, 0)
    scaled = {name: of * [1, 100, 0.01] + 5 for name, of in arrays.items()}
    assert accuracy(scaled, known, rows) == accuracy(arrays, known, rows) == 1
    assert accuracy(arrays, known | {"test": (known["test"] + 1) % 3}, rows) == 0


def test_few_labels_are_so_many_of_each_class_and_other_ones_in_another_draw():
    labels = np.repeat([0, 1, 2], [50, 30, 4])
    rows = few(labels, 10, 0)
    assert np.bincount(labels[rows]).tolist() == [10, 10, 4]
    assert len(set(rows)) == len(rows)
    assert set(rows) != set(few(labels, 10, 1))
    assert (rows == few(labels, 10, 0)).all()


def test_each_representation_is_judged_at_each_number_of_labels():
    draws = np.random.default_rng(0)
    labels = torch.from_numpy(draws.integers(3, size=900))
    good, bad = (
        torch.nn.functional.one_hot(labels, 3).double() + 0.1 * torch.randn(900, 3),
        torch.randn(900, 3).double(),
    )
    kinds = {"learned": good, "initial": bad, "pixels": bad, "kmeans": good}
    found = svm_accuracies({name: parts(of, labels)[0] for name, of in kinds.items()}, parts(labels, labels)[1])
    assert len(found) == 4 * len(DRAWS)
    for count in DRAWS:
        assert found[f"svm_learned_{count}"] == found[f"svm_kmeans_{count}"] > 0.95
        assert found[f"svm_initial_{count}"] == found[f"svm_pixels_{count}"] < 0.5


def test_activations_are_brought_to_4_by_4_by_the_maximum():
    maps, small = torch.rand(3, 5, 8, 8), torch.rand(3, 2, 4, 4)
    found = pooled([maps, small])
    assert found.shape == (3, 16 * 7)
    by_hand = torch.stack(
        [maps[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].amax((2, 3)) for i in range(4) for j in range(4)]
    )
    assert torch.equal(found[:, :80].unflatten(1, (5, 16)), by_hand.movedim(0, 2))
    assert torch.equal(found[:, 80:], small.flatten(1))


def test_a_patch_is_described_without_its_brightness_and_contrast():
    patches = torch.rand(10, 36)
    torch.testing.assert_close(normalised(patches), normalised(3 * patches + 2), rtol=0.05, atol=0.02)
    assert not normalised(torch.ones(2, 36)).any()


def test_k_means_features_tell_strokes_apart_that_lie_at_random_places():
    """Upright and lying strokes, of which no pixel says which: a linear classifier of pixels fails."""
    draws = np.random.default_rng(0)
    labels = draws.integers(2, size=450)
    images = torch.zeros(450, 1, 20, 20)
    for image, label, (row, column) in zip(images, labels, draws.integers(2, 10, size=(450, 2)), strict=True):
        image[0, row : row + (8 if label else 2), column : column + (2 if label else 8)] = 1.0
    split, known = parts(images, labels)
    rows = few(known["train"], 20, 0)
    found = {name: of.numpy() for name, of in kmeans_features(split).items()}
    assert found["test"].shape == (150, 400)
    flat = {name: of.flatten(1).numpy() for name, of in split.items()}
    assert accuracy(found, known, rows) > 0.95 > accuracy(flat, known, rows) + 0.03


def test_statistics_are_the_mean_over_batches_of_the_images_that_are_learned_from():
    module, _ = build(composed(*SMALL, *FEW))
    images = {"train": torch.rand(300, 1, 28, 28), "test": torch.rand(5, 1, 28, 28)}
    network = module.discriminator.network
    found = activations_of(module.discriminator, images, module)
    (norm,) = (layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d))
    with torch.no_grad():
        first = network.convolutions[0]
        before = [network.convolutions[1][0](first(2 * images["train"][at : at + 128] - 1)) for at in (0, 128)]
    mean = torch.stack([maps.mean((0, 2, 3)) for maps in before]).mean(0)
    torch.testing.assert_close(norm.running_mean, mean, rtol=1e-4, atol=1e-6)
    assert found["test"].shape == (5, 16 * (4 + 8))


@pytest.mark.thorough
def test_a_run_measures_its_discriminator_before_and_after_training(run, tmp_path):
    whole = run(*FEW, "checkpoint_seconds=1e-9", folder="whole")
    found = {name: value[0] for name, value in whole["final"].items() if name.startswith("svm_")}
    assert len(found) == 12
    assert all(0.5 < value <= 1 for name, value in found.items() if name.endswith("_100"))
    assert found["svm_learned_10"] != found["svm_initial_10"]
    with interrupted_at(3) as broken, pytest.raises(KeyboardInterrupt):
        run(*FEW, "checkpoint_seconds=1e-9", broken, folder="broken")
    again = run(*FEW, "checkpoint_seconds=1e-9", broken, folder="broken")
    assert json.dumps(again["final"]) == json.dumps(whole["final"])


def test_the_discriminator_before_training_is_the_one_that_was_made():
    config = composed(*SMALL, *FEW)
    module, data = build(config)
    evaluate = evaluation(data, config)
    evaluate.on_train_start(None, module)
    made = {name: value.clone() for name, value in module.discriminator.state_dict().items()}
    with torch.no_grad():
        for weight in module.discriminator.parameters():
            weight.zero_()
    assert all(torch.equal(value, evaluate.initial[name]) for name, value in made.items())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("model=mnist_conv", "expected one that shows its layers' activations .* Remedy: model=dcgan"),
        ("method=cgan model=dcgan_conditional", "of images alone"),
    ],
)
def test_a_discriminator_that_shows_no_features_of_images_is_refused(words, said):
    kept = [word for word in FEW if not word.startswith(("model.", "model=", "method"))]
    with pytest.raises(ConfigError, match=said):
        check(composed(*SMALL, *kept, "method=gan_non_saturating", *words.split()))


def test_images_without_labels_are_refused():
    config = composed(*SMALL, *FEW)
    _, data = build(config)
    data.examples.train_labels = None
    with pytest.raises(ConfigError, match=r"which have no labels.*Remedy: evaluation=images"):
        evaluation(data, config)


def test_c_is_chosen_on_images_that_are_not_learned_from():
    """Nor tested on: the three parts have no image in common, and labels are those of their images."""
    config = composed(*SMALL, *FEW)
    module, data = build(config)
    evaluate = evaluation(data, config)
    evaluate.initial = {name: value.clone() for name, value in module.discriminator.state_dict().items()}
    found = evaluate.represented(module)
    pixels = {part: {tuple(row) for row in of.tolist()} for part, of in found["representations"]["pixels"].items()}
    assert all(pixels.values())
    assert not pixels["train"] & pixels["validation"]
    assert not (pixels["train"] | pixels["validation"]) & pixels["test"]
    known = {tuple(data.examples.values(x[None]).flatten().tolist()): int(y) for x, y in
             zip(data.examples.train, data.examples.train_labels, strict=True)}  # fmt: skip
    rows = found["representations"]["pixels"]["validation"].tolist()
    assert [known[tuple(row)] for row in rows] == found["represented"]["validation"].tolist()


def test_k_means_features_are_of_whitened_patches_and_triangular():
    """Against NumPy: whitened patches have covariance 1, but for what is added to small variances; a patch is described
    by how much nearer than the mean of all clusters each one is."""
    draws = np.random.default_rng(0)
    images = {"train": torch.from_numpy(draws.random((300, 1, 12, 12)).astype(np.float32))}
    found = kmeans_features(images)["train"].numpy()
    assert (found >= 0).all()
    rng = np.random.default_rng(0)
    image, place = rng.integers(300, size=PATCHES), rng.integers(49, size=PATCHES)
    cut = np.stack([images["train"][i, 0, p // 7 : p // 7 + 6, p % 7 : p % 7 + 6].numpy().ravel()
                    for i, p in zip(image, place, strict=True)])  # fmt: skip
    patches = cut - cut.mean(1, keepdims=True)
    patches /= np.sqrt((patches**2).mean(1, keepdims=True) + CONTRAST)
    mean = patches.mean(0)
    values, vectors = np.linalg.eigh(np.cov((patches - mean).T.astype(np.float64)))
    whiten = vectors @ np.diag((values + WHITENING) ** -0.5) @ vectors.T
    white = ((patches - mean) @ whiten).astype(np.float32)
    assert np.allclose(np.diag(np.cov(white.T)).mean(), 35 / 36, atol=0.05), "one direction, brightness, is gone"
    clusters = MiniBatchKMeans(CLUSTERS, random_state=0, n_init=1, batch_size=2048).fit(white).cluster_centers_
    first = images["train"][0, 0].numpy()
    quarters = np.zeros((CLUSTERS, 7, 7))
    for top, left in np.ndindex(7, 7):
        own = first[top : top + 6, left : left + 6].ravel()
        own = (own - own.mean()) / np.sqrt(((own - own.mean()) ** 2).mean() + CONTRAST)
        far = np.linalg.norm((own - mean) @ whiten - clusters, axis=1)
        quarters[:, top, left] = np.maximum(far.mean() - far, 0)
    expected = [quarters[:, a, b].mean((1, 2)) for a in (slice(4), slice(3, 7)) for b in (slice(4), slice(3, 7))]
    correlation = np.corrcoef(np.stack(expected, 1).ravel(), found[0])[0, 1]
    assert correlation > 0.95, "clusters of float32 patches may differ in their last digits"
