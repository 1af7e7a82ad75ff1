"""Run folders: finding them, reading `result.json`, and naming everything that could not be read.

The run folders of an experiment may lie in one file, `runs.zip`, in the place where they would lie: hundreds of small
files become one that can be kept and sent.
"""

import json
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from saddlegan.folder import FAILURE, METRICS, PLAN, RESULT, SECTION, repeated_rows
from saddlegan.lock import LOCK, holder
from saddlegan.record import Result, result_of

PACKED = "runs.zip"
KNOWN_FILES = ("multirun.yaml", PLAN, ".gitignore", LOCK, PACKED)  # what may lie beside runs
#: A run folder, or one in a zip file.
Folder = Path | zipfile.Path
#: What reading a file of a run may raise.
UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


class NoRuns(ValueError):
    """There is nothing to report on; the message says where it was looked for and what to do."""


@dataclass(frozen=True)
class Problem:
    """`what` is wrong (failed, diverged, missing, damaged, ...), `where` (run or file) and `why`, in one line."""

    what: str
    where: str
    why: str


@dataclass(frozen=True)
class Run:
    """One run folder with a sound `result.json`. `name` is the folder relative to where it was searched."""

    folder: Folder
    name: str
    result: Result

    @property
    def status(self) -> str:
        return self.result.status

    @property
    def experiment(self) -> str:
        kind = " of images" if self.extractor else " in the plane" if self.result.floors else ""
        return self.result.experiment or f"single runs{kind}"

    @property
    def choices(self) -> Mapping[str, str]:
        return self.result.choices

    @property
    def seeds(self) -> list[int]:
        return self.result.seeds

    @property
    def extractor(self) -> str | None:
        """The digest of the network whose features the metrics of images are computed from."""
        return self.result.extractor and self.result.extractor.sha256


def load_runs(folders: Sequence[Path], *, needed: bool = True) -> tuple[list[Run], list[Problem]]:
    """Every sound run at or below `folders`, in the order of their names, and what was wrong with the rest.

    Raises `NoRuns` where none of them is or holds a run folder, if that is `needed`.
    """
    runs: dict[Path, Run] = {}
    problems: list[Problem] = []
    found = 0
    for folder in folders:
        if not folder.is_dir():
            problems.append(Problem("missing", folder.name, "there is no such folder"))
        for path in run_folders(folder, problems):
            found += 1
            run = read_run(path, _name(path, folder, len(folders) > 1))
            if isinstance(run, Problem):
                problems.append(run)
            elif (place := _place(path).resolve()) not in runs:
                runs[place] = run
                problems += _repeated(run)
    if needed and not found:
        places = ", ".join(map(str, folders)) or "no folder at all"
        seen = "".join(f" ({problem.where}: {problem.why})" for problem in problems[:3])
        raise NoRuns(
            f"NoRuns: {places}: got 0 run folders{seen}, expected folders with result.json or .hydra/; "
            "train first (`saddlegan experiment=...`) or name the folder above the runs"
        )
    return list(runs.values()), problems


def run_folders(top: Path, problems: list[Problem]) -> Iterator[Folder]:
    """Folders with `result.json` or `.hydra/`, not looking inside them, also packed ones; foreign files and packs that
    cannot be read are added to `problems`."""
    for place, folders, files in os.walk(top):
        folders.sort()
        if RESULT in files or ".hydra" in folders:
            folders.clear()
            yield Path(place)
            continue
        earlier = {"report.md", "claims.json"} <= set(files) or Path(place).name == "report"
        if earlier or {SECTION, FAILURE} & set(files):
            folders.clear()
            continue
        if PACKED in files:
            yield from _packed(Path(place, PACKED), top, problems)
        foreign = (file for file in sorted(files) if file not in KNOWN_FILES and not file.endswith(".log"))
        problems += [
            Problem("foreign", str(Path(place, f).relative_to(top)), "not part of a run, left alone") for f in foreign
        ]


def _packed(path: Path, top: Path, problems: list[Problem]) -> Iterator[zipfile.Path]:
    try:
        folders = [folder for folder in zipfile.Path(path).iterdir() if (folder / RESULT).is_file()]
    except UNREADABLE as error:
        problems.append(Problem("damaged", str(path.relative_to(top)), f"cannot be read ({error})"))
    else:
        yield from sorted(folders, key=lambda folder: folder.name)


def _place(folder: Folder) -> Path:
    """Where a run folder lies, or would lie if it were not packed."""
    if isinstance(folder, Path):
        return folder
    return Path(str(folder.root.filename)).parent / folder.name


def read_run(folder: Folder, name: str) -> Run | Problem:
    """The run in `folder`, or the reason why it cannot be used: missing or damaged `result.json`."""
    path = folder / RESULT
    if not path.is_file():
        by = holder(_place(folder))
        still = f"it is still being trained, or was stopped: {by} was the last to start it" if by else "it was stopped"
        return Problem("missing", name, f"no result.json: {still}; the same command goes on with it")
    try:
        result = result_of(json.loads(path.read_text(encoding="utf-8")))
    except UNREADABLE as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        return Problem("damaged", name, f"result.json cannot be read ({error}); delete it and start the run again")
    if "method" not in result.choices:
        return Problem("damaged", name, "result.json: got no choices.method, expected one; start the run again")
    return Run(folder, name, result)


def _repeated(run: Run) -> list[Problem]:
    """A metrics.csv that two processes wrote. The numbers of result.json are those of one of them, and stay."""
    try:
        again = repeated_rows(run.folder / METRICS)
    except UNREADABLE as error:
        return [Problem("incomplete", run.name, f"metrics.csv cannot be read ({error})")]
    why = f"metrics.csv has {again} rows twice: two processes trained it at once; existing=repeat trains it anew"
    return [Problem("duplicate", run.name, why)] if again else []


def _name(run: Folder, folder: Path, several: bool) -> str:
    """A run's name in tables: its path below `folder`; below its parent where it is itself what was asked for."""
    path = _place(run)
    if path == folder:
        return f"{path.resolve().parent.name}/{path.resolve().name}"
    return path.relative_to(folder.parent if several else folder).as_posix()
