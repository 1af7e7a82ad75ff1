"""`make bench`: one table, all rows in one run on one machine, so that ratios mean something on a noisy one.

The reference is a bare PyTorch loop for one seed, as a competent user would write it: `nn.Sequential`, fused Adam, no
logging. `saddlegan` runs whole, with TensorBoard, metrics.csv and checkpoints on; its rate is that of the last of two
stretches of a run, so that neither start-up nor compilation counts (the latter has its own column). The bare loop is
measured before and after the rows that are held against it, and the faster counts.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BATCH = 64


def bare_loop(method: str, seconds: float) -> float:
    """Iterations per second of one seed, the median of five stretches."""
    import torch
    from torch import nn
    from torch.nn.functional import softplus

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

    rates = []
    for stretch in range(6):
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds / 5:
            iteration()
            count += 1
        if stretch:  # the first warms up
            rates.append(count / (time.perf_counter() - start))
    return sorted(rates)[len(rates) // 2]


def suite(method: str, num_seeds: int, iterations: int, compiled: bool, threads: str) -> tuple[float, float]:
    """Seed-iterations a second of the second half of a run, and the seconds until its first evaluation."""
    overrides = [f"method={method}", f"num_seeds={num_seeds}", f"iterations={iterations}", "method.minibatch=reused"]
    overrides += [f"batch_size={BATCH}", f"trainer.compile={str(compiled).lower()}", "evaluation.figures=0"]
    overrides += [f"trainer.threads={threads}"]
    times = timed(overrides)
    half = iterations // 2
    return num_seeds * half / (times[iterations] - times[half]), min(times[k] for k in times if k) - times[0]


def timed(overrides: list[str]) -> dict[int, float]:
    """When a whole run of these overrides reached which iteration."""
    import lightning as L
    from hydra import compose

    from saddlegan.config import schema
    from saddlegan.config.keys import composing
    from saddlegan.engine import train

    with composing():
        config = schema.resolved(compose("config", overrides))
    times = {}

    class Clock(L.Callback):
        def on_train_batch_end(self, trainer, module, *_):
            times[int(module.iteration)] = time.perf_counter()

    module_fit = L.Trainer.fit

    def fit(self, *arguments, **keywords):
        self.callbacks.append(Clock())
        times[0] = time.perf_counter()
        return module_fit(self, *arguments, **keywords)

    L.Trainer.fit = fit
    try:
        with tempfile.TemporaryDirectory() as folder:
            train.run(config, Path(folder))
    finally:
        L.Trainer.fit = module_fit
    return times


def row(arguments: argparse.Namespace) -> None:
    """One row, in a process of its own, so that its peak memory is its own."""
    if arguments.row == "bare":
        print(bare_loop(arguments.method, 5.0), 0.0, end=" ")
    else:
        sizes = arguments.method, arguments.seeds, arguments.iterations
        print(*suite(*sizes, arguments.compiled, arguments.threads), end=" ")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measure(*arguments: str) -> list[float]:
    """What a row printed; its compiler starts with an empty cache, as a user's first run does."""
    command = [sys.executable, __file__, *arguments]
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": cache}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return [float(word) for word in done.stdout.split()[-3:]]


def table() -> None:
    import torch

    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, batch {BATCH}, networks 1-32-1\n")
    print("| method | run | seed-iterations/s | ratio to the bare loop | first 50 iterations, s | peak memory, MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for method in ("gan", "primal_dual"):
        bare = ["--row", "bare", "--method", method]
        before, rows = measure(*bare), []
        for seeds, iterations in ((1, 3000), (16, 3000), (64, 2000), (256, 1000), (1024, 400)):
            for compiled in ("--eager", "--compiled"):
                sizes = ["--seeds", str(seeds), "--iterations", str(iterations)]
                label = f"num_seeds={seeds}{', compiled' if compiled == '--compiled' else ''}"
                rows.append((label, *measure("--row", "suite", "--method", method, *sizes, compiled)))
        reference, _, memory = max(before, measure(*bare))  # interference only slows: the ratios are not flattered
        print(f"| {method} | bare loop, one seed | {reference:,.0f} | 1 | | {memory:.0f} |")
        for label, rate, first, memory in rows:
            print(
                f"| {method} | {label} | {rate:,.0f} | {rate / reference:.2f} | {first:.1f} | {memory:.0f} |",
                flush=True,
            )


def threads() -> None:
    """Where a second thread begins to pay: what `trainer.threads=auto` goes by."""
    import torch

    most = torch.get_num_threads()
    print(f"\n| gan, eager | one thread, seed-iterations/s | {most} threads | ratio |\n| --- | --- | --- | --- |")
    for seeds, iterations in ((1, 2000), (64, 2000), (256, 1000), (1024, 400), (4096, 200)):
        sizes = ["--seeds", str(seeds), "--iterations", str(iterations), "--eager"]
        one, all_ = (
            measure("--row", "suite", "--method", "gan", *sizes, "--threads", str(count))[0] for count in (1, most)
        )
        print(f"| num_seeds={seeds} | {one:,.0f} | {all_:,.0f} | {all_ / one:.2f} |", flush=True)


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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", choices=("bare", "suite"), help=argparse.SUPPRESS)
    parser.add_argument("--method", help=argparse.SUPPRESS)
    parser.add_argument("--seeds", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--iterations", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--compiled", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--eager", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--threads", default="auto", help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.row:
        row(parsed)
    else:
        table()
        threads()
        start_up()
