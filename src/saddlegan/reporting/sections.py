"""Sections of the laboratory of theory: found below a folder, read back, and written as Markdown. No torch."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saddlegan.folder import FAILURE, SECTION
from saddlegan.reporting.ledger import MARKS, Finding, finding, paragraphs
from saddlegan.reporting.runs import Problem
from saddlegan.reporting.tables import escape, markdown

FIELDS = {"title": str, "text": str, "findings": list, "tables": list, "pictures": list, "number": int}


@dataclass(frozen=True)
class Loaded:
    """A sound section as it was written: `content` is that of its file."""

    folder: Path
    content: dict[str, Any]

    @property
    def findings(self) -> list[Finding]:
        return [finding(entry) for entry in self.content["findings"]]


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
    return sorted(sections.values(), key=lambda section: section.content["number"]), problems


def _failure(folder: Path, earlier: bool) -> Problem:
    try:
        why = str(json.loads((folder / FAILURE).read_text(encoding="utf-8"))["error"])
    except (OSError, ValueError, KeyError, TypeError):
        why = "no error recorded"
    return Problem("failed", folder.name, why + earlier * " (what is shown is of an earlier run)")


def _read(folder: Path) -> Loaded | Problem:
    again = f"run `saddlegan-theory {folder.name}` again"
    try:
        content = json.loads((folder / SECTION).read_text(encoding="utf-8"))
        wrong = [name for name, kind in FIELDS.items() if not isinstance(content.get(name), kind)]
        section = Loaded(folder, content)
        wrong += [p["name"] for p in content["pictures"] if not (folder / f"{p['name']}.png").is_file()]
        if wrong:
            return Problem("damaged", folder.name, f"{SECTION}: {', '.join(wrong)}; {again}")
        blocks(section, folder)  # what can be written can be reported
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Problem("damaged", folder.name, f"{SECTION} cannot be read ({error}); {again}")
    return section


def overview(sections: Sequence[Loaded]) -> str:
    """Every finding in a line."""
    rows = [
        [f"{MARKS[verdict.verdict]} {verdict.verdict.replace('_', ' ')}", statement.statement, section.content["title"]]
        for section in sections
        for statement, verdict in section.findings
    ]
    return markdown(["verdict", "statement", "section"], rows)


def blocks(section: Loaded, folder: Path) -> list[str]:
    """The section as Markdown for a report in `folder`; its pictures are shown from where they lie."""
    content = section.content
    parts = [f"## {content['number']}. {escape(content['title'])}", *map(escape, content["text"].split("\n\n"))]
    for statement, verdict in section.findings:
        parts += paragraphs(statement, verdict)
    for picture in content["pictures"]:
        place = Path(os.path.relpath(section.folder / f"{picture['name']}.png", folder)).as_posix()
        caption = escape(picture["caption"])
        parts += [f"![{caption}]({place})", f"*{caption}*"]
    for table in content["tables"]:
        parts += [markdown(table["headers"], table["rows"])]
        parts += [f"*{escape(table['caption'])}*"] if table["caption"] else []
    seconds = f"{content['seconds']:.1f} s" if isinstance(content.get("seconds"), int | float) else "time not recorded"
    parts.append(f"*<code>{escape(str(content.get('command', '')))}</code> · {seconds}*")
    return parts
