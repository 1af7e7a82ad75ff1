"""`make bench`: how fast training is beside a bare PyTorch loop, on whatever machine this is.

The reference is a bare loop for one seed, as a competent user would write it: `nn.Sequential`, fused Adam, no logging.
`saddlegan` runs whole, with TensorBoard, metrics.csv and checkpoints on. Machines are shared, and their speed moves
within a second: so a run and the bare loop, in a process of its own, take turns, twenty of toys; the ratio is that of
their rates over all turns. Turns begin after a run's first half, so that neither start-up nor compilation counts (the
latter has its own column).
"""

import argparse
import itertools
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

BATCH = 64
#: Seeds of a run, and its iterations.
SIZES = ((1, 3000), (16, 3000), (64, 2000), (256, 1000), (1024, 400))
#: Seconds of a bare loop's turn.
STRETCH = 0.2


def bare_loop(method: str) -> Callable[[], float]:
    """A stretch of the bare loop, when called: seed-iterations a second."""
    import torch
    from torch import nn
    from torch.nn.functional import softplus

    torch.set_num_threads(1)  # more of them make so small a loop slower
    generator = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 1))
    discriminator = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 1))
    of_generator = torch.optim.Adam(generator.parameters(), lr=1e-3, fused=True)
    of_discriminator = torch.optim.Adam(discriminator.parameters(), lr=1e-3, fused=True)

    def iteration() -> None:
        real = 1.0 + 0.0316 * torch.randn(BATCH, 1)
        latent = torch.randn(BATCH, 1)
        of_discriminator.zero_grad()
        fake = generator(latent).detach()
        (softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()).backward()
        of_discriminator.step()
        of_generator.zero_grad()
        fake = generator(latent)
        loss = -softplus(discriminator(fake)).mean()
        if method == "primal_dual":
            density = torch.exp(-((fake[None] - real[:, None]) ** 2).sum(-1)).mean(1)
            with torch.no_grad():
                target = density - (0.6931 - softplus(discriminator(real)[:, 0]))
            loss = loss + ((target - density) ** 2).mean()
        loss.backward()
        of_generator.step()

    return stretched(iteration)


def stretched(iteration: Callable[[], None]) -> Callable[[], float]:
    """A stretch of iterations, when called: how many a second."""

    def stretch() -> float:
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < STRETCH:
            iteration()
            count += 1
        return count / (time.perf_counter() - start)

    return stretch


class Beside:
    """A bare loop in a process of its own, that of `script`: it runs a stretch when it is asked to."""

    def __init__(self, script: str, *arguments: str) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, script, "--bare", *arguments], **pipes)
        self()  # warms up

    def __call__(self) -> float:
        """The rate of a stretch."""
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def close(self) -> float:
        """Its peak memory, MB."""
        self.process.stdin.close()
        return float(self.process.stdout.read())


def answer(stretch: Callable[[], float]) -> None:
    """The other end of `Beside`."""
    for _ in sys.stdin:
        print(stretch(), flush=True)
    print(memory())


def memory() -> float:
    """The most that this process has held, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Turns(NamedTuple):
    """What was measured in turns: iterations a second of a run, the bare loop's rate around each."""

    run: list[float]
    bare: list[float]
    #: Seconds until the run's first block of iterations was done.
    first: float

    def rate(self, size: int) -> float:
        return size * statistics.harmonic_mean(self.run)

    def ratio(self, size: int) -> float:
        """Over all turns: the costs that fall on a few of them, draws and evaluations, count."""
        return self.rate(size) / statistics.harmonic_mean(self.bare)


def in_turns(overrides: list[str], warm: int, every: int, bare: Callable[[], float]) -> Turns:
    """Train a whole run of these overrides, which makes way for the bare loop after each `every` iterations once the
    first `warm` are done."""
    from hydra import compose

    from saddlegan.config import schema
    from saddlegan.config.keys import composing
    from saddlegan.engine import train
    from saddlegan.engine.adversarial import AdversarialModule
    from saddlegan.random import BLOCK

    with composing():
        config = schema.resolved(compose("config", overrides))
    iterate = AdversarialModule.iterate
    turns, done, start = Turns([], [], 0.0), 0, 0.0

    def counted(*arguments: Any) -> None:
        nonlocal turns, done, start
        start = start or time.perf_counter()
        iterate(*arguments)
        done += 1
        if done == BLOCK:
            turns = turns._replace(first=time.perf_counter() - start)
        if done >= warm and (done - warm) % every == 0:
            if done > warm:
                turns.run.append(every / (time.perf_counter() - start))
            turns.bare.append(bare())
            start = time.perf_counter()

    AdversarialModule.iterate = counted
    try:
        with tempfile.TemporaryDirectory() as folder:
            train.run(config, Path(folder))
    finally:
        AdversarialModule.iterate = iterate
    return turns


