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
import torch
from numpy.typing import NDArray
from scipy import stats

from saddlegan.reporting import statistics
from saddlegan.reporting.ledger import Finding, Statement, Verdict
from saddlegan.reporting.statistics import Estimate
from saddlegan.reporting.tables import show
from saddlegan.theory.kernel_terms import (
    forces,
    pull,
    ratio_integrated,
    ratio_sampled,
    ratio_theory,
    recover,
    smoothed_logit,
)
from saddlegan.theory.pictures.kernel_force import Field, forces_figure, recovery_figure, terms_figure
from saddlegan.theory.players import one_thread
from saddlegan.theory.section import Picture, Section, Table

OPTIONS: tuple[str, ...] = ()
SOURCE = "Derived from eqs. (5)-(7) of Algorithm 1, arXiv:1802.01765"
FIGURE_1 = 1 / math.sqrt(1e-3)  # sigma / std in Figure 1 of the reproduced paper, at sigma = 1 (the paper gives none)
WIDTHS = np.sort([*np.geomspace(0.03, 30, 17), math.sqrt(2), FIGURE_1])  # sigma in stds of the data
AWAY = (math.sqrt(2), FIGURE_1)
SHIFTS = (0.001, 1.0, 2.0, 3.0, 5.0, 10.0)  # of the generated Gaussian, in stds
REACHES = np.array([0.1, 0.2, 1 / 3, 0.5, 1, 1.5, 2, 3, 4, 5, 7, 10])  # d / sigma
ALPHAS = np.array([0.1, 0.3, 1.0, 3.0, 10.0])
FLOW = {"distance": 10.0, "std": 1.0, "count": 32, "seeds": 8, "time": 50.0, "step": 0.2}
RATIO = (
    "Near equilibrium the gradient of the kernel term is 4 alpha r^2 (1 + 4 r^2)^(-3/2) of the standard one, r = std / "
    "sigma: at most 0.385 alpha, at sigma = std sqrt 2."
)
SMALL = "Near equilibrium alpha up to 0.1 changes the generator's gradient by under 4 %, at any sigma."
PULL = (
    "A data point pulls a sample most at sigma / sqrt 2 and hardly at 3 sigma; it pulls where D > 1/2 there and pushes "
    "where D < 1/2."
)
RECOVERY = (
    "The kernel term recovers a missing mode where sigma is of the order of its distance (1/3 <= d/sigma <= 3), and "
    "nowhere where that is 5 sigma or more."
)
TERMS = (
    "Left: the kernel term's gradient over the standard one's near equilibrium, alpha = 1. Right: the pull of one data "
    "point on one sample. Dashed: theory."
)
FORCES = (
    "Forces on a sample, alpha = 1, all samples on one mode of two, or of eight (black; data grey), D optimal. Arrows: "
    "the sum of both, orange where the kernel term rules, blue where the standard one does."
)
MAP = "What both forces bring to the missing mode in 50 std^2 of time; the standard term alone brings nothing."
LEVEL = 0.1  # share of samples at the missing mode above which it is recovered


def judge_ratio(sigmas: NDArray, integrated: NDArray, sampled: NDArray) -> Verdict:
    """Rule 1, at alpha = 1 and std = 1: `integrated (k,)`, `sampled (k, seeds)`."""
    theory, (count, seeds) = ratio_theory(sigmas, 1.0), sampled.shape
    error = float(np.abs(integrated / theory - 1).max())
    half = stats.t.ppf(1 - 0.025 / count, seeds - 1) * sampled.std(1, ddof=1) / math.sqrt(seeds)
    outside = int((np.abs(sampled.mean(1) - theory) > half).sum())
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


def field_line(sigma: float) -> Field:
    """Forces at alpha = 1 in 1-D: data N(-5, 1) and N(5, 1), every sample on the left one, D optimal and exact."""
    g = torch.linspace(-9, 9, 361, dtype=torch.float64)[:, None]
    quantiles = torch.from_numpy(stats.norm.ppf((np.arange(100) + 0.5) / 100))[:, None]
    logit = lambda x: torch.nn.functional.softplus(10 * x.squeeze(-1)) - math.log(2)  # noqa: E731
    real = torch.cat([quantiles - 5, quantiles + 5])
    first, second = forces(g, real, logit, torch.tensor(sigma), torch.tensor(1.0))
    return Field(sigma, g.numpy(), first.numpy(), second.numpy(), real.numpy(), real[:100].numpy())


def field_plane(sigma: float) -> Field:
    """The same in 2-D: eight Gaussians, std 0.1, on a ring of radius 1; samples on one of them; smoothed densities."""
    angles = torch.arange(8) * math.pi / 4
    modes = torch.stack([angles.cos(), angles.sin()], -1).double()
    noise = 0.1 * torch.from_numpy(np.random.default_rng(0).standard_normal((2, 256, 2)))
    line = torch.linspace(-1.5, 1.5, 17, dtype=torch.float64)
    points = torch.cartesian_prod(line, line)
    logit = smoothed_logit(modes[0] + noise[0], modes, 0.1)
    real = modes[torch.arange(256) % 8] + noise[1]
    first, second = forces(points, real, logit, torch.tensor(sigma), torch.tensor(1.0))
    return Field(sigma, points.numpy(), first.numpy(), second.numpy(), real.numpy(), (modes[0] + noise[0]).numpy())


def pull_where(probability: float) -> float:
    """The kernel's force, alpha = sigma = 1, on a sample at 0 from a point at 1 / sqrt 2 where D is `probability`."""
    sample, point, one = torch.zeros(1, 1).double(), torch.full((1, 1), math.sqrt(0.5)).double(), torch.tensor(1.0)
    logit = lambda x: 0 * x.squeeze(-1) + math.log(probability / (1 - probability))  # noqa: E731
    return float(forces(sample, point, logit, one, one)[1])


@one_thread()
def section() -> Section:
    sampled = np.array([ratio_sampled(s, 1.0, 1.0, 0.01, count=256, seeds=64) for s in WIDTHS])
    integrated = np.array([ratio_integrated(s, 1.0, 1.0, 0.001) for s in WIDTHS])
    away = np.array([[ratio_integrated(s, 1.0, 1.0, shift) for s in AWAY] for shift in SHIFTS])
    u = np.linspace(0, 3, 3001)
    right, left = recover(FLOW["distance"] / REACHES, ALPHAS, **FLOW)
    alone = recover(np.array([1.0]), np.array([0.0]), **FLOW)[0][0, 0]
    lost = (right + left).mean(-1) < 0.5
    findings: list[Finding] = [
        (Statement("kernel-gradient-ratio", SOURCE, RATIO), judge_ratio(WIDTHS, integrated, sampled)),
        (Statement("small-alpha-small-term", SOURCE, SMALL), judge_small([statistics.mean(0.1 * s) for s in sampled])),
        (Statement("kernel-pull", SOURCE, PULL), judge_pull(u, pull(u, 1.0), pull_where(0.9), pull_where(0.1))),
        (Statement("kernel-recovers-near-mode", SOURCE, RECOVERY), judge_recovery(REACHES, ALPHAS, right, alone)),
    ]
    text = (
        "The generator of Algorithm 1 adds to the standard gradient that of a kernel term. Near equilibrium the ratio "
        "of the two is a formula; here it meets integrals and samples (256 of each side, 64 seeds). In Figure 1 of the "
        f"reproduced paper the data are {1 / FIGURE_1:.3g} wide: at sigma = alpha = 1 (it gives neither) the kernel "
        f"term is {100 * away[0, 1]:.2g} % of the standard one. That holds near equilibrium alone. Where the "
        "discriminator wins, the standard term fades and the kernel's does not: it is "
        f"{away[-2, 1]:.2g} times as large at 5 stds. Then one mode of two is missing, {FLOW['distance']:g} stds away. "
        f"Free samples ({FLOW['count']}, {FLOW['seeds']} seeds) follow both forces for {FLOW['time']:g} std^2 of time, "
        "against the optimal discriminator of smoothed densities (the samples' is a kernel density estimate, one std "
        f"wide, made again at each step). In {int(lost.sum())} of {lost.size} settings, of large alpha and wide "
        "kernel, most samples gather between the modes."
    )
    rows = [[f"{shift:g}", *(f"{value:.3g}" for value in row)] for shift, row in zip(SHIFTS, away, strict=True)]
    headers = ["generator off by, stds", *(f"sigma = {s:.3g} stds" for s in AWAY)]
    forces_picture = forces_figure([field_line(2.0), field_line(6.0)], [field_plane(0.2), field_plane(1.0)])
    return Section(
        "Where the primal-dual step differs from the standard one",
        text,
        findings,
        [Table(headers, rows, "Second over first gradient at alpha = 1, by integration.")],
        [
            Picture("kernel-terms", TERMS, terms_figure(WIDTHS, integrated, sampled, u, pull(u, 1.0), FIGURE_1)),
            Picture("kernel-forces", FORCES, forces_picture),
            Picture("kernel-recovery", MAP, recovery_figure(REACHES, ALPHAS, right.mean(-1), lost)),
        ],
    )
