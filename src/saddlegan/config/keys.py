"""The choices and keys that folders of configuration files offer: for the nearest name, and for keys of a report."""

import contextlib
import functools
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from saddlegan.files import conf_folder
from saddlegan.identity import flatten


def folders_of(cfg: DictConfig) -> list[Path]:
    """The folders that a composed configuration was read from, of the suite's and the user's own files."""
    found = []
    for source in cfg.hydra.runtime.config_sources:
        if source.schema == "file":
            found.append(Path(source.path))
        elif source.schema == "pkg" and source.path != "hydra.conf":
            spec = importlib.util.find_spec(source.path)
            found += map(Path, (spec.submodule_search_locations or ()) if spec else ())
    return found


def choices(folders: Sequence[Path]) -> dict[str, list[str]]:
    """The names in each group: `{"method": ["gan", ...], "optimizer/schedule": ["cosine", ...], ...}`."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for path in [*folder.glob("*/*.yaml"), *folder.glob("*/*/*.yaml")]:
            found.setdefault(path.parent.relative_to(folder).as_posix(), set()).add(path.stem)
    return {group: sorted(names) for group, names in sorted(found.items()) if group.partition("/")[0] != "hydra"}


@functools.cache
def keys_of_choices(folders: tuple[Path, ...]) -> dict[str, str]:
    """The dotted keys of all choices, each with a choice that has it: `{"method.sigma": "method=primal_dual"}`. Read
    once in a process."""
    found = {}
    for folder in folders:
        for path in sorted(folder.glob("*/*.yaml"), reverse=True):
            if path.parent.name not in ("hydra", "experiment"):
                choice = f"{path.parent.name}={path.stem}"
                found |= {f"{path.parent.name}.{key}": choice for key in flatten(_content(path)) if key}
    return found


def _content(path: Path) -> Any:
    try:
        return OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except (OmegaConfBaseException, YAMLError, OSError, ValueError):  # whoever asks for this choice is told
        return {}


@contextlib.contextmanager
def composing() -> Iterator[None]:
    """The suite's configurations for `hydra.compose`, whatever Hydra was used for before, and is again afterwards."""
    before = GlobalHydra.instance().hydra
    try:
        GlobalHydra.instance().clear()
        with initialize_config_dir(str(conf_folder()), version_base="1.3"):
            yield
    finally:
        GlobalHydra.instance().hydra = before


@functools.cache
def composed_keys(overrides: tuple[str, ...]) -> set[str]:
    """The dotted keys of the suite's configuration under these choices of groups, inner ones included. Composed once in
    a process."""
    try:
        with composing():
            tree = OmegaConf.to_container(compose("config", list(overrides)), resolve=False)
    except (HydraException, OmegaConfBaseException):
        return set()
    return with_inner(flatten(tree)) | set(map(str, tree)) if isinstance(tree, Mapping) else set()


def with_inner(keys: Mapping[str, Any]) -> set[str]:
    """The keys, and those above them: `a.b` has `a`."""
    parts = [key.split(".") for key in keys]
    return {".".join(key[:depth]) for key in parts for depth in range(1, len(key) + 1)}
