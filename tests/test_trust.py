"""Folders and checkpoints from somebody else: whatever code they name, none of it runs."""

import contextlib
import json
import shutil
import sys

import pytest
import torch
from conftest import SMALL, composed, fitting
from hydra import compose

import saddlegan
from saddlegan.checks import ConfigError
from saddlegan.commands import export, sample
from saddlegan.config import trust
from saddlegan.config.keys import composing
from saddlegan.config.made_by_hydra import check_made_by_hydra
from saddlegan.config.schema import check
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.folder import CHECKPOINT

HOSTILE = """
import pathlib
pathlib.Path({mark!r}).touch()
class Anything:
    def __init__(self, **_): pass
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A run that nobody has touched."""
    from saddlegan.engine.train import run

    folder = tmp_path_factory.mktemp("kept")
    config = composed(*SMALL, "num_seeds=1")
    run(config, folder)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def theirs(kept, tmp_path, monkeypatch):
    """A copy whose configuration can be spoiled, and a module that leaves a mark when it is imported."""
    folder, mark = tmp_path / "theirs", tmp_path / "mark"
    shutil.copytree(kept, folder)
    (tmp_path / "hostile.py").write_text(HOSTILE.format(mark=str(mark)))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(trust, "trusted", set())
    yield folder, mark
    sys.modules.pop("hostile", None)


def spoil(folder, path, target, **arguments):
    """Let the configuration of the run, and of its checkpoint, name `target` at `path`."""
    config = json.loads((folder / "config.json").read_text())
    node = config
    for name in path:
        inner = node.get(name)
        node[name] = inner if isinstance(inner, dict) else {}
        node = node[name]
    if path[:2] == ("evaluation", "metrics"):
        config["evaluation"]["metrics"][path[2]] = target
    else:
        node |= {"_target_": target, **arguments}
    (folder / "config.json").write_text(json.dumps(config))
    checkpoint = torch.load(folder / CHECKPOINT, weights_only=True)
    checkpoint["saddlegan"] = config
    torch.save(checkpoint, folder / CHECKPOINT)


PLACES = [
    ("model", "generator"),
    ("model", "latent"),
    ("model", "generator", "activation"),
    ("method",),
    ("data",),
    ("optimizer", "generator"),
    ("optimizer", "schedule"),
    ("evaluation", "metrics", "w1"),
]


TARGETS = [
    "hostile.Anything",
    "os.system",
    "saddlegan.lock.os.system",
    "saddlegan.data.files.shutil.rmtree",
    "saddlegan.folder._empty",
    "torch.load",
    "torch.hub.load",
    "torch.nn.modules.module.torch.load",
    "torchvision.datasets.CIFAR10",
    "builtins.eval",
]
CASES = [(path, "hostile.Anything") for path in PLACES] + [(PLACES[0], target) for target in TARGETS[1:]]


@pytest.mark.parametrize(("path", "target"), CASES)
def test_a_run_folder_that_names_other_code_is_refused_and_runs_none(theirs, path, target):
    folder, mark = theirs
    spoil(folder, path, target)
    with pytest.raises(ConfigError, match=r"else would run its code. Remedy, where you trust it: allow="):
        saddlegan.load(folder)
    with pytest.raises(ConfigError, match="making anything else"):
        AdversarialModule.load_from_checkpoint(folder / CHECKPOINT)
    assert not mark.exists()
    assert "hostile" not in sys.modules


@pytest.mark.parametrize(
    "target", [*TARGETS[1:], "subprocess.Popen", "lightning.Trainer", "pip.main", "runpy.run_path"]
)
def test_a_configuration_that_is_composed_here_names_no_installed_code_unasked(target):
    """As a YAML from somebody else might."""
    for place in ("method._target_", "+callbacks.own._target_", "+evaluation.metrics.own"):
        with pytest.raises(ConfigError) as found:
            check(composed(*SMALL, f"{place}={target}"))
        said = str(found.value)
        assert f"SADDLEGAN_ALLOW={target.partition('.')[0]}" in said or "there is no module" in said, said


