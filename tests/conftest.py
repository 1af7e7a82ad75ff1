"""What the tests share: the command line in this process, composed configurations, and runs of a few iterations."""

import functools
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hydra import compose
from hydra.core.global_hydra import GlobalHydra

from saddlegan import cli
from saddlegan.checks import ConfigError
from saddlegan.config import schema
from saddlegan.config.keys import composing

#: The suite runs in several processes, each of which has one thread: tensors this small lose more to waiting threads
#: than they gain. It must be said before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"
METHODS = sorted(path.stem for path in (CONF / "method").glob("*.yaml"))
MODELS = sorted((path.stem for path in (CONF / "model").glob("*.yaml")), key=lambda name: (name != "mlp", name))

#: Where the real MNIST lies, if it does: tests that need it are skipped without it.
PLACES = (Path(os.environ.get("SADDLEGAN_DATA", ROOT / "data")), *sorted(ROOT.parent.glob("*/datasets")))
MNIST_ROOT = next((place for place in PLACES if (place / "MNIST" / "raw").is_dir()), None)
needs_mnist = pytest.mark.skipif(MNIST_ROOT is None, reason="the real MNIST is not at hand (SADDLEGAN_DATA)")

#: A run that takes a fraction of a second.
SMALL = (
    "num_seeds=3",
    "iterations=12",
    "batch_size=8",
    "evaluation.every=5",
    "evaluation.samples=64",
    "evaluation.figures=0",
)


#: The same of images: overrides to put after `SMALL`.
IMAGES = (
    "data=digits",
    "model=mnist_conv",
    "model.generator.widths=[4,4,4]",
    "model.discriminator.widths=[4,4]",
    "num_seeds=1",
    "evaluation.samples=128",
)


def quick(values: Sequence[Any], *kept: Any) -> list[Any]:
    """Parameters of a test of which `make test` tries those `kept`, and `make test-slow` the others: they go through
    the same code."""
    return [value if value in kept else pytest.param(value, marks=pytest.mark.slow) for value in values]


def composed(*overrides: str) -> dict[str, Any]:
    """The resolved configuration of these overrides."""
    with composing():
        return schema.resolved(compose("config", list(overrides)))


@functools.cache
def part(group: str, choice: str) -> Any:
    """What a choice puts into the configuration, and what it chooses of evaluation."""
    whole = composed(*SMALL, "evaluation.samples=128", f"{group}={choice}")
    return whole if group == "data" else {group: whole[group]}


@functools.cache
def likely(data: str, model: str, method: str) -> bool:
    """Whether these three pass the check with one seed. They are composed one by one, since Hydra takes a tenth of a
    second for each of the hundreds of combinations; `fitting` composes and checks them together."""
    try:
        schema.check({**part("data", data), **part("model", model), **part("method", method), "num_seeds": 1})
    except ConfigError:
        return False
    return True


@functools.cache
def fitting(*overrides: str, data: tuple[str, ...] = ("gaussian_1d", "digits", "ring")) -> tuple[str, ...]:
    """`overrides`, to put after `SMALL`, with the first of the data and the first model that go with them."""
    named = dict(word.split("=", 1) for word in overrides if "=" in word)
    for name, model in itertools.product(data, [named["model"]] if "model" in named else MODELS):
        if not likely(named.get("data", name), model, named.get("method", "gan")):
            continue
        few = ("num_seeds=1", "evaluation.samples=128") if name == "digits" else ()
        found = (f"data={name}", f"model={model}", *few, *overrides)
        try:
            schema.check(composed(*SMALL, *found))
        except ConfigError:
            continue
        return found
    pytest.skip(f"{', '.join(overrides)} goes with no model of {' or '.join(data)}")


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Train a small run in a folder of its own: `run("method=gan", folder="a")`; the result as result.json holds it."""
    from saddlegan.engine.train import run as train

    def trained(*overrides: str, folder: str = "run") -> dict[str, Any]:
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        return train(composed(*SMALL, *overrides), path)

    return trained


def results(root: Path) -> dict[str, dict]:
    return {path.parent.name: json.loads(path.read_text()) for path in root.rglob("result.json")}


@pytest.fixture
def saddlegan(monkeypatch, tmp_path, capfd):
    """Run the command line in this process: `status, output = saddlegan("method=gan")`."""

    def call(*arguments: str) -> tuple[int, str]:
        GlobalHydra.instance().clear()
        flags = [argument for argument in arguments if argument.startswith("-")]  # Hydra wants them first
        overrides = [argument for argument in arguments if argument not in flags]
        monkeypatch.setattr(sys, "argv", ["saddlegan", *flags, *SMALL, f"output_root={tmp_path}", *overrides])
        status = 0
        try:
            cli.main()
        except SystemExit as end:
            status = int(end.code or 0)
        captured = capfd.readouterr()
        return status, captured.out + captured.err

    return call


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's compiler as outside of tests: new, and without jaxtyping's checks, through which it does not look."""
    import jaxtyping
    import torch

    torch.compiler.reset()
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture
def own_draws() -> Iterator[None]:
    """What a test draws, and the weights that its networks start with, come from a stream of their own."""
    from saddlegan.random import Purpose, torch_stream

    with torch_stream(0, Purpose.DATA):
        yield


@pytest.fixture(autouse=True)
def _global_seed(request: pytest.FixtureRequest) -> None:
    """torch's global generator has another seed in each `make test-random`: no test may rest on it."""
    import torch

    torch.manual_seed(getattr(request.config.option, "randomly_seed", 0))
