"""Pictures of the game x*y: paths, distances, and rates against the step."""

from itertools import cycle, pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from saddlegan.figures.canvas import GREY, INK, LINES, grid, legend_below

Curves = dict[str, NDArray]


def path_figure(plain: Curves, cured: Curves, means: dict[str, tuple[NDArray, float]]) -> Figure:
    """Paths x + iy from iteration 0: `plain` stay or leave, `cured` converge. `means`: averages of paths from iteration
    1, each with the power of t that its distance follows in theory."""
    figure, axes = grid(4, width=3.9, height=4.1)
    colors = dict(zip(plain | cured, cycle(LINES), strict=False))
    for ax, paths, title in zip(
        axes[:2], (plain, cured), ("gradient descent, step 0.2", "remedies, step 0.2"), strict=True
    ):
        for name, points in paths.items():
            ax.plot(np.real(points[:60]), np.imag(points[:60]), color=colors[name], linewidth=1.3, label=name)
        ax.plot(0, 0, "+", color=INK, markersize=9)
        ax.plot(1, 1, "o", color=INK, markersize=4)
        ax.set(title=title, xlabel="x (descends)", ylabel="y (ascends)", aspect="equal")
    for name, points in (plain | cured).items():
        axes[2].plot(np.abs(points), color=colors[name], linewidth=1.3, label=name)
    axes[2].set(title="path", xlabel="iteration", ylabel="distance to (0, 0)", yscale="log", ylim=(1e-2, 1e4))
    for (name, (points, power)), color in zip(means.items(), LINES, strict=False):
        _mean(axes[3], np.abs(points), power, color, name)
    axes[3].plot([], [], color=GREY, linewidth=1.0, linestyle="--", label="theory")
    axes[3].set(
        title="average of the path", xlabel="iteration", ylabel="distance to (0, 0)", xscale="log", yscale="log"
    )
    for ax in axes:
        legend_below(ax)
    return figure


def _mean(ax: Axes, distances: NDArray, power: float, color: str, name: str) -> None:
    """The largest distance in each of logarithmic bins, and the power of t from its last bin back."""
    edges = np.unique(np.geomspace(1, distances.size + 1, 40).astype(int))
    peaks = np.array([distances[low - 1 : high - 1].max() for low, high in pairwise(edges)])
    ax.plot(edges[:-1], peaks, color=color, linewidth=1.3, label=name)
    late = edges[:-1][edges[:-1] > 30]
    if np.isfinite(power):
        ax.plot(late, peaks[-1] * (late / late[-1]) ** power, color=GREY, linewidth=1.0, linestyle="--", zorder=3)


def rate_figure(steps: NDArray, measured: Curves, derived: Curves) -> Figure:
    """Rates at `steps`: measured as dots on derived dashed lines."""
    figure, axes = grid(2, width=3.9, height=4.3)
    cured = [name for name in measured if measured[name].min() < 0.999]
    groups = ([name for name in measured if name not in cured], cured)
    for ax, names, title in zip(axes, groups, ("converge at no step", "converge"), strict=True):
        for name, color in zip(names, LINES, strict=False):
            ax.plot(steps, derived[name], color=GREY, linewidth=1.0, linestyle="--", zorder=1)
            ax.plot(steps, measured[name], ".", color=color, markersize=4.5, label=name)
        ax.axhline(1, color=INK, linewidth=0.7)
        ax.plot([], [], color=GREY, linewidth=1.0, linestyle="--", label="theory")
        ax.set(title=title, xlabel="step", ylabel="factor on the distance per iteration", xscale="log")
        ax.set(ylim=(0.75, 1.5))
        ax.set_xticks([0.05, 0.1, 0.2, 0.5, 1, 2], ["0.05", "0.1", "0.2", "0.5", "1", "2"])
        ax.minorticks_off()
        legend_below(ax)
    return figure
