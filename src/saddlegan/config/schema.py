"""Every key of the configuration with its range, and `check`: what can be known to be wrong before torch is imported.

`conf/config.yaml` holds the keys' values and says what they mean. How the parts of a configuration fit together is
judged by `compatible`, whether a machine has what they need by `resources`.
"""

import functools
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from saddlegan.checks import (
    Above,
    Annotated,
    ConfigError,
    Decay,
    Filled,
    Literal,
    Made,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    check_value,
    converted,
    nearest,
    wrong,
)
from saddlegan.config.compatible import check_compatible
from saddlegan.config.constructors import annotation_of, check_targets
from saddlegan.config.earlier import check_earlier
from saddlegan.config.measured import metrics_in
from saddlegan.config.signatures import class_attribute
from saddlegan.config.trust import check_named
from saddlegan.identity import run_name
from saddlegan.metrics.facts import Facts
from saddlegan.resources import SHIPPED

Part = Annotated[dict, Made()]
Player = Annotated[dict, Made(partial=True)]

#: Every key that a configuration must have, outside what its `_target_`s take.
KEYS: dict[str, Any] = {
    "method": Part,
    "model.latent": Part,
    "model.generator": Player,
    "model.discriminator": Player,
    "data": Part,
    "optimizer.generator": Player,
    "optimizer.discriminator": Player,
    "trainer.accelerator": Literal["cpu", "gpu"],
    "trainer.devices": Annotated[int, Above(0, most=64)],
    "trainer.precision": Literal["32-true", "64-true", "bf16-mixed"],
    "trainer.channels_last": bool,
    "trainer.threads": Literal["auto"] | Annotated[int, Above(0, most=1024)],
    "trainer.compile": Literal["auto", True, False],
    "logger": dict,
    "callbacks": dict,
    "seed": NonNegativeInt,
    "num_seeds": Annotated[int, Above(0, most=65_536)],
    "iterations": PositiveInt,
    "batch_size": PositiveInt,
    "ema_decay": Decay,
    "evaluation._target_": str,
    "evaluation.metrics": Annotated[dict, Filled()],
    "evaluation.every": PositiveInt,
    "evaluation.samples": PositiveInt,
    "evaluation.figures": NonNegativeInt,
    "evaluation.stops": list[PositiveInt],
    "evaluation.diverged_above": PositiveFloat,
    "evaluation.extractor": str | None,
    "report.metric": str,
    "report.reference": str | None,
    "report.map": dict | None,
    "report.claims": list[str],
    "checkpoint_seconds": PositiveFloat,
    "checkpoint_iterations": PositiveInt | None,  # type: ignore[operator]
    "earlier": str | None,
    "existing": Literal["continue", "repeat", "skip"],
    "output_root": str,
}
#: Ranges of keys that some choices have.
RANGES: dict[str, Any] = (
    {
        "optimizer.lr": PositiveFloat,
        "optimizer.discriminator_lr": PositiveFloat,
        "optimizer.beta1": Decay,
        "optimizer.schedule": Player | None,  # type: ignore[operator]
    }
    | {
        f"optimizer.{player}.{name}": annotation
        for player in ("generator", "discriminator")
        for name, annotation in {
            "lr": PositiveFloat,
            "betas": tuple[Decay, Decay],
            "momentum": Decay,
            "eps": PositiveFloat,
            "weight_decay": NonNegativeFloat,
        }.items()
    }
    | {
        f"optimizer.schedule.{name}": annotation
        for name, annotation in {
            "T_max": PositiveInt,
            "total_iters": PositiveInt,
            "gamma": Annotated[float, Above(0, most=1)],
            "start_factor": Annotated[float, Above(0, most=1)],
            "end_factor": Annotated[float, Above(0, inclusive=True, most=1)],
            "eta_min": NonNegativeFloat,
        }.items()
    }
)
#: Groups whose keys are all listed above.
CLOSED = ("trainer", "evaluation", "report")
#: A number that is not written as an integer, as an override's value.
NUMBER = re.compile(r"(?:(?<=,)|^)([\w.]+)=(\d+(?:\.\d*)?(?:[eE]\+?\d+)?)(?=,|$)")


def _run_name(override_dirname: str, *, _root_: DictConfig) -> str:
    """The run folder's name, with integers written as such: `iterations=1e3` is the run of `iterations=1000`."""

    def plainly(override: re.Match[str]) -> str:
        key, text = override.groups()
        parent, _, name = key.rpartition(".")
        target = OmegaConf.select(_root_, f"{parent}._target_", default=None)
        value = converted(KEYS.get(key) or annotation_of(target, name), float(text))
        return f"{key}={value}" if isinstance(value, int) else override[0]

    return run_name(NUMBER.sub(plainly, override_dirname))


def _headline(*, _root_: DictConfig) -> str:
    """The metric of a report that names none: the first of its evaluation's."""
    return next(iter(_metrics(_root_)), "")


