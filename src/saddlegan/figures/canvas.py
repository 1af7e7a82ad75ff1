"""The look of every figure: palette, styled axes, colours of a map, quartiles, saving."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from saddlegan.files import write_whole

INK, GREY, PALE = "#1f2328", "#6e7781", "#d8dee4"
BLUE, ORANGE = "#2f6fab", "#c8581a"
LINES = (BLUE, ORANGE, "#3d8b5f", "#8a5fa8", "#a67c00", "#4d4d4d")
DIVERGING = LinearSegmentedColormap.from_list("better-worse", [BLUE, "#a9c9e6", "#f7f7f5", "#f0bd9c", "#a63d0a"])
SEQUENTIAL = LinearSegmentedColormap.from_list("low-high", ["#f4f7fa", "#a9c9e6", BLUE, "#173a5c"])
DPI = 150  # of every PNG
COLORS = 256  # that a PNG has at most: half the bytes of all colours, and no difference to see
LARGEST_RATIO = 100.0  # colours saturate here; the number in the cell does not


def grid(count: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of `count` styled axes, at most two in a row: narrow enough for a phone."""
    columns = min(count, 2)
    rows = -(-count // columns)
    figure = Figure(figsize=(columns * width, rows * height + 0.3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(rows, columns, i + 1) for i in range(count)]
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(GREY)
        ax.tick_params(colors=INK, labelsize=9, color=GREY)
        ax.xaxis.label.set(size=10, color=INK)
        ax.yaxis.label.set(size=10, color=INK)
        ax.title.set(size=11, color=INK)
    return figure, axes


def legend_below(ax: Axes) -> None:
    """A frameless legend under the axes, at their left, its words in the colour of what they name."""
    place = {"loc": "upper left", "bbox_to_anchor": (0, -0.17), "frameon": False}
    ax.legend(fontsize=9, labelcolor="linecolor", handlelength=1.4, **place)


def save_png(figure: Figure, path: Path) -> Path:
    """Write `figure` to `path` whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI, facecolor="white")
    with write_whole(path) as partial, Image.open(drawn) as image:
        image.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(partial, "PNG", optimize=True)
    return path


def log_colors(
    values: Sequence[NDArray], ratio: bool, higher_is_better: bool, largest: float = LARGEST_RATIO
) -> ScalarMappable:
    """The colour of a logarithm to base 10, on one scale for all panels, for a ratio up to `largest`; grey for NaN."""
    pooled = np.concatenate([panel[np.isfinite(panel) & (panel > 0)] for panel in values])
    low, high = np.log10((pooled.min(), pooled.max())) if pooled.size else (0.0, 1.0)
    if ratio:
        high = float(np.clip(max(-low, high), np.log10(2), np.log10(largest)))
        low = -high
    colors = (DIVERGING.reversed() if higher_is_better else DIVERGING) if ratio else SEQUENTIAL
    return ScalarMappable(Normalize(low, high), colors.with_extremes(bad=PALE))


def quartiles(values: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Lower quartile, median, upper quartile over the first axis; NaN only where every seed is NaN."""
    finite = [column[np.isfinite(column)] for column in values.T]
    quantiles = np.array([np.quantile(v, (0.25, 0.5, 0.75)) if v.size else (np.nan,) * 3 for v in finite])
    return quantiles[:, 0], quantiles[:, 1], quantiles[:, 2]


def short(value: object) -> str:
    """A label of few characters: 0.03, 12, 1.5e3."""
    if not isinstance(value, int | float | np.number):
        return str(value)
    return f"{value:.2g}" if abs(float(value)) < 100 else f"{value:.0f}" if abs(float(value)) < 1e4 else f"{value:.0e}"
