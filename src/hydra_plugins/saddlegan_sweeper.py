"""A Hydra sweeper over a union of grids, so that one experiment file holds one table.

`hydra.sweeper.grids` is a list of `{key: "a,b,c"}`; each is multiplied out as Hydra's own sweeper would, together with
the overrides of the command line, which win. Every job is composed and checked before the first one starts, and the
report is written when the last one has ended. A run that another process holds is left to it, and told apart from one
that failed. Hydra takes plugins from the namespace package `hydra_plugins` alone.
"""

import contextlib
import itertools
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from saddlegan.checks import ConfigError
from saddlegan.config import check, resolved
from saddlegan.data.files import check_files
from saddlegan.folder import DamagedRun, RunFailed, read_result
from saddlegan.lock import HeldRun


@dataclass
class UnionSweeperConf:
    _target_: str = "hydra_plugins.saddlegan_sweeper.UnionSweeper"
    grids: list[dict[str, str]] = field(default_factory=list)


ConfigStore.instance().store(group="hydra/sweeper", name="union", node=UnionSweeperConf, provider="saddlegan")


class UnionSweeper(Sweeper):
    def __init__(self, grids: Sequence[dict[str, str]]) -> None:
        self.grids = grids
        self.hydra_context: Any = None
        self.config: Any = None
        self.launcher: Any = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context = hydra_context
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[dict[str, Any]]:
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        grids = [[f"{key}={values}" for key, values in grid.items()] for grid in self._wanted(arguments)]
        jobs = self._distinct(job for grid in grids for job in multiply(parser.parse_overrides([*grid, *arguments])))
        folder = Path(self.config.hydra.sweep.dir)
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, folder / "multirun.yaml")
        outcomes = [job.return_value for job in self.launcher.launch(jobs, initial_job_idx=0)]
        report(outcomes, folder)
        return outcomes

    def _wanted(self, arguments: Sequence[str]) -> list[dict[str, str]]:
        """The grids, without those of other methods where the command line names its own."""
        named = {name for text in arguments if text.startswith("method=") for name in text[7:].split(",")}
        grids = [g for g in self.grids if not named or "method" not in g or named & set(g["method"].split(","))]
        return grids or [{}]

    def _distinct(self, jobs: Iterable[list[str]]) -> list[list[str]]:
        """The jobs without repetitions, each checked. Two that differ must not share a folder."""
        found: dict[str, tuple[list[str], dict[str, Any]]] = {}
        for job in jobs:
            config = self.hydra_context.config_loader.load_sweep_config(self.config, job)
            name = config.hydra.sweep.subdir
            with open_dict(config):
                del config["hydra"]
            plain = resolved(config)
            try:
                check(plain)
                check_files(plain["data"])
            except ConfigError as error:
                raise ConfigError(f"{error}\n  in the job: {' '.join(job)}") from None
            other = found.setdefault(name, (job, plain))
            if other[1] != plain:
                raise ConfigError(f"two jobs would share the folder {name}: {' '.join(other[0])} and {' '.join(job)}.")
        return [job for job, _ in found.values()]


def multiply(overrides: Sequence[Override]) -> list[list[str]]:
    """Every combination of the overrides' values, the first varying slowest; a later override of a key wins."""
    choices: dict[str, list[str]] = {}
    for override in overrides:
        key = override.get_key_element()
        if key == "experiment" and override.is_sweep_override():
            raise ConfigError(f"{override.input_line}: got several experiments, expected one command each.")
        if not override.is_sweep_override():
            choices[key] = [f"{key}={override.get_value_element_as_str()}"]
        elif override.is_discrete_sweep():
            choices[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
        else:
            raise ConfigError(f"{override.input_line}: got an interval, expected a list of values, e.g. {key}=1,2,3.")
    return [list(job) for job in itertools.product(*choices.values())]


def report(outcomes: Sequence[dict[str, Any]], folder: Path) -> None:
    """Write the report of a sweep, and name the runs that failed and those that other processes hold.

    Raises `RunFailed` where there are any of the first, else `HeldRun` where there are any of the second.
    """
    from saddlegan.report import write_report

    outcomes = [settled(outcome) for outcome in outcomes]
    if any(outcome["status"] not in ("failed", "held") for outcome in outcomes):
        print(f"report: {write_report([Path(outcome['folder']) for outcome in outcomes], folder / 'report')}")
    failed, held = ([outcome for outcome in outcomes if outcome["status"] == status] for status in ("failed", "held"))
    for outcome in failed:
        error = outcome["error"].strip()
        said = error.splitlines()[-1] if error.startswith("Traceback") else error
        print(f"failed: {outcome['folder']}: {said}", file=sys.stderr)
    for outcome in held:
        print(f"held: {outcome['error']}", file=sys.stderr)
    if failed:
        raise RunFailed(f"{len(failed)} of {len(outcomes)} runs failed; start the same command again to repeat them.")
    if held:
        raise HeldRun(
            f"{len(held)} of {len(outcomes)} runs were left to the processes that train them. Remedy: start the same"
            " command again when they have ended, for what is then missing and for the whole report."
        )


def settled(outcome: dict[str, Any]) -> dict[str, Any]:
    """An outcome; of a run that another process held, what has become of it since."""
    if outcome["status"] == "held":
        with contextlib.suppress(DamagedRun):  # it is being trained, or the same command names the damage
            if result := read_result(Path(outcome["folder"])):
                return outcome | {"status": result["status"], "error": result.get("error")}
    return outcome
