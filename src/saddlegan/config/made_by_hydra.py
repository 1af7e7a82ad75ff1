"""What a configuration has Hydra itself make, below the key `hydra`: launchers, sweepers, callbacks, and logging.

It is judged before Hydra makes any of it, as the suite's own keys are (`trust`). Hydra besides refuses a list of names
that run anything, such as `os.system`, whatever is allowed here.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from saddlegan.checks import ConfigError, shown
from saddlegan.config.signatures import defined
from saddlegan.config.trust import ALLOW, allowed, is_class_of, is_foreign, named

#: Where the classes lie: of Hydra and of its plugins, and what searches sample by.
PARTS = ("hydra._internal.core_plugins.", "hydra.experimental.callbacks.", "hydra_plugins.", "optuna.samplers.",
         "saddlegan.cli.guard.")  # fmt: skip
#: What Python's logging makes, or takes as it is.
LOGGING = {"logging.Formatter", "logging.StreamHandler", "logging.FileHandler", "logging.NullHandler",
           "logging.handlers.RotatingFileHandler", "logging.handlers.TimedRotatingFileHandler",
           "colorlog.ColoredFormatter", "ext://sys.stdout", "ext://sys.stderr"}  # fmt: skip


def check_made_by_hydra(config: DictConfig) -> None:
    """Raise `ConfigError` where a composed configuration has Hydra make anything but `PARTS`, modules of the user's own
    and what is allowed, or Python's logging anything but `LOGGING` and that. Nothing of it is imported."""
    tree = _as_written(config.hydra, set())
    for path, target in named(tree, "hydra"):
        if target.partition(".")[0] not in allowed() and not is_class_of(PARTS, target) and not _of_the_users(target):
            raise _refused(path, target, "a launcher, a sweeper or a callback of Hydra's, or a module of your own")
    for key in ("hydra_logging", "job_logging"):
        for path, target in _logged(tree.get(key), f"hydra.{key}"):
            package = target.removeprefix("ext://").partition(".")[0]
            if package not in allowed() and target not in LOGGING:
                raise _refused(path, target, f"one of {', '.join(sorted(LOGGING))}")


def _refused(path: str, target: str, expected: str) -> ConfigError:
    if "${" in target:
        return ConfigError(f"{path}: got the reference {shown(target)}, expected {expected}. Remedy: its full name.")
    package = target.removeprefix("ext://").partition(".")[0]
    remedy = f"Remedy, where you trust it: {ALLOW}={shown(package)} in the environment."
    return ConfigError(f"{path}: got {shown(target)}, expected {expected}. {remedy}")


def _of_the_users(target: str) -> bool:
    """Whether a name is that of code of the user's own. A reference is none: what it names may still change."""
    try:
        return defined(target)[0] is not None and not is_foreign(target)
    except ConfigError:
        return False


def _logged(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path, full name) of what a configuration of Python's logging has made or looked up."""
    for name, value in node.items() if isinstance(node, dict) else ():
        inner = f"{path}.{name}"
        if name in ("()", "class") or str(value).startswith("ext://"):
            yield inner, str(value)
        else:
            yield from _logged(value, inner)


def _as_written(node: Any, above: set[int]) -> Any:
    """A node as plain dicts and values, lists as dicts too. Of references those to other nodes are followed; the others
    stay, such as those to what is not known yet."""
    if not OmegaConf.is_config(node) or id(node) in above:
        return node if not OmegaConf.is_config(node) else None
    keys = list(node) if OmegaConf.is_dict(node) else range(len(node))
    found = {}
    for key in keys if not node._is_none() and not node._is_missing() else ():
        inner = node._get_node(key)
        if OmegaConf.is_interpolation(node, key):
            found[key] = inner._value()
            with contextlib.suppress(OmegaConfBaseException):
                if OmegaConf.is_config(node[key]):
                    found[key] = _as_written(node[key], above | {id(node)})
        else:
            found[key] = _as_written(inner, above | {id(node)}) if OmegaConf.is_config(inner) else inner._value()
    return found
