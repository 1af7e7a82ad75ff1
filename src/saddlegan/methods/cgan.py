"""Conditional GAN: Mirza & Osindero (2014), arXiv:1411.1784, eq. (2): both players are given the label. The generator
ascends log D(G(z|y)|y)."""

from typing import Any

from saddlegan.batch import Batch
from saddlegan.checks import Literal, checked
from saddlegan.engine.variant import Logits
from saddlegan.methods.gan_non_saturating import NonSaturatingGAN


class ConditionalGAN(NonSaturatingGAN):
    """Args beyond those of `AdversarialModule`:

    labels: what the discriminator is given beside a sample: its `own` label, or, as a control, one that says nothing
        of it: `shuffled`, that of the sample before it in the minibatch, real and fake alike.
    """

    conditions = ("label",)

    @checked
    def __init__(self, *, labels: Literal["own", "shuffled"], **shared: Any) -> None:
        super().__init__(**shared)
        self.labels = labels

    def logits(self, batch: Batch) -> Logits:
        label = batch["label"].roll(1, dims=1) if self.labels == "shuffled" else batch["label"]
        return super().logits({**batch, "label": label})
