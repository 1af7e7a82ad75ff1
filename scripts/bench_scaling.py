"""`make bench-scaling`: what a sweep costs besides its training: checkpoints, workers, SLURM. A table for
docs/scaling.md.

Each is a ratio, or a time beside the one that it is compared with, of the same session on this machine.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import lightning as L

from saddlegan.config.schema import check
from saddlegan.engine.train import run
from saddlegan.folder import PLAN, RESULT
from saddlegan.interface import compose
from saddlegan.status import standings

SADDLEGAN = Path(sys.executable).with_name("saddlegan")
TOY = ("num_seeds=16", "evaluation.figures=0", "logger=none", "trainer.threads=1")


def checkpoints(root: Path) -> list[str]:
    """The share of training that goes into checkpoints at the default interval, with the networks of Table 2."""
    spent = []
    save = L.Trainer.save_checkpoint

    def timed(*arguments, **named):
        before = time.perf_counter()
        save(*arguments, **named)
        spent.append(time.perf_counter() - before)

    L.Trainer.save_checkpoint = timed
    words = ("data=digits", "logger=none", "evaluation.every=1000", "evaluation.figures=0")
    config = compose(*words, "iterations=400", "checkpoint_seconds=2")
    check(config)
    run(config, root)
    L.Trainer.save_checkpoint = save
    mean, every = sum(spent) / len(spent), compose(*words)["checkpoint_seconds"]
    return [
        "a checkpoint of the MNIST networks",
        f"{1000 * mean:.0f} ms, the mean of {len(spent)}: {100 * mean / every:.2f} % of training where one is saved"
        f" every {every:g} s",
    ]


def swept(root: Path, *words: str) -> tuple[float, Path]:
    """The seconds that a sweep takes, with its report, and its folder."""
    before = time.perf_counter()
    done = subprocess.run([SADDLEGAN, "-m", *TOY, *words, f"output_root={root}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.perf_counter() - before, root / "runs"


def trained(folder: Path) -> list[float]:
    """The seconds of training of each run."""
    return [json.loads((folder / one.name / RESULT).read_text())["seconds"] for one in standings(folder)]


def workers(root: Path) -> list[str]:
    jobs = ("method=gan,lsgan", "seed=0,16,32,48", "iterations=8000", "hydra/launcher=cores")
    one, two = (swept(root / n, *jobs, f"hydra.launcher.n_jobs={n}")[0] for n in ("1", "2"))
    return [
        "`cores` with 2 workers against 1",
        f"{one / two:.2f} times as fast: 8 runs in {two:.0f} s, and in {one:.0f} s",
    ]


def on_slurm(root: Path) -> list[str]:
    words = ("method=gan,lsgan,gan_non_saturating", "seed=range(0,128,16)", "iterations=8000", "hydra/launcher=slurm")
    seconds, folder = swept(root, *words, "hydra.launcher.mem_gb=2")
    training = trained(folder)
    assert len(training) == 24
    share = sum(training) / seconds
    return [
        "24 jobs on a SLURM of one node with 2 cores",
        f"{seconds:.0f} s from submission to report; {sum(training):.0f} s of training: {share:.2f} of a core at work",
    ]


def requeued(root: Path) -> list[str]:
    """A job of a minute or so that is queued again in the middle, against one that is left alone."""
    words = ("method=gan", "iterations=40000", "hydra/launcher=slurm", "hydra.launcher.mem_gb=2")
    alone, _ = swept(root / "alone", *words)
    command = [SADDLEGAN, "-m", *TOY, *words, f"output_root={root / 'again'}"]
    before, folder = time.perf_counter(), root / "again" / "runs"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not ((folder / PLAN).is_file() and any(one.done > 20000 for one in standings(folder))):
        time.sleep(0.2)
        assert process.poll() is None
    queue = ("squeue", "--noheader", "--array", "--format=%i")
    job = subprocess.run(queue, capture_output=True, text=True, check=True).stdout.split()[0]
    subprocess.run(("scontrol", "requeue", job), check=True)
    while process.poll() is None:  # at once, and not after the two minutes that SLURM waits
        time.sleep(0.5)
        subprocess.run(("scontrol", "update", f"JobId={job}", "StartTime=now"), capture_output=True)
    again = time.perf_counter() - before
    return [
        "time lost by a requeue, without SLURM's own wait of two minutes",
        f"{again - alone:.0f} s, importing torch and Lightning anew included: {again:.0f} s in place of {alone:.0f} s",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    parts = [checkpoints, workers]
    if shutil.which("sinfo") and subprocess.run(("sinfo", "--noheader"), capture_output=True).stdout:
        parts += [on_slurm, requeued]
    else:
        print("SLURM: not here. Remedy: scripts/local_slurm.sh up", file=sys.stderr)
    print("| what | measured |\n| --- | --- |")
    for part in parts:
        with tempfile.TemporaryDirectory() as folder:
            print(f"| {' | '.join(part(Path(folder)))} |", flush=True)


if __name__ == "__main__":
    main()
