"""Samples in the plane: over the discriminator's field at the end, and as pixels through training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import NDArray

from saddlegan.figures.canvas import BLUE, GREY, ORANGE, SEQUENTIAL, grid

#: Pixels along a side of `rasters`, and the least radius there of a mode's circle.
PIXELS, LEAST = 120, 3.0
#: Samples in a pixel that make it nearly as dark as it gets.
DARK = 2.0
#: Quantiles of the field between which its colours lie.
SHADED = (0.02, 0.98)


@dataclass(frozen=True)
class PlanePanel:
    """`points` (n, 2) of one seed, the true `modes` (k, 2) with their `std`; D(x) as `field` (y, x) on the grid of
    `axis` (g,) with itself."""

    title: str
    points: NDArray
    modes: NDArray
    std: float
    axis: NDArray
    field: NDArray


def plane_figure(panels: Sequence[PlanePanel]) -> Figure:
    """Samples (dots) over D(x) (shades: darker where it is higher), and a circle of three standard deviations around
    each mode, on shared axes."""
    figure, axes = grid(len(panels), width=4.2, height=4.4)
    reach = max(float(panel.axis.max()) for panel in panels)
    for ax, panel in zip(axes, panels, strict=True):
        _shade(ax, panel)
        finite = panel.points[np.isfinite(panel.points).all(-1)]
        ax.plot(*finite.T, ".", color=BLUE, markersize=2.5, alpha=0.6, markeredgewidth=0)
        for mode in panel.modes:
            radius = max(3.0 * panel.std, LEAST * 2.0 * reach / PIXELS)
            ax.add_patch(Circle(tuple(mode), radius, fill=False, edgecolor=ORANGE, linewidth=0.9))
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        ax.set_title(panel.title, size=11 if len(panel.title) < 36 else 9)
        outside = 1.0 - float((np.abs(finite) <= reach).all(-1).sum()) / max(len(panel.points), 1)
        if outside >= 5e-4:
            ax.text(0.02, 0.02, f"{outside:.1%} of the samples outside", transform=ax.transAxes, color=GREY, fontsize=8)
    return figure


def _shade(ax: Axes, panel: PlanePanel) -> None:
    low, high = np.nanquantile(panel.field, SHADED) if np.isfinite(panel.field).any() else (0.0, 1.0)
    ends = (panel.axis.min(), panel.axis.max()) * 2
    look = {"cmap": SEQUENTIAL, "vmin": low, "vmax": max(high, low + 1e-9), "alpha": 0.45, "interpolation": "bilinear"}
    ax.imshow(panel.field, origin="lower", extent=ends, **look)


def rasters(points: NDArray, modes: NDArray, std: float, reach: float) -> NDArray:
    """Pictures `(frames, 1, PIXELS, PIXELS, 3)` of points `(frames, n, 2)` in [-reach, reach]^2, and of the modes."""
    centres = reach * (2.0 * np.arange(PIXELS) + 1.0 - PIXELS) / PIXELS
    right, up = np.meshgrid(centres, centres[::-1])
    ground = np.ones((PIXELS, PIXELS, 3))
    radius = max(3.0 * std, LEAST * 2.0 * reach / PIXELS)
    for x, y in modes:
        ring = np.abs(np.hypot(right - x, up - y) - radius) < 1.4 * reach / PIXELS
        ground[ring] = to_rgb(ORANGE)
    edges = np.linspace(-reach, reach, PIXELS + 1)
    frames = []
    for frame in np.asarray(points, dtype=float):
        seen = frame[np.isfinite(frame).all(-1)]
        counts = np.histogram2d(seen[:, 1], seen[:, 0], bins=(edges, edges))[0][::-1, :, None]
        ink = 1.0 - np.exp(-counts / DARK * 2.0)
        frames.append((1.0 - ink) * ground + ink * np.array(to_rgb(BLUE)))
    return (255.0 * np.stack(frames)[:, None]).round().astype(np.uint8)
