"""The table of f-GAN (Nowozin, Cseke, Tomioka, 2016, arXiv:1606.00709), each row derived from its f.

D_f(p||q) = E_q[f(p/q)] is the largest E_p[T] - E_q[f*(T)]; T = nu(F) keeps T in the domain of f* for every real F, and
the best T is f'(p/q). The rows called GAN and JS are 2 JSD - log 4 and 2 JSD: neither is the JSD itself.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from scipy import integrate
from torch import Tensor
from torch.nn.functional import softplus

from saddlegan.checks import ConfigError
from saddlegan.theory.optimal_discriminator.newton import densities_on, error, maximise
from saddlegan.theory.shared.densities import LOG2, Array, gaussian_kl, log_normal


class Row(NamedTuple):
    """`nu`(F), `conjugate` f*(T), and `slope` f'(r) of the ratio r = p/q."""

    nu: Callable[[Tensor], Tensor]
    conjugate: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]


ROWS = {
    "GAN": Row(
        lambda raw: -softplus(-raw), lambda t: -torch.log1p(-torch.exp(t)), lambda r: torch.log(r) - torch.log1p(r)
    ),
    "JS": Row(
        lambda raw: LOG2 - softplus(-raw),
        lambda t: -torch.log(2.0 - torch.exp(t)),
        lambda r: LOG2 + torch.log(r) - torch.log1p(r),
    ),
    "KL(p||q)": Row(lambda raw: raw + 1.0, lambda t: torch.exp(t - 1.0), lambda r: 1.0 + torch.log(r)),
    "KL(q||p)": Row(lambda raw: -torch.exp(-raw), lambda t: -1.0 - torch.log(-t), lambda r: -1.0 / r),
    "Pearson": Row(lambda raw: raw, lambda t: t.square() / 4.0 + t, lambda r: 2.0 * (r - 1.0)),
    "squared Hellinger": Row(
        lambda raw: -torch.expm1(-0.5 * raw), lambda t: 1.0 / (1.0 - t) - 1.0, lambda r: 1.0 - r.pow(-0.5)
    ),
}


def closed_forms(mu: float, scale: float) -> dict[str, float]:
    """D_f(p||q) of p = N(0, 1), q = N(mu, scale^2) per row; Pearson is infinite where scale^2 <= 1/2.

    Both rows of JSD have no closed form: they are integrated by an adaptive rule that shares nothing with a grid.
    """
    forward, reverse = gaussian_kl(mu, scale)
    variance, tail = scale**2, 2.0 * scale**2 - 1.0
    pearson = variance / math.sqrt(tail) * math.exp(mu**2 / tail) - 1.0 if tail > 0 else math.inf
    overlap = math.sqrt(2.0 * scale / (1.0 + variance)) * math.exp(-(mu**2) / (4.0 * (1.0 + variance)))
    jsd = adaptive_jsd(mu, scale)
    values = 2.0 * jsd - 2.0 * LOG2, 2.0 * jsd, float(forward), float(reverse), pearson, 2.0 * (1.0 - overlap)
    return dict(zip(ROWS, values, strict=True))


def table_rows(x: Array, mu: float, scale: float) -> dict[str, tuple[float, float, float]]:
    """Per row of f-GAN: the value found, the closed form, `error` of T; p = N(0, 1), q = N(mu, scale^2).

    Raises `ConfigError` where scale^2 <= 1/2, where Pearson's divergence is infinite.
    """
    if not scale**2 > 0.5:
        raise ConfigError(f"scale={scale:g}: expected over 0.71, as Pearson's divergence is infinite else.")
    real, fake, found = *densities_on(x, log_normal(x, 0.0, 1.0), log_normal(x, mu, scale)), {}
    for (name, row), exact in zip(ROWS.items(), closed_forms(mu, scale).values(), strict=True):
        t = row.nu(maximise(row.nu, lambda raw, row=row: -row.conjugate(row.nu(raw)), real, fake))
        value = float((real * t - fake * row.conjugate(t)).sum()) * float(x[1] - x[0])
        found[name] = (value, exact, error(t, row.slope(real / fake)))
    return found


def adaptive_jsd(mu: float, scale: float) -> float:
    """JSD of N(0, 1) and N(mu, scale^2), nats, to about 1e-12."""

    def integrand(x: float) -> float:
        log_p, log_q = float(log_normal(np.array(x), 0.0, 1.0)), float(log_normal(np.array(x), mu, scale))
        log_m = np.logaddexp(log_p, log_q) - LOG2
        return 0.5 * (math.exp(log_p) * (log_p - log_m) + math.exp(log_q) * (log_q - log_m))

    ends = min(-10.0, mu - 10.0 * scale), max(10.0, mu + 10.0 * scale)
    return integrate.quad(integrand, *ends, points=sorted({0.0, mu}), limit=200, epsabs=1e-13, epsrel=1e-13)[0]
