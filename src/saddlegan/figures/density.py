"""Generated against true distribution, one panel per method, all on the same axes: Figure 1 of the source."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from saddlegan.figures.canvas import BLUE, INK, ORANGE, grid, quartiles

SEEDS_SHOWN = 32  # thin lines of a panel
WIDEST_VIEW = 6.0  # a panel shows at most this many widths of the true distribution on either side of it
HIGHEST_VIEW = 3.0  # and at most this many times its peak
SMOOTH = 0.08  # of the width of the true distribution, 1 / its peak: for a normal one a fifth of its deviation
POINTS = 321  # of a curve


@dataclass(frozen=True)
class DensityPanel:
    """What one panel of `density_figure` shows: `samples` (seeds, n); `support` (g,); the truth as `density` (g,) or as
    `atoms` (k, 2), rows of (position, mass)."""

    title: str
    samples: NDArray
    support: NDArray
    density: NDArray | None = None
    atoms: NDArray | None = None


def density_figure(panels: Sequence[DensityPanel]) -> Figure:
    """What each seed has learned, beside the true density or atoms; one panel per run.

    A thin line is a seed: where the truth has a density, a Gaussian kernel estimate of `SMOOTH`, else the probability
    in each of `POINTS` bins. The thick line is their median at each x, the band lies between their quartiles. Seeds are
    not pooled: those that have each collapsed to a spike can pool to the truth.

    Panels share both axes. x spans the truth and the central 96 % of every panel's samples, up to `WIDEST_VIEW`, and a
    panel says how much lies outside it; y holds nine of ten seeds of every panel, up to `HIGHEST_VIEW`, and a
    panel says how many leave it.
    """
    figure, axes = grid(len(panels), width=4.6, height=3.1)
    low, high = _view(panels)
    x = np.linspace(low, high, POINTS)
    seeds = [_curves(panel, x) for panel in panels]
    peak = max(1.0 if panel.density is None else float(panel.density.max()) for panel in panels)
    highest = [float(np.quantile(each.max(-1), 0.9)) for each in seeds if len(each)]
    top = 1.2 * min(max([peak, *highest]), HIGHEST_VIEW * peak)
    for ax, panel, curves in zip(axes, panels, seeds, strict=True):
        _draw_seeds(ax, panel, x, curves, top)
        _draw_truth(ax, panel)
        ax.set_xlim(low, high)
        ax.set_ylim(0, top)
        ax.set_title(panel.title, size=11 if len(panel.title) < 36 else 9)
        ax.set_ylabel("probability" if panel.density is None else "density")
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


def _finite(panel: DensityPanel) -> NDArray:
    """The samples of the seeds that have not diverged."""
    return panel.samples[np.isfinite(panel.samples).all(-1)].astype(float)


def _curves(panel: DensityPanel, x: NDArray) -> NDArray:
    """What each seed that has not diverged has learned, `(seeds, len(x))`."""
    samples = _finite(panel)
    step = x[1] - x[0]
    if panel.density is None:
        edges = np.append(x, x[-1] + step) - step / 2
        heights = [np.histogram(each, edges)[0] / len(each) for each in samples]
    else:
        width = SMOOTH / panel.density.max()
        scale = width * np.sqrt(2 * np.pi)
        heights = [np.exp(-(((x[:, None] - each) / width) ** 2) / 2).mean(-1) / scale for each in samples]
    return np.array(heights).reshape(len(samples), len(x))


def _draw_truth(ax: Axes, panel: DensityPanel) -> None:
    if panel.density is not None:
        ax.plot(panel.support, panel.density, color=INK, linewidth=1.4, label="true")
    elif panel.atoms is not None:
        ax.vlines(panel.atoms[:, 0], 0, panel.atoms[:, 1], color=INK, linewidth=1.4, label="true")
        ax.plot(panel.atoms[:, 0], panel.atoms[:, 1], "o", color=INK, markersize=4, label="true")
    handles = [handle for handle in ax.get_lines() if handle.get_label() == "true"]
    ax.legend(handles=handles, loc="upper right", frameon=False, fontsize=9, handlelength=1.2)


def _draw_seeds(ax: Axes, panel: DensityPanel, x: NDArray, curves: NDArray, top: float) -> None:
    """The first `SEEDS_SHOWN` seeds as lines, all of them as median and band, and what the axes leave out in words."""
    if not len(curves):
        ax.text(0.04, 0.95, "every seed diverged", transform=ax.transAxes, va="top", color=ORANGE, fontsize=9)
        return
    low, median, high = quartiles(curves)
    lines = [np.column_stack([x, curve]) for curve in curves[:SEEDS_SHOWN]]
    ax.add_collection(LineCollection(lines, colors=BLUE, linewidths=0.5, alpha=0.35, label="seeds"), autolim=False)
    if len(curves) > 1:
        ax.fill_between(x, low, high, color=BLUE, alpha=0.25, linewidth=0)
        ax.plot(x, median, color=BLUE, linewidth=1.6, label="median")
    samples, lost = _finite(panel), len(panel.samples) - len(curves)
    outside, above = float(np.mean((samples < x[0]) | (samples > x[-1]))), int((curves.max(-1) > top).sum())
    notes = [f"median seed: mean {np.median(samples.mean(-1)):.3g}, std {np.median(samples.std(-1)):.3g}"]
    notes += [f"{above} of {len(curves)} seeds reach above the axis"] * (above > 0)
    notes += [f"{outside:.1%} of the samples outside"] * (outside >= 5e-4)
    notes += [f"{lost} of {len(panel.samples)} seeds diverged"] * (lost > 0)
    ax.text(0.0, -0.12, "\n".join(notes), transform=ax.transAxes, va="top", color=BLUE, fontsize=9)
