"""Every key of the configuration x every kind of nonsense: refused in a paragraph, at once, without torch or a folder.

What a kind may do to a key is said by rule (`ACCEPTED`); a key that is listed nowhere takes nothing of it.
"""

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from conftest import laid_over
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from saddlegan import cli
from saddlegan.cli.guard import Guard
from saddlegan.config.keys import with_inner
from saddlegan.files import conf_folder
from saddlegan.identity import flatten

pytestmark = pytest.mark.thorough

#: The settings under which all keys are tried: a toy, and images, between them most of what there is.
BASES = {
    "toy": (),
    "images": (
        "data=digits",
        "model=mnist_conv",
        "method=primal_dual",
        "optimizer=adam",
        "evaluation.samples=200",
    ),
    "mixture": ("data=mixture_1d", "optimizer=sgd", "optimizer/schedule=cosine"),
    "plane": ("data=ring",),
    "rates": ("optimizer/schedule=linear",),
    "decay": ("optimizer/schedule=exponential",),
}
SCHEDULE = "optimizer.schedule"
#: What is tried under the other ones; the rest of their keys are those of `toy`.
NEW = {
    "images": ("method", "model", "data", "evaluation", "optimizer"),
    "mixture": ("optimizer", "data"),
    "plane": ("data", "evaluation.metrics"),
    "rates": SCHEDULE,
    "decay": SCHEDULE,
}
GROUPS = ("method", "model", "data", "optimizer", "trainer", "logger", "experiment", "optimizer/schedule")
KINDS = {
    "deleted": "~{}",
    "null": "{}=null",
    "text": "{}=nonsense",
    "empty": "{}=",
    "long": "{}=" + "x" * 5000,
    "unicode": '{}="é€"',
    "list": "{}=[1,2]",
    "mapping": "{}={{a: 1}}",
    "true": "{}=true",
    "nan": "{}=nan",
    "inf": "{}=inf",
    "large": "{}=1e30",
    "huge": "{}=99999999999999999999999",
    "negative": "{}=-1",
    "reference": "{}=${{nowhere}}",
    "missing": "{}='???'",
}
#: What differs little from another kind: each is tried on every third key. Of the others `make test-thorough` tries a
#: half on each key, in turns, and `make test-slow` all.
TWINS = ("empty", "long", "unicode", "inf", "huge", "missing")
POSITIVE = {"large", "huge"}
WORDS = {"text", "unicode", "negative", "huge"}
#: The kinds that a key takes, by what it holds.
ACCEPTED = {
    "data.mean": {*POSITIVE, "negative"},  # any number
    "data.variance": POSITIVE,  # any positive number
    "data.radius": POSITIVE,
    "data.std": POSITIVE,
    "evaluation.diverged_above": POSITIVE,
    **{
        f"evaluation.metrics.{name}": {"deleted", "null"}
        for name in (  # those that no other one asks for
            "w1_std",
            "std_ratio",
            "ks",
            "modes_covered",
            "oscillation",
            "converged",
            "discriminator_error",
            "kernel_distance",
            "classifier_score",
            "classes_covered",
            "class_kl",
            "manifold",
            "memorisation",
            "parzen",
            "class_accuracy",
            "class_variety",
            "right_variety",
            "nearest_class_accuracy",
            "svm",
            "high_quality",
            "reverse_kl",
            "total_variation",
        )
    },
    "checkpoint_seconds": POSITIVE,
    "checkpoint_iterations": {"null"},
    "method.alpha": POSITIVE,
    "method.updates": {"deleted"},
    "method.num_generator_steps": {"deleted"},
    "method.extractor": {"null"},  # Hydra deletes nothing that is null
    "method.epsilon": POSITIVE,
    "model.generator.slope": POSITIVE,
    "model.discriminator.slope": POSITIVE,
    "optimizer.lr": POSITIVE,
    "optimizer.discriminator_lr": POSITIVE,
    "optimizer.generator.lr": {*POSITIVE, "deleted"},  # its class has a default, as the next ones
    "optimizer.discriminator.lr": {*POSITIVE, "deleted"},
    "optimizer.generator.betas": {"deleted"},
    "optimizer.discriminator.betas": {"deleted"},
    "optimizer.generator.momentum": {"deleted"},
    "optimizer.discriminator.momentum": {"deleted"},
    "optimizer.generator.fused": {"deleted", "null", "true"},
    "optimizer.discriminator.fused": {"deleted", "null", "true"},
    "optimizer.generator._partial_": {"true"},
    "optimizer.schedule": {"null", "deleted"},
    "optimizer.schedule._partial_": {"true"},
    "optimizer.schedule.start_factor": {"deleted"},
    "optimizer.schedule.end_factor": {"deleted"},
    "optimizer.schedule.total_iters": {"deleted"},
    "optimizer.discriminator._partial_": {"true"},
    "model.generator._partial_": {"true"},
    "model.discriminator._partial_": {"true"},
    "model.generator.widths": {"list"},
    "model.discriminator.widths": {"list"},
    "model.generator.dropout_at_sampling": {"true"},
    "model.discriminator.rescale": {"true"},
    "data.means": {"list"},
    "data.download": {"true"},
    "data.root": {*WORDS, "empty", "long"},  # which digits does not read
    "output_root": WORDS,
    "trainer.channels_last": {"true"},
    "trainer.compile": {"true"} if shutil.which(os.environ.get("CXX") or "g++") else set(),
    "evaluation.extractor": {"null"},
    "earlier": {"null", "text", "unicode", "empty", "long"},  # which a model without an earlier stage does not read
    "logger.tensorboard": {"deleted"},
    "logger.tensorboard.name": {"deleted", "null", "text", "empty", "long", "unicode"},  # which Lightning takes
    "logger.tensorboard.version": {"deleted", "null", "text", "empty", "long", "unicode", "huge", "large", "negative"},
    "report.reference": {"null"},
    "report.map": {"null"},
}
#: Table 2 has three widths in the generator, so that a list of two is refused there.
REFUSED = {("images", "model.generator.widths", "list")}


