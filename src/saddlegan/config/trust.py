"""Which code a configuration may name. To make what a `_target_` names runs its code.

A configuration that is composed here may name parts of this suite, modules of the user's own, and installed packages
that he allows: else a YAML from somebody else could have `os.system` called. A stored one, of a run folder or a
checkpoint, may have come from anywhere, and a module of the user's own must be allowed there, too.
"""

import ast
import os
import site
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from saddlegan.checks import ConfigError, shown
from saddlegan.config.signatures import defined

#: Where the classes lie that a configuration may name, and, of metrics, the functions.
PARTS = (
    *("saddlegan.methods.", "saddlegan.networks.", "saddlegan.data.", "saddlegan.random.", "saddlegan.evaluation."),
    *("saddlegan.frozen.", "torch.nn.", "torch.optim.", "lightning.pytorch.callbacks.", "lightning.pytorch.loggers."),
)
METRICS = "saddlegan.metrics."
#: Their packages, of which no other part is allowed.
OURS = {part.partition(".")[0] for part in (*PARTS, METRICS)}
#: The environment variable with further packages, separated by commas. It is no key, with which a file could allow
#: itself more.
ALLOW = "SADDLEGAN_ALLOW"
FROM_OUTSIDE = os.environ.get(ALLOW, "")
#: Packages besides, whose code this process runs anyway: those that its own configurations name.
trusted: set[str] = set()


def trust(config: dict[str, Any]) -> None:
    """Trust the packages that a configuration names; it must be the user's own, from the command line or `compose`."""
    trusted.update(target.partition(".")[0] for _, target in named(config))


def allowed() -> set[str]:
    """The packages that the user allowed in `ALLOW` when this process began: Hydra's job may set variables later."""
    return {name.strip() for name in FROM_OUTSIDE.split(",")} - {""}


def check_named(config: dict[str, Any]) -> None:
    """Raise `ConfigError` where a configuration that is composed here names code of Python's own library or of an
    installed package, but for parts of this suite and packages that are allowed. Nothing of it is imported. What does
    not exist passes: that is said elsewhere."""
    for path, target in named(config):
        package = target.partition(".")[0]
        if package not in allowed() and not _own(path, target) and is_foreign(target):
            raise ConfigError(
                f"{path}: got {shown(target)}, expected a part of this suite or a module of your own. Remedy, where you"
                f" trust it: {ALLOW}={shown(package)} in the environment."
            )


def is_foreign(target: str) -> bool:
    """Whether a name is that of code of Python's own library or of an installed package, also where a module of the
    user's own has imported it. False where there is no such name."""
    try:
        file, _ = defined(target)
    except ConfigError:
        return False
    if file is None or target.partition(".")[0] in OURS:  # built in, or an attribute of an attribute
        return True
    homes = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    homes += [*site.getsitepackages(), site.getusersitepackages()]
    return any(Path(home).resolve() in file.resolve().parents for home in homes)


def check_trusted(config: dict[str, Any], where: str, allow: Iterable[str] = ()) -> None:
    """Raise `ConfigError` where a stored configuration names code that is neither part of this suite nor of a package
    in `allow`, or a call inside of a call's arguments (`_args_`). Nothing of it is imported."""
    packages = {*allow, *allowed(), *trusted} - OURS
    for path, target in named(config):
        package = target.partition(".")[0]
        if package not in packages and not _own(path, target):
            raise ConfigError(
                f"{where}: {path}: got {shown(target)}, expected a part of this suite: making anything else would run"
                f" its code. Remedy, where you trust it: allow=[{shown(package)}]."
            )


def named(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, full name) of all that a configuration has made or called: `_target_`s, and the functions of metrics."""
    for name, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        inner = f"{path}.{name}".lstrip(".")
        metric = inner.startswith("evaluation.metrics.") and value is not None
        if name in ("_target_", "_args_") or (metric and not isinstance(value, dict | list)):
            yield inner, str(value)
        else:
            yield from named(value, inner)


def _own(path: str, target: str) -> bool:
    """Whether the name is that of a class of this suite, or of a metric, which is defined where it says or below."""
    if path.startswith("evaluation.metrics."):
        return is_class_of((METRICS,), target, ast.FunctionDef | ast.ClassDef)
    return is_class_of(PARTS, target)


def is_class_of(parts: Iterable[str], target: str, kinds: Any = ast.ClassDef) -> bool:
    """Whether the name is that of a class that is defined in one of these modules, where it says or below."""
    part = next((part for part in parts if target.startswith(part)), None)
    if part is None:
        return False
    try:
        file, node = defined(target)
    except ConfigError:
        return False
    inside = file is not None and f"/{part.rstrip('.').replace('.', '/')}" in file.as_posix()
    return inside and isinstance(node, kinds)
