"""From a checked configuration to the objects of a run: the module, its data, its evaluation."""

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import get_class, instantiate
from torch import nn

from saddlegan.checks import ConfigError, shown
from saddlegan.config.trust import trust
from saddlegan.data.images import Images, check_images
from saddlegan.data.sets import Examples, SetData
from saddlegan.data.spans import Spans
from saddlegan.data.toy import ToyData
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.evaluation.evaluate import Evaluate
from saddlegan.folder import METRICS
from saddlegan.networks.single import Single
from saddlegan.random import Purpose, torch_stream

#: Samples of all seeds in a minibatch up to which a stack of small networks is fastest on one thread; see `make bench`.
ONE_THREAD = 16_384
#: Streams of the first weights that have a number.
INITIAL = {"generator": Purpose.INIT_GENERATOR, "discriminator": Purpose.INIT_DISCRIMINATOR}
#: torch's own choice, before a run makes another.
ALL_THREADS = torch.get_num_threads()


def build(config: dict[str, Any]) -> tuple[AdversarialModule, Spans]:
    """The module and the data of a checked configuration, which must be the user's own: the code that it names is run,
    and trusted from then on. Raises `ConfigError` where they cannot be made."""
    trust(config)
    with _own_errors():
        source = instantiate(config["data"], _convert_="all")
        if isinstance(source, Images):
            check_images(source)
        module = module_of(config, source if isinstance(source, Examples) else None)
        check_rows(module, config["batch_size"] // config["trainer"]["devices"])
        spans = {
            "seeds": module.seeds,
            "batch_size": config["batch_size"],
            "draws": module.draws,
            "iterations": config["iterations"],
            "evaluate_every": config["evaluation"]["every"],
        }
        data = SetData(source, **spans) if isinstance(source, Examples) else ToyData(source, **spans)
        return module, data


def module_of(config: dict[str, Any], examples: Examples | None = None) -> AdversarialModule:
    """The module of a checked configuration with fresh weights.

    Without its `examples` a network that starts from their mean does not, so that weights must be loaded afterwards.
    """
    with _own_errors():
        optimizer = instantiate(config["optimizer"], _convert_="all")
        module = instantiate(
            config["method"],
            **players_of(config, **samples_of(config), examples=examples),
            seeds=_seeds(config),
            optimizers={player: optimizer.get(player, optimizer["discriminator"]) for player in config["model"]},
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


def check_rows(module: nn.Module, rows: int) -> None:
    """Raises `ConfigError` where a network would normalise minibatches of a single row: not one that is frozen."""
    if rows == 1 and any(isinstance(layer, nn.BatchNorm1d) and layer.training for layer in module.modules()):
        raise ConfigError(
            "batch_size: got 1 row on each device, and batch normalisation, which of one row has no variance. Remedy: a"
            " larger batch_size, or networks without batch normalisation."
        )


def samples_of(config: dict[str, Any]) -> dict[str, Any]:
    """What a configuration's networks know of its data: `shape`, `(dim,)` of vectors or that of images; `sizes`, the
    number of classes of each label that the method's networks are given; and `given`, the shape of all else that they
    are given, by the method's wish or the data's."""
    kind, method = get_class(config["data"]["_target_"]), get_class(config["method"]["_target_"])
    shape = kind.shape_of(config["data"]) if hasattr(kind, "shape_of") else (kind.dim,)
    asked, known = getattr(method, "conditions", ()), issubclass(kind, Examples)
    labels, along = (kind.sizes_of(config["data"]), kind.along_of(config["data"])) if known else ({}, {})
    sizes, vectors = ({name: of[name] for name in asked if name in of} for of in (labels, along))
    if missing := [name for name in asked if name not in {**sizes, **vectors, **getattr(kind, "given", {})}]:
        raise ConfigError(
            f"data: got data without {missing[0]} at these settings, which {config['method']['_target_']} gives to its"
            " networks. Remedy: other settings of data, or another method."
        )
    return {"shape": shape, "sizes": sizes, "given": vectors | (dict(kind.given) if known else {})}


def players_of(
    config: dict[str, Any],
    shape: Sequence[int],
    sizes: Mapping[str, int],
    given: Mapping[str, Sequence[int]] | None = None,
    examples: Examples | None = None,
) -> dict[str, Any]:
    """The networks of a configuration's `model`, made for samples of a kind, as `players`; the law of the latent, the
    `shape` of a sample, the `sizes` of the labels, and the names of what else is `given`."""
    model = instantiate(config["model"], _convert_="all")
    factories = {name: factory for name, factory in model.items() if name != "latent"}
    conditions = {**sizes, **(given or {})}
    known = {"conditions": conditions} if conditions else {}
    if not getattr(factories["generator"].func, "stackable", False):
        players = image_players(factories, model["latent"].dim, shape, examples, _seeds(config), known)
    else:
        players = toy_players(factories, model["latent"].dim, math.prod(shape), _seeds(config), known)
    along = {"given": tuple(given)} if given else {}
    return {"players": players, "latent": model["latent"], "shape": shape, "sizes": sizes} | along


def _seeds(config: dict[str, Any]) -> range:
    return range(config["seed"], config["seed"] + config["num_seeds"])


def threads(module: AdversarialModule, config: dict[str, Any]) -> int:
    """`trainer.threads`. With `auto` one for a toy: its tensors are so small that on a busy machine two threads, which
    wait for each other at each operation, take ten times as long as one; torch's own choice for larger ones, shared out
    among the run's processes."""
    wanted = config["trainer"]["threads"]
    if wanted != "auto":
        return wanted or ALL_THREADS  # runs of earlier versions have 0
    if module.stacked and len(module.seeds) * config["batch_size"] <= ONE_THREAD:
        return 1
    return max(ALL_THREADS // config["trainer"]["devices"], 1)


def toy_players(
    factories: dict[str, Any], latent: int, dim: int, seeds: Sequence[int], given: dict[str, Any]
) -> dict[str, nn.Module]:
    """Networks that carry all seeds. Every player but the generator judges samples."""
    return {
        player: factory(in_features=latent, out_features=dim, seeds=seeds, **given)
        if player == "generator"
        else factory(in_features=dim, seeds=seeds, **given)
        for player, factory in factories.items()
    }


def image_players(
    factories: dict[str, Any],
    latent: int,
    shape: Sequence[int],
    examples: Examples | None,
    seeds: Sequence[int],
    given: dict[str, Any],
) -> dict[str, nn.Module]:
    """Plain networks for one seed, initialised under its streams."""
    players = {}
    for player, factory in factories.items():
        sizes = {"in_features": latent} if player == "generator" else {}
        with torch_stream(seeds[0], INITIAL.get(player, f"{player}/initial")):
            network = factory(shape=shape, **sizes, **given)
        if examples is not None and hasattr(network, "start_from"):
            network.start_from(examples.values(examples.train).mean(0))
        players[player] = Single(network)
    return players


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
    """The evaluation that the data name, as a callback; with a run `folder` it writes metrics.csv there."""
    settings = config["evaluation"]
    kind = get_class(settings["_target_"])
    own = {"extractor": settings["extractor"]} if "extractor" in inspect.signature(kind).parameters else {}
    return kind(
        data,
        metrics=settings["metrics"],
        seeds=data.seeds,
        iterations=config["iterations"],
        every=settings["every"],
        samples=settings["samples"],
        pictures=settings["figures"],
        path=folder / METRICS if folder else None,
        **own,
    )
