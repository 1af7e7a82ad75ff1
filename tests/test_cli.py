"""The command line: errors before anything heavy, folders that are skipped, resumed or refused, sweeps that go on."""

import json
import subprocess
import sys

import pytest
from conftest import composed, results
from interventions import WATCHED, calling, interrupted_at

from saddlegan import cli
from saddlegan.identity import difference, fingerprint

DIGITS = "data=digits model=mnist_conv num_seeds=1 evaluation.samples=128"
BAD = {
    "stpes=3": "Did you mean 'evaluation.stops'",
    "iteratoins=3": "Did you mean 'iterations'",
    "iterations=abc": "iterations=abc: got str 'abc', expected an integer",
    "method.alhpa=1": "Did you mean 'method.alpha', with method=primal_dual",
    "method=primal_dual method.sgima=1": "Did you mean 'method.sigma'? (",
    "method=wagn": "wgan, wgan_gp, wgan_gp_soft, wgan_soft. Did you mean 'wgan'?",
    "metod=gan": "Did you mean 'method'",
    "+method.k=3": "expected one of: minibatch, num_critic_steps",
    "experiment=gausian_1d": "Did you mean 'gaussian_1d'",
    "iterations=0": "expected a finite number > 0",
    "num_seeds=-1": "expected a finite number > 0",
    "batch_size=0": "expected a finite number > 0",
    "seed=-1": "expected a finite number >= 0",
    "data.variance=0": "data.variance=0",
    "data.variance=-1e-3": "data.variance=-0.001",
    "data=mixture_1d data.means=[]": "means=[]",
    "data=mixture_1d data.means=3": "expected a list",
    "method=primal_dual method.sigma=0": "method.sigma=0",
    "method=primal_dual method.sigma=nan": "method.sigma=nan",
    "method=primal_dual method.alpha=-1": "expected a finite number >= 0",
    "method=primal_dual method.pair=jss": "Did you mean 'js'",
    "method.num_critic_steps=1.5": "expected an integer",
    "method.minibatch=frsh": "Did you mean 'fresh'",
    "optimizer.lr=-1": "optimizer.lr=-1",
    "optimizer.generator.betas=[0.9,0.999] +optimizer.generator.beta=1": "optimizer.generator.beta",
    "model.generator.widths=[32,0]": "widths[1]=0",
    "evaluation.stops=[99]": "up to iterations=12",
    "evaluation.stops=[7]": "multiples of evaluation.every=5",
    "data.mean=nan": "expected a finite number",
    "trainer.precision=16": "expected one of: 32-true",
    "trainer.devices=2": "trainer.devices",
    "trainer.threads=100000": "<= 1024",
    "trainer.threads=1.5": "expected auto or an integer > 0",
    "optimizer/schedule=[cosine,linear]": "expected one choice, optimizer/schedule=NAME",
    "optimizer/schedule=${seed}": "got a reference, expected the name of a choice",
    "optimizer/schedule=null": "expected one of: cosine, exponential, linear",
    "optimizer.schedule=cosine": "expected a choice, with a slash: optimizer/schedule=cosine",
    "optimizer.schedule.T_max=5": "expected a choice, with a slash: optimizer/schedule=NAME",
    "num_seeds=10000000000": "<= 65536",
    f"output_root={'x' * 300}": "saddlegan: output_root=xxx",
    "--experimental-rerun=missing.pickle": "--experimental-rerun missing.pickle: got no such file",
    "+foo=1": "got a key that nothing reads",
    "-m experiment=point_mass,two_point": "one command each",
    "existing=perhaps": "expected one of: continue, repeat, skip",
    "output_root=/dev/null/x": "output_root=DIR",
    "seed=interval(0,1) -m": "expected a list of values",
    "data=digits model=mlp": "Remedy: model=mnist_conv, mnist_conv_literal or mnist_mlp",
    "evaluation=images": "measures images, but saddlegan.data.distributions.Gaussian gives vectors of 1 coordinate.",
    "method=cgan model=mlp": "which has no label, but saddlegan.methods.cgan.ConditionalGAN gives it to its networks",
    f"method=cgan {DIGITS}": "gives it label, which it does not take. Remedy: model=mnist_cgan",
    f"{DIGITS} model=mnist_cgan": "gives it no label, which it needs. Remedy: model=",
    "method=began model=mlp": "Remedy: model=mlp_autoencoder",
    "method=began data=digits": "Remedy: model=mnist_autoencoder",
    "method=began data=digits model=mnist_conv": "Remedy: model=mnist_autoencoder",
    "method=wgan method.early_critic_steps=12": "no multiple of method.num_critic_steps=5. Remedy: 15",
    "method=gan model=mlp_autoencoder": "which gives reconstructions, but saddlegan.methods.gan.GAN reads logits",
    "model=mnist_conv num_seeds=1": "Remedy: model=mlp",
    f"{DIGITS} num_seeds=2": "sweep seed=0,1",
    f"{DIGITS} evaluation.samples=127": "expected a finite number >= 128",
    f"{DIGITS} model.generator.dropout=1": "<= 0.99",
    f"{DIGITS} model.generator.kernel_size=4": "expected one of: 1, 3, 5, 7",
    f"{DIGITS} data.name=mnits": "Did you mean 'mnist'",
    f"{DIGITS} data.root=/nowhere data.name=mnist": "data=digits needs neither",
    f"-m seed=0,1 {DIGITS} data.root=/nowhere data.name=mnist": "data=digits needs neither",
    "ema_decay=1": "ema_decay=1",
    "trainer.channels_last=perhaps": "trainer.channels_last=perhaps",
    "method=primal_dual method.space=feature": "Did you mean 'features'",
    "method._target_=saddlegan.methods.gan.GANN": "Did you mean 'GAN'",
    "method._target_=nowhere.GAN": "no package 'nowhere'",
}


