"""DCGAN's networks with labels, beside the input of every layer, as in the authors' code for MNIST (Radford, Metz &
Chintala 2016, arXiv:1511.06434); and with a second output that names the class, for AC-GAN (Odena, Olah & Shlens 2017,
arXiv:1610.09585)."""

from collections.abc import Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.networks.dcgan import Downwards, Upwards
from saddlegan.networks.dcgan_layers import initialise


class ConditionalDCGANGenerator(Upwards):
    """The generator that is given labels `(batch,)`, or shares of the classes `(batch, classes)`."""

    #: Whether labels may be shares of the classes: a point between two of them.
    soft_labels = True
    takes = ("label",)

    def __init__(self, *, conditions: Mapping[str, int], **shared: Any) -> None:
        super().__init__(classes=conditions["label"], **shared)


class ConditionalDCGANDiscriminator(Downwards):
    """The discriminator that is given labels."""

    represents = False
    takes = ("label",)

    def __init__(self, *, conditions: Mapping[str, int], **shared: Any) -> None:
        super().__init__(classes=conditions["label"], **shared)


class DCGANClassifier(Downwards):
    """The discriminator of an AC-GAN, which names the class and is not given it: `logits` `(batch,)`, and those of the
    `classes` `(batch, classes)`, two dense layers on the same features."""

    judges_by = "logits and classes"
    takes = ("label",)

    def __init__(self, *, conditions: Mapping[str, int], **shared: Any) -> None:
        super().__init__(classes=0, **shared)
        self.head = nn.Linear(self.features, conditions["label"])
        initialise(self.head, *self.start_as)

    def forward(self, images: Float[Tensor, "batch c height width"]) -> dict[str, Tensor]:  # type: ignore[override]
        x = self.seen(images)
        return {"logits": self.last(x).squeeze(-1), "classes": self.head(x)}
