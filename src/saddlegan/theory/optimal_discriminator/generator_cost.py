"""The generator's cost C(G) = max_D V against the optimal discriminator, p = N(0, 1) and q = N(mu, scale^2).

Nothing here knows that it is -log 4 + 2 JSD: D is optimised for each q, and its gradient is that through the optimal D,
which stays put to first order (the envelope theorem).
"""

import math

import numpy as np
from scipy import optimize

from saddlegan.objectives import js
from saddlegan.theory.optimal_discriminator.newton import densities_on, maximise
from saddlegan.theory.shared.densities import LOG2, Array, log_normal


def generator_cost(x: Array, mu: Array, log_scale: Array) -> tuple[Array, Array]:
    """C(G) (k,) and its gradient (k, 2) by mu and log scale through the optimal D; p = N(0, 1), q = N(mu, scale^2)."""
    scale = np.exp(log_scale)[:, None]
    p, q = densities_on(x, log_normal(x, 0.0, 1.0), log_normal(x, mu[:, None], scale))
    pair, step = js(), float(x[1] - x[0])
    logits = maximise(pair.f0, pair.f1, p, q, tolerance=1e-20)
    cost = (p * pair.f0(logits) + q * pair.f1(logits)).sum(-1).numpy() * step - LOG2
    pull, z = (q * pair.f1(logits)).numpy(), (x - mu[:, None]) / scale
    return cost, np.stack([(pull * z / scale).sum(-1), (pull * (z**2 - 1.0)).sum(-1)], -1) * step


def descend(x: Array, mu: float, log_scale: float) -> tuple[float, Array]:
    """The least C(G) that L-BFGS finds from a start, and its path (steps, 2) of mu and log scale."""
    path = [np.array([mu, log_scale])]

    def cost(theta: Array) -> tuple[float, Array]:
        values, gradients = generator_cost(x, theta[:1], theta[1:])
        return float(values[0]), gradients[0]

    found = optimize.minimize(
        cost,
        path[0],
        jac=True,
        method="L-BFGS-B",
        bounds=((-4.0, 4.0), (math.log(0.4), math.log(2.5))),
        callback=lambda theta: path.append(theta.copy()),
        options={"ftol": 0.0, "gtol": 1e-9},
    )
    return float(found.fun), np.stack(path)
