"""Picture of `objective_gradients`: the generator's gradient and its noise, by distance."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from saddlegan.figures.canvas import GREY, LINES, grid
from saddlegan.theory.objective_gradients.maths import Pull
from saddlegan.theory.shared.densities import Array


def pulls_figure(mu: Array, pulls: Mapping[str, Pull]) -> Figure:
    """The size of the mean gradient and one sample's noise beside it, by distance."""
    figure, axes = grid(2, width=3.7, height=3.5)
    for index, (name, pull) in enumerate(pulls.items()):
        style = {"color": LINES[index % len(LINES)], "linestyle": ("-", "--")[index >= len(LINES)], "linewidth": 1.7}
        axes[0].plot(mu, np.abs(pull.mean), label=name, **style)
        axes[1].plot(mu, pull.noise, **style)
    axes[0].set(title="gradient by mu", ylabel="size of its mean", yscale="log", ylim=(1e-6, 1e4))
    axes[1].set(title="noise of one sample's gradient", ylabel="deviation / size of the mean", ylim=(0, 6))
    axes[1].axhline(1.0, color=GREY, linewidth=0.8)
    for ax in axes:
        ax.set(xlabel="mu, in standard deviations of p", xlim=(0, mu.max()))
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure
