"""What the tests share: the command line in this process, composed configurations, and runs of a few iterations."""

import functools
import itertools
import json
import operator
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hydra import compose
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from saddlegan import cli
from saddlegan.checks import ConfigError
from saddlegan.config import schema
from saddlegan.config.keys import composing
from saddlegan.config.signatures import class_attribute

#: The suite runs in several processes, each of which has one thread: tensors this small lose more to waiting threads
#: than they gain. It must be said before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"
METHODS = sorted(path.stem for path in (CONF / "method").glob("*.yaml"))
#: Those on discrete data.
DISCRETE = tuple(
    name
    for name in METHODS
    if class_attribute(OmegaConf.load(CONF / "method" / f"{name}.yaml")["_target_"], "makes") == "logits"
)
MODELS = sorted(
    (path.stem for path in (CONF / "model").glob("*.yaml")),
    key=lambda name: (name != "mlp", name.startswith("dcgan"), name),  # the slowest last
)

#: Where the real MNIST lies, if it does: tests that need it are skipped without it.
PLACES = (Path(os.environ.get("SADDLEGAN_DATA", ROOT / "data")), *sorted(ROOT.parent.glob("*/datasets")))
MNIST_ROOT = next((place for place in PLACES if (place / "MNIST" / "raw").is_dir()), None)
needs_mnist = pytest.mark.skipif(MNIST_ROOT is None, reason="the real MNIST is not at hand (SADDLEGAN_DATA)")

#: Data one of which goes with nearly every method.
ANY = ("gaussian_1d", "digits", "ring", "bits")

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


@pytest.fixture(autouse=True, scope="session")
def read_once() -> Iterator[None]:
    """Hydra reads the suite's own files anew whenever it composes, a third of its time: here once per process."""
    load, kept = ConfigRepository.load_config, {}

    def load_config(self: ConfigRepository, config_path: str) -> Any:
        source = self._find_object_source(config_path, ObjectType.CONFIG)
        if source is None or source.path not in (str(CONF), "hydra.conf"):
            return load(self, config_path)
        if (key := (source.path, config_path)) not in kept:
            kept[key] = pickle.dumps(load(self, config_path))
        return pickle.loads(kept[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConfigRepository, "load_config", load_config)
        yield


def laid_over(whole: bytes, settings: Sequence[str]) -> DictConfig:
    """A composed configuration, pickled, with these settings on it: Hydra's own last step. It takes a tenth of the time
    that Hydra takes to compose; to read the configuration from bytes takes a sixth of what copy.deepcopy takes."""
    config = pickle.loads(whole)
    ConfigLoaderImpl._apply_overrides_to_config(OverridesParser.create().parse_overrides(list(settings)), config)
    return config


@functools.cache
def _of_choices(*choices: str) -> bytes:
    with composing():
        return pickle.dumps(compose("config", list(choices)))


def _chooses(override: str) -> bool:
    """Whether it chooses a file, as `method=wgan` does, or says where files lie."""
    key = override.lstrip("+~").partition("=")[0]
    return (CONF / key).is_dir() or key.startswith("hydra") or "@" in key


def composed(*overrides: str) -> dict[str, Any]:
    """The resolved configuration of these overrides. Hydra composes once per process what is chosen alike."""
    choices = [override for override in overrides if _chooses(override)]
    settings = [override for override in overrides if not _chooses(override)]
    return schema.resolved(laid_over(_of_choices(*choices), settings))


@functools.cache
def part(group: str, choice: str) -> Any:
    """What a choice puts into the configuration, and what it chooses of evaluation."""
    whole = composed(*SMALL, "evaluation.samples=128", "earlier=RUN", f"{group}={choice}")
    return whole if group == "data" else {group: whole[group]}


@functools.cache
def likely(**choices: str) -> bool:
    """Whether these choices pass the check with one seed. They are composed one by one, since Hydra takes a tenth of a
    second for each of the hundreds of combinations."""
    parts = (part(group, choice) for group, choice in choices.items())
    try:
        schema.check(functools.reduce(operator.or_, parts) | {"num_seeds": 1})
    except ConfigError:
        return False
    return True


def candidates(*overrides: str, data: tuple[str, ...] = ANY) -> Iterator[tuple[str, ...]]:
    """`overrides`, to put after `SMALL`, with each of the data and the models that are likely to go with them."""
    named = {"method": "gan"} | dict(word.split("=", 1) for word in overrides if "=" in word)
    given = {group: named[group] for group in ("method", "evaluation") if group in named}
    datasets = [named["data"]] if "data" in named else data
    models = [named["model"]] if "model" in named else MODELS
    for name, model in itertools.product(datasets, models):
        if likely(data=name, model=model, **given):
            pictures = "root" in part("data", name)["data"]
            few = ("num_seeds=1", "evaluation.samples=128") if pictures else ()
            yield (f"data={name}", f"model={model}", *few, *overrides)


@functools.cache
def of_stages(method: str) -> tuple[str, ...]:
    """What goes with a method of several stages, whose data and networks are no other method's: its first stage."""
    if method == "lapgan":
        return ("data=pyramid_digits", "data.size=14", "model=lapgan_14")
    if method == "stackgan":
        import emoji_files

        root = emoji_files.root(Path(tempfile.mkdtemp()))
        return ("data=emoji", f"data.root={root}", "data.size=16", "data.grounds=white", "model=stackgan_1")
    return ()


@functools.cache
def fitting(*overrides: str, data: tuple[str, ...] = ANY) -> tuple[str, ...]:
    """The first of the `candidates` that passes the check; of a method of stages, where any data may be, its own."""
    method = next((word.removeprefix("method=") for word in overrides if word.startswith("method=")), "")
    if data == ANY and (own := of_stages(method)):
        return (*own, "num_seeds=1", "evaluation.samples=128", *overrides)
    for found in candidates(*overrides, data=data):
        try:
            schema.check(composed(*SMALL, *found))
        except ConfigError:
            continue
        return found
    pytest.skip(f"{', '.join(overrides)} goes with no model of {' or '.join(data)}")


def alone(device: Any = "cpu") -> Any:
    """What data ask of the trainer of one process."""
    return SimpleNamespace(strategy=SimpleNamespace(root_device=device), global_rank=0, world_size=1)


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
