"""The game V(x, y) = x*y: x descends, y ascends, from (1, 1); its only equilibrium is (0, 0).

Every method is a linear recurrence, so that theory gives its rate: the factor per iteration on the distance to (0, 0).

Statements, sources and the rules of their verdicts, fixed before any number was seen:
1. "Why GAN training is hard", Nash Equilibrium: gradient descent does not converge. Contradicted by a step of the sweep
   at which the simultaneous or the alternating rate, measured or derived, is under 1 - 1e-6; else reproduced.
2. The same: a larger rate or longer training makes the swings (the largest distance so far) grow. By more than 1 % at
   every doubling of the step and of the iterations: reproduced; at no doubling of one of the two: contradicted; else
   inconclusive.
3. Derived: the rates. Contradicted where the logs of the measured and the derived rate differ by over 1e-3.
4. Derived: the steps under which extragradient, the optimistic gradient and alternation with momentum -1/2 converge,
   and the powers of t that averages follow. Contradicted where a step is off by over 1 % or a power by over 0.05.
"""

import numpy as np
from numpy.typing import NDArray

from saddlegan.reporting.ledger import Finding, Statement, Verdict
from saddlegan.theory.bilinear_game.maths import (
    DOUBLED_ITERATIONS,
    DOUBLED_STEPS,
    METHODS,
    largest_step,
)

SOURCE = "Why GAN training is hard (in English), section Nash Equilibrium"
STEPS = np.geomspace(0.05, 2.5, 60)  # of the sweep
Rates = dict[str, NDArray]  # of each method, at `STEPS`


def convergence(measured: Rates, derived: Rates) -> Finding:
    """Statement 1."""
    plain = [rates[name] for rates in (measured, derived) for name in ("simultaneous", "alternating")]
    least = float(np.min(plain))
    text = (
        f"At {STEPS.size} steps from {STEPS[0]:g} to {STEPS[-1]:g} no rate is under 1 {least - 1:+.0e}. Simultaneous "
        "descent has the rate sqrt(1 + step^2). The alternating matrix has determinant 1: its eigenvalues cannot both "
        "be under 1, and its rate is 1 up to step 2, where a path circles for ever, and more above."
    )
    verdict = "reproduced" if least >= 1 - 1e-6 else "contradicted"
    statement = "On x*y gradient descent does not converge, simultaneous or alternating, at any step."
    about = Statement("bilinear-no-convergence", SOURCE, statement)
    return about, Verdict(verdict, text, effect=least, measure="least rate per iteration")


def swinging(name: str, table: NDArray) -> Finding:
    """Statement 2 of one method, from its `swings`."""
    by_step, by_time = table[1:] > 1.01 * table[:-1], table[:, 1:] > 1.01 * table[:, :-1]
    verdict = "inconclusive" if by_step.any() and by_time.any() else "contradicted"
    verdict = "reproduced" if by_step.all() and by_time.all() else verdict
    text = f"Largest distance so far, from (1, 1): {_corners(table)}."
    if name == "alternating":
        text += (
            " x^2 + y^2 - step*x*y is kept, so that the path stays on an ellipse, and up to step 2 longer training "
            "changes nothing. A larger step flattens the ellipse; (1, 1) is its far end. From (1, 0) the swing is "
            "1/sqrt(1 - step/2): a larger step does enlarge it, by 12 % at 0.4."
        )
    statement = f"With a larger rate, and with longer training, the swings of {name} gradient descent grow."
    ratio = float(table[-1, -1] / table[0, -1])
    about = Statement(f"bilinear-swings-{name}", SOURCE, statement)
    return about, Verdict(verdict, text, effect=ratio, measure="ratio of the swings at steps 0.4 and 0.05")


def agreement(measured: Rates, derived: Rates) -> Finding:
    """Statement 3."""
    worst = float(np.max([np.abs(np.log(measured[name] / derived[name])) for name in METHODS]))
    text = (
        f"{len(METHODS)} methods at {STEPS.size} steps: the logs of the rates differ by {worst:.0e} at most, also "
        "where complex eigenvalues make the distance oscillate."
    )
    verdict = "reproduced" if worst <= 1e-3 else "contradicted"
    statement = "The distance to the equilibrium changes per iteration by the spectral radius of the recurrence."
    about = Statement("bilinear-rates", "Derived: linear recurrence", statement)
    return about, Verdict(verdict, text, effect=worst, measure="largest difference of log rates")


def remedies(measured: Rates, powers: dict[str, tuple[float, float]]) -> Finding:
    """Statement 4, with `powers` as `averages` gives them."""
    limits = {name: (m.limit, largest_step(STEPS, measured[name])) for name, m in METHODS.items() if m.limit}
    off = float(np.max([abs(found / limit - 1) for limit, found in limits.values()]))
    bent = float(np.max([abs(found - power) for power, found in powers.values()]))
    words = ", ".join(f"{name} under step {found:.3f} ({limit:.3f})" for name, (limit, found) in limits.items())
    text = (
        f"They converge, measured (derived): {words}. The average of alternating descent goes as 1/t. The path of "
        "simultaneous descent leaves even with steps step/sqrt(t), and its average goes as t^((step^2 - 1)/2): it "
        f"converges for a step under 1 alone. Measured powers are within {bent:.2g}. With a constant step that average "
        "leaves too. Momentum helps alternation alone, and only where it is negative."
    )
    verdict = "reproduced" if off <= 0.01 and bent <= 0.05 else "contradicted"
    statement = "Extragradient, the optimistic gradient, negative momentum and averaging converge where theory says."
    about = Statement("bilinear-remedies", "Derived: linear recurrence", statement)
    return about, Verdict(verdict, text, effect=off, measure="largest relative error of a limit")


def _corners(table: NDArray) -> str:
    rows = []
    for step, line in zip(DOUBLED_STEPS[[0, -1]], table[[0, -1]], strict=True):
        swing = [f"{line[at]:.3g} in {DOUBLED_ITERATIONS[at]} iterations" for at in (0, -1)]
        rows.append(f"at step {step:g} {' and '.join(swing)}")
    return "; ".join(rows)
