"""AC-GAN: Odena, Olah & Shlens (2017), arXiv:1610.09585, section 4. The discriminator is not given the label: it names
an image's source and its class. With L_S the log-likelihood of the right source and L_C that of the right class it
ascends L_S + L_C, and the generator L_C - L_S; in place of -L_S the generator ascends log D(G(z, c)) here."""

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import cross_entropy

from saddlegan.batch import Batch
from saddlegan.checks import Literal, NonNegativeFloat, checked
from saddlegan.engine.variant import Logits, Loss, Losses
from saddlegan.methods.gan_non_saturating import NonSaturatingGAN


class AuxiliaryClassifierGAN(NonSaturatingGAN):
    """Args beyond those of `AdversarialModule`:

    class_loss: whose classes the discriminator learns to name: of `real_and_fake` images, as in the paper, or of the
        `real` ones alone, as others have it.
    class_weight: of L_C in both players' losses; 1 in the paper.
    """

    conditions = ("label",)
    judges_by = "logits and classes"

    @checked
    def __init__(
        self, *, class_loss: Literal["real_and_fake", "real"], class_weight: NonNegativeFloat, **shared: Any
    ) -> None:
        super().__init__(**shared)
        self.class_loss, self.class_weight = class_loss, class_weight

    def logits(self, batch: Batch) -> Logits:
        return self.discriminator(batch["x"])["logits"]

    def heads(self, batch: Batch) -> Float[Tensor, "seeds batch outputs"]:
        """The source's logit, and after it those of the classes."""
        said = self.discriminator(batch["x"])
        return torch.cat([said["logits"][..., None], said["classes"]], dim=-1)

    def discriminator_loss(self, real: Batch, fake: Batch) -> Losses:
        of_real, of_fake = self.judge(real, fake, self.heads)
        of_class = misnamed(of_real[..., 1:], real["label"])
        if self.class_loss == "real_and_fake":
            of_class = of_class + misnamed(of_fake[..., 1:], fake["label"])
        source = self.objective.discriminator(of_real[..., 0], of_fake[..., 0])
        return {"source": source, "class": self.class_weight * of_class}

    def generator_loss(self, real: Batch, fake: Batch) -> Losses:
        said = self.heads(fake)
        of_class = misnamed(said[..., 1:], fake["label"])
        return {"source": self.objective.generator(said[..., 0]), "class": self.class_weight * of_class}


def misnamed(classes: Float[Tensor, "seeds batch classes"], label: Int64[Tensor, "seeds batch"]) -> Loss:
    """-E log P(the right class)."""
    return cross_entropy(classes.movedim(-1, 1), label, reduction="none").mean(-1)
