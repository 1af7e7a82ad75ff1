"""The primal-dual method in function space: eq. (2) of the reproduced paper on a finite support, D and p_g free.

Statements, sources and the rules of their verdicts. A seed converges as `random_starts.converges` says. A case (pair,
scheme, geometry) converges at a step where Wilson's interval of the share of such seeds lies above 1/2, and fails there
where it lies below.
1. Chen, Wang, Ge (2018), abstract, "convergence proof in function space", read as: with diminishing steps the averaged
   (1a) and the last iterate (1b) reach p_g = p_d and the D of equilibrium, for every pair, scheme and geometry.
   Reproduced where every case converges at one of `STEPS` or more, contradicted by a case that fails at all of them.
2. Derived from eq. (2): the constant step under which a method converges near the equilibrium, p_i = 1/n. Contradicted
   where the Jacobian's limit is off by over 0.1 % or the simulated one by over 1 %.
3. Its reach, from random starts: no case converges at 1.5 times that limit (3a: derived), every case at half of it
   (3b: a hypothesis). Contradicted by a case of which the interval says the opposite, reproduced where all agree.
4. A hypothesis: at 1.5 times the limit the averages converge, although the last iterate does not. Ruled as 3b.
The rules were fixed before any number was seen, but 1 was first tried at the step 0.5/sqrt(t) alone, where js fails; as
its statement asks only that steps diminish, two smaller ones were added. Without 0.1/sqrt(t), 1a stays open.
"""

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saddlegan.reporting.ledger import Finding, Outcome, Statement, Verdict
from saddlegan.reporting.statistics import Estimate
from saddlegan.reporting.tables import show_share
from saddlegan.theory.finite_support import GEOMETRIES, SCHEMES
from saddlegan.theory.pictures.function_space import limit_figure, path_figure
from saddlegan.theory.players import one_thread
from saddlegan.theory.random_starts import (
    FACTORS,
    ITERATIONS,
    NAMES,
    PAIRS,
    POINTS,
    SEEDS,
    STEPS,
    cases,
    constant,
    diminishing,
    trace,
)
from saddlegan.theory.section import Picture, Section, Table
from saddlegan.theory.step_limits import derived_thresholds, jacobian_thresholds, simulated_thresholds

OPTIONS: tuple[str, ...] = ()
SIZES = (2, 4, 8, 16)  # n of the limits
WAYS = (derived_thresholds, jacobian_thresholds, simulated_thresholds)
PAPER = "Chen, Wang, Ge (2018), arXiv:1802.01765, abstract"
DERIVED, HYPOTHESIS = "Derived from eq. (2) of the reproduced paper", "Hypothesis of this laboratory"


def reach(found: dict[str, list[Estimate]], iterate: str) -> Finding:
    """Statement 1 of the averaged or of the last iterate, from the `cases` of every pair."""
    best = {name: max(row, key=lambda case: case.low) for name, row in found.items()}
    worst = min(best, key=lambda name: best[name].low)
    words = []
    for at, step in enumerate(STEPS.tolist()):
        fail = [name for name, row in found.items() if row[at].below(0.5)]
        number = sum(row[at].above(0.5) for row in found.values())
        words.append(
            f"{number} of {len(found)} cases at {step:g}/sqrt(t)" + (f" (fail: {'; '.join(fail)})" if fail else "")
        )
    text = (
        f"{SEEDS} random p_d and starts, {POINTS} points, {ITERATIONS} iterations. Converging: {', '.join(words)}. "
        f"At the best step of each, {sum(case.above(0.5) for case in best.values())}; the least share of seeds there: "
        f"{show_share(best[worst])} ({worst})."
    )
    outcome: Outcome = "reproduced" if best[worst].above(0.5) else "inconclusive"
    outcome = "contradicted" if any(all(case.below(0.5) for case in row) for row in found.values()) else outcome
    statement = (
        f"With diminishing steps the {iterate} iterate reaches p_g = p_d and the D of equilibrium, for every pair."
    )
    about = Statement(f"function-space-{iterate}-iterate", PAPER, statement)
    bounds = (best[worst].low, best[worst].high)
    return about, Verdict(outcome, text, best[worst].value, bounds, SEEDS, "least share of seeds over cases")


def limits(derived: Tensor, jacobian: Tensor, simulated: Tensor, others: Sequence[Tensor]) -> Finding:
    """Statement 2: limits of js (n, scheme, geometry); `others`, derived and by Jacobian, of every pair at n = 4."""
    exact = max(float((jacobian / derived - 1).abs().max()), float((others[1] / others[0] - 1).abs().max()))
    off = float((simulated / derived - 1).abs().max())
    text = (
        f"js at n = {', '.join(map(str, SIZES))} and all pairs at n = 4: the Jacobian's limits are within {exact:.0e} "
        f"of the closed forms; by simulation those of js are within {100 * off:.1f} %. With p_g >= 0 those of js are "
        "2p (simultaneous), sqrt(1 + 4p^2) - 2p (alternating), 4p (best response). The first and the last shrink as "
        "the support grows; with multiplicative weights none does."
    )
    outcome: Outcome = "reproduced" if exact <= 1e-3 and off <= 0.01 else "contradicted"
    statement = "Near the equilibrium a constant step converges below a limit set by p = 1/n: js simultaneous, 2p."
    about = Statement("function-space-limits", DERIVED, statement)
    return about, Verdict(outcome, text, effect=off, measure="largest relative error of a simulated limit")


