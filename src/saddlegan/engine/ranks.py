"""One run on several devices, a process (a rank) for each: it takes its rows of every minibatch, and gradients and
losses are averaged over the ranks before a player moves.

All else is the same in each rank: weights, draws, evaluations. So no rank decides alone what the next step is, but for
what depends on the clock or on a signal, which is agreed on. The first rank alone writes.

`torch.nn.parallel.DistributedDataParallel` averages what one loss gives to all parameters of a module. Here each player
has a loss of its own, whose gradient is asked for that player alone.
"""

import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, distributed, nn
from torch.multiprocessing import get_context
from torch.multiprocessing.spawn import ProcessExitedException, start_processes
from torch.nn.modules.batchnorm import _BatchNorm

from saddlegan.engine.stopping import ASKING, Signals, StopAsked, obey

Result = TypeVar("Result")
#: Seconds that the other ranks have to end in, once one has failed.
GRACE = 30.0


class Replicas(DDPStrategy):
    """Lightning's strategy of a process per device, without its wrapper of the module."""

    def configure_ddp(self) -> None:
        """Leave the module as it is."""


def averaged(parameters: Iterable[nn.Parameter], terms: Mapping[str, Tensor], ranks: int) -> dict[str, Tensor]:
    """Replace the gradients of `parameters` by their means over the ranks; the means of the `terms`, without gradients.

    The losses of this suite are means over samples, and ranks have as many samples each: so these are the gradient and
    the loss of the whole minibatch, where no sample's part of the loss depends on the others.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    parts = [*gradients, *(term.detach() for term in terms.values())]
    for whole in {part.dtype for part in parts}:
        alike = [part for part in parts if part.dtype == whole]
        flat = torch.cat([part.flatten() for part in alike])
        distributed.all_reduce(flat)
        flat /= ranks
        for part, found in zip(alike, flat.split([part.numel() for part in alike]), strict=True):
            part.copy_(found.view_as(part))
    return dict(zip(terms, parts[len(gradients) :], strict=True))


def average_statistics(module: nn.Module, ranks: int) -> None:
    """Average the running statistics of batch normalisations over the ranks, each of which normalises its own rows."""
    for layer in module.modules():
        if isinstance(layer, _BatchNorm):
            for buffer in (layer.running_mean, layer.running_var):
                if buffer is not None:
                    distributed.all_reduce(buffer)
                    buffer /= ranks


def largest(numbers: Sequence[int], device: torch.device) -> list[int]:
    """Of each number the largest that a rank has."""
    found = torch.tensor(numbers, device=device)
    distributed.all_reduce(found, distributed.ReduceOp.MAX)
    return found.tolist()


def together(count: int, function: Callable[..., Result], *arguments: Any) -> Result:
    """What `function(*arguments, rank=0)` returns, called with its rank in `count` processes, which find each other.

    A signal that asks to stop is passed on to all. Raises what a rank raises; RuntimeError where one ends without a
    word; `KeyboardInterrupt` where they were asked to stop, after what the signal's handler does.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["saddlegan.engine.train"])
    answers = context.SimpleQueue()
    given = (count, LightningEnvironment().main_port, function, arguments, answers)
    ranks = start_processes(_rank, given, count, join=False, start_method="forkserver")
    assert ranks is not None
    processes: list[Any] = ranks.processes
    found: list[tuple[int, BaseException | None, Any]] = []
    signals = Signals(lambda: None)
    signals.watch()
    try:
        over = False
        while not over:
            over = ranks.join(timeout=0.2, grace_period=GRACE)
            while not answers.empty():
                found.append(answers.get())
            for process in processes if signals.number is not None else ():
                process.terminate()  # again and again: one that is still beginning does not listen
    except ProcessExitedException as error:
        how = error.signal_name or f"the exit code {error.exit_code}"
        raise RuntimeError(
            f"trainer.devices={count}: process {error.error_index} of {count} was ended by {how}, and the others with"
            " it. Remedy: the same command goes on from the last checkpoint."
        ) from None
    finally:
        signals.leave()
        for process in processes:
            process.kill()
    failed = [error for _, error, _ in found if error is not None and not isinstance(error, KeyboardInterrupt)]
    if failed:
        raise failed[0]
    results = [result for rank, error, result in found if rank == 0 and error is None]
    if not results and signals.number is not None:
        obey(StopAsked(signals.number))
    if not results:
        raise KeyboardInterrupt
    return results[0]


def _rank(
    rank: int, count: int, port: int, function: Callable[..., Any], arguments: Sequence[Any], answers: Any
) -> None:
    """One of the processes. A terminal's Ctrl-C reaches the first process alone, which passes it on."""
    os.setpgrp()
    for number in ASKING:
        signal.signal(number, signal.SIG_IGN)  # until training listens
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    try:
        answer = (None, function(*arguments, rank=rank))
    except BaseException as error:
        error.add_note(f"in process {rank} of {count}:\n{traceback.format_exc()}")
        answer = (_sendable(error), None)
    answers.put((rank, *answer))


def _sendable(error: BaseException) -> BaseException:
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
