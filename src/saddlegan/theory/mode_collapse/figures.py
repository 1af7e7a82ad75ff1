"""Pictures of mode collapse: samples over the discriminator's landscape, occupied modes, singular values, coverage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from saddlegan.figures.canvas import BLUE, GREY, INK, LINES, ORANGE, SEQUENTIAL, grid
from saddlegan.reporting.statistics import Estimate


@dataclass(frozen=True)
class Landscape:
    """A discriminator's `logits` (k, k), rows by y, over `axis` (k,) twice; samples (n, 2); its highest point (2,)."""

    title: str
    axis: NDArray
    logits: NDArray
    samples: NDArray
    top: NDArray


def landscape_figure(landscapes: Sequence[Landscape], modes: NDArray) -> Figure:
    """Samples (orange) over the contours of D's logits (darker: higher), the `modes` (rings) and argmax D (cross)."""
    figure, axes = grid(len(landscapes), width=3.9, height=3.9)
    for ax, one in zip(axes, landscapes, strict=True):
        ax.contourf(one.axis, one.axis, one.logits, levels=14, cmap=SEQUENTIAL)
        ax.plot(*modes.T, "o", color=INK, markersize=9, fillstyle="none", markeredgewidth=0.8, label="modes")
        ax.plot(*one.top, "x", color=INK, markersize=10, markeredgewidth=2.0, label="argmax D")
        ax.plot(*one.samples.T, ".", color=ORANGE, markersize=3.5, label="samples")
        limit = one.axis[-1]
        ax.set(title=one.title, xlabel="x", ylabel="y", aspect="equal", xlim=(-limit, limit), ylim=(-limit, limit))
    place = {"loc": "outside lower center", "ncols": 3, "frameon": False}
    figure.legend(*axes[0].get_legend_handles_labels(), fontsize=9, **place)
    return figure


def rounds_figure(
    occupied: Mapping[str, NDArray], singular: Mapping[str, NDArray], covered: Mapping[str, Estimate], modes: int
) -> Figure:
    """Occupied mode (rounds, seeds) of two methods; singular values (n, 2); modes covered by method, of `modes`."""
    figure, axes = grid(4, width=3.9, height=3.5)
    for ax, (title, paths) in zip(axes, occupied.items(), strict=False):
        rounds = np.arange(1, len(paths) + 1)
        for seed, color in zip(range(3), LINES, strict=False):
            ax.plot(rounds, paths[:, seed] + 1 + 0.1 * (seed - 1), "o-", color=color, markersize=4, linewidth=1.0)
        ax.set(title=title, xlabel="round", ylabel="occupied mode, around the ring", ylim=(0.5, modes + 0.5))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _singular(axes[2], singular)
    _covered(axes[3], covered, modes)
    return figure


def _singular(ax: Axes, singular: Mapping[str, NDArray]) -> None:
    """Distribution functions: the larger value solid, the smaller one dotted."""
    for (label, values), color in zip(singular.items(), (GREY, BLUE), strict=True):
        for column, style in ((0, "-"), (1, ":")):
            ordered = np.sort(values[:, column])
            levels = np.linspace(0, 100, len(ordered))
            ax.plot(ordered, levels, style, color=color, linewidth=1.6, label=label if column == 0 else None)
    ax.set(title="frozen discriminator", xlabel="singular values of dG/dz", ylabel="at so many % of latents: below")
    ax.set_xscale("log")
    ax.legend(fontsize=9, labelcolor="linecolor", frameon=False, handlelength=1.2, loc="upper left")


def _covered(ax: Axes, covered: Mapping[str, Estimate], modes: int) -> None:
    for row, (name, found) in enumerate(covered.items()):
        color = ORANGE if row else GREY
        ax.plot([found.low, found.high], [row, row], color=color, linewidth=1.8)
        ax.plot(found.value, row, "o", color=color, markersize=5)
        ax.text(found.high + 0.25, row, name, fontsize=8, color=color, va="center")
    ax.axvline(modes, color=GREY, linewidth=0.8, linestyle=":")
    ax.set(title="mean over rounds", xlabel=f"modes covered, of {modes}", xlim=(0, modes + 0.5), yticks=[])
    ax.invert_yaxis()
