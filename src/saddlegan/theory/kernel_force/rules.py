"""Where the primal-dual step differs from the standard one: how large the kernel term is, and how far it reaches.

Rules of the verdicts, fixed before any result was seen, but for the intervals of rule 4. That rule first judged mean
shares against 0.1 without intervals; alpha = 10 at d/sigma = 5 then fell on either side with the number of seeds (0.15,
0.094, 0.103 and 0.102 of 4, 6, 10 and 8 seeds; above 0.1 it would say contradicted), so intervals were asked for.

1. Near equilibrium (1-D, data N(0, s^2), generated N(delta, s^2), D optimal) the second term's gradient in delta is
   4 alpha r^2 (1 + 4 r^2)^(-3/2) times the first's, r = s / sigma: `kernel_terms.ratio_theory`. Contradicted where
   integration at delta = 0.001 s misses that by 1e-3 of it, or where a sampled interval, 95 % over all sigma together
   (Bonferroni), leaves it out.
2. So alpha <= 0.1 changes that gradient by under 4 %: reproduced if every sampled 95 % interval at alpha = 0.1 ends
   below 0.04, contradicted if one begins above, else inconclusive.
3. One data point pulls one sample most at sigma / sqrt 2 and hardly at 3 sigma, towards it where D > 1/2, away where
   D < 1/2: contradicted if the largest is 1 % elsewhere, the pull at 3 sigma over 1e-3 of it, or a sign is wrong.
4. A missing mode at distance d is recovered (over 0.1 of all samples within 3 std of it, where 0.5 is due) at some
   1/3 <= d/sigma <= 3 and nowhere at d/sigma >= 5: reproduced if an interval of the former lies above 0.1 and every one
   of the latter below; contradicted if one of the latter lies above or all of the former below; else inconclusive, as
   where the standard term recovers the mode alone.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from saddlegan.reporting import statistics
from saddlegan.reporting.ledger import Verdict
from saddlegan.reporting.statistics import Estimate
from saddlegan.reporting.tables import show
from saddlegan.theory.kernel_force.maths import ratio_theory

RATIO = (
    "Near equilibrium the kernel term's gradient in a shift of the mean is 4 alpha r^2 (1 + 4 r^2)^(-3/2) of the "
    "standard one's, r = std / sigma: at most 0.385 alpha, at sigma = std sqrt 2."
)
SMALL = "Near equilibrium alpha up to 0.1 changes the gradient in a shift of the mean by under 4 %, at any sigma."
PULL = (
    "A data point pulls a sample most at sigma / sqrt 2 and hardly at 3 sigma; it pulls where D > 1/2 there and pushes "
    "where D < 1/2."
)
RECOVERY = (
    "The kernel term can recover a missing mode, at some alpha, where sigma is of the order of its distance (1/3 <= "
    "d/sigma <= 3), and cannot where that is 5 sigma or more."
)
LEVEL = 0.1  # share of samples at the missing mode above which it is recovered


def half_widths(sampled: NDArray) -> NDArray:
    """Of the intervals of the means over seeds of `sampled (k, seeds)` that all hold together with 95 %, `(k,)`."""
    count, seeds = sampled.shape
    return stats.t.ppf(1 - 0.025 / count, seeds - 1) * sampled.std(1, ddof=1) / math.sqrt(seeds)


def judge_ratio(sigmas: NDArray, integrated: NDArray, sampled: NDArray) -> Verdict:
    """Rule 1, at alpha = 1 and std = 1: `integrated (k,)`, `sampled (k, seeds)`."""
    theory, (count, seeds) = ratio_theory(sigmas, 1.0), sampled.shape
    error = float(np.abs(integrated / theory - 1).max())
    outside = int((np.abs(sampled.mean(1) - theory) > half_widths(sampled)).sum())
    top = sigmas[integrated.argmax()]
    text = (
        f"At {count} widths from sigma = {sigmas.min():.2g} to {sigmas.max():.3g} stds: largest relative error of the "
        f"integral {error:.1g}; {count - outside} of {count} sampled intervals ({seeds} seeds) hold the formula. "
        f"Largest near sigma = {top:.2f} stds: {integrated.max():.3f} alpha."
    )
    verdict = "reproduced" if error < 1e-3 and not outside else "contradicted"
    return Verdict(verdict, text, error, None, seeds, "largest relative error of the integrated ratio")


def judge_small(shares: Sequence[Estimate]) -> Verdict:
    """Rule 2: the sampled ratios at alpha = 0.1, one estimate for each sigma."""
    largest = max(shares, key=lambda estimate: estimate.value)
    above, below = any(one.above(0.04) for one in shares), all(one.below(0.04) for one in shares)
    verdict = "contradicted" if above else "reproduced" if below else "inconclusive"
    text = f"At alpha = 0.1 the second gradient is at most {show(largest)} of the first ({largest.count} seeds)."
    interval = (largest.low, largest.high)
    return Verdict(verdict, text, largest.value, interval, largest.count, "largest ratio of the gradients, alpha = 0.1")


def judge_pull(u: NDArray, pulls: NDArray, towards: float, away: float) -> Verdict:
    """Rule 3: `pulls` at distances `u` in sigma, from 0 to 3; forces towards a point where D is 0.9, then 0.1."""
    peak, last = float(u[pulls.argmax()]), float(pulls[-1] / pulls.max())
    right = abs(peak * math.sqrt(2) - 1) < 0.01 and last < 1e-3 and towards > 0 > away
    text = (
        f"Largest at {peak:.3f} sigma (theory 0.707). At 3 sigma the kernel is exp(-9) = {math.exp(-9):.1e}, the pull "
        f"{last:.1e} of its largest, for it grows with the distance too. Force towards a point with D = 0.9: "
        f"{towards:+.2g}, with D = 0.1: {away:+.2g} (alpha = sigma = 1, at the best distance)."
    )
    return Verdict(
        "reproduced" if right else "contradicted", text, peak, None, 0, "distance of the largest pull / sigma"
    )


def judge_recovery(reaches: NDArray, alphas: NDArray, shares: NDArray, alone: NDArray) -> Verdict:
    """Rule 4: `shares (alphas, reaches, seeds)` of samples at the missing mode, `alone (seeds,)` without the kernel."""
    found = [[statistics.average(shares[i, j]) for j in range(len(reaches))] for i in range(len(alphas))]
    near = [row[j] for row in found for j in np.flatnonzero((reaches > 0.33) & (reaches <= 3))]
    far = [row[j] for row in found for j in np.flatnonzero(reaches >= 5)]
    best, farthest = (max(group, key=lambda one: one.value) for group in (near, far))
    standard = statistics.average(alone)
    verdict = "inconclusive"
    if standard.below(LEVEL):
        if any(one.above(LEVEL) for one in far) or all(one.below(LEVEL) for one in near):
            verdict = "contradicted"
        elif any(one.above(LEVEL) for one in near) and all(one.below(LEVEL) for one in far):
            verdict = "reproduced"
    text = f"Share at the missing mode, {standard.count} seeds, standard term alone: {show(standard)}. Recovered at "
    for alpha, row in zip(alphas, found, strict=True):
        at = [f"{reach:.2g}" for reach, one in zip(reaches, row, strict=True) if one.above(LEVEL)]
        text += f"alpha = {alpha:g}: d/sigma = {', '.join(at) or 'none'}; "
    strongest = alphas[next(i for i, row in enumerate(found) if farthest in row)]
    text += f"best within 1/3 to 3: {show(best)}, best at 5 or more: {show(farthest)}, at alpha = {strongest:g}."
    interval = (farthest.low, farthest.high)
    return Verdict(verdict, text, farthest.value, interval, standard.count, "largest share recovered at d/sigma >= 5")
