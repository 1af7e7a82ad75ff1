"""A folder of a user's own pictures: which files it has, in which classes, and their captions. Looked at before torch
is imported; pictures are opened, but not yet decoded."""

import csv
import functools
import hashlib
import unicodedata
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from saddlegan.checks import ConfigError, nearest, shown
from saddlegan.data import FEWEST

CAPTIONS = "captions.csv"
#: Names of files that are pictures, by their ends.
ENDS = (".png", ".jpg", ".jpeg", ".webp")


class Picture(NamedTuple):
    path: Path
    label: int
    caption: str


class Listing(NamedTuple):
    """The pictures of both parts, class after class; the names of the classes, none where there are no subfolders; what
    could come along with them and does not."""

    train: list[Picture]
    test: list[Picture]
    classes: list[str]
    without: set[str]


def of(data: Mapping[str, Any]) -> Listing:
    """That of the configuration's `data`. Raises `ConfigError` where its folder cannot be used."""
    return _listing(str(data["folder"]), int(data["size"]), int(data["held_out"]))


class Found(NamedTuple):
    """What networks depend on: the names of the classes, and whether there are captions."""

    classes: list[str]
    captions: bool


def found(data: Mapping[str, Any]) -> Found:
    """What the run of a configuration's `data` began with, or, of a new one, what the folder holds now. Raises
    `ConfigError` as `of` does."""
    if data.get("found") is not None:
        try:
            return Found(data["found"]["classes"], data["found"]["captions"])
        except (KeyError, TypeError):
            got = shown(str(data["found"]))
            raise ConfigError(
                f"data.found={got}: expected null, which a run fills in. Remedy: data.found=null."
            ) from None
    now = of(data)
    return Found(now.classes, "text" not in now.without)


def digest(data: Mapping[str, Any]) -> str:
    """SHA-256 of the names, classes, parts and captions of the pictures, and of a file of vectors of one's own: what a
    run that goes on, or is asked for a caption, must find as it was. Raises `ConfigError` as `of` does."""
    found, root = of(data), Path(str(data["folder"])).expanduser()
    lines = [
        f"{picture.path.relative_to(root).as_posix()}\0{picture.label}\0{picture.caption}"
        for part in (found.train, found.test)
        for picture in (*part, Picture(root, -1, ""))
    ]
    content = "\n".join([*found.classes, *lines]).encode(errors="surrogateescape")
    if data.get("vectors") is not None:
        with suppress(OSError):  # `check_files` says so
            content += Path(str(data["vectors"])).expanduser().read_bytes()
    return hashlib.sha256(content).hexdigest()


@functools.lru_cache(maxsize=2)
def _listing(folder: str, size: int, held_out: int) -> Listing:
    root = Path(folder).expanduser()
    try:
        inside = sorted(path for path in root.iterdir() if not path.name.startswith("."))
        classes = [path for path in inside if path.is_dir()]
        files = {path.name: _pictures(path, folder) for path in classes}
    except OSError as error:
        raise _refused(folder, error.strerror or str(error), "a folder of pictures", "data.folder=PATH") from None
    beside = [path for path in inside if not path.is_dir() and path.name != CAPTIONS]
    if classes and beside:
        remedy = "move each picture into the subfolder of its class"
        raise _refused(folder, f"{beside[0].name} beside {len(classes)} subfolders", "subfolders alone", remedy)
    groups = files or {"": [_picture(path, folder) for path in beside]}
    for name, paths in groups.items():
        for path in paths:
            _check_size(path, folder, size)
        if name and len(paths) < held_out:
            expected = f"{held_out} or more: of each class every picture number {held_out} is a test picture"
            raise _refused(
                folder, f"{len(paths)} pictures in the class {name}", expected, "add some, or drop the class"
            )
    captions = _captions(root, [path for paths in groups.values() for path in paths], folder)
    found: dict[bool, list[Picture]] = {False: [], True: []}
    for label, paths in enumerate(groups.values()):
        for number, path in enumerate(paths):
            found[number % held_out == held_out - 1].append(Picture(path, label, captions.get(path, "")))
    _check_enough(folder, found, held_out)
    lacks = set() if classes else {"label"}
    lacks |= set() if captions else {"text"}
    return Listing(found[False], found[True], [path.name for path in classes], lacks)


