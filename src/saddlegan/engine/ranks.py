"""One run on several devices, a process (a rank) for each: it takes its rows of every minibatch, and gradients and
losses are averaged over the ranks before a player moves.

All else is equal in all ranks: weights, draws, evaluations. What depends on the clock or on a signal is agreed on. The
first rank alone writes.

`torch.nn.parallel.DistributedDataParallel` averages what one loss gives to all parameters of a module. Here each player
has a loss of its own, whose gradient is asked for that player alone.
"""

import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from multiprocessing import connection, forkserver
from typing import Any, TypeVar

import torch
from lightning.fabric.plugins.environments.lightning import find_free_network_port
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, distributed, nn
from torch.multiprocessing import get_context
from torch.multiprocessing.spawn import ProcessExitedException, start_processes
from torch.nn.modules.batchnorm import _NormBase

from saddlegan.engine.stopping import ASKING, Signals, StopAsked, in_main_thread, obey
from saddlegan.folder import RunLost

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
    for whole in dict.fromkeys(part.dtype for part in parts):
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
        if isinstance(layer, _NormBase):
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

    A signal that asks to stop is passed on to all. Raises what a rank raises; `RunLost` where one ends without a word;
    where they were asked to stop, what the handler of that signal does, or `KeyboardInterrupt`.
    """
    ranks, answers = _started(count, function, arguments)
    found: list[tuple[int, BaseException | None, Any]] = []
    signals, failed_at = Signals(lambda: None), None
    signals.watch()
    try:
        over = False
        while not over:
            over = ranks.join(timeout=0.2, grace_period=GRACE)
            while not answers.empty():
                found.append(answers.get())
            if failed_at is None and any(error is not None for _, error, _ in found):
                failed_at = time.monotonic()
            for process in ranks.processes if signals.number is not None else ():
                process.terminate()  # again and again: one that is still beginning does not listen
            if failed_at is not None and time.monotonic() - failed_at > GRACE:
                break  # the others wait for one that has ended
    except ProcessExitedException as error:
        if signals.number is None:
            how = error.signal_name or f"the exit code {error.exit_code}"
            raise RunLost(
                f"trainer.devices={count}: process {error.error_index} of {count} was ended by {how}, and the others"
                " with it. Remedy: the same command goes on from the last checkpoint."
            ) from None
    finally:
        signals.leave()
        for process in ranks.processes:
            process.kill()
    failed = [error for _, error, _ in found if error is not None and not isinstance(error, KeyboardInterrupt)]
    if failed:
        raise min(failed, key=lambda error: isinstance(error, RuntimeError))  # a cause, not a lost connection
    results = [result for rank, error, result in found if rank == 0 and error is None]
    if not results and signals.number is not None:
        obey(StopAsked(signals.number))
    if not results:
        raise KeyboardInterrupt
    return results[0]


def _started(count: int, function: Callable[..., Any], arguments: Sequence[Any]) -> tuple[Any, Any]:
    """The processes, and the queue of their answers.

    They are forks of a server, which has imported torch once. It does not hear the signals that ask to stop: a
    cluster sends them to all processes of a job, and without the server nobody would know how the ranks ended.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["saddlegan.engine.train"])
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ASKING if in_main_thread()}
    try:
        forkserver.ensure_running()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    answers = context.SimpleQueue()
    given = (count, find_free_network_port(), function, arguments, answers)
    usual = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("forkserver", force=True)  # what the ranks are told: they do not know joblib's
    try:
        return start_processes(_rank, given, count, join=False, start_method="forkserver"), answers
    finally:
        multiprocessing.set_start_method(usual, force=True)


def _rank(
    rank: int, count: int, port: int, function: Callable[..., Any], arguments: Sequence[Any], answers: Any
) -> None:
    """One of the processes. A terminal's Ctrl-C reaches the first process alone, which passes it on; where that is
    killed, the ranks end too, since its lock of the run folder is gone."""
    os.setpgrp()
    for number in ASKING:
        signal.signal(number, signal.SIG_IGN)  # until training listens
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    try:
        answer = (None, function(*arguments, rank=rank))
    except BaseException as error:
        error.add_note(f"in process {rank} of {count}:\n{traceback.format_exc()}")
        answer = (_sendable(error), None)
    answers.put((rank, *answer))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _sendable(error: BaseException) -> BaseException:
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
