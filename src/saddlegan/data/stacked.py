"""Stacked digits: three grey images as the channels of one in colour, so that there are 1000 modes. Metz et al. (2017),
arXiv:1611.02163, section 3.3; Srivastava et al. (2017), arXiv:1705.07761; Lin et al. (2018), arXiv:1712.04086."""

import torch

from saddlegan.checks import Literal, NonNegativeInt, checked
from saddlegan.data.images import Images, ImageSet, Pixels
from saddlegan.random import stream

#: Images that are drawn once: what samples are measured against, and training images that are measured and searched.
KEPT = 10_000
CHANNELS = 3


class StackedDigits(Images):
    """Images of three digits, red, green and blue. Training draws them on the fly: in each epoch every digit comes
    once in each channel, beside others than before. `train` are as many as are measured.

    Args: those of `ImageSet`, of the digits. Raises `ConfigError` as it does.
    """

    shape = (CHANNELS, 28, 28)

    @checked
    def __init__(
        self, *, name: Literal["mnist", "digits"], root: str, download: bool, train_images: NonNegativeInt
    ) -> None:
        digits = ImageSet(name=name, root=root, download=download, train_images=train_images)
        self.name = f"stacked_{name}"
        self.channel_classes = digits.classes
        self.pool = digits.train
        self.train, self.test = (_stacked(part, number) for number, part in enumerate((digits.train, digits.test)))


def _stacked(digits: Pixels, number: int) -> Pixels:
    """`KEPT` triples of these digits, always the same."""
    chosen = stream(0, "stacked", number).integers(len(digits), size=(KEPT, CHANNELS))
    return digits[torch.from_numpy(chosen)].flatten(1, 2)
