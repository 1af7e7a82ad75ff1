"""What is measured and shown of methods that ask for a class: by judges that were not trained with them."""

import json

import numpy as np
import pytest
import torch
from conftest import MNIST_ROOT, SMALL, composed, needs_mnist
from run_folders import image_arrays, write_image_run

from saddlegan.engine.build import build, evaluation
from saddlegan.evaluation.conditions import between_classes, of_captions, of_each_class
from saddlegan.metrics.conditional import (
    caption_spread,
    class_accuracy,
    class_variety,
    nearest_class_accuracy,
    right_variety,
)
from saddlegan.report import write_report
from saddlegan.reporting.arrays import read_samples
from saddlegan.reporting.results import load_results

pytestmark = pytest.mark.usefixtures("own_draws")

FEW = ("data=digits", "num_seeds=1", "evaluation.samples=130", "batch_size=16", "model.generator.width=4",
       "method=cgan", "model=dcgan_conditional", "iterations=6", "evaluation.every=3",
       "evaluation.figures=1")  # fmt: skip


# Metrics --------------------------------------------------------------------------------------------------------------


def test_class_accuracy_is_the_share_of_samples_that_are_what_they_were_asked_to_be():
    logits = torch.tensor([[3.0, 1.0], [0.0, 1.0], [-5.0, -4.0], [9.0, 2.0]])
    assert class_accuracy(logits, torch.tensor([0, 1, 1, 0])) == 1
    assert class_accuracy(logits, torch.tensor([0, 1, 0, 1])) == 0.5
    assert class_accuracy(logits, torch.tensor([1, 0, 0, 1])) == 0
    assert np.isnan(class_accuracy(torch.full((2, 2), torch.nan), torch.tensor([0, 1])))


@needs_mnist
def test_samples_that_are_real_images_have_the_accuracy_of_the_classifier():
    """A generator that gave back the real image of the label is read as the real images are, class by class."""
    config = composed(*SMALL, *FEW, "data=mnist", f"data.root={MNIST_ROOT}", "evaluation.samples=2000")
    module, data = build(config)
    evaluate = evaluation(data, config)
    evaluate.fakes(module)
    real = evaluate.images.values(evaluate.images.test[:2000])[None]
    found = evaluate.computed("through", evaluate.offered(real))
    assert found["class_accuracy"] > 0.98
    assert found["class_variety"] == pytest.approx(1, abs=0.03)
    assert evaluate.computed("end", evaluate.offered_at_the_end(real))["nearest_class_accuracy"] == 1
    moved = evaluate.computed("through", evaluate.offered(real.roll(1, 1)))
    assert moved["class_accuracy"] < 0.2


def test_variety_is_the_ratio_of_traces_class_by_class():
    draws = np.random.default_rng(0)
    features, real = draws.normal(size=(60, 5)) * [1, 2, 3, 1, 1], draws.normal(size=(40, 5))
    asked, labels = np.arange(60) % 3, np.arange(40) % 4
    expected = np.mean(
        [
            np.trace(np.cov(features[asked == label].T)) / np.trace(np.cov(real[labels == label].T))
            for label in range(3)  # nothing was asked of the fourth
        ]
    )
    given = [torch.from_numpy(each) for each in (features, asked, real, labels)]
    assert class_variety(*given) == pytest.approx(expected)
    assert class_variety(3 * given[2], given[3], given[2], given[3]) == pytest.approx(9)
    logits = torch.nn.functional.one_hot(torch.arange(60) % 2, 3).double()  # of the third class none is right
    right = given[1] == logits.argmax(1)
    only = class_variety(given[0][right], given[1][right], given[2], given[3])
    assert right_variety(logits, *given) == pytest.approx(only)
    assert only != pytest.approx(expected)
    one = torch.ones(8, 5).double()
    assert class_variety(one, torch.arange(8) % 4, given[2], given[3]) == 0
    assert np.isnan(class_variety(given[0], asked=given[1] + 90, real_features=given[2], real_labels=given[3]))
    assert np.isnan(class_variety(given[0] / 0, given[1], given[2], given[3]))