@pytest.mark.parametrize("arguments", BAD, ids=lambda text: text.replace("/", "_"))
def test_bad_input_is_named_before_training(saddlegan, arguments, monkeypatch):
    monkeypatch.setattr(cli, "train", lambda *_: pytest.fail("training was reached"))
    status, output = saddlegan(*arguments.split())
    assert BAD[arguments] in output
    assert status == 2
    assert "Traceback" not in output


def test_bad_input_leaves_no_run_behind(saddlegan, tmp_path):
    saddlegan("method.minibatch=frsh")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("sweep", [[], ["-m", "seed=0,1"]])
def test_hydras_part_which_a_job_has_not_is_no_part_that_a_setting_may_refer_to(saddlegan, tmp_path, sweep):
    status, output = saddlegan(*sweep, f"output_root={tmp_path}/x${{hydra.verbose}}")
    assert (status, "output_root: got a reference to a key that does not exist" in output) == (2, True), output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("root", ["", "  "])
def test_an_empty_output_root_is_refused(saddlegan, root):
    status, output = saddlegan(f"output_root='{root}'")
    assert (status, "got an empty path, expected a folder, e.g. output_root=outputs" in output) == (2, True)


OWN = """
from saddlegan.checks import Literal
from saddlegan.methods.primal_dual import PrimalDual


class Lonely:
    def __init__(self, *, seeds):
        pass


class OfImages:
    samples = "images"
    stackable = True

    def __init__(self, *, seeds):
        pass


class Narrow(PrimalDual):
    def __init__(self, *, sigma: Literal[1, 2], **shared):
        super().__init__(**shared | {"sigma": sigma})
"""