def legitimate(base: str, key: str, kind: str) -> bool:
    return kind in ACCEPTED.get(key, ()) and (base, key, kind) not in REFUSED


def cases(config: DictConfig, share: str) -> Iterator[tuple[str, str]]:
    """Every key and inner node of a composed configuration, with every kind or a half of them, of `TWINS` a third;
    groups are chosen another way."""
    tree = OmegaConf.to_container(config, resolve=False)
    del tree["hydra"]
    keys = with_inner(flatten(tree)) | set(tree)  # `callbacks`, which is empty, too
    for turn, key in enumerate(sorted(keys - set(GROUPS))):
        for place, kind in enumerate(KINDS):
            every = 3 if kind in TWINS else 2 if share == "half" else 1
            if (place + turn) % every == 0:
                yield key, kind


def tried(composed: bytes, setting: str) -> tuple[int, str, float]:
    """What the command line says to a setting, from where Hydra lays it over a composed configuration."""

    def call() -> None:
        changed = laid_over(composed, [setting])
        changed.hydra.overrides.task.append(setting)
        changed.hydra.job.override_dirname = setting
        Guard().on_run_start(changed)

    said, began = io.StringIO(), time.process_time()
    with redirect_stderr(said), redirect_stdout(said):
        try:
            status = cli.told(call, [setting], [conf_folder()])
        except SystemExit as end:
            status = int(end.code or 0)
    return status, said.getvalue(), time.process_time() - began


def walk(share: str) -> None:
    """Try the cases in this process, and print what came of them, with what was imported."""
    found = []
    for base, settings in BASES.items():
        GlobalHydra.instance().clear()
        with initialize_config_dir(str(conf_folder()), version_base="1.3"):
            config = compose("config", list(settings), return_hydra_config=True)
            composed = pickle.dumps(config)
            for key, kind in cases(config, share):
                if base in NEW and not key.startswith(NEW[base]):
                    continue
                found.append((base, key, kind, *tried(composed, KINDS[kind].format(key))))
    heavy = sorted({"torch", "lightning", "torchvision", "tensorboard"} & sys.modules.keys())
    print(json.dumps({"found": found, "heavy": heavy}))


