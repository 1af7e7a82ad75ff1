"""`make test-faults`: runs that are killed again and again, at random moments and while files are written, go on to the
same weights. A table of kills, by kind of training, for docs/scaling.md.

Each session of a run is a fork of this process, which has imported torch, and is killed by SIGKILL. A kind's run is
begun again until it has been killed often enough and has ended; its folder is then held against that of a run that
nobody killed: final weights, metrics.csv, and no file left half written.
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # forks of a process with threads would wait for ever

import torch

from saddlegan import files
from saddlegan.engine.checkpoint import read_checkpoint
from saddlegan.engine.train import run
from saddlegan.files import PARTIAL
from saddlegan.folder import CHECKPOINT, METRICS, RESULT, claim_run, read_result, write_json
from saddlegan.interface import compose
from saddlegan.lock import hold

TOY = ("num_seeds=8", "evaluation.every=50", "evaluation.samples=256", "evaluation.figures=0", "trainer.threads=1")
IMAGES = ("data=digits", "evaluation.every=10", "evaluation.samples=256", "evaluation.figures=0", "trainer.threads=1",
          "model.generator.widths=[8,8,8]", "model.discriminator.widths=[8,8]", "batch_size=16")  # fmt: skip
#: Kinds of training, and what they ask for.
KINDS = {
    "a toy": ("method=primal_dual", "iterations=2000", *TOY),
    "second order": ("method=wgan_gp", "iterations=600", *TOY),
    "unrolled": ("method=unrolled", "method.unrolled=3", "iterations=500", *TOY),
    "state of its own": ("method=began", "iterations=1200", *TOY),
    "the plane": ("data=ring", "method=dragan", "iterations=600", *TOY),
    "images, dropout, an average": ("method=gan_non_saturating", "iterations=60", "ema_decay=0.9", *IMAGES),
}
OFTEN = ("checkpoint_seconds=0.05", "logger=none")


def session(config: dict, folder: Path, trap: int | None) -> None:
    """What the command line does with a run, in a fork; with a `trap` it kills itself at that write, half of the times
    before a file takes its place and half after."""
    if trap is not None:
        left, replace = iter(range(trap, -1, -1)), os.replace

        def killing(*names: object) -> None:
            due = next(left, -1) == 0
            if due and trap % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            replace(*names)  # type: ignore[arg-type]
            if due:
                os.kill(os.getpid(), signal.SIGKILL)

        files.os.replace = killing  # type: ignore[assignment]
    with hold(folder):
        if claim_run(folder, config, "continue") is None:
            with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
                result = run(config, folder)
            write_json(folder / RESULT, result | {"choices": {"method": "x"}})


def forked(config: dict, folder: Path, seconds: float | None, trap: int | None) -> bool:
    """Whether a session ended by itself, and not by SIGKILL, which comes after so many seconds."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            session(config, folder, trap)
            status = 0
        finally:
            os._exit(status)
    until = time.monotonic() + (seconds if seconds is not None else 600.0)
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            break
        time.sleep(0.002)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError(f"{folder}: a session failed")
    return os.WIFEXITED(status)


def tried(words: tuple[str, ...], kills: int, root: Path, rng: random.Random) -> dict[str, object]:
    """Kill the runs of a kind so often, half at random moments and half while a file is written."""
    config = compose(*words, *OFTEN)
    whole = root / "whole"
    whole.mkdir(parents=True)
    began = time.monotonic()
    forked(config, whole, None, None)
    lasts = time.monotonic() - began
    counts, runs, same, broken = {"at random": 0, "while writing": 0}, 0, 0, 0
    while sum(counts.values()) < kills:
        folder = root / f"run-{runs}"
        folder.mkdir()
        writing = runs % 2
        for attempt in range(10_000):
            late = attempt >= 30  # it is to end some time
            seconds = None if writing or late else rng.uniform(0.0, lasts / 2)
            trap = rng.randrange(0, 24) if writing and not late else None
            if forked(config, folder, seconds, trap):
                break
            counts["while writing" if writing else "at random"] += 1
        runs += 1
        read_result(folder)  # raises where a file is not whole
        one, other = (read_checkpoint(top / CHECKPOINT)["state_dict"] for top in (folder, whole))
        equal = all(torch.equal(one[name], other[name]) for name in one.keys() | other.keys())
        equal = equal and (folder / METRICS).read_text() == (whole / METRICS).read_text()
        same += equal
        broken += len(list(folder.rglob(f"{PARTIAL}*")))
    return {**counts, "runs": runs, "same": same, "broken": broken}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="of each kind (default: 20)")
    parser.add_argument("--output", type=Path, help="where the table is written, too")
    options = parser.parse_args()
    rows = ["| kind | kills at random | kills while writing | runs | bit for bit the same | files left half written |",
            "| --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    sound = True
    with tempfile.TemporaryDirectory(prefix="saddlegan-faults-") as top:
        for place, (kind, words) in enumerate(KINDS.items()):
            found = tried(words, options.kills, Path(top) / str(place), random.Random(place))
            sound &= found["same"] == found["runs"] and not found["broken"]
            cells = [kind, *(str(found[key]) for key in ("at random", "while writing", "runs", "same", "broken"))]
            rows.append(f"| {' | '.join(cells)} |")
            print(rows[-1], flush=True)
    table = "\n".join(rows) + "\n"
    print(f"\n{table}")
    if options.output:
        options.output.write_text(table)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
