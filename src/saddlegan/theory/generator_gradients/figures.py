"""Pictures of vanishing and growing gradients: a fresh discriminator's training, and the identity at the optimum."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from matplotlib.figure import Figure
from numpy.typing import NDArray

from saddlegan.figures.canvas import BLUE, GREY, INK, LINES, ORANGE, grid, quartiles


class Measured(Protocol):
    """Arrays (checkpoints, seeds, t) at `iterations` (t,), those of gradients by term."""

    @property
    def iterations(self) -> NDArray: ...
    @property
    def error(self) -> NDArray: ...
    @property
    def norm(self) -> dict[str, NDArray]: ...
    @property
    def variance(self) -> dict[str, NDArray]: ...


def course_figure(course: Measured, epochs: Sequence[int]) -> Figure:
    """Error, both gradient norms and the variances over the discriminator's iterations; a line a checkpoint."""
    figure, axes = grid(4, width=3.9, height=3.4)
    (first, saturating), (second, growing) = course.norm.items()
    panels = [
        ("fresh discriminator", "wrong decisions, %", 100 * course.error),
        (f"gradient under {first}", "norm", saturating),
        (f"gradient under {second}", "norm", growing),
        (f"gradient under {second}", "variance over minibatches", course.variance[second]),
    ]
    for ax, (title, label, values) in zip(axes, panels, strict=True):
        for one, color, epoch in zip(values, LINES, epochs, strict=False):
            low, median, high = quartiles(one)
            ax.fill_between(course.iterations, low, high, color=color, alpha=0.16, linewidth=0)
            ax.plot(course.iterations, median, color=color, linewidth=1.6, label=_name(epoch))
        ax.set(title=title, xlabel="discriminator's iteration", ylabel=label)
        ax.set_yscale("log" if ax is not axes[0] else "linear")
        ax.margins(x=0.02)
    axes[0].legend(title="generator frozen after", fontsize=9, title_fontsize=9, labelcolor="linecolor", frameon=False)
    return figure


def _name(epoch: int) -> str:
    return f"{epoch} epoch{'s' * (epoch > 1)}"


def identity_figure(means: NDArray, scales: NDArray, sides: Mapping[str, NDArray]) -> Figure:
    """Both sides of both identities as q moves through `means`, then `scales`.

    `sides` of each p: (means and scales, 2 sides, 2 terms, 2 parameters).
    """
    figure, axes = grid(4, width=3.9, height=3.3)
    sweeps = (("mean", means, slice(0, len(means))), ("scale", scales, slice(len(means), None)))
    for term, title in enumerate(("E[-log D*(g(z))]", "E[log(1 - D*(g(z)))]")):
        for parameter, (name, x, swept) in enumerate(sweeps):
            ax = axes[2 * term + parameter]
            for (label, both), color in zip(sides.items(), (BLUE, ORANGE), strict=False):
                pathwise, derived = both[swept, :, term, parameter].T
                ax.plot(x, derived, color=GREY, linewidth=1.2, linestyle="--", zorder=1)
                ax.plot(x, pathwise, ".", color=color, markersize=5, label=f"p: {label}")
            ax.axhline(0, color=INK, linewidth=0.6)
            ax.set(title=title, xlabel=f"{name} of q", ylabel=f"derivative in the {name}")
    axes[0].plot([], [], color=GREY, linewidth=1.2, linestyle="--", label="theory")
    axes[0].legend(fontsize=9, labelcolor="linecolor", frameon=False, handlelength=1.4)
    return figure
