"""What every sweep has, whoever runs it: a number of jobs that is said and bounded, a value per job, and a report."""

import contextlib
import json
import math
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override, RangeSweep
from omegaconf import DictConfig, OmegaConf

from saddlegan.checks import ConfigError, shown
from saddlegan.config.measured import metrics_in
from saddlegan.folder import PLAN, RESULT, DamagedRun, RunFailed, read_result, write_json
from saddlegan.lock import HeldRun

#: The sweeper of `conf/config.yaml`, which takes a record of each job; others take a number.
OURS = "hydra_plugins.saddlegan_sweeper.UnionSweeper"
BASIC = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
#: Jobs above which a sweep is refused, unless it is told otherwise.
MOST_JOBS = 10_000
#: The configuration of a sweep, in its folder.
BEGUN = "multirun.yaml"
#: What searches leave there: the best that they found.
FOUND = "optimization_results.yaml"
#: Launchers whose jobs run on this machine.
LOCAL = ("BasicLauncher", "JoblibLauncher", "CoresLauncher", "GpusLauncher", "LocalLauncher")


def is_foreign(hydra: Any) -> bool:
    """Whether jobs answer to another sweeper than ours."""
    return hydra.sweeper.get("_target_") != OURS


def runs_here(hydra: Any) -> bool:
    """Whether jobs run on this machine, and not on a cluster's."""
    return str(hydra.launcher.get("_target_")).endswith(LOCAL)


def count_jobs(overrides: Sequence[Override]) -> int:
    """How many jobs the overrides multiply out to; a later override of a key takes the place of an earlier one.

    Raises `ConfigError` where one has no value.
    """
    values = {override.get_key_element(): _count(override) for override in overrides}
    empty = [override.input_line for override in overrides if not values[override.get_key_element()]]
    if empty:
        raise ConfigError(f"{shown(str(empty[0]))}: got no value, so that the sweep has no job. Remedy: give some.")
    return math.prod(values.values())


def _count(override: Override) -> int:
    if not override.is_discrete_sweep():
        return 1
    sweep = override.value()
    if not isinstance(sweep, RangeSweep):
        return sum(1 for _ in override.sweep_iterator())
    assert sweep.start is not None
    assert sweep.stop is not None
    if not sweep.step:
        raise ConfigError(f"{override.input_line}: got a step of 0. Remedy: give another.")
    return max(0, math.ceil((sweep.stop - sweep.start) / sweep.step))


def check_count(jobs: int, most: int, remedy: str) -> None:
    """Say how many jobs a sweep has; raise `ConfigError` where they are more than it may have."""
    if jobs > most:
        raise ConfigError(f"got a sweep of {jobs} jobs, expected at most {most}. Remedy: fewer values, or {remedy}.")
    print(f"sweep: {jobs} job{'s' * (jobs != 1)}", flush=True)


def value_of(result: dict[str, Any], metric: str) -> float:
    """The median over seeds of the mean of `metric` over the last fifth of training: what a search goes by.

    A seed that diverged counts as the worst there is, infinity with the sign that is bad for the metric (plus, where
    lower is better or neither is); so does a run that failed, or has not this metric. NaN no search can order.
    """
    facts = metrics_in(result.get("config") or {}).get(metric)
    worst = -math.inf if facts and facts.better == "higher" else math.inf
    last = result.get("last_fifth") or {}
    if metric not in last:
        return worst
    values = [worst if value is None or not math.isfinite(value) else value for value in last[metric]]
    lost = last.get("diverged") or [0] * len(values)
    return float(statistics.median(worst if gone else value for value, gone in zip(values, lost, strict=True)))


def begin(folder: Path, config: DictConfig) -> None:
    """Write down the configuration of a sweep that another sweeper than ours runs, before its first job."""
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(config, folder / BEGUN)


def plan(folder: Path, jobs: Mapping[str, Sequence[str]]) -> None:
    """Write down the jobs of a sweep, each by the name of its run folder: what `saddlegan-status` looks for."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / PLAN, {"jobs": [{"folder": name, "words": list(words)} for name, words in jobs.items()]})


def visited(folder: Path) -> list[Path]:
    """The run folders that the last sweep into `folder` entered, in that order: Hydra writes down each job's settings
    as it begins, and the sweep's stand written before. By the clock of the file system, which workers share."""
    began = (folder / BEGUN).stat().st_mtime_ns
    entered = {path.parents[1]: path.stat().st_mtime_ns for path in folder.rglob(".hydra/overrides.yaml")}
    return sorted((run for run, when in entered.items() if when >= began), key=lambda run: (entered[run], run))


def conclude(folder: Path) -> None:
    """The report of a sweep that another sweeper than ours ran, and what a search found. Nothing, where no job ran."""
    runs = visited(folder)
    if not runs:
        (folder / BEGUN).unlink()
        with contextlib.suppress(OSError):
            folder.rmdir()
            folder.parent.rmdir()
        return
    if (folder / FOUND).is_file() and (folder / FOUND).stat().st_mtime_ns >= (folder / BEGUN).stat().st_mtime_ns:
        print(f"search: {OmegaConf.to_container(OmegaConf.load(folder / FOUND))}")
    report([outcome(run) for run in runs], folder)


def outcome(run: Path) -> dict[str, Any]:
    """What became of a run, as its folder says."""
    try:
        result = json.loads((run / RESULT).read_text())
        return {"folder": str(run), "status": result["status"], "error": result.get("error")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        return {"folder": str(run), "status": "failed", "error": f"it left no result ({error})"}


def report(outcomes: Sequence[dict[str, Any]], folder: Path) -> None:
    """Write the report of a sweep, and name the runs that failed and those that other processes hold.

    Raises `RunFailed` where there are any of the first, else `HeldRun` where there are any of the second.
    """
    from saddlegan.report import write_report

    if outcomes and all(outcome["status"] == "submitted" for outcome in outcomes):
        print(f"submitted: {len(outcomes)} runs. How far they are: saddlegan-status {folder} --watch")
        print(f"then: saddlegan-report {folder}")
        return
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
