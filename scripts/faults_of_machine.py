"""`make test-faults`, its second part: a full disk, a folder that may not be written, too little memory, a clock that
jumps. Each fault befalls real commands; a table of what the docs say of it, and whether it was so, for docs/scaling.md.

As root, on Linux: disks are small file systems in memory, which are mounted for it. What cannot be tried here is said.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from saddlegan.engine.checkpoint import read_checkpoint
from saddlegan.folder import CHECKPOINT, METRICS, RESULT

SADDLEGAN = Path(sys.executable).with_name("saddlegan")
TOY = ("num_seeds=4", "iterations=300", "evaluation.every=50", "evaluation.figures=0", "checkpoint_seconds=1e-9",
       "logger=none")  # fmt: skip
#: An optimizer as users put in theirs, which does what FAULT says before the generator's step of iteration 100.
INJECTED = """
import os, resource, time
import torch

class Adam(torch.optim.Adam):
    steps = 0

    def step(self, closure=None):
        Adam.steps += 1
        fault = os.environ.get("FAULT") if Adam.steps == 100 else None
        weights = self.param_groups[0]["params"]
        if fault == "nan":
            with torch.no_grad():
                weights[0][3] = float("nan")
        if fault == "clock":
            now = time.time
            time.time = lambda: now() - 86400.0
        if fault == "pause":
            time.sleep(20.0)
        if fault == "memory" and len(weights[0]) == 3:  # the job of three seeds
            used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, resource.RLIM_INFINITY))
            torch.empty(2**30)
        return super().step(closure)
"""
WATCHED = "optimizer.generator._target_=injected.Adam"
#: One run of two processes, which meet at each step.
RANKS = ("trainer=ddp", "data=digits", "num_seeds=1", "iterations=150", "evaluation.samples=128", "batch_size=16",
         "model.generator.widths=[8,8,8]", "model.discriminator.widths=[8,8]")  # fmt: skip


class Place:
    """A folder in which commands are called."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "injected.py").write_text(INJECTED)

    def environment(self, fault: str) -> dict[str, str]:
        modules = os.pathsep.join(filter(None, [str(self.root), os.environ.get("PYTHONPATH")]))
        return os.environ | {"FAULT": fault, "PYTHONPATH": modules, "OMP_NUM_THREADS": "1"}

    def call(self, *words: str, fault: str = "") -> tuple[int, str]:
        """A command with a fault: its status, and what it said."""
        kept = {"capture_output": True, "text": True, "cwd": self.root, "env": self.environment(fault)}
        done = subprocess.run([SADDLEGAN, *words], **kept)
        return done.returncode, done.stdout + done.stderr

    def begun(self, folder: str, *words: str) -> "subprocess.Popen[bytes]":
        """A run that pauses at iteration 100, as soon as it has a checkpoint. What it says is in FOLDER.log."""
        command = [SADDLEGAN, *TOY, WATCHED, *words, f"hydra.run.dir={self.root / folder}"]
        with (self.root / f"{folder}.log").open("w") as log:
            process = subprocess.Popen(command, cwd=self.root, env=self.environment("pause"), stdout=log, stderr=log)
        while not (self.root / folder / CHECKPOINT).exists():
            assert process.poll() is None, f"{folder}: the run ended before it had a checkpoint"
            time.sleep(0.2)
        return process

    def run(self, folder: str, *words: str, fault: str = "") -> tuple[int, str]:
        return self.call(*TOY, WATCHED, *words, f"hydra.run.dir={self.root / folder}", fault=fault)

    def whole(self) -> Path:
        """A run that nothing befell."""
        if not (self.root / "whole").exists():
            status, said = self.run("whole")
            assert status == 0, said
        return self.root / "whole"

    def same(self, folder: str, whole: Path | None = None) -> bool:
        """Whether a run left what the whole one left."""
        tops = (whole or self.whole(), self.root / folder)
        one, other = (read_checkpoint(top / CHECKPOINT)["state_dict"] for top in tops)
        equal = all(torch.equal(one[name], other[name]) for name in one.keys() | other.keys())
        return equal and len({(top / METRICS).read_text() for top in tops}) == 1


def plain(said: str) -> bool:
    """A refusal in words, in a line or two."""
    return "saddlegan: " in said and "Traceback" not in said


def mounted(folder: Path, size: str) -> None:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)


def full_disk(place: Place) -> bool:
    disk = place.root / "small"
    mounted(disk, "40k")
    try:
        status, said = place.run("small/run")
        refused = status != 0 and plain(said) and "No space left" in said
        subprocess.run(["mount", "-o", "remount,size=20m", disk], check=True)
        return refused and place.run("small/run")[0] == 0 and place.same("small/run")
    finally:
        subprocess.run(["umount", disk], check=True)


def read_only(place: Place) -> bool:
    disk = place.root / "fixed"
    mounted(disk, "20m")
    try:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        status, said = place.run("fixed/run")
        refused = status == 2 and plain(said) and "Read-only" in said
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        return refused and place.run("fixed/run")[0] == 0 and place.same("fixed/run")
    finally:
        subprocess.run(["umount", disk], check=True)


def interrupted(place: Place, folder: str) -> Path:
    """A run that was killed in the pause at iteration 100; its checkpoint."""
    path = place.root / folder / CHECKPOINT
    with place.begun(folder, "checkpoint_iterations=10") as process:
        while time.time() - path.stat().st_mtime < 3.0:
            assert process.poll() is None
            time.sleep(0.2)
        process.kill()
    return path


