"""Checkpoints: one at most every so many seconds, after an evaluation, one at the end; and how one is read."""

import pickle
import time
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint

from saddlegan.files import write_whole
from saddlegan.folder import DamagedRun


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint on the CPU; no code of it is run. Raises `DamagedRun` where it is missing or cannot be read."""
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError:
        raise DamagedRun(f"{path}: got no such file, expected the checkpoint of a run that was trained.") from None
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise DamagedRun(f"{path}: got a damaged checkpoint ({type(error).__name__}), expected a whole one.") from None


class TimedCheckpoint(Checkpoint):
    """Saves `path` whole or not at all, at the end of an epoch: Lightning then calls a `Checkpoint` after all other
    callbacks, whose state it saves.

    Lightning's own `ModelCheckpoint` counts optimizer steps, and its time interval never fires in manual optimization.
    `before`: the seconds that earlier sessions of a run took until the checkpoint that it went on from. `ended`: the
    iteration at which something ended training before its last one; a run that goes on from there trains no further.
    """

    def __init__(self, path: Path, seconds: float, iterations: int) -> None:
        self.path = path
        self.seconds = seconds
        self.iterations = iterations
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
        if self.ended is not None and self.ended == int(module.iteration):
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: L.Trainer, module: Any) -> None:
        if time.monotonic() - self.saved >= self.seconds:
            self.save(trainer)

    def on_train_end(self, trainer: L.Trainer, module: Any) -> None:
        self.ended = int(module.iteration) if int(module.iteration) < self.iterations else None
        self.save(trainer)

    def save(self, trainer: L.Trainer) -> None:
        with write_whole(self.path) as partial:
            trainer.save_checkpoint(partial)
        self.saved = time.monotonic()
