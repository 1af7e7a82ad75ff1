"""Primal-dual subgradient GAN: Algorithm 1 of the reproduced paper, after Chen, Wang & Ge (2018), arXiv:1802.01765.

The discriminator's outputs D(x_i) are the primal variables of a convex program, the generated distribution p_g(x_i) its
dual variables, f1 the constraint. The discriminator's step, eq. (4), is the standard one; the generator's, eq. (7),
also pulls p_g towards the dual variables after one subgradient step, eq. (5).
"""

from typing import Any

from saddlegan import objectives
from saddlegan.adversarial import AdversarialModule, Loss, Samples
from saddlegan.checks import Literal, NonNegativeFloat, PositiveFloat, checked
from saddlegan.kernels import kernel_density
from saddlegan.metrics.oracles import gradient_identity_error


class PrimalDual(AdversarialModule):
    """Args beyond those of `AdversarialModule`:

    pair: the (f0, f1) of `objectives`; `epsilon` is that of `approximate_wasserstein`.
    sigma: width of the kernel, in the units of the data.
    alpha: the dual step; 0 gives the standard GAN of the pair.
    kernel: `unnormalised` as in eq. (3), where k(0) = 1, or `normalised` to integrate to 1 over the data space.
    first_term: `saturating` is f1 as in eq. (7); `non_saturating` is -f0.
    """

    @checked
    def __init__(
        self,
        *,
        pair: Literal["js", "kl", "reverse_kl", "pearson", "hellinger", "approximate_wasserstein"],
        epsilon: PositiveFloat,
        sigma: PositiveFloat,
        alpha: NonNegativeFloat,
        kernel: Literal["unnormalised", "normalised"],
        first_term: Literal["saturating", "non_saturating"],
        **shared: Any,
    ) -> None:
        super().__init__(**shared)
        self.pair = objectives.pair_named(pair, epsilon=epsilon)
        self.objective = getattr(objectives, first_term)(self.pair)
        self.sigma = sigma
        self.alpha = alpha
        self.normalised = kernel == "normalised"

    def generator_loss(self, real: Samples, fake: Samples) -> Loss:  # eq. (7)
        density = kernel_density(fake, real, self.sigma, self.normalised)  # eq. (6): p_g(x_i)
        target = (density - self.alpha * self.pair.f1(self.discriminator(real))).detach()  # eq. (5), held fixed
        return super().generator_loss(real, fake) + (target - density).square().mean(-1)

    def probes(self, real: Samples, fake: Samples) -> dict[str, Loss]:
        constraint = self.pair.f1(self.discriminator(real))
        error = gradient_identity_error(fake, real, constraint, self.sigma, self.alpha, self.normalised)
        return super().probes(real, fake) | {"gradient_identity_error": error}
