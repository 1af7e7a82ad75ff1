"""A distribution, on the line or in the plane, as spans of minibatches."""

from typing import Any

import torch

from saddlegan.batch import Batch
from saddlegan.data.spans import Spans
from saddlegan.random import BLOCK, Law, Purpose, draw_block


class ToyData(Spans):
    """Fresh samples of `distribution` for every minibatch: `x` of a span, `(iterations, draws, seeds, batch, dim)`."""

    def __init__(self, distribution: Law, **spans: Any) -> None:
        super().__init__(**spans)
        self.distribution = distribution
        self.held, self.block = -1, torch.empty(0)

    def span(self, start: int, stop: int) -> Batch:
        if start // BLOCK != self.held:
            self.held = start // BLOCK
            draw = self.distribution.draw
            self.block = draw_block(draw, self.seeds, Purpose.DATA, self.held, self.draws, self.batch_size)
        return {"x": self.block[start - self.held * BLOCK : stop - self.held * BLOCK]}
