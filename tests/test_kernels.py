"""The kernel density of eq. (6) against its definition, and its hand-written gradient against autograd."""

import pytest
import torch

from saddlegan.kernels import dual_pull, kernel_density


def written(fake, real, sigma, normalised):
    difference = fake.unsqueeze(-2) - real.unsqueeze(-3)
    kernel = torch.exp(-difference.square().sum(-1) / sigma**2)
    return kernel.mean(-2) / ((torch.pi * sigma**2) ** (fake.shape[-1] / 2) if normalised else 1.0)


@pytest.mark.parametrize("dim", [1, 2, 5])
@pytest.mark.parametrize("normalised", [False, True])
def test_value_and_gradient(dim, normalised):
    torch.manual_seed(0)
    fake = torch.randn(3, 7, dim, dtype=torch.float64, requires_grad=True)
    real = torch.randn(3, 5, dim, dtype=torch.float64)
    expected, found = written(fake, real, 0.8, normalised), kernel_density(fake, real, 0.8, normalised)
    torch.testing.assert_close(found, expected)
    weights = torch.randn_like(found)
    (slope,) = torch.autograd.grad((weights * expected).sum(), fake)
    torch.testing.assert_close(torch.autograd.grad((weights * found).sum(), fake)[0], slope)


def test_unnormalised_kernel_is_one_at_zero():
    point = torch.full((2, 4, 1), 0.3)
    torch.testing.assert_close(kernel_density(point, point, 1e-3), torch.ones(2, 4))


def test_normalised_kernel_integrates_to_one():
    grid = torch.linspace(-5, 5, 4001, dtype=torch.float64)
    density = kernel_density(torch.tensor([[[0.3]]], dtype=torch.float64), grid[None, :, None], 0.5, normalised=True)
    torch.testing.assert_close(torch.trapezoid(density[0], grid), torch.ones((), dtype=torch.float64))


def test_small_sigma_does_not_cancel_far_from_the_origin():
    fake, real = torch.tensor([[[1000.001]]]), torch.tensor([[[1000.0]]])
    distance = float(fake - real)  # as float32 holds it
    expected = torch.exp(-torch.tensor([[(distance / 0.01) ** 2]]))
    torch.testing.assert_close(kernel_density(fake, real, 0.01), expected, rtol=0.05, atol=0)


def test_pull_towards_the_dual_step():
    """At the target of eq. (5) the term of eq. (7) is alpha^2 mean f1^2, and pulls p_i by 2 alpha f1 / n."""
    density = torch.rand(3, 5, dtype=torch.float64, requires_grad=True)
    constraint = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    alpha = torch.tensor([[0.0], [0.5], [2.0]], dtype=torch.float64)
    pull = dual_pull(density, constraint, alpha)
    torch.testing.assert_close(pull, alpha[:, 0] ** 2 * constraint.square().mean(-1))
    of_density, of_constraint = torch.autograd.grad(pull.sum(), [density, constraint], allow_unused=True)
    torch.testing.assert_close(of_density, 2 * alpha * constraint / 5)
    assert of_constraint is None  # the target is held fixed
    held = density.detach() + 0.1
    torch.testing.assert_close(dual_pull(density, constraint, 0.0, held), torch.full((3,), 0.01, dtype=torch.float64))
