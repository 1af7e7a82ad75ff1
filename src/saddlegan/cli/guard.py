"""A callback that refuses a run or a sweep before Hydra makes a folder for it; named in conf/config.yaml."""

import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from saddlegan.checks import ConfigError, PositiveInt, check_value, nearest, shown, wrong
from saddlegan.cli import sweeps
from saddlegan.config.explain import explain
from saddlegan.config.keys import choices, folders_of, keys_of_choices, with_inner
from saddlegan.config.schema import check, direction, resolved
from saddlegan.config.signatures import first_arguments
from saddlegan.folder import RESULT
from saddlegan.identity import flatten
from saddlegan.resources import check_resources

#: Bytes that a file system allows for one name, and for a path.
LONGEST_NAME, LONGEST_PATH = 255, 4096


class Guard(Callback):
    """Ends the process with status 2 and a paragraph where something cannot be used. Hydra turns what callbacks raise
    into warnings, so an exception would not do."""

    #: The folder of the sweep that another sweeper than ours runs in this process.
    sweep: ClassVar[Path | None] = None

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        self._refuse(config, self._check_run)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        self._refuse(config, self._check_sweep)

    def _refuse(self, config: DictConfig, judge: Callable[[DictConfig], None]) -> None:
        try:
            judge(config)
        except (ConfigError, OmegaConfBaseException, HydraException) as error:
            print(f"saddlegan: {explain(error, settings_of(config), folders_of(config))}", file=sys.stderr)
            sys.exit(2)
        except Exception:  # a fault of the suite's own: nothing may go on unchecked
            traceback.print_exc()
            sys.exit(1)

    def _check_run(self, config: DictConfig) -> None:
        _check_groups(config)
        plain = resolved(config)
        check(plain)
        check_report(config)
        check_folder("hydra.run.dir", config.hydra.run.dir, plain["output_root"])
        if not (Path(config.hydra.run.dir) / RESULT).exists():  # a finished run needs nothing any more
            check_resources(plain)

    def _check_sweep(self, config: DictConfig) -> None:
        _check_groups(config)
        check_report(config)
        check_folder("hydra.sweep.dir", config.hydra.sweep.dir, str(config.output_root))
        if not sweeps.is_foreign(config.hydra):
            return  # it counts and checks its jobs itself
        if config.hydra.output_subdir is None:
            raise wrong("hydra.output_subdir", None, "a folder's name, by which the jobs of such a sweep are found")
        if "n_trials" in config.hydra.sweeper:
            trials = config.hydra.sweeper.n_trials
            check_value("hydra.sweeper.n_trials", PositiveInt, trials)
            sweeps.check_count(trials, sweeps.MOST_JOBS, "hydra.sweeper.n_trials=NUMBER")
        if config.hydra.sweeper.get("_target_") == sweeps.BASIC:
            texts = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
            parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
            jobs = sweeps.count_jobs(parser.parse_overrides([*texts, *settings_of(config)]))
            sweeps.check_count(jobs, sweeps.MOST_JOBS, "hydra/sweeper=union hydra.sweeper.most_jobs=NUMBER")
        if "direction" in config.hydra.sweeper:
            check_direction(config)
        Guard.sweep = Path(config.hydra.sweep.dir)
        sweeps.begin(Guard.sweep, config)


def settings_of(config: DictConfig) -> list[str]:
    """The command line's settings, as they were written."""
    return list(OmegaConf.to_container(config.hydra.overrides.task, resolve=False))  # type: ignore[arg-type]


def check_folder(key: str, folder: Any, root: str = "") -> None:
    """Raise `ConfigError` where Hydra could make no folder of that name; its first part is `root`, the output_root."""
    if not isinstance(folder, str) or not folder.strip():
        raise wrong(key, folder, "a folder")
    names = [os.fsencode(name) for name in Path(folder).parts]
    longest = max(names, key=len, default=b"")
    if len(longest) > LONGEST_NAME or len(os.fsencode(Path(folder).absolute())) > LONGEST_PATH:
        named = (
            f"output_root={shown(root)}" if longest in map(os.fsencode, Path(root).parts) else f"{key}={shown(folder)}"
        )
        raise ConfigError(
            f"{named}: got a name of {len(longest)} bytes, expected at most {LONGEST_NAME}, and"
            f" {LONGEST_PATH} for the whole path. Remedy: a shorter output_root, or fewer settings in one run."
        )


def _check_groups(config: DictConfig) -> None:
    """Groups of Hydra's own that are chosen with a dot for a slash."""
    for group in ("launcher", "sweeper"):
        chosen = OmegaConf.select(config, f"hydra.{group}")
        if not OmegaConf.is_dict(chosen) or "_target_" not in chosen:
            name = chosen if isinstance(chosen, str) else "NAME"
            raise wrong(f"hydra.{group}", chosen, f"a choice, with a slash: hydra/{group}={name}")


def check_direction(config: DictConfig) -> None:
    """Raise `ConfigError` where a search would go for the worst, or by several numbers, of which a job gives one."""
    found = OmegaConf.select(config, "hydra.sweeper.direction")
    found = getattr(found, "name", found)  # an enumeration of the plugin's
    if found != (right := direction(config.report.metric, _root_=config)):
        raise wrong("hydra.sweeper.direction", found, f"{right} for report.metric={config.report.metric}")


def check_report(config: DictConfig) -> None:
    """Raise `ConfigError` where the report is to use a method, a key or a claim that does not exist."""
    report = OmegaConf.to_container(config.report, resolve=True) if OmegaConf.is_dict(config.get("report")) else {}
    assert isinstance(report, Mapping)
    if isinstance(reference := report.get("reference"), str):
        _check_reference(reference, config)
    if isinstance(axes := report.get("map"), Mapping):
        if axes.keys() != {"x", "y"}:
            raise wrong("report.map", axes, "two keys, {x: KEY, y: KEY}")
        for axis, key in axes.items():
            _check_name(f"report.map.{axis}", key, keys_of(config), "a key")
    for claim in report["claims"] if isinstance(report.get("claims"), list) else ():
        _check_name("report.claims", claim, claim_ids(), "a claim")


def _check_reference(reference: str, config: DictConfig) -> None:
    groups = choices(folders_of(config))
    if "=" not in reference:
        return _check_name("report.reference", reference, groups["method"], "a method")
    for part in reference.split(","):
        key, _, value = (text.strip() for text in part.partition("="))
        _check_name("report.reference", key, keys_of(config), "a key")
        if key in groups:
            _check_name("report.reference", value, groups[key], f"a choice of {key}")
    return None


def keys_of(config: DictConfig) -> list[str]:
    """The dotted keys of a configuration, and of the choices that it does not take."""
    folders = folders_of(config)
    composed = with_inner(flatten(OmegaConf.to_container(config, resolve=False)))
    own = {key for key in composed if key.partition(".")[0] != "hydra"}
    return sorted(own | keys_of_choices(tuple(folders)).keys() | choices(folders).keys())


def _check_name(key: str, name: Any, valid: Sequence[str], what: str) -> None:
    if name not in valid:
        few = f", one of: {', '.join(valid)}" if len(valid) <= 20 else ""
        raise wrong(key, name, f"the name of {what}{few}", nearest(str(name), valid))


def claim_ids() -> list[str]:
    """The ids of the ledger's claims, without the seconds that its statistics take to import."""
    folder = Path(__file__).parents[1] / "claims"
    return [str(name) for path in sorted(folder.glob("*.py")) for name in first_arguments(path, "Claim")]
