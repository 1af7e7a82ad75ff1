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


@metric("spread of samples of one caption, of right grounds", better="none")
def right_spread(
    same_caption: Float[Tensor, "captions latents channels height width"],
    same_grounds: Int[Tensor, "captions"],
    ground_colours: Float[Tensor, "grounds channels"],
    real_pictures: Float[Tensor, "m channels height width"],
) -> float:
    """`caption_spread` of the samples whose ground is the one that their caption asked for: wrong grounds add nothing
    to it. Captions with fewer than two such samples are left out. NaN where none is left, or samples are not finite."""
    if not torch.isfinite(same_caption).all():
        return math.nan
    variances = []
    for images, ground in zip(same_caption, same_grounds, strict=True):
        right = images[grounds(images, ground_colours).cpu() == ground.cpu()]
        if len(right) >= 2:
            variances.append(right.double().var(0).mean())
    real = real_pictures.double().var(0).mean()
    return float((torch.stack(variances).mean() / real).sqrt()) if variances else math.nan
