"""A distribution on the line as a LightningDataModule: spans of minibatches, each a function of (seed, iteration)."""

from collections.abc import Iterator, Sequence

import lightning as L
import torch
from jaxtyping import Float
from torch import Tensor

from saddlegan.data.distributions import Distribution
from saddlegan.random import BLOCK, Purpose, draw_block


class ToyData(L.LightningDataModule):
    """Minibatches of `distribution` for `iterations`, cut into spans at multiples of `BLOCK` and of `evaluate_every`.

    A span is `(iterations, draws, seeds, batch, dim)`; `draws` is how many minibatches one iteration takes. Training
    goes on from `start`, which a checkpoint moves.
    """

    def __init__(
        self,
        distribution: Distribution,
        *,
        seeds: Sequence[int],
        batch_size: int,
        draws: int,
        iterations: int,
        evaluate_every: int,
    ) -> None:
        super().__init__()
        self.distribution = distribution
        self.seeds = list(seeds)
        self.batch_size = batch_size
        self.draws = draws
        self.iterations = iterations
        self.evaluate_every = evaluate_every
        self.start = 0

    def state_dict(self) -> dict[str, int]:
        return {"start": int(self.trainer.lightning_module.iteration)}  # type: ignore[union-attr]

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self.start = state_dict["start"]

    def train_dataloader(self) -> "ToyData":
        return self

    def __iter__(self) -> Iterator[Float[Tensor, "iterations draws seeds batch dim"]]:
        start, held, block = self.start, -1, torch.empty(0)
        while start < self.iterations:
            if start // BLOCK != held:
                held = start // BLOCK
                block = draw_block(self.distribution.draw, self.seeds, Purpose.DATA, held, self.draws, self.batch_size)
            stop = min(self.iterations, *((start // every + 1) * every for every in (BLOCK, self.evaluate_every)))
            yield block[start - held * BLOCK : stop - held * BLOCK]
            start = stop
