"""The primal-dual method on a finite support from random starts: with diminishing steps, with constant ones."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saddlegan.objectives import Pair, pair_named
from saddlegan.reporting.statistics import Estimate, share
from saddlegan.theory.function_space.finite_support import (
    GEOMETRIES,
    SCHEMES,
    Distances,
    State,
    advance,
    run,
    support,
    uniform,
)
from saddlegan.theory.function_space.step_limits import derived_thresholds

EPSILON = 0.5  # of approximate_wasserstein, so that its optimal D lies in [-1, 1]
NAMES = ("js", "kl", "reverse_kl", "pearson", "hellinger", "approximate_wasserstein")
PAIRS = {name: pair_named(name, epsilon=EPSILON) for name in NAMES}
POINTS, SEEDS = 3, 32
DIMINISHING, CONSTANT = 5000, 800  # iterations with steps of either kind
NEAR = 0.01
STEPS = torch.tensor([0.2, 0.5, 1.0], dtype=torch.float64)  # over sqrt(t)
FACTORS = torch.tensor([0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.1, 1.5, 2.0], dtype=torch.float64)  # times the limit


def starts(pair: Pair, seeds: int, n: int) -> tuple[Tensor, State]:
    """Random p (seeds, n) about 1/n, and a random start: q uniform on the simplex, the logits of D normal.

    The state has an axis for steps: (scheme, geometry, 1, seeds, n). Seed s draws from a stream of its own.
    """
    draws = [np.random.default_rng(seed) for seed in range(seeds)]
    p = torch.from_numpy(np.stack([rng.dirichlet(np.full(n, 20.0)) for rng in draws]))
    q = torch.from_numpy(np.stack([rng.dirichlet(np.ones(n)) for rng in draws]))
    d = pair.output(torch.from_numpy(np.stack([rng.standard_normal(n) for rng in draws])))
    return support(p), State(d.expand(3, 3, 1, seeds, n), q.expand(3, 3, 1, seeds, n))


def converges(distances: Tensor) -> Tensor:
    """Whether a path of distances (t, ...) stays within `NEAR` of 0 over its last quarter."""
    return distances[-(distances.shape[0] // 4) :].amax(0) <= NEAR


def diminishing() -> dict[str, Distances]:
    """Of each pair, (t, scheme, geometry, step, seed), with `STEPS` / sqrt(t)."""
    found = {}
    for name, pair in PAIRS.items():
        p, start = starts(pair, SEEDS, POINTS)
        found[name] = run(pair, p, start, STEPS[:, None, None], iterations=DIMINISHING, power=-0.5, every=20)
    return found


def constant() -> Distances:
    """Of js at p_i = 1/n, (t, scheme, geometry, factor, seed), at `FACTORS` of each limit."""
    steps = derived_thresholds(PAIRS["js"], POINTS)[:, :, None] * FACTORS
    _, start = starts(PAIRS["js"], SEEDS, POINTS)
    return run(PAIRS["js"], uniform(POINTS), start, steps[..., None, None], iterations=CONSTANT)


def cases(paths: dict[str, Tensor]) -> dict[str, list[Estimate]]:
    """Share of seeds that converge of "pair, scheme, geometry", at each step, from paths (t, scheme, geometry, step,
    seed) by pair."""
    names = [f"{scheme}, {geometry}" for scheme in SCHEMES for geometry in GEOMETRIES]
    found = {}
    for pair, distances in paths.items():
        for name, flags in zip(names, converges(distances).flatten(0, 1), strict=True):
            found[f"{pair}, {name}"] = [share(seeds.numpy()) for seeds in flags]
    return found


def trace(factor: float) -> NDArray:
    """D and q of one of eight points, (t, 2): js, simultaneous, q >= 0, at `factor` times the limit 2p = 1/4."""
    q = uniform(8) * torch.tensor([1.2, 0.8] * 4)
    state, points = State(torch.full((3, 3, 8), 0.5, dtype=torch.float64), q.expand(3, 3, 8)), []
    for _ in range(150):
        points.append([part[0, 0, 0].item() for part in state])
        state = advance(PAIRS["js"], uniform(8), state, factor / 4)
    return np.array(points)
