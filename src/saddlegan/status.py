"""`saddlegan-status FOLDER`: how far the runs of a sweep are, while they run and after. No torch."""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from saddlegan.folder import CHECKPOINT, CONFIG, METRICS, PLAN, RESULT, SESSION
from saddlegan.lock import LOCK, held, holder
from saddlegan.reporting.runs import run_folders

State = Literal["finished", "diverged", "failed", "running", "stopped", "missing", "damaged"]
STYLES = {"finished": "green", "running": "blue", "failed": "red", "damaged": "red", "diverged": "yellow"}
#: States in which a run has nothing to do any more.
ENDED = ("finished", "diverged", "failed", "damaged")
#: Rows of the table at most; those that are finished are left out first.
ROWS = 40
REFRESH = 2.0  # seconds


@dataclass(frozen=True)
class Standing:
    """One run: its name below the sweep's folder, what has become of it, iterations that are done of those that are
    asked for, the seconds that are left where it runs, and why it is in that state."""

    name: str
    state: State
    done: int = 0
    of: int = 0
    left: float | None = None
    why: str = ""


def standings(folder: Path, now: float | None = None) -> list[Standing]:
    """Of every run that the last sweep into `folder` planned, in that order, then of those that are there besides.

    A run that nobody has begun, and that no plan names, cannot be known. Raises FileNotFoundError where there is no
    such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: got no folder, expected that of a sweep, or one above runs")
    planned = _planned(folder)
    found = (run.relative_to(folder).as_posix() for run in run_folders(folder, []) if isinstance(run, Path))
    names = dict.fromkeys([*planned, *found])
    return [standing(folder / name, name, time.time() if now is None else now) for name in names]


def _planned(folder: Path) -> list[str]:
    try:
        return [str(job["folder"]) for job in json.loads((folder / PLAN).read_text(encoding="utf-8"))["jobs"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def standing(run: Path, name: str, now: float) -> Standing:
    """What has become of one run folder."""
    if not run.is_dir():
        return Standing(name, "missing", why="not begun")
    try:
        if (run / RESULT).is_file():
            result = json.loads((run / RESULT).read_text(encoding="utf-8"))
            done, of = int(result["iterations"]), int(result["config"]["iterations"])
            return Standing(name, result["status"], done, of, why=_reason(result))
        config = json.loads((run / CONFIG).read_text(encoding="utf-8")) if (run / CONFIG).is_file() else {}
        done, of = _iterations(run / METRICS), int(config.get("iterations", 0))
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Standing(name, "damaged", why=f"{type(error).__name__}: {error}")
    if held(run):
        return Standing(name, "running", done, of, _left(run, done, of, now), holder(run))
    if (run / CHECKPOINT).is_file():
        return Standing(name, "stopped", done, of, why="the same command goes on from its checkpoint")
    return Standing(name, "missing", done, of, why="begun, and stopped before its first checkpoint")


def _left(run: Path, done: int, of: int, now: float) -> float | None:
    """Seconds that a run needs yet, at the speed of the process that trains it up to its last evaluation; None before
    its first one."""
    try:
        session = json.loads((run / SESSION).read_text(encoding="utf-8"))
        first, began = int(session["first"]), float(session["began"])
        evaluated, entered = (run / METRICS).stat().st_mtime, (run / LOCK).stat().st_mtime
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not (first < done <= of and began >= entered - 1.0):  # of an earlier process, where it began before the lock
        return None
    return max((evaluated - began) * (of - done) / (done - first) - (now - evaluated), 0.0)


def _reason(result: dict[str, Any]) -> str:
    """Why a run failed: the last line of its error."""
    lines = str(result.get("error") or "").strip().splitlines()
    return lines[-1] if result["status"] == "failed" and lines else ""


def _iterations(path: Path) -> int:
    """The iteration of the last whole row of metrics.csv; 0 where there is none."""
    try:
        rows = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    numbers = [row.partition(",")[0] for row in rows[1:]]
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def shown(found: Sequence[Standing]) -> Group:
    """The table of the runs, and a line that counts them."""
    rest = [one for one in found if one.state != "finished"]
    kept = found if len(found) <= ROWS else rest[:ROWS]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("run", "state", "iterations", "left", "why"):
        table.add_column(heading, overflow="fold")
    for one in kept:
        done = f"{one.done}/{one.of}" if one.of else ""
        state = Text(one.state, style=STYLES.get(one.state, ""))
        table.add_row(Text(one.name), state, done, duration(one.left), Text(one.why))
    counts = Counter(one.state for one in found)
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    left_out = f"; {len(found) - len(kept)} are not shown" if len(kept) < len(found) else ""
    return Group(table, Text(f"{len(found)} runs: {told or 'none'}{_until(found)}{left_out}"))


def _until(found: Sequence[Standing]) -> str:
    """How long it takes yet, if those that run have the same speed and as many go on side by side."""
    running = [one for one in found if one.state == "running"]
    known = [(one.left, one.of / (one.of - one.done)) for one in running if one.left is not None and one.of > one.done]
    if not known:
        return ""
    whole = sum(left * share for left, share in known) / len(known)  # seconds of a run from its beginning
    waiting = sum(one.state in ("missing", "stopped") for one in found) + len(running) - len(known)
    total = max(left for left, _ in known) + waiting * whole / len(running)
    return f"; about {duration(total)} left"


def duration(seconds: float | None) -> str:
    """`41 s`, `12 min`, `3.5 h`; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def complete(found: Iterable[Standing]) -> bool:
    """Whether every run is finished, or has diverged, which is a result."""
    return all(one.state in ("finished", "diverged") for one in found)


def main(arguments: Sequence[str] | None = None) -> int:
    """`saddlegan-status`: 0 where every run is finished, 1 where one is not, 2 where there is nothing to look at."""
    parser = argparse.ArgumentParser(prog="saddlegan-status", description="How far the runs of a sweep are.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="that of a sweep, e.g. outputs/gaussian_1d")
    parser.add_argument("--watch", action="store_true", help="look again every two seconds, until every run has ended")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        found = standings(options.folder)
        if options.watch:
            with Live(shown(found), console=console, auto_refresh=False) as live:
                while any(one.state not in ENDED for one in found):
                    time.sleep(REFRESH)
                    found = standings(options.folder)
                    live.update(shown(found), refresh=True)
        else:
            console.print(shown(found))
    except FileNotFoundError as error:
        print(f"saddlegan-status: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if not found:
        print(f"saddlegan-status: {options.folder}: got no runs, expected those of a sweep", file=sys.stderr)
        return 2
    return 0 if complete(found) else 1
