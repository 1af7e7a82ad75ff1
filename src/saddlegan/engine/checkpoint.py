"""Checkpoints: after so many seconds or iterations, where a signal asks to stop, and at the end; and how they are
read."""

import pickle
import shutil
import struct
import sys
import time
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint

from saddlegan.engine.ranks import largest
from saddlegan.engine.stopping import Signals, StopAsked
from saddlegan.files import write_whole
from saddlegan.folder import BEFORE, CHECKPOINT, SESSION, DamagedRun, write_json
from saddlegan.identity import NEUTRAL, difference, without

#: What reading a file that is cut, or holds anything else, may raise.
DAMAGE = (OSError, RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError, pickle.UnpicklingError,
          struct.error)  # fmt: skip
#: What may change while a run goes on, besides what decides nothing: its length, what is measured, and on what machine.
LENGTHS = ("iterations", "evaluation", "trainer", "callbacks")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint on the CPU; no code of it is run. Raises `DamagedRun` where it is missing or cannot be read."""
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError:
        raise DamagedRun(f"{path}: got no such file, expected the checkpoint of a run that was trained.") from None
    except DAMAGE as error:
        raise DamagedRun(f"{path}: got a damaged checkpoint ({type(error).__name__}), expected a whole one.") from None


def iteration_of(checkpoint: Path) -> int:
    """The iteration that a checkpoint was saved at. Raises `DamagedRun` where it cannot be read."""
    return int(whole(checkpoint)["state_dict"]["iteration"])


def whole(path: Path) -> dict[str, Any]:
    """A checkpoint that says its iteration. Raises `DamagedRun` where it cannot be read or does not."""
    content = read_checkpoint(path)
    try:
        int(content["state_dict"]["iteration"])
    except (KeyError, TypeError) as error:
        raise DamagedRun(f"{path}: got a checkpoint without {error}, expected a whole one.") from None
    return content


def last_whole(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The checkpoint that a run goes on from, and what it holds: the last one, or, where that is damaged or missing,
    the one before it, which is said; None where there is none. Raises `DamagedRun` where none is whole."""
    last, before = folder / CHECKPOINT, folder / BEFORE
    there = [path for path in (last, before) if path.is_file()]
    try:
        return (there[0], whole(there[0])) if there else None
    except DamagedRun as error:
        try:
            found = whole(before)
        except DamagedRun:
            raise DamagedRun(f"{error} Remedy: existing=repeat to start the run again.") from None
        said = f"The one before it, of iteration {int(found['state_dict']['iteration'])}, takes its place."
        print(f"saddlegan: warning: {error} {said}", file=sys.stderr)
        return before, found


def mend(folder: Path, config: dict[str, Any]) -> int | None:
    """Put the checkpoint that a run goes on from in the place of a damaged one; its iteration, None where there is
    none. Raises `DamagedRun` as `last_whole`, and where it is that of another configuration: an equal number of weights
    would be taken without a word."""
    found = last_whole(folder)
    if found is None:
        return None
    path, content = found
    differing = difference(
        *(without(one, (*NEUTRAL, *LENGTHS)) for one in (content.get("saddlegan") or config, config))
    )
    if differing:
        raise DamagedRun(
            f"{path}: got a checkpoint of another run, expected one of this configuration; it differs in\n{differing}\n"
            "Remedy: existing=repeat to start the run again, or put its own checkpoint there."
        )
    path.replace(folder / CHECKPOINT)
    return int(content["state_dict"]["iteration"])


class TimedCheckpoint(Checkpoint):
    """Saves `path` whole or not at all, and keeps the one before it. Lightning calls a `Checkpoint` after all other
    callbacks, whose state it saves.

    It saves where `seconds` have passed since the last time, at each multiple of `every` iterations (0: at none), where
    a signal asks the run to stop, and at the end. At multiples of `evaluated` an evaluation is due: there it waits for
    the end of the epoch, when others have seen it. Lightning's own `ModelCheckpoint` counts optimizer steps, and its
    time interval never fires in manual optimization.

    `before`: the seconds that earlier sessions of a run took until the checkpoint that it went on from. `ended`: the
    iteration at which something ended training before its last one; a run that goes on from there trains no further.
    """

    def __init__(self, path: Path, seconds: float, iterations: int, evaluated: int, every: int = 0) -> None:
        self.path = path
        self.seconds = seconds
        self.iterations = iterations
        self.evaluated = evaluated
        self._every_n_train_steps = every  # by Lightning's name, by which spans are cut there
        self.saved = self.began = time.monotonic()
        self.before = 0.0
        self.ended: int | None = None

    @property
    def elapsed(self) -> float:
        """Seconds of this session and of those before it."""
        return self.before + time.monotonic() - self.began

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.elapsed, "ended": self.ended}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.before, self.ended = state_dict["seconds"], state_dict.get("ended")

    def on_train_start(self, trainer: L.Trainer, module: Any) -> None:
        if trainer.is_global_zero:
            write_json(self.path.with_name(SESSION.name), {"first": int(module.iteration), "began": time.time()})
        self.signals = Signals(module.halt)
        self.signals.watch()
        if trainer.world_size > 1:
            self.signals.ignore_afterwards()
        if self.ended is not None and self.ended == int(module.iteration):
            trainer.should_stop = True

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        iteration = int(module.iteration)
        if iteration % self.evaluated and iteration < self.iterations:
            self.save_if_due(trainer, iteration)

    def on_train_epoch_end(self, trainer: L.Trainer, module: Any) -> None:
        self.save_if_due(trainer, int(module.iteration))

    def on_train_end(self, trainer: L.Trainer, module: Any) -> None:
        self.ended = int(module.iteration) if int(module.iteration) < self.iterations else None
        self.save(trainer)
        self.signals.leave()
        if self.signals.number is not None:  # it came when nothing was left to do
            raise StopAsked(self.signals.number)

    def on_exception(self, trainer: L.Trainer, module: Any, exception: BaseException) -> None:
        if hasattr(self, "signals"):
            self.signals.leave()

    def save_if_due(self, trainer: L.Trainer, iteration: int) -> None:
        """Save where time or the number of iterations asks for it. Raises `StopAsked` where a signal did."""
        every, asked = self._every_n_train_steps, self.signals.number or 0
        late = time.monotonic() - self.saved >= self.seconds
        if trainer.world_size > 1:  # another rank's clock and signals count too
            late, asked = largest([late, asked], trainer.strategy.root_device)
        if late or asked or (every and iteration % every == 0):
            self.save(trainer)
        if asked:
            raise StopAsked(asked)

    def save(self, trainer: L.Trainer) -> None:
        """Save, in the first rank; the others wait for it."""
        if trainer.is_global_zero:
            if self.path.exists():
                keep(self.path, self.path.with_name(BEFORE.name))
            with write_whole(self.path) as partial:
                trainer.save_checkpoint(partial)
        else:
            trainer.save_checkpoint(self.path)
        self.saved = time.monotonic()


def keep(last: Path, before: Path) -> None:
    """Give a checkpoint a second name, under which it stays when the next one takes its place."""
    before.unlink(missing_ok=True)
    try:
        before.hardlink_to(last)
    except OSError:  # a file system without links
        with write_whole(before) as partial:
            shutil.copyfile(last, partial)
