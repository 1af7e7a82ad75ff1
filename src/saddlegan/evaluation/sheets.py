"""The pictures that a run of images leaves, from the arrays of its samples.npz."""

from collections.abc import Mapping

import numpy as np

from saddlegan.figures.images import ImagePanel, caption_panels, class_panel, square


def of(arrays: Mapping[str, np.ndarray]) -> dict[str, list[ImagePanel]]:
    """The panels of each picture, by its name: of classes, captions and levels only where there are any."""
    made = {
        "samples": [ImagePanel("generated", square(arrays["images"])), ImagePanel("real", square(arrays["real"]))],
        "interpolation": [ImagePanel("lines between latents", arrays["interpolation"])],
        "neighbours": [
            ImagePanel("generated, and the nearest training images", arrays["neighbours"], ("fake", "nearest"))
        ],
    }
    if "classes" in arrays:
        title, names = "a latent a row, a class a column", arrays.get("class_names", ())
        made["classes"] = [class_panel(title, arrays["classes"], names)]
    if "between_classes" in arrays:
        made["between_classes"] = [ImagePanel("from a class to the next one, at one latent", arrays["between_classes"])]
    if "captioned" in arrays:
        made["captions"] = caption_panels(arrays["captions"], arrays["captioned"])
    if "levels" in arrays:
        made["levels"] = [ImagePanel("a sample a row, its levels from left to right", arrays["levels"])]
    return made
