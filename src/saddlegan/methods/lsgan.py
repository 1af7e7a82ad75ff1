"""Least-squares GAN: Mao et al. (2017), arXiv:1611.04076."""

from typing import Any

from saddlegan.checks import Literal, checked
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.objectives import Objective, least_squares

#: The targets of fake and of real samples for the discriminator, and of fake ones for the generator: a, b, c.
CODINGS = {"zero_one": (0.0, 1.0, 1.0), "pearson": (-1.0, 1.0, 0.0)}


class LSGAN(AdversarialModule):
    """Args beyond those of `AdversarialModule`: coding, the targets a, b, c: `zero_one` is 0, 1, 1; `pearson` is -1, 1,
    0, by which the generator descends the Pearson divergence between p + q and 2 q."""

    @checked
    def __init__(self, *, coding: Literal["zero_one", "pearson"], **shared: Any) -> None:
        super().__init__(**shared)
        self.objective: Objective = least_squares(*CODINGS[coding])
