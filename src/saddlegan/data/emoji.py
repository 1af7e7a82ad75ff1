"""Scenes of emoji: a drawing on a flat ground, with its group as label and a caption: "red heart on a blue ground".

1377 real drawings by artists, with names that say what they are, are few enough to lie in a file, and their scenes are
many enough to train on; the ground can be read back from a picture's corners.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from saddlegan.checks import Above, ConfigError, Literal, NonNegativeInt, checked
from saddlegan.data import FEWEST, drawings
from saddlegan.data.captions import encoder
from saddlegan.data.images import Images
from saddlegan.random import stream


class Part(NamedTuple):
    """Scenes in an order without meaning: images, the group of each, the number of its drawing, its ground by number,
    and its caption."""

    images: Tensor
    labels: Tensor
    drawings: Tensor
    grounds: Tensor
    captions: list[str]


class EmojiScenes(Images):
    """Each drawing on each ground, mirrored and not, in colour. A fifth of the drawings of each group are test
    drawings: none of their scenes is a training image.

    Args:
        name: `emoji`.
        root: folder that holds emoji/emoji64.npz.
        size: height and width.
        grounds: `all` eight, or `white` alone.
        train_images: train on the first so many; 0 is all of them.
        text_dim: numbers of a caption's vector, `text`.
        vectors: file of vectors of one's own, .npz with `captions` and `vectors`; None: `FittedVectors` of all training
            captions.

    Raises `ConfigError` where a file is missing or damaged, a caption has no vector, or `train_images` is more than
    there are.
    """

    classes = "emoji_groups"
    sizes = {"label": 9}  # noqa: RUF012 - read without being imported, as a literal
    along = {"text": (64,)}  # noqa: RUF012

    @checked
    def __init__(
        self,
        *,
        name: Literal["emoji"],
        root: str,
        size: Literal[16, 32, 64],
        grounds: Literal["all", "white"],
        train_images: NonNegativeInt,
        text_dim: Annotated[int, Above(2, inclusive=True, most=1024)],
        vectors: str | None,
    ) -> None:
        self.name, self.shape, self.along = name, (3, size, size), {"text": (text_dim,)}
        drawn = drawings.read(root)
        self.colours = drawings.grounds_of(grounds)
        test = held_out_drawings(drawn.groups)
        train, other = (
            self.scenes(drawn, chosen, size, number)
            for number, chosen in enumerate((np.setdiff1d(np.arange(len(drawn.groups)), test), test))
        )
        #: Captions to vectors `(n, text_dim)`.
        self.encoder = encoder(train.captions, text_dim, vectors)
        count = checked_count(train_images, len(train.images))
        self.train, self.train_labels = train.images[:count], train.labels[:count]
        self.train_drawings, self.train_grounds = train.drawings[:count], train.grounds[:count]
        self.captions = train.captions[:count]
        self.test, self.test_labels, self.test_drawings, self.test_grounds, self.test_captions = other
        self.train_along, self.test_along = (
            {"text": torch.from_numpy(self.encoder(captions))} for captions in (self.captions, self.test_captions)
        )

    @classmethod
    def shape_of(cls, data: Mapping[str, Any]) -> tuple[int, ...]:
        return (3, data["size"], data["size"])

    @classmethod
    def along_of(cls, data: Mapping[str, Any]) -> Mapping[str, tuple[int, ...]]:
        return {"text": (data["text_dim"],)}

    @property
    def ground_colours(self) -> Tensor:
        """Those of the grounds, by number, `(grounds, 3)` in [0, 1]."""
        return torch.tensor([drawings.GROUNDS[colour] for colour in self.colours]) / 255.0

    def scenes(self, drawn: drawings.Drawings, chosen: np.ndarray, size: int, number: int) -> Part:
        """All scenes of some drawings."""
        settings = [(ground, mirrored) for ground in range(len(self.colours)) for mirrored in (False, True)]
        small = drawings.shrunk(drawn.images[chosen], size)
        images = [drawings.scene(small, self.colours[ground], mirrored) for ground, mirrored in settings]
        order = stream(0, "emoji/order", number).permutation(len(settings) * len(chosen))
        kept = np.tile(chosen, len(settings))[order]
        grounds = np.repeat([ground for ground, _ in settings], len(chosen))[order]
        captions = [caption(drawn.names[k], self.colours[g]) for k, g in zip(kept, grounds, strict=True)]
        labels, numbers, of_ground = (
            torch.from_numpy(of.astype(np.int64)) for of in (drawn.groups[kept], kept, grounds)
        )
        return Part(torch.from_numpy(np.concatenate(images)[order]), labels, numbers, of_ground, captions)


def caption(name: str, ground: str) -> str:
    """What a scene is called."""
    return f"{name} on a {ground} ground"


def held_out_drawings(groups: np.ndarray) -> np.ndarray:
    """Numbers of the test drawings: of each group a fifth, always the same."""
    chosen = [
        stream(0, "emoji/split", group).permutation(np.flatnonzero(groups == group))[:count]
        for group, count in enumerate(drawings.held_out(groups))
    ]
    return np.sort(np.concatenate(chosen))


def checked_count(asked: int, total: int) -> int:
    """How many training images `data.train_images` asks for. Raises `ConfigError` where there are not so many, or too
    few."""
    if asked and not FEWEST <= asked <= total:
        raise ConfigError(f"data.train_images={asked}: expected 0 (all) or {FEWEST} to {total}, which there are.")
    return asked or total
