"""GANs on a ring of Gaussians whose players take turns, each trained to near its optimum while the other stands still.

The discriminator is a perceptron on a 9 x 9 grid of Gaussian bumps that reaches 1.5 radii from the ring's centre. A
plain one grows without bound along rays, so that its highest point, where a generator goes, lies nowhere. This one is
constant far from the data, and has its highest point within reach of the bumps.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saddlegan import objectives
from saddlegan.checks import ConfigError, NonNegativeFloat, PositiveFloat, PositiveInt, check_value
from saddlegan.kernels import dual_pull, kernel_density
from saddlegan.networks.mlp import MLPDiscriminator, MLPGenerator, StackedMLP
from saddlegan.theory.shared.players import adam, descend, merged

PAIR = objectives.js()
BUMPS = 9  # along each axis


@dataclass(frozen=True)
class Method:
    """A generator's step: the standard one at `alpha` = 0, else Algorithm 1 of arXiv:1802.01765.

    Its target p~ = p_g - alpha f1(D(x)) takes p_g from the generator at the start of the round where `held`, else from
    the generator at each step. Raises `ConfigError` where sigma <= 0 or alpha < 0.
    """

    name: str
    alpha: float = 0.0
    sigma: float = 1.0
    held: bool = False

    def __post_init__(self) -> None:
        check_value("sigma", PositiveFloat, self.sigma)
        check_value("alpha", NonNegativeFloat, self.alpha)


class Ring:
    """`methods` x `seeds` games on `modes` Gaussians of `std` at `radius`, in one stack, method after method.

    Every method meets the same data, latents and first weights of a seed: its games are paired with the others'.
    Raises `ConfigError` where a size or `step` (of Adam, the first of each turn) is not positive, or modes < 2.
    """

    def __init__(
        self, methods: Sequence[Method], *, modes: int, radius: float, std: float, seeds: int, batch: int, step: float
    ) -> None:
        for name, size in (("methods", len(methods)), ("seeds", seeds), ("batch", batch), ("modes", modes)):
            check_value(name, PositiveInt, size)
        for name, length in (("radius", radius), ("std", std), ("step", step)):
            check_value(name, PositiveFloat, length)
        if modes < 2:
            raise ConfigError(f"modes={modes}: got one mode, expected at least 2: there is none to lose.")
        self.methods, self.seeds, self.batch, self.step = methods, seeds, batch, step
        self.radius, self.std = radius, std
        self.unit = math.sqrt(radius**2 + 2.0 * std**2)  # standard deviation of the data, over both coordinates
        angles = torch.arange(modes) * (2.0 * math.pi / modes)
        self.modes = radius * torch.stack([angles.cos(), angles.sin()], -1)
        self.bumps = torch.linspace(-1.5 * radius, 1.5 * radius, BUMPS)
        self.random = torch.Generator().manual_seed(0)
        stack = range(seeds)
        generator = MLPGenerator(in_features=2, out_features=2, widths=[32, 32], activation="relu", seeds=stack)
        discriminator = MLPDiscriminator(in_features=BUMPS**2, widths=[32], activation="leaky_relu", seeds=stack)
        self.generator, self.discriminator = (merged([net] * len(methods)) for net in (generator, discriminator))
        self._spread_out()
        each = [(method.alpha, method.sigma, method.held) for method in methods for _ in range(seeds)]
        self.alpha, self.sigma, self.held = (torch.tensor(column)[:, None] for column in zip(*each, strict=True))

    @torch.no_grad()
    def _spread_out(self) -> None:
        """Give the untrained generators' samples the data's mean and standard deviation."""
        weight, bias = self.generator.layers[-1]
        samples = self.generator(self.latent(1024))
        scale = self.unit / samples.var(1, keepdim=True).sum(-1, keepdim=True).sqrt()
        bias.copy_((bias - samples.mean(1, keepdim=True)) * scale)
        weight.mul_(scale)

    def real(self, count: int) -> Tensor:
        which = torch.randint(len(self.modes), (self.seeds, count), generator=self.random)
        noise = torch.randn(self.seeds, count, 2, generator=self.random)
        return (self.modes[which] + self.std * noise).repeat(len(self.methods), 1, 1)

    def latent(self, count: int) -> Tensor:
        return torch.randn(self.seeds, count, 2, generator=self.random).repeat(len(self.methods), 1, 1)

    def logits(self, x: Tensor) -> Tensor:
        """Of the discriminators at x (stack, n, 2)."""
        width = self.bumps[1] - self.bumps[0]
        rows = torch.exp(-0.5 * ((x[..., None] - self.bumps) / width) ** 2)
        return self.discriminator((rows[..., 0, :, None] * rows[..., 1, None, :]).flatten(-2))

    def density(self, fake: Tensor, real: Tensor) -> Tensor:
        """p_g at `real` (stack, n), by each game's own sigma."""
        return kernel_density(fake / self.sigma[..., None], real / self.sigma[..., None], 1.0)

    def train_discriminator(self, steps: int) -> None:
        """A discriminator's turn, its step falling linearly to 0. Raises `ConfigError` where steps < 1."""
        objective = objectives.saturating(PAIR)
        for step in self._turn(self.discriminator, steps):
            with torch.no_grad():
                fake = self.generator(self.latent(self.batch))
            both = self.logits(torch.cat([self.real(self.batch), fake], 1))
            step(objective.discriminator(both[:, : self.batch], both[:, self.batch :]))

    def train_generator(self, steps: int) -> None:
        """A generator's turn on eq. (7): mean f1(D(G(z))) + mean (p~ - p_g)^2. Raises `ConfigError` where steps < 1."""
        before = merged([self.generator])
        for step in self._turn(self.generator, steps):
            real, latent = self.real(self.batch), self.latent(self.batch)
            fake = self.generator(latent)
            density = self.density(fake, real)
            with torch.no_grad():
                start = torch.where(self.held, self.density(before(latent), real), density)
                constraint = PAIR.f1(self.logits(real))
            step(PAIR.f1(self.logits(fake)).mean(-1) + dual_pull(density, constraint, self.alpha, start))

    def _turn(self, network: StackedMLP, steps: int) -> Iterator[Callable[[Tensor], None]]:
        check_value("steps", PositiveInt, steps)
        optimizer = adam(network, self.step)
        for done in range(steps):
            optimizer.param_groups[0]["lr"] = self.step * (1.0 - done / steps)
            yield lambda losses: descend(optimizer, losses)


