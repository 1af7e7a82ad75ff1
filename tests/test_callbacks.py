"""What is measured, summarised, logged and said while a run trains, held against numbers that are computed here."""

import csv
import io
import re
import sys
from types import SimpleNamespace

import lightning as L
import numpy as np
import pytest
import torch
from conftest import IMAGES, SMALL, composed
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.loggers.logger import DummyLogger
from safetensors.torch import save_file
from scipy import stats

from saddlegan.data.images import Images
from saddlegan.engine.build import build, evaluation
from saddlegan.engine.checkpoint import TimedCheckpoint
from saddlegan.engine.progress import Progress
from saddlegan.evaluation.images import EvaluateImages, pixels
from saddlegan.methods.gan import GAN
from saddlegan.metrics.neighbours import memorisation, nearest
from saddlegan.random import draw_evaluation


def prepared(*overrides):
    config = composed(*SMALL, *overrides)
    module, data = build(config)
    return config, module, data, evaluation(data, config)


def fitted(*overrides, callbacks=(), logger=False, resume=None):
    config, module, data, evaluate = prepared(*overrides)
    trainer = L.Trainer(
        accelerator="cpu", max_epochs=-1, logger=logger, callbacks=[evaluate, *callbacks], enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    return config, trainer, module, data, evaluate


# Toys -----------------------------------------------------------------------------------------------------------------


def flagged(evaluate, series, diverged_above):
    """Metrics over several evaluations."""
    return evaluate.computed("over", series | evaluate.offered_over(diverged_above))


def test_two_atoms_are_measured_in_their_own_units():
    """std 1, unit 0.0316, jumps in the distribution function; samples half a unit beside one atom."""
    *_, evaluate = prepared("data=two_point")
    unit = 0.0316227766
    one, other = np.full(64, 1.0 + 0.4 * unit), np.tile([-1.0, 1.0], 32)
    spread = np.linspace(-1.2, 1.2, 64)
    values = evaluate.measure(torch.from_numpy(np.stack([one, other, spread]))[..., None])
    w1 = [stats.wasserstein_distance(x, [-1.0, 1.0]) for x in (one, other, spread)]
    np.testing.assert_allclose(values["w1"], w1, atol=1e-12)
    np.testing.assert_allclose(values["w1_std"], w1, atol=1e-12)
    np.testing.assert_allclose(values["ks"][:2], [1.0, 0.0], atol=1e-12)  # between the atom and the samples
    exact = evaluate.measure(torch.ones(3, 64, 1, dtype=torch.float64))
    np.testing.assert_allclose(exact["ks"], 0.5, atol=1e-12)  # below the atom, where F jumps with the samples
    np.testing.assert_allclose(values["modes_covered"], [1, 2, 0])
    series = {"w1": np.array([[0.3 * unit, 0.7 * unit, 0.4]] * 2), "mean_error": np.array([[0, 0, 1.0], [0, 2.0, 3.0]])}
    flags = flagged(evaluate, series, 0.3)
    assert flags["converged"].tolist() == [1.0, 0.0, 0.0], "below half a unit"
    assert flags["oscillation"].tolist() == [0.0, 1.0, 1.0], "of the mean, over time"
    assert flags["diverged"].tolist() == [0.0, 0.0, 1.0], "above 0.3 root mean squares of the data, which are 1"


def test_divergence_is_judged_by_the_size_of_the_data():
    *_, evaluate = prepared("data.mean=100")
    series = {"w1": np.array([[250.0, 350.0]] * 2), "mean_error": np.zeros((2, 2))}
    assert flagged(evaluate, series, 3.0)["diverged"].tolist() == [0.0, 1.0]


def test_a_summary_is_the_mean_over_the_last_fifth_of_what_was_reached():
    *_, evaluate = prepared()
    for at in range(0, 101, 5):
        row = {"w1": [float(at)] * 3, "mean_error": [0.0] * 3}
        evaluate.history.append((at, row))
    assert evaluate.summary(100, 1e9)["w1"].tolist() == [np.mean([85, 90, 95, 100])] * 3
    assert evaluate.summary(50, 1e9)["w1"].tolist() == [np.mean([45, 50])] * 3
    assert evaluate.summary(1000, 1e9)["w1"].tolist() == [np.mean([85, 90, 95, 100])] * 3, "it ended at 100"


def test_the_median_over_seeds_leaves_out_those_that_are_not_finite():
    *_, evaluate = prepared()
    evaluate.history.append((0, {"w1": [1.0, float("nan"), 2.0, 6.0]}))
    assert evaluate.median("w1") == 2.0


def test_evaluation_has_latents_and_data_of_its_own_streams():
    _, module, data, evaluate = prepared()
    latent = draw_evaluation(module.latent.draw, module.seeds, 64, part=0)
    assert torch.equal(evaluate.fakes(module), module(latent))
    assert torch.equal(evaluate.real["x"], draw_evaluation(data.distribution.draw, module.seeds, 64, part=1))


def test_kept_samples_are_each_seeds_own_in_order(run, tmp_path):
    run()
    with np.load(tmp_path / "run" / "samples.npz") as kept:
        assert (np.diff(kept["samples"], axis=-1) >= 0).all()
        assert len(np.unique(kept["samples"].mean(-1))) == 3


# Players --------------------------------------------------------------------------------------------------------------


def test_the_hook_after_a_step_is_called_after_each_with_the_terms_of_its_loss():
    calls = []

    class Clipped(GAN):
        def after_step(self, player, terms):
            calls.append(player)
            assert [term.shape for term in terms.values()] == [(3,)]
            assert not any(term.requires_grad for term in terms.values())

    module, data = build(composed(*SMALL, "method.num_critic_steps=3", "iterations=4"))
    module.__class__ = Clipped
    L.Trainer(barebones=True, accelerator="cpu", max_epochs=-1).fit(module, datamodule=data)
    assert calls == ["discriminator", "discriminator", "discriminator", "generator"] * 4


def test_each_player_has_the_optimizer_of_its_name():
    _, trainer, module, *_ = fitted("optimizer=sgd_2014", "optimizer.lr=1e-3")
    found = {
        group["lr"]: {id(parameter) for parameter in group["params"]}
        for optimizer in trainer.optimizers
        for group in optimizer.param_groups
    }
    assert found == {
        1e-3: {id(parameter) for parameter in module.generator.parameters()},
        0.05: {id(parameter) for parameter in module.discriminator.parameters()},
    }


def test_masks_of_dropout_are_new_in_each_iteration():
    module, data = build(composed(*SMALL, *IMAGES, "iterations=2"))
    masks = []
    module.discriminator.network.layers[2].register_forward_hook(lambda _, i, out: masks.append((out == 0).clone()))
    L.Trainer(barebones=True, accelerator="cpu", max_epochs=-1).fit(module, datamodule=data)
    half = len(masks) // 2
    assert half == 2  # real and fake samples for the discriminator's step, fake ones for the generator's
    assert not any(torch.equal(one, other) for one, other in zip(masks[:half], masks[half:], strict=True))


# Images ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A concluded image run: its data, its evaluation, its module, and the folder of what it left."""
    config, trainer, module, data, evaluate = fitted(*IMAGES, "iterations=3", "evaluation.every=1")
    folder = tmp_path_factory.mktemp("images")
    fake = evaluate.fakes(module)
    conclusion = evaluate.conclude(trainer, module, fake, folder, draw=False)
    with np.load(folder / "samples.npz") as content:
        return config, module, data, evaluate, fake, conclusion, dict(content)


def test_the_last_numbers_of_images_are_about_generated_test_and_training_images(images):
    _, _, data, _, fake, conclusion, arrays = images
    train, test = (x.float().flatten(1) / 255 for x in (data.examples.train, data.examples.test))
    assert conclusion.final["memorisation"] == [pytest.approx(memorisation(fake[0].flatten(1), test, train))]
    _, index = nearest(fake[0, :10].flatten(1), train)
    assert np.array_equal(arrays["neighbours"][1], data.examples.train[index, 0].numpy())
    assert np.array_equal(arrays["real"], data.examples.test[:64, 0].numpy())
    scales = conclusion.entries["scales"]
    assert scales["median_distance_pixels"] > scales["nearest_distance_pixels"] > 0
    weights = conclusion.entries["weights"]
    assert weights["generator"] != weights["discriminator"]


def test_an_interpolation_runs_between_latents_of_its_own(images):
    _, module, _, _, _, _, arrays = images
    latent = draw_evaluation(module.latent.draw, module.seeds, 128, part=0)
    ends = pixels(module(latent[:, 64:76]))[0].numpy()
    assert np.array_equal(arrays["interpolation"][:, 0], ends[:6])
    assert np.array_equal(arrays["interpolation"][:, -1], ends[6:])


def test_pixels_are_rounded_to_the_nearest():
    x = torch.tensor([0.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 1.0, 2.0, -1.0, float("nan")])
    assert pixels(x[:, None, None, None]).flatten().tolist() == [0, 0, 1, 255, 255, 255, 0, 0]


def test_floors_are_kept_for_what_they_depend_on(tmp_path):
    *_, few = prepared(*IMAGES, "evaluation.samples=150")
    *_, many = prepared(*IMAGES, "evaluation.samples=400")
    assert few.floors()["frechet"] > many.floors()["frechet"], "a Fréchet distance falls with the number of images"
    *_, fewer = prepared(*IMAGES, "evaluation.samples=150", "evaluation.metrics.kernel_distance=null")
    assert few.floors().keys() - fewer.floors().keys() == {"kernel_distance"}, "of the metrics that are listed"
    shrunk = {name: value * 0.9 for name, value in few.extractor.state_dict().items()}
    save_file(shrunk, tmp_path / "own.safetensors", metadata={"dataset": "mnist"})
    *_, own = prepared(*IMAGES, "evaluation.samples=150", f"evaluation.extractor={tmp_path / 'own.safetensors'}")
    assert own.floors()["frechet"] < 0.9 * few.floors()["frechet"], "other features, other distances"


def test_classes_are_measured_where_the_extractor_knows_them(images):
    _, _, data, evaluate, *_ = images
    assert "classes_covered" in evaluate.history[-1][1]
    source = data.examples
    known = {"classes": "fashion_mnist", "channel_classes": None}
    stranger = type("Other", (Images,), {**known, "test": source.test, "test_labels": source.test_labels})()
    own = {"metrics": composed(*IMAGES)["evaluation"]["metrics"], "extractor": None}
    settings = {"seeds": [0], "iterations": 1, "every": 1, "samples": 128, "pictures": 0, "path": None}
    other = EvaluateImages(type("Data", (), {"examples": stranger})(), **own, **settings)
    assert other.classes is False
    assert other.measure(torch.rand(1, 128, 1, 28, 28)).keys() == {"frechet", "kernel_distance"}


# Loggers and progress -------------------------------------------------------------------------------------------------


def test_logged_scalars_are_quartiles_over_the_seeds(tmp_path):
    logger = CSVLogger(tmp_path, name="", version="")
    _, _, module, _, evaluate = fitted("num_seeds=5", logger=logger)
    last = list(csv.DictReader((tmp_path / "metrics.csv").open()))[-1]
    w1 = evaluate.history[-1][1]["w1"]
    quartiles = {"lower_quartile": 25, "median": 50, "upper_quartile": 75}
    for name, share in quartiles.items():
        assert float(last[f"metrics/w1/{name}"]) == pytest.approx(np.percentile(w1, share), rel=1e-6)
    with torch.no_grad():
        for name, x in {"real": evaluate.real["x"][:, :256], "fake": evaluate.fakes(module)[:, :256]}.items():
            output = torch.sigmoid(module.discriminator(x)).mean(-1).median()
            assert float(last[f"discriminator/{name}/median"]) == pytest.approx(float(output), rel=1e-5)
    for player in ("generator", "discriminator"):
        squares = sum(p.grad.square().flatten(1).sum(1) for p in getattr(module, player).parameters())
        assert float(last[f"gradient_norm/{player}/median"]) == pytest.approx(float(squares.sqrt().median()), rel=1e-5)


def test_the_discriminators_output_is_shown_without_dropout(tmp_path):
    logger = CSVLogger(tmp_path, name="", version="")
    _, _, module, _, evaluate = fitted(*IMAGES, "iterations=2", logger=logger)
    last = list(csv.DictReader((tmp_path / "metrics.csv").open()))[-1]
    with torch.no_grad():
        output = torch.sigmoid(module.discriminator.eval()(evaluate.real["x"][:, :256])).mean()
    assert float(last["discriminator/real/median"]) == pytest.approx(float(output), rel=1e-5)


@pytest.mark.parametrize(("metric", "shown"), [("ks", "ks"), ("frechet", "w1")])
def test_progress_says_how_far_it_is_and_what_is_left(metric, shown, capsys):
    _, module, data, evaluate = prepared("iterations=150", "evaluation.every=50")
    progress = Progress(evaluate, 150, metric, "name", seconds=0.0)
    L.Trainer(
        accelerator="cpu", max_epochs=-1, logger=False, callbacks=[evaluate, progress], enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    ).fit(module, datamodule=data)  # fmt: skip
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("name: ")]
    found = [re.fullmatch(r"name: (\d+)/150 (\d+) it/s median (\w+) (\S+) (\d+) s left", line) for line in lines]
    assert [int(match[1]) for match in found] == [50, 100, 150]
    for match, (_, row) in zip(found, evaluate.history[1:], strict=True):
        assert match[3] == shown
        assert float(match[4]) == pytest.approx(np.median(row[shown]), rel=1e-2)
        left, rate = 150 - int(match[1]), int(match[2])  # both are rounded
        assert left / (rate + 0.5) - 1 <= int(match[5]) <= left / max(rate - 0.5, 1e-9) + 1
    assert found[-1][5] == "0"


