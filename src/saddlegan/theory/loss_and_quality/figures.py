"""Pictures of losses against quality along runs, and of a random search."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from saddlegan.figures.canvas import GREY, LINES, grid
from saddlegan.reporting.statistics import Estimate


class Losses(Protocol):
    """One run, over its evaluations `(n,)`."""

    @property
    def setting(self) -> str: ...
    @property
    def quality(self) -> NDArray: ...
    @property
    def generator_loss(self) -> NDArray: ...
    @property
    def discriminator_loss(self) -> NDArray: ...


def tracks_figure(tracks: Sequence[Losses]) -> Figure:
    """Frechet distance against each player's loss: a line per run, coloured by setting, a dot at its end."""
    figure, (left, right) = grid(2, width=3.7, height=3.6)
    colors = dict(zip(dict.fromkeys(track.setting for track in tracks), cycle(LINES), strict=False))
    for track in tracks:
        for ax, loss in ((left, track.generator_loss), (right, track.discriminator_loss)):
            ax.plot(loss, track.quality, color=colors[track.setting], linewidth=0.9, alpha=0.7)
            ax.plot(loss[-1:], track.quality[-1:], "o", color=colors[track.setting], markersize=4)
    for ax, player in ((left, "generator"), (right, "discriminator")):
        ax.set(yscale="log", xlabel=f"{player}'s loss")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter(NullFormatter())
    left.set_xscale("symlog", linthresh=1.0)  # a generator that stays blank has a loss of hundreds
    left.xaxis.set_major_formatter("{x:g}")
    left.set_ylabel("Frechet distance to the data")
    handles = [left.plot([], [], color=color)[0] for color in colors.values()]
    place = {"loc": "outside lower left", "fontsize": 8.5, "frameon": False, "labelcolor": "linecolor"}
    figure.legend(handles, list(colors), **place)
    return figure


def search_figure(
    methods: Sequence[str],
    rhos: NDArray,
    ends: NDArray,
    best: Mapping[str, Sequence[Estimate]],
    budgets: Sequence[int],
    level: float,
) -> Figure:
    """Share of settings below each correlation, `rhos` (2, methods, settings), and below each final W1, `ends`
    (methods, settings, seeds), with a line at `level`; expected best against budget, with 95 % bands."""
    figure, (generator, discriminator, left, right) = grid(4, width=3.7, height=2.9)
    for k, (name, color) in enumerate(zip(methods, LINES, strict=False)):
        for ax, rho in ((generator, rhos[0, k]), (discriminator, rhos[1, k])):
            _below(ax, rho[np.isfinite(rho)], color)
        low, value, high = np.array([(one.low, one.value, one.high) for one in best[name]]).T
        left.fill_between(budgets, low, high, color=color, alpha=0.16, linewidth=0)
        left.plot(budgets, value, color=color, linewidth=1.6)
        generator.text(0.04, 0.95 - 0.09 * k, name, color=color, fontsize=9, transform=generator.transAxes)
        _below(right, ends[k].mean(-1), color)
    for ax, player in ((generator, "generator"), (discriminator, "discriminator")):
        ax.set(xlabel=f"rho of the {player}'s loss and W1", ylabel="share of settings below", xlim=(-1, 1))
        ax.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
    left.set(xscale="log", yscale="log", xlabel="budget: random settings", ylabel="expected best W1, stds")
    left.set_xticks(budgets, [str(budget) for budget in budgets])
    left.xaxis.set_minor_formatter(NullFormatter())
    right.axvline(level, color=GREY, linewidth=0.8, linestyle=":")
    right.set(xscale="log", xlabel="final W1, stds", ylabel="share of settings below")
    return figure


def _below(ax: Axes, values: NDArray, color: str) -> None:
    ax.step(np.sort(values), (np.arange(values.size) + 1) / values.size, where="post", color=color, linewidth=1.6)
