"""What went wrong without a word when others used the suite: runs that something ends early, modules that are used
again, folders that are not a run's, descriptions that come from someone else."""

import json
import shutil
from pathlib import Path

import lightning as L
import pytest
import torch
from conftest import IMAGES, SMALL, composed, results
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint

import saddlegan as package
from saddlegan import cli
from saddlegan.checks import ConfigError
from saddlegan.cli import sweeps
from saddlegan.commands import export, sample
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.engine.build import build, evaluation
from saddlegan.engine.train import run as train
from saddlegan.folder import claim_run, write_json
from saddlegan.interface import load_generator
from saddlegan.report import write_report

LONG = ("iterations=300", "evaluation.every=10", "checkpoint_seconds=1e-9")
STOPPING = [
    "+callbacks.stop={_target_:lightning.pytorch.callbacks.EarlyStopping,monitor:w1,patience:2}",
    "+callbacks.stop={_target_:lightning.pytorch.callbacks.EarlyStopping,monitor:discriminator_loss,mode:max,patience:4}",
]
BROKEN = f"+callbacks.broken={{_target_:{__name__}.Broken,at:20}}"


class Broken(L.Callback):
    """Ends a run as Ctrl-C does, in the iterations after `at`."""

    def __init__(self, at):
        self.at = at

    def on_train_batch_start(self, trainer, module, *_):
        if int(module.iteration) >= self.at:
            raise KeyboardInterrupt


def weights_of(folder):
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


# What ends early ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stopping", STOPPING)
def test_a_run_with_early_stopping_goes_on_to_the_same_end(run, tmp_path, stopping):
    """Its callbacks' state is that of the checkpoint, and what has ended trains no further."""
    whole = run(*LONG, stopping, folder="whole")
    assert 20 < whole["iterations"] < 300
    with pytest.raises(KeyboardInterrupt):
        run(*LONG, stopping, BROKEN, folder="broken")
    for _ in range(2):  # the second time as after a kill between the end of training and its result
        again = run(*LONG, stopping, folder="broken")
        assert again["iterations"] == whole["iterations"]
        assert json.dumps(again["final"]) == json.dumps(whole["final"])
        assert same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "broken"))


def test_a_run_that_diverged_is_not_trained_on(run):
    lost = ("method=primal_dual", "method.pair=kl", "optimizer=sgd", "optimizer.lr=1e6", *LONG)
    first, second = run(*lost), run(*lost)
    assert (first["status"], second["status"]) == ("diverged", "diverged")
    assert first["iterations"] == second["iterations"] < 300


def test_what_was_not_reached_is_blank_and_the_report_says_where_training_ended(saddlegan, tmp_path):
    settings = ("iterations=300", "evaluation.every=10", "evaluation.stops=[10,200,300]", STOPPING[0])
    status, output = saddlegan(*settings)
    assert status == 0, output
    (result,) = results(tmp_path).values()
    reached = result["iterations"]
    assert reached < 200
    assert result["stops"].keys() == {"10"}
    text = write_report([tmp_path], tmp_path / "report").with_suffix(".md").read_text()
    assert f"| {reached} of 300 |" in text
    assert f"at iteration {reached} of 300" in text.split("## Problems")[1]


# Modules and trainers of the user's own -------------------------------------------------------------------------------


def fitted(*overrides, fit=None, module=None, **settings):
    config = composed(*SMALL, "iterations=200", "evaluation.every=50", *overrides)
    made, data = build(config)
    module = module or made
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    trainer = L.Trainer(**{"enable_checkpointing": False, "max_epochs": -1} | quiet | settings)
    trainer.fit(module, datamodule=data, **(fit or {}))
    return trainer, module


def test_a_second_training_that_has_nothing_to_do_says_so():
    _, module = fitted(max_steps=100)
    with pytest.raises(ConfigError, match=r"got a module at iteration 100.*Remedy: Trainer\(max_steps=150\)"):
        fitted(module=module, max_steps=50)
    trainer, module = fitted(module=module, max_steps=150)
    assert (trainer.global_step, int(module.iteration)) == (150, 150)
    with pytest.raises(ConfigError, match=r"min_steps=500.*200"):
        fitted(min_steps=500)


def test_threads_are_put_back():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        fitted(max_steps=50)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_training_goes_on_in_another_precision():
    _, module = fitted(max_steps=30)
    trainer, module = fitted(module=module.double(), max_steps=60, precision="64-true")
    assert trainer.global_step == 60
    assert module.generator.weights[0].dtype == torch.float64


def test_an_average_of_lightnings_is_refused():
    """It would be taken once per span of iterations."""
    with pytest.raises(ConfigError, match=r"once per span of iterations.*Remedy: ema_decay"):
        fitted(callbacks=[EMAWeightAveraging()])


