"""Images of few values: black and white, or a few levels. Networks see them as `(levels, height, width)`, see
`saddlegan.discrete`; people, and what measures them, as images."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import one_hot

from saddlegan.checks import Above, checked
from saddlegan.data.images import ImageSet, Pixels, unit
from saddlegan.random import stream

#: Grey values from which on a pixel is white.
HALF = 128


class BinarizedImages(ImageSet):
    """Black and white images, of the sets of `ImageSet`.

    Args beyond those of `ImageSet`: binarization, `fixed`: white where the grey value is 128 of 255 or more; or
    `drawn`: white with the grey value as the probability, anew each time that a minibatch holds the image
    (Salakhutdinov & Murray 2008), and once for the images that samples are compared with.
    """

    discrete = True

    @checked
    def __init__(self, *, binarization: Literal["fixed", "drawn"], **images: Any) -> None:
        super().__init__(**images)
        drawn = binarization == "drawn"
        self.drawn_from = self.train if drawn else None
        for number, part in enumerate(("train", "test", "validation")):
            if (grey := getattr(self, part)) is not None:
                numbers = torch.from_numpy(stream(0, "binarized", number).random(tuple(grey.shape), dtype=np.float32))
                white = numbers < unit(grey) if drawn else grey >= HALF
                setattr(self, part, white.to(torch.uint8) * 255)

    def values(
        self, chosen: Pixels, numbers: Float[Tensor, "n 1 height width"] | None = None
    ) -> Float[Tensor, "n 1 height width"]:
        return unit(chosen) if numbers is None else (numbers < unit(chosen)).float()


class QuantizedImages(ImageSet):
    """Grey images whose pixels have one of `levels` values, evenly spaced from black to white: each the nearest one.

    Args beyond those of `ImageSet`: levels, 2 to 32.
    """

    discrete = True

    @checked
    def __init__(self, *, levels: Annotated[int, Above(2, inclusive=True, most=32)], **images: Any) -> None:
        super().__init__(**images)
        self.levels = levels
        for part in ("train", "test", "validation"):
            if (grey := getattr(self, part)) is not None:
                setattr(self, part, self.pictures(self.values(grey)).mul_(255.0).round_().to(torch.uint8))

    @classmethod
    def shape_of(cls, data: Mapping[str, Any]) -> tuple[int, ...]:
        return (data["levels"], *cls.shape[1:])

    def values(
        self, chosen: Pixels, numbers: Float[Tensor, "n 1 height width"] | None = None
    ) -> Float[Tensor, "n levels height width"]:
        level = (unit(chosen[:, 0]) * (self.levels - 1)).round().long()
        return one_hot(level, self.levels).movedim(-1, 1).float()

    @staticmethod
    def pictures(x: Float[Tensor, "*n levels height width"]) -> Float[Tensor, "*n 1 height width"]:
        shades = torch.linspace(0, 1, x.shape[-3], device=x.device)
        return (x * shades[:, None, None]).sum(-3, keepdim=True)
