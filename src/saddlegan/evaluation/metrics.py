"""The metrics of an evaluation: each is computed from what it asks for by the names of its arguments, where that is
offered."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hydra.utils import get_method

from saddlegan.metrics.facts import When


class Metric(NamedTuple):
    """`function` gives a value for each of `names`; `asks`: its arguments, True where they have no default."""

    names: tuple[str, ...]
    function: Callable[..., Any]
    asks: Mapping[str, bool]


def metrics_of(listed: Mapping[str, str | None]) -> list[Metric]:
    """Those of `evaluation.metrics`, `{name: full name of the function}`; null leaves one out."""
    found = []
    for key, target in listed.items():
        if target is not None:
            function = get_method(target)
            asks = {name: of.default is of.empty for name, of in inspect.signature(function).parameters.items()}
            found.append(Metric(tuple(name or key for name in function.facts), function, asks))  # type: ignore
    return found


def computed(metrics: list[Metric], when: When, offered: Mapping[str, Any]) -> dict[str, Any]:
    """The values by name of those metrics of `when` for which all that they ask for is offered."""
    values: dict[str, Any] = {}
    for names, function, asks in metrics:
        if function.when != when or any(needed and name not in offered for name, needed in asks.items()):  # type: ignore
            continue
        found = function(**{name: offered[name] for name in asks if name in offered})
        several = found.values() if isinstance(found, Mapping) else found if isinstance(found, tuple) else [found]
        values |= dict(zip(names, several, strict=True))
    return values
