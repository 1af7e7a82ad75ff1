"""Image data sets in memory, as uint8 on the training device, and their minibatches by index.

An epoch is a permutation that (seed, epoch) decides; minibatches follow each other through it, and a last one that is
not full is left out. The whole set lies on the device, so that no worker process loads anything.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from filelock import FileLock
from jaxtyping import Int64, UInt8
from torch import Tensor
from torch.nn.functional import interpolate, pad
from torchvision import datasets

from saddlegan.batch import Batch
from saddlegan.checks import ConfigError, Literal, NonNegativeInt, checked
from saddlegan.data import files
from saddlegan.data.spans import Spans
from saddlegan.random import Purpose, stream

Pixels = UInt8[Tensor, "n channels height width"]
Labels = Int64[Tensor, "n"]


class Images:
    """What a set of images is to the suite: grey ones, or red, green and blue, all of one `shape`.

    A set of your own derives from this, and has in its constructor set what is declared here.
    """

    #: What a model must take to be trained on this.
    samples = "images"
    #: (channels, height, width), of 1 or 3 channels.
    shape: ClassVar[tuple[int, int, int]]
    #: The labels that come along with images, and the number of their classes: `{"label": 10}`; {} where none do.
    sizes: ClassVar[Mapping[str, int]] = {}
    name: str
    #: What an extractor must have been trained on to know its classes; None where there are none.
    classes: str | None = None
    train: Pixels
    test: Pixels
    train_labels: Labels | None = None
    test_labels: Labels | None = None
    #: Grey images, each a channel of a training image that is put together anew in every epoch; None: `train` is what
    #: is trained on.
    pool: Pixels | None = None
    #: The same as `classes`, of the channels.
    channel_classes: str | None = None
    #: Images on which the Parzen width is chosen; without them it is not measured.
    validation: Pixels | None = None


def check_images(images: Images) -> None:
    """Raise `ConfigError` where a set does not hold what `Images` declares."""
    labels = {"train": images.train_labels, "test": images.test_labels}
    for part, label in labels.items():
        pixels = getattr(images, part)
        if (
            pixels.dtype != torch.uint8
            or tuple(pixels.shape[1:]) != tuple(images.shape)
            or images.shape[0] not in (1, 3)
        ):
            raise ConfigError(
                f"data: got {part} images of {images.name} as {pixels.dtype} {tuple(pixels.shape)}, expected uint8"
                f" (n, {', '.join(map(str, images.shape))}), its shape, with 1 or 3 channels."
            )
        if not images.sizes:
            continue
        classes, found, sound = images.sizes["label"], "no labels", False
        if label is not None:
            least, most = int(label.min()), int(label.max())
            found = f"{len(label)} labels from {least} to {most}"
            sound = len(label) == len(pixels) and 0 <= least <= most < classes
        if not sound:
            raise ConfigError(
                f"data: got {found} for {len(pixels)} {part} images of {images.name}, expected one for each, from 0 to"
                f" {classes - 1}, since its sizes are {dict(images.sizes)}."
            )


class ImageSet(Images):
    """Grey images of 28 x 28 pixels, in ten classes.

    Args:
        name: `mnist`, `fashion_mnist`, `kmnist` (torchvision's files), or `digits`: the 1797 real 8 x 8 digits of
            scikit-learn, enlarged to 18 x 18 in a black frame (where the shipped classifier reads 93 % of them), for
            machines without network; every fourth of them is a test image.
        root: folder that holds MNIST/raw and the like.
        download: whether missing files may be fetched.
        train_images: train on the first so many; 0 is all of them.

    `validation` is the last 10 000 training images (Goodfellow et al. 2014 choose the Parzen width on them), whether
    they are trained on or not; `digits` has none.

    Raises `ConfigError` where files are missing, unreadable or damaged, or `train_images` is more than there are.
    """

    shape = (1, 28, 28)
    sizes: ClassVar = {"label": 10}

    @checked
    def __init__(
        self,
        *,
        name: Literal["mnist", "fashion_mnist", "kmnist", "digits"],
        root: str,
        download: bool,
        train_images: NonNegativeInt,
    ) -> None:
        self.name = name
        self.classes = "mnist" if name == "digits" else name  # the set whose classes it has
        (train, labels), (self.test, self.test_labels) = (
            _digits() if name == "digits" else _torchvision(name, root, download)
        )
        if 0 < train_images < files.FEWEST:
            least = files.FEWEST
            raise ConfigError(f"data.train_images={train_images}: got too few, expected 0 (all) or at least {least}.")
        if train_images > len(train):
            raise ConfigError(f"data.train_images={train_images}: got more than the {len(train)} images of {name}.")
        self.validation = None if name == "digits" else train[-10_000:]
        self.train, self.train_labels = (x[: train_images or len(train)] for x in (train, labels))


def unit(pixels: Tensor) -> Tensor:
    """uint8 pixels as float32 in [0, 1]."""
    return pixels.float().div_(255.0)


class ImageData(Spans):
    """Minibatches of `images.train`, or of what is put together from `images.pool`; of a span `x` is `(iterations,
    draws, 1, batch, *shape)`, float32 in [0, 1], and `label`, where there are labels, `(iterations, draws, 1, batch)`,
    int64.

    Raises `ConfigError` where a minibatch is larger than the data.
    """

    def __init__(self, images: Images, **spans: Any) -> None:
        super().__init__(**spans)
        self.source = images.train if images.pool is None else images.pool
        self.epoch_length = len(self.source) // self.batch_size
        if not self.epoch_length:
            raise ConfigError(
                f"batch_size={self.batch_size}: got more than the {len(self.source)} training images of {images.name}."
                f" Remedy: batch_size={len(self.source)} or less."
            )
        self.images = images
        self.parts = {"x": self.source}
        if images.train_labels is not None:
            self.parts["label"] = images.train_labels
        self.epoch, self.order = -1, np.empty(0, dtype=np.int64)

    def span(self, start: int, stop: int) -> Batch:
        device = self.trainer.strategy.root_device  # type: ignore[union-attr]
        self.parts = {name: part.to(device) for name, part in self.parts.items()}
        order = np.stack([rows[self.rows] for rows in self.indices(start * self.draws, stop * self.draws)])
        index = torch.from_numpy(order.reshape(-1, *order.shape[2:])).to(device)
        axes = (stop - start, self.draws, 1, order.shape[1])
        found = {name: part[index] for name, part in self.parts.items()}
        if self.images.pool is not None:
            found["x"] = found["x"].flatten(1, 2)
        found = {name: values.unflatten(0, axes) for name, values in found.items()}
        return found | {"x": unit(found["x"])}

    def indices(self, first: int, last: int) -> Iterator[np.ndarray]:
        """What minibatches `first` to `last` - 1 of all training hold, `(batch,)`; of a pool `(batch, channels)`."""
        for minibatch in range(first, last):
            epoch, place = divmod(minibatch, self.epoch_length)
            if epoch != self.epoch:
                self.epoch = epoch
                self.order = self.permutation(Purpose.DATA)
                if self.images.pool is not None:
                    channels = range(1, self.images.shape[0])
                    further = (self.permutation(f"data/channel {channel}") for channel in channels)
                    self.order = np.stack([self.order, *further], axis=-1)
            yield self.order[place * self.batch_size : (place + 1) * self.batch_size]

    def permutation(self, purpose: Purpose | str) -> np.ndarray:
        """Of what is trained on, in this epoch."""
        return stream(self.seeds[0], purpose, self.epoch).permutation(len(self.source))


def _digits() -> tuple[tuple[Pixels, Labels], tuple[Pixels, Labels]]:
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    labels = torch.from_numpy(digits.target).long()
    small = torch.from_numpy(digits.images)[:, None].float() * (255.0 / 16.0)
    pixels = pad(interpolate(small, size=18, mode="bilinear"), (5, 5, 5, 5)).round_().to(torch.uint8)
    test = torch.arange(len(pixels)) % 4 == 3
    return (pixels[~test], labels[~test]), (pixels[test], labels[test])


def _torchvision(name: str, root: str, download: bool) -> tuple[tuple[Pixels, Labels], tuple[Pixels, Labels]]:
    files.check_files({"name": name, "root": root, "download": download})
    kind = getattr(datasets, files.FOLDERS[name])
    if files.missing(name, root):
        folder = files.folder_of(name, root)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / ".lock"):  # the runs of a sweep start together
                kind(files.data_root(root), download=True)
        except (OSError, RuntimeError) as error:
            raise files.no_data(name, root, f"the download failed: {error}") from None
    train, test = (kind(files.data_root(root), train=part) for part in (True, False))
    return (train.data[:, None], train.targets), (test.data[:, None], test.targets)