@pytest.fixture
def clock(monkeypatch):
    """Seconds that go by as a test says: `clock.now += 10`."""
    clock = SimpleNamespace(now=1000.0)
    time = SimpleNamespace(monotonic=lambda: clock.now)
    monkeypatch.setattr("saddlegan.engine.progress.time", time)
    monkeypatch.setattr("saddlegan.engine.checkpoint.time", time)
    return clock


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_run_that_goes_on_is_timed_by_what_it_does_itself(clock, capsys):
    """From iteration 400 of 1000 on, 10 iterations per second: 50 seconds are left at 500."""
    _, module, _, evaluate = prepared()
    evaluate.history.append((0, {"w1": [1.0, 2.0, 6.0]}))
    progress = Progress(evaluate, 1000, "w1", "name", seconds=5.0)
    module.iteration += 400
    progress.on_train_start(None, module)
    clock.now += 10
    module.iteration += 100
    progress.on_train_batch_end(None, module)
    assert capsys.readouterr().err == "name: 500/1000 10 it/s median w1 2 50 s left\n"


def test_on_a_terminal_a_bar_stands_where_training_is(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    _, module, _, evaluate = prepared()
    evaluate.history.append((0, {"w1": [1.0, 2.0, 6.0]}))
    progress = Progress(evaluate, 1000, "w1", "name")
    module.iteration += 400
    progress.on_train_start(None, module)
    for _ in range(3):
        module.iteration += 100
        progress.on_train_batch_end(None, module)
    assert progress.bar is not None
    progress.bar.refresh()
    assert "700/1000" in terminal.getvalue().splitlines()[-1]
    assert "median w1 2" in terminal.getvalue()
    assert "name: " in terminal.getvalue()
    progress.on_train_end(None, module)
    assert progress.bar is None


def test_a_checkpoint_is_saved_so_many_seconds_after_the_last_one(clock, tmp_path):
    saved = []

    def save(path):
        saved.append((int(module.iteration), path))
        path.write_text("whole")

    module = SimpleNamespace(iteration=0)
    timed = TimedCheckpoint(tmp_path / "last.ckpt", seconds=10.0, iterations=1000, evaluated=50)
    timed.signals = SimpleNamespace(number=None)
    for at in range(50, 301, 50):
        module.iteration, clock.now = at, clock.now + (4.0 if at in (150, 200) else 12.5)
        timed.on_train_epoch_end(SimpleNamespace(save_checkpoint=save, world_size=1, is_global_zero=True), module)
    assert [at for at, _ in saved] == [50, 100, 250, 300]
    assert (tmp_path / "last.ckpt").read_text() == "whole"
    assert (tmp_path / "before.ckpt").read_text() == "whole"
    assert all(path != tmp_path / "last.ckpt" for _, path in saved), "written beside it, and moved there"


@pytest.mark.parametrize(("figures", "shown"), [(0, []), (1, [60]), (3, [20, 40, 60]), (4, [15, 30, 45, 60])])
def test_pictures_are_shown_so_many_times_through_training(figures, shown):
    class Gallery(DummyLogger):
        def log_image(self, name, images, at):
            if name == "pictures/density":
                seen.append(at)

    seen = []
    fitted("iterations=60", "evaluation.every=5", f"evaluation.figures={figures}", logger=Gallery())
    assert seen == shown


def test_progress_is_silent_between_its_lines(capsys):
    _, module, data, evaluate = prepared("iterations=100", "evaluation.every=10")
    progress = Progress(evaluate, 100, "w1", "name", seconds=1000.0)
    L.Trainer(
        accelerator="cpu", max_epochs=-1, logger=False, callbacks=[evaluate, progress], enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    ).fit(module, datamodule=data)  # fmt: skip
    assert "name: " not in capsys.readouterr().err
