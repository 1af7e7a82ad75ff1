"""A user's own pictures: a folder whose subfolders are classes, with or without captions."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from saddlegan.checks import Above, ConfigError, Literal, checked, shown
from saddlegan.data import listing
from saddlegan.data.captions import encoder
from saddlegan.data.images import Images
from saddlegan.random import stream


class ImagesFolder(Images):
    """Pictures (.png, .jpg, .jpeg, .webp), each cut to the square in its middle and resized. Subfolders are the
    classes, by name; without any there are no labels. With a `captions.csv`, of the columns `file,caption`, whose files
    are named from the folder on (`cats/1.png`), vectors of the captions come along as `text`.

    Args:
        folder: where they lie.
        size: height and width, 8 to 256; no picture may be smaller.
        channels: 3 in colour, 1 in grey.
        held_out: of each class every picture of this number, by name, is a test picture.
        text_dim: numbers of a caption's vector.
        vectors: file of vectors of one's own, .npz with `captions` and `vectors`; None: `FittedVectors` of the training
            captions, 0 for those that have no word of them, of which a warning tells.

        found: what a run began with, `listing.Found` as a mapping, and `digest`; None: whatever there is.

    Raises `ConfigError` where the folder has changed, cannot be read, holds what is no picture or a smaller one, fewer
    than 128 training or test pictures, a class of too few, or where a caption has no picture or a picture no caption.
    """

    sizes = {"label": 0}  # noqa: RUF012 - read without being imported, as a literal: `sizes_of` knows the number
    along = {"text": (0,)}  # noqa: RUF012

    @checked
    def __init__(
        self,
        *,
        folder: str,
        size: Annotated[int, Above(8, inclusive=True, most=256)],
        channels: Literal[1, 3],
        held_out: Annotated[int, Above(2, inclusive=True, most=100)],
        text_dim: Annotated[int, Above(2, inclusive=True, most=1024)],
        vectors: str | None,
        found: Mapping[str, Any] | None = None,
    ) -> None:
        data = {"folder": folder, "size": size, "held_out": held_out, "text_dim": text_dim, "vectors": vectors}
        listed = listing.of(data)
        if found is not None and found["digest"] != listing.digest(data):
            raise ConfigError(
                f"data.folder={folder}: got other names, classes or captions of its pictures than those that the run"
                " was trained on, expected the same. Remedy: put them back."
            )
        self.name, self.shape = Path(folder).expanduser().resolve().name, (channels, size, size)
        self.sizes, self.along = self.sizes_of(data), self.along_of(data)
        train, test = (shuffled(part, number) for number, part in enumerate((listed.train, listed.test)))
        self.train, self.test = (self.read(part, folder) for part in (train, test))
        if listed.classes:
            self.classes, self.class_names = f"images_folder/{self.name}", listed.classes
            self.train_labels, self.test_labels = (torch.tensor([p.label for p in part]) for part in (train, test))
        if self.along:
            self.captions, self.test_captions = ([p.caption for p in part] for part in (train, test))
            #: Captions to vectors `(n, text_dim)`.
            self.encoder = encoder(self.captions, text_dim, vectors)
            self.train_along, self.test_along = (
                {"text": torch.from_numpy(self.encoder(captions))} for captions in (self.captions, self.test_captions)
            )

    @classmethod
    def shape_of(cls, data: Mapping[str, Any]) -> tuple[int, ...]:
        return (data["channels"], data["size"], data["size"])

    @classmethod
    def class_names_of(cls, data: Mapping[str, Any]) -> list[str]:
        return listing.found(data).classes

    @classmethod
    def sizes_of(cls, data: Mapping[str, Any]) -> Mapping[str, int]:
        classes = listing.found(data).classes
        return {"label": len(classes)} if classes else {}

    @classmethod
    def along_of(cls, data: Mapping[str, Any]) -> Mapping[str, tuple[int, ...]]:
        return {"text": (data["text_dim"],)} if listing.found(data).captions else {}

    def advice(self, conditions: Collection[str]) -> list[str]:
        """Of captions that say nothing, to a method that gives captions to its networks."""
        if "text" not in conditions:
            return []
        texts = (self.train_along["text"], self.test_along["text"])
        train, test = (f"{int((text == 0).all(1).sum())} of {len(text)}" for text in texts)
        said = (
            f"data.folder: the captions of {train} training pictures and of {test} test pictures say nothing:"
            f" data.text_dim={texts[0].shape[1]} numbers hold none of their words, which are rare, or not in the"
            " training part. Remedy: a larger data.text_dim."
        )
        return [said] if any((text == 0).all(1).any() for text in texts) else []

    def read(self, pictures: list[listing.Picture], folder: str) -> Tensor:
        """Pictures as uint8 `(n, channels, size, size)`."""
        channels, size, _ = self.shape
        found = np.empty((len(pictures), size, size, channels), dtype=np.uint8)
        for place, picture in enumerate(pictures):
            try:
                found[place] = pixels(picture.path, size, channels)
            except (OSError, ValueError, SyntaxError) as error:
                raise ConfigError(
                    f"data.folder={folder}: got {picture.path.name}, which cannot be read ({shown(str(error))}),"
                    " expected whole pictures. Remedy: repair it, or move it elsewhere."
                ) from None
        return torch.from_numpy(found).movedim(-1, 1).contiguous()


def shuffled(pictures: list[listing.Picture], part: int) -> list[listing.Picture]:
    """Pictures in an order without meaning, always the same: the first ones are like all."""
    return [pictures[place] for place in stream(0, "images_folder/order", part).permutation(len(pictures))]


def pixels(path: Path, size: int, channels: int) -> np.ndarray:
    """The middle of a picture as `(size, size, channels)`, uint8: upright as its camera was, what is transparent on
    white. Raises `ValueError` for numbers of more than 8 bits, whose range is the picture's own."""
    with Image.open(path) as opened:
        if opened.mode.startswith(("I", "F")):
            raise ValueError(f"its mode is {opened.mode}, more than 8 bits a colour: save it with 8")
        upright = ImageOps.exif_transpose(opened)
        if "A" in upright.getbands() or "transparency" in upright.info:
            upright = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
        plain = upright.convert("RGB" if channels == 3 else "L")
    side = min(plain.size)
    left, top = ((of - side) // 2 for of in plain.size)
    square = plain.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(square).reshape(size, size, channels)
