"""Images on a sheet: tiled into one array each, placed to the pixel, so that every image is enlarged evenly."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from saddlegan.figures.canvas import DPI, INK

PAPER = 255  # between images
WIDTH = 1400  # pixels that a sheet aims at: about 1.5 times a page's column
LINES = 56  # letters are as high as a sheet's width over this: a page scales sheets to one width, and text with them
LETTER, WIDE_LETTER, LINE = 0.58, 0.64, 1.45  # width of a letter, of a wide one, distance of lines, over their height


def tile(images: NDArray, gap: int) -> NDArray:
    """`(rows, columns, height, width)` -> `(y, x)`, `gap` pixels of paper between neighbours; a last axis of colours
    stays."""
    rows, columns, height, width, *colours = images.shape
    padded = np.full((rows, columns, height + gap, width + gap, *colours), PAPER, dtype=images.dtype)
    padded[:, :, :height, :width] = images
    sheet = padded.swapaxes(1, 2).reshape(rows * (height + gap), columns * (width + gap), *colours)
    return sheet[: rows * (height + gap) - gap, : columns * (width + gap) - gap]


def enlarged(images: NDArray, scale: int) -> NDArray:
    """Every pixel of `(rows, columns, height, width)`, or of that with colours, `scale` times in both directions."""
    return images.repeat(scale, axis=2).repeat(scale, axis=3)


def in_colour(array: NDArray) -> NDArray:
    """`(y, x)` of grey, or `(y, x, 3)` of red, green and blue, as the latter."""
    return np.dstack([array] * 3) if array.ndim == 2 else array


def wrapped(text: str, characters: int) -> list[str]:
    """`text` in lines of at most `characters` where its parts, joined by ` · `, or else their words, allow it."""
    lines: list[str] = []
    by_words = textwrap.TextWrapper(max(characters, 1), break_long_words=False, break_on_hyphens=False)
    for part in chain.from_iterable(by_words.wrap(part) for part in text.split(" · ")):
        if lines and len(lines[-1]) + 3 + len(part) <= characters:
            lines[-1] += f" · {part}"
        else:
            lines.append(part)
    return lines


@dataclass
class Sheet:
    """Pixel arrays and lines of text by the place of their upper left corner; `figure` draws them, one pixel to one."""

    width: int
    height: int = 0
    arrays: list[tuple[int, int, NDArray]] = field(default_factory=list)
    texts: list[tuple[float, float, str, dict[str, object]]] = field(default_factory=list)

    @property
    def line(self) -> int:
        """The distance of lines of text in pixels."""
        return max(27, round(LINE * self.width / LINES))

    @property
    def font(self) -> float:
        """The size of text in points."""
        return self.line / LINE * 72 / DPI

    def characters(self, width: int) -> int:
        """How many characters of an average text fit into `width` pixels."""
        return int(width / (LETTER * self.line / LINE))

    def place(self, x: int, y: int, array: NDArray) -> None:
        self.arrays.append((x, y, array))
        self.height = max(self.height, y + array.shape[0])

    def write(self, x: float, y: float, lines: Sequence[str], **style: object) -> None:
        """Lines of text, the first one's top at `y`."""
        for i, line in enumerate(lines):
            self.texts.append((x, y + i * self.line, line, style))
        self.height = max(self.height, round(y + len(lines) * self.line))

    def figure(self, margin: int = 16) -> Figure:
        width, height = self.width + 2 * margin, self.height + 2 * margin
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
        FigureCanvasAgg(figure)
        for x, y, array in self.arrays:
            rows, columns = array.shape[:2]
            place = ((x + margin) / width, 1 - (y + margin + rows) / height, columns / width, rows / height)
            ax = figure.add_axes(place)
            ax.set_axis_off()
            ax.imshow(in_colour(array), interpolation="nearest", aspect="auto")
        for x, y, text, style in self.texts:
            look = {"fontsize": self.font, "color": INK, "va": "top", "parse_math": False} | style
            figure.text((x + margin) / width, 1 - (y + margin) / height, text, **look)  # type: ignore[arg-type]
        return figure
