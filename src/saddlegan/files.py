"""Files: the suite's own configurations, and what is written whole or not at all. No torch."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

#: How the name of a file begins while it is being written. A killed process may leave one behind.
PARTIAL = ".part-"


@contextlib.contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Give a path to write to, beside `path`; what was written there takes the place of `path` when the block ends.

    Whoever reads `path` finds the old content or the new one, also after a crash; where the block raises, the old one.
    The path given is no other process's, and ends as `path` does. Raises OSError where the disk refuses.
    """
    partial = path.with_name(f"{PARTIAL}{secrets.token_hex(8)}-{path.name}")
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def remove_partial(folder: Path) -> None:
    """Remove what killed processes left half written at or below `folder`. Nobody may be writing there."""
    for partial in folder.rglob(f"{PARTIAL}*"):
        partial.unlink(missing_ok=True)


def conf_folder() -> Path:
    """conf/ of the installed package, or of the checkout."""
    inside = Path(__file__).parent / "conf"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "conf"
