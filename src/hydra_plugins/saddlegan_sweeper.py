"""A Hydra sweeper over a union of grids, so that one experiment file holds one table.

`hydra.sweeper.grids` is a list of `{key: "a,b,c"}`; each is multiplied out as Hydra's own sweeper would, together with
the overrides of the command line, which win. A grid with `stage: "2"` begins when those of stage 1 have ended; with
`earlier: "method=gan"` each of its jobs is given, as `earlier`, the folder of the earlier run that has these settings,
its own seed, and the job's values of what else the command line sets; not where that names an earlier run itself. A
grid with `draws: "8"` is not multiplied out: of each of its methods eight settings are drawn from its values, which may
be intervals; `hydra.sweeper.draws` is another budget for all such grids.

Every job is composed and checked before the first one starts, and the report is written when the last one has ended. A
run that another process holds is left to it, and told apart from one that failed. Hydra takes plugins from the package
`hydra_plugins` alone.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from saddlegan.checks import ConfigError, PositiveInt, check_value, converted, wrong
from saddlegan.cli import sweeps
from saddlegan.cli.draws import drawn
from saddlegan.cli.guard import check_folder
from saddlegan.config.schema import check, resolved
from saddlegan.folder import RESULT
from saddlegan.resources import check_resources

#: Keys of a grid that are about the grid itself.
ABOUT = ("stage", "earlier", "draws")


@dataclass
class UnionSweeperConf:
    _target_: str = sweeps.OURS
    grids: list[dict[str, str]] = field(default_factory=list)
    most_jobs: Any = sweeps.MOST_JOBS  # a sweep of more jobs is refused
    draws: Any = None  # of each grid that is drawn from, in place of its own number


ConfigStore.instance().store(group="hydra/sweeper", name="union", node=UnionSweeperConf, provider="saddlegan")


class UnionSweeper(Sweeper):
    def __init__(self, grids: Sequence[dict[str, str]], most_jobs: int, draws: int | None) -> None:
        self.grids = grids
        self.most_jobs = converted(PositiveInt, most_jobs)
        self.draws = None if draws is None else converted(PositiveInt, draws)
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
        check_value("hydra.sweeper.most_jobs", PositiveInt, self.most_jobs)
        if self.draws is not None:
            check_value("hydra.sweeper.draws", PositiveInt, self.draws)
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        given = parser.parse_overrides(arguments)
        wanted = self._wanted(given)
        texts = [[f"{key}={values}" for key, values in grid.items() if key not in ABOUT] for grid in wanted]
        grids = [parser.parse_overrides(grid) for grid in texts]
        budgets = [self._budget(grid) for grid in wanted]
        if self.draws is not None and not any(budgets):
            raise wrong("hydra.sweeper.draws", self.draws, "null, since no grid here is drawn from")
        for budget, overrides in zip(budgets, grids, strict=True):
            for override in overrides:
                _check_sweepable(override, drawn_from=budget > 0)
        for override in given:
            _check_sweepable(override, drawn_from=False)
        total = sum(
            budget * sweeps.count_jobs(_beside(grid, given)) if budget else sweeps.count_jobs([*overrides, *given])
            for grid, budget, overrides in zip(wanted, budgets, grids, strict=True)
        )
        sweeps.check_count(total, self.most_jobs, f"hydra.sweeper.most_jobs={total}")
        planned: list[tuple[int, list[str]]] = []
        for grid, overrides, budget in sorted(zip(wanted, grids, budgets, strict=True), key=lambda of: _stage(of[0])):
            before = [job for stage, job in planned if stage < _stage(grid)]
            if budget:
                beside = _beside(grid, given)
                fixed = {override.get_key_element() for override in beside}
                own = [override for override in overrides if override.get_key_element() not in fixed]
                jobs = [[*job, *each] for job in drawn(own, budget) for each in multiply(beside)]
            else:
                jobs = multiply([*overrides, *given])
            planned += [(_stage(grid), [*job, *self._earlier(grid, job, before, given)]) for job in jobs]
        distinct = self._distinct(job for _, job in planned)
        stages = {tuple(job): stage for stage, job in reversed(planned)}  # the first of a job that is in several
        if len(set(stages.values())) > 1 and not getattr(self.launcher, "wait", True):
            raise wrong("hydra.launcher.wait", False, "true, since a later stage begins when the earlier one has ended")
        folder = Path(self.config.hydra.sweep.dir)
        sweeps.plan(folder, distinct)
        OmegaConf.save(self.config, folder / sweeps.BEGUN)
        outcomes = []
        one_by_one = isinstance(self.launcher, BasicLauncher)  # which keeps the configurations of all that it launches
        for _, group in itertools.groupby(distinct.values(), key=lambda job: stages[tuple(job)]):
            jobs = list(group)
            for part in ([job] for job in jobs) if one_by_one else [jobs]:
                found = self.launcher.launch(part, initial_job_idx=len(outcomes))
                outcomes += [job.return_value for job in found]
        sweeps.report(outcomes, folder)
        return outcomes

    def _wanted(self, given: Sequence[Override]) -> list[dict[str, str]]:
        """The grids, without those of other methods where the command line names its own."""
        methods = [override for override in given if override.get_key_element() == "method"]
        named = {name.strip("'\"") for override in methods for name in values_of(override)}
        grids = [g for g in self.grids if not named or "method" not in g or named & set(g["method"].split(","))]
        parts = [part for grid in grids for part in _of_methods(grid)]
        return [p for p in parts if not named or "draws" not in p or p.get("method", "") in ("", *named)] or [{}]

    def _budget(self, grid: dict[str, str]) -> int:
        """How many settings are drawn from a grid; 0 where it is multiplied out."""
        if "draws" not in grid:
            return 0
        count = _whole("draws", grid["draws"])
        return self.draws or count

    def _earlier(
        self, grid: dict[str, str], job: Sequence[str], before: Sequence[Sequence[str]], given: Sequence[Override]
    ) -> list[str]:
        """The override that names the run of an earlier stage which this job builds on, where its grid asks for one and
        the command line names none."""
        keys = {override.get_key_element() for override in given}
        if "earlier" not in grid or "earlier" in keys:
            return []
        (named,) = multiply(OverridesParser.create().parse_overrides(grid["earlier"].split(",")))  # as jobs are written
        shared = {"seed"} | keys - {word.partition("=")[0] for word in named}
        same = [*named, *(word for word in job if word.partition("=")[0] in shared)]
        found = [other for other in before if set(same) <= set(other)]
        if len(found) != 1:
            remedy = (
                "name more of its settings in the grid"
                if found
                else "settings that a run of an earlier stage has; in the command none that it does not have, or"
                " earlier=RUN"
            )
            raise ConfigError(
                f"earlier={grid['earlier']}: got {len(found)} runs of an earlier stage with {' '.join(same)}, expected"
                f" one, for the job {' '.join(job)}. Remedy: {remedy}."
            )
        config = self.hydra_context.config_loader.load_sweep_config(self.config, [*found[0]])
        return [f"earlier='{Path(config.hydra.sweep.dir).absolute() / config.hydra.sweep.subdir}'"]

    def _distinct(self, jobs: Iterable[list[str]]) -> dict[str, list[str]]:
        """The jobs without repetitions, each checked, by their folders' names. Two that differ must not share one."""
        found: dict[str, tuple[list[str], dict[str, Any]]] = {}
        for job in jobs:
            config = self.hydra_context.config_loader.load_sweep_config(self.config, job)
            try:
                plain = resolved(config)
                check(plain)
                name = config.hydra.sweep.subdir
                check_folder("hydra.sweep.subdir", name)
                if not (Path(config.hydra.sweep.dir) / name / RESULT).exists():
                    check_resources(plain, here=sweeps.runs_here(config.hydra))
            except ConfigError as error:
                raise ConfigError(f"{error}\n  in the job: {' '.join(job)}") from None
            other = found.setdefault(name, (job, plain))
            if other[1] != plain:
                raise ConfigError(
                    f"two jobs would share the folder {name}: {' '.join(other[0])} and {' '.join(job)}. Remedy: a"
                    " command each, the second with another output_root."
                )
        return {name: job for name, (job, _) in found.items()}


