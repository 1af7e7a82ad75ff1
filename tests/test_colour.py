"""Images in colour, of other sizes, with other numbers of classes or none: trained, measured and shown."""

import json
import math
import re

import numpy as np
import pytest
import torch
import train_extractor
from conftest import ROOT, results
from PIL import Image
from safetensors.torch import save_file
from torch.nn.functional import interpolate
from variants import Flags

from saddlegan import figures
from saddlegan.checks import ConfigError
from saddlegan.commands import export
from saddlegan.data.images import check_images
from saddlegan.engine.build import module_of
from saddlegan.extractor import Classifier, Extractor
from saddlegan.figures import ImagePanel, Progress
from saddlegan.figures.tiles import enlarged, tile
from saddlegan.interface import compose, load, load_generator
from saddlegan.reporting.measures import facts_for

CONF = f"--config-dir={ROOT / 'tests' / 'conf'}"
RUN = ("num_seeds=1", "evaluation.samples=128", "evaluation.figures=1")
CLASSES = {"classifier_score", "classes_covered", "class_kl"}
FLAGS = np.random.default_rng(0).integers(0, 256, (64, 24, 16, 3), dtype=np.uint8)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("data", "shape"), [("flags", (24, 16, 3)), pytest.param("noise", (64, 64, 3), marks=pytest.mark.slow)]
)
def test_images_in_colour_are_trained_measured_and_shown(saddlegan, tmp_path, data, shape):
    """Without an extractor of their own: their classes are not measured, and the report shows them in colour."""
    status, output = saddlegan("-m", CONF, f"data={data}", "model=flat", *RUN)
    assert status == 0, output
    ((name, result),) = results(tmp_path).items()
    assert result["status"] == "finished"
    assert np.isfinite(result["final"]["frechet"]).all()
    assert 0 < result["floors"]["frechet"] < result["final"]["frechet"][0]
    assert not CLASSES & result["final"].keys()
    (folder,) = (path for path in tmp_path.rglob(name) if (path / "samples.npz").is_file())
    arrays = np.load(folder / "samples.npz")
    expected = {"images": 1, "real": 1, "through": 2, "interpolation": 2, "neighbours": 2}
    assert {key: arrays[key].shape[axes:] for key, axes in expected.items()} == dict.fromkeys(expected, shape)
    samples = load(folder).sample(64)[0].movedim(1, -1) * 255
    np.testing.assert_array_equal(arrays["images"], samples.round().byte().numpy())
    (report,) = tmp_path.rglob("report.md")
    assert "None: no run failed" in report.read_text()
    for kind in ("images.png", "through.png", "through.gif", "interpolation.png", "neighbours.png"):
        (picture,) = report.parent.glob(f"figures/*-{kind}")
        with Image.open(picture) as file:
            seen = np.asarray(file.convert("RGB")).astype(int)
        if kind in ("images.png", "neighbours.png"):  # real ones are among them; the generator begins at their mean
            assert (seen.max(-1) - seen.min(-1) > 100).any(), kind


@pytest.mark.thorough
def test_classes_are_measured_by_an_extractor_of_their_own(saddlegan, tmp_path, capfd):
    """The script that trains one learns three classes of colour images, and their number is the end of the range."""
    weights = tmp_path / "flags.safetensors"
    own = f"hydra.searchpath=[{ROOT / 'tests' / 'conf'}]"
    train_extractor.main(["--output", str(weights), "--epochs", "25", own, "data=flags", "model=flat"])
    assert float(capfd.readouterr().out.split("accuracy ")[-1].split(",")[0]) > 0.9
    extractor = Extractor(str(weights))
    assert (extractor.shape, extractor.dataset, extractor.head.out_features) == ((3, 24, 16), "flags", 3)
    status, output = saddlegan(CONF, "data=flags", "model=flat", *RUN, f"evaluation.extractor={weights}")
    assert status == 0, output
    (result,) = results(tmp_path).values()
    assert result["final"].keys() >= CLASSES
    assert result["floors"]["classes_covered"] == 3
    assert 2.5 < result["floors"]["classifier_score"] <= 3
    facts = facts_for([result["config"]])
    ends = [facts[name].most for name in ("classes_covered", "classifier_score", "class_kl", "precision")]
    assert ends == [3, 3, pytest.approx(math.log(3)), 1]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"train": torch.rand(300, 3, 24, 16)}, "got train images of flags as torch.float32"),
        ({"test": torch.zeros(150, 1, 24, 16, dtype=torch.uint8)}, "expected uint8 (n, 3, 24, 16)"),
        ({"test_labels": None}, "got no labels for 150 test images"),
        ({"train_labels": torch.arange(300)}, "got 300 labels from 0 to 299 for 300 train images"),
    ],
)
def test_a_set_that_does_not_hold_what_it_declares_is_refused(changed, said):
    images = Flags()
    check_images(images)
    for name, value in changed.items():
        setattr(images, name, value)
    with pytest.raises(ConfigError, match=re.escape(said)):
        check_images(images)


@pytest.mark.thorough
def test_floors_are_those_of_the_pixels_and_not_of_a_name(saddlegan, tmp_path):
    """Two sets of one name, in one process."""
    for spread in (20, 60):
        words = (f"+data.spread={spread}", f"hydra.run.dir={tmp_path / str(spread)}")
        status, output = saddlegan(CONF, "data=flags", "model=flat", *RUN, *words)
        assert status == 0, output
    one, other = (result["floors"]["frechet"] for result in results(tmp_path).values())
    assert one != other


def test_the_kernel_on_features_takes_images_in_colour(saddlegan, tmp_path):
    words = ("method=primal_dual", "method.space=features", "method.sigma=10")
    status, output = saddlegan(CONF, "data=flags", "model=flat", *RUN, *words)
    assert status == 0, output


