"""A distribution, on the line or in the plane, as spans of minibatches."""

from typing import Any

from torch import Tensor

from saddlegan.batch import Batch
from saddlegan.data.spans import Spans
from saddlegan.random import BLOCK, Blocks, Law, Purpose, draw_block


class ToyData(Spans):
    """Fresh samples of `distribution` for every minibatch: `x` of a span, `(iterations, draws, seeds, batch, dim)`."""

    def __init__(self, distribution: Law, **spans: Any) -> None:
        super().__init__(**spans)
        self.distribution = distribution
        self.blocks = Blocks(self.block, last=self.last_block)

    def block(self, number: int) -> Tensor:
        return draw_block(self.distribution.draw, self.seeds, Purpose.DATA, number, self.draws, self.batch_size)

    def teardown(self, stage: str) -> None:
        self.blocks.forget()

    def span(self, start: int, stop: int) -> Batch:
        number, offset = divmod(start, BLOCK)
        return {"x": self.blocks(number)[offset : offset + stop - start]}
