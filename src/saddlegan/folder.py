"""The run folder: what is in it, whether it is whole, and what to do when it exists. No torch."""

import contextlib
import json
import math
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

from saddlegan.checks import ConfigError, shown
from saddlegan.files import remove_partial, write_whole
from saddlegan.identity import NEUTRAL, difference, fingerprint, without
from saddlegan.lock import LOCK
from saddlegan.record import result_of

RESULT, CONFIG, METRICS, SAMPLES = "result.json", "config.json", "metrics.csv", "samples.npz"
SECTION, FAILURE = "section.json", "failure.json"  # of an experiment of the laboratory of theory
#: The last checkpoint, and the one before it.
CHECKPOINT, BEFORE = Path("checkpoints") / "last.ckpt", Path("checkpoints") / "before.ckpt"
#: In the folder of a sweep: the jobs that it planned.
PLAN = "jobs.json"
#: When the process that trains began, and at which iteration.
SESSION = Path("checkpoints") / "session.json"

#: How many processes train a run. While it is not finished it may go on with others.
DEVICES = "trainer.devices"

#: What is in a folder before a run is, besides Hydra's own: the lock, and the log of a job.
BESIDE = {LOCK, "saddlegan.log"}


class DamagedRun(ConfigError):
    """A file of a run folder cannot be read, or is cut short."""


class RunLost(Exception):
    """A process of a run has died: nothing is wrong with the run, which goes on from its checkpoint."""


class RunFailed(Exception):
    """A run failed, or some runs of a sweep; their folders say why, and the others are finished."""


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a dict as JSON, a line per key, whole or not at all; numbers that are not finite become null."""
    lines = (f"{json.dumps(key)}: {json.dumps(_finite(value))}" for key, value in content.items())
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    with write_whole(path) as partial:
        partial.write_text(text)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_result(folder: Path) -> dict[str, Any] | None:
    """The result of a run, or None where it has none yet. Raises `DamagedRun` where a file is not whole."""
    path = folder / RESULT
    if not path.is_file():
        return None
    try:
        result = json.loads(path.read_text())
        found = result_of(result)
        fingerprint(found.config)
    except (ValueError, TypeError) as error:
        raise DamagedRun(f"{path}: got a damaged file ({error}), expected a run's result.") from None
    if found.status != "failed":
        _check_metrics(folder / METRICS, found.evaluations * len(found.seeds))
    return result


def _check_metrics(path: Path, rows: int) -> None:
    lines = _lines(path)
    found = f"{max(len(lines) - 1, 0)} rows"
    if again := _repeated(lines):
        found += f", {again} of them a second time: two processes wrote it"
    elif len(lines) == rows + 1 and len({line.count(",") for line in lines}) == 1:
        return
    raise DamagedRun(f"{path}: got {found}, expected {rows} whole ones.")


def repeated_rows(path: Path | zipfile.Path) -> int:
    """How many rows of a metrics.csv have the iteration and the seed of an earlier row; 0 where there is no file."""
    return _repeated(_lines(path))


def _lines(path: Path | zipfile.Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []


def _repeated(lines: list[str]) -> int:
    rows = [tuple(line.split(",")[:2]) for line in lines[1:]]
    return len(rows) - len(set(rows))


def claim_run(folder: Path, config: dict[str, Any], existing: str) -> dict[str, Any] | None:
    """Decide what becomes of a run folder: its result where there is nothing to do, else None, ready for training.

    `existing`: `continue` keeps a finished run, goes on with an interrupted one, be it with another number of devices,
    and repeats a failed one; `repeat` throws away whatever is there of a run; `skip` keeps every folder that holds
    anything of a run, whole or not.
    The folder must be held (`lock.hold`) until its result is written.
    Raises `ConfigError` where the folder holds a run of another configuration, or files and no run, `DamagedRun` where
    it is not whole.
    """
    there = {path.name for path in folder.iterdir() if not (path / "overrides.yaml").is_file()} - BESIDE
    if there and not there & {RESULT, CONFIG, CHECKPOINT.parent.name}:
        raise ConfigError(
            f"{folder}: got a folder with other files ({shown(', '.join(sorted(there)))}), expected an empty one or a"
            " run's. Remedy: another output_root or hydra.run.dir."
        )
    if existing == "skip" and there:
        return {"status": "skipped", "error": None}
    if existing == "repeat":
        _empty(folder)
    remedy = " Remedy: another output_root, existing=repeat to run it again, or existing=skip to leave it as it is."
    try:
        result = read_result(folder)
        stored = result["config"] if result else _stored_config(folder)
    except DamagedRun as error:
        raise DamagedRun(f"{error}{remedy}") from None
    neutral = NEUTRAL if result else (*NEUTRAL, DEVICES)
    differs = "" if stored is None else difference(*(without(one, neutral) for one in (stored, config)))
    if differs:
        raise ConfigError(
            f"{folder}: got a run with another configuration (stored -> asked):\n{differs}\n{remedy.strip()}"
        )
    if result and result["status"] != "failed":
        return _reported(result, config, folder)
    if result:
        _empty(folder)
    elif stored is not None:
        _say_devices(folder, *(fingerprint(one).get(DEVICES, 1) for one in (stored, config)))
    remove_partial(folder)
    write_json(folder / CONFIG, config)
    return None


def _say_devices(folder: Path, before: int, now: int) -> None:
    """Say that a run that is not finished goes on with another number of processes."""
    if before != now:
        said = f"goes on with {DEVICES}={now}, and began with {before}: the same to rounding for most methods"
        print(f"saddlegan: warning: {folder}: {said} (docs/scaling.md).", file=sys.stderr)


def _reported(result: dict[str, Any], config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The result with how it is to be reported now: that decides nothing of the run."""
    if result["config"].get("report") != config.get("report"):
        result["config"]["report"] = config.get("report")
        write_json(folder / RESULT, result)
    return result


def _stored_config(folder: Path) -> dict[str, Any] | None:
    path = folder / CONFIG
    if not path.is_file():
        if (folder / CHECKPOINT).exists():
            raise DamagedRun(f"{folder / CHECKPOINT}: got a checkpoint without {CONFIG}, expected both of one run.")
        return None
    try:
        stored = json.loads(path.read_text())
        fingerprint(stored)
        return stored
    except (ValueError, TypeError) as error:
        raise DamagedRun(f"{path}: got a damaged file ({error}), expected a run's configuration.") from None


def _empty(folder: Path) -> None:
    """Remove everything that a run writes, and folders of these names with all that they hold.

    The checkpoint goes first and the configuration last, so that whoever is stopped halfway leaves no checkpoint that
    another run would go on from.
    """
    for name in ("checkpoints", RESULT, METRICS, SAMPLES, "hparams.yaml", "figures", "csv", "wandb", "export"):
        _remove(folder / name)
    for events in folder.glob("events.out.tfevents.*"):
        _remove(events)
    _remove(folder / CONFIG)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_if_new(folder: Path) -> None:
    """Remove a run folder that nothing was trained in, and its parent where that leaves it empty. It must be held."""
    if {path.name for path in folder.iterdir()} <= {".hydra", CONFIG, LOCK}:
        shutil.rmtree(folder, ignore_errors=True)  # a process that waits for it may just have written there
        with contextlib.suppress(OSError):
            folder.parent.rmdir()
