"""Penalties on a critic's gradients, as pure functions: they are differentiated twice."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Samples = Float[Tensor, "seeds batch *shape"]

#: Under the root of a norm, whose gradient at 0 is not finite.
TINY = 1e-12


def interpolated(real: Samples, fake: Samples, weight: Float[Tensor, "seeds batch 1"]) -> Samples:
    """Points on the line between a real and a fake sample, one a pair: weight 0 is the fake one, 1 the real one."""
    weight = weight.reshape(*weight.shape[:2], *[1] * (real.dim() - 2))
    return fake + weight * (real - fake)


def perturbed(real: Samples, weight: Float[Tensor, "seeds batch size"]) -> Samples:
    """Points near real samples: `real` plus half of a minibatch's standard deviation times `weight`, which has a number
    in [0, 1) for each value of a sample. Kodali et al. (2017), arXiv:1705.07215, with the noise of the code of Lucic et
    al. (2018), arXiv:1711.10337."""
    spread = real.flatten(1).std(1, unbiased=False).reshape(-1, *[1] * (real.dim() - 1))
    return real + 0.5 * spread * weight.reshape(real.shape)


def gradient_norms(
    critic: Callable[[Samples], Float[Tensor, "seeds batch"]], points: Samples
) -> Float[Tensor, "seeds batch"]:
    """The Euclidean norm of the critic's gradient at each point, with a graph to the critic's parameters."""
    points = points.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return (gradient.flatten(2).square().sum(-1) + TINY).sqrt()


def one_lipschitz(norms: Float[Tensor, "seeds batch"]) -> Float[Tensor, "seeds"]:
    """Mean (|gradient| - 1)^2, two-sided: Gulrajani et al. (2017), arXiv:1704.00028, eq. (3)."""
    return (norms - 1.0).square().mean(-1)
