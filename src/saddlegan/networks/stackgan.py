"""The generators of both stages of StackGAN: Zhang et al. (2017), arXiv:1612.03242, section 3, in the manner of the
authors' code, for images of any size that is 4 times a power of two: nearest upsampling and 3 x 3 convolutions, batch
normalisation and ReLU, and 4 x 4 convolutions of stride 2. The discriminator, and how captions enter: `captions.py`.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import ConfigError, NonNegativeInt, PositiveFloat, PositiveInt, checked
from saddlegan.networks.captions import START, Augmentation, Made, doublings_of, down
from saddlegan.networks.dcgan_layers import beside, initialise


class StageOneGenerator(nn.Module):
    """Latents `(batch, latent)` and caption vectors `(batch, text)` to images `x` `(batch, channel, side, side)` in
    (0, 1), with `mean` and `log_variance` of the augmented caption. The last `condition_width` numbers of a latent are
    the augmentation's noise: their law must be N(0, 1).

    Raises `ConfigError` for a side that is not 4 times a power of two, and for latents that are too short.
    """

    samples = "images"
    takes = ("text",)

    @checked
    def __init__(
        self,
        *,
        in_features: PositiveInt,
        shape: Sequence[int],
        conditions: Mapping[str, Sequence[int]],
        width: PositiveInt,
        condition_width: PositiveInt,
        augmented: bool,
        initial_std: PositiveFloat,
    ) -> None:
        super().__init__()
        doublings, self.in_features = doublings_of(shape), in_features
        self.noise = _noise(in_features, condition_width)
        self.caption = Augmentation(conditions["text"][0], condition_width, augmented)
        channels = width << doublings
        self.start = nn.Sequential(
            nn.Linear(in_features, channels * START**2, bias=False),
            nn.BatchNorm1d(channels * START**2),
            nn.ReLU(),
            nn.Unflatten(1, (channels, START, START)),
        )
        self.ups = nn.Sequential(*(_up(channels >> k, channels >> (k + 1)) for k in range(doublings)))
        self.last = nn.Conv2d(width, shape[0], 3, padding=1)
        initialise(self, "normal", initial_std)

    def forward(self, latent: Float[Tensor, "batch latent"], text: Float[Tensor, "batch text"]) -> Made:
        own, noise = latent.split([latent.shape[-1] - self.noise, self.noise], dim=-1)
        condition, augmented = self.caption(text, noise)
        x = self.ups(self.start(torch.cat([own, condition], dim=-1)))
        return {"x": torch.sigmoid(2.0 * self.last(x)), **augmented}  # tanh, scaled to (0, 1)


class StageTwoGenerator(nn.Module):
    """What the `first` stage makes of a latent and a caption, and the caption once more, to larger images: down by
    convolutions of stride 2 to a quarter of the first stage's side, the condition joined there, residual `blocks`, and
    up again. It has no other latent than the noise of its own augmentation, the last `condition_width` numbers; those
    before are the first stage's. It also gives the first stage's images as `coarse`.

    Raises `ConfigError` where `first` makes images of another kind, or whose side times a power of two is not this
    one's, and for latents of another length than both stages need.
    """

    samples = "images"
    takes = ("text",)

    @checked
    def __init__(
        self,
        *,
        in_features: PositiveInt,
        shape: Sequence[int],
        conditions: Mapping[str, Sequence[int]],
        first: nn.Module,
        width: PositiveInt,
        condition_width: PositiveInt,
        augmented: bool,
        blocks: NonNegativeInt,
        initial_std: PositiveFloat,
    ) -> None:
        super().__init__()
        self.noise, text = _noise(in_features, condition_width), conditions["text"][0]
        self.caption = Augmentation(text, condition_width, augmented)
        side = fitting(first, shape, in_features - condition_width, text)
        wide = 4 * width
        self.down = nn.Sequential(
            nn.Conv2d(shape[0], width, 3, padding=1),
            nn.ReLU(),
            *down(width, 2 * width, nn.ReLU()),
            *down(2 * width, wide, nn.ReLU()),
        )
        self.joined = nn.Sequential(
            nn.Conv2d(wide + condition_width, wide, 3, padding=1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()
        )
        self.blocks = nn.Sequential(*(Residual(wide) for _ in range(blocks)))
        ups = (shape[1] * 4 // side).bit_length() - 1
        widths = [max(wide >> k, width) for k in range(ups + 1)]
        self.ups = nn.Sequential(*(_up(n, m) for n, m in pairwise(widths)))
        self.last = nn.Conv2d(widths[-1], shape[0], 3, padding=1)
        initialise(self, "normal", initial_std)
        self.first = first  # whose weights are those of its run

    def forward(self, latent: Float[Tensor, "batch latent"], text: Float[Tensor, "batch text"]) -> Made:
        own, noise = latent.split([latent.shape[-1] - self.noise, self.noise], dim=-1)
        coarse = self.first(own, text)["x"]
        condition, augmented = self.caption(text, noise)
        x = self.down(coarse)
        x = self.blocks(self.joined(beside(x, condition)))
        return {"x": torch.sigmoid(2.0 * self.last(self.ups(x))), "coarse": coarse, **augmented}


class Residual(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation, added to what came in, then ReLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_conv(width, width), nn.ReLU(), *_conv(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.layers(x))


def fitting(first: nn.Module, shape: Sequence[int], latent: int, text: int) -> int:
    """The side of the first stage's images. Raises `ConfigError` where they are no start for images of `shape`."""
    wanted = f"images of {shape[0]} channels whose side is {shape[1]} divided by a power of two, at least 8"
    try:
        with torch.no_grad():
            made = first(torch.zeros(1, latent), torch.zeros(1, text))
        channels, side = made["x"].shape[1:3]
    except (RuntimeError, TypeError, KeyError, IndexError) as error:
        raise ConfigError(
            f"model.generator.first: got a stage that cannot be given latents of {latent} numbers and captions of"
            f" {text} ({str(error).splitlines()[0]}), expected a stage I of StackGAN with these. Remedy: another run,"
            " earlier=RUN, or model.latent.dim: that of stage I plus model.generator.condition_width."
        ) from None
    ratio = shape[1] // side
    if channels != shape[0] or side < 8 or side * ratio != shape[1] or ratio & (ratio - 1) or ratio < 1:
        raise ConfigError(
            f"model.generator.first: got a stage that makes images of {channels} channels and {side} x {side}, expected"
            f" {wanted}. Remedy: data.size, or another run, earlier=RUN."
        )
    return side


def _noise(in_features: int, condition_width: int) -> int:
    if in_features <= condition_width:
        raise ConfigError(
            f"model.latent.dim={in_features}: got no more than condition_width={condition_width}, expected more: its"
            " last numbers are the noise of the caption's augmentation. Remedy: model.latent.dim="
            f"{condition_width + 100}."
        )
    return condition_width


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), *_conv(inputs, outputs), nn.ReLU())


def _conv(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)]
