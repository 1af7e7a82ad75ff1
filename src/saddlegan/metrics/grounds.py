"""The flat ground of a picture, read from its corners: whether it is the one that was asked for needs no network."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saddlegan.metrics.facts import metric

#: The side of an image over that of a corner.
CORNER = 16


def grounds(
    pictures: Float[Tensor, "n channels height width"], ground_colours: Float[Tensor, "grounds channels"]
) -> Int[Tensor, "n"]:
    """The number of the colour that is nearest to the median of each picture's four corners."""
    height, width = (max(side // CORNER, 1) for side in pictures.shape[2:])
    corners = [pictures[:, :, rows][..., columns] for rows in (slice(height), slice(-height, None))
               for columns in (slice(width), slice(-width, None))]  # fmt: skip
    medians = torch.cat([corner.flatten(2) for corner in corners], dim=-1).median(-1).values
    return torch.cdist(medians.float(), ground_colours.to(medians.device).float()).argmin(-1)


@metric("ground as asked for", better="higher", most=1.0)
def ground_accuracy(
    pictures: Float[Tensor, "n channels height width"],
    asked_grounds: Int[Tensor, "n"],
    ground_colours: Float[Tensor, "grounds channels"],
) -> float:
    """The share of pictures in [0, 1] whose ground, one of `ground_colours`, is the one that their captions asked for,
    by its number: 1 is best, 1 / grounds is chance. NaN for pictures that are not finite."""
    if not torch.isfinite(pictures).all():
        return math.nan
    return float((grounds(pictures, ground_colours).cpu() == asked_grounds.cpu()).double().mean())
