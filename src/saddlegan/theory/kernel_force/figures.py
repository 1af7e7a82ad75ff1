"""Pictures of the kernel term: how large it is, where it points, what it recovers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from saddlegan.figures.canvas import BLUE, DIVERGING, GREY, INK, ORANGE, PALE, SEQUENTIAL, grid


@dataclass(frozen=True)
class Field:
    """Forces of the two terms, `(points, dim)`, on a sample at each of `points`, with the data and the samples."""

    sigma: float
    points: NDArray
    first: NDArray
    second: NDArray
    real: NDArray
    fake: NDArray


def terms_figure(
    widths: NDArray,
    theory: NDArray,
    near: NDArray,
    sampled: NDArray,
    half: NDArray,
    u: NDArray,
    pulls: NDArray,
    mark: float,
) -> Figure:
    """Ratio of the gradients against sigma in stds: `theory`, `near` by integration, `sampled` with half-widths `half`;
    `mark` is Figure 1's. Pull against distance `u` in sigma."""
    figure, (left, right) = grid(2, width=3.7, height=3.2)
    left.plot(widths, near, color=BLUE, linewidth=1.8)
    left.errorbar(widths, sampled, half, fmt="o", color=ORANGE, linewidth=1.4, markersize=3.5)
    left.plot(widths, theory, "--", color=GREY, linewidth=1)
    left.set(xscale="log", yscale="log", xlabel="sigma / std of the data", ylabel="second / first gradient, alpha = 1")
    left.axvline(mark, color=GREY, linewidth=0.8, linestyle=":")
    left.text(mark * 0.8, 0.4, "Figure 1", fontsize=8, color=GREY, ha="right", va="top", rotation=90)
    for y, (label, color) in enumerate(
        [("formula (dashed)", GREY), ("integrated", BLUE), ("sampled, 95 % together", ORANGE)]
    ):
        left.text(0.32, 0.24 - 0.08 * y, label, fontsize=9, color=color, transform=left.transAxes)
    right.plot(u, pulls, color=BLUE, linewidth=1.8)
    right.plot(u, 2 * u * np.exp(-(u**2)), "--", color=GREY, linewidth=1)
    right.axvline(0.5**0.5, color=GREY, linewidth=0.8, linestyle=":")
    right.text(0.5**0.5 + 0.08, 0.05, "sigma / sqrt 2", fontsize=8, color=GREY)
    right.set(xlabel="distance / sigma", ylabel="pull of one data point, 1/sigma", ylim=(0, None))
    return figure


def forces_figure(lines: Sequence[Field], planes: Sequence[Field]) -> Figure:
    """Two fields in 1-D above two in 2-D."""
    figure, axes = grid(4, width=3.7, height=3.4)
    for ax, field in zip(axes[:2], lines, strict=True):
        _line(ax, field)
    axes[0].set_ylabel("force to the right")
    axes[0].text(0, 0.012, "standard", fontsize=8, color=GREY)
    axes[0].text(-9, 0.35, "kernel", fontsize=8, color=BLUE)
    axes[2].set_ylabel("y, radii")
    for ax, field in zip(axes[2:], planes, strict=True):
        shades = _plane(ax, field)
    bar = figure.colorbar(shades, ax=axes[2:], location="bottom", shrink=0.7, aspect=40, extend="both")
    bar.set_label("log10 of kernel force / standard force; arrows: direction of their sum", fontsize=9, color=INK)
    return figure


def _line(ax: Axes, field: Field) -> None:
    x = field.points[:, 0]
    for centre, color, label in ((-5, ORANGE, "data and samples"), (5, BLUE, "data only")):
        ax.axvspan(centre - 2, centre + 2, color=color, alpha=0.1, linewidth=0)
        ax.text(centre, 30, label, fontsize=8, color=color, ha="center", va="center")
    ax.axhline(0, color=PALE, linewidth=0.8)
    ax.plot(x, field.first[:, 0], color=GREY, linewidth=1.6)
    ax.plot(x, field.second[:, 0], color=BLUE, linewidth=1.6)
    ax.set_yscale("symlog", linthresh=0.01, linscale=0.5)
    ax.set(title=f"sigma = {field.sigma:g} stds", xlabel="position of the sample, stds", ylim=(-60, 60))
    ax.set_xticks([-5, 0, 5])


def _plane(ax: Axes, field: Field):
    total = field.first + field.second
    size = [np.linalg.norm(part, axis=-1) for part in (field.second, field.first, total)]
    ratio = np.log10(np.maximum(size[0], 1e-30) / np.maximum(size[1], 1e-30))
    ax.scatter(*field.real.T, s=3, color=GREY, linewidths=0)
    ax.scatter(*field.fake.T, s=2, color=INK, linewidths=0)
    arrows = total / size[2][:, None]
    shades = ax.quiver(
        *field.points.T, *arrows.T, ratio, cmap=DIVERGING, clim=(-3, 3), pivot="mid", scale=20, width=0.008
    )
    ax.set_aspect("equal")
    ax.set(title=f"sigma = {field.sigma:g} radii", xlabel="x, radii")
    return shades


def recovery_figure(reaches: NDArray, alphas: NDArray, shares: NDArray, collapsed: NDArray) -> Figure:
    """Share of samples at the missing mode, in percent, over d / sigma and alpha `(alphas, reaches)`; a cross where
    `collapsed`: most samples ended at neither mode."""
    figure, (ax,) = grid(1, width=6.4, height=0.42 * len(alphas) + 1.0)
    ax.imshow(shares, origin="lower", aspect="auto", cmap=SEQUENTIAL, vmin=0, vmax=0.6)
    for (row, column), share in np.ndenumerate(shares):
        text = "×" if collapsed[row, column] else f"{100 * share:.0f}"
        color = "white" if share > 0.3 else ORANGE if collapsed[row, column] else INK
        ax.text(column, row, text, ha="center", va="center", fontsize=10, color=color)
    ax.set_xticks(range(len(reaches)), [f"{reach:.2g}" for reach in reaches])
    ax.set_yticks(range(len(alphas)), [f"{alpha:g}" for alpha in alphas])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set(xlabel="distance of the missing mode / sigma", ylabel="alpha")
    ax.set_title("samples at the missing mode, %  (50 is due; × = most ended at neither mode)", loc="left", size=10)
    return figure
