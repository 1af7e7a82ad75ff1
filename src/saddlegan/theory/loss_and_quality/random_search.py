"""A random search over hyperparameters of toy GANs, all of them trained side by side as rows of stacked tensors.

The protocol follows Lucic et al. (2018), arXiv:1711.10337: rates log-uniform over three decades, beta_1 uniform in
[0, 1), 1 or 5 critic steps, every method the same random settings. A toy of some hundred iterations is not their
benchmark: the rates are ten times theirs, and the scale of the initial weights stands in for batch normalisation.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from saddlegan import objectives
from saddlegan.checks import ConfigError, PositiveInt, check_value
from saddlegan.kernels import dual_pull, kernel_density
from saddlegan.networks.mlp import MLPDiscriminator, MLPGenerator, StackedMLP
from saddlegan.theory.shared.players import Stack

PAIR = objectives.js()
SATURATING, NON_SATURATING = objectives.saturating(PAIR), objectives.non_saturating(PAIR)
METHODS = ("gan", "gan_non_saturating", "primal_dual")
RANGES = {"generator_rate": (1e-4, 1e-1), "discriminator_rate": (1e-4, 1e-1), "scale": (0.3, 3.0)} | {
    "sigma": (0.1, 10.0),  # of the kernel, in stds of the data
    "alpha": (0.01, 10.0),
}
CRITIC_STEPS = (1, 5)
MEAN, BATCH, WIDTH = 2.0, 24, 16  # data N(2, 1); latents N(0, 1); one hidden layer of ReLUs
WORST = 100.0  # W1 of a run that diverged, and the most that counts, in stds
EVALUATED = 128  # samples of an evaluation, at the quantiles of the latent


@dataclass(frozen=True)
class Settings:
    """Hyperparameters, `(n,)` each: rates of the players, Adam's beta_1, factor of the initial weights, steps of the
    discriminator to one of the generator; of primal_dual sigma and alpha."""

    generator_rate: NDArray
    discriminator_rate: NDArray
    scale: NDArray
    sigma: NDArray
    alpha: NDArray
    beta1: NDArray
    critic_steps: NDArray


@dataclass(frozen=True)
class Tracks:
    """What runs went through: `(methods, settings, seeds, evaluations)` each. `w1` in stds of the data; the losses are
    means over the steps since the evaluation before."""

    w1: NDArray
    generator_loss: NDArray
    discriminator_loss: NDArray


def draw_settings(count: int, ranges: dict[str, tuple[float, float]] = RANGES) -> Settings:
    """`count` random settings. Raises `ConfigError` where that is below 1, or a range is reversed or not positive."""
    check_value("count", PositiveInt, count)
    for name, (low, high) in ranges.items():
        if not 0 < low <= high:
            raise ConfigError(
                f"{name}: got the range {low:g} to {high:g}, expected 0 < low <= high. Remedy: swap them."
            )
    rng = np.random.default_rng(0)
    values = {name: np.exp(rng.uniform(np.log(low), np.log(high), count)) for name, (low, high) in ranges.items()}
    return Settings(**values, beta1=rng.random(count), critic_steps=rng.choice(CRITIC_STEPS, count))


class RowAdam:
    """Adam with a rate and a beta_1 `(rows,)` for each row of a stack; beta_2 = 0.999, epsilon = 1e-8."""

    def __init__(self, network: StackedMLP, rate: NDArray, beta1: NDArray) -> None:
        self.parameters = list(network.parameters())
        self.rate, self.beta1 = (torch.from_numpy(x).float()[:, None, None] for x in (rate, beta1))
        self.moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self.parameters]
        self.steps = 0

    def descend(self, losses: Tensor) -> None:
        """One step down each row's own loss `(rows,)`."""
        gradients = torch.autograd.grad(losses.sum(), self.parameters)
        self.steps += 1
        rate, correction = self.rate / (1 - self.beta1**self.steps), 1 - 0.999**self.steps
        with torch.no_grad():
            for parameter, gradient, (first, second) in zip(self.parameters, gradients, self.moments, strict=True):
                first.lerp_(gradient, 1 - self.beta1)
                second.lerp_(gradient.square(), 0.001)
                parameter -= rate * first / ((second / correction).sqrt() + 1e-8)


