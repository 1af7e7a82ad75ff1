"""What an experiment of the laboratory hands over: tables, pictures and verdicts, ready for the report."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from matplotlib.figure import Figure

from saddlegan.figures import save_png
from saddlegan.folder import FAILURE, SECTION, write_json
from saddlegan.reporting.ledger import Finding, entry
from saddlegan.reporting.sections import Table


@dataclass(frozen=True)
class Picture:
    """`name` is that of the file, without its end."""

    name: str
    caption: str
    figure: Figure


@dataclass(frozen=True)
class Section:
    """`text`: one or two plain paragraphs, what was done at which size; `findings`: statements with their verdicts."""

    title: str
    text: str
    findings: Sequence[Finding]
    tables: Sequence[Table] = field(default=())
    pictures: Sequence[Picture] = field(default=())

    def write(self, folder: Path, about: dict[str, Any]) -> None:
        """Write pictures, and section.json with `about` (command, seconds, versions, ...), for what the folder held.

        All of it is made before anything old goes: where that fails, the folder stays as it was.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder) as new:
            for picture in self.pictures:
                save_png(picture.figure, Path(new) / f"{picture.name}.png")
            write_json(Path(new) / SECTION, self._content(folder.name) | about)
            for old in _of_earlier(folder):
                old.unlink(missing_ok=True)
            names = [f"{picture.name}.png" for picture in self.pictures]
            for name in (*names, SECTION):  # section.json last: without it none counts
                (Path(new) / name).replace(folder / name)

    def _content(self, name: str) -> dict[str, Any]:
        return {
            "title": self.title,
            "text": self.text,
            "findings": [entry(*finding, (name,)) for finding in self.findings],
            "tables": [
                {"headers": list(table.headers), "rows": [list(map(str, row)) for row in table.rows]}
                | {"caption": table.caption}
                for table in self.tables
            ],
            "pictures": [{"name": picture.name, "caption": picture.caption} for picture in self.pictures],
        }


def _of_earlier(folder: Path) -> list[Path]:
    """What an earlier run left in `folder`, and no other file."""
    try:
        names = [picture["name"] for picture in json.loads((folder / SECTION).read_text(encoding="utf-8"))["pictures"]]
    except (OSError, ValueError, KeyError, TypeError):
        names = []
    return [folder / SECTION, folder / FAILURE, *(folder / f"{name}.png" for name in names)]
