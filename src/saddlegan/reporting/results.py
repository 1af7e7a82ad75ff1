"""Results: run folders as one long table per experiment, a row per (run, seed, stop)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saddlegan.reporting import measures
from saddlegan.reporting import settings as naming
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.runs import Problem, Run, load_runs

FLAGS = {"diverged", "converged", "oscillation"}
HEADLINES = ("w1_std", "w1", "frechet")  # the metric of a report that names none, or one that its runs do not have
NO_COMPARISON = "features of two networks do not compare, nor do metrics of them"


@dataclass(frozen=True)
class Results:
    """Everything that was loaded: `runs` sound (failed ones included), `experiments` by name, `problems` in words."""

    runs: tuple[Run, ...]
    experiments: Mapping[str, Experiment]
    problems: tuple[Problem, ...] = field(default=())

    def largest(self, name: str) -> Experiment | None:
        """The experiment `name` at its size for a GPU, `name`_gpu, or, where this was not run, as it is."""
        return self.experiments.get(f"{name}_gpu") or self.experiments.get(name)

    @property
    def table(self) -> pd.DataFrame:
        """The tables of all experiments, one under the other."""
        tables = [experiment.table for experiment in self.experiments.values()]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def load_results(folders: Sequence[Path], *, needed: bool = True) -> Results:
    """Load run folders at or below `folders`; raises `NoRuns` where there is none and they are `needed`."""
    runs, problems = load_runs(folders, needed=needed)
    experiments = {}
    for name in dict.fromkeys(run.experiment for run in runs):
        usable = [run for run in runs if run.experiment == name and run.status != "failed"]
        usable.sort(key=lambda run: (run.choices.get("data", ""), run.choices["method"]))  # then by their folders
        if usable:
            experiments[name] = _experiment(name, usable, problems)
    for run in runs:
        if run.status == "failed":
            problems.append(Problem("failed", run.name, run.result.error or "no error recorded"))
    return Results(tuple(runs), experiments, tuple(problems))


def _experiment(name: str, runs: list[Run], problems: list[Problem]) -> Experiment:
    described = [naming.describe(run.choices, run.result.config) for run in runs]
    keys = naming.varying(described)
    usual = naming.usual(described, keys)
    configs = [run.result.config for run in runs]
    settings: dict[str, dict[str, Any]] = {}
    tables = []
    for run, values in zip(runs, described, strict=True):
        setting = naming.label(values, keys, usual)
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
    options = next((run.result.report for run in runs if run.result.report), {})
    metric = _headline(runs, options.get("metric"))
    if options.get("metric") not in (None, metric):
        problems.append(
            Problem("unknown", name, f"report.metric={options['metric']}: not all runs have it; took {metric}")
        )
    table["diverged"] = _diverged(table, metric)
    front = ["run", "experiment", "setting", *keys, "seed", "stop"]
    table = table.reindex(columns=[*front, *(column for column in table if column not in front)])
    problems += [*_divergences(table), *_unjudged(table, runs), *_mismatches(runs), *_shortened(runs)]
    return Experiment(
        name,
        tuple(runs),
        table,
        tuple(keys),
        settings,
        usual,
        metric,
        options.get("reference"),
        options.get("map"),
        tuple(options.get("claims") or ()),
        measures.facts_for(configs),
        measures.watched_by(configs),
    )


def _rows(run: Run) -> pd.DataFrame:
    """A row per seed and stop; the end of training is a stop too, and carries the final values."""
    result = run.result
    # What was asked for, so that seeds whose runs ended at other iterations are still one setting (`_shortened`).
    end = int(result.config.get("iterations") or result.iterations)
    final, mean = result.final, result.last_fifth
    at_end = mean | {f"final_{key}" if key in mean else key: values for key, values in final.items()}
    stops = result.stops | {end: at_end}
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
    finished = [set(run.result.last_fifth) for run in runs if run.status == "finished"]
    common = set.intersection(*finished) if finished else set()
    order = [*([wanted] if wanted else []), *HEADLINES, *sorted(common - FLAGS)]
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


def _unjudged(table: pd.DataFrame, runs: Sequence[Run]) -> list[Problem]:
    """The runs that have one evaluation in the last fifth before a stop, too few to judge how training ended, of those
    that measure it: other data of the experiment may not."""
    judging = [run.name for run in runs if "converged" in {**run.result.final, **run.result.last_fifth}]
    if not judging:
        return []
    unknown = table["converged"].isna() & (table["diverged"] == 0)
    blank = table.loc[unknown & table["run"].isin(judging), ["run", "stop"]]
    return [
        Problem(
            "unjudged",
            run,
            f"one evaluation in the last fifth of {stop} iterations, so that converged and oscillation are blank;"
            f" evaluation.every={max(stop // 10, 1)} or less",
        )
        for run, stop in dict.fromkeys(zip(blank["run"], blank["stop"], strict=True))
    ]


def _shortened(runs: Sequence[Run]) -> list[Problem]:
    """The runs that something ended early: early stopping, a limit of time."""
    return [
        Problem("ended early", run.name, f"at iteration {run.result.iterations} of {asked}, where it was last measured")
        for run in runs
        if run.status == "finished" and run.result.iterations < (asked := run.result.config.get("iterations", 0))
    ]


def _mismatches(runs: Sequence[Run]) -> list[Problem]:
    """The runs measured by another network than most runs of their experiment on the same data."""
    digests: dict[str, Counter[str]] = {}
    for run in runs:
        if run.extractor:
            digests.setdefault(str(run.choices.get("data")), Counter())[run.extractor] += 1
    usual = {data: counted.most_common(1)[0][0] for data, counted in digests.items()}
    return [
        Problem(
            "mismatch",
            run.name,
            f"measured by extractor {run.extractor[:12]}, most runs by {own[:12]}: {NO_COMPARISON}",
        )
        for run in runs
        if run.extractor and run.extractor != (own := usual[str(run.choices.get("data"))])
    ]
