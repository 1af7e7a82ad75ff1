"""The lock of a run folder: one process at a time trains there, on one host or on several that share the folder.

It is an exclusive `flock` of the file `.lock`. The kernel takes it back when its process ends, however that ends, so
that none is left over. Linux asks the server of an NFS mount for it, so that it holds between hosts too; not where the
mount says `nolock` or `local_lock`. The file stays: were it removed, two processes could lock two files of one name.
"""

import contextlib
import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from saddlegan.checks import ConfigError

LOCK = ".lock"
#: Seconds after which a folder counts as held: its process has then written who it is.
PATIENCE = 0.5
#: Errors of a file system that has no locks, or whose server of locks does not answer.
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)


class HeldRun(ConfigError):
    """Another process holds the run folder. What it has written there was not touched."""


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold a run folder until the block ends.

    Raises `HeldRun` where another process holds it, `ConfigError` where the file system has no locks, and OSError where
    nothing can be written. It never waits longer than `PATIENCE`.
    """
    path = folder / LOCK
    lock = FileLock(path, timeout=PATIENCE, fallback_to_soft=False, preserve_lock_file=True, on_acquired=_sign)
    try:
        lock.acquire()
    except Timeout:
        raise HeldRun(_held(folder)) from None
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        raise ConfigError(
            f"{path}: got a file system without file locks ({error.strerror}), expected one that keeps two processes"
            " from training one run. Remedy: output_root=DIR on another disk."
        ) from None
    try:
        yield
    finally:
        lock.release()


def holder(folder: Path) -> str:
    """Who trains in a run folder, or did last: `process 12 on host a, since 2026-01-31T12:00:00+01:00`, or ""."""
    try:
        about = json.loads((folder / LOCK).read_text())
        return f"process {about['pid']} on host {about['host']}, since {about['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def held(folder: Path) -> bool:
    """Whether a process trains in a run folder right now. It is looked at by asking for a shared lock, which nobody
    else has, and which needs no more than to read the file."""
    try:
        with (folder / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _sign(descriptor: int) -> None:
    """Write into the lock file who holds it, before anybody is told that it is held."""
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}).encode()
    os.ftruncate(descriptor, 0)
    if os.pwrite(descriptor, text, 0) < len(text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), LOCK)
    os.fsync(descriptor)


def _held(folder: Path) -> str:
    return (
        f"{folder}: got a run that another process is training: {holder(folder) or 'it has not said which'}."
        " Remedy: wait until it has ended, or stop it there; the same command then goes on from what it left."
        " To train beside it: output_root=DIR."
    )
