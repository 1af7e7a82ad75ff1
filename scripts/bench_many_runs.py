"""Whether a long sweep stays as it began: the memory of its one process, and the seconds of a run, over many tiny runs.

`scripts/bench_many_runs.py --runs 2000` prints a table; memory is the process's resident set.
"""

import argparse
import itertools
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SADDLEGAN = Path(sys.executable).with_name("saddlegan")
TINY = ("num_seeds=1", "iterations=10", "evaluation.every=5", "evaluation.samples=64", "evaluation.figures=0",
        "batch_size=8", "logger=none", "trainer.threads=1")  # fmt: skip
#: Parts of the sweep that have a row each.
PARTS = 5


def resident(process: int) -> float:
    """Its memory now, MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def followed(runs: int, folder: str) -> list[tuple[float, float]]:
    """(seconds since the run before, MB) at the end of each run."""
    words = ("-m", *TINY, f"seed=range({runs})", f"output_root={folder}", "hydra/launcher=basic")
    found, before = [], time.perf_counter()
    with subprocess.Popen([SADDLEGAN, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("finished"):
                now = time.perf_counter()
                found.append((now - before, resident(process.pid)))
                before = now
    assert process.returncode == 0
    assert len(found) == runs
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        found = followed(runs, folder)
    print("| runs | seconds of a run, the median | MB at the end |\n| --- | --- | --- |")
    first = 1  # the very first imports torch
    for last in itertools.islice(range(runs // PARTS, runs + 1, runs // PARTS), PARTS):
        seconds = statistics.median(took for took, _ in found[first:last])
        print(f"| {first + 1} to {last} | {seconds:.2f} | {found[last - 1][1]:.0f} |")
        first = last
    print(f"\nAfter 10 runs {found[9][1]:.0f} MB.")


if __name__ == "__main__":
    main()
