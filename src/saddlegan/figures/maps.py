"""A metric as a map over two settings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from saddlegan.figures.canvas import INK, grid, log_colors, short


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
    worst = np.finfo(float).tiny if higher_is_better else np.inf
    for ax, panel in zip(axes, panels, strict=True):
        known = np.where(panel.values > 0, panel.values, np.nan)
        shades = colors.to_rgba(np.log10(np.where(np.isinf(known), worst, known)))
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


def _cell(value: float) -> str:
    return short(value) if np.isfinite(value) else "–" if np.isnan(value) else "div."
