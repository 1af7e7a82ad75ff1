"""Sets of images: torchvision's files, and the digits of scikit-learn."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from filelock import FileLock
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import interpolate, pad
from torchvision import datasets

from saddlegan.checks import ConfigError, Literal, NonNegativeInt, checked
from saddlegan.data import files
from saddlegan.data.sets import Examples, Labels, unit

__all__ = ["ImageSet", "Images", "Pixels", "check_images", "unit"]

Pixels = UInt8[Tensor, "n channels height width"]


#: Images that are changed at once.
CHUNK = 10_000


class Images(Examples):
    """What a set of images is to the suite: grey ones, or red, green and blue, all of one `shape`.

    A set of your own derives from this, and has in its constructor set what is declared here and in `Examples`.
    """

    samples = "images"
    noun = "image"
    #: (channels, height, width), of 1 or 3 channels.
    shape: tuple[int, int, int]
    #: What an extractor must have been trained on to know its classes; None where there are none.
    classes: str | None = None
    #: The same, of the channels that are put together.
    channel_classes: str | None = None
    #: Images on which the Parzen width is chosen; without them it is not measured.
    validation: Pixels | None = None
    #: Whether `pictures` is a method of the set, such as one with a palette, and no static one: samples of a trained
    #: run are then shown only where the data are at hand.
    own_colours: ClassVar[bool] = False

    @classmethod
    def shape_of(cls, data: Mapping[str, Any]) -> tuple[int, ...]:
        return cls.shape

    def values(
        self, chosen: Pixels, numbers: Float[Tensor, "n channels height width"] | None = None
    ) -> Float[Tensor, "n *shape"]:
        """Pixels in [0, 1]."""
        return unit(chosen)

    @staticmethod
    def pictures(x: Float[Tensor, "*n levels height width"]) -> Float[Tensor, "*n channels height width"]:
        """What networks see, or the expectation of it, as images in [0, 1]."""
        return x


def changed(pixels: Pixels, change: Callable[[Tensor], Tensor]) -> Pixels:
    """What `change` makes of images in [0, 1], as uint8; of some at once, whatever memory that takes of each."""
    parts: list[Tensor] = [change(unit(part)).mul_(255.0).round_().to(torch.uint8) for part in pixels.split(CHUNK)]
    return torch.cat(parts)


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
    sizes = {"label": 10}  # noqa: RUF012 - read without being imported, as a literal

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
        self.validation = None if name == "digits" else train[-10_000:]
        self.train, self.train_labels = _first(train_images, train, labels, name)


class Cifar10(Images):
    """CIFAR-10 (Krizhevsky 2009): colour images of 32 x 32 pixels in ten classes, 50 000 of training and 10 000 of
    test; the files are torchvision's.

    Args and errors: those of `ImageSet`; `root` holds cifar-10-batches-py.
    """

    shape = (3, 32, 32)
    sizes = {"label": 10}  # noqa: RUF012 - read without being imported, as a literal
    classes = "cifar10"

    @checked
    def __init__(self, *, name: Literal["cifar10"], root: str, download: bool, train_images: NonNegativeInt) -> None:
        self.name = name
        (train, labels), (self.test, self.test_labels) = _torchvision(name, root, download)
        self.train, self.train_labels = _first(train_images, train, labels, name)


def _first(count: int, images: Pixels, labels: Labels, name: str) -> tuple[Pixels, Labels]:
    """The first `count` images and their labels; 0 is all. Raises `ConfigError` where `data.train_images` cannot be."""
    if 0 < count < files.FEWEST:
        raise ConfigError(f"data.train_images={count}: got too few, expected 0 (all) or at least {files.FEWEST}.")
    if count > len(images):
        raise ConfigError(f"data.train_images={count}: got more than the {len(images)} images of {name}.")
    return images[: count or len(images)], labels[: count or len(images)]


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
    kind = getattr(datasets, files.KINDS[name])
    if files.missing(name, root):
        folder = files.folder_of(name, root)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / ".lock"):  # the runs of a sweep start together
                kind(files.data_root(root), download=True)
        except (OSError, RuntimeError) as error:
            raise files.no_data(name, root, f"the download failed: {error}") from None
    train, test = (kind(files.data_root(root), train=part) for part in (True, False))
    return _tensors(train), _tensors(test)


def _tensors(part: Any) -> tuple[Pixels, Labels]:
    """What torchvision read: tensors of grey images and labels, or an array `(n, height, width, 3)` and a list."""
    if isinstance(part.data, Tensor):
        return part.data[:, None], part.targets
    return torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(part.targets)
