"""The typed root of the configuration, and `check`: all that can be known to be wrong before torch is imported."""

import hashlib
import re
from dataclasses import dataclass, field, fields
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from saddlegan.checks import (
    Above,
    Annotated,
    ConfigError,
    Literal,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    check_value,
    nearest,
)
from saddlegan.signatures import class_attribute, signature_of


@dataclass
class Evaluation:
    every: int = MISSING
    samples: int = MISSING
    figures: int = MISSING
    stops: list[int] = MISSING
    diverged_above: float = MISSING


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
    seed: int = MISSING
    num_seeds: int = MISSING
    iterations: int = MISSING
    batch_size: int = MISSING
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
    "evaluation.every": PositiveInt,
    "evaluation.samples": PositiveInt,
    "evaluation.figures": NonNegativeInt,
    "evaluation.stops": list[PositiveInt],
    "evaluation.diverged_above": PositiveFloat,
    "checkpoint_seconds": PositiveFloat,
    "existing": Literal["continue", "repeat", "skip"],
    "optimizer.lr": PositiveFloat,
    "optimizer.generator.lr": PositiveFloat,
    "optimizer.discriminator.lr": PositiveFloat,
    "trainer.compile": Literal["auto", True, False],
    "trainer.threads": Annotated[int, Above(0, inclusive=True, most=1024)],
    "trainer.accelerator": Literal["cpu", "gpu"],
    "trainer.devices": Literal[1],
    "trainer.precision": Literal["32-true", "64-true"],
}

#: Keys that do not change what a run computes: they may differ between a stored run and the one asked for.
NEUTRAL = ("report", "existing", "output_root", "checkpoint_seconds")

#: Arguments that `train.build` supplies.
SUPPLIED = {"generator", "discriminator", "latent", "optimizers", "seeds", "in_features", "out_features", "params"}


def run_name(override_dirname: str) -> str:
    """A run folder's name from its overrides: one path component of at most 200 characters."""
    name = re.sub(r"[^\w=.,+-]+", "_", override_dirname) or "default"
    return name if len(name) <= 200 else f"{name[:180]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


# At import, because a sweep's workers unpickle their task before anything else runs in them.
ConfigStore.instance().store(name="base", node=Config)
OmegaConf.register_new_resolver("study", lambda experiment: experiment or "runs", replace=True)
OmegaConf.register_new_resolver("run_name", run_name, replace=True)


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """The whole configuration as plain containers, interpolations resolved."""
    return OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)  # type: ignore[return-value]


def fingerprint(config: dict[str, Any]) -> dict[str, Any]:
    """What decides a run's result: the configuration without its neutral keys, flattened to dotted keys."""
    return flatten({key: value for key, value in config.items() if key not in NEUTRAL})


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """A nested dict as `{dotted key: leaf}`; lists are leaves."""
    if not isinstance(tree, dict):
        return {prefix: tree}
    return {
        key: leaf
        for name, branch in tree.items()
        for key, leaf in flatten(branch, f"{prefix}.{name}".lstrip(".")).items()
    }


def difference(stored: dict[str, Any], asked: dict[str, Any]) -> str:
    """Lines `key: stored -> asked` for what differs between two fingerprints; empty where nothing does."""
    keys = sorted(stored.keys() | asked.keys())
    absent = "(absent)"
    pairs = [(key, stored.get(key, absent), asked.get(key, absent)) for key in keys]
    return "\n".join(f"  {key}: {old} -> {new}" for key, old, new in pairs if old != new)


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
