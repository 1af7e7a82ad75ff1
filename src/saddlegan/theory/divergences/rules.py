"""Divergences between the data p and the generated q: where they saturate, and which errors of q each one punishes.

Source: "Why GAN training is hard (in English)", sections KL-Divergence, JS-divergence and Gradient disappeared in
JS-Divergence. Rules, 1 to 3 fixed beforehand, 4 after a first look at the fits:

1. p = N(0, 1), q = N(mu, 1), mu from 0 to 30: JS saturates at log 2, its gradient vanishes. Reproduced if from some
   mu < 30 on JS stays within 1 % of log 2 and its gradient below 1 % of its largest; contradicted if either never
   happens; inconclusive if JS leaves [0, log 2] or is not finite: then the integration has failed.
2. p = two equal modes, q = the best single Gaussian. "Bad": mass of q outside of p's 99 % highest-density region;
   "missed": mass of p outside of q's. KL(p||q) punishes missed modes and accepts bad samples, KL(q||p) the reverse.
   Reproduced if KL(p||q)'s fit misses < 5 % and has > 25 % bad samples and KL(q||p)'s the reverse; contradicted if
   KL(p||q)'s misses no less, or has no more bad samples, than KL(q||p)'s; else inconclusive.
3. JS punishes bad samples severely, unlike KL(p||q). At every distance of the modes at which KL(p||q)'s fit has > 25 %
   bad samples: reproduced if JS's has < 5 % at all, contradicted if at none, else (it depends) inconclusive.
4. Derived: JS of one exact far mode is 3/4 log(4/3) whatever its distance, that of covering both grows to log 2: so JS
   leaves far modes. Reproduced if with the distance 2a the fit goes once from the middle (mean < a/10) to a mode
   (|mean - a| < a/10) and ends within 1 % of that value; contradicted if it never gets to a mode; else inconclusive.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from saddlegan.reporting.ledger import Statement, Verdict
from saddlegan.theory.divergences.maths import Fit, places
from saddlegan.theory.shared.densities import (
    LOG2,
    Array,
)

SOURCE = "Why GAN training is hard (in English), section"
ONE_MODE = 0.75 * math.log(4.0 / 3.0)  # JS of one of two far modes, nats
FEW, MANY = 0.05, 0.25  # shares of samples
WIDTH, DISTANCE = 0.5, 12  # standard deviation of a mode; from mode to mode, in widths: N(-3, 0.5^2) and N(3, 0.5^2)
STATEMENTS = (
    Statement(
        "js-saturates",
        f"{SOURCE} Gradient disappeared in JS-Divergence",
        "As q's mean moves from 0 to 30, JS saturates at log 2 and its gradient vanishes.",
    ),
    Statement(
        "kl-covers-reverse-kl-seeks",
        f"{SOURCE} KL-Divergence",
        "KL(p||q) punishes missed modes and accepts bad samples; KL(q||p) the reverse.",
    ),
    Statement(
        "js-punishes-bad-samples", f"{SOURCE} JS-divergence", "JS punishes bad samples severely, unlike KL(p||q)."
    ),
    Statement(
        "js-leaves-far-modes",
        "Derived from the definition of JS",
        "JS's best Gaussian covers near modes and sits on one of far modes, where JS is 3/4 log(4/3).",
    ),
)


def lasting(flags: NDArray[np.bool_]) -> int | None:
    """The index from which all are true."""
    first = len(flags) - int(np.logical_and.accumulate(flags[::-1]).sum())
    return first if first < len(flags) else None


def judge_saturation(mu: Array, values: Array, gradients: Array) -> Verdict:
    """Rule 1 on JS by mu."""
    if not (np.isfinite([values, gradients]).all() and values.min() > -1e-9 and values.max() < LOG2 + 1e-9):
        return Verdict("inconclusive", "JS is not within [0, log 2]: the integration has failed.")
    full, flat = lasting(values > 0.99 * LOG2), lasting(gradients < 0.01 * gradients.max())
    if full is None or flat is None:
        missing = "stay within 1 % of log 2" if full is None else "lose its gradient"
        return Verdict("contradicted", f"Up to mu = {mu[-1]:g} it does not {missing}.")
    peak = int(gradients.argmax())
    text = (
        f"JS is within 1 % of log 2 from mu = {mu[full]:.2f} on. Its gradient is largest, {gradients[peak]:.3f}, at "
        f"mu = {mu[peak]:.2f}, below 1 % of that from mu = {mu[flat]:.2f} on; it is {gradients[-1]:.1e} at {mu[-1]:g}."
    )
    measure = "mu from which JS's gradient is below 1 % of its largest"
    return Verdict("reproduced", text, float(mu[flat]), measure=measure)


def judge_punishment(forward: Fit, reverse: Fit) -> Verdict:
    """Rule 2 on the fits under KL(p||q) and KL(q||p)."""
    outcome = "inconclusive"
    if forward.missed >= reverse.missed or forward.bad <= reverse.bad:
        outcome = "contradicted"
    elif max(forward.missed, reverse.bad) < FEW and min(forward.bad, reverse.missed) > MANY:
        outcome = "reproduced"
    text = "; ".join(
        f"{name}: N({fit.mean:.2f}, {fit.scale:.2f}^2), {percent(fit.bad)} bad samples, {percent(fit.missed)} missed"
        for name, fit in (("KL(p||q)", forward), ("KL(q||p)", reverse))
    )
    return Verdict(outcome, f"{text}.", forward.bad - reverse.bad, measure="bad samples, KL(p||q) less KL(q||p)")


def judge_bad_samples(distances: Sequence[float], forward: Sequence[Fit], other: Sequence[Fit]) -> Verdict:
    """Rule 3 on the fits under KL(p||q) and JS, by distance."""
    asked = [(at, a.bad, b.bad) for at, a, b in zip(distances, forward, other, strict=True) if a.bad > MANY]
    if not asked:
        return Verdict("inconclusive", "KL(p||q)'s fit has > 25 % bad samples at no distance: nothing to compare.")
    few = [at for at, _, bad in asked if bad < FEW]
    outcome = "reproduced" if len(few) == len(asked) else "inconclusive" if few else "contradicted"
    text = f"KL(p||q)'s best q has > 25 % bad samples at {len(asked)} distances. JS's has < 5 % at {len(few)} of them"
    text += f", {min(few):g} to {max(few):g} widths" if few else ""
    text += "".join(f"; at {at:g} widths {percent(b)}, KL(p||q)'s {percent(a)}" for at, a, b in asked if at not in few)
    measure = "share of the distances at which JS's fit has few bad samples"
    return Verdict(outcome, f"{text}.", len(few) / len(asked), measure=measure)


def judge_switch(distances: Sequence[float], fits: Sequence[Fit]) -> Verdict:
    """Rule 4 on the fits under JS, by distance."""
    means = places(distances, WIDTH, fits)
    sides = ["middle" if at < 0.1 else "mode" if abs(at - 1.0) < 0.1 else "between" for at in means]
    if "mode" not in sides:
        return Verdict("contradicted", f"JS's best Gaussian is on no mode up to {distances[-1]:g} widths.")
    left = sides.index("mode")
    once = left > 0 and sides == ["middle"] * left + ["mode"] * (len(sides) - left)
    where = f"In the middle up to {distances[left - 1]:g} widths, on a mode from {distances[left]:g} on"
    text = (
        f"{where if once else 'Not once from the middle to a mode'}; JS at the end {fits[-1].value:.5f}, of one mode "
    )
    text += f"3/4 log(4/3) = {ONE_MODE:.5f}."
    outcome = "reproduced" if once and abs(fits[-1].value / ONE_MODE - 1.0) < 0.01 else "inconclusive"
    return Verdict(outcome, text, fits[-1].value, measure="JS of the best Gaussian at the largest distance, nats")


def percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"
