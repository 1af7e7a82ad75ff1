"""The MNIST rows of `make bench`: images per second of training, the networks of Table 2, batch 128.

Two bare loops are the reference: one with a DataLoader and transforms, as most tutorials write it, one with the data in
memory. `saddlegan` runs whole, with TensorBoard, metrics.csv and an evaluation every 50 iterations on 128 images. The
first 50 iterations warm up; then a run and the loop in memory take turns of five iterations, as in `bench.py`. Without
MNIST at hand the rows are those of scikit-learn's digits.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import Beside, Turns, answer, in_turns, measure, memory

BATCH, WARM, LAST, TURN = 128, 50, 100, 5
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


def bare_loop(loader: bool) -> Callable[[], float]:
    """A turn of plain PyTorch in fp32, when called: images a second."""
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

    def turn() -> float:
        start = time.perf_counter()
        for _ in range(TURN):
            iteration(next(stream))
        return BATCH * TURN / (time.perf_counter() - start)

    return turn


def row(name: str) -> None:
    """A row in a process of its own: images per second, those of the loop in memory beside it, the ratio, its peak
    memory in MB."""
    beside = Beside(__file__, "--name", "memory")
    if name in ROWS:
        turns = in_turns([*common(), *ROWS[name]], WARM, TURN, beside)
        size = BATCH
    else:
        turn, size = bare_loop(loader=True), 1
        turn()
        turns = Turns([], [beside()], 0.0)
        for _ in range((LAST - WARM) // TURN):
            turns.run.append(turn())
            turns.bare.append(beside())
    print(turns.rate(size), statistics.harmonic_mean(turns.bare), turns.ratio(size), memory(), beside.close())


def table() -> None:
    import torch

    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, batch {BATCH}, {data()[0]}\n")
    print("| run | images/s | the loop in memory beside it | ratio | s an epoch of 60 000 | peak memory, MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in (*["bare loop, DataLoader"] * (data()[0] == "data=mnist"), *ROWS):
        rate, bare, ratio, held, least = measure(__file__, "--name", name)
        print(f"| {name} | {rate:,.0f} | {bare:,.0f} | {ratio:.2f} | {60_000 / rate:.0f} | {held:.0f} |", flush=True)
    print(f"| bare loop, data in memory | {bare:,.0f} | {bare:,.0f} | 1 | {60_000 / bare:.0f} | {least:.0f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--name", help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.bare:
        answer(bare_loop(loader=False))
    elif parsed.row:
        row(parsed.name)
    else:
        table()
