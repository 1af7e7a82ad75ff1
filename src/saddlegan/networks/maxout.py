"""The fully connected networks with which the 2014 GAN was trained on MNIST: Goodfellow et al. (2014), section 5.

Sizes and ranges are those of the authors' published configuration.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import PositiveFloat, PositiveInt, Rate, checked
from saddlegan.networks.dropout import Dropout


class ReLUGenerator(nn.Module):
    """Latents `(batch, latent)` to images in (0, 1): ReLU layers of `widths`, then a sigmoid.

    Weights start uniform in (-irange, irange), biases at 0; the output's bias at the logit of the data's mean image.
    """

    samples = "images"

    @checked
    def __init__(
        self, *, in_features: PositiveInt, shape: Sequence[int], widths: list[PositiveInt], irange: PositiveFloat
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        sizes = [in_features, *widths, int(torch.tensor(self.shape).prod())]
        self.layers = nn.ModuleList(nn.Linear(n, m) for n, m in pairwise(sizes))
        for layer in self.layers:
            uniform_weights(layer, irange)

    def start_from(self, mean: Float[Tensor, "channel height width"]) -> None:
        """Let the output's bias give the data's mean image, pixels clipped to [0.001, 0.999]."""
        bias_at(self.layers[-1], mean)

    def forward(self, latent: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch channel height width"]:
        x = latent
        for layer in self.layers[:-1]:  # type: ignore[index]
            x = torch.relu(layer(x))
        return torch.sigmoid(self.layers[-1](x)).unflatten(-1, self.shape)


class MaxoutDiscriminator(nn.Module):
    """Images to logits `(batch,)`: maxout layers of `widths` units, each the largest of `pieces` linear maps.

    Dropout before every layer: `input_dropout` of the pixels, `dropout` of hidden values (the probability to drop).
    """

    samples = "images"
    #: No layer looks across the batch.
    per_sample = True

    @checked
    def __init__(
        self,
        *,
        shape: Sequence[int],
        widths: list[PositiveInt],
        pieces: PositiveInt,
        input_dropout: Rate,
        dropout: Rate,
        irange: PositiveFloat,
    ) -> None:
        super().__init__()
        sizes = [int(torch.tensor(tuple(shape)).prod()), *widths]
        self.layers = nn.ModuleList(Maxout(n, m, pieces) for n, m in pairwise(sizes))
        self.last = nn.Linear(sizes[-1], 1)
        self.input_dropout, self.dropout = Dropout(input_dropout), Dropout(dropout)
        for layer in (*self.layers, self.last):
            uniform_weights(layer, irange)

    def forward(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch"]:
        x = self.input_dropout(images.flatten(1))
        for layer in self.layers:
            x = self.dropout(layer(x))
        return self.last(x).squeeze(-1)


class Maxout(nn.Linear):
    """Units that are each the largest of `pieces` linear maps: `(batch, in)` to `(batch, width)`."""

    def __init__(self, in_features: int, width: int, pieces: int) -> None:
        super().__init__(in_features, width * pieces)
        self.pieces = pieces

    def forward(self, x: Float[Tensor, "batch in"]) -> Float[Tensor, "batch width"]:
        return super().forward(x).unflatten(-1, (-1, self.pieces)).amax(-1)


@torch.no_grad()
def bias_at(layer: nn.Module, mean: Float[Tensor, "channel height width"]) -> None:
    """Let the bias of a layer before a sigmoid give an image, pixels clipped to [0.001, 0.999]."""
    assert isinstance(layer, nn.Linear)
    layer.bias.copy_(mean.clamp(1e-3, 1 - 1e-3).logit().flatten())


def uniform_weights(layer: nn.Module, irange: float) -> None:
    """Weights uniform in (-irange, irange), biases at 0."""
    assert isinstance(layer, nn.Linear)
    nn.init.uniform_(layer.weight, -irange, irange)
    nn.init.zeros_(layer.bias)
