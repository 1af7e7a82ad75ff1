"""Errors of composition in the user's terms: what was got, what was expected, and the nearest valid name."""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, MissingConfigException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException, ValidationError

from saddlegan.checks import nearest
from saddlegan.identity import flatten


def explain(error: Exception, arguments: Sequence[str], conf: Path) -> str:
    """One message for an error that composing the configuration raised."""
    if isinstance(error, MissingConfigException) and error.options:
        group, _, wrong = (error.missing_cfg_file or "").rpartition("/")
        options = ", ".join(error.options)
        return f"{group}={wrong}: got an unknown choice, expected one of: {options}.{nearest(wrong, error.options)}"
    cause = error.__cause__ or error
    text = str(cause)
    if isinstance(cause, ValidationError):
        return f"{_full_key(text)}: {text.splitlines()[0]}. Remedy: give a value of that type."
    override = re.search(r"(?:Could not override|Error merging override) '?\+*([^'=\s]+)", str(error))
    if override:
        return _unknown_key(override[1].rstrip("."), arguments, conf)
    missing = re.search(r"Key '([^']+)' is not in struct", text)
    return _unknown_key(_full_key(text) or missing[1], arguments, conf) if missing else str(error)


def _full_key(text: str) -> str:
    found = re.search(r"full_key: (\S+)", text)
    return found[1] if found else ""


def _unknown_key(key: str, arguments: Sequence[str], conf: Path) -> str:
    here, elsewhere = _valid_keys(arguments, conf)
    near = _nearest_key(key, [*here, *elsewhere])
    if not near:
        hint = f"Keys of the root: {', '.join(name for name in here if '.' not in name)}."
    else:
        hint = f"Did you mean '{near}'{'' if near in here else f', with {elsewhere[near]}'}?"
    return f"{key}: got a key that does not exist. {hint} (`saddlegan --cfg job` shows all keys.)"


def _nearest_key(key: str, valid: Sequence[str]) -> str:
    """The valid key that is nearest as a whole, or by its last part; a whole one in the same group comes first."""
    group = key.rpartition(".")[0]
    same = [name for name in valid if name.rpartition(".")[0] == group]
    by_last = {name.rpartition(".")[2]: name for name in reversed(valid)}
    for options in (same, valid):
        if close := difflib.get_close_matches(key, options, n=1, cutoff=0.7):
            return close[0]
    close = difflib.get_close_matches(key.rpartition(".")[2], by_last, n=1, cutoff=0.6)
    return by_last[close[0]] if close else ""


def _valid_keys(arguments: Sequence[str], conf: Path) -> tuple[list[str], dict[str, str]]:
    """The dotted keys that the arguments' group choices give, and those of other choices: `{key: "method=gan"}`."""
    groups = sorted(path.name for path in conf.iterdir() if path.is_dir() and path.name != "hydra")
    choices = [text for text in arguments if _is_choice(text, groups, conf)]
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(conf), version_base="1.3"):
            tree = OmegaConf.to_container(compose("config", choices), resolve=False)
    except (HydraException, OmegaConfBaseException):
        tree = {}
    leaves = flatten(tree)
    inner = {".".join(leaf.split(".")[:depth]) for leaf in leaves for depth in range(1, leaf.count(".") + 1)}
    here = sorted(leaves.keys() | inner | set(groups))
    elsewhere = {
        f"{path.parent.name}.{key}": f"{path.parent.name}={path.stem}"
        for path in sorted(conf.glob("*/*.yaml"))
        for key in flatten(OmegaConf.to_container(OmegaConf.load(path), resolve=False))
        if path.parent.name not in ("hydra", "experiment")
    }
    return here, {key: choice for key, choice in elsewhere.items() if key not in here}


def _is_choice(text: str, groups: Sequence[str], conf: Path) -> bool:
    group, _, choice = text.partition("=")
    return group in groups and (conf / group / f"{choice}.yaml").is_file()
