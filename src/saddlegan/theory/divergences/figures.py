"""Pictures of `divergences`: values and gradients as q moves away; the best Gaussian on two modes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from saddlegan.figures.canvas import GREY, INK, LINES, PALE, grid

COLORS: dict[str, str] = {
    "KL(p||q)": LINES[1],
    "KL(q||p)": LINES[0],
    "JS": LINES[2],
    "total variation": LINES[3],
    "Wasserstein-1": LINES[4],
}
LEAST = 1e-10  # what the log axes show


def moving_figure(mu: NDArray, curves: Mapping[str, tuple[NDArray, NDArray]]) -> Figure:
    """Value and gradient (len(mu),) of each divergence; both KL are one line, as they are at equal widths."""
    figure, axes = grid(2, width=3.7, height=3.3)
    for index, (ax, title) in enumerate(zip(axes, ("value", "gradient by mu"), strict=True)):
        for name, pair in curves.items():
            if name != "KL(q||p)":
                label = "KL, either way" if name == "KL(p||q)" else name
                ax.plot(mu, pair[index], color=COLORS[name], linewidth=1.8, label=label)
        ax.set_yscale("log")
        ax.set(title=title, xlabel="mu, in standard deviations of p", xlim=(0, mu.max()))
    axes[0].axhline(np.log(2.0), color=GREY, linestyle="--", linewidth=0.9)
    axes[0].text(mu.max(), 0.55, "log 2", color=GREY, fontsize=9, ha="right", va="top")
    axes[0].set(ylabel="divergence (KL, JS: nats)", ylim=(1e-3, 1e3))
    axes[1].set(ylim=(LEAST, 1e2))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def fits_figure(
    x: NDArray,
    p: NDArray,
    fitted: Mapping[str, tuple[NDArray, str]],
    separations: Sequence[float],
    bad: Mapping[str, Sequence[float]],
) -> Figure:
    """`p` and each divergence's best q (len(x),) with its note; last panel: q's `bad` samples in % by distance."""
    figure, axes = grid(len(fitted) + 1, width=3.3, height=2.3)
    for ax, (name, (q, note)) in zip(axes[:-1], fitted.items(), strict=True):
        ax.fill_between(x, p, color=PALE, linewidth=0)
        ax.plot(x, q, color=COLORS[name], linewidth=1.8)
        ax.set(title=name, xlabel="x", ylabel="density", ylim=(0, 0.95), xticks=(-6, -3, 0, 3, 6))
        ax.text(0.03, 0.97, note, transform=ax.transAxes, fontsize=9, color=INK, va="top")
    _sweep(axes[-1], separations, bad)
    return figure


def _sweep(ax: Axes, separations: Sequence[float], bad: Mapping[str, Sequence[float]]) -> None:
    for width, (name, values) in zip((4.0, 1.6, 1.6, 1.6, 1.6), bad.items(), strict=True):
        ax.plot(separations, values, ".-", color=COLORS[name], linewidth=width, markersize=4, alpha=0.9)
    ax.set(title="bad samples, by distance", xlabel="between the modes, in widths", ylabel="bad samples of q, %")
    ax.set_xticks(range(0, int(max(separations)) + 1, 4))
