"""f-GAN: Nowozin, Cseke & Tomioka (2016), arXiv:1606.00709: a game on any f-divergence."""

from typing import Any

from saddlegan.checks import Literal, checked
from saddlegan.divergences import DIVERGENCES, variational
from saddlegan.engine.adversarial import AdversarialModule


class FGAN(AdversarialModule):
    """Args beyond those of `AdversarialModule`:

    divergence: what the critic estimates; see `divergences`.
    heuristic: whether the generator ascends E_q[T] (section 3.2) in place of descending the divergence.
    """

    @checked
    def __init__(
        self,
        *,
        divergence: Literal["kl", "reverse_kl", "pearson", "squared_hellinger", "jensen_shannon", "gan"],
        heuristic: bool,
        **shared: Any,
    ) -> None:
        super().__init__(**shared)
        self.objective = variational(DIVERGENCES[divergence], heuristic)
