"""Closed forms that training must agree with, measured per seed in float64 on the samples of a real run."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from saddlegan.kernels import kernel_density
from saddlegan.objectives import Objective

Fakes = Float[Tensor, "seeds fakes *shape"]
Reals = Float[Tensor, "seeds reals *shape"]
PerSeed = Float[Tensor, "seeds"]


def optimal_discriminator_error(
    objective: Objective, real: Reals, fake: Fakes, bins: int = 16, steps: int = 100
) -> PerSeed:
    """max |D_found - D*| / (1 + |D*|) over the bins of a histogram, where D* is the optimum for the bins' frequencies.

    The discriminator is a table, one logit a bin of the mean coordinate, fitted by Newton's method to the variant's
    own discriminator loss (Goodfellow et al. 2014, Proposition 1: D* = p/(p + q); other pairs: their `optimum`). One
    real and one fake are added to each bin, so that D* is finite. NaN for a seed with samples that are not finite.
    """
    real, fake = (x.double().flatten(2).mean(-1) for x in (real, fake))
    finite = torch.isfinite(fake).all(-1)
    real_bins, fake_bins = _equal_bins(real, torch.where(finite[:, None], fake, 0.0), bins)
    p, q = (_frequencies(index, bins) for index in (real_bins, fake_bins))
    logits = torch.zeros_like(p, requires_grad=True)
    for _ in range(steps):
        loss = objective.discriminator(logits.gather(-1, real_bins), logits.gather(-1, fake_bins)).sum()
        (slope,) = torch.autograd.grad(loss, logits, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.sum(), logits)
        with torch.no_grad():
            reach = 1.0 + logits.abs()  # far optima are reached in few steps, and near ones are not overshot by much
            logits -= (slope / curvature.clamp_min(1e-12)).clamp(-reach, reach)
    best = objective.optimum(p, q)
    error = ((objective.output(logits.detach()) - best).abs() / (1.0 + best.abs())).amax(-1)
    return torch.where(finite, error, math.nan)


def _equal_bins(real: Tensor, fake: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """The bin of each sample, between the extremes of both, with one more sample of each kind appended to every bin."""
    both = torch.cat([real, fake], -1)
    low, high = both.amin(-1, keepdim=True), both.amax(-1, keepdim=True)
    width = (high - low).clamp_min(1e-12) / bins
    each = torch.arange(bins).expand(len(real), bins)
    index = [((x - low) / width).long().clamp(0, bins - 1) for x in (real, fake)]
    return torch.cat([index[0], each], -1), torch.cat([index[1], each], -1)


def _frequencies(index: Tensor, bins: int) -> Tensor:
    return torch.nn.functional.one_hot(index, bins).double().mean(-2)


def gradient_identity_error(
    fake: Float[Tensor, "seeds fakes dim"],
    real: Float[Tensor, "seeds reals dim"],
    constraint: Float[Tensor, "seeds reals"],
    sigma: float,
    alpha: float,
    normalised: bool,
) -> PerSeed:
    """Relative error of the gradient of eq. (7)'s second term against its closed form, with f1(D(x_i)) as `constraint`:

    d/dg_j = -(4 alpha / (sigma^2 m1 m2)) sum_i f1(D(x_i)) k(g_j - x_i) (g_j - x_i).

    Two gradients are held against it, and the larger error returned: autograd through eqs. (3) to (7) as they are
    written, and through the kernel that training uses. |found - expected|_inf / |expected|_inf; the absolute error
    where every kernel value underflows. NaN for samples that are not finite.
    """
    fake, real, constraint = fake.detach().double().requires_grad_(), real.double(), constraint.detach().double()
    scale = (math.pi * sigma**2) ** (-fake.shape[-1] / 2) if normalised else 1.0
    difference = fake.unsqueeze(-2) - real.unsqueeze(-3)
    kernel = scale * torch.exp(-difference.square().sum(-1) / sigma**2)
    weights = -4.0 * alpha / (sigma**2 * real.shape[-2] * fake.shape[-2]) * constraint
    expected = torch.einsum("sji,si,sjid->sjd", kernel, weights, difference).detach()
    error = torch.zeros(len(fake), dtype=torch.float64)
    for density in (kernel.mean(-2), kernel_density(fake, real, sigma, normalised)):
        target = (density - alpha * constraint).detach()
        (found,) = torch.autograd.grad((target - density).square().mean(-1).sum(), fake)
        error = torch.maximum(error, (found - expected).abs().amax((-2, -1)))
    size = expected.abs().amax((-2, -1))
    return torch.where(size > 1e-200, error / size, error)
