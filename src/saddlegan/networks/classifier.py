"""A classifier as a generator of labels, and a discriminator of pairs of an image and a label: for the adversarial
classification of Hjelm et al. (2018), arXiv:1702.08431, whose networks we do not have."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import NonNegativeFloat, PositiveInt, checked


def features(shape: Sequence[int], width: int, slope: float) -> tuple[nn.Sequential, int]:
    """Convolutions of 5 x 5 and stride 2 to `width` and `2 width` channels, and the number of features."""
    channels, height, breadth = shape
    layers = nn.Sequential(
        nn.Conv2d(channels, width, 5, stride=2, padding=2),
        nn.LeakyReLU(slope),
        nn.Conv2d(width, 2 * width, 5, stride=2, padding=2),
        nn.LeakyReLU(slope),
        nn.Flatten(),
    )
    return layers, 2 * width * -(-height // 4) * -(-breadth // 4)


class Classifier(nn.Module):
    """Images `(batch, channel, height, width)` to the logits of their labels, `(batch, classes, 1)`; the latent is not
    looked at."""

    samples = "labels"
    takes = ("image",)
    makes = "logits"

    @checked
    def __init__(
        self,
        *,
        in_features: PositiveInt,
        shape: Sequence[int],
        conditions: Mapping[str, Sequence[int]],
        width: PositiveInt,
        slope: NonNegativeFloat,
    ) -> None:
        super().__init__()
        self.features, size = features(conditions["image"], width, slope)
        self.last = nn.Linear(size, shape[0])

    def forward(
        self, latent: Float[Tensor, "batch latent"], image: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch classes 1"]:
        return self.last(self.features(image))[..., None]


class PairDiscriminator(nn.Module):
    """Labels or their probabilities `(batch, classes, 1)` and images to logits `(batch,)`: a dense layer of `16 width`
    over the image's features and the label, and one more."""

    samples = "labels"
    takes = ("image",)
    #: No layer looks across the batch.
    per_sample = True

    @checked
    def __init__(
        self,
        *,
        shape: Sequence[int],
        conditions: Mapping[str, Sequence[int]],
        width: PositiveInt,
        slope: NonNegativeFloat,
    ) -> None:
        super().__init__()
        self.features, size = features(conditions["image"], width, slope)
        both = size + shape[0]
        self.layers = nn.Sequential(nn.Linear(both, 16 * width), nn.LeakyReLU(slope), nn.Linear(16 * width, 1))

    def forward(
        self, label: Float[Tensor, "batch classes 1"], image: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch"]:
        return self.layers(torch.cat([self.features(image), label.flatten(1)], dim=-1)).squeeze(-1)
