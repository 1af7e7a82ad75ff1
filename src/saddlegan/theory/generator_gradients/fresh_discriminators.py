"""Discriminators trained from scratch against frozen generators of images, and the generators' gradients meanwhile.

The experiment of Arjovsky and Bottou (2017), arXiv:1701.04862, with small perceptrons in the place of its DCGAN.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saddlegan import objectives
from saddlegan.checks import ConfigError, PositiveInt, check_value
from saddlegan.data import files
from saddlegan.networks.mlp import MLPDiscriminator, MLPGenerator
from saddlegan.theory.shared.players import adam, descend, merged

TERMS = {"log(1 - D)": objectives.saturating(objectives.js()), "-log D": objectives.non_saturating(objectives.js())}
LATENT, WIDTHS = 16, [64, 64]
MINIBATCHES = 8  # over which a gradient is averaged, and its variance taken


@dataclass(frozen=True)
class Course:
    """Along the training of fresh discriminators, at `iterations` (t,): arrays (checkpoints, seeds, t).

    `error`: share of wrong decisions on images trained on and fakes; `held_out`: on other images and fakes. By term,
    `norm`: of the generator's gradient, averaged over minibatches; `variance`: trace of its covariance over them.
    """

    iterations: NDArray
    error: NDArray
    held_out: NDArray
    norm: dict[str, NDArray]
    variance: dict[str, NDArray]


class Images:
    """What GANs of `seeds` are trained on: `train` (n, pixels) in [0, 1] by minibatches of `batch`; `others` held out.

    Raises `ConfigError` where there is no seed, or a minibatch is of fewer than two or more than there are images.
    """

    def __init__(self, train: Tensor, others: Tensor, *, seeds: int, batch: int) -> None:
        check_value("seeds", PositiveInt, seeds)
        if not 2 <= batch <= len(train):
            raise ConfigError(f"batch={batch}: expected from 2 to {len(train)}, the number of images.")
        self.train, self.others, self.seeds, self.batch = train, others, seeds, batch
        self.random = torch.Generator().manual_seed(0)

    def networks(self, seeds: Sequence[int]) -> tuple[MLPGenerator, MLPDiscriminator]:
        pixels = self.train.shape[-1]
        return (
            MLPGenerator(in_features=LATENT, out_features=pixels, widths=WIDTHS, activation="relu", seeds=seeds),
            MLPDiscriminator(in_features=pixels, widths=WIDTHS, activation="leaky_relu", seeds=seeds),
        )

    def reals(self, stack: int) -> Iterator[Tensor]:
        """An epoch of minibatches (stack, batch, pixels), in an order of its own for each of the stack."""
        order = torch.rand(stack, len(self.train), generator=self.random).argsort(-1)
        yield from (self.train[index] for index in order.split(self.batch, -1) if index.shape[-1] == self.batch)

    def fakes(self, generator: MLPGenerator, count: int) -> Tensor:
        latent = torch.randn(len(generator.weights[0]), count, LATENT, generator=self.random)
        return torch.sigmoid(generator(latent))


def frozen_generators(images: Images, epochs: Sequence[int]) -> list[MLPGenerator]:
    """Generators after so many `epochs` of alternating steps, theirs by -log D.

    Raises `ConfigError` unless `epochs` are numbers >= 1 that grow.
    """
    check_value("epochs", list[PositiveInt], epochs)
    if not epochs or list(epochs) != sorted(set(epochs)):
        raise ConfigError(f"epochs: got {list(epochs)}, expected numbers that grow, at least one. Remedy: sort them.")
    generator, discriminator = images.networks(range(images.seeds))
    mine, its = adam(generator), adam(discriminator)
    kept = []
    for epoch in range(1, max(epochs) + 1):
        for real in images.reals(images.seeds):
            fake = images.fakes(generator, images.batch)
            descend(its, TERMS["-log D"].discriminator(discriminator(real), discriminator(fake.detach())))
            descend(mine, TERMS["-log D"].generator(discriminator(fake)))
        kept += [merged([generator])] * (epoch in epochs)
    return kept


def train_fresh(images: Images, generators: Sequence[MLPGenerator], iterations: int, every: int) -> Course:
    """Train discriminators from scratch against `generators`, all at once, and measure at each `every` iterations."""
    for name, value in (("iterations", iterations), ("every", every)):
        check_value(name, PositiveInt, value)
    generator, stack = merged(generators), len(generators) * images.seeds
    copies, rows = merged([generator], MINIBATCHES), []
    _, discriminator = images.networks(range(images.seeds, images.seeds + stack))
    optimizer = adam(discriminator)
    minibatches = chain.from_iterable(map(images.reals, repeat(stack)))
    for iteration in range(iterations + 1):
        if iteration % every == 0:
            rows.append(_measure(images, copies, discriminator))
        with torch.no_grad():
            fake = images.fakes(generator, images.batch)
        descend(optimizer, TERMS["-log D"].discriminator(discriminator(next(minibatches)), discriminator(fake)))
    found = torch.stack(rows, -1).unflatten(1, (-1, images.seeds)).double().numpy()
    norm, variance = (dict(zip(TERMS, found[part::2], strict=True)) for part in (2, 3))
    return Course(np.arange(0, iterations + 1, every), found[0], found[1], norm, variance)


def generator_gradients(copies: MLPGenerator, logits: Tensor, term: str) -> tuple[Tensor, Tensor]:
    """Norm and variance of the gradient of `term`; `logits` (networks, minibatches, batch), a copy per minibatch."""
    loss = TERMS[term].generator(logits).sum()
    parts = torch.autograd.grad(loss, list(copies.parameters()), retain_graph=True)
    gradients = torch.cat([part.flatten(1) for part in parts], 1).unflatten(0, logits.shape[:2])
    mean = gradients.mean(1, keepdim=True)
    return mean[:, 0].norm(dim=-1), (gradients - mean).square_().sum((1, 2)) / (logits.shape[1] - 1)


def _measure(images: Images, copies: MLPGenerator, discriminator: MLPDiscriminator) -> Tensor:
    """(6, stack): both errors, then norm and variance by term."""
    fake = images.fakes(copies, images.batch // 2).unflatten(0, (-1, MINIBATCHES))
    logits = discriminator(fake.flatten(1, 2)).unflatten(1, (MINIBATCHES, -1))
    fooled, some = (logits >= 0).float().mean((1, 2)), images.train[: len(images.others)]
    with torch.no_grad():
        missed = [(discriminator(x.expand(len(logits), -1, -1)) < 0).float().mean(1) for x in (some, images.others)]
    gradients = [part for term in TERMS for part in generator_gradients(copies, logits, term)]
    return torch.stack([*((part + fooled) / 2 for part in missed), *gradients]).detach()


def digits(**sizes: int) -> Images:
    """scikit-learn's 1797 real digits of 8 x 8 pixels; every fourth is held out."""
    from sklearn.datasets import load_digits

    pixels = torch.from_numpy(load_digits().data / 16.0).float()  # type: ignore[attr-defined]
    held_out = torch.arange(len(pixels)) % 4 == 3
    return Images(pixels[~held_out], pixels[held_out], **sizes)


def mnist(root: Path, *, train: int, held_out: int, **sizes: int) -> Images:
    """The first `train` images of MNIST, then `held_out` more, as means of 2 x 2 pixels: 14 x 14.

    Raises `ConfigError` where files are missing or damaged.
    """
    files.check_files({"name": "mnist", "root": str(root), "download": False})
    raw = (files.folder_of("mnist", str(root)) / "train-images-idx3-ubyte").read_bytes()
    pixels = np.frombuffer(raw, np.uint8, (train + held_out) * 784, offset=16).reshape(-1, 14, 2, 14, 2)
    small = torch.from_numpy(pixels.mean((2, 4)) / 255.0).float().flatten(1)
    return Images(small[:train], small[train:], **sizes)