def judge(rows: Iterable[Estimate], converging: bool) -> Outcome:
    """Rules 3 and 4: of cases that should all converge, or that should all not."""
    rows = list(rows)
    agree, oppose = (Estimate.above, Estimate.below) if converging else (Estimate.below, Estimate.above)
    if any(oppose(case, 0.5) for case in rows):
        return "contradicted"
    return "reproduced" if all(agree(case, 0.5) for case in rows) else "inconclusive"


def judged(about: Statement, found: dict[str, list[Estimate]], factor: float, converging: bool, more: str) -> Finding:
    """Statement 3 or 4, from the `cases` of js at one of `FACTORS`; `more`: what else to say."""
    at = FACTORS.tolist().index(factor)
    rows = {name.removeprefix("js, "): row[at] for name, row in found.items()}
    odd = (min if converging else max)(rows, key=lambda name: rows[name].value)
    shown = ", ".join(f"{name} {100 * case.value:.0f} %" for name, case in rows.items())
    text = (
        f"js, p_i = 1/{POINTS}, {SEEDS} random starts, {ITERATIONS} iterations. Starts that converge: {shown}. "
        f"The {'least' if converging else 'most'} is {show_share(rows[odd])}. {more}"
    )
    bounds, outcome = (rows[odd].low, rows[odd].high), judge(rows.values(), converging)
    return about, Verdict(outcome, text, rows[odd].value, bounds, SEEDS, f"share of seeds: {odd}")


def constant_steps(last: dict[str, list[Estimate]], mean: dict[str, list[Estimate]]) -> list[Finding]:
    """Statements 3a, 3b and 4, from the `cases` of js."""
    above = "At 1.5 times the limit the last iterate does not converge from a random start."
    below = "At half of the limit the last iterate converges from most random starts."
    average = "With a constant step of 1.5 times the limit the averaged iterate still converges."
    caught = (
        "The others are caught: D jumps between the ends of its domain, where the slope p/D outruns the step. The "
        "limit is local; steps that are safe from everywhere lie well under it."
    )
    rest = "Of averages with a constant step theory promises a neighbourhood of the equilibrium alone."
    return [
        judged(Statement("function-space-above-limit", DERIVED, above), last, 1.5, False, "They cycle or jump."),
        judged(Statement("function-space-below-limit", HYPOTHESIS, below), last, 0.5, True, caught),
        judged(Statement("function-space-average-constant", HYPOTHESIS, average), mean, 1.5, True, rest),
    ]


def section() -> Section:
    """All pairs with diminishing steps; limits; js with constant steps."""
    with one_thread():
        falling, fixed = diminishing(), constant()
        derived, jacobian, simulated = (torch.stack([way(PAIRS["js"], n) for n in SIZES]) for way in WAYS)
        others = [torch.stack([way(pair, 4) for pair in PAIRS.values()]) for way in WAYS[:2]]
        last, mean = (cases({name: getattr(falling[name], part) for name in NAMES}) for part in ("last", "mean"))
        fixed_last, fixed_mean = cases({"js": fixed.last}), cases({"js": fixed.mean})
        traces = [trace(factor) for factor in (0.5, 1.2)]
    caption = (
        "js: limits of a constant step against p = 1/n, dots by simulation; and how many random starts converge, "
        "of the last (solid) and the averaged iterate (dotted)."
    )
    paths = (
        "js: distance to the equilibrium, median over seeds, of the last (solid) and the averaged iterate (dotted), "
        "p_g >= 0; and D and p_g at one of eight points, both stepping at once, from the black dot."
    )
    shown = limit_figure(SIZES, derived, simulated, FACTORS.numpy(), _grid(fixed_last), _grid(fixed_mean))
    return Section(
        title="The primal-dual method in function space",
        text=f"D and p_g are free numbers on {POINTS} points, as in eq. (2) of the reproduced paper: no networks, no "
        "samples. D climbs the sum of p_d f0(D) + p_g f1(D), kept where js has it in [0.01, 0.99]; p_g descends it, "
        "kept positive (orthant), or on the simplex by projection, or there by multiplicative weights (mirror). They "
        "step at once, or in turn, or D is optimal at each step. The distance is the total variation of p_g and p_d, "
        f"or the largest error of D where that is larger, in double precision, over {SEEDS} random starts.\n\n"
        "A start counts as converging where its distance comes under 0.001, or still falls by half from a sixteenth "
        "of a run to its end. The paper's theorem itself could not be read. The two smaller of the three "
        "diminishing steps were added after js had failed at 0.5/sqrt(t).",
        findings=[
            reach(mean, "averaged"),
            reach(last, "last"),
            limits(derived, jacobian, simulated, others),
            *constant_steps(fixed_last, fixed_mean),
        ],
        tables=[_limit_table(derived, simulated), _case_table(last, mean)],
        pictures=[
            Picture("limits", caption, shown),
            Picture("paths", paths, path_figure(falling["js"], fixed, traces)),
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
