"""Signals that ask a run to stop: it ends the iteration at hand, saves a checkpoint, and then does what they say."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

#: Ctrl-C; what `kill` and clusters send; what submitit has SLURM send before a job's time is over.
ASKING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR2") if hasattr(signal, name))


def in_main_thread() -> bool:
    """Whether this is the thread to which Python gives signals."""
    return threading.current_thread() is threading.main_thread()


class StopAsked(Exception):
    """A signal asked the run to stop, and its checkpoint is saved."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Signals:
    """Notes the first signal that asks to stop, and calls `noted`; a second Ctrl-C interrupts at once."""

    def __init__(self, noted: Callable[[], None]) -> None:
        self.noted = noted
        self.number: int | None = None
        self.before: dict[int, Any] = {}

    def watch(self) -> None:
        """Begin; nothing happens in a thread that is not the main one, to which Python gives no signals."""
        if in_main_thread():
            self.before = {number: signal.signal(number, self._note) for number in ASKING}

    def ignore_afterwards(self) -> None:
        """Let signals that come once this has left do nothing: for one of several processes, which the first one
        signals. Lightning's own handler would wait for the others, which may have ended."""
        self.before = dict.fromkeys(self.before, signal.SIG_IGN)

    def leave(self) -> None:
        """Put back the handlers that were there before."""
        for number, handler in self.before.items():
            signal.signal(number, handler)
        self.before = {}

    def _note(self, number: int, _: Any) -> None:
        if self.number is not None and number == signal.SIGINT:
            self.leave()
            raise KeyboardInterrupt
        self.number = self.number or number
        self.noted()


@contextlib.contextmanager
def interrupting() -> Iterator[None]:
    """What a handler of the signals that ask to stop raises becomes a `KeyboardInterrupt`, and no failure of what is at
    work when it comes. Submitit's raises where SLURM, which has queued the job again, ends the very command that asked
    for it; before a run trains, nothing but this stands between the two."""
    handlers = {number: signal.getsignal(number) for number in ASKING} if in_main_thread() else {}
    theirs = {number: handler for number, handler in handlers.items() if callable(handler)}

    def call(number: int, frame: Any) -> None:
        try:
            theirs[number](number, frame)
        except Exception as error:
            raise KeyboardInterrupt(str(error)) from error

    for number in theirs:
        signal.signal(number, call)
    try:
        yield
    finally:
        for number, handler in theirs.items():
            signal.signal(number, handler)


def obey(stop: StopAsked) -> NoReturn:
    """Do what the signal says, now that its checkpoint is saved: call the handler of whoever started the run, such as
    submitit, which has the job queued again. Without one, raise `KeyboardInterrupt`."""
    handler = signal.getsignal(stop.number)
    if callable(handler) and handler is not signal.default_int_handler:
        try:
            signal.raise_signal(stop.number)
        except Exception as error:  # submitit's, which does not queue the job again: no failure of the run
            raise KeyboardInterrupt(str(error)) from error
    raise KeyboardInterrupt
