"""f-divergences as a critic estimates them: Nowozin, Cseke & Tomioka (2016), arXiv:1606.00709, Tables 1 and 2.

D_f(p || q) = sup over T of E_p[T] - E_q[f*(T)]. The critic's raw output v becomes T = g_f(v), in the domain of the
conjugate f*; f*(g_f(v)) is written on v, where it stays finite.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

from saddlegan.objectives import Objective


class Divergence(NamedTuple):
    """`output` g_f, `conjugate` f*(g_f(v)), `optimum(p, q)`, the best T for densities p and q: f'(p/q), and
    `log_weight`, the logarithm of (f*)'(g_f(v)), which is p/q at the optimum: Hjelm et al. (2018), arXiv:1702.08431,
    Theorem 1."""

    output: Callable[[Tensor], Tensor]
    conjugate: Callable[[Tensor], Tensor]
    optimum: Callable[[Tensor, Tensor], Tensor]
    log_weight: Callable[[Tensor], Tensor]


#: Weights below it, which pearson's may be, count as this, so that their logarithms are finite.
LEAST_WEIGHT = 1e-6

#: `squared_hellinger` is the integral of (sqrt p - sqrt q)^2; `jensen_shannon` is twice the divergence that lies in
#: [0, log 2]; `gan` is that less log 4, the value of the 2014 game.
DIVERGENCES = {
    "kl": Divergence(
        lambda v: v, lambda v: torch.exp(v - 1.0), lambda p, q: 1.0 + (p / q).log(), log_weight=lambda v: v - 1.0
    ),
    "reverse_kl": Divergence(lambda v: -torch.exp(-v), lambda v: v - 1.0, lambda p, q: -q / p, log_weight=lambda v: v),
    "pearson": Divergence(
        lambda v: v,
        lambda v: v.square() / 4.0 + v,
        lambda p, q: 2.0 * (p / q - 1.0),
        log_weight=lambda v: (v / 2.0 + 1.0).clamp(min=LEAST_WEIGHT).log(),
    ),
    "squared_hellinger": Divergence(
        lambda v: -torch.expm1(-v),
        lambda v: torch.expm1(v),
        lambda p, q: 1.0 - (q / p).sqrt(),
        log_weight=lambda v: 2.0 * v,
    ),
    "jensen_shannon": Divergence(
        lambda v: math.log(2.0) - softplus(-v),
        lambda v: softplus(v) - math.log(2.0),
        lambda p, q: (2.0 * p / (p + q)).log(),
        log_weight=lambda v: v,
    ),
    "gan": Divergence(lambda v: -softplus(-v), softplus, lambda p, q: (p / (p + q)).log(), log_weight=lambda v: v),
}

#: The same, where the raw output estimates log p/q for each but pearson, as the authors of the boundary-seeking GAN
#: have them (Hjelm et al. 2018, Table 1): they write two of them on other raw outputs.
BOUNDARY_SEEKING = DIVERGENCES | {
    "kl": Divergence(lambda v: v + 1.0, torch.exp, DIVERGENCES["kl"].optimum, log_weight=lambda v: v),
    "squared_hellinger": Divergence(
        lambda v: -torch.expm1(-v / 2.0),
        lambda v: torch.expm1(v / 2.0),
        DIVERGENCES["squared_hellinger"].optimum,
        log_weight=lambda v: v,
    ),
}


def variational(divergence: Divergence, heuristic: bool) -> Objective:
    """The game on the divergence: the critic ascends E_p[T] - E_q[f*(T)], and the generator descends it; or, with
    `heuristic`, ascends E_q[T], section 3.2."""
    output, conjugate, optimum, _ = divergence
    return Objective(
        discriminator=lambda real, fake: conjugate(fake).mean(-1) - output(real).mean(-1),
        generator=lambda fake: -(output if heuristic else conjugate)(fake).mean(-1),
        output=output,
        optimum=optimum,
    )
