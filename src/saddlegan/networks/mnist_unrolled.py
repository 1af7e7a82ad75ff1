"""The convolutional networks of the unrolled GAN for stacked digits: Metz et al. (2017), arXiv:1611.02163, appendix, as
Lin et al. (2018), arXiv:1712.04086, and their code have them. Where batch normalisation stands is our choice: after
every layer that has an activation."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import Annotated, Filled, PositiveInt, checked

SLOPE = 0.3


class SmallGenerator(nn.Module):
    """Latents `(batch, latent)` to images `(batch, channel, 28, 28)` in (0, 1): a dense layer to 64 x 4 x 4, three
    transposed convolutions of 3 x 3 and stride 2 to 32, 16 and 8 channels with ReLU, and a convolution that ends in
    tanh, scaled."""

    samples = "images"

    @checked
    def __init__(self, *, in_features: PositiveInt, shape: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Linear(in_features, 64 * 16), nn.Unflatten(1, (64, 4, 4))]
        layers += [nn.BatchNorm2d(64), nn.ReLU()]
        for (inputs, outputs), padding in zip(((64, 32), (32, 16), (16, 8)), (0, 1, 1), strict=True):
            up = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=padding)
            layers += [up, nn.BatchNorm2d(outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(8, shape[0], 3, padding=1))

    def forward(self, latent: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch channel height width"]:
        return 0.5 + 0.5 * torch.tanh(self.layers(latent))


class SmallDiscriminator(nn.Module):
    """Images `(batch, channel, 28, 28)` in [0, 1] to logits `(batch,)`: convolutions of 3 x 3 and stride 2 to `widths`
    channels with leaky ReLU (0.3), and a dense layer. The source's discriminator of a quarter of the generator's size
    has widths of 2, 4, 8, that of a half 4, 8, 16."""

    samples = "images"
    #: Batch normalisation looks across the batch.
    per_sample = False

    @checked
    def __init__(self, *, shape: Sequence[int], widths: Annotated[list[PositiveInt], Filled(3)]) -> None:
        super().__init__()
        channels, height, width = shape
        layers: list[nn.Module] = []
        for inputs, outputs in zip([channels, *widths], widths, strict=False):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.LeakyReLU(SLOPE)]
        size = widths[-1] * -(-height // 8) * -(-width // 8)
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(size, 1))

    def forward(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch"]:
        return self.layers(2.0 * images - 1.0).squeeze(-1)
