"""Errors of composition in the user's terms: what was got, what was expected, and the nearest valid name."""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import InterpolationKeyError, MissingMandatoryValue, OmegaConfBaseException, ValidationError
from yaml import YAMLError

from saddlegan.checks import ConfigError, nearest, shown
from saddlegan.config.keys import choices, composed_keys, keys_of_choices

UNKNOWN = re.compile(r"(?:Could not override|Error merging override|Could not delete from config\.) '?~?\+*([^'=\s]+)")
HELP = "Remedy: `saddlegan --help` lists the settings, `saddlegan --hydra-help` the flags."
SPECIAL = "Remedy: put the value into quotes, and the whole into those of the shell: '{key}=\"value\"'."


def explain(error: BaseException, settings: Sequence[str], folders: Sequence[Path]) -> str:
    """One paragraph for an error that composing the configuration raised, given the settings of the command line."""
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, OverrideParseException):
        return _unreadable(error, folders)
    if isinstance(error, MissingConfigException) and error.options:
        group, _, wrong = (error.missing_cfg_file or "").rpartition("/")
        expected = f"expected one of: {', '.join(error.options)}.{nearest(wrong, error.options)}"
        install = " Remedy: pip install 'saddlegan[search]'." if f"{group}={wrong}" == "hydra/sweeper=optuna" else ""
        return f"{group}={shown(wrong)}: got an unknown choice, {expected}{install}"
    cause = error.__cause__ or error
    text = str(error) or str(cause)
    if "Config group override must be a string" in text:
        return _no_choice(settings, folders)
    if isinstance(cause, OmegaConfBaseException) and (told := _of_omegaconf(cause)):
        return told
    if "'grids' not in" in text:
        return (
            "hydra/sweeper: got an experiment with grids, and another sweeper than saddlegan's own, which alone reads"
            " them. Remedy: drop hydra/sweeper=..., or sweep over values of the command line without experiment=..."
        )
    if sweep := re.search(r"(?:Ambiguous value for argument|Sweep parameters) '(.*?)'(?: requires|\n|$)", text):
        key = sweep[1].partition("=")[0]
        return (
            f"{shown(sweep[1])}: got several values, expected one, or -m to sweep over them. A list is {key}=[1,2]; for"
            f" text with a comma, put the value into quotes: '{key}=\"a,b\"'."
        )
    if missing := UNKNOWN.search(text) or re.search(r"Key '([^']+)' is not in struct", str(cause)):
        return _unknown_key(_full_key(str(cause)) or missing[1].rstrip("."), settings, folders)
    kind = "got a file that is no YAML: " if isinstance(cause, YAMLError) else ""
    known = isinstance(error, HydraException | OmegaConfBaseException | ValueError | YAMLError)
    return kind + ("" if known else f"{type(cause).__name__}: ") + shown(text, 400).rstrip(".") + f". {HELP}"


def _of_omegaconf(error: OmegaConfBaseException) -> str:
    key, text = _full_key(str(error)), shown(str(error).splitlines()[0], 200)
    if isinstance(error, InterpolationKeyError):
        return f"{key}: got a reference to a key that does not exist ({text}). Remedy: name a key that does: ${{seed}}."
    if isinstance(error, MissingMandatoryValue):
        return f"{key}: got no value (???), and a run needs one. Remedy: {key}=..."
    if isinstance(error, ValidationError):
        return f"{key}: {text}. Remedy: give a value of that type."
    return ""


def _full_key(text: str) -> str:
    found = re.search(r"full_key: (\S+)", text)
    return found[1] if found else ""


def _unreadable(error: OverrideParseException, folders: Sequence[Path]) -> str:
    """A setting that breaks Hydra's grammar."""
    setting, said = error.override, error.message.splitlines()
    key = setting.partition("=")[0]
    if "=" not in setting:
        groups = [group for group, names in choices(folders).items() if setting in names]
        hint = f" Did you mean '{groups[0]}={setting}'?" if groups else ""
        return f"{shown(setting)}: got a word without '=', expected key=value or group=choice.{hint}"
    if said[0].startswith("LexerNoViableAltException") and len(said) > 1:
        place = len(said[1]) - len("LexerNoViableAltException: ") - 1
        return f"{shown(setting)}: got {setting[place]!r} outside quotes. {SPECIAL.format(key=key)}"
    why = said[1] if said[0].startswith("Error parsing override") and len(said) > 1 else said[0]
    return (
        f"{shown(setting)}: got a value that cannot be read ({shown(why)}), expected key=value, with brackets and"
        f" quotes closed. {SPECIAL.format(key=key)}"
    )


def _no_choice(settings: Sequence[str], folders: Sequence[Path]) -> str:
    """A group that is given null, a number or a mapping."""
    groups = choices(folders)
    for setting in settings:
        override = OverridesParser.create().parse_override(setting)
        if override.key_or_group in groups and not isinstance(override.value(), str | list):
            names = ", ".join(groups[override.key_or_group])
            return f"{shown(setting)}: got no name of a choice, expected one of: {names}. Remedy: name one, or drop it."
    return "got a group with no name of a choice. Remedy: name one, group=choice."


def _unknown_key(key: str, settings: Sequence[str], folders: Sequence[Path]) -> str:
    groups = choices(folders)
    chosen = [text for text in settings if text.partition("=")[2] in groups.get(text.partition("=")[0], ())]
    here = sorted(composed_keys(tuple(chosen)) | groups.keys())
    elsewhere = {name: choice for name, choice in keys_of_choices(tuple(folders)).items() if name not in here}
    if (group := key.replace(".", "/")) != key and group in groups:
        values = [text.partition("=")[2] for text in settings if text.partition("=")[0] == key]
        name = values[0] if values and values[0] in groups[group] else "NAME"
        return f"{shown(key)}: got a key that does not exist, expected a choice, with a slash: {group}={name}."
    if key in here:  # a list, or a mapping with other keys, was laid over it
        return f"{shown(key)}: got a value of another kind than it has. (`saddlegan --cfg job` shows what is expected.)"
    near = _nearest_key(key, [*here, *elsewhere])
    if near:
        hint = f"Did you mean '{near}'{'' if near in here else f', with {elsewhere[near]}'}?"
    else:
        parent = key.rpartition(".")[0]
        while parent and parent not in here:
            parent = parent.rpartition(".")[0]
        inside = [name.removeprefix(f"{parent}.") for name in here if not parent or name.startswith(f"{parent}.")]
        hint = f"Keys of {parent or 'the root'}: {', '.join(name for name in inside if '.' not in name)}."
    return f"{shown(key)}: got a key that does not exist. {hint} (`saddlegan --cfg job` shows all keys.)"


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