@pytest.fixture
def own(tmp_path_factory, monkeypatch):
    """Classes of a user's own, in a module `own`."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own.py").write_text(OWN)
    monkeypatch.syspath_prepend(folder)


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_player_that_does_not_fit_is_named(saddlegan, own, player):
    def tried(name):
        return saddlegan(f"~model.{player}", f"+model.{player}={{_target_:own.{name},_partial_:true}}")

    status, output = tried("Lonely")
    assert (status, "num_seeds=3 needs a stackable model (mlp)" in output) == (2, True)
    assert "own.Lonely trains one seed per run: sweep seed=0,1" in output
    status, output = tried("OfImages")
    assert (status, f"model.{player}: got own.OfImages, which takes images" in output) == (2, True)


def test_a_class_may_ask_for_less_than_its_base(saddlegan, own):
    narrow = ("method=primal_dual", "method._target_=own.Narrow")
    status, output = saddlegan(*narrow, "method.sigma=3")
    assert (status, "method.sigma=3: got int 3, expected one of: 1, 2" in output) == (2, True)
    assert saddlegan(*narrow, "method.sigma=2")[0] == 0


def test_stops_are_at_evaluations_the_last_one_among_them(saddlegan, tmp_path):
    status, output = saddlegan("evaluation.stops=[10,12]")
    assert status == 0, output
    (result,) = results(tmp_path).values()
    assert result["stops"].keys() == {"10", "12"}
    assert result["stops"]["12"] == result["last_fifth"] | {
        name: result["final"][name] for name in ("converged", "diverged", "oscillation")
    }


def test_a_failed_run_says_how_it_was_called_and_for_which_seeds(saddlegan, tmp_path):
    def fail(_):
        raise RuntimeError("out of luck")

    with calling(fail):
        status, output = saddlegan("method=gan", "seed=5", "num_seeds=2", WATCHED["generator"])
    assert (status, "out of luck" in output) == (1, True)
    (result,) = results(tmp_path).values()
    assert (result["status"], result["seeds"]) == ("failed", [5, 6])
    command = result["command"].split()
    assert command[0] == "saddlegan"
    assert {"method=gan", "seed=5", "num_seeds=2", "iterations=12", WATCHED["generator"]} <= set(command)
    assert result["choices"]["method"] == "gan"


def test_a_finished_run_is_skipped_and_another_configuration_refused(saddlegan, tmp_path, monkeypatch):
    status, output = saddlegan("method=gan")
    assert status == 0, output
    (name,) = results(tmp_path)
    monkeypatch.setattr(cli, "train", lambda *_: pytest.fail("a finished run was trained again"))
    status, output = saddlegan("method=gan")
    assert (status, "finished already" in output) == (0, True)
    assert saddlegan("method=gan", "report.reference=gan")[0] == 0  # how it is reported, not what it is
    (stored,) = results(tmp_path).values()
    assert stored["config"]["report"]["reference"] == "gan"
    path = tmp_path / "runs" / name / "result.json"
    stored = json.loads(path.read_text())
    stored["config"]["batch_size"] = 9
    path.write_text(json.dumps(stored))
    status, output = saddlegan("method=gan")
    assert status == 2
    assert "batch_size: 9 -> 8" in output
    assert "existing=repeat" in output


@pytest.mark.parametrize("damage", ["result.json", "metrics.csv", "missing metrics"])
def test_a_damaged_run_is_named_and_repeated_or_skipped_by_choice(saddlegan, tmp_path, damage):
    saddlegan("method=gan")
    (name,) = results(tmp_path)
    folder = tmp_path / "runs" / name
    whole = json.loads((folder / "result.json").read_text())
    if damage == "missing metrics":
        (folder / "metrics.csv").unlink()
    else:
        text = (folder / damage).read_text()
        (folder / damage).write_text(text[: len(text) // 2])
    status, output = saddlegan("method=gan")
    assert status == 2
    assert str(folder / damage.replace("missing metrics", "metrics.csv")) in output
    assert saddlegan("method=gan", "existing=skip")[0] == 0
    assert saddlegan("method=gan", "existing=repeat")[0] == 0
    assert json.loads((folder / "result.json").read_text())["final"] == whole["final"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("result.json", b'{"status": "foo", "config": {}, "seeds": [0]}'),
        ("result.json", b'{"status": "finished", "config": null, "seeds": [0], "final": {}, "evaluations": 4}'),
        ("config.json", b"[]"),
        ("metrics.csv", bytes(range(256))),
        ("checkpoints/last.ckpt", b"PK"),
    ],
)
def test_any_damaged_file_is_named(saddlegan, tmp_path, name, content):
    saddlegan("method=gan")
    (run,) = results(tmp_path)
    folder = tmp_path / "runs" / run
    (folder / name).write_bytes(content)
    if name in ("config.json", "checkpoints/last.ckpt"):  # these matter to a run that was interrupted
        (folder / "result.json").unlink()
    status, output = saddlegan("method=gan")
    assert status == 2, output
    assert str(folder / name) in output
    assert "Traceback" not in output
    assert saddlegan("method=gan", "existing=repeat")[0] == 0


def test_a_sweep_runs_equal_jobs_once(saddlegan, tmp_path):
    status, output = saddlegan("-m", "method=gan,gan")
    assert (status, output.count("finished: ")) == (0, 1)


SWEEP = ("-m", "method=gan,primal_dual", "report.reference=gan", "report.metric=w1", WATCHED["generator"])


def test_a_sweep_goes_on_past_a_failed_run_and_repeats_it_alone(saddlegan, tmp_path):
    steps = []

    def failing(optimizer):
        steps.append(optimizer)
        if len(steps) == 3:  # of the first run
            raise RuntimeError("out of luck")

    with calling(failing):
        status, output = saddlegan(*SWEEP)
    assert status == 1, output
    assert "out of luck" in output
    statuses = {result["choices"]["method"]: result["status"] for result in results(tmp_path).values()}
    assert statuses == {"gan": "failed", "primal_dual": "finished"}
    assert (tmp_path / "runs" / "report" / "report.html").is_file()
    status, output = saddlegan(*SWEEP)
    assert status == 0
    assert output.count("finished already") == 1
    assert {result["status"] for result in results(tmp_path).values()} == {"finished"}


def test_an_interrupted_sweep_keeps_what_is_done(saddlegan, tmp_path):
    with interrupted_at(15):  # in the second run
        status, output = saddlegan(*SWEEP)
    assert status == 130, output
    assert "goes on from here" in output
    assert [result["status"] for result in results(tmp_path).values()] == ["finished"]
    assert saddlegan(*SWEEP)[0] == 0
    assert [result["status"] for result in results(tmp_path).values()] == ["finished"] * 2


def test_a_sweep_is_a_union_of_grids_checked_before_it_starts(saddlegan, tmp_path):
    status, output = saddlegan("experiment=gaussian_1d_sweep", "data.variance=-1")
    assert status == 2
    assert "in the job" in output
    assert not results(tmp_path)


def test_an_experiment_narrows_to_the_methods_that_are_named(saddlegan, tmp_path):
    status, output = saddlegan("experiment=two_point", "method=gan", "hydra/launcher=basic", "evaluation.stops=[]")
    assert status == 0, output
    assert [result["choices"]["method"] for result in results(tmp_path).values()] == ["gan"]


def test_importing_torch_waits_for_training(tmp_path):
    """--help, a bad key, a bad value and a finished run: one process, none of which may import torch or lightning."""
    folder = tmp_path / "runs" / "default"
    folder.mkdir(parents=True)
    code = f"""
