"""What Lightning loads: spans of consecutive iterations, each minibatch a function of (seed, iteration)."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import lightning as L
from jaxtyping import Float
from torch import Tensor

from saddlegan.random import BLOCK

Span = Float[Tensor, "iterations draws seeds batch *shape"]


class Spans(L.LightningDataModule, ABC):
    """Minibatches for `iterations`, cut into spans at multiples of `BLOCK` and of `evaluate_every`.

    `draws` is how many minibatches one iteration takes. Training goes on from `start`, which a checkpoint moves.
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
        self.start = 0

    @abstractmethod
    def span(self, start: int, stop: int) -> Span:
        """The minibatches of iterations `start` to `stop` - 1, which lie in one block."""

    def state_dict(self) -> dict[str, int]:
        return {"start": int(self.trainer.lightning_module.iteration)}  # type: ignore[union-attr]

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self.start = state_dict["start"]

    def train_dataloader(self) -> "Spans":
        return self

    def __iter__(self) -> Iterator[Span]:
        start = self.start
        while start < self.iterations:
            stop = min(self.iterations, *((start // every + 1) * every for every in (BLOCK, self.evaluate_every)))
            yield self.span(start, stop)
            start = stop
