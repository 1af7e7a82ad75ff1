"""Lightning's contract: users bring their own Trainer, callbacks, loggers and loaders. And a run of ours heeds none of
the variables that a cluster sets."""

import copy
import csv
import pickle
import re
import shutil
import signal
import types
from pathlib import Path
from typing import ClassVar

import lightning as L
import numpy as np
import pytest
import torch
from conftest import IMAGES, ROOT, SMALL, composed
from interventions import WATCHED, calling, interrupted_at
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset

import saddlegan
from saddlegan.checks import ConfigError
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.engine.build import build, evaluation
from saddlegan.engine.train import run as train
from saddlegan.folder import write_json
from saddlegan.methods.gan import GAN
from saddlegan.methods.primal_dual import PrimalDual

SHORT = (*SMALL, "iterations=200", "evaluation.every=50", "evaluation.samples=32")


def trained(*overrides, callbacks=(), logger=False, checkpoints=False, **settings):
    """A user's own Trainer after `fit`; `evaluate` is our callback among its own."""
    config = composed(*SHORT, *overrides)
    module, data = build(config)
    evaluate = evaluation(data, config)
    trainer = L.Trainer(
        accelerator="cpu", logger=logger, callbacks=[evaluate, *callbacks], enable_checkpointing=checkpoints,
        enable_progress_bar=False, enable_model_summary=False, **settings,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    return trainer, module, evaluate


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# The clock ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "iterations"),
    [
        ({}, 200),  # Lightning's default of 1000 epochs: the data end before
        ({"max_epochs": -1}, 200),
        ({"max_epochs": 3}, 150),
        ({"max_steps": 100}, 100),
        ({"max_steps": 33}, 33),
        ({"max_epochs": 2, "limit_train_batches": 1}, 100),
        ({"fast_dev_run": True}, 1),
        ({"max_steps": 100, "profiler": "simple"}, 100),
    ],
    ids=str,
)
def test_a_trainer_runs_as_far_as_it_is_told_and_counts_iterations(settings, iterations, tmp_path, capsys):
    trainer, module, evaluate = trained(default_root_dir=tmp_path, **settings)
    assert int(module.iteration) == iterations
    assert trainer.global_step == iterations
    assert evaluate.history[-1][0] == iterations, "the last row is that of the end"


def test_two_steps_of_the_discriminator_are_one_iteration():
    trainer, module, _ = trained("method.num_critic_steps=2", max_steps=50)
    assert trainer.global_step == int(module.iteration) == 50


@pytest.mark.parametrize(("period", "saved"), [(50, [50, 100, 150, 200]), (30, [30, 60, 90, 120, 150, 180])])
def test_checkpoints_every_so_many_iterations(period, saved, tmp_path):
    saver = ModelCheckpoint(tmp_path, every_n_train_steps=period, save_top_k=-1, filename="{step}")
    trained(callbacks=[saver], checkpoints=True)
    assert sorted(int(path.stem.removeprefix("step=")) for path in tmp_path.glob("*.ckpt")) == saved


def test_the_time_limit_ends_training_and_the_end_is_measured():
    trainer, module, evaluate = trained("iterations=100000000", max_time={"seconds": 1})
    assert 0 < trainer.global_step < 100_000_000
    assert evaluate.history[-1][0] == int(module.iteration)


def test_the_cutting_of_spans_does_not_change_what_is_trained(tmp_path):
    _, plain, _ = trained()
    saver = ModelCheckpoint(tmp_path, every_n_train_steps=7)
    _, cut, _ = trained(callbacks=[saver], checkpoints=True, limit_train_batches=3)
    assert same(dict(plain.generator.named_parameters()), dict(cut.generator.named_parameters()))


# Metrics --------------------------------------------------------------------------------------------------------------


def test_callbacks_find_the_median_of_every_metric_at_every_moment():
    seen = {}

    class Look(L.Callback):
        def on_train_epoch_end(self, trainer, module):
            seen[trainer.global_step] = {name: float(value) for name, value in trainer.callback_metrics.items()}

    _, _, evaluate = trained(callbacks=[Look()])
    assert list(seen) == [50, 100, 150, 200]
    for iteration, row in evaluate.history[1:]:
        assert seen[iteration].keys() == row.keys()
        for name, values in row.items():
            assert seen[iteration][name] == pytest.approx(float(np.median(values)), rel=1e-6), name


