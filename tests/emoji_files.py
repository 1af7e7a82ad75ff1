"""The drawings that tests of emoji read: the real ones where they are at hand, else some that are drawn here."""

import itertools
from pathlib import Path

import numpy as np
from conftest import PLACES

from saddlegan.data.drawings import FILE, GROUPS, SIDE

REAL = next((place for place in PLACES if (place / FILE).is_file()), None)
KINDS = ["small", "large", "old", "young", "happy", "sad", "round", "flat"]
THINGS = ["star", "moon", "boat", "tree"] + [f"thing{number}" for number in range(41)]


def drawn(count: int = 40 * GROUPS) -> dict[str, np.ndarray]:
    """Discs and bars of any colour, in nine groups, with names of two words."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    shapes = np.stack([np.hypot(y, x) < 24, np.abs(y) < 10, (np.abs(x) < 20) & (y < 8)])
    images = np.zeros((count, SIDE, SIDE, 4), dtype=np.uint8)
    images[..., :3] = rng.integers(0, 256, (count, 1, 1, 3))
    images[..., 3] = 255 * shapes[np.arange(count) % 3]
    names = [" ".join(pair) for pair in itertools.product(KINDS, THINGS)][:count]
    groups = [f"group {number % GROUPS}" for number in range(count)]
    return {"images": images, "name": np.array(names), "group": np.array(groups)}


def root(folder: Path) -> Path:
    """`data.root`: that of the real drawings, or `folder`, to which others are written."""
    if REAL is not None:
        return REAL
    (folder / FILE).parent.mkdir(parents=True)
    np.savez(folder / FILE, **drawn())  # type: ignore[arg-type]
    return folder
