"""Generated images, settings side by side: Figure 2 of the source, and what it does not show.

Images are `(..., height, width)`, or `(..., height, width, 3)` of red, green and blue: uint8, 0 to 255.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from saddlegan.figures.canvas import GREY
from saddlegan.figures.tiles import LINES, WIDE_LETTER, WIDTH, Sheet, enlarged, tile, wrapped

SPACE, GAP = 44, 16  # pixels between panels, and between a panel and the names of its rows
MOST_FRAMES = 8  # columns of `progress_figure`
SIDE = 3  # images along a side of a cell of `progress_figure`


@dataclass(frozen=True)
class ImagePanel:
    """`images` (rows, columns, height, width) under a `title`; `names`: of the rows, where they differ in kind."""

    title: str
    images: NDArray
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Progress:
    """The images of the same latents through training: `through` (frames, n, height, width) at `iterations`."""

    title: str
    through: NDArray
    iterations: NDArray


def square(images: NDArray) -> NDArray:
    """The first images `(n, height, width)` that fill a square: `(side, side, height, width)`."""
    side = int(np.sqrt(len(images)))
    return images[: side * side].reshape(side, side, *images.shape[1:])


def caption_panels(captions: NDArray, captioned: NDArray) -> list[ImagePanel]:
    """A panel for each of the captions (n,), of the images `captioned` (n, rows, columns, height, width)."""
    return [ImagePanel(str(caption), images) for caption, images in zip(captions, captioned, strict=True)]


def class_panel(title: str, images: NDArray, names: NDArray | Sequence[str]) -> ImagePanel:
    """Images `(rows, classes, height, width)`; the `names` of the classes, where they have any, follow the title."""
    return ImagePanel(f"{title} · classes: {', '.join(names)}" if len(names) else title, images)


def image_figure(panels: Sequence[ImagePanel], columns: int | None = None) -> Figure:
    """Panels of images in `columns`, by default so that they make about a square. Images of several sizes, as of the
    levels of a pyramid, are enlarged to about one size."""
    columns = columns or {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3}.get(len(panels), 4)
    wide = max(panel.images.shape[1] * panel.images.shape[3] for panel in panels)
    scale = max(2, round((WIDTH - (columns - 1) * SPACE) / columns / wide))
    scales = _alike(scale, [panel.images for panel in panels])
    arrays = [tile(enlarged(panel.images, own), gap=scale) for panel, own in zip(panels, scales, strict=True)]
    width = max(array.shape[1] for array in arrays)
    label = _label(panels, columns, width)
    sheet = Sheet(columns * (width + label) + (columns - 1) * SPACE)
    for row in range(0, len(panels), columns):
        line = list(zip(panels, arrays, strict=True))[row : row + columns]
        titles = [wrapped(panel.title, sheet.characters(width)) for panel, _ in line]
        top = sheet.height + (SPACE if row else 0)
        below = top + max(map(len, titles)) * sheet.line + 4
        for at, (panel, array) in enumerate(line):
            x = at * (width + label + SPACE)
            sheet.write(x + label, below - 4 - len(titles[at]) * sheet.line, titles[at])
            sheet.place(x + label, below, array)
            for i, name in enumerate(panel.names):
                middle = below + (i + 0.5) * array.shape[0] / len(panel.names)
                sheet.texts.append((x, middle, name, {"va": "center", "color": GREY}))
    return sheet.figure()


def _label(panels: Sequence[ImagePanel], columns: int, width: int) -> int:
    """Pixels for the names of rows beside panels of `width`: text grows with the sheet, and the sheet with its text."""
    longest = max((len(name) for panel in panels for name in panel.names), default=0)
    if not longest:
        return 0
    without = columns * (width + GAP) + (columns - 1) * SPACE
    return round(longest * without / max(LINES / WIDE_LETTER - columns * longest, 1)) + GAP


def progress_figure(rows: Sequence[Progress]) -> Figure:
    """A row per setting, up to `MOST_FRAMES` moments of training from left to right, the same latents in each."""
    chosen = [_moments(row.iterations) for row in rows]
    cells = [square(row.through[0])[:SIDE, :SIDE] for row in rows]
    frames = max(map(len, chosen))
    wide = max(cell.shape[1] * cell.shape[3] for cell in cells)
    scale = max(1, round((WIDTH - (frames - 1) * SPACE / 2) / frames / wide))
    gap = SPACE // 2
    scales = _alike(scale, cells)
    step = max(tile(enlarged(cell, own), gap=scale).shape[1] for cell, own in zip(cells, scales, strict=True)) + gap
    sheet, before = Sheet(frames * step - gap), None
    for row, moments, own in zip(rows, chosen, scales, strict=True):
        iterations = row.iterations[moments].astype(int).tolist()
        title = wrapped(row.title, sheet.characters(sheet.width))
        sheet.write(0, sheet.height + (gap if before else 0), title)
        top = sheet.height + 4
        if iterations != before:
            for at, iteration in enumerate(iterations):
                words = f"iteration {iteration}"
                text = words if at == 0 and len(words) <= sheet.characters(step) else f"{iteration}"
                sheet.texts.append((at * step, top, text, {"color": GREY}))
            top += sheet.line
        before = iterations
        for at, moment in enumerate(moments):
            cell = square(row.through[moment])[:SIDE, :SIDE]
            sheet.place(at * step, top, tile(enlarged(cell, own), gap=scale))
    return sheet.figure()


def _alike(scale: int, images: Sequence[NDArray]) -> list[int]:
    """By how much to enlarge each of several arrays of images, the largest images by `scale`."""
    side = scale * max(array.shape[3] for array in images)
    return [max(scale, round(side / array.shape[3])) for array in images]


def _moments(iterations: NDArray) -> NDArray:
    """Indices of at most `MOST_FRAMES` frames: the first, and then denser where training is young."""
    last = len(iterations) - 1
    return np.unique(np.r_[0, np.geomspace(1, max(last, 1), MOST_FRAMES - 1).round().astype(int)])[: last + 1]
