"""The primal-dual method in function space: eq. (2) of the reproduced paper on a finite support, D and p_g free.

Statements, their sources, and what would contradict them: `rules`.
"""

from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saddlegan.reporting.sections import Table
from saddlegan.reporting.statistics import Estimate
from saddlegan.theory.function_space.figures import limit_figure, path_figure
from saddlegan.theory.function_space.finite_support import GEOMETRIES, SCHEMES
from saddlegan.theory.function_space.random_starts import (
    FACTORS,
    NAMES,
    NEAR,
    PAIRS,
    POINTS,
    SEEDS,
    STEPS,
    cases,
    constant,
    diminishing,
    trace,
)
from saddlegan.theory.function_space.rules import SIZES, constant_steps, limits, reach
from saddlegan.theory.function_space.step_limits import derived_thresholds, jacobian_thresholds, simulated_thresholds
from saddlegan.theory.section import Picture, Section
from saddlegan.theory.shared.players import one_thread

WAYS = (derived_thresholds, jacobian_thresholds, simulated_thresholds)


def section() -> Section:
    """All pairs with diminishing steps; limits; js with constant steps."""
    with one_thread():
        falling, fixed = diminishing(), constant()
        derived, jacobian, simulated = (torch.stack([way(PAIRS["js"], n) for n in SIZES]) for way in WAYS)
        others = [torch.stack([way(pair, 4) for pair in PAIRS.values()]) for way in WAYS[:2]]
        last, mean = (cases({name: getattr(falling[name], part) for name in NAMES}) for part in ("last", "mean"))
        fixed_last, fixed_mean = cases({"js": fixed.last}), cases({"js": fixed.mean})
        traces = {f"step {factor:g} times the limit": trace(factor) for factor in (0.5, 1.2)}
    caption = (
        "js: limits of a constant step against p = 1/n, dots by simulation; and how many random starts converge, "
        "of the last (solid) and the averaged iterate (dotted)."
    )
    paths = (
        "js: distance to the equilibrium, median over seeds, of the last (solid) and the averaged iterate (dotted), "
        "p_g >= 0; and D and p_g at one of eight points, both stepping at once, from the black dot."
    )
    drawn = {
        "step 0.2/sqrt(t)": (falling["js"], STEPS.tolist().index(0.2)),
        "step 1.5 times the limit": (fixed, FACTORS.tolist().index(1.5)),
    }
    shown = limit_figure(SIZES, derived, simulated, FACTORS.numpy(), _grid(fixed_last), _grid(fixed_mean))
    return Section(
        title="The primal-dual method in function space",
        text=f"D and p_g are free numbers on {POINTS} points, as in eq. (2) of the reproduced paper: no networks, no "
        "samples. D climbs the sum of p_d f0(D) + p_g f1(D), its logit kept within 4.6 (js: D in [0.01, 0.99]); p_g "
        "descends it, "
        "kept positive (orthant), or on the simplex by projection, or there by multiplicative weights (mirror). They "
        "step at once, or in turn, or D is optimal at each step. The distance is the total variation of p_g and p_d, "
        f"or the largest error of D where that is larger, in double precision, over {SEEDS} random starts.\n\n"
        f"A start counts as converging where its distance stays within {NEAR:g} over the last quarter of the run. "
        "Averages are over the last three quarters of the iterations so far, which have the limit of those over all, "
        "if there is one. The theorem of Chen, Wang and Ge itself could not be read, so that the steps are ours.",
        findings=[
            reach(mean, "averaged"),
            reach(last, "last"),
            limits(derived, jacobian, simulated, others),
            *constant_steps(fixed_last, fixed_mean),
        ],
        tables=[_limit_table(derived, simulated), _case_table(last, mean)],
        pictures=[
            Picture("limits", caption, shown),
            Picture("paths", paths, path_figure(drawn, traces)),
        ],
    )


def _grid(found: dict[str, list[Estimate]]) -> NDArray:
    """Shares (scheme, geometry, factor)."""
    return np.array([[case.value for case in row] for row in found.values()]).reshape(3, 3, -1)


def _limit_table(derived: Tensor, simulated: Tensor) -> Table:
    rows = []
    for (i, scheme), (j, geometry) in product(enumerate(SCHEMES), enumerate(GEOMETRIES)):
        cells = zip(derived[:, i, j].tolist(), simulated[:, i, j].tolist(), strict=True)
        rows.append([scheme, geometry, *(f"{a:.3f} ({b:.3f})" for a, b in cells)])
    headers = ["scheme", "p_g", *(f"n = {n}" for n in SIZES)]
    return Table(headers, rows, "Largest constant step of js, p_i = 1/n: in closed form (by simulation).")


def _case_table(last: dict[str, list[Estimate]], mean: dict[str, list[Estimate]]) -> Table:
    rows = []
    for pair in NAMES:
        own = [[row for name, row in found.items() if name.startswith(f"{pair},")] for found in (last, mean)]
        counts = [sum(row[at].above(0.5) for row in part) for part in own for at in range(len(STEPS))]
        rows.append([pair, *(f"{count} of 9" for count in counts)])
    headers = ["pair", *(f"{name}, {step:g}/sqrt(t)" for name in ("last", "averaged") for step in STEPS.tolist())]
    return Table(headers, rows, "Cases (scheme and p_g) in which most seeds converge, by Wilson's interval.")
