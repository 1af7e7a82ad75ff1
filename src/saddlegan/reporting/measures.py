"""Metrics as reports read them: what each is called, which way is better, and its range."""

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import yaml
from numpy.typing import ArrayLike

from saddlegan.checks import ConfigError
from saddlegan.config.measured import metrics_in
from saddlegan.config.signatures import class_attribute
from saddlegan.files import conf_folder
from saddlegan.metrics.facts import Facts
from saddlegan.reporting import statistics
from saddlegan.reporting.statistics import Estimate


def facts_for(configs: Iterable[Mapping[str, Any]]) -> dict[str, Facts]:
    """{metric: facts} of all metrics that the suite's evaluations list, in their order, and of those that runs of these
    configurations list themselves. What cannot be read here, such as code that is elsewhere, is left out."""
    found, classes = dict(shipped()), []
    for config in configs:
        try:
            found |= metrics_in(config)
            sizes = class_attribute(config["data"]["_target_"], "sizes") or {}
            classes += [sizes["label"]] if "label" in sizes else []
        except (ConfigError, KeyError, TypeError, AttributeError):
            continue
    most = max(classes, default=None)
    ends = {"classes": most, "log(classes)": most and math.log(most)}
    return {name: replace(facts, most=ends.get(str(facts.most), facts.most)) for name, facts in found.items()}


@functools.cache
def shipped() -> dict[str, Facts]:
    """Those of `conf/evaluation`."""
    found: dict[str, Facts] = {}
    for path in sorted((conf_folder() / "evaluation").glob("*.yaml"), reverse=True):  # the line, then images
        found |= metrics_in({"evaluation": yaml.safe_load(path.read_text())})
    return found


def watched_by(configs: Iterable[Mapping[str, Any]]) -> dict[str, Facts]:
    """{what methods show of themselves through training: facts}: `watches` of the methods of these configurations."""
    found: dict[str, str] = {}
    for target in dict.fromkeys(str((config.get("method") or {}).get("_target_")) for config in configs):
        try:
            found |= class_attribute(target, "watches") or {}
        except ConfigError:  # code that is elsewhere
            continue
    return {name: Facts(label, "none", None) for name, label in found.items()}


def unknown(metric: str) -> Facts:
    """Facts of a metric of which none are known: a loss, say."""
    player, loss, _ = metric.partition("_loss")
    return Facts(f"{player}'s loss" if loss and metric == f"{player}_loss" else metric, "none", None)


def average(facts: Facts, values: ArrayLike) -> Estimate:
    """`statistics.average` of values of a metric, one per seed, with an interval inside of its range."""
    least = -math.inf if facts.least is None else facts.least
    return statistics.average(values, least, facts.most if isinstance(facts.most, int | float) else math.inf)
