"""The MNIST rows of `make bench`: images per second of training, the networks of Table 2, batch 128, all in one run.

Two bare loops are the reference: one with a DataLoader and transforms, as most tutorials write it, one with the data in
memory. `saddlegan` runs whole, with TensorBoard, metrics.csv and an evaluation every 50 iterations on 128 images. The
first 50 iterations warm up. Without MNIST at hand the rows are those of scikit-learn's digits.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import timed

BATCH, WARM, LAST = 128, 50, 100
#: Overrides of each row of the suite, beside those of `COMMON`.
ROWS = {
    "gan": [],
    "gan, channels_last": ["trainer.channels_last=true"],
    "gan, bf16": ["trainer.precision=bf16-mixed"],
    "gan, bf16 + channels_last": ["trainer.precision=bf16-mixed", "trainer.channels_last=true"],
    "gan, average of the generator": ["ema_decay=0.999"],
    "gan, compiled": ["trainer.compile=true"],
    "primal_dual": ["method=primal_dual", "method.sigma=10"],
    "primal_dual, bf16 + channels_last": [
        "method=primal_dual",
        "method.sigma=10",
        "trainer.precision=bf16-mixed",
        "trainer.channels_last=true",
    ],
}


def data() -> list[str]:
    root = Path(os.environ.get("SADDLEGAN_DATA", "data"))
    return ["data=mnist", f"data.root={root}"] if (root / "MNIST" / "raw").is_dir() else ["data=digits"]


def common() -> list[str]:
    return [*data(), "model=mnist_conv", "optimizer=adam", "optimizer.lr=2e-4", "optimizer.beta1=0.5",
            "method.minibatch=reused", f"batch_size={BATCH}", f"iterations={LAST}", "evaluation.every=50",
            "evaluation.samples=128", "evaluation.figures=0"]  # fmt: skip


def configuration() -> dict[str, Any]:
    from hydra import compose

    from saddlegan.config import schema
    from saddlegan.config.keys import composing

    with composing():
        return schema.resolved(compose("config", common()))


def batches(loader: bool) -> Iterator[Any]:
    """Minibatches without end: from a DataLoader, or from memory."""
    import torch

    source = configuration()["data"]
    if loader:
        from torchvision import transforms
        from torchvision.datasets import MNIST

        images = MNIST(source["root"], transform=transforms.ToTensor())
        while True:
            for real, _ in torch.utils.data.DataLoader(images, BATCH, shuffle=True, drop_last=True):
                yield real
    from saddlegan.data.images import ImageSet, unit

    pixels = ImageSet(**{key: value for key, value in source.items() if key != "_target_"}).train
    while True:
        for index in torch.randperm(len(pixels)).split(BATCH):
            if len(index) == BATCH:
                yield unit(pixels[index])


def with_torchs_dropout(network: Any) -> Any:
    """A network of the suite with `torch.nn.Dropout` in the place of its own, as plain PyTorch has it."""
    from torch import nn
    from torch.nn.functional import dropout

    from saddlegan.networks.dropout import Dropout

    for parent in list(network.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, Dropout):
                setattr(parent, name, nn.Dropout(layer.rate))
    if hasattr(network, "_drop"):
        network._drop = lambda x: dropout(x, network.dropout, network.training)
    return network


def bare_loop(loader: bool) -> float:
    """Images per second of plain PyTorch, fp32."""
    import torch
    from torch.nn.functional import softplus

    from saddlegan.networks.mnist_conv import ConvDiscriminator, ConvGenerator

    model = configuration()["model"]
    plain = {player: {k: v for k, v in model[player].items() if not k.startswith("_")} for player in model}
    generator = with_torchs_dropout(ConvGenerator(in_features=4, shape=(1, 28, 28), **plain["generator"]))
    discriminator = with_torchs_dropout(ConvDiscriminator(shape=(1, 28, 28), **plain["discriminator"]))
    of_generator = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=True)
    of_discriminator = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=True)

    def iteration(real: torch.Tensor) -> None:
        fake = generator(torch.randn(BATCH, 4))
        of_discriminator.zero_grad()
        (softplus(-discriminator(real)).mean() + softplus(discriminator(fake.detach())).mean()).backward()
        of_discriminator.step()
        of_generator.zero_grad()
        (-softplus(discriminator(fake)).mean()).backward()
        of_generator.step()

    stream = batches(loader)
    for count in range(LAST):
        if count == WARM:
            start = time.perf_counter()
        iteration(next(stream))
    return BATCH * (LAST - WARM) / (time.perf_counter() - start)


def suite(name: str) -> float:
    times = timed([*common(), *ROWS[name]])
    return BATCH * (LAST - WARM) / (times[LAST] - times[WARM])


def measure(name: str) -> tuple[float, float]:
    """A row in a process of its own: images per second, and its peak memory in MB."""
    done = subprocess.run([sys.executable, __file__, "--row", name], check=True, capture_output=True, text=True)
    rate, memory = done.stdout.split()[-2:]
    return float(rate), float(memory)


def table() -> None:
    import torch

    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, batch {BATCH}, {data()[0]}\n")
    print("| run | images/s | to the tutorial loop | to the loop in memory | s an epoch of 60 000 | peak memory, MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    bare = {"bare loop, DataLoader": "loader", "bare loop, data in memory": "memory"}
    if data()[0] != "data=mnist":
        del bare["bare loop, DataLoader"]
    found: dict[str, float] = {}
    for label, name in (bare | {name: name for name in ROWS}).items():
        found[name], memory = measure(name)
        ratios = " | ".join(f"{found[name] / found[r]:.2f}" if r in found else "" for r in ("loader", "memory"))
        print(f"| {label} | {found[name]:,.0f} | {ratios} | {60_000 / found[name]:.0f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", help=argparse.SUPPRESS)
    row = parser.parse_args().row
    if row:
        rate = suite(row) if row in ROWS else bare_loop(loader=row == "loader")
        print(rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    else:
        table()
