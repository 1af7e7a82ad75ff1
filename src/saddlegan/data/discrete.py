"""Images of few values: black and white, a few levels, or a few colours. Networks see them as `(levels, height,
width)`, see `saddlegan.discrete`; people, and what measures them, as images."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor
from torch.nn.functional import one_hot

from saddlegan.checks import Above, checked
from saddlegan.data.emoji import EmojiScenes
from saddlegan.data.images import ImageSet, Pixels, changed, unit
from saddlegan.random import stream

#: Grey values from which on a pixel is white.
HALF = 128
#: Pixels that a palette is chosen from.
COUNTED = 50_000


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
                setattr(self, part, changed(grey, lambda x: (x * (levels - 1)).round() / (levels - 1)))

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


class QuantizedEmoji(EmojiScenes):
    """Scenes of emoji whose pixels have one of few `colours`: each the nearest one of a palette, the centres that
    k-means finds among training pixels, as Hjelm et al. (2018), arXiv:1702.08431, have CelebA in 16 colours.

    Args beyond those of `EmojiScenes`: colours, 2 to 32.
    """

    discrete = True
    own_colours = True

    @checked
    def __init__(self, *, colours: Annotated[int, Above(2, inclusive=True, most=32)], **scenes: Any) -> None:
        super().__init__(**scenes)
        #: Red, green and blue of each colour, `(colours, 3)` in [0, 1], from dark to light.
        self.palette = unit(palette(self.train, colours))
        for part in ("train", "test"):
            setattr(self, part, changed(getattr(self, part), lambda x: self.palette[self.nearest(x)].movedim(-1, 1)))

    @classmethod
    def shape_of(cls, data: Mapping[str, Any]) -> tuple[int, ...]:
        return (data["colours"], data["size"], data["size"])

    def values(
        self, chosen: Pixels, numbers: Float[Tensor, "n 3 height width"] | None = None
    ) -> Float[Tensor, "n colours height width"]:
        return one_hot(self.nearest(unit(chosen)), len(self.palette)).movedim(-1, 1).float()

    def nearest(self, x: Float[Tensor, "n 3 height width"]) -> Int64[Tensor, "n height width"]:
        """The number of the nearest colour of each pixel."""
        near = torch.cdist(x.movedim(1, -1).flatten(0, 2), self.palette.to(x.device)).argmin(-1)
        return near.unflatten(0, (len(x), *x.shape[2:]))

    def pictures(self, x: Float[Tensor, "*n colours height width"]) -> Float[Tensor, "*n 3 height width"]:
        return torch.einsum("...khw,kc->...chw", x, self.palette.to(x))


def palette(images: Pixels, colours: int) -> UInt8[Tensor, "colours 3"]:
    """The centres of so many clusters of the images' pixels, always the same, from dark to light."""
    from sklearn.cluster import KMeans

    pixels = images.movedim(1, -1).reshape(-1, 3)
    chosen = pixels[torch.from_numpy(stream(0, "palette").integers(len(pixels), size=COUNTED))].double().numpy()
    means = KMeans(colours, n_init=1, random_state=0)  # type: ignore[arg-type]
    centres = means.fit(chosen).cluster_centers_.round()
    return torch.from_numpy(centres[np.lexsort((*centres.T, centres.sum(1)))].astype(np.uint8))
