"""The file of emoji drawings: its arrays, and how scenes are pasted from them. NumPy alone, so that it is checked
before torch is imported.

`scripts/prepare_emoji.py` makes the file: from Debian's packages 1377 drawings of Noto Color Emoji (Google, SIL Open
Font License 1.1) with their names and groups in Unicode's emoji-test.txt.
"""

import functools
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from saddlegan.checks import ConfigError
from saddlegan.data import FEWEST

Array = np.ndarray

#: Where the file lies below `data.root`, and the arrays that are read of it.
FILE, ARRAYS = "emoji/emoji64.npz", ("images", "name", "group")
#: Its groups, which are the classes, and the height and width of a drawing.
GROUPS, SIDE = 9, 64
#: One drawing of so many is a test drawing, in each group.
HELD_OUT = 5
#: Flat grounds by name, red, green and blue; our choice: far from each other.
GROUNDS: dict[str, tuple[int, int, int]] = {
    "white": (255, 255, 255),
    "black": (20, 20, 20),
    "grey": (128, 128, 128),
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (40, 80, 220),
    "yellow": (250, 210, 40),
    "purple": (150, 60, 180),
}


class Drawings(NamedTuple):
    """Drawings `(n, 64, 64, 4)`, uint8, with straight alpha; their names; and their groups by number, 0 to 8."""

    images: Array
    names: list[str]
    groups: Array


def grounds_of(grounds: str) -> list[str]:
    """The grounds that `data.grounds` names."""
    return list(GROUNDS) if grounds == "all" else [grounds]


def held_out(groups: Array) -> Array:
    """How many drawings of each group are test drawings: a fifth, at least one."""
    return np.maximum((np.bincount(groups, minlength=GROUPS) / HELD_OUT).round().astype(int), 1)


def training_scenes(data: Mapping[str, Any]) -> int:
    """How many training scenes there are, given the configuration's `data`. Raises `ConfigError` as `read` does."""
    groups = read(data["root"]).groups
    return int(len(groups) - held_out(groups).sum()) * len(grounds_of(data["grounds"])) * 2


def shrunk(drawings: Array, size: int) -> Array:
    """Drawings as float32 `(n, size, size, 4)` with colours times alpha, all in [0, 1]: averages over blocks of pixels,
    in which what is transparent has no colour."""
    kept = drawings.astype(np.float32) / 255.0
    kept[..., :3] *= kept[..., 3:]
    n, block = len(kept), SIDE // size
    rows = kept.reshape(n, size, block, SIDE * 4).mean(2)
    return rows.reshape(n, size, size, block, 4).mean(3)


def scene(small: Array, ground: str, mirrored: bool) -> Array:
    """What `shrunk` gives, pasted on a ground: `(n, 3, size, size)`, uint8."""
    kept = small[:, :, ::-1] if mirrored else small
    colour = np.array(GROUNDS[ground], dtype=np.float32)
    pasted = 255.0 * kept[..., :3] + (1.0 - kept[..., 3:]) * colour
    return pasted.round().astype(np.uint8).transpose(0, 3, 1, 2)


@functools.lru_cache(maxsize=2)
def read(root: str) -> Drawings:
    """The drawings below `data.root`. Raises `ConfigError` where the file is missing, damaged, or holds something
    else."""
    path = Path(root).expanduser() / FILE
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in ARRAYS}
    except FileNotFoundError:
        raise ConfigError(
            f"data.root={root}: got no {FILE} in it, expected the drawings of emoji. Remedy: python"
            f" scripts/prepare_emoji.py {path} makes them from Debian's packages or a font; or name the folder that"
            f" holds {FILE} by data.root=DIR or SADDLEGAN_DATA."
        ) from None
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise _refused(path, f"a file that cannot be read ({error})", f"a .npz with {', '.join(ARRAYS)}") from None
    images, name, group = arrays.values()
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (SIDE, SIDE, 4):
        raise _refused(path, f"images as {images.dtype} {images.shape}", f"uint8 (n, {SIDE}, {SIDE}, 4)")
    if any(of.dtype.kind != "U" or of.shape != (len(images),) for of in (name, group)):
        raise _refused(path, f"name {name.dtype} {name.shape}, group {group.dtype} {group.shape}", "a text per drawing")
    groups = np.unique(group)
    if len(groups) != GROUPS:
        raise _refused(path, f"{len(groups)} groups", f"{GROUPS}, the classes")
    numbers = np.searchsorted(groups, group)
    if (few := np.bincount(numbers) < 2).any():
        raise _refused(path, f"one drawing in the group {groups[few][0]}", "two or more, since one is for test")
    if 2 * held_out(numbers).sum() < FEWEST:
        expected = f"{FEWEST * HELD_OUT // 2} or so, for {FEWEST} test scenes on each ground"
        raise _refused(path, f"{len(images)} drawings", expected)
    return Drawings(images, [str(word) for word in name], numbers)


def _refused(path: Path, got: str, expected: str) -> ConfigError:
    return ConfigError(
        f"{path}: got {got}, expected {expected}. Remedy: delete it, and make it again by scripts/prepare_emoji.py."
    )