@pytest.mark.parametrize("shape", [(2, 5, 1), (3, 5, 2), (5, 1), (5,)])
def test_latents_of_another_shape_are_refused(shape):
    module, _ = build(composed(*SMALL))
    with pytest.raises(ConfigError, match=r"latents: got .* expected \(seeds, n, dim\) = \(3, n, 1\)"):
        module(torch.zeros(shape))


def test_an_evaluation_belongs_to_one_module():
    config = composed(*SMALL)
    module, data = build(config)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "max_epochs": -1}
    evaluate = evaluation(data, config)
    L.Trainer(callbacks=[evaluate], accelerator="cpu", **quiet).fit(module, datamodule=data)
    fresh, data = build(config)
    with pytest.raises(ConfigError, match=r"Remedy: .* anew for each module"):
        L.Trainer(callbacks=[evaluate], accelerator="cpu", **quiet).fit(fresh, datamodule=data)
    others = composed(*SMALL, "seed=100")
    with pytest.raises(ConfigError, match=r"got one of seeds \[100, 101, 102\]"):
        L.Trainer(callbacks=[evaluation(build(others)[1], others)], accelerator="cpu", **quiet).fit(
            fresh, datamodule=data
        )


def test_a_checkpoint_of_another_precision_comes_back_in_it(tmp_path):
    saver = ModelCheckpoint(dirpath=tmp_path, every_n_train_steps=50)
    _, module = fitted(callbacks=[saver], enable_checkpointing=True, max_steps=50, precision="64-true")
    again = AdversarialModule.load_from_checkpoint(saver.best_model_path)
    assert again.generator.weights[0].dtype == torch.float64
    assert torch.equal(again.sample(50), module.sample(50))
    with pytest.raises(ConfigError, match=r"got map_location, expected a path alone.*\.to\('cuda'\)"):
        AdversarialModule.load_from_checkpoint(saver.best_model_path, map_location="cuda")


def test_a_loaded_module_is_trained_with_its_dropout(tmp_path):
    class Modes(L.Callback):
        def on_train_batch_start(self, trainer, module, *_):
            seen.add(module.generator.training and module.discriminator.training)

    seen = set()
    config = composed(*SMALL, *IMAGES, "iterations=2")
    write_json(tmp_path / "config.json", config)
    train(config, tmp_path)
    module = package.load(tmp_path)
    assert not module.training
    _, data = build(composed(*SMALL, *IMAGES, "iterations=4"))
    L.Trainer(
        accelerator="cpu", logger=False, callbacks=[Modes()], enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, max_epochs=-1,
    ).fit(module, datamodule=data)  # fmt: skip
    assert seen == {True}


def test_composing_leaves_the_users_own_hydra_alone(tmp_path):
    (tmp_path / "mine.yaml").write_text("a: 1\n")
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        assert package.compose("seed=3")["seed"] == 3
        assert compose("mine").a == 1


# Configurations -------------------------------------------------------------------------------------------------------

