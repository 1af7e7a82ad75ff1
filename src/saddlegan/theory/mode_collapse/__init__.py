"""Mode collapse by hand: a generator trained to the optimum against a frozen discriminator, then turns of both.

Statements, their sources, and what would contradict them: `rules`.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from saddlegan.checks import PositiveInt, check_value
from saddlegan.reporting.sections import Table
from saddlegan.reporting.tables import show
from saddlegan.theory.mode_collapse.figures import Landscape, landscape_figure, rounds_figure
from saddlegan.theory.mode_collapse.ring import Look, Ring, highest, look, shares
from saddlegan.theory.mode_collapse.rules import (
    METHODS,
    MODES,
    RADIUS,
    STANDARD,
    STATEMENTS,
    STD,
    collapse,
    hopping,
    outcomes,
    resolution,
)
from saddlegan.theory.section import Picture, Section
from saddlegan.theory.shared.players import one_thread

FROZEN_SEEDS, SEEDS, SAMPLES = 32, 8, 256
ROUNDS, TURN, FIRST, LONG = 6, 100, 200, 1000  # steps: of a turn, of the generator's first, to the optimum
TEXT = (
    f"The data are {MODES} Gaussians of standard deviation {STD:g} on a ring of radius {RADIUS:g}. The players are"
    " perceptrons: the generator of two layers of 32 units, the discriminator of one on a 9 x 9 grid of Gaussian bumps,"
    " so that its highest point lies near the data and not at infinity. The untrained generator's samples are given"
    f" the data's mean and spread. Over {FROZEN_SEEDS} seeds the discriminator takes {TURN} steps of Adam, then stands"
    f" still while the generator takes {LONG}; in each player's turn the step falls from 0.005 to 0."
    f"\n\nThen, over {SEEDS} seeds, {ROUNDS} rounds of turns: {TURN} steps of the discriminator, {TURN} of the"
    f" generator ({FIRST} in the first round), by log(1 - D) alone and with the second term of Algorithm 1 under"
    " six settings: sigma the distance of neighbouring modes or the modes' own standard deviation, alpha 1 or 10, the"
    " target formed once a round and held fixed, or (sigma the distance) at every step. All start from the same weights"
    " and see the same data."
)
CAPTION = (
    f"Means over {ROUNDS} rounds, 95 % intervals over {SEEDS} seeds. One mode counts as covered wherever samples lie."
    " Spread: the samples' over the data's."
)
LANDSCAPES = (
    "One seed. Above: the samples before and after the generator was trained alone against a frozen discriminator."
    f" Below: after {ROUNDS} rounds by the standard step and with the primal-dual term ({METHODS[1].name}). Darker:"
    " larger D."
)
PATHS = (
    "Above: the mode nearest to most samples after each round, three seeds, by the standard step and with the"
    f" primal-dual term ({METHODS[1].name}). Below: singular values of dG/dz over all seeds, before and after the"
    " generator was trained alone (solid: the larger, dotted: the smaller); modes covered by setting, mean and 95 %"
    " interval over seeds."
)


def spread(samples: NDArray, unit: float) -> NDArray:
    """Standard deviation of `samples` (..., n, 2) over both coordinates, in the data's `unit`."""
    return np.sqrt(samples.var(-2).sum(-1)) / unit


def play(ring: Ring, rounds: int) -> list[Look]:
    """`rounds` of turns, the discriminator's first; a look after each. Raises `ConfigError` where rounds < 1."""
    check_value("rounds", PositiveInt, rounds)
    looks = []
    for number in range(rounds):
        ring.train_discriminator(TURN)
        ring.train_generator(TURN if number else FIRST)
        looks.append(look(ring, SAMPLES))
    return looks


@torch.no_grad()
def summit(ring: Ring) -> NDArray:
    """argmax D of each game (stack, 2): infinite where it lies at infinity."""
    return highest(ring.logits, torch.zeros(len(ring.alpha), 2), (2.0 * ring.radius, 0.4, 0.04, 0.004)).numpy()


def landscapes(ring: Ring, views: Mapping[str, tuple[int, Look]]) -> list[Landscape]:
    """Of each title: the frozen discriminator of the first seed of a method, and its generator's samples in a look."""
    axis, top = torch.linspace(-2.0 * ring.radius, 2.0 * ring.radius, 51), summit(ring)
    with torch.no_grad():
        logits = ring.logits(torch.cartesian_prod(axis, axis).expand(len(ring.alpha), -1, -1))
    return [
        Landscape(title, axis.numpy(), field.T.numpy(), one.samples[method, 0], top[method * ring.seeds])
        for title, (method, one) in views.items()
        for field in [logits[method * ring.seeds].unflatten(0, (len(axis), -1))]
    ]


def section() -> Section:
    """Both parts at their default size."""
    sizes = {"modes": MODES, "radius": RADIUS, "std": STD, "batch": 32, "step": 5e-3}
    with one_thread():
        frozen, game = Ring([STANDARD], seeds=FROZEN_SEEDS, **sizes), Ring(METHODS, seeds=SEEDS, **sizes)
        before = look(frozen, SAMPLES)
        frozen.train_discriminator(TURN)
        frozen.train_generator(LONG)
        after = look(frozen, SAMPLES)
        looks = play(game, ROUNDS)
        misses = np.linalg.norm(after.samples[0].mean(-2) - summit(frozen), axis=-1) / RADIUS
        views = landscapes(frozen, {"before": (0, before), "after, D frozen": (0, after)})
        last = f"round {ROUNDS}, {{}}".format
        views += landscapes(game, {last("standard"): (0, looks[-1]), last("primal-dual"): (1, looks[-1])})
    modes = game.modes.numpy()
    occupied = np.array([shares(one.samples, modes).argmax(-1) for one in looks])  # (rounds, methods, seeds)
    found, gains, hops = outcomes(looks, occupied, modes)
    singular = {name: one.singular.reshape(-1, 2) for name, one in (("before", before), ("after", after))}
    paths = {"standard": occupied[:, 0], "primal-dual": occupied[:, 1]}
    spreads = spread(after.samples[0], frozen.unit)
    verdicts = [collapse(spreads, misses, before, after), hopping(hops), resolution(gains, found)]
    wide = np.mean([spread(one.samples, game.unit) for one in looks], axis=(0, 2))
    rows = [
        [name, show(found[name]), show(gains[name]) if name in gains else "–", show(hops[name]), f"{wide[place]:.2g}"]
        for place, name in enumerate(found)
    ]
    return Section(
        "Mode collapse by hand",
        TEXT,
        list(zip(STATEMENTS, verdicts, strict=True)),
        [Table(["setting", "modes covered", "gained", "share of rounds with a hop", "spread"], rows, CAPTION)],
        [
            Picture("landscapes", LANDSCAPES, landscape_figure(views, modes)),
            Picture("rounds", PATHS, rounds_figure(paths, singular, found, MODES)),
        ],
    )