@dataclass(frozen=True)
class Look:
    """What a game looks like after a turn of its generator, (methods, seeds, ...): numpy.

    `samples`: (..., n, 2); `singular`: (..., n, 2), singular values of dG/dz at the samples, largest first.
    """

    samples: NDArray
    singular: NDArray


def look(ring: Ring, count: int) -> Look:
    """`count` samples a game and the Jacobians there; draws from a stream of its own."""
    random = torch.Generator().manual_seed(1)
    latent = torch.randn(ring.seeds, count, 2, generator=random).repeat(len(ring.methods), 1, 1).requires_grad_()
    samples = ring.generator(latent)
    rows = [torch.autograd.grad(samples[..., axis].sum(), latent, retain_graph=True)[0] for axis in (0, 1)]
    singular = torch.linalg.svdvals(torch.stack(rows, -2))
    shape = (len(ring.methods), ring.seeds)
    return Look(samples.detach().unflatten(0, shape).numpy(), singular.unflatten(0, shape).numpy())


def highest(height: Callable[[Tensor], Tensor], centre: Tensor, halves: Sequence[float]) -> Tensor:
    """The highest point (stack, 2) by searches of a 41 x 41 grid, of each half-width in turn about the last one's best.

    `height`: (stack, n, 2) to (stack, n). Infinite where the plane's far end lies higher.
    """
    axis = torch.linspace(-1.0, 1.0, 41)
    offsets = torch.cartesian_prod(axis, axis)
    far = height(torch.full_like(centre[:, None], 1e3))[:, 0]
    for half in halves:
        places = centre[:, None] + half * offsets
        heights = height(places)
        centre = places[torch.arange(len(centre)), heights.argmax(-1)]
    return torch.where((heights.amax(-1) > far)[:, None], centre, torch.inf)


def shares(samples: NDArray, modes: NDArray, reach: float = np.inf) -> NDArray:
    """(..., modes): share of `samples` (..., n, 2) that are nearest to each mode, and within `reach` of it."""
    distances = np.linalg.norm(samples[..., None, :] - modes, axis=-1)
    nearest = distances.argmin(-1)[..., None] == np.arange(len(modes))
    return (nearest & (distances < reach)).mean(-2)
