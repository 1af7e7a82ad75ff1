"""A checkpoint at most every so many seconds, at the end of an evaluation, and one at the end."""

import time
from pathlib import Path
from typing import Any

import lightning as L

from saddlegan.files import write_whole


class TimedCheckpoint(L.Callback):
    """Saves `path` whole or not at all. It must come after `Evaluate`, whose history it saves.

    Lightning's own `ModelCheckpoint` counts optimizer steps, and its time interval never fires in manual optimization.
    `before`: the seconds that earlier sessions of a run took until the checkpoint that it went on from.
    """

    def __init__(self, path: Path, seconds: float, every: int) -> None:
        self.path = path
        self.seconds = seconds
        self.every = every
        self.saved = self.began = time.monotonic()
        self.before = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds of this session and of those before it."""
        return self.before + time.monotonic() - self.began

    def state_dict(self) -> dict[str, float]:
        return {"seconds": self.elapsed}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        self.before = state_dict["seconds"]

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        if int(module.iteration) % self.every == 0 and time.monotonic() - self.saved >= self.seconds:
            self.save(trainer)

    def on_train_end(self, trainer: L.Trainer, module: Any) -> None:
        self.save(trainer)

    def save(self, trainer: L.Trainer) -> None:
        with write_whole(self.path) as partial:
            trainer.save_checkpoint(partial)
        self.saved = time.monotonic()
