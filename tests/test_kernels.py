"""The kernel density of eq. (6) against its definition, and its hand-written gradient against autograd."""

import pytest
import torch

from saddlegan.kernels import kernel_density


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