def cut_checkpoint(place: Place) -> bool:
    path = interrupted(place, "cut")
    path.write_bytes(path.read_bytes()[:1000])
    status, said = place.run("cut", "checkpoint_iterations=10")
    return status == 0 and "damaged checkpoint" in said and place.same("cut")


def foreign_checkpoint(place: Place) -> bool:
    path = interrupted(place, "foreign")
    kept = path.read_bytes()
    status, said = place.run("other", "method=lsgan")
    assert status == 0, said
    path.write_bytes((place.root / "other" / CHECKPOINT).read_bytes())
    status, said = place.run("foreign", "checkpoint_iterations=10")
    refused = status == 2 and plain(said) and "LSGAN -> saddlegan.methods.gan.GAN" in said
    path.write_bytes(kept)
    return refused and place.run("foreign", "checkpoint_iterations=10")[0] == 0 and place.same("foreign")


def two_processes(place: Place) -> bool:
    with place.begun("two") as process:
        status, said = place.run("two")
        held = status == 2 and plain(said) and str(process.pid) in said
        return held and process.wait() == 0 and place.same("two")


def nan_in_a_seed(place: Place) -> bool:
    status, said = place.run("nan", "num_seeds=64", fault="nan")
    assert status == 0, said
    assert place.run("sound", "num_seeds=64")[0] == 0
    one, other = (json.loads((place.root / name / RESULT).read_text())["final"] for name in ("nan", "sound"))
    lost = [seed for seed in range(64) if one["diverged"][seed] and not other["diverged"][seed]]
    return lost == [3] and all(one["w1"][seed] == other["w1"][seed] for seed in range(64) if seed != 3)


def little_memory(place: Place) -> bool:
    words = ("-m", *TOY, WATCHED, "num_seeds=2,3,4", "hydra/launcher=cores", "trainer.threads=1",
             f"hydra.sweep.dir={place.root / 'memory'}")  # fmt: skip
    status, said = place.call(*words, fault="memory")
    states = [json.loads(path.read_text())["status"] for path in (place.root / "memory").rglob(RESULT)]
    failed = status == 1 and sorted(states) == ["failed", "finished", "finished"] and "allocate" in said
    status, said = place.call(*words)
    return failed and status == 0 and said.count("finished already") == 2


def clock_jumps_back(place: Place) -> bool:
    status, said = place.run("clock", fault="clock")
    seconds = json.loads((place.root / "clock" / RESULT).read_text())["seconds"]
    return status == 0 and 0.0 < seconds < 600.0 and place.same("clock") and not re.search(r"-\d+ s left", said)


def lost_process(place: Place) -> bool:
    """Of the two processes of a run, the second is killed in the pause."""
    assert place.run("both", *RANKS)[0] == 0
    with place.begun("lost", *RANKS) as process:
        ranks = grandchildren(process.pid)
        os.kill(ranks[-1], signal.SIGKILL)
        status = process.wait()
    said = (place.root / "lost.log").read_text()
    ended = status == 1 and plain(said) and "of 2 was ended by SIGKILL" in said
    ended = ended and not any(Path(f"/proc/{rank}").exists() for rank in ranks) and len(ranks) == 2
    went_on = place.run("lost", *RANKS)[0] == 0
    return ended and went_on and place.same("lost", place.root / "both")


def grandchildren(process: int) -> list[int]:
    """The processes of a run: a server begins them."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    return sorted(one for one, parent in parents.items() if parents.get(parent) == process)


#: (what befalls, what the docs say of it, the trial).
FAULTS: list[tuple[str, str, Callable[[Place], bool]]] = [
    ("a full disk", "refused in words; with room, the same command goes on to the same weights", full_disk),
    ("a disk that may not be written", "refused in words, status 2; later the same command trains it", read_only),
    ("a checkpoint cut short", "said; the one before it takes its place; the same weights", cut_checkpoint),
    ("a checkpoint of another method", "refused with the difference, status 2", foreign_checkpoint),
    ("two processes on one run", "the second names the first and leaves, status 2", two_processes),
    ("NaN in one seed of 64", "that seed has diverged; the numbers of the 63 others stay", nan_in_a_seed),
    (
        "too little memory for one job of three",
        "that job has failed, and is repeated alone",
        little_memory,
    ),
    ("a clock that jumps back a day", "the same weights, sane seconds", clock_jumps_back),
    (
        "one of two processes of a run is killed",
        "the other ends too, in words; the same command goes on to the same weights",
        lost_process,
    ),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="faults that have this word alone, as in --only disk")
    parser.add_argument("--output", type=Path, help="where the table is written, too")
    options = parser.parse_args()
    rows = ["| what befalls | what is to come of it | so it was |", "| --- | --- | --- |"]
    sound = True
    with tempfile.TemporaryDirectory(prefix="saddlegan-faults-") as top:
        place = Place(Path(top))
        for name, documented, trial in (fault for fault in FAULTS if not options.only or options.only in fault[0]):
            if trial in (full_disk, read_only) and os.getuid() != 0:
                found = "not tried: it needs root"
            else:
                held = trial(place)
                found, sound = "yes" if held else "no", sound and held
            rows.append(f"| {name} | {documented} | {found} |")
            print(rows[-1], flush=True)
    if options.output:
        options.output.write_text("\n".join(rows) + "\n")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
