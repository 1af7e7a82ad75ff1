"""Wasserstein GAN with a gradient penalty: Gulrajani et al. (2017), arXiv:1704.00028, Algorithm 1."""

from typing import Any, ClassVar

from saddlegan.batch import Batch
from saddlegan.checks import NonNegativeFloat, checked
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.engine.variant import Losses
from saddlegan.objectives import wasserstein
from saddlegan.penalties import gradient_norms, interpolated, one_lipschitz
from saddlegan.random import Uniform


class WGANGP(AdversarialModule):
    """Args beyond those of `AdversarialModule`: penalty, the weight lambda of the gradient penalty."""

    objective = wasserstein()
    noise: ClassVar = {"discriminator/interpolation": Uniform()}
    second_order = True

    @checked
    def __init__(self, *, penalty: NonNegativeFloat, **shared: Any) -> None:
        super().__init__(**shared)
        self.penalty = penalty

    def discriminator_loss(self, real: Batch, fake: Batch) -> Losses:  # eq. (3)
        between = interpolated(real["x"], fake["x"], fake["interpolation"])
        norms = gradient_norms(lambda x: self.logits({**real, "x": x}), between)
        return {
            "wasserstein": self.objective.discriminator(*self.judge(real, fake)),
            "gradient_penalty": self.penalty * one_lipschitz(norms),
        }
