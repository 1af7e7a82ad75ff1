"""Pictures of `optimal_discriminator`: D* against a grid and networks; the generator's cost and descents of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from saddlegan.figures.canvas import BLUE, GREY, INK, LINES, ORANGE, SEQUENTIAL, grid, legend_below, quartiles


@dataclass(frozen=True)
class Descents:
    """C(G) found and in theory, (means, scales); where each descent ended, and its path (steps, 2) of mu, log scale."""

    means: NDArray
    scales: NDArray
    cost: NDArray
    theory: NDArray
    lowest: Sequence[float]
    paths: Sequence[NDArray]

    @property
    def ends(self) -> NDArray:
        """(starts, 3): C(G), mu and log scale at each end."""
        return np.array([[low, *path[-1]] for low, path in zip(self.lowest, self.paths, strict=True)])


def discriminator_figure(
    x: NDArray,
    optimum: NDArray,
    free: NDArray,
    networks: NDArray,
    marks: Sequence[int],
    distances: Mapping[int, NDArray],
) -> Figure:
    """`optimum`, `free` (len(x),) and `networks` (seeds, len(x)); `distances` (marks, seeds) by number of samples."""
    figure, (ax, right) = grid(2, width=3.8, height=3.2)
    ax.fill_between(x, networks.min(0), networks.max(0), color=BLUE, alpha=0.25, linewidth=0)
    ax.plot(x, np.median(networks, axis=0), color=BLUE, linewidth=1.4, label="networks")
    ax.plot(x, optimum, color=GREY, linewidth=1.2, linestyle="--", label="p / (p + q)")
    ax.plot(x[::25], free[::25], ".", color=ORANGE, markersize=5, label="optimised on the grid")
    ax.set(title="discriminator", xlabel="x", ylabel="D(x)", ylim=(-0.02, 1.0), xlim=(-5, 5))
    for (count, values), color in zip(distances.items(), LINES[2:], strict=False):
        low, median, high = quartiles(values.T)
        right.fill_between(marks, low, high, color=color, alpha=0.2, linewidth=0)
        right.plot(marks, median, color=color, linewidth=1.6, label=f"{count} samples")
    right.set(
        title="distance to the optimum", xlabel="step of Adam", ylabel="mean |D - D*|", xscale="log", yscale="log"
    )
    for each in (ax, right):
        legend_below(each)
    return figure


def cost_figure(descents: Descents) -> Figure:
    """Cuts through C(G) at several scales; all of it, with the descents."""
    figure, (ax, right) = grid(2, width=3.8, height=3.4)
    middle = len(descents.scales) // 2
    for column, color in zip((0, middle, -1), LINES, strict=False):
        ax.plot(descents.means, descents.theory[:, column], color=GREY, linewidth=1.1, linestyle="--")
        label = f"scale {descents.scales[column]:g}"
        ax.plot(descents.means, descents.cost[:, column], ".", color=color, markersize=6, label=label)
    ax.axhline(-np.log(4.0), color=INK, linewidth=0.7)
    ax.text(descents.means[0], -np.log(4.0), "-log 4", color=INK, fontsize=9, va="bottom")
    ax.plot([], [], color=GREY, linewidth=1.1, linestyle="--", label="2 JSD - log 4")
    ax.set(title="cost at the optimal D", xlabel="mean of q", ylabel="C(G), nats", ylim=(-1.45, 0.0))
    legend_below(ax)
    levels = np.arange(-1.4, 0.01, 0.2)
    right.contourf(descents.means, descents.scales, descents.cost.T, levels=levels, cmap=SEQUENTIAL, alpha=0.8)
    lines = right.contour(
        descents.means,
        descents.scales,
        descents.cost.T,
        levels=levels[1::2],
        colors=INK,
        linewidths=0.6,
        linestyles="solid",
    )
    right.clabel(lines, fontsize=9, fmt="%.1f")
    for path in descents.paths:
        right.plot(path[:, 0], np.exp(path[:, 1]), ".-", color=ORANGE, linewidth=0.9, markersize=3, alpha=0.8)
    right.plot(0, 1, "+", color=INK, markersize=11, markeredgewidth=1.8)
    right.set(title="C(G) and its descents", xlabel="mean of q", ylabel="scale of q", yscale="log")
    right.set_yticks(ticks := [0.5, 1.0, 2.0], [f"{tick:g}" for tick in ticks])
    right.minorticks_off()
    return figure