@pytest.fixture(scope="module", params=["half", pytest.param("all", marks=pytest.mark.slow)])
def walked(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("nonsense")
    done = subprocess.run([sys.executable, __file__, request.param], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout) | {"left": os.listdir(folder), "least": {"half": 1000, "all": 1500}[request.param]}


def test_every_key_refuses_every_kind_of_nonsense(walked):
    print(f"{len(walked['found'])} cases")
    wrong = [
        (base, key, kind, status, said)
        for base, key, kind, status, said, _ in walked["found"]
        if status != (0 if legitimate(base, key, kind) else 2)
    ]
    assert not wrong, "\n".join(map(str, wrong[:40]))
    assert len(walked["found"]) > walked["least"]


def test_a_refusal_is_a_paragraph_about_the_key(walked):
    refused = [(key, kind, said) for _, key, kind, status, said, _ in walked["found"] if status]
    for key, kind, said in refused:
        assert said.startswith("saddlegan: "), (key, kind, said)
        assert said.count("\n") == 1, (key, kind, said)
        assert "Traceback" not in said
        assert len(said) < 700, (key, kind, said)
        assert key.split(".")[-1] in said or key.rpartition(".")[0] in said, (key, kind, said)
        assert any(word in said for word in ("expected", "Remedy", "Did you mean")), (key, kind, said)


def test_a_refusal_takes_a_moment_leaves_nothing_and_imports_no_torch(walked):
    assert max(seconds for *_, seconds in walked["found"]) < 3
    assert walked["left"] == []
    assert walked["heavy"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_group_refuses_every_kind_of_nonsense(saddlegan, tmp_path, monkeypatch, kind):
    """Through the whole command line, since Hydra composes anew for a choice: half of the groups for each kind."""
    monkeypatch.setattr(cli, "train", lambda *_: pytest.fail("training was reached"))
    for group in GROUPS[list(KINDS).index(kind) % 2 :: 2]:
        if (group, kind) == ("optimizer/schedule", "deleted"):  # there is none unless one is chosen
            continue
        status, output = saddlegan(KINDS[kind].format(group))
        assert (status, output.count("\n")) == (2, 1), output
        assert output.startswith("saddlegan: "), output
        assert group in output, output
    assert not list(tmp_path.iterdir())


ROOT = sorted({key.split(".")[0] for key in cli.schema.KEYS} - set(GROUPS))


@pytest.mark.parametrize("key", ROOT)
def test_the_whole_command_line_does_as_the_walk_does(saddlegan, tmp_path, monkeypatch, key):
    """Two kinds a key, another pair for the next one, so that each kind is seen."""
    monkeypatch.setattr(cli, "train", lambda *_: pytest.fail("training was reached"))
    kinds = [kind for kind in KINDS if not legitimate("toy", key, kind)]
    place = ROOT.index(key)
    for kind in (kinds[2 * place % len(kinds)], kinds[(2 * place + 1) % len(kinds)]):
        status, output = saddlegan(KINDS[kind].format(key))
        assert (status, output.count("\n")) == (2, 1), output
    assert not list(tmp_path.iterdir())


def test_whole_numbers_are_integers(saddlegan, tmp_path):
    """In the configuration and the folder's name alike."""
    written = ("iterations=1.2e1", "method.num_critic_steps=2e0", "model.latent.dim=1.0", "evaluation.stops=[1e1]")
    assert saddlegan(*written)[0] == 0
    (folder,) = (path.parent for path in Path(tmp_path).rglob("result.json"))
    config = json.loads((folder / "result.json").read_text())["config"]
    whole = [config["iterations"], config["method"]["num_critic_steps"], config["model"]["latent"]["dim"]]
    assert json.dumps([*whole, config["evaluation"]["stops"]]) == "[12, 2, 1, [10]]"
    status, output = saddlegan("iterations=12", "method.num_critic_steps=2", "model.latent.dim=1", written[3])
    assert (status, "finished already" in output) == (0, True), output


if __name__ == "__main__":
    walk(sys.argv[1])
