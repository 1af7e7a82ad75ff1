"""The constant step under which the primal-dual method converges near its equilibrium, for p_i = 1/n: three ways.

In closed form, by the eigenvalues of one iteration's Jacobian, and by whether a small error dies out. All tensors are
(scheme, geometry), in the order of `SCHEMES` and `GEOMETRIES`.
"""

import math

import torch
from torch import Tensor

from saddlegan.objectives import Pair
from saddlegan.theory.function_space.finite_support import GEOMETRIES, State, advance, equilibrium, logits_of, uniform


def derived_thresholds(pair: Pair, n: int) -> Tensor:
    """The step under which a constant one converges near equilibrium, for p_i = 1/n.

    With a = -(f0 + f1)'' and b = f1' at D*, a point of the support follows a pair of linear recurrences: D's error is
    damped by p a and turned into q's by b. Where p a > 2 |b| it overshoots before it would turn outward.
    Multiplicative weights scale q's step by p. On the simplex, D's mean error is damped alone, and overshoots for steps
    over 2 / (p a). Raises `ConfigError` where n < 2.
    """
    uniform(n)
    d = torch.tensor(equilibrium(pair), dtype=torch.float64, requires_grad=True)
    logits = logits_of(pair, d)
    (b,) = torch.autograd.grad(pair.f1(logits), d, create_graph=True)
    (total,) = torch.autograd.grad(pair.f0(logits) + pair.f1(logits), d, create_graph=True)
    damping, square = -torch.autograd.grad(total, d)[0].item() / n, b.item() ** 2
    columns = []
    for geometry, turn in zip(GEOMETRIES, (square, square, square / n), strict=True):
        mean = math.inf if geometry == "orthant" else 2 / damping
        alternating = (math.sqrt(damping**2 + 4 * turn) - damping) / turn
        simultaneous = (damping - math.sqrt(max(damping**2 - 4 * turn, 0))) / turn
        columns.append([min(simultaneous, mean), min(alternating, mean), 2 * damping / turn])
    return torch.tensor(columns, dtype=torch.float64).T


def spectral_radius(pair: Pair, p: Tensor, steps: Tensor) -> Tensor:
    """Largest eigenvalue of one iteration's Jacobian at the equilibrium, by central differences."""
    n = p.numel()
    nudges = 1e-5 * torch.eye(2 * n, dtype=torch.float64).expand(3, 3, 2 * n, 2 * n)
    sides = [
        torch.cat(advance(pair, p, State(equilibrium(pair) + nudge[..., :n], p + nudge[..., n:]), steps), -1)
        for nudge in (nudges, -nudges)
    ]
    return torch.linalg.eigvals((sides[0] - sides[1]) / 2e-5).abs().amax(-1)


def jacobian_thresholds(pair: Pair, n: int) -> Tensor:
    """The step at which `spectral_radius` passes 1, by bisection, for p_i = 1/n."""
    p = uniform(n)
    low, high = torch.full((3, 3, 1, 1), 1e-3, dtype=torch.float64), torch.full((3, 3, 1, 1), 1e2, dtype=torch.float64)
    for _ in range(24):
        middle = (low * high).sqrt()
        stable = (spectral_radius(pair, p, middle) < 1)[..., None, None]
        low, high = torch.where(stable, middle, low), torch.where(stable, high, middle)
    return low[..., 0, 0]


def simulated_thresholds(pair: Pair, n: int) -> Tensor:
    """The largest step under which a small error dies out, for p_i = 1/n.

    32 steps from 0.02 to 8, then 32 between the last that is stable and the next: within 0.4 %.
    """
    low, high = torch.full((3, 3, 1), 0.02, dtype=torch.float64), torch.full((3, 3, 1), 8.0, dtype=torch.float64)
    for _ in range(2):
        steps = low * (high / low) ** torch.linspace(0, 1, 32, dtype=torch.float64)
        last = torch.where(growth(pair, uniform(n), steps) < 0, torch.arange(32), 0).amax(-1, keepdim=True)
        low, high = steps.gather(-1, last), steps.gather(-1, (last + 1).clamp(max=31))
    return (low * high).sqrt()[..., 0]


def growth(pair: Pair, p: Tensor, steps: Tensor, *, iterations: int = 200) -> Tensor:
    """Mean log growth per iteration of a small error about the equilibrium, at `steps` (scheme, geometry, s).

    The error is put back to length 1e-6 after each iteration; a smooth bump weights the last three quarters.
    """
    seeded = torch.Generator().manual_seed(p.numel())
    error = torch.randn(2, *steps.shape, p.numel(), generator=seeded, dtype=torch.float64)
    total, weights = torch.zeros_like(steps), 0.0
    for t in range(iterations):
        error = 1e-6 * error / error.square().sum((0, -1), keepdim=True).sqrt()
        after = advance(pair, p, State(equilibrium(pair) + error[0], p + error[1]), steps[..., None])
        error = torch.stack([after.d - equilibrium(pair), after.q - p])
        place = (t + 0.5) / (0.75 * iterations) - 1 / 3
        if place > 0:
            weight = math.exp(-1 / (place * (1 - place)))
            total += weight * (error.square().sum((0, -1)).sqrt() / 1e-6).log()
            weights += weight
    return total / weights