def test_early_stopping_stops_where_its_metric_does_not_improve():
    worst = EarlyStopping("w1", mode="max", patience=1, min_delta=1e9)  # nothing improves by so much
    trainer, _, _ = trained(callbacks=[worst])
    assert trainer.global_step == 100
    patient, _, _ = trained(callbacks=[EarlyStopping("w1", patience=100)])
    assert patient.global_step == 200


def test_a_checkpoint_of_the_best_metric_is_that_of_its_iteration(tmp_path):
    saver = ModelCheckpoint(tmp_path, monitor="w1", filename="{step}")
    _, _, evaluate = trained(callbacks=[saver], checkpoints=True)
    medians = {at: float(np.median(row["w1"])) for at, row in evaluate.history[1:]}
    best = min(medians, key=medians.__getitem__)
    assert Path(saver.best_model_path).stem == f"step={best}"
    again = AdversarialModule.load_from_checkpoint(saver.best_model_path)
    assert int(again.iteration) == best
    assert again.training is False
    assert np.median(evaluate.measure(again.sample(32))["w1"]) == medians[best]


def test_rates_follow_their_schedule_and_are_logged_at_iterations(tmp_path):
    logger = CSVLogger(tmp_path, name="", version="")
    callbacks = [LearningRateMonitor()]
    trainer, _, _ = trained("optimizer/schedule=linear", callbacks=callbacks, logger=logger, log_every_n_steps=50)
    rows = [row for row in csv.DictReader((tmp_path / "metrics.csv").open()) if row["lr-Adam"]]
    found = {int(row["step"]): float(row["lr-Adam"]) for row in rows}
    assert found == {at: pytest.approx(1e-3 * (1 - at / 200)) for at in (0, 50, 100, 150)}
    assert [group["lr"] for optimizer in trainer.optimizers for group in optimizer.param_groups] == [0.0, 0.0]


def test_a_run_with_a_schedule_goes_on_to_the_same_weights(run, tmp_path):
    settings = ("optimizer/schedule=cosine", "checkpoint_seconds=1e-9")
    run(*settings, folder="whole")
    with interrupted_at(8) as broken, pytest.raises(KeyboardInterrupt):
        run(*settings, broken, folder="broken")
    run(*settings, broken, folder="broken")
    run(folder="constant")
    assert same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "broken"))
    assert not same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "constant"))


