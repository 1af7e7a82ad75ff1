"""The kernel density of eq. (6) against its definition, and its hand-written gradient against autograd."""

import pytest
import torch

from saddlegan.kernels import dual_pull, kernel_density

pytestmark = pytest.mark.usefixtures("own_draws")


def written(fake, real, sigma, normalised):
    difference = fake.unsqueeze(-2) - real.unsqueeze(-3)
    kernel = torch.exp(-difference.square().sum(-1) / sigma**2)
    return kernel.mean(-2) / ((torch.pi * sigma**2) ** (fake.shape[-1] / 2) if normalised else 1.0)


@pytest.mark.parametrize("dim", [1, 2, 5])
@pytest.mark.parametrize("normalised", [False, True])
def test_value_and_gradient(dim, normalised):
    fake = torch.randn(3, 7, dim, dtype=torch.float64, requires_grad=True)
    real = torch.randn(3, 5, dim, dtype=torch.float64)
    expected, found = written(fake, real, 0.8, normalised), kernel_density(fake, real, 0.8, normalised)
    torch.testing.assert_close(found, expected)
    weights = torch.randn_like(found)
    (slope,) = torch.autograd.grad((weights * expected).sum(), fake)
    torch.testing.assert_close(torch.autograd.grad((weights * found).sum(), fake)[0], slope)


def slope_of(fake, real, sigma, normalised=False):
    """Density, and the gradient of a weighted sum of it, with weights of both signs."""
    fake = fake.clone().requires_grad_()
    density = kernel_density(fake, real, sigma, normalised)
    weights = torch.linspace(-1, 2, real.shape[-2], dtype=fake.dtype)
    return density.detach(), torch.autograd.grad((weights * density).sum(), fake)[0]


def batches(dim, seed=0):
    """On a grid so coarse that float32 holds it exactly at a distance of 2^17."""
    draw = torch.Generator().manual_seed(seed)
    return tuple((torch.randn(3, n, dim, generator=draw) * 64).round() / 64 for n in (40, 30))


SIGMAS, OFFSETS = [0.05, 0.7, 1.0, 30.0], [0.0, 100.0, 2.0**17]


@pytest.mark.parametrize("dim", [1, 2, 5])
@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("normalised", [False, True])
def test_a_common_shift_changes_nothing(dim, sigma, normalised):
    fake, real = batches(dim)
    expected = slope_of(fake, real, sigma, normalised)
    for offset in OFFSETS:
        shifts = offset * torch.tensor([[[1.0]], [[-1.0]], [[0.5]]])
        found = slope_of(fake + shifts, real + shifts, sigma, normalised)
        assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


@pytest.mark.parametrize("dim", [1, 2, 5])
@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("offset", OFFSETS)
def test_float32_has_the_digits_of_float64(dim, sigma, offset):
    fake, real = (x + offset for x in batches(dim))
    real[:, 0] = 1e8  # an outlier touches nothing but itself
    fake[:, 0] = real[:, 1]
    digits = 2e-6 * max(1, 1 / sigma)  # of the spread of the data, which is 1, over sigma
    for found, exact in zip(slope_of(fake, real, sigma), slope_of(fake.double(), real.double(), sigma), strict=True):
        assert (found - exact).abs().max() < digits * exact.abs().max()


@pytest.mark.parametrize("dim", [1, 5])
def test_under_autocast_distances_keep_the_digits_of_the_samples(dim):
    fake, real = batches(dim)
    expected = slope_of(fake.bfloat16().float(), real, 0.7)
    with torch.autocast("cpu", torch.bfloat16):
        found = fake.bfloat16().requires_grad_()
        density = kernel_density(found, real, 0.7)
    (density * torch.linspace(-1, 2, 30)).sum().backward()
    torch.testing.assert_close(density, expected[0])
    torch.testing.assert_close(found.grad, expected[1].bfloat16(), rtol=0.01, atol=1e-6)


def test_unnormalised_kernel_is_one_at_zero():
    point = torch.full((2, 4, 1), 0.3)
    torch.testing.assert_close(kernel_density(point, point, 1e-3), torch.ones(2, 4))


def test_normalised_kernel_integrates_to_one():
    grid = torch.linspace(-5, 5, 4001, dtype=torch.float64)
    density = kernel_density(torch.tensor([[[0.3]]], dtype=torch.float64), grid[None, :, None], 0.5, normalised=True)
    torch.testing.assert_close(torch.trapezoid(density[0], grid), torch.ones((), dtype=torch.float64))


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
