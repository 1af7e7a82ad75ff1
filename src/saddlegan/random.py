"""Randomness as a pure function of (seed, purpose, block of iterations).

Every random number of a run is drawn from a stream that is named, not consumed: nothing that is drawn for a plot or a
metric, and no interruption, can move what training draws. Streams are counter-based (Philox 4x64) with the full key
kept: `torch.Generator` on CPU keeps only the low 32 bits of its seed, so that hundreds of seeds times thousands of
blocks would meet in it. Draws are made on the CPU in float32, so that they are the same on every device.
"""

import functools
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from saddlegan.checks import Literal, PositiveFloat, PositiveInt, checked

Drawn = TypeVar("Drawn")

#: Iterations that are drawn at once, per seed and purpose. Part of the definition of the streams: do not tune.
BLOCK = 50


class Purpose(IntEnum):
    """What a stream is for. The numbers are part of the definition of the streams: append, never reorder."""

    DATA = 0
    LATENT_DISCRIMINATOR = 1
    LATENT_GENERATOR = 2
    DROPOUT = 3
    EVALUATION = 4
    INIT_GENERATOR = 5
    INIT_DISCRIMINATOR = 6
    NAMED = 7


def stream(seed: int, purpose: Purpose | str, block: int = 0) -> np.random.Generator:
    """The stream of (seed, purpose, block); each triple has its own 128-bit Philox key. A purpose without a number is a
    name, of which the CRC-32 counts."""
    key = (Purpose.NAMED, zlib.crc32(purpose.encode()), block) if isinstance(purpose, str) else (purpose, block)
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=tuple(map(int, key)))))


@contextmanager
def torch_stream(seed: int, purpose: Purpose | str, block: int = 0) -> Iterator[None]:
    """Run torch's own generators under (seed, purpose, block), and put back the CPU's state afterwards.

    That of a GPU stays: whatever draws there does so under a stream of its own.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(stream(seed, purpose, block).integers(2**63)))
        yield


#: Draws float32 numbers of shape `(*shape, dim)` from a stream.
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


@runtime_checkable
class Law(Protocol):
    """What can be drawn: a latent, a noise, a distribution of data."""

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], /) -> np.ndarray: ...


class Uniform:
    """`dim` independent numbers in [0, 1): a method's noise, such as the weights of an interpolation."""

    def __init__(self, dim: int = 1) -> None:
        self.dim = dim

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Draw float32 of shape `(*shape, dim)`."""
        return rng.random((*shape, self.dim), dtype=np.float32)


def law_of(noise: Law | Callable[..., Law], size: int) -> Law:
    """A law, or the one of dim `size` that a class or a function makes."""
    return noise if hasattr(noise, "draw") and not isinstance(noise, type) else noise(dim=size)  # type: ignore


class Latent:
    """The law of the generator's input: `dim` independent coordinates, `normal` N(0, 1), `uniform` U(-1, 1) or `unit`
    U(0, 1), or a point of the `sphere` of radius sqrt(dim), uniform on it; times `scale`.

    Raises `ConfigError` where `dim < 1`, `scale <= 0` or the law is unknown.
    """

    @checked
    def __init__(
        self, *, dim: PositiveInt, law: Literal["normal", "uniform", "unit", "sphere"], scale: PositiveFloat = 1.0
    ) -> None:
        self.dim = dim
        self.scale = np.float32(scale)
        self.law = law

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Draw float32 of shape `(*shape, dim)`."""
        size = (*shape, self.dim)
        if self.law == "normal":
            return self.scale * rng.standard_normal(size, dtype=np.float32)
        if self.law == "sphere":
            normal = rng.standard_normal(size, dtype=np.float32)
            norms = np.linalg.norm(normal, axis=-1, keepdims=True)
            return self.scale * np.sqrt(np.float32(self.dim)) * normal / np.maximum(norms, np.finfo(np.float32).tiny)
        numbers = rng.random(size, dtype=np.float32)
        return self.scale * (numbers if self.law == "unit" else 2.0 * numbers - 1.0)


def draw_block(
    draw: Draw, seeds: Sequence[int], purpose: Purpose | str, block: int, draws: int, batch: int
) -> Float[Tensor, "iterations draws seeds batch dim"]:
    """What iterations `[block * BLOCK, (block + 1) * BLOCK)` draw: `draws` minibatches each, a stream per seed."""
    parts = [draw(stream(seed, purpose, block), (BLOCK, draws, batch)) for seed in seeds]
    return torch.from_numpy(np.stack(parts, axis=2))


class Blocks(Generic[Drawn]):
    """What `draw(block)` gives, for one block after the other, up to `last`.

    Once two blocks were asked for in their order, the next one is drawn in a thread while training uses this one: numpy
    releases the interpreter's lock while it draws. A copy holds nothing, and draws anew.
    """

    def __init__(self, draw: Callable[[int], Drawn], last: int | None = None) -> None:
        self.draw = draw
        self.last = last
        self.forget()

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"held": None, "ahead": None}

    def forget(self) -> None:
        """Hold nothing."""
        self.held: tuple[int, Drawn] | None = None
        #: What is drawn ahead: the process and the block, and where it will be.
        self.ahead: tuple[tuple[int, int], Future[Drawn]] | None = None

    def __call__(self, block: int) -> Drawn:
        if self.held is None or self.held[0] != block:
            in_order = self.held is not None and self.held[0] == block - 1
            ahead, self.ahead = self.ahead, None  # what it raises is raised once
            drawn = ahead[1].result() if ahead and ahead[0] == (os.getpid(), block) else self.draw(block)
            if in_order and block != self.last:
                process = os.getpid()
                self.ahead = (process, block + 1), _drawer(process).submit(self.draw, block + 1)
            self.held = block, drawn
        return self.held[1]


@functools.cache
def _drawer(process: int) -> ThreadPoolExecutor:
    """The thread of this process: one that was forked has none of its parent's."""
    return ThreadPoolExecutor(1, "draws")


def draw_evaluation(draw: Draw, seeds: Sequence[int], count: int, part: int | str) -> Float[Tensor, "seeds count dim"]:
    """`count` draws per seed for evaluation, always the same; `part` keeps latents (0), data (1) and noise, by its
    name, apart."""
    key: tuple = (Purpose.EVALUATION, part) if isinstance(part, int) else (f"evaluation/{part}",)
    return torch.from_numpy(np.stack([draw(stream(seed, *key), (count,)) for seed in seeds]))
