"""The convolutional networks of InfoGAN (Chen et al. 2016, arXiv:1606.03657) as Lucic et al. (2018), arXiv:1711.10337,
have them in their code, where they compare objectives. How the weights start is our choice, that of Radford et al.
(2016), arXiv:1511.06434."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import ConfigError, PositiveFloat, PositiveInt, checked


class InfoGANGenerator(nn.Module):
    """Latents `(batch, latent)` to images `(batch, channel, height, width)` in (0, 1), of sides that 4 divides: dense
    layers of `16 width` and to `2 width` channels of a quarter of the sides, two transposed convolutions of 4 x 4 and
    stride 2; batch normalisation and leaky ReLU (0.2) in between. Their width is 64."""

    samples = "images"

    @checked
    def __init__(
        self, *, in_features: PositiveInt, shape: Sequence[int], width: PositiveInt, initial_std: PositiveFloat
    ) -> None:
        super().__init__()
        channels, height, breadth = sides(shape)
        start = (2 * width, height // 4, breadth // 4)
        self.layers = nn.Sequential(
            *_dense(in_features, 16 * width),
            *_dense(16 * width, start[0] * start[1] * start[2]),
            nn.Unflatten(1, start),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
            nn.Sigmoid(),
        )
        initialise(self, initial_std)

    def forward(self, latent: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch channel height width"]:
        return self.layers(latent)


class InfoGANDiscriminator(nn.Module):
    """Images `(batch, channel, height, width)` in [0, 1], of sides that 4 divides, to logits `(batch,)`: convolutions
    of 4 x 4 and stride 2 to `width` and `2 width` channels, a dense layer of `16 width`, leaky ReLU (0.2) after each.
    With `batch_norm` the second and the third layer have batch normalisation, and real and generated images are judged
    in batches of their own. Their width is 64."""

    samples = "images"

    @checked
    def __init__(
        self, *, shape: Sequence[int], width: PositiveInt, batch_norm: bool, initial_std: PositiveFloat
    ) -> None:
        super().__init__()
        channels, height, breadth = sides(shape)
        #: Whether no layer looks across the batch.
        self.per_sample = not batch_norm
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            *([nn.BatchNorm2d(2 * width)] if batch_norm else []),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            *_dense(2 * width * (height // 4) * (breadth // 4), 16 * width, batch_norm),
            nn.Linear(16 * width, 1),
        )
        initialise(self, initial_std)

    def forward(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch"]:
        return self.layers(images).squeeze(-1)


def sides(shape: Sequence[int]) -> Sequence[int]:
    """`shape`, (channels, height, width), whose sides two layers of stride 2 halve. Raises `ConfigError` for others."""
    if any(side % 4 for side in shape[1:]):
        raise ConfigError(
            f"model: got images of {shape[1]} x {shape[2]}, expected sides that 4 divides, since these networks"
            " halve them twice. Remedy: another model."
        )
    return shape


def _dense(inputs: int, outputs: int, batch_norm: bool = True) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs), *([nn.BatchNorm1d(outputs)] if batch_norm else []), nn.LeakyReLU(0.2)]


@torch.no_grad()
def initialise(network: nn.Module, std: float) -> None:
    """Start the weights of dense and convolutional layers as N(0, std^2), and their biases at 0."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            layer.weight.normal_(0.0, std)
            assert layer.bias is not None
            layer.bias.zero_()
