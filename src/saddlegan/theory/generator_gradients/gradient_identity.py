"""The generator's gradient at the optimal discriminator, along samples and as the derivative of divergences, in 1-D."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, Normal
from torch.nn.functional import logsigmoid

from saddlegan.checks import PositiveFloat, check_value
from saddlegan.theory.shared.densities import Mixture, covered, gaussian, js, kl


def pathwise(p: Mixture, mean: float, scale: float) -> NDArray:
    """(2, 2): E[grad -log D*(g(z))], E[grad log(1 - D*(g(z)))] in mean and scale of g(z) = mean + scale z.

    D* = p / (p + q) for q = N(mean, scale^2), held fixed. Raises `ConfigError` where scale <= 0.
    """
    check_value("scale", PositiveFloat, scale)
    latent = torch.linspace(-12.0, 12.0, 6001, dtype=torch.float64)
    weight = torch.exp(-0.5 * latent.square()) * 0.004 / math.sqrt(2.0 * math.pi)
    theta = torch.tensor([mean, scale], dtype=torch.float64, requires_grad=True)
    x = theta[0] + theta[1] * latent
    logits = _log_density(p, x) - _log_density(gaussian(mean, scale), x)
    losses = ((weight * loss).sum() for loss in (-logsigmoid(logits), logsigmoid(-logits)))
    return torch.stack([torch.autograd.grad(loss, theta, retain_graph=True)[0] for loss in losses]).numpy()


def _log_density(p: Mixture, x: Tensor) -> Tensor:
    weights, means, scales = torch.tensor([p.weights, p.means, p.scales], dtype=torch.float64)
    return MixtureSameFamily(Categorical(weights), Normal(means, scales)).log_prob(x)


def differentiated(p: Mixture, mean: float, scale: float, step: float = 0.01) -> NDArray:
    """(2, 2): the derivatives of KL(q||p) - 2 JSD and of 2 JSD in mean and scale of q, by central differences.

    Of `step` scales and of half of it, extrapolated. Raises `ConfigError` where scale or step <= 0, and where the grid
    from -40 to 40 does not hold p and q.
    """
    for name, value in (("scale", scale), ("step", step)):
        check_value(name, PositiveFloat, value)
    x = np.linspace(-40.0, 40.0, 8001)
    log_p = covered(p.log_density(x), 0.01)

    def divergences(m: float, s: float) -> NDArray:
        log_q = covered(gaussian(m, s).log_density(x), 0.01)
        jsd = js(log_p, log_q, 0.01)
        return np.array([kl(log_q, log_p, 0.01) - 2.0 * jsd, 2.0 * jsd])

    def central(h: float) -> NDArray:
        by_mean = divergences(mean + h, scale) - divergences(mean - h, scale)
        return np.stack([by_mean, divergences(mean, scale + h) - divergences(mean, scale - h)], -1) / (2.0 * h)

    return (4.0 * central(step * scale / 2.0) - central(step * scale)) / 3.0
