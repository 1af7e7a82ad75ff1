"""The typed root of the configuration, and `check`: all that can be known to be wrong before torch is imported."""

import os
from dataclasses import dataclass, field, fields
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from saddlegan.checks import (
    Above,
    Annotated,
    ConfigError,
    Decay,
    Literal,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    check_value,
    nearest,
)
from saddlegan.identity import flatten, run_name
from saddlegan.signatures import class_attribute, signature_of


@dataclass
class Evaluation:
    every: int = MISSING
    samples: int = MISSING
    figures: int = MISSING
    stops: list[int] = MISSING
    diverged_above: float = MISSING
    extractor: str | None = None


@dataclass
class Report:
    metric: str = MISSING
    reference: str | None = None
    map: dict[str, str] | None = None
    claims: list[str] = field(default_factory=list)


@dataclass
class Config:
    """Root of conf/config.yaml, which says what each key means and holds its value."""

    method: Any = MISSING
    model: Any = MISSING
    data: Any = MISSING
    optimizer: Any = MISSING
    trainer: Any = MISSING
    logger: Any = MISSING
    callbacks: Any = MISSING
    seed: int = MISSING
    num_seeds: int = MISSING
    iterations: int = MISSING
    batch_size: int = MISSING
    ema_decay: float = MISSING
    evaluation: Evaluation = field(default_factory=Evaluation)
    report: Report = field(default_factory=Report)
    checkpoint_seconds: float = MISSING
    existing: str = MISSING
    output_root: str = MISSING


#: Ranges of the root's own keys.
RANGES: dict[str, Any] = {
    "seed": NonNegativeInt,
    "num_seeds": Annotated[int, Above(0, most=65_536)],
    "iterations": PositiveInt,
    "batch_size": PositiveInt,
    "ema_decay": Decay,
    "evaluation.every": PositiveInt,
    "evaluation.samples": PositiveInt,
    "evaluation.figures": NonNegativeInt,
    "evaluation.stops": list[PositiveInt],
    "evaluation.diverged_above": PositiveFloat,
    "checkpoint_seconds": PositiveFloat,
    "existing": Literal["continue", "repeat", "skip"],
    "optimizer.lr": PositiveFloat,
    "optimizer.generator.lr": PositiveFloat,
    "optimizer.discriminator_lr": PositiveFloat,
    "optimizer.discriminator.lr": PositiveFloat,
    "trainer.compile": Literal["auto", True, False],
    "trainer.threads": Literal["auto"] | Annotated[int, Above(0, most=1024)],
    "trainer.accelerator": Literal["cpu", "gpu"],
    "trainer.devices": Literal[1],
    "trainer.channels_last": bool,
    "trainer.precision": Literal["32-true", "64-true", "bf16-mixed"],
}

#: Images below which their metrics and pictures cannot be made.
FEWEST_IMAGES = 128
#: Arguments that `build` supplies.
PLAYERS = {"generator", "discriminator", "latent", "optimizers", "seeds", "ema_decay"}
SUPPLIED = PLAYERS | {"in_features", "out_features", "shape", "params", "optimizer", "schedule", "save_dir"}


# At import, because a sweep's workers unpickle their task before anything else runs in them.
ConfigStore.instance().store(name="base", node=Config)
OmegaConf.register_new_resolver("home", os.path.expanduser, replace=True)
OmegaConf.register_new_resolver("study", lambda experiment: experiment or "runs", replace=True)
OmegaConf.register_new_resolver("run_name", run_name, replace=True)


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """The whole configuration as plain containers, interpolations resolved."""
    return OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)  # type: ignore[return-value]


def check(config: dict[str, Any]) -> None:
    """Raise `ConfigError` for the first value that cannot be used. Imports nothing heavy.

    Root keys are held against `RANGES`; everything with a `_target_` against the annotations of its constructor.
    """
    flat = flatten(config)
    for key, annotation in RANGES.items():
        if key in flat:
            check_value(key, annotation, flat[key])
    known = {field.name for field in fields(Config)}
    if unknown := sorted(config.keys() - known):
        raise ConfigError(f"{unknown[0]}: got a key that nothing reads.{nearest(unknown[0], known)} Remedy: drop it.")
    if not config["output_root"].strip():
        raise ConfigError("output_root=: got an empty path, expected a folder, e.g. output_root=outputs.")
    _check_targets(config, "")
    _check_kind(config)
    every, last = config["evaluation"]["every"], config["iterations"]
    unseen = [stop for stop in config["evaluation"]["stops"] if stop > last or (stop % every and stop != last)]
    if unseen:
        raise ConfigError(
            f"evaluation.stops={unseen}: got stops that no evaluation meets, expected multiples of"
            f" evaluation.every={every} up to iterations={last}. Remedy: drop them, e.g. evaluation.stops=[]."
        )
    _check_seeds(config)


def _check_targets(node: Any, path: str) -> None:
    if not isinstance(node, dict):
        return
    if "_target_" in node:
        _check_call(node, path)
    for name, branch in node.items():
        _check_targets(branch, f"{path}.{name}".lstrip("."))


def _check_call(node: dict[str, Any], path: str) -> None:
    signature = signature_of(node["_target_"])
    if signature is None:  # a function of a library without a readable source: its own error must do
        return
    given = {name: value for name, value in node.items() if not name.startswith("_")}
    for name, value in given.items():
        if name not in signature or name in SUPPLIED:
            valid = sorted(signature.keys() - SUPPLIED)
            raise ConfigError(
                f"{path}.{name}: got a key that {node['_target_']} does not take, expected one of: {', '.join(valid)}."
                + nearest(name, valid)
            )
        check_value(f"{path}.{name}", signature[name].annotation, value)
    missing = [name for name, arg in signature.items() if arg.required and name not in given and name not in SUPPLIED]
    if missing:
        raise ConfigError(f"{path}: {node['_target_']} needs {', '.join(missing)}. Remedy: set {path}.{missing[0]}=...")


def _check_kind(config: dict[str, Any]) -> None:
    """Whether the model's players take what the data are, vectors or images, and there are enough images to measure."""
    data = class_attribute(config["data"]["_target_"], "samples")
    for player in ("generator", "discriminator"):
        target = config["model"][player]["_target_"]
        model = class_attribute(target, "samples")
        if data and model and data != model:
            others = "mlp" if data == "vectors" else "mnist_conv, mnist_conv_literal or mnist_mlp"
            raise ConfigError(
                f"model.{player}: got {target}, which takes {model}, but {config['data']['_target_']} gives {data}."
                f" Remedy: model={others}."
            )
    if data == "images":
        check_value(
            "evaluation.samples", Annotated[int, Above(FEWEST_IMAGES, inclusive=True)], config["evaluation"]["samples"]
        )


def _check_seeds(config: dict[str, Any]) -> None:
    if config["num_seeds"] == 1:
        return
    for player in ("generator", "discriminator"):
        target = config["model"][player]["_target_"]
        if not class_attribute(target, "stackable"):
            raise ConfigError(
                f"num_seeds={config['num_seeds']} needs a stackable model (mlp); {target} trains one seed per run:"
                " sweep seed=0,1,... with -m instead."
            )