def _stage(grid: dict[str, str]) -> int:
    return _whole("stage", grid.get("stage", 1))


def _of_methods(grid: dict[str, str]) -> list[dict[str, str]]:
    """A grid that is drawn from as one for each of its methods, which all have its budget."""
    if "draws" not in grid or "method" not in grid:
        return [grid]
    return [{**grid, "method": method} for method in grid["method"].split(",")]


def _beside(grid: dict[str, str], given: Sequence[Override]) -> list[Override]:
    """What the command line sets or sweeps over beside what is drawn; the method is that of the grid."""
    return [override for override in given if override.get_key_element() != "method" or "method" not in grid]


def _whole(key: str, value: Any) -> int:
    text = str(value)
    check_value(f"hydra.sweeper.grids: {key}", PositiveInt, int(text) if text.isdigit() else text)
    return int(text)


def _check_sweepable(override: Override, drawn_from: bool) -> None:
    if not override.is_sweep_override():
        return
    key = override.get_key_element()
    if key == "experiment":
        raise ConfigError(f"{override.input_line}: got several experiments, expected one command each.")
    if not override.is_discrete_sweep() and not drawn_from:
        raise ConfigError(
            f"{override.input_line}: got an interval, expected a list of values, e.g. {key}=1,2,3. Remedy: a grid with"
            " draws, or hydra/sweeper=search."
        )


def multiply(overrides: Sequence[Override]) -> list[list[str]]:
    """Every combination of the overrides' values, the first varying slowest; a later override of a key wins."""
    choices: dict[str, list[str]] = {}
    for override in overrides:
        key = override.get_key_element()
        choices[key] = [f"{key}={value}" for value in values_of(override)]
    return [list(job) for job in itertools.product(*choices.values())]


def values_of(override: Override) -> list[str]:
    """The values of an override, as Hydra writes them: those that it sweeps over, or its one."""
    if override.is_sweep_override():
        return list(override.sweep_string_iterator())
    return [override.get_value_element_as_str()]
