"""The command line before Hydra reads it: which words are flags, and which are settings."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from hydra._internal.utils import get_args_parser

from saddlegan.checks import ConfigError, shown
from saddlegan.config.explain import HELP
from saddlegan.config.keys import choices
from saddlegan.files import conf_folder
from saddlegan.identity import GROUPS

#: Groups of which a run has one choice; `logger` may have several.
SINGLE = (*GROUPS, "experiment", "optimizer/schedule")


class Arguments(NamedTuple):
    """`words`: flags first, as Hydra wants them; `settings`: those that are no flags; `folders`: of configurations."""

    words: list[str]
    settings: list[str]
    folders: list[Path]


def read(words: Sequence[str]) -> Arguments:
    """Take the command line apart. Raises `ConfigError` for a flag that does not exist, or has no such value."""
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]  # argparse would print a page
    known, rest = parser.parse_known_args(list(words))
    for word in rest:
        if word.startswith("-"):
            setting = word.lstrip("-") if "=" in word else f"{word.lstrip('-')}=VALUE"
            _refuse(f"{shown(word)}: got a flag that does not exist. A setting has no dashes: {shown(setting)}")
    settings = [*known.overrides, *rest]
    for setting in settings:
        if setting.startswith("="):
            _refuse(f"{shown(setting)}: got a setting without a key, expected key=value")
        _check_choice(setting, _folders(known))
    if known.experimental_rerun and not Path(known.experimental_rerun).is_file():
        flag = f"--experimental-rerun {shown(known.experimental_rerun)}"
        _refuse(f"{flag}: got no such file, expected the config.pickle of a run")
    flags = [word for word in words if word not in settings]
    return Arguments([*flags, *settings] if rest else list(words), settings, _folders(known))


def _check_choice(setting: str, folders: Sequence[Path]) -> None:
    """What Hydra would lay over each other, or trip over: a list of choices, or a reference in the place of one."""
    group, _, value = setting.partition("=")
    value = value.strip()
    if group in SINGLE and value.startswith("["):
        _refuse(f"{shown(setting)}: got a list, expected one choice, {group}=NAME; -m to sweep over several")
    if group in (*SINGLE, "logger") and "${" in value:
        _refuse(f"{shown(setting)}: got a reference, expected the name of a choice, {group}=NAME")
    if group == "logger" and value.startswith("["):
        valid = choices(folders)["logger"]
        for name in (part.strip() for part in value.strip("[]").split(",")):
            if name not in valid:
                _refuse(f"{shown(setting)}: got {shown(name)!r}, expected names of loggers: {', '.join(valid)}")


def _folders(known: argparse.Namespace) -> list[Path]:
    return [conf_folder(), *([Path(known.config_dir)] if known.config_dir else [])]


def _refuse(message: str) -> NoReturn:
    raise ConfigError(f"{message}. {HELP}")
