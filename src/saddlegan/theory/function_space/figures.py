"""Pictures of the method in function space: limits of the step, shares of starts, distances, and the phase plane."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from saddlegan.figures.canvas import GREY, INK, LINES, grid, legend_below
from saddlegan.theory.function_space.finite_support import SCHEMES, Distances


def limit_figure(
    sizes: Sequence[int], derived: Tensor, simulated: Tensor, factors: NDArray, last: NDArray, mean: NDArray
) -> Figure:
    """Limits (n, scheme, geometry); shares of the last and the averaged iterate (scheme, geometry, factor)."""
    figure, axes = grid(4, width=3.9, height=3.9)
    p = 1 / np.array(sizes)
    for ax, geometry, title in zip(axes[:2], (0, 2), ("p_g >= 0: limit", "multiplicative weights: limit"), strict=True):
        for scheme, (name, color) in enumerate(zip(SCHEMES, LINES, strict=False)):
            ax.plot(p, derived[:, scheme, geometry], color=GREY, linewidth=1.0, linestyle="--")
            ax.plot(p, simulated[:, scheme, geometry], "o", color=color, markersize=5, label=name)
        ax.set(title=title, xlabel="p = 1/n", ylabel="largest constant step", xscale="log", yscale="log")
        ax.set_xticks(p, [f"1/{n}" for n in sizes])
        ax.set_yticks([0.1, 0.2, 0.5, 1, 2, 4], ["0.1", "0.2", "0.5", "1", "2", "4"])
        ax.minorticks_off()
        ax.plot([], [], color=GREY, linewidth=1.0, linestyle="--", label="closed form")
    titles = ("p_g >= 0: random starts", "multiplicative weights: random starts")
    for ax, geometry, title in zip(axes[2:], (0, 2), titles, strict=True):
        for scheme, (name, color) in enumerate(zip(SCHEMES, LINES, strict=False)):
            ax.plot(factors, 100 * last[scheme, geometry], ".-", color=color, linewidth=1.3, label=name)
            ax.plot(factors, 100 * mean[scheme, geometry], ":", color=color, linewidth=1.8)
        ax.axvline(1, color=GREY, linewidth=1.0, linestyle="--")
        ax.plot([], [], ":", color=INK, linewidth=1.8, label="averaged iterate")
        ax.set(title=title, xlabel="step / local limit", ylabel="starts that converge, %", ylim=(-3, 103))
    for ax in axes:
        legend_below(ax)
    return figure


def path_figure(paths: Mapping[str, tuple[Distances, int]], traces: Mapping[str, NDArray]) -> Figure:
    """By title: two of distances (t, scheme, geometry, step, seed) with the index of the step that is drawn, at
    p_g >= 0; then two of D and q of one of eight points, (t, 2)."""
    figure, axes = grid(4, width=3.9, height=3.9)
    for ax, (title, (found, at)) in zip(axes[:2], paths.items(), strict=True):
        for scheme, (name, color) in enumerate(zip(SCHEMES, LINES, strict=False)):
            for part, style in ((found.last, "-"), (found.mean, ":")):
                middle = part[:, scheme, 0, at].median(-1).values.clamp(min=1e-6)
                ax.plot(
                    found.iterations, middle, style, color=color, linewidth=1.5, label=name if style == "-" else None
                )
        ax.plot([], [], ":", color=INK, linewidth=1.5, label="averaged iterate")
        ax.set(title=title, xlabel="iteration", ylabel="distance to equilibrium", xscale="log", yscale="log")
        legend_below(ax)
    for ax, (title, points) in zip(axes[2:], traces.items(), strict=True):
        ax.plot(*points.T, ".-", color=LINES[0], linewidth=0.8, markersize=4)
        ax.plot(*points[0], "o", color=INK, markersize=5)
        ax.plot(0.5, 1 / 8, "+", color=LINES[1], markersize=12, markeredgewidth=2)
        ax.set(title=title, xlabel="D of one point", ylabel="p_g of that point")
    return figure
