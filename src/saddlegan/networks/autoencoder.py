"""An autoencoder of images, as a discriminator for BEGAN: Berthelot, Schumm & Metz (2017), arXiv:1703.10717, with dense
layers in the place of convolutions."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import elu

from saddlegan.checks import PositiveInt, checked


class DenseAutoencoder(nn.Module):
    """Images `(batch, channel, height, width)` in [0, 1] to reconstructions: ELU layers of `widths`, then a sigmoid."""

    samples = "images"
    judges_by = "reconstructions"
    #: No layer looks across the batch.
    per_sample = True

    @checked
    def __init__(self, *, shape: Sequence[int], widths: list[PositiveInt]) -> None:
        super().__init__()
        self.shape = tuple(shape)
        pixels = int(torch.tensor(self.shape).prod())
        self.layers = nn.ModuleList(nn.Linear(n, m) for n, m in pairwise([pixels, *widths, pixels]))

    def forward(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch channel height width"]:
        x = images.flatten(1)
        *inner, last = self.layers
        for layer in inner:
            x = elu(layer(x))
        return torch.sigmoid(last(x)).unflatten(-1, self.shape)
