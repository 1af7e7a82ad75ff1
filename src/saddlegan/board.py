"""`saddlegan-board FOLDER`: TensorBoard on the runs of a sweep, each by the words that tell it from the others.

A run folder has all overrides in its name, those that all runs share too, and TensorBoard shows the first twenty
letters of it.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

#: What TensorBoard reads.
EVENTS = "events.out.tfevents.*"


def short_names(folders: Iterable[Path]) -> dict[str, Path]:
    """Folders by the words of their names that not all of them have: `method=gan optimizer.lr=0.001`. One alone has all
    its words, and two that would be called the same have their paths."""
    found = sorted(set(folders))
    words = {folder: folder.name.split(",") for folder in found}
    shared = set.intersection(*map(set, words.values())) if len(found) > 1 else set()
    names = {folder: " ".join(word for word in words[folder] if word not in shared) or folder.name for folder in found}
    count = Counter(names.values())
    return {name if count[name] == 1 else str(folder).strip("/"): folder for folder, name in names.items()}


def link(top: Path, target: Path) -> int:
    """Put a link to each run at or below `top` into `target`, by its short name; how many there are."""
    names = short_names(path.parent.resolve() for path in top.rglob(EVENTS))
    for name, folder in names.items():
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(folder, target_is_directory=True)
    return len(names)


def serve(folder: str, options: Sequence[str]) -> int:
    """TensorBoard on `folder`, until it is ended."""
    from tensorboard import default, program

    board = program.TensorBoard(default.get_plugins())
    board.configure(argv=["saddlegan-board", "--logdir", folder, "--load_fast=false", *options])  # it follows links
    return board.main() or 0


def main(arguments: Sequence[str] | None = None) -> int:
    """2 where there is no run that TensorBoard could show."""
    parser = argparse.ArgumentParser(prog="saddlegan-board", description="TensorBoard on the runs of a sweep.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="that of a sweep, e.g. outputs/gaussian_1d")
    parser.epilog = "All other options are those of tensorboard, e.g. --port=6007."
    options, others = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory(prefix="saddlegan-board-") as links:
        if not link(options.folder, Path(links)):
            said = f"{options.folder}: got no {EVENTS} at or below it, expected those of runs."
            print(f"saddlegan-board: {said} Remedy: train them with logger=tensorboard.", file=sys.stderr)
            return 2
        return serve(links, others)