def _extractor(*, _root_: DictConfig) -> str | None:
    """The shipped weights for the classes of the data, null where they have none: then it is the first of them."""
    target = OmegaConf.select(_root_, "data._target_", default=None)
    with suppress(ConfigError):  # what is wrong with the data `check` says
        classes = class_attribute(target, "classes") if isinstance(target, str) else None
        return classes if classes in list(SHIPPED)[1:] else None
    return None


def direction(metric: str, *, _root_: DictConfig) -> str:
    """Which way a search goes by a metric, in Optuna's words."""
    facts = _metrics(_root_).get(metric)
    return "maximize" if facts and facts.better == "higher" else "minimize"


def _metrics(root: DictConfig) -> dict[str, Facts]:
    listed = OmegaConf.select(root, "evaluation.metrics", default={})
    try:
        return metrics_in({"evaluation": {"metrics": listed if isinstance(listed, Mapping) else {}}})
    except ConfigError:  # what is wrong with them `check` says
        return {}


# At import, because a sweep's workers unpickle their task before anything else runs in them.
OmegaConf.register_new_resolver("home", lambda folder: os.path.expanduser(str(folder)), replace=True)
OmegaConf.register_new_resolver("study", lambda experiment: experiment or "runs", replace=True)
OmegaConf.register_new_resolver("direction", direction, replace=True)
OmegaConf.register_new_resolver("extractor", _extractor, replace=True)
OmegaConf.register_new_resolver("headline", _headline, replace=True)
OmegaConf.register_new_resolver("run_name", _run_name, replace=True)


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """The suite's part of a configuration as plain containers: interpolations resolved, whole numbers as integers where
    these are asked for. Hydra's part is left out before, as a job has none. Raises OmegaConf's errors where a value is
    missing or refers to nothing."""
    own = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    if isinstance(own.get("earlier"), str):  # wherever it is read from, later
        with open_dict(own):
            own.earlier = str(Path(own.earlier).expanduser().absolute())
    config: dict[str, Any] = OmegaConf.to_container(own, resolve=True, throw_on_missing=True)  # type: ignore
    for key, annotation in (KEYS | RANGES).items():
        *groups, name = key.split(".")
        node = config
        for group in groups:
            node = node.get(group) if isinstance(node, dict) else None
        if isinstance(node, dict) and name in node:
            node[name] = converted(annotation, node[name])
    _convert_arguments(config)
    return config


def _convert_arguments(node: Any) -> None:
    for name, value in node.items() if isinstance(node, dict) else ():
        node[name] = converted(annotation_of(node.get("_target_"), name), value)
        _convert_arguments(value)


def check(config: dict[str, Any]) -> None:
    """Raise `ConfigError` for the first value that cannot be used. Imports nothing heavy.

    What is listed in `KEYS` and `RANGES` is held against them; everything with a `_target_` against the annotations of
    its constructor; then what has to fit together.
    """
    for key, annotation in KEYS.items():
        check_value(key, annotation, _value(config, key))
    for key, annotation in RANGES.items():
        parent, _, name = key.rpartition(".")
        node = functools.reduce(lambda node, part: node.get(part) or {}, parent.split("."), config)
        if name in node:
            check_value(key, annotation, node[name])
    _check_unknown(config)
    if not config["output_root"].strip():
        raise ConfigError("output_root=: got an empty path, expected a folder, e.g. output_root=outputs.")
    for group in ("logger", "callbacks"):
        for name, node in config[group].items():
            check_value(f"{group}.{name}", Part, node)
    check_named(config)
    check_earlier(config)
    for group in ("method", "model", "data", "optimizer", "logger", "callbacks"):
        check_targets(config[group], group)
    check_compatible(config)


def _value(config: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key of `KEYS`; an error where a part of its path is missing or no mapping."""
    node: Any = config
    path = ""
    for name in key.split("."):
        if not isinstance(node, Mapping):
            names = [other.removeprefix(f"{path}.") for other in KEYS if other.startswith(f"{path}.")]
            raise wrong(path, node, f"a mapping with the keys {', '.join(names)}")
        path = f"{path}.{name}".lstrip(".")
        if name not in node:
            raise ConfigError(
                f"{path}: got no such key, and a run needs it. Remedy: do not delete it (~{path}), or give it a value:"
                f" ++{path}=..."
            )
        node = node[name]
    return node


def _check_unknown(config: Mapping[str, Any]) -> None:
    if "experiment" in config:
        raise ConfigError(
            "experiment: got keys below a key 'experiment', which nothing reads. Remedy: let the experiment's file"
            " begin with the line '# @package _global_'."
        )
    for path in ("", *CLOSED):
        prefix = f"{path}." if path else ""
        known = sorted({key.removeprefix(prefix).split(".")[0] for key in KEYS if key.startswith(prefix)})
        for name in (config[path] if path else config).keys() - set(known):
            raise ConfigError(f"{prefix}{name}: got a key that nothing reads.{nearest(name, known)} Remedy: drop it.")
