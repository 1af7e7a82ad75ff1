"""Whose gradient vanishes as the generated density moves away from the data.

Source: "Why GAN training is hard (in English)": of LSGAN, WGAN, WGAN-GP and BEGAN it says that the goal is a cost
function with a smoother and non-vanishing gradient. Rule: an objective's gradient vanishes if, at 12 standard
deviations, it is below 1 % of its largest one at any distance from 0.25 on. Reproduced if it vanishes for none of
LSGAN, WGAN and BGAN; contradicted if for any; inconclusive if one is not finite: then the integration has failed. The
optimal critic of WGAN-GP is that of WGAN; of BEGAN's autoencoder no optimum is known, and it is not judged.
"""

from collections.abc import Mapping

import numpy as np

from saddlegan.reporting.ledger import Statement, Verdict
from saddlegan.theory.objective_gradients.maths import Pull
from saddlegan.theory.shared.densities import Array

PROPOSED = ("LSGAN", "WGAN", "BGAN")
LEAST = 0.01  # of the largest gradient
STATEMENTS = (
    Statement(
        "newer-costs-do-not-vanish",
        "Why GAN training is hard (in English), section Resource",
        "The costs that were proposed after the first GAN's have gradients that do not vanish with distance.",
    ),
)


def left(pull: Pull) -> float:
    """The gradient at the widest distance, as a share of the largest one."""
    size = np.abs(pull.mean)
    return float(size[-1] / size.max())


def judge(pulls: Mapping[str, Pull]) -> Verdict:
    """The verdict on those `PROPOSED`."""
    shares = {name: left(pulls[name]) for name in PROPOSED}
    text = (
        "At the optimal discriminator, of the largest gradient there is left at 12 standard deviations: "
        + "; ".join(f"{share:.2g} of {name}'s" for name, share in shares.items())
    )
    others = ", ".join(f"{name}: {left(found):.2g}" for name, found in pulls.items() if name not in PROPOSED)
    worst = min(shares.values())
    finite = all(np.isfinite(pulls[name].mean).all() for name in PROPOSED)
    outcome = "inconclusive" if not finite else "reproduced" if worst >= LEAST else "contradicted"
    return Verdict(outcome, f"{text}. Beside them, {others}.", worst, measure="least share of the largest gradient")


def at(mu: Array, values: Array, distance: float) -> float:
    """The value at the distance that is nearest to `distance`."""
    return float(values[np.abs(mu - distance).argmin()])
