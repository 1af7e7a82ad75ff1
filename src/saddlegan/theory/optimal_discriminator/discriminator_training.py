"""Networks trained to discriminate samples of p from samples of q, many at once: how near do they come to p/(p+q)?"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from saddlegan.checks import ConfigError
from saddlegan.networks.mlp import MLPDiscriminator
from saddlegan.objectives import js, saturating
from saddlegan.random import Purpose, stream
from saddlegan.theory.shared.densities import Array, Mixture

WIDTHS, RATE, BATCH = [32, 32], 0.01, 128
Data = tuple[Tensor, Tensor]


def draw(law: Mixture, rng: np.random.Generator, count: int) -> Array:
    """`count` samples of `law`."""
    parts = rng.choice(len(law.weights), size=count, p=law.weights)
    return np.array(law.means)[parts] + np.array(law.scales)[parts] * rng.standard_normal(count)


def train(
    p: Mixture, q: Mixture, x: Array, *, samples: Sequence[int], seeds: int, steps: int, marks: Sequence[int]
) -> Array:
    """D on `x` after each of `marks` steps, (marks, samples, seeds, x): a network per seed and number of samples.

    A network sees `samples` of each law, in batches with replacement; a seed has the same initial weights, and nested
    samples, at every number of them. Adam, its rate going to 0 along a cosine. Raises `ConfigError` on sizes < 1.
    """
    if min(*samples, seeds, steps, *marks) < 1 or max(marks) > steps:
        raise ConfigError(
            f"samples={samples}, seeds={seeds}, steps={steps}, marks={marks}: expected >= 1, marks <= steps."
        )
    network = MLPDiscriminator(in_features=1, widths=WIDTHS, activation="relu", seeds=[*range(seeds)] * len(samples))
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    loss, found = saturating(js()).discriminator, []
    data, limits = _data(p, q, samples, seeds)
    generator = torch.Generator().manual_seed(0)
    grid = torch.from_numpy(x).float().expand(len(limits), -1)[..., None]
    for step in range(1, steps + 1):
        real, fake = (batch(of, limits, generator) for of in data)
        optimizer.zero_grad(set_to_none=True)
        loss(network(real), network(fake)).sum().backward()
        optimizer.step()
        schedule.step()
        if step in marks:
            with torch.no_grad():
                found.append(torch.sigmoid(network(grid)).double().numpy().reshape(len(samples), seeds, len(x)))
    return np.stack(found)


def _data(p: Mixture, q: Mixture, samples: Sequence[int], seeds: int) -> tuple[Data, Tensor]:
    """All samples of p and q, (networks, most), and how many of them each network may see, (networks, 1)."""
    laws = [
        [draw(law, stream(seed, Purpose.DATA, block), max(samples)) for seed in range(seeds)]
        for block, law in enumerate((p, q))
    ]
    real, fake = (torch.from_numpy(np.tile(rows, (len(samples), 1))).float() for rows in laws)
    return (real, fake), torch.tensor(samples).repeat_interleave(seeds)[:, None]


def batch(data: Tensor, limits: Tensor, generator: torch.Generator) -> Tensor:
    """`BATCH` of the first `limits` (networks, 1) samples in each row of data (networks, most), with replacement."""
    chosen = (torch.rand(len(limits), BATCH, generator=generator) * limits).long()
    return data.gather(1, chosen)[..., None]
