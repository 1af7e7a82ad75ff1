"""A metric over the settings of each method of a search: all of them, and the best one by budget."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from saddlegan.figures.canvas import GREY, LINES, grid

STYLES = ("-", "--", ":")


def spread_figure(
    found: Mapping[str, Sequence[float]], budgets: Mapping[str, NDArray], metric: str, floor: float | None = None
) -> Figure:
    """Left, a dot for each setting of a method, and a bar at their median; those that diverged are left out. Right, of
    each method the median of the best of so many settings `(settings,)`. `floor`, that of real data, is dotted."""
    figure, axes = grid(2, width=4.6, height=4.0)
    for place, (method, values) in enumerate(found.items()):
        color, line = LINES[place % len(LINES)], STYLES[place // len(LINES) % len(STYLES)]
        kept = np.array([value for value in values if np.isfinite(value)])
        axes[0].scatter(kept, np.full(len(kept), place), s=14, color=color, alpha=0.6, linewidths=0)
        if np.isfinite(middle := budgets[method][0]):
            axes[0].plot([middle, middle], [place - 0.3, place + 0.3], color=color, linewidth=2.0)
        best = budgets[method]
        shown = np.where(np.isfinite(best), best, np.nan)
        axes[1].plot(np.arange(1, len(best) + 1), shown, label=method, color=color, linestyle=line)
    every = np.concatenate([np.asarray(values, dtype=float) for values in found.values()])
    scale = "log" if (every[np.isfinite(every)] > 0).all() else "linear"
    axes[0].set_yticks(range(len(found)), list(found))
    axes[0].invert_yaxis()
    axes[0].set(xscale=scale, xlabel=metric, title="every setting")
    axes[1].set(yscale=scale, ylabel=metric, xlabel="settings tried", title="the best of so many, median")
    if floor is not None and floor > 0:
        axes[0].axvline(floor, color=GREY, linewidth=0.8, linestyle=":")
        axes[1].axhline(floor, color=GREY, linewidth=0.8, linestyle=":")
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure
