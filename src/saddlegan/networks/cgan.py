"""The networks of the conditional GAN on MNIST: Mirza & Osindero (2014), arXiv:1411.1784, section 4.1.

A label enters as a one-hot vector, through a layer of its own; a layer over both follows.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from saddlegan.checks import PositiveFloat, PositiveInt, Rate, checked
from saddlegan.networks.dropout import Dropout
from saddlegan.networks.labels import Shares, shares
from saddlegan.networks.maxout import Maxout, bias_at, uniform_weights


class ConditionalGenerator(nn.Module):
    """Latents `(batch, latent)` and labels `(batch,)` to images in (0, 1): a ReLU layer for each, a ReLU layer over
    both, a sigmoid.

    Weights start uniform in (-irange, irange), biases at 0; the output's bias at the logit of the data's mean image.
    """

    samples = "images"
    #: The conditions that it is given, of which `conditions` says the sizes: a method with others needs another model.
    takes = ("label",)
    #: Whether labels may be shares of the classes: a point between two of them.
    soft_labels = True

    @checked
    def __init__(
        self,
        *,
        in_features: PositiveInt,
        shape: Sequence[int],
        conditions: Mapping[str, int],
        latent_width: PositiveInt,
        label_width: PositiveInt,
        width: PositiveInt,
        dropout: Rate,
        irange: PositiveFloat,
    ) -> None:
        super().__init__()
        self.shape, self.classes = tuple(shape), conditions["label"]
        self.latent = nn.Linear(in_features, latent_width)
        self.label = nn.Linear(self.classes, label_width)
        self.both = nn.Linear(latent_width + label_width, width)
        self.last = nn.Linear(width, int(torch.tensor(self.shape).prod()))
        self.dropout = Dropout(dropout)
        for layer in (self.latent, self.label, self.both, self.last):
            uniform_weights(layer, irange)

    def start_from(self, mean: Float[Tensor, "channel height width"]) -> None:
        """Let the output's bias give the data's mean image, pixels clipped to [0.001, 0.999]."""
        bias_at(self.last, mean)

    def forward(
        self, latent: Float[Tensor, "batch latent"], label: Int64[Tensor, "batch"] | Shares
    ) -> Float[Tensor, "batch channel height width"]:
        given = self.latent(latent), self.label(shares(label, self.classes, latent.dtype))
        x = self.dropout(torch.relu(torch.cat(given, dim=-1)))
        x = self.dropout(torch.relu(self.both(x)))
        return torch.sigmoid(self.last(x)).unflatten(-1, self.shape)


class ConditionalMaxout(nn.Module):
    """Images `(batch, channel, height, width)` and labels `(batch,)` to logits `(batch,)`: a maxout layer for each, and
    one over both."""

    samples = "images"
    takes = ("label",)
    #: No layer looks across the batch.
    per_sample = True

    @checked
    def __init__(
        self,
        *,
        shape: Sequence[int],
        conditions: Mapping[str, int],
        image_width: PositiveInt,
        image_pieces: PositiveInt,
        label_width: PositiveInt,
        label_pieces: PositiveInt,
        width: PositiveInt,
        pieces: PositiveInt,
        dropout: Rate,
        irange: PositiveFloat,
    ) -> None:
        super().__init__()
        self.classes = conditions["label"]
        self.image = Maxout(int(torch.tensor(tuple(shape)).prod()), image_width, image_pieces)
        self.label = Maxout(self.classes, label_width, label_pieces)
        self.both = Maxout(image_width + label_width, width, pieces)
        self.last = nn.Linear(width, 1)
        self.dropout = Dropout(dropout)
        for layer in (self.image, self.label, self.both, self.last):
            uniform_weights(layer, irange)

    def forward(
        self, images: Float[Tensor, "batch channel height width"], label: Int64[Tensor, "batch"]
    ) -> Float[Tensor, "batch"]:
        given = self.image(images.flatten(1)), self.label(shares(label, self.classes, images.dtype))
        x = self.dropout(torch.cat(given, dim=-1))
        return self.last(self.dropout(self.both(x))).squeeze(-1)
