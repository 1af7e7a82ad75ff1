"""The metrics that a configuration lists, found in source text, so that checking and reporting import nothing heavy."""

import functools
from collections.abc import Mapping
from typing import Any

from saddlegan.checks import ConfigError, nearest, shown
from saddlegan.config.signatures import decoration, signature_of
from saddlegan.metrics.facts import Facts, facts_of


@functools.cache
def facts_in(target: str) -> dict[str, Facts]:
    """The facts on the function at a dotted path, by the name of the value; "" stands for its only one.

    Raises `ConfigError` where there is no such function, or it is no metric.
    """
    marks = decoration(target, "metric")
    if marks is None:
        raise ConfigError(
            f"evaluation.metrics: got {shown(target)}, which is no metric: expected the full name of a function with"
            " the decorator saddlegan.metrics.facts.metric."
        )
    marks = {key: value for key, value in marks.items() if key != "when"}
    gives = marks.pop("gives", None)
    return facts_of(marks, gives)


def metrics_in(config: Mapping[str, Any]) -> dict[str, Facts]:
    """{metric: its facts} of a configuration's `evaluation.metrics`, in their order. Raises `ConfigError`."""
    listed = (config.get("evaluation") or {}).get("metrics") or {}
    return {
        value or key: facts
        for key, target in listed.items()
        if isinstance(target, str)  # what else it may be `check_metrics` says
        for value, facts in facts_in(target).items()
    }


def check_metrics(config: Mapping[str, Any], offers: tuple[str, ...]) -> None:
    """Raise `ConfigError` where a metric that is listed is none, or asks for what is not offered."""
    listed = {key: target for key, target in config["evaluation"]["metrics"].items() if target is not None}
    required = {key: _asked(key, target) for key, target in listed.items()}
    known = [*offers, *metrics_in(config)]
    for key, names in required.items():
        if missing := [name for name in names if name not in known]:
            raise ConfigError(
                f"evaluation.metrics.{key}: {listed[key]} asks for {missing[0]}, expected one of: {', '.join(known)}."
                + nearest(missing[0], known)
            )


def _asked(key: str, target: Any) -> list[str]:
    """The arguments without a default of a metric."""
    if not isinstance(target, str):
        raise ConfigError(
            f"evaluation.metrics.{key}: got {shown(str(target))}, expected the full name of a metric's function, or"
            " null to leave it out."
        )
    try:
        facts_in(target)
        return [name for name, argument in (signature_of(target) or {}).items() if argument.required]
    except ConfigError as error:
        raise ConfigError(f"evaluation.metrics.{key}: {error}") from None
