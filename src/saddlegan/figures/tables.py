"""Shares of the outcomes of a small discrete space."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from saddlegan.figures.canvas import BLUE, PALE, grid


def shares_figure(
    shares: Mapping[str, Float[np.ndarray, "seeds outcomes"]],
    probabilities: Float[np.ndarray, "outcomes"],
    names: Sequence[str],
) -> Figure:
    """A panel for each of `shares`, by its title: the data's probabilities as bars, the generator's shares as points,
    the median over seeds with the quartiles."""
    figure, axes = grid(len(shares), max(4.2, 0.35 * len(names)), 3.0)
    places = np.arange(len(names))
    for ax, (title, values) in zip(axes, shares.items(), strict=True):
        low, middle, high = np.nanquantile(values, [0.25, 0.5, 0.75], axis=0)
        ax.bar(places, probabilities, color=PALE, label="data")
        ax.errorbar(
            places, middle, np.stack([middle - low, high - middle]), fmt="o", ms=4, color=BLUE, label="generator"
        )
        ax.set_xticks(places, names, rotation=90 if len(names) > 8 else 0)
        ax.set_ylabel("probability")
        ax.set_title(title)
    axes[0].legend(frameon=False, fontsize=8)
    return figure