#: A YAML from somebody else, by which Hydra would make something. `{}` is the name of code.
BELOW_HYDRA = {
    "launcher": "launcher: {{_target_: {}}}",
    "sweeper": "sweeper: {{_target_: {}}}",
    "arguments": "callbacks: {{mine: {{_target_: saddlegan.cli.guard.Guard, _args_: [{{_target_: {}}}]}}}}",
    "callback": "callbacks: {{guard: {{_target_: {}}}}}",
    "list": "callbacks: {{mine: {{_target_: saddlegan.cli.guard.Guard, x: [{{_target_: {}}}]}}}}",
    "logging": "hydra_logging: {{handlers: {{x: {{class: {}}}}}, root: {{handlers: [x]}}}}",
    "log": "job_logging: {{formatters: {{x: {{(): {}}}}}}}",
    "stream": "job_logging: {{handlers: {{x: {{class: logging.StreamHandler, stream: ext://{}}}}}}}",
    "elsewhere": "callbacks: {{mine: '${{callbacks.evil}}'}}\ncallbacks: {{evil: {{_target_: {}}}}}",
    "reference": "callbacks: {{mine: {{_target_: '${{oc.env:NOTHING,{}}}'}}}}",
}


@pytest.fixture
def evil(theirs, tmp_path):
    """Write a YAML of somebody else's; the words that choose it."""

    def write(below_hydra):
        first, *suite = below_hydra.splitlines()
        (tmp_path / "conf" / "experiment").mkdir(parents=True, exist_ok=True)
        text = "\n".join(["# @package _global_", "hydra:", f"  {first}", *suite])
        (tmp_path / "conf" / "experiment" / "theirs.yaml").write_text(text)
        return f"--config-dir={tmp_path / 'conf'}", "experiment=theirs", f"output_root={tmp_path / 'out'}"

    return write


INSTALLED = ["logging.os.system", "code.InteractiveConsole", "hydra_plugins.saddlegan_launchers.subprocess.Popen"]
PLACED = [*((place, "pip.main") for place in BELOW_HYDRA), *(("callback", target) for target in INSTALLED)]


@pytest.mark.parametrize(("place", "target"), PLACED)
def test_a_yaml_has_hydra_make_no_installed_code_unasked(saddlegan, evil, tmp_path, place, target):
    for flags in ((), ("-m",)):
        status, output = saddlegan(*flags, *evil(BELOW_HYDRA[place].format(target)), *SMALL)
        assert status == 2, output
        assert "Remedy" in output
        assert "expected a launcher, a sweeper" in output or "expected one of colorlog" in output, output
    assert not (tmp_path / "out").exists()


def test_a_job_of_a_sweep_is_judged_too(saddlegan, tmp_path):
    (tmp_path / "conf" / "method").mkdir(parents=True)
    text = (
        "# @package _global_\ndefaults: [/method/gan@method]\nhydra: {job_logging: {formatters: {x: {(): pip.main}}}}"
    )
    (tmp_path / "conf" / "method" / "theirs.yaml").write_text(text)
    status, output = saddlegan("-m", f"--config-dir={tmp_path / 'conf'}", "method=gan,theirs", *SMALL)
    assert status == 2, output
    assert "hydra.job_logging.formatters.x.(): got pip.main" in output


@pytest.mark.filterwarnings("ignore:Callback")  # these are none that Hydra can call
def test_hydra_may_make_what_the_user_wrote_or_allows(saddlegan, evil, tmp_path, monkeypatch):
    assert saddlegan(*evil("callbacks: {mine: {_target_: hostile.Anything}}"), *SMALL)[0] == 0
    assert (tmp_path / "mark").exists()
    words = evil("callbacks: {mine: {_target_: collections.OrderedDict}}")
    assert "SADDLEGAN_ALLOW=collections" in saddlegan(*words, *SMALL)[1]
    monkeypatch.setattr(trust, "FROM_OUTSIDE", "collections")
    assert saddlegan(*words, *SMALL)[0] == 0


@pytest.mark.parametrize("choice", [
    *(f"hydra/launcher={name}" for name in ("basic", "cores", "gpus", "slurm", "local_queue", "joblib",
                                            "submitit_local", "submitit_slurm")),
    *(f"hydra/sweeper={name}" for name in ("basic", "union", "optuna", "search")),
    "hydra/job_logging=default", "hydra/hydra_logging=default", "hydra/job_logging=stdout",
    "hydra/job_logging=disabled",
])  # fmt: skip
def test_hydras_own_launchers_sweepers_and_logging_are_allowed(choice):
    with composing():
        check_made_by_hydra(compose("config", [choice], return_hydra_config=True))


def test_modules_of_ones_own_and_allowed_packages_may_be_named(theirs, monkeypatch):
    check(composed(*SMALL, "+callbacks.own._target_=hostile.Anything"))
    foreign = composed(*SMALL, "+callbacks.own._target_=collections.OrderedDict")
    with pytest.raises(ConfigError, match="SADDLEGAN_ALLOW=collections"):
        check(foreign)
    monkeypatch.setattr(trust, "FROM_OUTSIDE", "numpy, collections")
    check(foreign)
    trust.check_trusted(foreign, "here")


def test_arguments_of_calls_are_no_way_around(theirs):
    folder, _ = theirs
    spoil(folder, ("model", "generator"), "saddlegan.networks.mlp.MLPGenerator", _args_=["os.system"])
    with pytest.raises(ConfigError, match=r"model.generator._args_"):
        saddlegan.load(folder)


def test_the_commands_refuse_it_and_say_how_to_trust_it(theirs, capsys):
    folder, mark = theirs
    spoil(folder, ("model", "latent"), "hostile.Anything")
    for command in (sample, export):
        assert command([str(folder)]) == 2
        assert "allow=[hostile]" in capsys.readouterr().err
    assert not mark.exists()
    with contextlib.suppress(AttributeError):  # it is trusted, and of no use as a latent
        sample([str(folder), "allow=hostile"])
    assert mark.exists()


def test_what_the_users_own_configuration_names_is_trusted_afterwards(theirs):
    folder, _ = theirs
    assert saddlegan.load(folder) is not None
    trust.trust({"method": {"_target_": "my_package.Mine"}})
    config = {"method": {"_target_": "my_package.sub.Other"}}
    trust.check_trusted(config, "here")
    with pytest.raises(ConfigError):
        trust.check_trusted({"method": {"_target_": "my_package2.Other"}}, "here")
    trust.check_trusted({"method": {"_target_": "my_package2.Other"}}, "here", ["my_package2"])
    with pytest.raises(ConfigError, match=r"saddlegan.folder._empty"):
        trust.check_trusted({"method": {"_target_": "saddlegan.folder._empty"}}, "here", ["saddlegan"])


def test_every_shipped_choice_is_part_of_the_suite():
    for words in (("data=digits", "method=cgan"), ("data=ring", "method=began"), ("data=stacked_mnist",),
                  ("optimizer/schedule=cosine",), ("optimizer=rmsprop",), ("logger=[tensorboard,csv]",)):  # fmt: skip
        trust.check_trusted(composed(*SMALL, *words), "here")
    trust.check_trusted(composed(*SMALL, *fitting("method=primal_dual")), "here")


def test_a_checkpoint_with_code_in_its_pickle_is_refused(theirs, tmp_path):
    folder, mark = theirs

    class Bomb:
        def __reduce__(self):
            return (open, (str(mark), "w"))

    torch.save({"state_dict": {}, "bomb": Bomb()}, folder / CHECKPOINT)
    with pytest.raises(ConfigError, match="damaged checkpoint"):
        saddlegan.load(folder)
    assert not mark.exists()
