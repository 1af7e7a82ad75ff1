"""The two gradient terms of the generator in Algorithm 1, eqs. (5)-(7): on samples, near equilibrium, and as a flow.

The generator descends mean_j f1(D(g_j)) + mean_i (p~_i - p_i)^2 with p_i = mean_j exp(-|g_j - x_i|^2 / sigma^2) and the
target p~_i = p_i - alpha f1(D(x_i)) held fixed; f1 = log(2(1 - D)).
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special, stats
from torch import Tensor

from saddlegan import objectives
from saddlegan.checks import ConfigError, NonNegativeFloat, PositiveFloat, PositiveInt, check_value
from saddlegan.kernels import dual_pull, kernel_density

PAIR = objectives.js()
Logit = Callable[[Tensor], Tensor]  # (*rows, n, dim) -> (*rows, n)


def forces(samples: Tensor, real: Tensor, logit: Logit, sigma: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """What each term does to each sample: minus its gradient, times the number of samples. Autograd, the real kernel.

    `samples (*rows, n, dim)`, `real (*rows, m, dim)`; `sigma > 0` and `alpha >= 0` are scalars or broadcast to
    `(*rows, 1, 1)` and `(*rows, 1)`. Raises `ConfigError` on other values, and where there is no sample or data point.
    """
    if not samples.shape[-2] or not real.shape[-2]:
        found = f"{samples.shape[-2]} samples and {real.shape[-2]} data points"
        raise ConfigError(f"got {found}, expected one at least of each. Remedy: draw some.")
    check_value("sigma", PositiveFloat, float(sigma.min()))
    check_value("alpha", NonNegativeFloat, float(alpha.min()))
    samples = samples.detach().requires_grad_()
    first = PAIR.f1(logit(samples)).mean(-1)
    density = kernel_density(samples / sigma, real / sigma, 1.0)  # eq. (6)
    second = dual_pull(density, PAIR.f1(logit(real)), alpha)
    one, two = (-samples.shape[-2] * torch.autograd.grad(term.sum(), samples)[0] for term in (first, second))
    return one, two


def pull(distance: NDArray, sigma: float) -> NDArray:
    """|dk/dg| of a sample at each `distance` from a data point: (2u / sigma) exp(-u^2) with u = distance / sigma."""
    check_value("sigma", PositiveFloat, sigma)
    fake = torch.from_numpy(-np.asarray(distance, dtype=float)).reshape(-1, 1, 1).requires_grad_()
    value = kernel_density(fake, torch.zeros_like(fake), sigma).sum()
    return torch.autograd.grad(value, fake)[0].flatten().numpy()


def ratio_theory(sigma: NDArray | float, alpha: float, std: float = 1.0) -> NDArray:
    """Second over first gradient in the shift of N(shift, std^2) towards data N(0, std^2), D optimal, shift -> 0.

    The first is shift / (2 std^2), the second 2 alpha E[f1(D(x)) dp(x)/dshift] with f1 = shift x / (2 std^2) and
    p(x) ~ exp(-(x - shift)^2 / (sigma^2 + 2 std^2)). At most 0.385 alpha, at sigma = std sqrt 2. Raises `ConfigError`
    where sigma or std is not positive, or alpha is negative.
    """
    check_value("sigma", PositiveFloat, float(np.min(sigma)))
    check_value("std", PositiveFloat, std)
    check_value("alpha", NonNegativeFloat, alpha)
    r = std / np.asarray(sigma, dtype=float)
    return 4 * alpha * r**2 * (1 + 4 * r**2) ** -1.5


def _linear_logit(x, shift: float, std: float):
    """log p(x) / q(x) of data N(0, std^2) and samples N(shift, std^2)."""
    return -shift / std**2 * (x - shift / 2)


def ratio_integrated(sigma: float, alpha: float, std: float, shift: float) -> float:
    """The same at any `shift` > 0 by the trapezoidal rule. Raises `ConfigError` where a number is out of its range."""
    for name, value in {"sigma": sigma, "std": std, "shift": shift}.items():
        check_value(name, PositiveFloat, value)
    check_value("alpha", NonNegativeFloat, alpha)
    if shift > 30 * std:
        raise ConfigError(f"shift={shift:g}: got over 30 std, where D is 1 to rounding. Remedy: a smaller shift.")
    z = np.linspace(-9, 9, 289)
    caught = special.expit(_linear_logit(shift + std * z, shift, std))  # D on samples
    first = np.trapezoid(stats.norm.pdf(z) * caught, z) * shift / std**2
    u = np.linspace(-6, 6, 1 + 2 * math.ceil(48 * max(1.0, sigma / std)))  # (g - x) / sigma
    fake = stats.norm.pdf(std * z[:, None] + sigma * u, shift, std)
    moved = np.trapezoid(fake * -2 * u * np.exp(-(u**2)), u)  # dp(x) / dshift
    constraint = math.log(2) - np.logaddexp(0, _linear_logit(std * z, shift, std))  # f1 on data
    return float(2 * alpha * np.trapezoid(stats.norm.pdf(z) * constraint * moved, z) / first)


def ratio_sampled(sigma: float, alpha: float, std: float, shift: float, *, count: int, seeds: int) -> NDArray:
    """The same from `forces` on `count` draws of each side: a ratio per seed, from the same draws at any sigma.

    Raises `ConfigError` where a number is out of its range.
    """
    check_value("std", PositiveFloat, std)
    check_value("shift", PositiveFloat, shift)
    check_value("count", PositiveInt, count)
    check_value("seeds", PositiveInt, seeds)
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((2, seeds, count, 1)))
    scalars = (torch.tensor(value, dtype=torch.float64) for value in (sigma, alpha))
    logit: Logit = lambda x: _linear_logit(x, shift, std).squeeze(-1)  # noqa: E731
    first, second = forces(shift + std * noise[0], std * noise[1], logit, *scalars)
    return (second.mean((-1, -2)) / first.mean((-1, -2))).numpy()


def smoothed_logit(samples: Tensor, modes: Tensor, std: float) -> Logit:
    """log p - log q of the D that is optimal for the data, equal Gaussians `std` wide at `modes (k, dim)`, k >= 2, and
    `samples (*rows, n, dim)`, both smoothed by a Gaussian `std` wide: q is a kernel density estimate, held fixed."""
    check_value("std", PositiveFloat, std)
    if len(modes) < 2:
        raise ConfigError(f"modes: got {len(modes)}, expected two at least. Remedy: add one that can be missing.")

    def log_density(x: Tensor, centres: Tensor, variance: float) -> Tensor:
        squares = (x.unsqueeze(-2) - centres.unsqueeze(-3)).square().sum(-1)
        level = math.log(centres.shape[-2]) + x.shape[-1] / 2 * math.log(variance)
        return (squares / (-2 * variance)).logsumexp(-1) - level

    centres = samples.detach()
    return lambda x: log_density(x, modes, 2 * std**2) - log_density(x, centres, std**2)


def recover(
    sigmas: NDArray, alphas: NDArray, *, distance: float, std: float, count: int, seeds: int, time: float, step: float
) -> tuple[NDArray, NDArray]:
    """Free samples, all on the left of two modes, follow both forces under `smoothed_logit` by Euler steps.

    `time` and `step` in units of std^2, the standard term's own. Data: `count` points per seed, half on each mode.
    Returns the shares of samples within 3 std of the missing mode and of the other, `(alphas, sigmas, seeds)` each.
    Raises `ConfigError` where a number is out of its range, and where a sample is no longer finite.
    """
    for name, value in {"distance": distance, "std": std, "time": time, "step": step}.items():
        check_value(name, PositiveFloat, value)
    for name, value in {"count": count, "seeds": seeds, "time / step": round(time / step)}.items():
        check_value(name, PositiveInt, value)
    rng, shape = np.random.default_rng(0), (len(alphas), len(sigmas), seeds)
    noise = rng.standard_normal((2, 1, 1, seeds, count, 1))
    side = np.where(np.arange(count) % 2, 1.0, -1.0)[:, None] * distance / 2
    samples, real = (
        torch.tensor(np.broadcast_to(x, (*shape, count, 1)), dtype=torch.float32)
        for x in (std * noise[0] - distance / 2, std * noise[1] + side)
    )
    sigma = torch.tensor(sigmas, dtype=torch.float32)[:, None, None, None]
    alpha = torch.tensor(alphas, dtype=torch.float32)[:, None, None, None]
    modes = torch.tensor([[-distance / 2], [distance / 2]], dtype=torch.float32)
    for _ in range(round(time / step)):
        first, second = forces(samples, real, smoothed_logit(samples, modes, std), sigma, alpha)
        samples = samples + step * std**2 * (first + second)
    if not samples.isfinite().all():
        raise ConfigError(f"step={step:g}: got samples that overflow, expected finite ones. Remedy: a smaller step.")
    left, right = (((samples - mode).abs() < 3 * std).double().mean((-1, -2)).numpy() for mode in modes)
    return right, left
