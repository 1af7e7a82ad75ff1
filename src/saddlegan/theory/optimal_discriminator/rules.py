"""The optimal discriminator, what the generator then minimises, and the same for every row of f-GAN's table.

Sources: Goodfellow et al. (2014), arXiv:1406.2661, Propositions 1 and 2, Theorem 1; the pairs (f0, f1) of `objectives`,
each derived; Nowozin, Cseke, Tomioka (2016), arXiv:1606.00709. Rules, fixed beforehand:

1. Four identities: D* = p/(p+q), found by optimising a logit per point on a grid, for JS and (another statement) for
   every other pair (f0, f1) against its own optimum; C(G) = max_D V is -log 4 + 2 JSD over a family q = N(mu, s^2),
   the JSD by an adaptive rule; max_T E_p[T] - E_q[f*(T)] is D_f(p||q), with T* = f'(p/q), against closed forms.
   Reproduced if every error, for functions |found - expected| / (1 + |expected|), is at most 1e-6, contradicted if one
   is above 1e-3, else (or if one is not a number) inconclusive.
2. A trained network reaches D*: reproduced if the 95 % interval over seeds of the mean |D - D*|, weighted by (p+q)/2,
   of networks that saw 10 000 samples of each law lies below 0.02, contradicted if above, else inconclusive.
3. The minimum of C(G) is -log 4, at q = p alone: descended from random starts with the gradient through the optimal D.
   Contradicted if a start ends below -log 4 - 1e-8, or within 1e-8 of it but with |mu| or |log s| > 1e-3; reproduced if
   none does and over half of the starts end there; else inconclusive.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from saddlegan.reporting.ledger import Statement, Verdict
from saddlegan.reporting.statistics import Estimate, share
from saddlegan.reporting.tables import show, show_share
from saddlegan.theory.shared.densities import LOG2, Array

GOODFELLOW = "Goodfellow et al. (2014), arXiv:1406.2661,"
SAMPLES, SEEDS, STEPS, MARKS = (100, 1000, 10_000), 8, 600, (1, 3, 10, 30, 100, 300, 600)
REACHED = 0.02  # mean |D - D*|
STATEMENTS = (
    Statement(
        "grid-reaches-the-optimal-discriminator",
        f"{GOODFELLOW} Proposition 1",
        "For a fixed generator the optimal discriminator is p / (p + q).",
    ),
    Statement(
        "every-pair-has-its-optimal-discriminator",
        "Derived: the D that maximises p f0(D) + q f1(D)",
        "Each other pair (f0, f1) has its own optimal discriminator, a function of p / q.",
    ),
    Statement(
        "network-reaches-the-optimal-discriminator",
        f"{GOODFELLOW} Proposition 2, which assumes it",
        "A trained network reaches the optimal discriminator.",
    ),
    Statement(
        "generator-cost-is-js",
        f"{GOODFELLOW} Theorem 1",
        "Against the optimal discriminator the generator's cost is C(G) = -log 4 + 2 JSD(p || q).",
    ),
    Statement(
        "generator-cost-is-least-at-the-data", f"{GOODFELLOW} Theorem 1", "C(G) is least, -log 4, at p = q alone."
    ),
    Statement(
        "f-gan-table",
        "Nowozin, Cseke, Tomioka (2016), arXiv:1606.00709; rows derived",
        "For each row (nu, f*) the largest E_p[T] - E_q[f*(T)] is D_f(p || q), at T = f'(p / q).",
    ),
)


def judge_errors(errors: Mapping[str, float], what: str) -> Verdict:
    """Rule 1 on the largest error of each part."""
    worst = max(errors, key=lambda name: errors[name] if errors[name] >= 0 else math.inf)
    outcome = "inconclusive"
    if errors[worst] > 1e-3:
        outcome = "contradicted"
    elif errors[worst] <= 1e-6:
        outcome = "reproduced"
    shown = ", ".join(f"{value:.1e} ({name})" for name, value in errors.items())
    return Verdict(outcome, f"Largest {what}: {shown}.", errors[worst], measure=what)


def judge_network(distance: Estimate, outer: Estimate, untrained: Sequence[float]) -> Verdict:
    """Rule 2 on the mean |D - D*| over seeds; that of the outer 1 % of samples, and both of D = 1/2, are told."""
    outcome = "reproduced" if distance.below(REACHED) else "contradicted" if distance.above(REACHED) else "inconclusive"
    text = (
        f"Mean |D - D*| after {STEPS} steps on {SAMPLES[-1]} samples of each law: {show(distance)} over "
        f"{distance.count} seeds; threshold {REACHED:g}; D = 1/2 everywhere has {untrained[0]:.3f}. In the outer 1 % "
        f"of all samples, where few are seen, it is {show(outer)}, and that of D = 1/2 {untrained[1]:.3f}."
    )
    return Verdict(outcome, text, distance.value, (distance.low, distance.high), distance.count, "mean |D - D*|")


def judge_minimum(ends: Array) -> Verdict:
    """Rule 3 on where each start ended, (starts, 3): C(G), mu, log scale."""
    above, away = ends[:, 0] + 2.0 * LOG2, np.abs(ends[:, 1:]).max(-1)
    there = (np.abs(above) <= 1e-8) & (away <= 1e-3)
    elsewhere = (above < -1e-8) | ((above <= 1e-8) & (away > 1e-3))
    outcome = "contradicted" if elsewhere.any() else "reproduced" if there.mean() > 0.5 else "inconclusive"
    text = (
        f"{show_share(share(there))} of {len(ends)} random starts end at p = q; the lowest C(G) is -log 4 "
        f"{above.min():+.1e}, at most {away[there].max(initial=0.0):.1e} from mu = 0, log s = 0."
    )
    return Verdict(outcome, text, float(above.min()), seeds=len(ends), measure="lowest C(G) + log 4")
