"""The networks of a level of LAPGAN: Denton et al. (2015), arXiv:1506.05751, as its authors' code has those of 32 x 32
pixels."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import ConfigError, PositiveInt, Rate, checked
from saddlegan.networks.dropout import Dropout


class LevelGenerator(nn.Module):
    """Latents `(batch, height * width)`, which are a further map, and coarse images `(batch, channel, height, width)`
    to images of that shape: convolutions of 7 x 7, 7 x 7 and 5 x 5 with ReLU in between give the residual, which is
    added to the coarse image. Nothing bounds what comes out. Their width is 64.

    Raises `ConfigError` for latents of another length.
    """

    samples = "images"
    takes = ("coarse",)

    @checked
    def __init__(
        self,
        *,
        in_features: PositiveInt,
        shape: Sequence[int],
        conditions: Mapping[str, Sequence[int]],
        width: PositiveInt,
    ) -> None:
        super().__init__()
        channels, height, breadth = shape
        if in_features != height * breadth:
            raise ConfigError(
                f"model.latent.dim={in_features}: got another number than the pixels of {height} x {breadth} images,"
                f" which it is a map of. Remedy: model.latent.dim={height * breadth}."
            )
        self.map = (1, height, breadth)
        self.layers = nn.Sequential(
            nn.Conv2d(channels + 1, width, 7, padding=3),
            nn.ReLU(),
            nn.Conv2d(width, width, 7, padding=3),
            nn.ReLU(),
            nn.Conv2d(width, channels, 5, padding=2),
        )

    def forward(self, latent: Float[Tensor, "batch latent"], coarse: Tensor) -> Tensor:
        return coarse + self.layers(torch.cat([latent.unflatten(-1, self.map), coarse], dim=1))


class LevelDiscriminator(nn.Module):
    """Residuals and coarse images, both `(batch, channel, height, width)`, to logits `(batch,)`: their sum, so that it
    sees the whole image, then convolutions of 5 x 5, the second of stride 2, with ReLU, dropout, a dense layer. Their
    width is 64, and their dropout 0.5."""

    samples = "images"
    takes = ("coarse",)
    #: No layer looks across the batch.
    per_sample = True

    @checked
    def __init__(
        self, *, shape: Sequence[int], conditions: Mapping[str, Sequence[int]], width: PositiveInt, dropout: Rate
    ) -> None:
        super().__init__()
        channels, height, breadth = shape
        places = ((height - 4 - 5) // 2 + 1) * ((breadth - 4 - 5) // 2 + 1)
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 5),
            nn.ReLU(),
            nn.Conv2d(width, width, 5, stride=2),
            nn.ReLU(),
            nn.Flatten(),
            Dropout(dropout),
            nn.Linear(width * places, 1),
        )

    def forward(self, residual: Tensor, coarse: Tensor) -> Float[Tensor, "batch"]:
        return self.layers(residual + coarse).squeeze(-1)