import sys, json
from pathlib import Path
from saddlegan import cli, folder
from saddlegan.config import schema
def call(*arguments):
    sys.argv = ["saddlegan", "output_root={tmp_path}", *arguments]
    try:
        cli.main()
    except SystemExit as end:
        return end.code or 0
    return 0
assert call("--help") == 0
assert call("--cfg", "job") == 0
assert call("stpes=3") == 2
assert call("method=primal_dual", "method.sigma=0") == 2
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
GlobalHydra.instance().clear()
with initialize_config_dir(str(cli.conf_folder()), version_base="1.3"):
    cfg = schema.resolved(compose("config"))
run = Path(r"{folder}")
metrics = {{"w1": [1.0]}}
result = {{"status": "finished", "config": cfg, "seeds": [0], "iterations": 1, "evaluations": 1}}
folder.write_json(run / "result.json", result | {{"final": metrics, "last_fifth": metrics}})
(run / "metrics.csv").write_text("iteration,seed,w1\\n0,0,1.0\\n")
GlobalHydra.instance().clear()
assert call() == 0
heavy = {{"torch", "lightning", "torchvision", "tensorboard"}} & sys.modules.keys()
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "finished already" in done.stdout


def test_a_run_finished_by_an_earlier_version_is_still_that_run():
    """Keys that were added since are absent from its configuration, and had one meaning."""
    asked = composed("experiment=point_mass", "method=primal_dual", "method.sigma=1.0", "method.alpha=1.0")
    stored = json.loads(json.dumps(asked))
    for group, key in (("evaluation", "extractor"), ("trainer", "channels_last"), ("method", "space")):
        del stored[group][key]
    del stored["ema_decay"], stored["optimizer"]["beta1"]
    assert difference(fingerprint(stored), fingerprint(asked)) == ""
    other = composed("experiment=point_mass", "method=primal_dual", "ema_decay=0.9")
    assert difference(fingerprint(stored), fingerprint(other)).strip() == "ema_decay: 0.0 -> 0.9"
    slower = composed("experiment=point_mass", "method=primal_dual", "optimizer.beta1=0.5")
    assert "optimizer.beta1: 0.9 -> 0.5" in difference(fingerprint(stored), fingerprint(slower))
