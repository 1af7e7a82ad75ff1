"""What the two players minimise, as pure functions of the discriminator's raw logits.

Every function reduces the last axis only: logits `(*seeds, batch)` give losses `(*seeds,)`. An objective is built from
a pair (f0, f1): the discriminator ascends mean f0(D(x)) + mean f1(D(G(z))) (eq. (4) of the reproduced paper), the two
terms summed, not averaged. `D` is the discriminator's output after its activation: a probability for `js`, positive for
`kl`, `reverse_kl` and `hellinger`, real for `pearson` and `approximate_wasserstein`.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

Logits = Float[Tensor, "*seeds batch"]
Loss = Float[Tensor, "*seeds"]


class Pair(NamedTuple):
    """An objective f0 and a constraint f1 of the convex program, both concave in D and written on logits.

    `optimum(p, q)` is the D that maximises p f0(D) + q f1(D); at p = q it is the D at which f1 is 0.
    """

    f0: Callable[[Tensor], Tensor]
    f1: Callable[[Tensor], Tensor]
    output: Callable[[Tensor], Tensor]
    optimum: Callable[[Tensor, Tensor], Tensor]


class Objective(NamedTuple):
    """What each player minimises, and the discriminator that is optimal for densities p (real) and q (fake), where
    there is one that is finite."""

    discriminator: Callable[[Logits, Logits], Loss]
    generator: Callable[[Logits], Loss]
    output: Callable[[Tensor], Tensor]
    optimum: Callable[[Tensor, Tensor], Tensor] | None = None


def js() -> Pair:
    """Jensen-Shannon, the 2014 GAN: f0 = log D, f1 = log(2(1 - D)). f1 is 0 at D = 1/2 and unbounded below."""
    return Pair(
        f0=lambda logits: -softplus(-logits),
        f1=lambda logits: math.log(2.0) - softplus(logits),
        output=torch.sigmoid,
        optimum=lambda p, q: p / (p + q),
    )


def kl() -> Pair:
    """KL(p_d || p_g): f0 = log D, f1 = 1 - D, with D = exp(logit) > 0."""
    return Pair(lambda logits: logits, lambda logits: -torch.expm1(logits), torch.exp, lambda p, q: p / q)


def reverse_kl() -> Pair:
    """KL(p_g || p_d): f0 = -D, f1 = log D, with D = exp(logit) > 0."""
    return Pair(lambda logits: -torch.exp(logits), lambda logits: logits, torch.exp, lambda p, q: q / p)


def pearson() -> Pair:
    """Pearson chi-squared: f0 = D, f1 = -D^2/4 - D, with D real."""
    return Pair(
        f0=lambda logits: logits,
        f1=lambda logits: -(logits.square() / 4.0 + logits),
        output=lambda logits: logits,
        optimum=lambda p, q: 2.0 * (p / q - 1.0),
    )


def hellinger() -> Pair:
    """Squared Hellinger: f0 = 1 - D, f1 = 1 - 1/D, with D = exp(logit) > 0."""
    return Pair(
        f0=lambda logits: -torch.expm1(logits),
        f1=lambda logits: -torch.expm1(-logits),
        output=torch.exp,
        optimum=lambda p, q: (q / p).sqrt(),
    )


def approximate_wasserstein(epsilon: float) -> Pair:
    """Approximate Wasserstein: f0 = D - epsilon D^2, f1 = -D - epsilon D^2, with D real and epsilon > 0."""
    return Pair(
        f0=lambda logits: logits - epsilon * logits.square(),
        f1=lambda logits: -(logits + epsilon * logits.square()),
        output=lambda logits: logits,
        optimum=lambda p, q: (p - q) / (2.0 * epsilon * (p + q)),
    )


def wasserstein() -> Objective:
    """Wasserstein-1: the critic ascends mean D(x) - mean D(G(z)), D being real and to be kept Lipschitz by other means.
    Arjovsky, Chintala & Bottou (2017), eq. (2)."""
    return Objective(
        discriminator=lambda real, fake: fake.mean(-1) - real.mean(-1),
        generator=lambda fake: -fake.mean(-1),
        output=lambda logits: logits,
    )


def least_squares(a: float, b: float, c: float) -> Objective:
    """Squared distances of D, which is real, to targets: a for fake samples, b for real ones, c for fake
    ones in the generator's eyes. Mao et al. (2017), arXiv:1611.04076."""
    return Objective(
        discriminator=lambda real, fake: 0.5 * ((real - b).square().mean(-1) + (fake - a).square().mean(-1)),
        generator=lambda fake: 0.5 * (fake - c).square().mean(-1),
        output=lambda logits: logits,
        optimum=lambda p, q: (b * p + a * q) / (p + q),
    )


def pair_named(name: str, *, epsilon: float) -> Pair:
    """The (f0, f1) pair called `name`; `epsilon` is that of `approximate_wasserstein`, and unused elsewhere."""
    if name == "approximate_wasserstein":
        return approximate_wasserstein(epsilon)
    return {"js": js, "kl": kl, "reverse_kl": reverse_kl, "pearson": pearson, "hellinger": hellinger}[name]()


def saturating(pair: Pair) -> Objective:
    """The generator descends what the discriminator ascends: mean f1(D(G(z))), the first term of eq. (7)."""
    return Objective(
        discriminator=lambda real, fake: -(pair.f0(real).mean(-1) + pair.f1(fake).mean(-1)),
        generator=lambda fake: pair.f1(fake).mean(-1),
        output=pair.output,
        optimum=pair.optimum,
    )


def non_saturating(pair: Pair) -> Objective:
    """The generator ascends mean f0(D(G(z))) instead: for `js` the -log D of Goodfellow et al. (2014), section 3."""
    return saturating(pair)._replace(generator=lambda fake: -pair.f0(fake).mean(-1))
