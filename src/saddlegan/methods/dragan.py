"""DRAGAN: Kodali, Abernethy, Hays & Kira (2017), arXiv:1705.07215. A GAN whose discriminator has a gradient of norm 1
around real samples."""

from typing import Any, ClassVar

from saddlegan.batch import Batch
from saddlegan.checks import NonNegativeFloat, checked
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.engine.variant import Losses
from saddlegan.objectives import js, non_saturating
from saddlegan.penalties import gradient_norms, one_lipschitz, perturbed
from saddlegan.random import Uniform


class DRAGAN(AdversarialModule):
    """Args beyond those of `AdversarialModule`: penalty, the weight lambda of the gradient penalty, at least 0."""

    objective = non_saturating(js())
    noise: ClassVar = {"discriminator/perturbation": Uniform}
    second_order = True

    @checked
    def __init__(self, *, penalty: NonNegativeFloat, **shared: Any) -> None:
        super().__init__(**shared)
        self.penalty = penalty

    def discriminator_loss(self, real: Batch, fake: Batch) -> Losses:
        around = perturbed(real["x"], fake["perturbation"])
        norms = gradient_norms(lambda x: self.logits({**real, "x": x}), around)
        return {
            "adversarial": self.objective.discriminator(*self.judge(real, fake)),
            "gradient_penalty": self.penalty * one_lipschitz(norms),
        }
