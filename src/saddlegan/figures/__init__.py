"""Figures: pure functions from arrays to a matplotlib `Figure`; no pyplot, so nothing global and no window."""

from saddlegan.figures.canvas import save_png
from saddlegan.figures.density import DensityPanel, density_figure
from saddlegan.figures.maps import Heatmap, heatmap_figure
from saddlegan.figures.training import Curve, discriminator_figure, training_figure

__all__ = [
    "Curve",
    "DensityPanel",
    "Heatmap",
    "density_figure",
    "discriminator_figure",
    "heatmap_figure",
    "save_png",
    "training_figure",
]