CALLBACK = "+callbacks.a={{_target_:lightning.pytorch.{},{}}}"
REFUSED = {
    CALLBACK.format("callbacks.EarlyStopping", "monitor:nonsense"): "callbacks.a.monitor=nonsense: got a metric that",
    CALLBACK.format("callbacks.ModelCheckpoint", "monitor:w2"): "Did you mean 'w1'?",
    CALLBACK.format("callbacks.EarlyStopping", "monitor:w1,mode:nonsense"): "callbacks.a: got arguments that",
    CALLBACK.format("callbacks.ModelCheckpoint", "save_last:true"): "write over checkpoints/last.ckpt",
    CALLBACK.format("loggers.CSVLogger", "save_dir:x"): "callbacks.a",
    CALLBACK.format("callbacks.LearningRateMonitor", "logging_interval:step") + " logger=none": "callbacks, log",
    "method._target_=builtins.dict": "method",
    "method=primal_dual method.sigma=1e-200": "method.sigma=1e-200",
    "data.mean=1e39": "data.mean=1e+39",
    "+optimizer.schedule={_target_:torch.optim.lr_scheduler.ReduceLROnPlateau,_partial_:true}": "goes by a metric",
    "+optimizer.schedule={_target_:torch.optim.lr_scheduler.OneCycleLR,_partial_:true,max_lr:1,total_steps:5}": "fewer",
    "-m hydra/sweeper=basic experiment=gaussian_1d": "got an experiment with grids",
    "-m hydra/sweeper=basic hydra.output_subdir=null seed=1,2": "hydra.output_subdir=null",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_cannot_go_well_is_refused_in_a_paragraph(saddlegan, tmp_path, arguments):
    status, output = saddlegan(*arguments.split())
    assert (status, REFUSED[arguments] in output) == (2, True), output
    assert "Traceback" not in output
    assert not results(tmp_path)


# Folders --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("existing", ["continue", "repeat", "skip"])
def test_a_folder_that_is_no_runs_is_refused_and_left_as_it_is(saddlegan, tmp_path, existing):
    mine = tmp_path / "mine"
    (mine / "figures").mkdir(parents=True)
    (mine / "figures" / "my.png").write_text("picture")
    (mine / "metrics.csv").write_text("numbers")
    status, output = saddlegan(f"hydra.run.dir={mine}", f"existing={existing}")
    assert (status, "got a folder with other files (figures, metrics.csv)" in output) == (2, True), output
    assert (mine / "figures" / "my.png").read_text() == "picture"
    assert (mine / "metrics.csv").read_text() == "numbers"


def test_skip_leaves_an_unfinished_run_as_it_is(tmp_path):
    write_json(tmp_path / "config.json", {"seed": 0})
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").write_text("half")
    assert claim_run(tmp_path, {"seed": 1}, "skip")["status"] == "skipped"
    assert (tmp_path / "checkpoints" / "last.ckpt").read_text() == "half"
    assert json.loads((tmp_path / "config.json").read_text()) == {"seed": 0}


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("method", "jobs"),
    [("gan,gan_non_saturating", 2), ("choice(gan,gan_non_saturating)", 2), ("'gan'", 2), ("glob(gan*)", 4)],
)
def test_grids_stay_however_their_methods_are_named(saddlegan, monkeypatch, method, jobs):
    """Two seeds for gan, two for gan_non_saturating; one for primal_dual, which is not named."""
    grids = "hydra.sweeper.grids=[{method:gan,seed:'4,5'},{method:primal_dual,seed:'6'}]"
    trained = []
    monkeypatch.setattr(cli, "train", lambda config, *_: trained.append(config["seed"]) or {"status": "finished"})
    monkeypatch.setattr(sweeps, "report", lambda *_: None)
    status, output = saddlegan("-m", grids, f"method={method}")
    assert status == 0, output
    named = 2 if "," in method or "glob" in method else 1
    assert f"sweep: {2 * named} jobs" in output
    assert sorted(trained) == [4] * named + [5] * named


def test_hydras_own_sweeper_counts_what_a_pattern_names(saddlegan, tmp_path):
    status, output = saddlegan("-m", "hydra/sweeper=basic", "method=glob(gan*)", "iterations=2", "evaluation.every=2")
    assert status == 0, output
    assert "sweep: 2 jobs" in output
    assert (tmp_path / "runs" / "report" / "report.html").is_file()


# What comes from someone else -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    config = composed(*SMALL)
    write_json(folder / "config.json", config)
    train(config, folder)
    assert export([str(folder)]) == 0
    return folder


@pytest.mark.parametrize(
    "change",
    [
        {"extra": {"_target_": "saddlegan.folder._remove", "path": "DIR"}},
        {"generator": {"_target_": "saddlegan.lock.os.mkdir", "_args_": ["DIR"]}},
        {"generator": {"_target_": "saddlegan.networks.mlp.torch.nn.Linear", "in_features": 1, "out_features": 1}},
        {"latent": {"_target_": "saddlegan.random.np.memmap", "filename": "DIR"}},
        {"extra": [{"_target_": "logging.FileHandler", "filename": "DIR"}]},
    ],
    ids=str,
)
def test_a_description_from_someone_else_calls_nothing(exported, tmp_path, change):
    folder, kept = tmp_path / "export", tmp_path / "kept"
    shutil.copytree(exported / "export", folder)
    (kept / "inside").mkdir(parents=True)
    content = json.loads((folder / "generator.json").read_text())
    text = json.dumps(content["model"] | change).replace("DIR", str(kept / "new") if "new" in change else str(kept))
    write_json(folder / "generator.json", content | {"model": json.loads(text)})
    with pytest.raises(ConfigError, match="expected"):
        load_generator(folder)
    assert [path.name for path in kept.rglob("*")] == ["inside"]


def test_a_class_that_is_not_there_is_named(exported, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(exported, folder)
    config = json.loads((folder / "config.json").read_text())
    config["method"]["_target_"] = "nowhere.Mine"
    write_json(folder / "config.json", config)
    assert sample([str(folder), "n=4", "allow=nowhere"]) == 2
    said = capsys.readouterr().err
    assert "nowhere" in said
    assert "PYTHONPATH" in said


def test_the_runs_own_samples_are_not_written_over(exported, capsys):
    before = (exported / "samples.npz").read_bytes()
    assert sample([str(exported), f"output={Path(exported) / 'samples.npz'}"]) == 2
    assert "the run's own samples" in capsys.readouterr().err
    assert (exported / "samples.npz").read_bytes() == before
