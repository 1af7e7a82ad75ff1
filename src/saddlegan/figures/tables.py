"""Shares of the outcomes of a small discrete space."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from saddlegan.figures.canvas import BLUE, PALE, grid


def shares_figure(
    shares: Float[np.ndarray, "seeds outcomes"],
    probabilities: Float[np.ndarray, "outcomes"],
    names: Sequence[str],
    title: str,
) -> Figure:
    """The data's probabilities as bars; the generator's shares as points, the median over seeds with the quartiles."""
    figure, (ax,) = grid(1, max(5.0, 0.35 * len(names)), 3.2)
    places = np.arange(len(names))
    low, middle, high = np.nanquantile(shares, [0.25, 0.5, 0.75], axis=0)
    ax.bar(places, probabilities, color=PALE, label="data")
    spread = np.stack([middle - low, high - middle])
    ax.errorbar(places, middle, spread, fmt="o", ms=4, color=BLUE, label="generator, median and quartiles of seeds")
    ax.set_xticks(places, names)
    ax.set_ylabel("probability")
    ax.set_title(title)
    ax.legend(frameon=False, fontsize=8)
    return figure
