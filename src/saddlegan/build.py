"""From a checked configuration to the objects of a run: the module, its data, its evaluation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import get_class, instantiate
from torch import nn

from saddlegan.adversarial import AdversarialModule
from saddlegan.callbacks.evaluate import Evaluate
from saddlegan.callbacks.images import EvaluateImages
from saddlegan.callbacks.toys import EvaluateToy
from saddlegan.checks import ConfigError, shown
from saddlegan.data.images import ImageData, ImageSet, unit
from saddlegan.data.spans import Spans
from saddlegan.data.toy import ToyData
from saddlegan.folder import METRICS
from saddlegan.networks.single import Single
from saddlegan.random import Purpose, torch_stream

#: Samples of all seeds in a minibatch up to which a stack of small networks is fastest on one thread; see `make bench`.
ONE_THREAD = 16_384
#: torch's own choice, before a run makes another.
ALL_THREADS = torch.get_num_threads()


def build(config: dict[str, Any]) -> tuple[AdversarialModule, Spans]:
    """The module and the data of a checked configuration. Raises `ConfigError` where they cannot be made."""
    with _own_errors():
        source = instantiate(config["data"], _convert_="all")
        module = module_of(config, source if isinstance(source, ImageSet) else None)
        spans = {
            "seeds": module.seeds,
            "batch_size": config["batch_size"],
            "draws": module.draws,
            "iterations": config["iterations"],
            "evaluate_every": config["evaluation"]["every"],
        }
        data = ImageData(source, **spans) if isinstance(source, ImageSet) else ToyData(source, **spans)
        return module, data


def module_of(config: dict[str, Any], images: ImageSet | None = None) -> AdversarialModule:
    """The module of a checked configuration with fresh weights.

    Without its `images` a network that starts from their mean does not, so that weights must be loaded afterwards.
    """
    with _own_errors():
        optimizer = instantiate(config["optimizer"], _convert_="all")
        module = instantiate(
            config["method"],
            **players_of(config, images),
            seeds=_seeds(config),
            optimizers={player: optimizer[player] for player in ("generator", "discriminator")},
            schedule=optimizer.get("schedule"),
            ema_decay=config["ema_decay"],
            _convert_="all",
        )
        if not isinstance(module, AdversarialModule):
            target = config["method"]["_target_"]
            raise ConfigError(
                f"method._target_={target}: got a {type(module).__name__}, expected an AdversarialModule."
            )
        module.config, module.threads = config, threads(module, config)
        return module.to(memory_format=torch.channels_last) if config["trainer"]["channels_last"] else module


def players_of(config: dict[str, Any], images: ImageSet | None = None) -> dict[str, Any]:
    """The networks of a configuration's `model`, made for its `data`, and the law of the latent: `generator`,
    `discriminator`, `latent`."""
    model = instantiate(config["model"], _convert_="all")
    kind = get_class(config["data"]["_target_"])
    if issubclass(kind, ImageSet):
        players = image_players(model, kind.shape, images, _seeds(config))
    else:
        players = toy_players(model, kind.dim, _seeds(config))
    return players | {"latent": model["latent"]}


def _seeds(config: dict[str, Any]) -> range:
    return range(config["seed"], config["seed"] + config["num_seeds"])


def threads(module: AdversarialModule, config: dict[str, Any]) -> int:
    """`trainer.threads`. With `auto` one for a toy: its tensors are so small that on a busy machine two threads, which
    wait for each other at each operation, take ten times as long as one; torch's own choice for larger ones."""
    wanted = config["trainer"]["threads"]
    if wanted != "auto":
        return wanted or ALL_THREADS  # runs of earlier versions have 0
    return 1 if module.stacked and len(module.seeds) * config["batch_size"] <= ONE_THREAD else ALL_THREADS


def toy_players(model: dict[str, Any], dim: int, seeds: Sequence[int]) -> dict[str, nn.Module]:
    """Networks that carry all seeds."""
    return {
        "generator": model["generator"](in_features=model["latent"].dim, out_features=dim, seeds=seeds),
        "discriminator": model["discriminator"](in_features=dim, out_features=1, seeds=seeds),
    }


def image_players(
    model: dict[str, Any], shape: Sequence[int], images: ImageSet | None, seeds: Sequence[int]
) -> dict[str, nn.Module]:
    """Plain networks for one seed, initialised under its streams."""
    with torch_stream(seeds[0], Purpose.INIT_GENERATOR):
        generator = model["generator"](in_features=model["latent"].dim, shape=shape)
    with torch_stream(seeds[0], Purpose.INIT_DISCRIMINATOR):
        discriminator = model["discriminator"](shape=shape)
    if images is not None and hasattr(generator, "start_from"):
        generator.start_from(unit(images.train).mean(0))
    return {"generator": Single(generator), "discriminator": Single(discriminator)}


@contextmanager
def _own_errors() -> Iterator[None]:
    """Hydra wraps what constructors raise; a `ConfigError` comes out as it is, and one says what cannot be imported."""
    try:
        yield
    except (InstantiationException, ImportError) as error:
        cause = error.__cause__ or error
        if isinstance(cause, ConfigError):
            raise cause from None
        if isinstance(cause, ImportError):
            raise ConfigError(f"{shown(str(cause), 300)}. Remedy: put its folder in PYTHONPATH.") from None
        raise


def evaluation(data: Spans, config: dict[str, Any], folder: Path | None = None) -> Evaluate:
    """The evaluation that suits the data, as a callback; with a run `folder` it writes metrics.csv there."""
    settings = config["evaluation"]
    shared = {
        "seeds": data.seeds,
        "iterations": config["iterations"],
        "every": settings["every"],
        "samples": settings["samples"],
        "pictures": settings["figures"],
        "path": folder / METRICS if folder else None,
    }
    if isinstance(data, ImageData):
        return EvaluateImages(data.images, extractor=settings["extractor"], **shared)
    assert isinstance(data, ToyData)
    return EvaluateToy(data.distribution, **shared)
