"""Levels of a Laplacian pyramid: images halved as often as is asked for, each with its coarse version."""

from collections.abc import Mapping
from typing import Any

from saddlegan.checks import Literal, checked
from saddlegan.data.images import ImageSet, Pixels, changed
from saddlegan.pyramid import doubled, halved


class PyramidImages(ImageSet):
    """Grey images of `size` x `size` pixels, of the sets of `ImageSet`; `coarse` comes along: the image halved and
    doubled again. What is lost by rounding to 256 levels is part of the residual.

    Args beyond those of `ImageSet`: size, 28, 14 or 7, of which no coarser one is made.
    """

    along = {"coarse": (1, 28, 28)}  # noqa: RUF012 - read without being imported, as a literal

    @checked
    def __init__(self, *, size: Literal[7, 14, 28], **images: Any) -> None:
        super().__init__(**images)
        self.shape = (1, size, size)
        for part in ("train", "test", "validation"):
            pixels: Pixels | None = getattr(self, part)
            for _ in range({28: 0, 14: 1, 7: 2}[size]):
                pixels = None if pixels is None else changed(pixels, halved)
            setattr(self, part, pixels)
        if size != 7:
            self.train_along, self.test_along = (
                {"coarse": changed(pixels, lambda x: doubled(halved(x)))} for pixels in (self.train, self.test)
            )

    @classmethod
    def shape_of(cls, data: Mapping[str, Any]) -> tuple[int, ...]:
        return (1, data["size"], data["size"])

    @classmethod
    def along_of(cls, data: Mapping[str, Any]) -> Mapping[str, tuple[int, ...]]:
        return {} if data["size"] == 7 else {"coarse": cls.shape_of(data)}
