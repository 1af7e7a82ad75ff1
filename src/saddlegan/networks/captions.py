"""What both stages of StackGAN have in common: how captions enter. Zhang et al. (2017), arXiv:1612.03242, section 3, in
the manner of the authors' code.

A caption's vector is augmented (section 3.2): the generator draws its condition from N(mean, variance), both linear in
the vector. The code has a ReLU on both, which allows no mean below 0 and no variance below 1; here there is none.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import ConfigError, PositiveFloat, PositiveInt, checked
from saddlegan.networks.dcgan_layers import beside, initialise

Made = dict[str, Tensor]
#: Sides of the images in which text is joined to what is seen, and from which the first stage begins.
START = 4


class Augmentation(nn.Module):
    """Caption vectors `(batch, text)` to conditions `(batch, width)`: mean + std * noise, with `noise` `(batch, width)`
    from N(0, 1), or, without augmentation, the mean alone. What it gives is `(condition, {mean, log_variance})`."""

    def __init__(self, text: int, width: int, augmented: bool) -> None:
        super().__init__()
        self.augmented = augmented
        self.layer = nn.Linear(text, 2 * width if augmented else width)

    def forward(self, text: Tensor, noise: Tensor) -> tuple[Tensor, Made]:
        if not self.augmented:
            return self.layer(text), {}
        mean, log_variance = self.layer(text).chunk(2, dim=-1)
        return mean + torch.exp(log_variance / 2) * noise, {"mean": mean, "log_variance": log_variance}


class MatchingDiscriminator(nn.Module):
    """Images `(batch, channel, side, side)` in [0, 1] and caption vectors `(batch, text)` to logits `(batch,)`: down to
    4 x 4 by convolutions of stride 2, where a layer of the caption is joined at each place."""

    samples = "images"
    takes = ("text",)

    @checked
    def __init__(
        self,
        *,
        shape: Sequence[int],
        conditions: Mapping[str, Sequence[int]],
        width: PositiveInt,
        text_width: PositiveInt,
        slope: PositiveFloat,
        initial_std: PositiveFloat,
    ) -> None:
        super().__init__()
        halvings = doublings_of(shape)
        layers = [nn.Conv2d(shape[0], width, 4, stride=2, padding=1), nn.LeakyReLU(slope)]
        for k in range(halvings - 1):
            layers += down(width << k, width << (k + 1), nn.LeakyReLU(slope))
        wide = width << max(halvings - 1, 0)
        self.body = nn.Sequential(*layers)
        self.caption = nn.Sequential(nn.Linear(conditions["text"][0], text_width), nn.LeakyReLU(slope))
        self.head = nn.Sequential(
            nn.Conv2d(wide + text_width, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.LeakyReLU(slope),
            nn.Conv2d(wide, 1, START),
        )
        initialise(self, "normal", initial_std)

    def forward(
        self, images: Float[Tensor, "batch channel side side"], text: Float[Tensor, "batch text"]
    ) -> Float[Tensor, "batch"]:
        x = self.body(2.0 * images - 1.0)
        return self.head(beside(x, self.caption(text))).flatten()


def doublings_of(shape: Sequence[int]) -> int:
    """How often 4 is doubled to the side of images of this shape. Raises `ConfigError` where it is not."""
    _, height, width = shape
    doublings = (height // START).bit_length() - 1
    if height != width or height < 8 or START << doublings != height:
        raise ConfigError(
            f"model: got images of {height} x {width}, expected squares of 8, 16, 32, 64 or more pixels, which these"
            " networks halve to 4. Remedy: data=emoji, or data=images_folder with data.size."
        )
    return doublings


def down(inputs: int, outputs: int, activation: nn.Module) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(outputs), activation]
