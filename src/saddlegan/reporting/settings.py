"""Settings: what differs between runs, as columns, as a short label, and as pairs with a reference method."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from saddlegan.identity import GROUPS, NEUTRAL, without

Setting = Mapping[str, Any]

IGNORED = (*NEUTRAL, "hydra", "experiment", "seed", "num_seeds", "data.found")


def describe(choices: Mapping[str, str], config: Mapping[str, Any]) -> dict[str, Any]:
    """One flat mapping of a run's choices (`method`) and values (`method.sigma`), without what is no setting: the
    folder of an earlier run is another for each seed."""
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in without(config, IGNORED).items()}
    values = {key: value for key, value in values.items() if value is None or value != config.get("earlier")}
    derived = [key for key in values if _says_the_same(values, key)]
    named = {group: choices[group] for group in GROUPS if group in choices}
    return named | {
        key: value for key, value in values.items() if key not in derived and not key.split(".")[-1].startswith("_")
    }


def varying(settings: Sequence[Setting]) -> list[str]:
    """The keys that tell `settings` apart, choices of a group first and `method` always.

    A key of a group (`optimizer.lr`) varies if it differs between runs with the same choice of that group: what a
    choice implies is said by the choice. The evaluation's are chosen with the data.
    """
    keys = ["method"] + [group for group in GROUPS[1:] if len({setting.get(group) for setting in settings}) > 1]
    for key in dict.fromkeys(key for setting in settings for key in setting if key not in GROUPS):
        group = key.split(".")[0].replace("evaluation", "data")
        classes: dict[Any, set[Any]] = {}
        for setting in settings:
            classes.setdefault(setting.get(group) if group in GROUPS else None, set()).add(setting.get(key))
        if any(len(values) > 1 for values in classes.values()):
            keys.append(key)
    return sorted(keys, key=lambda key: (_rank(key), keys.index(key)))


def label(setting: Setting, keys: Sequence[str], unnamed: Setting | None = None) -> str:
    """`primal_dual · sigma=0.1 · alpha=1 · adam · lr=0.001`; a last name that two keys share is written in full. Values
    that are those of `unnamed` are left out."""
    last = [key.split(".")[-1] for key in keys]
    parts = []
    for key, name in zip(keys, last, strict=True):
        if setting.get(key) is not None and (unnamed is None or unnamed.get(key) != setting[key]):
            value = show(setting[key])
            parts.append(value if key in GROUPS else f"{name if last.count(name) == 1 else key}={value}")
    return " · ".join(parts)


def usual(settings: Sequence[Setting], keys: Sequence[str]) -> dict[str, Any]:
    """{key: value} of what more than two in three of all `settings` share, and what none lacks. Where single things are
    changed beside one setting, a label that leaves these out is a short one. Choices of a group are always named."""
    distinct = [dict(values) for values in {tuple((key, of.get(key)) for key in keys) for of in settings}]
    found = {}
    for key in (key for key in keys if key not in GROUPS):
        ((value, count),) = Counter(values[key] for values in distinct).most_common(1)
        if 3 * count > 2 * len(distinct) and all(values[key] is not None for values in distinct):
            found[key] = value
    return found


def pairs(settings: Mapping[str, Setting], keys: Sequence[str], reference: str | None) -> dict[str, str]:
    """{label: label of its reference}: the reference method's setting with the same values outside `method.*`.

    Where the reference method was itself run at several settings, the one that also agrees in the keys they share. A
    `reference` such as `model=mnist_conv,ema_decay=0` is a setting: the one with these values that agrees in all else.
    """
    if reference and "=" in reference:
        return _pairs_by_value(settings, keys, dict(part.strip().split("=", 1) for part in reference.split(",")))
    outside = [key for key in keys if key.split(".")[0] != "method"]
    inside = [key for key in keys if key.startswith("method.")]
    found = {}
    for name, setting in settings.items():
        if setting["method"] == reference:
            continue
        matches = [
            other for other, that in settings.items() if that["method"] == reference and _agree(setting, that, outside)
        ]
        if len(matches) > 1:
            matches = [other for other in matches if _agree(setting, settings[other], inside)]
        if len(matches) == 1:
            found[name] = matches[0]
    return found


def _pairs_by_value(settings: Mapping[str, Setting], keys: Sequence[str], wanted: Mapping[str, str]) -> dict[str, str]:
    named = {key: value.strip().lower() for key, value in wanted.items() if key in keys}
    others = [key for key in keys if key not in named]
    references = {
        name: setting
        for name, setting in settings.items()
        if all(show(setting.get(key)).lower() == value for key, value in named.items())
    }
    found = {}
    for name, setting in settings.items():
        matches = [other for other, that in references.items() if _agree(setting, that, others)]
        if name not in references and len(matches) == 1:
            found[name] = matches[0]
    return found


def show(value: Any) -> str:
    """A value as a person writes it: 0.001, 100, adam."""
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _agree(a: Setting, b: Setting, keys: Iterable[str]) -> bool:
    return all(a.get(key) == b.get(key) for key in keys)


def _rank(key: str) -> int:
    """Groups in their order, then plain values such as `iterations`."""
    group = key.split(".")[0]
    return GROUPS.index(group) if group in GROUPS else len(GROUPS)


def _says_the_same(values: Mapping[str, Any], key: str) -> bool:
    """Whether `optimizer.generator.lr` (or `.discriminator.`) only repeats `optimizer.lr` or `.discriminator_lr`, or
    `optimizer.generator.betas` begins with `optimizer.beta1`."""
    head, _, name = key.rpartition(".")
    player = head.removeprefix("optimizer.")
    shared = (values.get(f"optimizer.{name}"), values.get(f"optimizer.{player}_{name}"))
    if name == "betas" and "optimizer.beta1" in values:
        return values[key][:1] == (values["optimizer.beta1"],)
    return player in ("generator", "discriminator") and values[key] in shared