def row(method: str, num_seeds: int, iterations: int, compiled: bool, threads: str) -> None:
    """One row, in a process of its own, so that its peak memory is its own: seed-iterations a second, the
    ratio, seconds of the first block, memory; the bare loop's rate and memory."""
    overrides = [f"method={method}", f"num_seeds={num_seeds}", f"iterations={iterations}", "method.minibatch=reused"]
    overrides += [f"batch_size={BATCH}", f"trainer.compile={str(compiled).lower()}", "evaluation.figures=0"]
    bare = Beside(__file__, "--method", method)
    turns = in_turns([*overrides, f"trainer.threads={threads}"], iterations // 2, iterations // 40, bare)
    bares = statistics.harmonic_mean(turns.bare)
    print(turns.rate(num_seeds), turns.ratio(num_seeds), turns.first, memory(), bares, bare.close())


def measure(script: str, *arguments: str) -> list[float]:
    """What a row printed; its compiler starts with an empty cache, as a user's first run does."""
    command = [sys.executable, script, "--row", *arguments]
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": cache}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return [float(word) for word in done.stdout.splitlines()[-1].split()]


def table() -> None:
    import torch

    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, batch {BATCH}, networks 1-32-1\n")
    print("| method | run | seed-iterations/s | the bare loop beside it | ratio | first 50, s | peak memory, MB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for method in ("gan", "primal_dual"):
        for seeds, iterations in SIZES:
            for compiled in ("", ", compiled"):
                sizes = ["--method", method, "--seeds", str(seeds), "--iterations", str(iterations)]
                rate, ratio, first, held, bare, least = measure(__file__, *sizes, *["--compiled"] * bool(compiled))
                print(
                    f"| {method} | num_seeds={seeds}{compiled} | {rate:,.0f} | {bare:,.0f} | {ratio:.2f} | {first:.1f}"
                    f" | {held:.0f} |",
                    flush=True,
                )
        print(f"| {method} | bare loop, one seed | {bare:,.0f} | {bare:,.0f} | 1 | | {least:.0f} |", flush=True)


def threads() -> None:
    """Where a second thread begins to pay: what `trainer.threads=auto` goes by."""
    import torch

    most = torch.get_num_threads()
    print(f"\n| gan, eager | one thread, to the bare loop | {most} threads | ratio |\n| --- | --- | --- | --- |")
    for seeds, iterations in (*SIZES[2:], (4096, 200)):
        sizes = ["--method", "gan", "--seeds", str(seeds), "--iterations", str(iterations)]
        one, all_ = (measure(__file__, *sizes, "--threads", str(count))[1] for count in (1, most))
        print(f"| num_seeds={seeds} | {one:,.1f} | {all_:,.1f} | {all_ / one:.2f} |", flush=True)


def start_up() -> None:
    """Wall seconds of what must not import torch: the best of three, as interference only adds."""
    print("\n| command | seconds |\n| --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        tiny = ["iterations=2", "evaluation.samples=32", "evaluation.figures=0", f"output_root={folder}"]
        cases = {"--help": ["--help"], "a misspelt key": ["stpes=3"], "a finished run": tiny}
        subprocess.run([sys.executable, "-m", "saddlegan", *tiny], check=True, capture_output=True)
        for name, arguments in cases.items():
            times = []
            for _ in range(3):
                start = time.perf_counter()
                subprocess.run([sys.executable, "-m", "saddlegan", *arguments], capture_output=True)
                times.append(time.perf_counter() - start)
            print(f"| {name} | {min(times):.2f} |", flush=True)


class Methods(NamedTuple):
    """A table of methods, each at several numbers of seeds against a bare loop of the same one."""

    about: str
    heading: str
    methods: Sequence[str]
    #: Seeds of a run, and its iterations.
    sizes: Sequence[tuple[int, int]]
    #: Of a method, a stretch of its bare loop, when called: iterations a second.
    bare_loop: Callable[[str], Callable[[], float]]
    #: Of a method, what its runs are given beside sizes.
    overrides: Callable[[str], list[str]]
    #: Methods whose losses are differentiated twice.
    twice: Sequence[str] = ()

    def row(self, script: str, method: str, seeds: int, iterations: int) -> None:
        """One row, in a process of its own: seed-iterations a second, the ratio, the bare loop's rate."""
        overrides = [f"method={method}", f"num_seeds={seeds}", f"iterations={iterations}", f"batch_size={BATCH}"]
        overrides += ["evaluation.figures=0", "trainer.compile=false", *self.overrides(method)]
        turns = in_turns(overrides, iterations // 2, max(iterations // 20, 1), Beside(script, "--method", method))
        print(turns.rate(seeds), turns.ratio(seeds), statistics.harmonic_mean(turns.bare))

    def table(self, script: str) -> None:
        print(f"{self.heading}\n")
        print("| method | run | seed-iterations/s | the bare loop beside it | ratio |")
        print("| --- | --- | --- | --- | --- |")
        for method, (seeds, iterations) in itertools.product(self.methods, self.sizes):
            sizes = ["--method", method, "--seeds", str(seeds), "--iterations", str(iterations)]
            rate, ratio, bare = measure(script, *sizes)
            twice = ", differentiated twice" * (method in self.twice)
            print(f"| {method}{twice} | num_seeds={seeds} | {rate:,.0f} | {bare:,.0f} | {ratio:.2f} |", flush=True)

    def command(self, script: str) -> None:
        """The table; with the flags of a row or of a bare loop, that."""
        parser = argparse.ArgumentParser(description=self.about)
        for flag in ("--row", "--bare"):
            parser.add_argument(flag, action="store_true", help=argparse.SUPPRESS)
        parser.add_argument("--method", help=argparse.SUPPRESS)
        for size in ("--seeds", "--iterations"):
            parser.add_argument(size, type=int, help=argparse.SUPPRESS)
        parsed = parser.parse_args()
        if parsed.bare:
            answer(self.bare_loop(parsed.method))
        elif parsed.row:
            self.row(script, parsed.method, parsed.seeds, parsed.iterations)
        else:
            self.table(script)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--method", help=argparse.SUPPRESS)
    parser.add_argument("--seeds", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--iterations", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--compiled", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--threads", default="auto", help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.bare:
        answer(bare_loop(parsed.method))
    elif parsed.row:
        row(parsed.method, parsed.seeds, parsed.iterations, parsed.compiled, parsed.threads)
    else:
        table()
        threads()
        start_up()
