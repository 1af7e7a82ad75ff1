"""What experiments with small networks share: stacks of perceptrons put together, steps of Adam, one thread."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor
from torch.optim import Adam

from saddlegan.networks.mlp import StackedMLP

Stack = TypeVar("Stack", bound=StackedMLP)


def merged(networks: Sequence[Stack], copies: int = 1) -> Stack:
    """The stacks one after another in a single new one, each network `copies` times in a row."""
    stack = copy.deepcopy(networks[0])
    for parameter, *same in zip(stack.parameters(), *(net.parameters() for net in networks), strict=True):
        parameter.data = torch.cat([part.data for part in same]).repeat_interleave(copies, 0)
    return stack


def adam(network: StackedMLP, step: float = 1e-3) -> Adam:
    """Adam with the first moment's decay that is usual in GANs: 0.5, of Radford et al. (2016)."""
    return Adam(network.parameters(), lr=step, betas=(0.5, 0.999))


def descend(optimizer: Adam, losses: Tensor) -> None:
    """One step on `losses` (stack,), of the optimizer's own parameters alone: each network down its own loss."""
    optimizer.zero_grad()
    losses.sum().backward(inputs=optimizer.param_groups[0]["params"])
    optimizer.step()


@contextmanager
def one_thread() -> Iterator[None]:
    """Layers this small are slower on many threads, far slower on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
