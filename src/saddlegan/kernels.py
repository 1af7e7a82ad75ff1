"""The smoothed generated distribution of the primal-dual method, and its pull: eqs. (3), (5)-(7) of its paper."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable


class _MeanKernel(torch.autograd.Function):
    """Mean over fakes of exp(-|fake_j - real_i|^2), by seed and real sample.

    The gradient is written out because it needs the kernel's own values and nothing else: one evaluation and one matrix
    product, where autograd would make six passes over `(seeds, fakes, reals)`. That product cancels for samples far
    from 0: they must lie around it. A compiler makes one pass of the six, of differences, and does without this.
    """

    @staticmethod
    def forward(fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        kernel = _squared_distances(fake, real).neg_().exp_()
        return kernel.mean(-2), kernel

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: tuple[Tensor, Tensor]) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(output[1], *inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor, None]:
        kernel, fake, real = ctx.saved_tensors
        pulls = kernel @ torch.cat([grad.unsqueeze(-1), grad.unsqueeze(-1) * real], dim=-1)
        return (pulls[..., 1:] - fake * pulls[..., :1]) * (2.0 / fake.shape[-2]), None


def _squared_distances(fake: Tensor, real: Tensor) -> Tensor:
    """`(*seeds, fakes, reals)`, from differences: |a|^2 + |b|^2 - 2ab cancels where sigma is small against the mean."""
    if fake.shape[-1] == 1:
        return (fake - real.mT).square_()
    return torch.cdist(fake, real, compute_mode="donot_use_mm_for_euclid_dist").square_()


def _among(real: Tensor) -> Tensor:
    """A point among the real samples, `(*seeds, 1, dim)`: by coordinate the middle one of three of them, so that one
    outlier is not it."""
    first, second, third = (real[..., index, None, :] for index in (0, real.shape[-2] // 2, -1))
    return torch.maximum(torch.minimum(first, second), torch.minimum(torch.maximum(first, second), third))


def kernel_density(
    fake: Float[Tensor, "*seeds fakes dim"],
    real: Float[Tensor, "*seeds reals dim"],
    sigma: float,
    normalised: bool = False,
) -> Float[Tensor, "*seeds reals"]:
    """p_g(x_i) = mean_j k_sigma(G(z_j) - x_i) with k_sigma(u) = exp(-|u|^2 / sigma^2), in (0, 1].

    `normalised` divides by (pi sigma^2)^(dim/2), so that p_g integrates to 1. Differentiable once, with respect to
    `fake` alone. `sigma > 0` is in the units of the data. A common shift of fake and real samples changes nothing.
    """
    if torch.compiler.is_compiling():
        differences = (fake.unsqueeze(-2) - real.unsqueeze(-3)) / sigma
        density = differences.square().sum(-1).neg().exp().mean(-2)
    else:
        origin = _among(real.detach())
        density, _ = _MeanKernel.apply((fake - origin) / sigma, (real - origin) / sigma)
    return density / (math.pi * sigma**2) ** (fake.shape[-1] / 2) if normalised else density


def dual_pull(
    density: Float[Tensor, "*seeds reals"],
    constraint: Float[Tensor, "*seeds reals"],
    alpha: float | Tensor,
    start: Float[Tensor, "*seeds reals"] | None = None,
) -> Float[Tensor, "*seeds"]:
    """Second term of eq. (7): mean_i (p~_i - p_i)^2 with `density` p_i and p~_i = p_i - alpha f1(D(x_i)), held fixed.

    The target p~, eq. (5), is one dual step from `start`, p_i itself where that is not given; `constraint` is
    f1(D(x_i)). `alpha >= 0` is a number or broadcasts to the densities.
    """
    target = (density if start is None else start) - alpha * constraint
    return (target.detach() - density).square().mean(-1)
