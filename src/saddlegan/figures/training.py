"""What happens over seeds: a metric through training, and the discriminator's curve."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from saddlegan.figures.canvas import GREY, LINES, grid, legend_below, quartiles

#: Of a line of the legend.
LETTERS = 70


@dataclass(frozen=True)
class Curve:
    """What seeds have along `x` (t,), iterations or places: `values` (seeds, t); NaN where a seed has diverged."""

    label: str
    x: NDArray
    values: NDArray


def training_figure(
    curves: Sequence[Curve], metric: str, threshold: float | None = None, along: str = "iteration"
) -> Figure:
    """`metric` through training, or `along` something else, on a log axis: median and quartile band over seeds, a line
    per run.

    `threshold` draws a level below which a run counts as converged.
    """
    figure, (ax,) = grid(1, width=6.4, height=4.0)
    ends = []
    for curve, color in zip(curves, cycle(LINES), strict=False):
        median = _draw(ax, curve, np.where(curve.values > 0, curve.values, np.nan), color)
        ends.append(median[-1] if np.isfinite(median[-1]) else np.inf)
    ax.set_yscale("log")
    ax.set(xlabel=along, ylabel=metric)
    ax.set_title("median and quartiles over seeds", loc="left", size=9, color=GREY)
    ax.margins(x=0)
    if threshold is not None:
        ax.axhline(threshold, color=GREY, linewidth=0.8, linestyle=":")
    _name_lines(ax, np.array(ends))
    return figure


def discriminator_figure(curves: Sequence[Curve]) -> Figure:
    """D(x): median over seeds and the band between the quartiles, a line per run."""
    figure, (ax,) = grid(1, width=5.6, height=3.4)
    for curve, color in zip(curves, cycle(LINES), strict=False):
        _draw(ax, curve, curve.values, color)
    ax.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    ax.set(xlabel="x", ylabel="D(x)")
    ax.set_title("median and quartiles over seeds", loc="left", size=9, color=GREY)
    ax.margins(x=0)
    legend_below(ax)
    return figure


def _draw(ax: Axes, curve: Curve, values: NDArray, color: str) -> NDArray:
    """The median over seeds, which is returned, and the band between the quartiles."""
    low, median, high = quartiles(values)
    ax.fill_between(curve.x, low, high, color=color, alpha=0.16, linewidth=0)
    ax.plot(curve.x, median, color=color, linewidth=1.8, label=curve.label)
    return median


def _name_lines(ax: Axes, ends: NDArray) -> None:
    """A legend below the axes, in the order and colours in which the lines end, from the top."""
    handles, labels = ax.get_legend_handles_labels()
    order = np.argsort(ends, kind="stable")[::-1]
    names = [labels[i] if np.isfinite(ends[i]) else f"{labels[i]} (every seed diverged)" for i in order]
    names = [textwrap.fill(name, LETTERS) for name in names]  # a longer line would leave the axes no room
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.set_figheight(figure.get_figheight() + 0.19 * sum(name.count("\n") for name in names))
    place = {"loc": "upper left", "bbox_to_anchor": (0, -0.16), "frameon": False}
    ax.legend([handles[i] for i in order], names, fontsize=9, labelcolor="linecolor", handlelength=1.2, **place)
