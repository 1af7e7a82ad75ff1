"""Results: run folders as one long table per experiment, a row per (run, seed, stop)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saddlegan.reporting import settings as naming
from saddlegan.reporting.runs import Problem, Run, load_runs

HEADLINES = ("w1_std", "w1")  # the metric of a report that names none, or one that its runs do not have
HIGHER_IS_BETTER = ("modes_covered", "converged")


@dataclass(frozen=True)
class Experiment:
    """The runs of one experiment that have metrics.

    `table`: columns run, experiment, setting (label), the varying keys, seed, stop (iterations), and metrics: the mean
    over the last fifth before the stop, `final_*` at the last iteration, flags as 0/1, NaN where not finite.
    `settings`: {label: {varying key: value}}. `metric`: what tables, maps and comparisons are about.
    """

    name: str
    runs: tuple[Run, ...]
    table: pd.DataFrame
    keys: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Any]]
    metric: str
    reference: str | None
    map: Mapping[str, str] | None
    claims: tuple[str, ...]

    @cached_property
    def _cells(self) -> dict[tuple[str, int], pd.DataFrame]:
        groups = self.table.groupby(["setting", "stop"], sort=True)
        return {(str(setting), int(stop)): rows.set_index("seed") for (setting, stop), rows in groups}  # type: ignore

    @property
    def higher_is_better(self) -> bool:
        return self.metric in HIGHER_IS_BETTER

    def stops(self, setting: str) -> list[int]:
        """The iterations at which `setting` has metrics, ascending; the last is the end of training."""
        return [stop for name, stop in self._cells if name == setting]

    def values(self, setting: str, metric: str | None = None, stop: int | None = None) -> pd.Series:
        """`metric` (default: the headline) per seed at `stop` (default: the last); NaN for a seed that has diverged."""
        rows = self._cells.get((setting, self.stops(setting)[-1] if stop is None else stop))
        column = metric or self.metric
        if rows is None or column not in rows:
            return pd.Series(dtype=float)
        return pd.Series(rows[column].where(rows["diverged"] == 0))

    def pairs(self, reference: str | None = None) -> dict[str, str]:
        """{setting: its reference setting}, same values outside `method.*`; default: the experiment's reference."""
        return naming.pairs(self.settings, self.keys, reference or self.reference)

    def of_method(self, method: str) -> list[str]:
        return [label for label, setting in self.settings.items() if setting["method"] == method]


@dataclass(frozen=True)
class Results:
    """Everything that was loaded: `runs` sound (failed ones included), `experiments` by name, `problems` in words."""

    runs: tuple[Run, ...]
    experiments: Mapping[str, Experiment]
    problems: tuple[Problem, ...] = field(default=())

    @property
    def table(self) -> pd.DataFrame:
        """The tables of all experiments, one under the other."""
        tables = [experiment.table for experiment in self.experiments.values()]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def load_results(folders: Sequence[Path]) -> Results:
    """Load run folders at or below `folders`; raises `NoRuns` where there is none."""
    runs, problems = load_runs(folders)
    experiments = {}
    for name in dict.fromkeys(run.experiment for run in runs):
        usable = [run for run in runs if run.experiment == name and run.status != "failed"]
        if usable:
            experiments[name] = _experiment(name, usable, problems)
    for run in runs:
        if run.status == "failed":
            problems.append(Problem("failed", run.name, str(run.result.get("error") or "no error recorded")))
    return Results(tuple(runs), experiments, tuple(problems))


def _experiment(name: str, runs: list[Run], problems: list[Problem]) -> Experiment:
    described = [naming.describe(run.choices, run.result["config"]) for run in runs]
    keys = naming.varying(described)
    settings: dict[str, dict[str, Any]] = {}
    tables = []
    for run, values in zip(runs, described, strict=True):
        setting = naming.label(values, keys)
        settings.setdefault(setting, {key: values[key] for key in keys if key in values})
        rows = _rows(run)
        columns = {"run": run.name, "experiment": name, "setting": setting} | {key: values.get(key) for key in keys}
        tables.append(rows.assign(**{key: [value] * len(rows) for key, value in columns.items()}))
    table = pd.concat(tables, ignore_index=True)
    same = ["setting", "seed", "stop"]
    for again in dict.fromkeys(table["run"][table.duplicated(same)]):
        problems.append(
            Problem("duplicate", again, "seeds of a setting that an earlier run has too; the earlier run counts")
        )
    table = table.drop_duplicates(same, ignore_index=True)
    options = next((run.result["config"]["report"] for run in runs if run.result["config"].get("report")), {})
    metric = _headline(runs, options.get("metric"))
    table["diverged"] = _diverged(table, metric)
    front = ["run", "experiment", "setting", *keys, "seed", "stop"]
    table = table.reindex(columns=[*front, *(column for column in table if column not in front)])
    problems += _divergences(table)
    return Experiment(
        name,
        tuple(runs),
        table,
        tuple(keys),
        settings,
        metric,
        options.get("reference"),
        options.get("map"),
        tuple(options.get("claims") or ()),
    )


def _rows(run: Run) -> pd.DataFrame:
    """A row per seed and stop; the end of training is a stop too, and carries the final values and the probes."""
    result = run.result
    # What was asked for: a run whose every seed diverged stopped before that.
    end = int(result["config"].get("iterations") or result["iterations"])
    final, mean = dict(result["final"]), dict(result["last_fifth"])
    at_end = mean | {f"final_{key}" if key in mean else key: values for key, values in final.items()}
    stops = {int(at): metrics for at, metrics in (result.get("stops") or {}).items() if int(at) != end} | {end: at_end}
    tables = []
    for stop in sorted(stops):
        columns = {
            key: np.array([np.nan if v is None else v for v in values], dtype=float)
            for key, values in stops[stop].items()
        }
        tables.append(pd.DataFrame({"seed": run.seeds, "stop": stop} | columns))
    return pd.concat(tables, ignore_index=True)


def _headline(runs: Sequence[Run], wanted: str | None) -> str:
    """The wanted metric if every finished run has it; else the first usual one that they all have."""
    finished = [set(run.result["last_fifth"]) for run in runs if run.status == "finished"]
    common = set.intersection(*finished) if finished else set()
    order = [*([wanted] if wanted else []), *HEADLINES, *sorted(common)]
    return next((metric for metric in order if metric in common), order[0])


def _diverged(table: pd.DataFrame, metric: str) -> np.ndarray:
    """1 where the run says so or where the headline metric is not finite, else 0."""
    flag = table["diverged"].fillna(0) if "diverged" in table else pd.Series(0, index=table.index)
    lost = ~np.isfinite(table[metric]) if metric in table else pd.Series(True, index=table.index)
    return ((flag > 0) | lost).astype(int).to_numpy()


def _divergences(table: pd.DataFrame) -> list[Problem]:
    """The runs with seeds that had diverged by the end of training."""
    lost: dict[str, list[str]] = {}
    last = table.groupby("setting")["stop"].transform("max")
    seeds = Counter(table.loc[table["stop"] == last, "run"])
    for run, seed in table.loc[(table["diverged"] > 0) & (table["stop"] == last), ["run", "seed"]].to_numpy():
        lost.setdefault(run, []).append(str(seed))
    return [
        Problem("diverged", run, f"{len(them)} of {seeds[run]} seeds: {', '.join(them[:8])}{', ...' * (len(them) > 8)}")
        for run, them in lost.items()
    ]
