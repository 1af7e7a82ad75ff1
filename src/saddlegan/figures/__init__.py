"""Figures: pure functions from arrays to a matplotlib `Figure`; no pyplot, so nothing global and no window."""

from saddlegan.figures.animation import animation_frames, save_gif
from saddlegan.figures.canvas import save_png
from saddlegan.figures.density import DensityPanel, density_figure
from saddlegan.figures.images import (
    ImagePanel,
    Progress,
    caption_panels,
    class_panel,
    image_figure,
    progress_figure,
    square,
)
from saddlegan.figures.maps import Heatmap, heatmap_figure, timeline_figure
from saddlegan.figures.plane import PlanePanel, plane_figure, rasters
from saddlegan.figures.spread import spread_figure
from saddlegan.figures.training import Curve, discriminator_figure, training_figure

__all__ = [
    "Curve",
    "DensityPanel",
    "Heatmap",
    "ImagePanel",
    "PlanePanel",
    "Progress",
    "animation_frames",
    "caption_panels",
    "class_panel",
    "density_figure",
    "discriminator_figure",
    "heatmap_figure",
    "image_figure",
    "plane_figure",
    "progress_figure",
    "rasters",
    "save_gif",
    "save_png",
    "spread_figure",
    "square",
    "timeline_figure",
    "training_figure",
]
