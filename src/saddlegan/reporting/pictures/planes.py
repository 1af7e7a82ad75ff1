"""Pictures of runs in the plane: samples over the discriminator's field, and through training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from saddlegan import figures
from saddlegan.figures import PlanePanel, Progress, rasters
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.pictures.selection import Picture, Shown, seeds_shown

LEARNED = (
    "Generated samples (dots) over D(x) (darker where it is higher); a circle around each true mode, of"
    " three standard deviations or just large enough to be seen."
)
ANIMATED = "Samples from the same latents through training, animated."
DEPTH = "The norm of the gradient of E D(real) - E D(generated) with respect to each layer's weights, at the end."
THROUGH = "Samples from the same latents, one setting below the other; the numbers are iterations."


def draw_planes(experiment: Experiment, shown: Sequence[Shown], stem: Path, which: str) -> list[Picture]:
    """Three pictures of the settings `shown`, of each the seed with the median headline; none where there are none."""
    if not shown:
        return []
    panels, rows = [], []
    for one in shown:
        arrays, at, std = one.arrays, one.row, float(one.arrays["std"][0])
        modes, axis = arrays["modes"], arrays["axis"]
        panels.append(PlanePanel(one.setting, arrays["points"][at], modes, std, axis, arrays["field"][at]))
        through = rasters(arrays["through"][:, at], modes, std, float(axis.max()))
        rows.append(Progress(one.setting, through, arrays["iterations"]))
    which = seeds_shown(experiment, shown) + which
    learned = figures.save_png(figures.plane_figure(panels), stem.with_name(f"{stem.name}-plane.png"))
    animation = figures.save_gif(rows, stem.with_name(f"{stem.name}-plane-through.gif"))
    strip = figures.save_png(figures.progress_figure(rows), stem.with_name(f"{stem.name}-plane-through.png"))
    captions = {learned: LEARNED, animation: ANIMATED, strip: THROUGH}
    return [Picture(path, caption + which) for path, caption in captions.items()] + _draw_depth(shown, stem)


def _draw_depth(shown: Sequence[Shown], stem: Path) -> list[Picture]:
    """The norm of the discriminator's gradient in each layer, of all seeds, where runs have it."""
    having = [(one.setting, one.arrays["layer_gradients"]) for one in shown if "layer_gradients" in one.arrays]
    if not having:
        return []
    curves = [figures.Curve(setting, np.arange(1, norms.shape[1] + 1), norms) for setting, norms in having]
    figure = figures.training_figure(curves, "norm of the gradient", along="layer, from the input")
    return [Picture(figures.save_png(figure, stem.with_name(f"{stem.name}-depth.png")), DEPTH)]
