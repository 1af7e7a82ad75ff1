"""Labels as the samples, given their images: with them a classifier is trained as a generator."""

from collections.abc import Mapping
from typing import Any

from jaxtyping import Float, UInt8
from torch import Tensor, uint8
from torch.nn.functional import one_hot

from saddlegan.checks import Literal, NonNegativeInt, checked
from saddlegan.data.images import Cifar10, Images, ImageSet
from saddlegan.data.sets import Examples

Codes = UInt8[Tensor, "n 1"]
CLASSES = 10


class LabelsOfImages(Examples):
    """The label of an image, one of ten, `(10, 1)`; the image is given. Args and errors: those of `ImageSet`."""

    samples = "labels"
    noun = "label"
    discrete = True
    given = {"image": (1, 28, 28)}  # noqa: RUF012 - read without being imported, as a literal

    @checked
    def __init__(
        self,
        *,
        name: Literal["mnist", "fashion_mnist", "kmnist", "digits"],
        root: str,
        download: bool,
        train_images: NonNegativeInt,
    ) -> None:
        self._of(ImageSet(name=name, root=root, download=download, train_images=train_images))

    def _of(self, images: Images) -> None:
        self.name = images.name
        self.train, self.test = (
            labels[:, None].to(uint8) for labels in (images.train_labels, images.test_labels) if labels is not None
        )
        self.train_along, self.test_along = {"image": images.train}, {"image": images.test}

    @classmethod
    def shape_of(cls, data: Mapping[str, Any]) -> tuple[int, ...]:
        return (CLASSES, 1)

    def values(self, chosen: Codes, numbers: Float[Tensor, "n 1"] | None = None) -> Float[Tensor, "n 10 1"]:
        return one_hot(chosen.long(), CLASSES).mT.float()


class LabelsOfCifar10(LabelsOfImages):
    """The same of CIFAR-10, the set of Hjelm et al. (2018). Args and errors: those of `Cifar10`."""

    given = {"image": (3, 32, 32)}  # noqa: RUF012 - read without being imported, as a literal

    @checked
    def __init__(self, *, name: Literal["cifar10"], root: str, download: bool, train_images: NonNegativeInt) -> None:
        self._of(Cifar10(name=name, root=root, download=download, train_images=train_images))
