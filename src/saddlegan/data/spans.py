"""What Lightning loads: spans of consecutive iterations, each minibatch a function of (seed, iteration)."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import lightning as L

from saddlegan.batch import Batch
from saddlegan.checks import ConfigError
from saddlegan.random import BLOCK


class Span(NamedTuple):
    """The minibatches of consecutive iterations, each tensor `(iterations, draws, seeds, batch, *shape)`. What is no
    span is one iteration's, from a user's own loader."""

    data: Batch


class Spans(L.LightningDataModule, ABC):
    """Minibatches for `iterations`; `draws` is how many one iteration takes.

    An epoch ends where an evaluation is due, at the multiples of `evaluate_every`, so that whatever Lightning does at
    the end of an epoch (early stopping, the best checkpoint) sees new metrics. Training goes on from the module's
    iteration. Spans are also cut at multiples of `BLOCK`, where a trainer's steps end, and where it saves checkpoints.
    """

    def __init__(
        self, *, seeds: Sequence[int], batch_size: int, draws: int, iterations: int, evaluate_every: int
    ) -> None:
        super().__init__()
        self.seeds = list(seeds)
        self.batch_size = batch_size
        self.draws = draws
        self.iterations = iterations
        self.evaluate_every = evaluate_every

    @property
    def last_block(self) -> int:
        """The block that the last iteration lies in."""
        return (self.iterations - 1) // BLOCK

    @property
    def rows(self) -> slice:
        """Those of each minibatch that this process trains on: `rank::ranks`."""
        return slice(self.trainer.global_rank, None, self.trainer.world_size) if self.trainer else slice(None)

    def advice(self, conditions: Collection[str]) -> list[str]:
        """What a user should know before networks that are given such `conditions` are trained on this."""
        return []

    @abstractmethod
    def span(self, start: int, stop: int) -> Batch:
        """The minibatches of iterations `start` to `stop` - 1, which lie in one block."""

    def train_dataloader(self) -> "Spans":
        return self

    def __iter__(self) -> Iterator[Span]:
        start = int(self.trainer.lightning_module.iteration) if self.trainer else 0  # type: ignore[arg-type]
        last, periods = self.iterations, [BLOCK]
        if self.trainer:
            last = min(last, self.trainer.max_steps) if self.trainer.max_steps > 0 else last
            saved_every = (getattr(saver, "_every_n_train_steps", 0) for saver in self.trainer.checkpoint_callbacks)
            periods += [period for period in saved_every if period]
        if start >= last < self.iterations:
            raise ConfigError(
                f"Trainer(max_steps={last}): got a module at iteration {start}, from where training goes on; expected"
                f" more. Remedy: Trainer(max_steps={start + last}) for {last} iterations more."
            )
        end = min(last, _next_multiple(start, self.evaluate_every))
        while start < end:
            stop = min(end, *(_next_multiple(start, period) for period in periods))
            yield Span(self.span(start, stop))
            start = stop


def _next_multiple(number: int, period: int) -> int:
    """The first multiple of `period` above `number`."""
    return (number // period + 1) * period
