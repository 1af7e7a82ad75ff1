"""Generated against true distribution, one panel per method: Figure 1 of the source."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import blended_transform_factory
from numpy.typing import NDArray

from saddlegan.figures.canvas import BLUE, INK, ORANGE, grid, quartiles

SEEDS_SHOWN = 32  # lines of the strip above a panel
WIDEST_VIEW = 6.0  # a panel shows at most this many widths of the true distribution on either side of it


@dataclass(frozen=True)
class DensityPanel:
    """What one panel of `density_figure` shows: `samples` (seeds, n); `support` (g,); the truth as `density` (g,) or as
    `atoms` (k, 2), rows of (position, mass); and D on the support, `discriminator` (seeds, g), where wanted."""

    title: str
    samples: NDArray
    support: NDArray
    density: NDArray | None = None
    atoms: NDArray | None = None
    discriminator: NDArray | None = None


def density_figure(panels: Sequence[DensityPanel]) -> Figure:
    """Histogram of the generated samples, all seeds pooled, against the true density or atoms; one panel per run.

    Above it a line per seed, its middle 90 %: seeds that have each collapsed to a spike can pool to the truth.
    Panels share the x axis, which spans the truth and the central 96 % of every panel's samples, up to `WIDEST_VIEW`;
    a panel says how much lies outside it. The density axis is a square root: a spike and a wide bump both stay visible.
    """
    figure, axes = grid(len(panels), width=4.6, height=3.1)
    low, high = _view(panels)
    for ax, panel in zip(axes, panels, strict=True):
        _draw_truth(ax, panel)
        _draw_samples(ax, panel, np.linspace(low, high, 161))
        _draw_seeds(ax, panel)
        ax.set_xlim(low, high)
        ax.set_yscale("function", functions=(lambda v: np.sqrt(np.maximum(v, 0)), np.square))
        ax.set_ylim(0, ax.get_ylim()[1] * 1.9)  # the strip of seeds takes the top
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.set_title(panel.title, size=11 if len(panel.title) < 36 else 9)
        ax.set_ylabel("probability (√ axis)" if panel.density is None else "density (√ axis)")
        if panel.discriminator is not None:
            _draw_discriminator(ax.twinx(), panel)
    return figure


def _truth_range(panel: DensityPanel) -> tuple[float, float]:
    """The interval that holds the true distribution: density above 1/1000 of its peak, or the atoms."""
    if panel.density is not None:
        inside = panel.support[panel.density > 1e-3 * panel.density.max()]
    else:
        inside = panel.support if panel.atoms is None else panel.atoms[:, 0]
    return float(inside.min()), float(inside.max())


def _view(panels: Sequence[DensityPanel]) -> tuple[float, float]:
    """The x range that all panels share."""
    truth = np.array([_truth_range(panel) for panel in panels])
    low, high = truth[:, 0].min(), truth[:, 1].max()
    width = max(high - low, 0.1)
    samples = [panel.samples[np.isfinite(panel.samples)] for panel in panels]
    seen = np.array([np.quantile(values, (0.02, 0.98)) for values in samples if values.size] or [(low, high)])
    left = max(min(low, seen[:, 0].min()), low - WIDEST_VIEW * width)
    right = min(max(high, seen[:, 1].max()), high + WIDEST_VIEW * width)
    margin = 0.05 * (right - left) + 0.2 * width
    return left - margin, right + margin


def _draw_truth(ax: Axes, panel: DensityPanel) -> None:
    if panel.density is not None:
        ax.plot(panel.support, panel.density, color=INK, linewidth=1.4, label="true")
        _name_truth(ax, panel.support[panel.density.argmax()], panel.density.max())
    elif panel.atoms is not None:
        ax.vlines(panel.atoms[:, 0], 0, panel.atoms[:, 1], color=INK, linewidth=1.4, label="true")
        ax.plot(panel.atoms[:, 0], panel.atoms[:, 1], "o", color=INK, markersize=4)
        _name_truth(ax, *panel.atoms[-1])


def _name_truth(ax: Axes, x: float, y: float) -> None:
    ax.annotate("true", (x, y), xytext=(7, -4), textcoords="offset points", color=INK, fontsize=9)


def _draw_samples(ax: Axes, panel: DensityPanel, edges: NDArray) -> None:
    """Density per unit of x where the truth has a density, else probability per bin; NaN samples are left out."""
    values = panel.samples[np.isfinite(panel.samples)]
    if not values.size:
        ax.text(0.04, 0.95, "every seed diverged", transform=ax.transAxes, va="top", color=ORANGE, fontsize=9)
        return
    scale = values.size * ((edges[1] - edges[0]) if panel.density is not None else 1.0)
    heights = np.histogram(values, edges)[0] / scale
    ax.stairs(heights, edges, fill=True, color=BLUE, alpha=0.45, label="generated")
    ax.stairs(heights, edges, color=BLUE, linewidth=0.8)
    outside = float(np.mean((values < edges[0]) | (values > edges[-1])))
    note = f"mean {values.mean():.3g}, std {values.std():.3g}" + (f"\n{outside:.1%} outside" if outside >= 5e-4 else "")
    ax.text(0.0, -0.12, f"generated: {note}", transform=ax.transAxes, va="top", color=BLUE, fontsize=9)


def _draw_seeds(ax: Axes, panel: DensityPanel) -> None:
    """The first `SEEDS_SHOWN` seeds, sorted by their median, in the top of the panel."""
    finite = panel.samples[np.isfinite(panel.samples).all(-1)][:SEEDS_SHOWN]
    if not len(finite):
        return
    low, median, high = np.quantile(finite, (0.05, 0.5, 0.95), axis=-1)
    order = median.argsort()
    heights = np.linspace(0.79, 0.93, len(order)) if len(order) > 1 else np.array([0.86])
    place = blended_transform_factory(ax.transData, ax.transAxes)
    ax.add_collection(
        LineCollection(
            [[(low[s], y), (high[s], y)] for s, y in zip(order, heights, strict=True)],
            transform=place,
            colors=BLUE,
            linewidths=0.9,
            label="seeds",
        ),
        autolim=False,
    )
    label = f"a line per seed ({len(order)}): its middle 90 %"
    ax.text(0.01, 1.0, label, transform=ax.transAxes, va="top", color=BLUE, fontsize=8)


def _draw_discriminator(ax: Axes, panel: DensityPanel) -> None:
    assert panel.discriminator is not None
    low, median, high = quartiles(panel.discriminator)
    ax.fill_between(panel.support, low, high, color=ORANGE, alpha=0.12, linewidth=0)
    ax.plot(panel.support, median, color=ORANGE, linewidth=1.0)
    ax.spines[["top", "left", "bottom"]].set_visible(False)
    ax.spines["right"].set_color(ORANGE)
    ax.tick_params(colors=ORANGE, labelsize=8)
    ax.set_ylabel("D(x)", color=ORANGE, size=9)
    if np.nanmin(low, initial=0) >= 0 and np.nanmax(high, initial=1) <= 1:  # a probability
        ax.set_ylim(0, 1)
