"""From a checked configuration to the objects of a run: the module, its data, its evaluation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from torch import nn

from saddlegan.adversarial import AdversarialModule
from saddlegan.callbacks.evaluate import Evaluate
from saddlegan.callbacks.images import EvaluateImages
from saddlegan.callbacks.toys import EvaluateToy
from saddlegan.checks import ConfigError
from saddlegan.data.distributions import Distribution
from saddlegan.data.images import ImageData, ImageSet, unit
from saddlegan.data.spans import Spans
from saddlegan.data.toy import ToyData
from saddlegan.folder import METRICS
from saddlegan.networks.single import Single
from saddlegan.random import Purpose, torch_stream


def build(config: dict[str, Any]) -> tuple[AdversarialModule, Spans]:
    """The module and the data of a checked configuration. Raises `ConfigError` where they cannot be made."""
    try:
        return _build(config)
    except InstantiationException as error:  # Hydra wraps what constructors raise
        if isinstance(error.__cause__, ConfigError):
            raise error.__cause__ from None
        raise


def _build(config: dict[str, Any]) -> tuple[AdversarialModule, Spans]:
    seeds = range(config["seed"], config["seed"] + config["num_seeds"])
    source = instantiate(config["data"], _convert_="all")
    model = instantiate(config["model"], _convert_="all")
    pictures = isinstance(source, ImageSet)
    players = image_players(model, source, seeds) if pictures else toy_players(model, source, seeds)
    optimizers = {
        player: instantiate(config["optimizer"][player], _convert_="all") for player in ("generator", "discriminator")
    }
    module = instantiate(
        config["method"],
        **players,
        latent=model["latent"],
        seeds=seeds,
        optimizers=optimizers,
        ema_decay=config["ema_decay"],
        _convert_="all",
    )
    if config["trainer"]["channels_last"]:
        module.to(memory_format=torch.channels_last)
    spans = {
        "seeds": seeds,
        "batch_size": config["batch_size"],
        "draws": module.draws,
        "iterations": config["iterations"],
        "evaluate_every": config["evaluation"]["every"],
    }
    return module, ImageData(source, **spans) if pictures else ToyData(source, **spans)


def toy_players(model: dict[str, Any], law: Distribution, seeds: Sequence[int]) -> dict[str, nn.Module]:
    """Networks that carry all seeds."""
    return {
        "generator": model["generator"](in_features=model["latent"].dim, out_features=law.dim, seeds=seeds),
        "discriminator": model["discriminator"](in_features=law.dim, out_features=1, seeds=seeds),
    }


def image_players(model: dict[str, Any], images: ImageSet, seeds: Sequence[int]) -> dict[str, nn.Module]:
    """Plain networks for one seed, initialised under its streams."""
    with torch_stream(seeds[0], Purpose.INIT_GENERATOR):
        generator = model["generator"](in_features=model["latent"].dim, shape=images.shape)
    with torch_stream(seeds[0], Purpose.INIT_DISCRIMINATOR):
        discriminator = model["discriminator"](shape=images.shape)
    if hasattr(generator, "start_from"):
        generator.start_from(unit(images.train).mean(0))
    return {"generator": Single(generator), "discriminator": Single(discriminator)}


def evaluation(data: Spans, config: dict[str, Any], folder: Path) -> Evaluate:
    """The evaluation that suits the data."""
    settings = config["evaluation"]
    shared = {
        "seeds": data.seeds,
        "iterations": config["iterations"],
        "every": settings["every"],
        "samples": settings["samples"],
        "pictures": settings["figures"],
        "path": folder / METRICS,
    }
    if isinstance(data, ImageData):
        return EvaluateImages(data.images, extractor=settings["extractor"], **shared)
    assert isinstance(data, ToyData)
    return EvaluateToy(data.distribution, **shared)