# Data and devices of the user's own -----------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [False, True])
def test_a_minibatch_of_a_loader_is_an_iteration_for_all_seeds(labels):
    seen = []

    class Spy(GAN):
        def discriminator_loss(self, real, fake):
            seen.append(real["x"].clone())
            return super().discriminator_loss(real, fake)

    module, _ = build(composed(*SMALL, "method.num_critic_steps=2"))
    module.__class__ = Spy
    x = torch.arange(24.0)[:, None]
    loader = DataLoader(TensorDataset(x, torch.arange(24)) if labels else TensorDataset(x), batch_size=8)
    trainer = L.Trainer(max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False)
    trainer.fit(module, loader)
    assert trainer.global_step == int(module.iteration) == 6
    assert [tuple(real.shape) for real in seen] == [(3, 8, 1)] * 12, "(seeds, batch, dim), twice an iteration"
    for number, real in enumerate(seen):
        assert torch.equal(real, x[None, number // 2 % 3 * 8 :][:, :8].expand(3, 8, 1))


@pytest.mark.parametrize(
    "batch", [torch.arange(8), {"y": torch.zeros(8, 1)}, [], torch.zeros(8), "text"], ids=lambda b: str(b)[:12]
)
def test_a_minibatch_that_is_none_is_refused_in_words(batch):
    module, _ = build(composed(*SMALL))
    with pytest.raises(ConfigError, match=r"got a .*expected a floating tensor"):
        module.training_step(batch, 0)


def test_several_devices_are_refused():
    module, _ = build(composed(*SMALL))
    module.trainer = types.SimpleNamespace(
        world_size=2, global_rank=0, strategy=None
    )  # what Trainer(devices=2) gives it
    with pytest.raises(ConfigError, match="got 2 processes, expected one"):
        module.on_fit_start()


# Loading --------------------------------------------------------------------------------------------------------------


def test_a_module_and_its_data_can_be_copied_while_they_train():
    """In the third block, of which the thread draws what comes next."""

    class Copy(L.Callback):
        copies: ClassVar = []

        def on_train_batch_end(self, trainer, module, *_):
            if int(module.iteration) == 100:
                self.copies += [copy.deepcopy(module), pickle.loads(pickle.dumps(module))]

    module, data = build(composed(*SMALL, "iterations=200", "evaluation.every=200"))
    L.Trainer(barebones=True, accelerator="cpu", max_epochs=-1, callbacks=[Copy()]).fit(module, datamodule=data)
    assert len(Copy.copies) == 2
    assert all(torch.equal(one.iteration, torch.tensor(100)) for one in Copy.copies)
    assert copy.deepcopy(data).seeds == data.seeds


def test_load_from_checkpoint_wants_a_checkpoint_of_the_class(tmp_path):
    saver = ModelCheckpoint(tmp_path, every_n_train_steps=50, filename="a")
    trained("method=gan", callbacks=[saver], checkpoints=True, max_steps=50)
    assert isinstance(GAN.load_from_checkpoint(tmp_path / "a.ckpt"), GAN)
    with pytest.raises(ConfigError, match="got a GAN, expected a PrimalDual"):
        PrimalDual.load_from_checkpoint(tmp_path / "a.ckpt")
    torch.save({"state_dict": {}}, tmp_path / "foreign.ckpt")
    with pytest.raises(ConfigError, match="got a checkpoint without a configuration"):
        GAN.load_from_checkpoint(tmp_path / "foreign.ckpt")


# Loggers --------------------------------------------------------------------------------------------------------------


def test_several_loggers_get_the_same_scalars(run, tmp_path):
    result = run("logger=[tensorboard,csv]", "evaluation.figures=1")
    rows = list(csv.DictReader((tmp_path / "run" / "csv" / "version_0" / "metrics.csv").open()))
    found = {int(row["step"]): float(row["metrics/w1/median"]) for row in rows if row["metrics/w1/median"]}
    assert found == {at: pytest.approx(value, rel=1e-5) for at, value in medians(tmp_path / "run", "w1").items() if at}
    assert float(rows[-1]["final/w1"]) == pytest.approx(sorted(result["final"]["w1"])[1], rel=1e-5)
    assert list((tmp_path / "run").glob("events.out.tfevents.*"))


def medians(folder: Path, metric: str) -> dict[int, float]:
    rows = list(csv.DictReader((folder / "metrics.csv").open()))
    of = {int(row["iteration"]): [] for row in rows}
    for row in rows:
        of[int(row["iteration"])].append(float(row[metric]))
    return {at: sorted(values)[len(values) // 2] for at, values in of.items()}


def test_a_run_without_loggers_writes_its_metrics_all_the_same(run, tmp_path):
    result = run("logger=none", "evaluation.figures=1")
    assert result["status"] == "finished"
    assert (tmp_path / "run" / "metrics.csv").is_file()
    assert not list((tmp_path / "run").glob("events.out.tfevents.*"))


def test_a_logger_does_not_change_a_run_and_is_no_part_of_what_it_is():
    from saddlegan.identity import fingerprint

    assert fingerprint(composed("logger=none")) == fingerprint(composed("logger=[csv,wandb]"))


def test_weights_and_biases_offline(run, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    monkeypatch.setenv("WANDB_SILENT", "true")
    result = run("logger=wandb", "evaluation.figures=1")
    assert result["status"] == "finished"
    (session,) = (tmp_path / "run" / "wandb").glob("offline-run-*")
    assert list(session.glob("*.wandb"))
    assert list((session / "files" / "media" / "images").rglob("density*.png"))


# Nothing outside the run folder ---------------------------------------------------------------------------------------

SLURM = {
    "SLURM_JOB_ID": "77", "SLURM_JOB_NAME": "train", "SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0", "SLURM_NODELIST": "here",
}  # fmt: skip


@pytest.fixture
def variables(monkeypatch, tmp_path):
    """Set variables as a cluster does, in an empty current folder; Lightning reads the rank when it is imported."""

    def put(**names: str) -> None:
        (tmp_path / "here").mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / "here")
        for name, value in names.items():
            monkeypatch.setenv(name, value)
        rank = next((names[name] for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID") if name in names), "0")
        monkeypatch.setattr(rank_zero_only, "rank", int(rank))

    return put


def test_under_slurm_another_runs_weights_are_not_loaded(run, tmp_path, variables):
    run("seed=40", folder="other")
    run("seed=50", folder="plain")
    variables(**SLURM)
    shutil.copy(tmp_path / "other" / "checkpoints" / "last.ckpt", tmp_path / "here" / "hpc_ckpt_1.ckpt")
    run("seed=50", folder="under_slurm")
    assert same(weights_of(tmp_path / "plain"), weights_of(tmp_path / "under_slurm"))


def test_under_slurm_its_signals_are_not_answered_by_saving_elsewhere(run, tmp_path, variables):
    variables(**SLURM)
    handlers = set()
    with calling(lambda _: handlers.add(signal.getsignal(signal.SIGUSR1))):
        run(WATCHED["generator"])
    assert handlers == {signal.SIG_DFL}
    assert not list((tmp_path / "here").iterdir())


@pytest.mark.parametrize(
    "names",
    [
        {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2"},
        SLURM | {"SLURM_PROCID": "1", "SLURM_NTASKS": "2"},
        SLURM | {"SLURM_NTASKS": "2"},
        {"LOCAL_RANK": "1", "NODE_RANK": "1", "TORCHELASTIC_RUN_ID": "7", "GROUP_RANK": "1", "WORLD_SIZE": "8"},
        {"PL_TRAINER_LIMIT_TRAIN_BATCHES": "1", "PL_TRAINER_MAX_TIME": "00:00:00:00", "PL_TRAINER_FAST_DEV_RUN": "1"},
    ],
    ids=lambda names: ",".join(names),
)
def test_a_run_on_one_device_does_not_heed_a_launchers_variables(names, run, tmp_path, variables):
    expected = run(folder="plain")
    variables(**names)
    result = run()
    assert result["final"] == expected["final"]
    assert list((tmp_path / "run").glob("events.out.tfevents.*"))
    assert not list((tmp_path / "here").iterdir())


# sys.exit -------------------------------------------------------------------------------------------------------------


def test_sys_exit_in_a_callback_is_a_failure_and_no_interruption(tmp_path):
    config = composed(*SMALL)
    config["callbacks"] = {"leave": {"_target_": "test_lightning.Leave"}}
    with pytest.raises(RuntimeError, match=r"sys.exit\(3\) was called"):
        train(config, tmp_path)


class Leave(L.Callback):
    def on_train_batch_end(self, *_):
        raise SystemExit(3)


def test_callbacks_of_the_configuration_are_heard(tmp_path):
    config = composed(*SHORT)
    stop = {"_target_": "lightning.pytorch.callbacks.EarlyStopping", "monitor": "w1", "mode": "max", "min_delta": 1e9}
    save = {"_target_": "lightning.pytorch.callbacks.ModelCheckpoint", "monitor": "w1", "filename": "best"}
    config["callbacks"] = {"stop": stop | {"patience": 1}, "save": save}
    result = train(config, tmp_path)
    assert result["iterations"] == 100
    assert (tmp_path / "checkpoints" / "best.ckpt").is_file()


# The page -------------------------------------------------------------------------------------------------------------


def test_the_python_page_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    page = (ROOT / "docs" / "python.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 3
    monkeypatch.chdir(tmp_path)
    namespace = {}
    exec("\n".join(blocks), namespace)
    assert namespace["trainer"].global_step > 0
    assert Path(namespace["best"].best_model_path).is_file()
    assert namespace["samples"].shape == (8, 64, 1)
    assert torch.equal(namespace["same_point"][:, :1], namespace["same_point"][:, 1:2])


@pytest.mark.parametrize(
    "overrides",
    [(), ("method=primal_dual", "ema_decay=0.9"), ("trainer.precision=64-true",), IMAGES, (*IMAGES, "ema_decay=0.9")],
    ids=lambda overrides: ",".join(overrides)[:40] or "toy",
)
def test_a_loaded_run_draws_the_samples_that_were_measured(overrides, run, tmp_path):
    run(*overrides)
    write_json(tmp_path / "run" / "config.json", composed(*SMALL, *overrides))  # as the command line does
    module = saddlegan.load(tmp_path / "run")
    with np.load(tmp_path / "run" / "samples.npz") as kept:
        if "images" in kept:
            drawn = (module.sample(128)[0, :64, 0] * 255).round().to(torch.uint8).numpy()
            assert np.array_equal(drawn, kept["images"])
        else:
            ranks = np.linspace(0, 63, 256).round().astype(int)
            drawn = np.sort(module.sample(64)[..., 0].numpy(), axis=-1)[:, ranks].astype(np.float32)
            assert np.array_equal(drawn, kept["samples"])