def search(settings: Settings, *, seeds: int, iterations: int, evaluations: int) -> Tracks:
    """Train every method at every setting, `seeds` runs each. Raises `ConfigError` for sizes below 1, and where the
    evaluations do not divide the iterations."""
    for name, value in {"seeds": seeds, "iterations": iterations, "evaluations": evaluations}.items():
        check_value(name, PositiveInt, value)
    if iterations % evaluations:
        raise ConfigError(f"evaluations={evaluations}: got {iterations} iterations, expected a multiple of it.")
    shape = (3, len(METHODS), len(settings.beta1), seeds, evaluations)
    found = np.empty(shape)
    for steps in CRITIC_STEPS:
        chosen = np.flatnonzero(settings.critic_steps == steps)
        if chosen.size:
            part = replace(settings, **{name: values[chosen] for name, values in vars(settings).items()})
            found[:, :, chosen] = _train(part, steps, seeds, iterations, evaluations)
    return Tracks(*found)


def _train(part: Settings, critic_steps: int, seeds: int, iterations: int, evaluations: int) -> NDArray:
    """Row (method, setting, seed) of the stack; methods share the initial weights and the draws."""
    methods, each = len(METHODS), len(part.beta1) * seeds
    rows = {name: np.tile(np.repeat(values, seeds), methods) for name, values in vars(part).items()}
    noise = torch.Generator().manual_seed(critic_steps)
    generator = _stack(MLPGenerator, rows["scale"], noise)
    discriminator = _stack(MLPDiscriminator, rows["scale"], noise)
    players = (
        RowAdam(generator, rows["generator_rate"], rows["beta1"]),
        RowAdam(discriminator, rows["discriminator_rate"], rows["beta1"]),
    )
    sigma, alpha = (torch.from_numpy(rows[name][-each:]).float()[:, None] for name in ("sigma", "alpha"))
    draw = lambda: torch.randn(each, BATCH, 1, generator=noise).repeat(methods, 1, 1)  # noqa: E731
    every, found, sums = iterations // evaluations, [], torch.zeros(2, methods * each)
    for iteration in range(1, iterations + 1):
        for _ in range(critic_steps):
            real = MEAN + draw()
            both = torch.cat([real, generator(draw()).detach()], 1)
            loss = SATURATING.discriminator(*discriminator(both).chunk(2, -1))
            players[1].descend(loss)
            sums[1] += loss.detach() / (critic_steps * every)
        loss = _generator_loss(discriminator, generator(draw()), real, sigma[..., None], alpha)
        players[0].descend(loss)
        sums[0] += loss.detach() / every
        if iteration % every == 0:
            found.append(np.stack([_w1(generator), *sums.numpy()]))
            sums.zero_()
    return np.stack(found, -1).reshape(3, methods, len(part.beta1), seeds, evaluations)


def _generator_loss(
    discriminator: MLPDiscriminator, fake: Tensor, real: Tensor, sigma: Tensor, alpha: Tensor
) -> Tensor:
    """What each row's generator minimises: f1, -log D, and eq. (7) of Algorithm 1."""
    plain, other, third = discriminator(fake).chunk(len(METHODS))
    points, data = (x[-len(third) :] / sigma for x in (fake, real))
    density = kernel_density(points, data, 1.0)
    with torch.no_grad():
        constraint = PAIR.f1(discriminator(real)[-len(third) :])
    second = dual_pull(density, constraint, alpha)
    return torch.cat(
        [SATURATING.generator(plain), NON_SATURATING.generator(other), SATURATING.generator(third) + second]
    )


def _stack(kind: type[Stack], scale: NDArray, noise: torch.Generator) -> Stack:
    """A network per row, as `nn.Linear` draws it times `scale` (rows,), the same for every method."""
    out: dict[str, Any] = {"out_features": 1} if kind is MLPGenerator else {}
    network = kind(in_features=1, widths=[WIDTH], activation="relu", seeds=[0], **out)
    for weight, bias in network.layers:
        for parameter in (weight, bias):
            same = torch.rand(len(scale) // len(METHODS), *parameter.shape[1:], generator=noise).repeat(
                len(METHODS), 1, 1
            )
            parameter.data = (2 * same - 1) * weight.shape[1] ** -0.5 * torch.from_numpy(scale).float()[:, None, None]
    return network


@torch.no_grad()
def _w1(generator: StackedMLP) -> NDArray:
    """W1 in stds from samples at the quantiles of the latent, `(rows,)`, at most `WORST`."""
    quantiles = torch.from_numpy(stats.norm.ppf((np.arange(EVALUATED) + 0.5) / EVALUATED)).float()
    samples = generator(quantiles[:, None].expand(len(generator.weights[0]), -1, 1)).squeeze(-1).sort(-1).values
    return (samples - MEAN - quantiles).abs().mean(-1).nan_to_num(WORST, WORST, WORST).clamp_(max=WORST).numpy()
