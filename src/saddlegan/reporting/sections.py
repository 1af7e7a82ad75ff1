"""Sections of the laboratory of theory: found below a folder, read back, and written as Markdown. No torch."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from saddlegan.folder import FAILURE, SECTION
from saddlegan.reporting.ledger import MARKS, Finding, finding, paragraphs
from saddlegan.reporting.runs import Problem
from saddlegan.reporting.tables import escape, markdown


class Table(msgspec.Struct, frozen=True):
    """Rows of plain text or numbers, already rounded for reading."""

    headers: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ""


class Caption(msgspec.Struct, frozen=True):
    """`name` is that of the picture's file, without its end."""

    name: str
    caption: str


class Content(msgspec.Struct, frozen=True):
    """What a section.json holds; `findings` are entries of the ledger."""

    title: str
    text: str
    number: int
    findings: list[dict[str, Any]]
    tables: list[Table]
    pictures: list[Caption]
    command: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Loaded:
    """A sound section as it was written: `content` is that of its file."""

    folder: Path
    content: Content

    @property
    def findings(self) -> list[Finding]:
        return [finding(entry) for entry in self.content.findings]


def load_sections(folders: Sequence[Path]) -> tuple[list[Loaded], list[Problem]]:
    """Every sound section at or below `folders`, in the laboratory's order, and what was wrong with the rest."""
    sections: dict[Path, Loaded] = {}
    problems = []
    for top in folders:
        for place, below, files in os.walk(top):
            if Path(place).name == "report":
                below.clear()
            elif {SECTION, FAILURE} & set(files):
                below.clear()
                if FAILURE in files:
                    problems.append(_failure(Path(place), SECTION in files))
                section = _read(Path(place)) if SECTION in files else None
                if isinstance(section, Problem):
                    problems.append(section)
                elif section:
                    sections.setdefault(Path(place).resolve(), section)
    return sorted(sections.values(), key=lambda section: section.content.number), problems


def _failure(folder: Path, earlier: bool) -> Problem:
    try:
        why = str(json.loads((folder / FAILURE).read_text(encoding="utf-8"))["error"])
    except (OSError, ValueError, KeyError, TypeError):
        why = "no error recorded"
    return Problem("failed", folder.name, why + earlier * " (what is shown is of an earlier run)")


def _read(folder: Path) -> Loaded | Problem:
    again = f"run `saddlegan-theory {folder.name}` again"
    try:
        section = Loaded(folder, msgspec.json.decode((folder / SECTION).read_bytes(), type=Content))
        blocks(section, folder)  # what can be written can be reported
    except (OSError, ValueError, msgspec.DecodeError) as error:
        return Problem("damaged", folder.name, f"{SECTION} cannot be read ({error}); {again}")
    lost = [picture.name for picture in section.content.pictures if not (folder / f"{picture.name}.png").is_file()]
    return Problem("damaged", folder.name, f"{', '.join(lost)}: no such picture; {again}") if lost else section


def overview(sections: Sequence[Loaded]) -> str:
    """Every finding in a line."""
    rows = [
        [f"{MARKS[verdict.verdict]} {verdict.verdict.replace('_', ' ')}", statement.statement, section.content.title]
        for section in sections
        for statement, verdict in section.findings
    ]
    return markdown(["verdict", "statement", "section"], rows)


def blocks(section: Loaded, folder: Path) -> list[str]:
    """The section as Markdown for a report in `folder`; its pictures are shown from where they lie."""
    content = section.content
    parts = [f"## {content.number}. {escape(content.title)}", *map(escape, content.text.split("\n\n"))]
    for statement, verdict in section.findings:
        parts += paragraphs(statement, verdict)
    for picture in content.pictures:
        place = Path(os.path.relpath(section.folder / f"{picture.name}.png", folder)).as_posix()
        caption = escape(picture.caption)
        parts += [f"![{caption}]({place})", f"*{caption}*"]
    for table in content.tables:
        parts += [markdown(table.headers, table.rows)]
        parts += [f"*{escape(table.caption)}*"] if table.caption else []
    seconds = "time not recorded" if content.seconds is None else f"{content.seconds:.1f} s"
    parts.append(f"*<code>{escape(content.command)}</code> · {seconds}*")
    return parts