def test_the_kernel_on_features_goes_by_the_extractor_of_the_evaluation(tmp_path):
    weights = tmp_path / "own.safetensors"
    save_file({name: value * 0.9 for name, value in Extractor().state_dict().items()}, weights)
    words = ("data=mnist", "model=mnist_conv", "method=primal_dual", "method.space=features", "num_seeds=1")
    shipped, own = (module_of(compose(*words, *more)) for more in ((), (f"evaluation.extractor={weights}",)))
    x = torch.rand(1, 5, 1, 28, 28)
    assert torch.equal(own.points(x)[0], Extractor(str(weights)).features(x[0]))
    assert not torch.equal(own.points(x), shipped.points(x))


def test_an_extractor_that_is_not_finite_is_refused(tmp_path):
    weights = Extractor().state_dict()
    weights["head.bias"] = torch.full((10,), math.nan)
    save_file(weights, tmp_path / "lost.safetensors")
    with pytest.raises(ConfigError, match="weights that are not finite"):
        Extractor(str(tmp_path / "lost.safetensors"))


def test_the_generator_of_a_set_of_ones_own_is_exported_and_loaded(saddlegan, tmp_path):
    """By a conditional GAN: what its networks are given comes along, and nothing outside the package is imported."""
    words = ("data=flags", "model=mnist_cgan", "method=cgan", "iterations=1", "evaluation.every=1")
    status, output = saddlegan(CONF, *words, *RUN)
    assert status == 0, output
    (folder,) = {path.parent for path in tmp_path.rglob("result.json")}
    assert export([str(folder), f"output={tmp_path / 'export'}"]) == 0
    description = tmp_path / "export" / "generator.json"
    content = json.loads(description.read_text())
    content["data"]["_target_"], content["method"]["_target_"] = "nowhere.Data", "nowhere.Method"
    description.write_text(json.dumps(content))
    generator, latent = load_generator(tmp_path / "export")
    given = torch.rand(1, 4, latent.dim), torch.tensor([[0, 1, 2, 0]])
    with torch.no_grad():
        assert torch.equal(generator(*given), load(folder).generator(*given))
    description.write_text(json.dumps(content | {"format": 1}))
    with pytest.raises(ConfigError, match=r"format 1, expected 2.*saddlegan-export RUN"):
        load_generator(tmp_path / "export")


def test_a_label_has_as_many_classes_as_the_data_say(saddlegan, tmp_path):
    """A conditional GAN of three classes; one of images without labels is refused."""
    status, output = saddlegan(CONF, "data=flags", "model=classifying", "method=classifying", *RUN)
    assert status == 0, output
    (folder,) = {path.parent for path in tmp_path.rglob("result.json")}
    module = load(folder)
    assert module.sizes == {"label": 3}
    assert module.discriminator.network.classes.out_features == 3
    status, output = saddlegan(CONF, "data=noise", "model=classifying", "method=classifying", *RUN)
    assert status == 2
    assert "has no label" in output


def test_an_extractor_sees_images_of_other_shapes_in_its_own(tmp_path):
    """Grey, resized, or in three equal colours; what is of its shape it sees as it is."""
    images = torch.rand(5, 3, 40, 20, generator=torch.Generator().manual_seed(0))
    shipped = Extractor()
    by_hand = interpolate(images.mean(1, keepdim=True), (28, 28), mode="bilinear", antialias=True)
    for found, expected in zip(shipped.see(images), shipped.see(by_hand), strict=True):
        torch.testing.assert_close(found, expected)
    assert shipped.fitting(by_hand) is by_hand
    network = Classifier((3, 16, 24), 4)
    file = tmp_path / "own.safetensors"
    save_file(network.state_dict(), file, metadata={"dataset": "own", "shape": "3 16 24"})
    own = Extractor(str(file))
    grey = images[:, :1, :16, :16]
    torch.testing.assert_close(own.fitting(grey), interpolate(grey.expand(-1, 3, -1, -1), (16, 24), mode="bilinear"))
    assert own.see(images)[1].shape == (5, 4)


def test_figures_keep_every_colour_in_its_place():
    images = FLAGS[:6].reshape(2, 3, 24, 16, 3)
    sheet = tile(images, gap=2)
    np.testing.assert_array_equal(sheet[26:50, 36:52], images[1, 2])
    np.testing.assert_array_equal(enlarged(images, 3)[:, :, 1::3, 2::3], images)
    figure = figures.image_figure([ImagePanel("a", figures.square(FLAGS[:4])), ImagePanel("b", FLAGS[None, :3])])
    figure.canvas.draw()
    seen = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    scale = round(seen.shape[1] / 2 / 48) - 1
    block = enlarged(FLAGS[None, :1], scale)[0, 0]
    windows = (seen[y : y + len(block), x : x + block.shape[1]] for y, x in np.argwhere((seen == block[0, 0]).all(-1)))
    assert sum(window.shape == block.shape and (window == block).all() for window in windows) >= 1


def test_an_animation_in_colour_has_every_moment(tmp_path):
    through = np.zeros((3, 16, 8, 8, 3), dtype=np.uint8)
    for frame in range(3):
        through[frame, ..., frame] = 250
    path = figures.save_gif([Progress("a", through, np.array([0, 10, 20]))], tmp_path / "a.gif")
    with Image.open(path) as file:
        assert file.n_frames == 3
        for frame in range(3):
            file.seek(frame)
            pixels = np.asarray(file.convert("RGB")).astype(int)
            own = pixels[..., frame] - np.delete(pixels, frame, axis=-1).max(-1)
            assert (own > 200).sum() > 1000
            assert json.dumps(int(file.info["duration"])) in ("250", "3000")
