"""Sets in memory, as uint8 on the training device, and their minibatches by index.

An epoch is a permutation that (seed, epoch) decides; minibatches follow each other through it, and a last one that is
not full is left out. The whole set lies on the device, so that no worker process loads anything.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from saddlegan.batch import Batch
from saddlegan.checks import ConfigError
from saddlegan.data.spans import Spans
from saddlegan.random import Purpose, stream

Codes = UInt8[Tensor, "n *places"]
Labels = Int64[Tensor, "n"]


def unit(pixels: Tensor) -> Tensor:
    """uint8 pixels as float32 in [0, 1]."""
    return pixels.float().div_(255.0)


def numbers_of(values: Tensor) -> Tensor:
    """What networks are given of what comes along: images in [0, 1], all else as it is."""
    return unit(values) if values.dtype == torch.uint8 else values


class Examples(ABC):
    """A set that lies in memory: what is declared here, and in its kind, a set has in its constructor set."""

    #: What a model must take to be trained on this.
    samples: ClassVar[str]
    #: What one example is called.
    noun: ClassVar[str] = "example"
    #: The labels that come along, and the number of their classes: `{"label": 10}`; {} where none do. Where the number
    #: is the configuration's, `sizes_of` says it.
    sizes: Mapping[str, int] = {}
    #: The names of the classes by number; none where they have none. `class_names_of` knows them without the examples.
    class_names: Sequence[str] = ()
    #: What else comes along, for methods that name it among their conditions, and its shape: `{"text": (64,)}`. Where
    #: the shape is the configuration's, `along_of` says it.
    along: Mapping[str, tuple[int, ...]] = {}
    #: What comes along and is given to networks whatever the method: `{"image": (1, 28, 28)}`.
    given: ClassVar[Mapping[str, tuple[int, ...]]] = {}
    #: What comes along with the training part, and with the test part: numbers as they are, uint8 as images.
    train_along: Mapping[str, Tensor] = {}
    test_along: Mapping[str, Tensor] = {}
    #: Whether networks see values of few levels, `saddlegan.discrete`.
    discrete: ClassVar[bool] = False
    name: str
    train: Codes
    test: Codes
    train_labels: Labels | None = None
    test_labels: Labels | None = None
    #: Examples of one channel each, of which `train` is put together anew in every epoch; None: `train` is what is
    #: trained on.
    pool: Codes | None = None
    #: Examples of which `values` draws what networks see, anew for each minibatch; None: they see `train`.
    drawn_from: Codes | None = None

    @classmethod
    @abstractmethod
    def shape_of(cls, data: Mapping[str, Any]) -> tuple[int, ...]:
        """That of what networks see, given the configuration's `data`."""

    @classmethod
    def sizes_of(cls, data: Mapping[str, Any]) -> Mapping[str, int]:
        """`sizes`, given the configuration's `data`."""
        return cls.sizes

    @classmethod
    def along_of(cls, data: Mapping[str, Any]) -> Mapping[str, tuple[int, ...]]:
        """`along`, given the configuration's `data`."""
        return cls.along

    @classmethod
    def class_names_of(cls, data: Mapping[str, Any]) -> list[str]:
        """The names of the classes by number, given the configuration's `data`; none where they have none."""
        return []

    def advice(self, conditions: Collection[str]) -> list[str]:
        """What a user should know before networks that are given such `conditions` are trained on this."""
        return []

    @abstractmethod
    def values(self, chosen: Codes, numbers: Float[Tensor, "n *places"] | None = None) -> Float[Tensor, "n *shape"]:
        """What networks see of some examples; `numbers` in [0, 1) are given for those of `drawn_from`."""


class SetData(Spans):
    """Minibatches of a set; of a span `x` is `(iterations, draws, 1, batch, *shape)`, what networks see, and `label`,
    where there are labels, `(iterations, draws, 1, batch)`, int64.

    Raises `ConfigError` where a minibatch is larger than the data.
    """

    def __init__(self, examples: Examples, **spans: Any) -> None:
        super().__init__(**spans)
        others = (part for part in (examples.pool, examples.drawn_from) if part is not None)
        self.source = next(others, examples.train)
        self.epoch_length = len(self.source) // self.batch_size
        if not self.epoch_length:
            raise ConfigError(
                f"batch_size={self.batch_size}: got more than the {len(self.source)} training {examples.noun}s of"
                f" {examples.name}. Remedy: batch_size={len(self.source)} or less."
            )
        self.examples = examples
        self.parts = {"x": self.source}
        if examples.train_labels is not None:
            self.parts["label"] = examples.train_labels
        self.parts |= examples.train_along
        self.epoch, self.order = -1, np.empty(0, dtype=np.int64)

    def advice(self, conditions: Collection[str]) -> list[str]:
        return self.examples.advice(conditions)

    def span(self, start: int, stop: int) -> Batch:
        device = self.trainer.strategy.root_device  # type: ignore[union-attr]
        self.parts = {name: part.to(device) for name, part in self.parts.items()}
        order = np.stack([rows[self.rows] for rows in self.indices(start * self.draws, stop * self.draws)])
        index = torch.from_numpy(order.reshape(-1, *order.shape[2:])).to(device)
        axes = (stop - start, self.draws, 1, order.shape[1])
        found = {name: part[index] for name, part in self.parts.items()}
        if self.examples.pool is not None:
            found["x"] = found["x"].flatten(1, 2)
        numbers = None if self.examples.drawn_from is None else self.numbers(start * self.draws, stop * self.draws)
        found["x"] = self.examples.values(found["x"], numbers)
        found |= {name: numbers_of(found[name]) for name in self.examples.train_along}
        return {name: values.unflatten(0, axes) for name, values in found.items()}

    def numbers(self, first: int, last: int) -> Float[Tensor, "n *places"]:
        """Numbers in [0, 1) for each value of minibatches `first` to `last` - 1 of all training."""
        shape = (self.batch_size, *self.source.shape[1:])
        streams = (stream(self.seeds[0], "data/values", minibatch) for minibatch in range(first, last))
        drawn = [rng.random(shape, dtype=np.float32)[self.rows] for rng in streams]
        return torch.from_numpy(np.concatenate(drawn)).to(self.parts["x"].device)

    def indices(self, first: int, last: int) -> Iterator[np.ndarray]:
        """What minibatches `first` to `last` - 1 of all training hold, `(batch,)`; of a pool `(batch, channels)`."""
        for minibatch in range(first, last):
            epoch, place = divmod(minibatch, self.epoch_length)
            if epoch != self.epoch:
                self.epoch = epoch
                self.order = self.permutation(Purpose.DATA)
                if self.examples.pool is not None:
                    channels = range(1, len(self.examples.train[0]))
                    further = (self.permutation(f"data/channel {channel}") for channel in channels)
                    self.order = np.stack([self.order, *further], axis=-1)
            yield self.order[place * self.batch_size : (place + 1) * self.batch_size]

    def permutation(self, purpose: Purpose | str) -> np.ndarray:
        """Of what is trained on, in this epoch."""
        return stream(self.seeds[0], purpose, self.epoch).permutation(len(self.source))
