"""A metric as a map over two settings, at one time or through training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from numpy.typing import NDArray

from saddlegan.figures.canvas import INK, grid, log_colors, short

STRONG = 5.0  # where the colours of maps through training saturate: they have no numbers


@dataclass(frozen=True)
class Heatmap:
    """One panel of `heatmap_figure`: positive `values` (len(y), len(x)); infinite, or NaN where there is none."""

    title: str
    x: Sequence[object]
    y: Sequence[object]
    values: NDArray


def heatmap_figure(
    panels: Sequence[Heatmap],
    x_label: str,
    y_label: str,
    value_label: str,
    *,
    ratio: bool = True,
    higher_is_better: bool = False,
) -> Figure:
    """Map of a positive value over two settings, one panel per optimizer, the number in every cell.

    `ratio`: log colours centred at 1, blue for better than the reference, orange for worse, saturated at
    `LARGEST_RATIO`; else log colours from the least to the greatest value. An infinite value (every seed
    diverged) reads "div." in the colour of the worst; a cell without a value is grey.
    """
    columns, rows = max(len(panel.x) for panel in panels), max(len(panel.y) for panel in panels)
    figure, axes = grid(len(panels), width=max(3.4, 0.62 * columns + 1.0), height=0.44 * rows + 1.3)
    colors = log_colors([panel.values for panel in panels], ratio, higher_is_better)
    for ax, panel in zip(axes, panels, strict=True):
        shades = _shades(colors, panel, higher_is_better)
        ax.imshow(shades, origin="lower", aspect="auto")
        for (row, column), value in np.ndenumerate(panel.values):
            color = "white" if shades[row, column, :3] @ (0.3, 0.6, 0.1) < 0.55 else INK
            ax.text(column, row, _cell(value), ha="center", va="center", fontsize=8.5, color=color)
        ax.set_xticks(range(len(panel.x)), [short(value) for value in panel.x])
        ax.set_yticks(range(len(panel.y)), [short(value) for value in panel.y])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set(title=panel.title, xlabel=x_label, ylabel=y_label)
    figure.suptitle(value_label, fontsize=11, color=INK, x=0.01, ha="left")
    return figure


def timeline_figure(
    rows: Sequence[Sequence[Heatmap]],
    stops: Sequence[int],
    x_label: str,
    y_label: str,
    value_label: str,
    *,
    higher_is_better: bool = False,
) -> Figure:
    """Maps of a ratio to the reference through training: a row per optimizer, a column per stop, colours on one scale
    that saturates at `STRONG`; the numbers of the last column are those of `heatmap_figure`."""
    height, width = len(rows), len(stops)
    figure = Figure(figsize=(1.4 * width + 1.6, 1.4 * height + 1.0), layout="constrained")
    FigureCanvasAgg(figure)
    colors = log_colors([panel.values for row in rows for panel in row], True, higher_is_better, STRONG)
    for k, row in enumerate(rows):
        for column, (panel, stop) in enumerate(zip(row, stops, strict=True)):
            ax = figure.add_subplot(height, width, k * width + column + 1)
            ax.imshow(_shades(colors, panel, higher_is_better), origin="lower", aspect="auto")
            ax.set_xticks(range(len(panel.x)), [short(value) for value in panel.x] if k == height - 1 else [])
            ax.set_yticks(range(len(panel.y)), [short(value) for value in panel.y] if not column else [])
            ax.tick_params(length=0, labelsize=7.5)
            ax.tick_params(axis="x", rotation=90)
            ax.spines[:].set_visible(False)
            if not k:
                ax.set_title(f"{stop} iterations", size=9, color=INK)
            if not column:
                ax.set_ylabel("\n".join([*panel.title.split(" · "), y_label]), size=8.5)
            if k == height - 1:
                ax.set_xlabel(x_label, size=8.5)
    bar = figure.colorbar(colors, ax=figure.axes, shrink=0.8, pad=0.01)
    limit = colors.get_clim()[1] or 0.0
    ticks = [tick for tick in (0.2, 0.5, 1, 2, 5) if abs(np.log10(tick)) <= limit + 1e-9]
    bar.set_ticks(list(np.log10(ticks)), labels=[f"{tick:g}" for tick in ticks])
    bar.outline.set_visible(False)
    figure.suptitle(value_label, fontsize=11, color=INK, x=0.01, ha="left")
    return figure


def _shades(colors: ScalarMappable, panel: Heatmap, higher_is_better: bool) -> NDArray:
    """The colour of each cell, `(y, x, 4)`."""
    known = np.where(panel.values > 0, panel.values, np.nan)
    worst = np.finfo(float).tiny if higher_is_better else np.inf
    return colors.to_rgba(np.log10(np.where(np.isinf(known), worst, known)))


def _cell(value: float) -> str:
    return short(value) if np.isfinite(value) else "–" if np.isnan(value) else "div."
