"""The drawings that tests of emoji read: the real ones where they are at hand, else some that are drawn here."""

from pathlib import Path

import numpy as np
from conftest import PLACES

from saddlegan.data.drawings import FILE, GROUPS, SIDE

REAL = next((place for place in PLACES if (place / FILE).is_file()), None)
KINDS = ["small", "large", "old", "young", "happy", "sad", "round", "flat"]


def drawn(count: int = 40 * GROUPS) -> dict[str, np.ndarray]:
    """Discs and bars of any colour, here and there, in nine groups, each with a name that no other has."""
    rng = np.random.default_rng(0)
    images = np.zeros((count, SIDE, SIDE, 4), dtype=np.uint8)
    images[..., :3] = rng.integers(0, 256, (count, 1, 1, 3))
    y, x = (np.mgrid[:SIDE, :SIDE] - SIDE / 2)[:, None] - rng.integers(-8, 9, (2, count, 1, 1))
    shapes = np.stack([np.hypot(y, x) < 22, (np.abs(y) < 10) & (np.abs(x) < 22), (np.abs(x) < 20) & (np.abs(y) < 16)])
    images[..., 3] = 255 * shapes[np.arange(count) % 3, np.arange(count)]
    names = [f"{KINDS[number % len(KINDS)]} item{number}" for number in range(count)]
    groups = [f"group {number % GROUPS}" for number in range(count)]
    return {"images": images, "name": np.array(names), "group": np.array(groups)}


def root(folder: Path) -> Path:
    """`data.root`: that of the real drawings, or `folder`, to which others are written."""
    if REAL is not None:
        return REAL
    (folder / FILE).parent.mkdir(parents=True)
    np.savez(folder / FILE, **drawn(60 * GROUPS))  # type: ignore[arg-type]
    return folder