def test_one_neighbour_among_samples_is_scikit_learns():
    from sklearn.neighbors import KNeighborsClassifier

    draws = np.random.default_rng(0)
    centres = draws.normal(size=(4, 6))
    asked, labels = draws.integers(4, size=90), draws.integers(4, size=70)
    images, test = (centres[of] + draws.normal(size=(len(of), 6)) for of in (asked, labels))
    expected = KNeighborsClassifier(1).fit(images, asked).score(test, labels)
    given = [torch.from_numpy(each) for each in (images, asked, test, labels)]
    assert nearest_class_accuracy(*given) == pytest.approx(expected)
    assert 0.3 < expected < 0.9
    assert np.isnan(nearest_class_accuracy(given[0] / 0, *given[1:]))


# What generators are asked for ----------------------------------------------------------------------------------------


def test_a_sheet_has_a_latent_a_row_and_a_class_a_column():
    given = {
        "latent": torch.randn(1, 5, 3),
        "label": torch.zeros(1, 5, dtype=torch.int64),
        "noise": torch.rand(1, 5, 2),
    }
    asked = of_each_class(given, 2, 4)
    assert asked["label"][0].tolist() == [0, 1, 2, 3] * 2
    for name in ("latent", "noise"):
        assert torch.equal(asked[name][0], given[name][0, [0] * 4 + [1] * 4])


@pytest.mark.parametrize(("classes", "pairs"), [(10, [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]), (3, [(0, 1)])])
def test_a_line_goes_from_a_class_to_the_next_one_at_one_latent(classes, pairs):
    given = {"latent": torch.randn(1, 9, 3), "label": torch.zeros(1, 9, dtype=torch.int64)}
    asked = between_classes(given, classes)
    lines, latents = asked["label"][0].unflatten(0, (-1, 10)), asked["latent"][0].unflatten(0, (-1, 10))
    assert len(lines) == len(pairs)
    for (start, end), line, latent in zip(pairs, lines, latents, strict=True):
        assert (latent == latent[0]).all()
        torch.testing.assert_close(line.sum(1), torch.ones(10))
        torch.testing.assert_close(line[:, end], torch.linspace(0, 1, 10))
        torch.testing.assert_close(line[:, start], torch.linspace(1, 0, 10))


def test_a_run_leaves_its_classes_in_numbers_and_pictures(run, tmp_path):
    result = run(*FEW, folder="labels")
    assert {"class_accuracy", "class_variety"} <= result["last_fifth"].keys()
    assert "nearest_class_accuracy" in result["final"]
    floors = result["floors"]
    assert floors["class_accuracy"] > 0.85, "the digits that the shipped classifier reads"
    assert floors["nearest_class_accuracy"] > 0.8
    assert 0.7 < floors["class_variety"] < 1.2
    arrays = np.load(tmp_path / "labels" / "samples.npz")
    assert arrays["classes"].shape == (8, 10, 28, 28)
    assert arrays["classes_through"].shape == (3, 10, 28, 28)
    assert arrays["between_classes"].shape == (5, 10, 28, 28)
    assert (arrays["classes_through"][-1] == arrays["classes"][0]).all(), "the last moment is the end"
    assert (arrays["between_classes"][0, [0, -1]] == arrays["classes"][0, :2]).all(), "a line ends in classes"
    assert (tmp_path / "labels" / "figures" / "classes.png").is_file()


def test_a_run_without_labels_has_neither(run, tmp_path):
    without = [word for word in FEW if not word.startswith(("method", "model="))]
    result = run(*without, "method=gan_non_saturating", "model=dcgan", folder="plain")
    assert not {
        name for name in (*result["final"], *result["floors"]) if name.startswith(("class_a", "class_v", "near"))
    }
    assert not {name for name in np.load(tmp_path / "plain" / "samples.npz") if "class" in name}


