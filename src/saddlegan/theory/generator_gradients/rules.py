"""Vanishing and growing gradients: a fresh discriminator is trained against a generator frozen after 1, 10, 25 epochs.

Statements: the discriminator's error falls to 0; the generator's gradient then decays under log(1 - D) and grows, in
norm and in variance, under -log D (arXiv:1701.04862, taken as directions: its figures were not read). A slope is that
of log10 against the discriminator's iteration, by least squares over its whole training, one per seed. Reproduced: the
95 % interval of the mean slope lies on the stated side of 0 for all checkpoints (for -log D: of norm and variance);
contradicted: on the other side for any. The error is that of the last quarter of training, on the images trained on:
reproduced where the interval lies below 1 % for all checkpoints, contradicted where above 5 % for any. Else
inconclusive. The digits decide; MNIST is reported beside them.

Identity, with D* held fixed: E[grad -log D*(g(z))] = grad[KL(q||p) - 2 JSD], E[grad log(1 - D*(g(z)))] = grad 2 JSD,
for q = N(mean, scale^2) in both parameters. Contradicted where the two sides differ by a relative 1e-6 anywhere.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from saddlegan.reporting.ledger import Outcome, Statement, Verdict
from saddlegan.reporting.statistics import Estimate
from saddlegan.reporting.tables import show
from saddlegan.theory.generator_gradients.fresh_discriminators import (
    TERMS,
)

EPOCHS, SEEDS, BATCH = (1, 10, 25), 6, 64
PAPER = "Arjovsky and Bottou (2017), arXiv:1701.04862; Why GAN training is hard (in English), section Unstable gradient"
STATEMENTS = (
    Statement(
        "saturating-gradient-vanishes",
        PAPER,
        "Under log(1 - D) the gradient of a frozen generator decays as its discriminator is trained on.",
    ),
    Statement(
        "non-saturating-gradient-grows",
        PAPER,
        "Under -log D a frozen generator's gradient grows in norm and variance as its discriminator is trained on.",
    ),
    Statement("fresh-discriminator-wins", PAPER, "The error of a discriminator trained from scratch falls to 0."),
    Statement(
        "gradient-at-optimal-discriminator",
        PAPER,
        "At D*, held fixed, E[-log D*] has the gradient of KL(q||p) - 2 JSD(p, q), and E[log(1 - D*)] that of 2 JSD.",
    ),
)


def direction(found: Sequence[Estimate], sign: int) -> Outcome:
    """The verdict on slopes that should all have `sign`."""
    sides = [(estimate.above(0.0), estimate.below(0.0))[::sign] for estimate in found]
    if all(stated for stated, _ in sides):
        return "reproduced"
    return "contradicted" if any(opposite for _, opposite in sides) else "inconclusive"


def separation(errors: Sequence[Estimate]) -> Outcome:
    """The verdict on final errors that should all be 0."""
    if all(error.below(0.01) for error in errors):
        return "reproduced"
    return "contradicted" if any(error.above(0.05) for error in errors) else "inconclusive"


def identity(measured: NDArray, derived: NDArray) -> Verdict:
    """The verdict on both sides of both identities, anywhere; not a number is no agreement."""
    worst = float(np.max(np.abs(measured - derived) / np.abs(derived)))
    text = f"Largest relative difference {worst:.1e} over {measured.size} derivatives (tolerance 1e-06)."
    return Verdict("reproduced" if worst < 1e-6 else "contradicted", text, worst, measure="largest relative difference")


def judge(found: dict[str, dict[str, list[Estimate]]]) -> list[Verdict]:
    """Verdicts on the first three statements from `estimates` by data set: the digits decide."""

    def say(measure: str) -> str:
        return "; ".join(f"{name} {', '.join(map(show, measures[measure]))}" for name, measures in found.items())

    def slope(term: str) -> str:
        return (
            f"Orders of magnitude of the norm per 1000 iterations, after {_epochs()}: {say(f'norm, {term}')}."
            f" In the second half alone: {say(f'norm, {term}, late')}."
            f" From the first to the last iteration: {say(f'change, {term}')}."
        )

    first, second = TERMS
    vanish, grow, error = (found["digits"][name] for name in (f"norm, {first}", f"norm, {second}", "error"))
    variance = f" Of the variance: {say(f'variance, {second}')}; in the second half {say(f'variance, {second}, late')}."
    wrong = f"Share of wrong decisions after {_epochs()}: {say('error')}; on images held out: {say('held out')}."
    weakest, least, worst = max(vanish, key=_value), min(grow, key=_value), max(error, key=_value)
    unit = "slope of log10 of the norm per 1000 iterations"
    spread = found["digits"][f"variance, {second}"]
    return [
        _verdict(direction(vanish, -1), slope(first), weakest, f"{unit}, the weakest decay"),
        _verdict(direction(grow + spread, 1), slope(second) + variance, least, f"{unit}, the weakest growth"),
        _verdict(separation(error), wrong, worst, "share of wrong decisions, the largest"),
    ]


def _verdict(outcome: Outcome, text: str, main: Estimate, measure: str) -> Verdict:
    return Verdict(outcome, text, main.value, (main.low, main.high), main.count, measure)


def _epochs() -> str:
    return f"{', '.join(map(str, EPOCHS[:-1]))} and {EPOCHS[-1]} epochs"


def _value(estimate: Estimate) -> float:
    return estimate.value
