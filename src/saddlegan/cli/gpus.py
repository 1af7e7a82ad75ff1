"""GPUs that a sweep's workers share out, found and given without torch: a process sees but those that it had when torch
was imported."""

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock, Timeout

VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_gpus() -> list[str]:
    """The GPUs that this process may use: those of CUDA_VISIBLE_DEVICES, or all that nvidia-smi lists."""
    if (named := os.environ.get(VISIBLE)) is not None:
        return [one.strip() for one in named.split(",") if one.strip()]
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(place) for place, _ in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


class OnSlot:
    """A task that runs on the GPU of its worker's slot, which the worker takes before its first one, and keeps.

    `slots`: a GPU for each worker; `locks`: a folder, in which a file that is locked stands for a slot that is taken.
    """

    #: The lock of the slot that this process has.
    taken: ClassVar[Any] = None

    def __init__(self, task: Callable[[Any], Any], slots: Sequence[str], locks: str) -> None:
        self.task = task
        self.slots = list(slots)
        self.locks = locks

    def __call__(self, config: Any) -> Any:
        if OnSlot.taken is None:
            OnSlot.taken = self._take()
        return self.task(config)

    def _take(self) -> FileLock:
        for place, device in enumerate(self.slots):
            lock = FileLock(Path(self.locks) / f"slot-{place}", timeout=0)
            try:
                lock.acquire()
            except Timeout:
                continue
            os.environ[VISIBLE] = device
            return lock
        raise RuntimeError(f"got more workers than the {len(self.slots)} slots of GPUs")