def _pictures(path: Path, folder: str) -> list[Path]:
    """The pictures of a class, by name."""
    return [_picture(file, folder) for file in sorted(path.iterdir()) if not file.name.startswith(".")]


def _picture(path: Path, folder: str) -> Path:
    if path.suffix.lower() not in ENDS or not path.is_file():
        remedy = "move it elsewhere, or name the folder of the pictures"
        raise _refused(folder, f"{path.name}, which is no picture", f"files that end in {', '.join(ENDS)}", remedy)
    return path


def _check_size(path: Path, folder: str, size: int) -> None:
    """Open a picture, and look at its size."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            width, height = picture.size
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
        got = f"{path.name}, which cannot be opened ({shown(str(error))})"
        raise _refused(folder, got, "pictures", "repair it, or move it elsewhere") from None
    if min(width, height) < size:
        expected = f"{size} x {size} or more"
        remedy = f"data.size={min(width, height)}, or move it elsewhere"
        raise _refused(folder, f"{path.name} of {width} x {height} pixels", expected, remedy)


def _captions(root: Path, pictures: list[Path], folder: str) -> dict[Path, str]:
    """What captions.csv says of each picture; empty where there is no such file."""
    file, remedy = root / CAPTIONS, f"write {CAPTIONS} with the columns file,caption, and a row for each picture"
    if not file.exists():
        return {}
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            head, rows = _table(opened)
    except (OSError, ValueError, csv.Error) as error:
        raise _refused(folder, f"{CAPTIONS} that cannot be read ({error})", "a table in UTF-8", remedy) from None
    if not rows or not {"file", "caption"} <= set(head):
        raise _refused(folder, f"{CAPTIONS} with {', '.join(head) if rows else 'no row'}", "file,caption", remedy)
    names = [_same(row["file"].replace("\\", "/").removeprefix("./")) for row in rows]
    said = {name: row["caption"] for name, row in zip(names, rows, strict=True)}
    known = {_same(path.relative_to(root).as_posix()): path for path in pictures}
    if strangers := [name for name in said if name not in known]:
        got = f"a caption of {strangers[0]}, which is not there"
        raise _refused(folder, got, "captions of its pictures", "drop that row", nearest(strangers[0], set(known)))
    if len(said) < len(rows):
        ((name, count),) = Counter(names).most_common(1)
        got = f"{count} captions of {name}"
        raise _refused(folder, got, "one for each picture", "keep one of them")
    if silent := [name for name in known if not said.get(name)]:
        got = f"no caption of {silent[0]}, as of {len(silent)} pictures"
        raise _refused(folder, got, "one for each picture", f"add a row for each, or remove {CAPTIONS}")
    return {known[name]: caption for name, caption in said.items()}


def _table(opened: TextIO) -> tuple[list[str], list[dict[str, str]]]:
    """The names of the columns, in small letters, and the rows that are not empty, of a table whose columns are apart
    by a comma, a semicolon (Excel, in much of Europe) or a tab."""
    first = opened.readline()
    separator = max(",;\t", key=first.count)
    head = [name.strip().lower() for name in next(csv.reader([first], delimiter=separator), [])]
    cells = ([cell.strip() for cell in row] for row in csv.reader(opened, delimiter=separator))
    return head, [dict(zip(head, [*row, *[""] * len(head)], strict=False)) for row in cells if any(row)]


def _same(name: str) -> str:
    """A name as all systems write it: an accented letter is one character (macOS writes two)."""
    return unicodedata.normalize("NFC", name)


def _check_enough(folder: str, found: Mapping[bool, list[Picture]], held_out: int) -> None:
    train, test = len(found[False]), len(found[True])
    if min(train, test) >= FEWEST:
        return
    sizes = Counter(picture.label for part in found.values() for picture in part).values()
    held = {other: sum(size // other for size in sizes) for other in range(held_out - 1, 1, -1)}
    enough = [other for other, out in held.items() if out >= FEWEST and sum(sizes) - out >= FEWEST]
    remedy = f"data.held_out={enough[0]} holds more out" if enough else "more pictures"
    got = f"{train} training pictures and {test} test pictures with data.held_out={held_out}"
    raise _refused(folder, got, f"{FEWEST} or more of each", remedy)


def _refused(folder: str, got: str, expected: str, remedy: str, hint: str = "") -> ConfigError:
    return ConfigError(f"data.folder={folder}: got {got}, expected {expected}. Remedy: {remedy}.{hint}")
