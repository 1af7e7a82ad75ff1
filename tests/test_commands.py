"""`saddlegan-sample` and `saddlegan-export`: what a trained run is turned into."""

import json
import shutil

import numpy as np
import pytest
import torch
from conftest import IMAGES, SMALL, composed
from PIL import Image

import saddlegan
from saddlegan.checks import ConfigError
from saddlegan.commands import export, sample
from saddlegan.folder import DamagedRun, write_json
from saddlegan.interface import load_generator


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return trained_in(tmp_path_factory.mktemp("toy"), "ema_decay=0.5", "seed=4")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return trained_in(tmp_path_factory.mktemp("images"), *IMAGES, "iterations=2")


def trained_in(folder, *overrides):
    from saddlegan.engine.train import run

    config = composed(*SMALL, *overrides)
    write_json(folder / "config.json", config)
    run(config, folder)
    return folder


@pytest.mark.parametrize("kind", ["toy", "images"])
def test_samples_as_numbers_are_those_of_the_loaded_module(kind, request, tmp_path, capsys):
    run = request.getfixturevalue(kind)
    assert sample([str(run), "n=9", f"output={tmp_path / 'new' / 'a.npz'}"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "new" / "a.npz")
    with np.load(tmp_path / "new" / "a.npz") as content:
        assert content["samples"].shape == {"toy": (3, 9, 1), "images": (1, 9, 1, 28, 28)}[kind]
        assert np.array_equal(content["samples"], saddlegan.load(run).sample(9).numpy())


@pytest.mark.parametrize("kind", ["toy", "images"])
def test_samples_as_a_picture_lie_in_the_run_unless_told(kind, request, capsys):
    run = request.getfixturevalue(kind)
    assert sample([str(run), "n=16"]) == 0
    path = run / "figures" / "sample-16.png"
    assert capsys.readouterr().out.strip() == str(path)
    pixels = np.asarray(Image.open(path).convert("L"))
    assert pixels.min() < 100
    assert pixels.max() == 255


@pytest.mark.parametrize("kind", ["toy", "images"])
def test_a_run_of_before_the_data_named_their_evaluation_is_sampled(kind, request, tmp_path):
    run = request.getfixturevalue(kind)
    shutil.copytree(run, tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    del config["evaluation"]["_target_"]
    write_json(tmp_path / "run" / "config.json", config)
    assert sample([str(tmp_path / "run"), "n=4", f"output={tmp_path / 'a.png'}"]) == 0
    assert (tmp_path / "a.png").is_file()


@pytest.mark.parametrize("kind", ["toy", "images"])
def test_an_export_gives_the_generator_that_samples_come_from(kind, request, tmp_path):
    run = request.getfixturevalue(kind)
    assert export([str(run), f"output={tmp_path}"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["generator.json", "generator.safetensors"]
    module = saddlegan.load(run)
    generator, latent = load_generator(tmp_path)
    z = torch.from_numpy(latent.draw(np.random.default_rng(0), (len(module.seeds), 5)))
    with torch.no_grad():
        assert torch.equal(generator(z), module(z))
    about = json.loads((tmp_path / "generator.json").read_text())
    assert about["iteration"] == int(module.iteration)
    assert about["seed"] == {"toy": 4, "images": 0}[kind]
    assert about["versions"]["torch"]


def test_an_export_names_classes_of_this_package_alone(toy, tmp_path):
    assert export([str(toy), f"output={tmp_path}"]) == 0
    content = json.loads((tmp_path / "generator.json").read_text())
    content["model"]["generator"]["_target_"] = "os.system"
    write_json(tmp_path / "generator.json", content)
    with pytest.raises(ConfigError, match=r"got os.system, expected a network"):
        load_generator(tmp_path)


@pytest.mark.parametrize("what", ["missing", "truncated", "another", "json"])
def test_a_damaged_export_is_named(what, toy, images, tmp_path):
    assert export([str(toy), f"output={tmp_path}"]) == 0
    weights = tmp_path / "generator.safetensors"
    if what == "missing":
        weights.unlink()
    elif what == "truncated":
        weights.write_bytes(weights.read_bytes()[:100])
    elif what == "another":
        export([str(images), f"output={tmp_path / 'images'}"])
        shutil.copy(tmp_path / "images" / weights.name, weights)
    else:
        (tmp_path / "generator.json").write_text("{")
    with pytest.raises(DamagedRun, match="got no whole export"):
        load_generator(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["RUN", "n=zero"], "n=zero: got 'zero', expected a whole number"),
        (["RUN", "n=0"], "expected a finite number > 0"),
        (["RUN", "n=10000000"], "<= 1e+06"),
        (["RUN", "m=3"], "m=3: got an unknown key, expected n=..., label=..., caption=..., output=..."),
        (["RUN", "output=a.gif"], "expected .png, .npz or, of text, .txt"),
        (["RUN", "RUN"], "got 2 run folders"),
        (["n=3"], "got 0 run folders"),
        (["nowhere"], "expected a run folder"),
    ],
)
def test_arguments_that_cannot_be_used(arguments, said, toy, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert sample([str(toy) if word == "RUN" else word for word in arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert not list(tmp_path.iterdir()), "nothing is left of a command that was refused"
    assert error.startswith("saddlegan-sample: ")


def test_without_arguments_the_usage_is_printed(capsys):
    assert sample([]) == 2
    assert "saddlegan-sample RUN" in capsys.readouterr().out
    assert export(["--help"]) == 0
    assert "saddlegan-export RUN" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["no checkpoint", "damaged checkpoint", "other weights", "damaged configuration"])
def test_a_run_that_cannot_be_loaded_is_named(what, toy, tmp_path):
    run = shutil.copytree(toy, tmp_path / "run")
    checkpoint = run / "checkpoints" / "last.ckpt"
    if what == "no checkpoint":
        checkpoint.unlink()
    elif what == "damaged checkpoint":
        checkpoint.write_bytes(checkpoint.read_bytes()[:200])
    elif what == "other weights":
        write_json(run / "config.json", composed(*SMALL, "seed=4", "model.generator.widths=[5]"))
    else:
        (run / "config.json").write_text("[]")
    with pytest.raises(DamagedRun, match="got"):
        saddlegan.load(run)
    assert sample([str(run)]) == 2


def test_a_run_is_loaded_from_its_result_where_it_has_no_configuration_file(toy, tmp_path):
    """As in a folder of which only result.json and the checkpoint were kept."""
    run = shutil.copytree(toy, tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").unlink()
    write_json(run / "result.json", {"config": config})
    assert torch.equal(saddlegan.load(run).sample(3), saddlegan.load(toy).sample(3))


# Labels and captions --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    settings = ("data=digits", "method=cgan", "model=mnist_cgan", "num_seeds=1", "evaluation.samples=128")
    return trained_in(tmp_path_factory.mktemp("labelled"), *settings, "model.generator.width=20", "iterations=2")


def test_samples_of_one_label_are_those_that_were_asked_for(labelled, tmp_path, capsys):
    assert sample([str(labelled), "label=7", "n=5", f"output={tmp_path / 'a.npz'}"]) == 0
    module = saddlegan.load(labelled)
    with np.load(tmp_path / "a.npz") as content:
        assert np.array_equal(content["samples"], module.sample(5, label=torch.full((1, 5), 7)).numpy())
        assert not np.array_equal(content["samples"], module.sample(5, label=torch.full((1, 5), 6)).numpy())
    assert sample([str(labelled), "label=7", "n=4"]) == 0
    assert capsys.readouterr().out.split()[-1] == str(labelled / "figures" / "sample-4-label-7.png")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("label=10", "label=10: got no class of these data, expected 0 to 9."),
        ("label=-1", "label=-1: got no class of these data, expected 0 to 9."),
        ("label=seven", "label=seven: got no class of these data, expected 0 to 9."),
        ("caption=red heart", "caption=red heart: got a run whose networks are given no caption, expected label=0"),
    ],
)
def test_a_label_that_there_is_not_is_refused(labelled, asked, says, capsys):
    assert sample([str(labelled), asked]) == 2
    assert says in capsys.readouterr().err


def test_a_label_of_a_run_without_labels_is_refused(images, capsys):
    assert sample([str(images), "label=7"]) == 2
    assert "label=7: got a run whose networks are given no label, expected no label" in capsys.readouterr().err
