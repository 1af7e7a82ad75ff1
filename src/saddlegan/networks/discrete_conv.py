"""The convolutional networks of the boundary-seeking GAN on discrete MNIST, as its authors' code has them (Hjelm et al.
2018, arXiv:1702.08431, main_discrete.py), for images of any number of levels and of sides that 4 divides."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import NonNegativeFloat, PositiveInt, checked
from saddlegan.networks.infogan import sides


class DiscreteConvGenerator(nn.Module):
    """Latents `(batch, latent)` to logits `(batch, levels, height, width)`: dense layers of `16 width` and to `2 width`
    channels of a quarter of the sides, two transposed convolutions of 5 x 5 and stride 2; batch normalisation and ReLU
    after all but the last. Their width is 64."""

    samples = "images"
    makes = "logits"

    @checked
    def __init__(self, *, in_features: PositiveInt, shape: Sequence[int], width: PositiveInt) -> None:
        super().__init__()
        levels, height, breadth = sides(shape)
        start = (2 * width, height // 4, breadth // 4)
        self.layers = nn.Sequential(
            nn.Linear(in_features, 16 * width),
            nn.BatchNorm1d(16 * width),
            nn.ReLU(),
            nn.Linear(16 * width, start[0] * start[1] * start[2]),
            nn.BatchNorm1d(start[0] * start[1] * start[2]),
            nn.ReLU(),
            nn.Unflatten(1, start),
            nn.ConvTranspose2d(2 * width, width, 5, stride=2, padding=2, output_padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, levels, 5, stride=2, padding=2, output_padding=1),
        )

    def forward(self, latent: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch levels height width"]:
        return self.layers(latent)


class DiscreteConvDiscriminator(nn.Module):
    """Images `(batch, levels, height, width)`, of sides that 4 divides, to logits `(batch,)`: convolutions of 5 x 5 and
    stride 2 to `width` and `2 width` channels, a dense layer of `16 width`, leaky ReLU after each. Their width is
    64."""

    samples = "images"
    #: No layer looks across the batch.
    per_sample = True

    @checked
    def __init__(self, *, shape: Sequence[int], width: PositiveInt, slope: NonNegativeFloat) -> None:
        super().__init__()
        levels, height, breadth = sides(shape)
        self.layers = nn.Sequential(
            nn.Conv2d(levels, width, 5, stride=2, padding=2),
            nn.LeakyReLU(slope),
            nn.Conv2d(width, 2 * width, 5, stride=2, padding=2),
            nn.LeakyReLU(slope),
            nn.Flatten(),
            nn.Linear(2 * width * (height // 4) * (breadth // 4), 16 * width),
            nn.LeakyReLU(slope),
            nn.Linear(16 * width, 1),
        )

    def forward(self, images: Float[Tensor, "batch levels height width"]) -> Float[Tensor, "batch"]:
        return self.layers(images).squeeze(-1)