def test_the_report_shows_a_class_a_column(tmp_path):
    for method, labels in (("cgan", True), ("gan_non_saturating", False)):
        folder = write_image_run(tmp_path / method, method, experiment="cgan_mnist", iterations=2000)
        arrays = image_arrays(iterations=2000)
        if labels:
            arrays |= {
                "classes": np.full((8, 10, 28, 28), 7, np.uint8),
                "class_names": np.array([f"class {number}" for number in "abcdefghij"]),
                "classes_through": np.full((5, 10, 28, 28), 7, np.uint8),
                "between_classes": np.full((5, 10, 28, 28), 7, np.uint8),
                "captioned": np.full((3, 2, 7, 28, 28), 7, np.uint8),
                "captions": np.array(["one", "two", "three"]),
                "levels": np.full((8, 3, 28, 28), 7, np.uint8),
            }
        np.savez(folder / "samples.npz", **arrays)
    page = write_report([tmp_path], tmp_path / "report").with_suffix(".md").read_text()
    for name in ("classes", "classes-through", "between-classes", "captions-1", "levels"):
        assert f"cgan_mnist-{name}.png" in page
        assert list((tmp_path / "report").rglob(f"cgan_mnist-{name}.png"))
    assert "one class a column" in page
    assert "What else a generator is given" in page
    assert "cgan: What captions of test images gave" in page
    assert "captions-2" not in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"classes": np.zeros((8, 10, 28, 28))}, "'classes': got float64"),
        ({"classes": np.zeros((8, 28, 28), np.uint8)}, "expected 4 axes"),
        ({"classes_through": np.zeros((4, 10, 28, 28), np.uint8)}, "got 4 frames, expected 5"),
        ({"captioned": np.zeros((3, 1, 7, 28, 28), np.uint8)}, "'captions': got 0, expected 3"),
        ({"classes": np.zeros((8, 2, 28, 28), np.uint8), "class_names": np.array(["cats"])}, "got 1, expected 2"),
        ({"levels": np.zeros((8, 3, 14, 14), np.uint8)}, "of the size"),
    ],
)
def test_classes_of_another_shape_are_a_problem_and_no_picture(tmp_path, change, said):
    folder = write_image_run(tmp_path / "run", "cgan")
    np.savez(folder / "samples.npz", **(image_arrays() | change))
    (run,) = load_results([tmp_path]).runs
    assert said in read_samples(run).why
    assert json.loads((folder / "result.json").read_text())["status"] == "finished"


# Captions -------------------------------------------------------------------------------------------------------------


def test_each_caption_is_asked_for_with_the_same_latents():
    given = {"latent": torch.rand(1, 10, 3), "text": torch.rand(1, 10, 5), "coarse": torch.rand(1, 10, 1, 4, 4)}
    asked = of_captions(given, captions=2, latents=3)
    assert torch.equal(asked["text"][0], given["text"][0, [0, 0, 0, 1, 1, 1]])
    for name in ("latent", "coarse"):
        assert torch.equal(asked[name][0], given[name][0, [0, 1, 2, 0, 1, 2]])


def test_the_spread_of_one_caption_is_over_latents_and_not_over_captions():
    """Pixels of captions 0 and 1, of 2 latents each: deviations 0.1 and 0.3 within, whatever lies between."""
    centre = torch.tensor([[[0.0], [0.0]], [[9.0], [9.0]]])
    away = torch.tensor([[[-0.1], [0.1]], [[-0.3], [0.3]]]) / 2**0.5
    same = (centre + away)[..., None, None].expand(2, 2, 1, 4, 4)
    real = torch.tensor([0.0, 2.0])[:, None, None, None].expand(2, 1, 4, 4)
    assert caption_spread(same, real) == pytest.approx((0.05**0.5) / 2**0.5, rel=1e-5)
    assert caption_spread(same[:, :1].expand(2, 5, 1, 4, 4), real) == 0
