"""Dropout with masks that cost a fraction of torch's on a CPU, where those take as long as a convolution of Table 2."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import Rate

#: Values that a byte has. A value is dropped where its byte is below `round(LEVELS * rate)`.
LEVELS = 256
LEAST = torch.iinfo(torch.int64).min
#: Which rows of a minibatch this process has, `rank::ranks`.
_rows = [(0, 1)]


@contextmanager
def rows_of(rank: int, ranks: int) -> Iterator[None]:
    """Draw masks for the whole of a minibatch, of which this process has the rows `rank::ranks`: so that a value is
    dropped or not, however many processes share the minibatch."""
    _rows.append((rank, ranks))
    try:
        yield
    finally:
        _rows.pop()


def dropout(x: Float[Tensor, "*shape"], rate: Rate, training: bool = True) -> Float[Tensor, "*shape"]:
    """`x` with each value at 0 with probability `rate`, all others divided by the probability that they are kept.

    The probability is `rate` rounded to a multiple of 1/256, so that a byte decides: torch's generator is asked once
    for eight values. Both sides use the rounded one: the mean of a value is that of `x`.
    """
    dropped = round(LEVELS * rate)
    if not training or dropped == 0:
        return x
    rank, ranks = _rows[-1]
    shape, count = (len(x) * ranks, *x.shape[1:]), x.numel() * ranks
    words = torch.empty((count + 7) // 8, dtype=torch.int64, device=x.device).random_(LEAST, None)
    drawn = words.view(torch.uint8)[:count]
    if x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):  # drawn in the order that they lie in
        drawn = drawn.view(shape[0], *shape[2:], shape[1]).permute(0, 3, 1, 2)
    drawn = drawn.view(shape)[rank::ranks]
    return x * (drawn >= dropped).to(x.dtype).mul_(LEVELS / (LEVELS - dropped))


class Dropout(nn.Module):
    """`dropout` as a layer, while its network is in training mode."""

    def __init__(self, rate: Rate) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return dropout(x, self.rate, self.training)
