"""The optimal discriminator without a network: one logit a point of a grid, found by Newton's method in float64."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from saddlegan.checks import ConfigError
from saddlegan.theory.shared.densities import Array, covered

Term = Callable[[Tensor], Tensor]
LARGEST = 300  # steps; from 0 a logit of -50 takes about 50
HALVINGS = 200


def densities_on(x: Array, log_p: Array, log_q: Array) -> tuple[Tensor, Tensor]:
    """p and q (..., x) as tensors. `ConfigError` unless x has >= 2 points, as many as each, with all its mass."""
    if np.ndim(x) != 1 or len(x) < 2:
        raise ConfigError(f"x: got {np.size(x)} points, expected a grid of at least 2.")
    if not np.shape(log_p)[-1:] == np.shape(log_q)[-1:] == x.shape:
        raise ConfigError(f"densities: got {np.shape(log_p)} and {np.shape(log_q)} on {len(x)} points; use one grid.")
    step = float(x[1] - x[0])
    p, q = (torch.from_numpy(np.exp(covered(log_density, step))) for log_density in (log_p, log_q))
    return p.broadcast_to(torch.broadcast_shapes(p.shape, q.shape)), q


def maximise(f0: Term, f1: Term, p: Tensor, q: Tensor, tolerance: float = 1e-30) -> Tensor:
    """Logits that maximise p f0 + q f1 at each point, f0 and f1 concave in the logit, from 0.

    A step is halved until its point does not get worse. It ends when every expected gain is below `tolerance` (p + q).
    """
    logits = torch.zeros_like(p)
    for _ in range(LARGEST):
        value, slope, curvature = _expand(f0, f1, p, q, logits)
        step = torch.where(curvature < 0, -slope / curvature, torch.zeros_like(slope))
        if bool((slope * step <= tolerance * (p + q)).all()):
            break
        for _ in range(HALVINGS):
            worse = ~(p * f0(logits + step) + q * f1(logits + step) >= value - 1e-13 * value.abs())
            if not worse.any():
                break
            step = torch.where(worse, 0.5 * step, step)
        logits = logits + step
    return logits


def error(found: Tensor, expected: Tensor) -> float:
    """The largest |found - expected| / (1 + |expected|)."""
    return float(((found - expected).abs() / (1.0 + expected.abs())).max())


def _expand(f0: Term, f1: Term, p: Tensor, q: Tensor, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    logits = logits.detach().requires_grad_()
    value = p * f0(logits) + q * f1(logits)
    (slope,) = torch.autograd.grad(value.sum(), logits, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), logits)
    return value.detach(), slope.detach(), curvature
