"""The primal-dual method in function space: eq. (2) of the reproduced paper on a finite support, D and p_g free.

Statements, sources and the rules of their verdicts. A seed converges whose distance stays within 0.01 over the last
quarter of its iterations (`random_starts.converges`). A case (pair, scheme, geometry) converges at a step where
Wilson's interval of the share of such seeds lies above 1/2, and fails there where it lies below.
1. Chen, Wang, Ge (2018), abstract, "convergence proof in function space", read as: with diminishing steps the averaged
   (1a) and the last iterate (1b) reach p_g = p_d and the D of equilibrium, for every pair, scheme and geometry.
   Reproduced where every case converges at one of `STEPS` or more, contradicted by a case that fails at all of them.
2. Derived from eq. (2): the constant step under which a method converges near the equilibrium, p_i = 1/n. Contradicted
   where the Jacobian's limit is off by over 0.1 % or the simulated one by over 1 %.
3. Its reach, from random starts: no case converges at 1.5 times that limit (3a: derived), every case at half of it
   (3b: a hypothesis). Contradicted by a case of which the interval says the opposite, reproduced where all agree.
4. A hypothesis: at 1.5 times the limit the averages converge, although the last iterate does not. Ruled as 3b.
What was changed after numbers were seen: 1 was first tried at the step 0.5/sqrt(t) alone, where js failed in 800
iterations; as its statement asks only that steps diminish, others were added. A seed once converged, too, where its
distance had fallen by half, which a reader showed to accept wrong limits; so runs grew from 800 to 5000 iterations, and
0.01 alone counts. 3 was split at the limit. 3b and 4 were called derived before they failed; nothing derives them.
"""

from collections.abc import Iterable, Sequence

from torch import Tensor

from saddlegan.reporting.ledger import Finding, Outcome, Statement, Verdict
from saddlegan.reporting.statistics import Estimate
from saddlegan.reporting.tables import show_share
from saddlegan.theory.function_space.random_starts import (
    CONSTANT,
    DIMINISHING,
    FACTORS,
    POINTS,
    SEEDS,
    STEPS,
)

SIZES = (2, 4, 8, 16)  # n of the limits
PAPER = "Chen, Wang, Ge (2018), arXiv:1802.01765, abstract"
DERIVED, HYPOTHESIS = "Derived from eq. (2) of the reproduced paper", "Hypothesis of this laboratory"


def reach(found: dict[str, list[Estimate]], iterate: str) -> Finding:
    """Statement 1 of the averaged or of the last iterate, from the `cases` of every pair."""
    best = {name: max(row, key=lambda case: case.low) for name, row in found.items()}
    worst = min(best, key=lambda name: best[name].low)
    words = []
    for at, step in enumerate(STEPS.tolist()):
        fail = [name for name, row in found.items() if row[at].below(0.5)]
        failing = "; ".join(fail if len(fail) < 6 else [*fail[:3], f"{len(fail) - 3} more"])
        number = sum(row[at].above(0.5) for row in found.values())
        words.append(f"{number} of {len(found)} cases at {step:g}/sqrt(t)" + (f" (fail: {failing})" if fail else ""))
    text = (
        f"{SEEDS} random p_d and starts, {POINTS} points, {DIMINISHING} iterations. Converging: {', '.join(words)}. "
        f"At the best step of each, {sum(case.above(0.5) for case in best.values())}; the least share of seeds there: "
        f"{show_share(best[worst])} ({worst})."
    )
    outcome: Outcome = "reproduced" if best[worst].above(0.5) else "inconclusive"
    outcome = "contradicted" if any(all(case.below(0.5) for case in row) for row in found.values()) else outcome
    statement = (
        f"With diminishing steps of a suitable size the {iterate} iterate approaches p_g = p_d and the D of "
        "equilibrium, for every pair."
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
        f"js, p_i = 1/{POINTS}, {SEEDS} random starts, {CONSTANT} iterations. Starts that converge: {shown}. "
        f"The {'least' if converging else 'most'} is {show_share(rows[odd])}. {more}"
    )
    bounds, outcome = (rows[odd].low, rows[odd].high), judge(rows.values(), converging)
    return about, Verdict(outcome, text, rows[odd].value, bounds, SEEDS, f"share of seeds: {odd}")


def constant_steps(last: dict[str, list[Estimate]], mean: dict[str, list[Estimate]]) -> list[Finding]:
    """Statements 3a, 3b and 4, from the `cases` of js."""
    above = "At 1.5 times the limit the last iterate does not converge from a random start."
    below = "At half of the limit the last iterate converges from most random starts."
    average = "With a constant step of 1.5 times the limit the averaged iterate still converges."
    local = "The limit is local: it does not bind what starts far from the equilibrium."
    rest = "Of averages with a constant step theory promises a neighbourhood of the equilibrium alone."
    return [
        judged(Statement("function-space-above-limit", DERIVED, above), last, 1.5, False, ""),
        judged(Statement("function-space-below-limit", HYPOTHESIS, below), last, 0.5, True, local),
        judged(Statement("function-space-average-constant", HYPOTHESIS, average), mean, 1.5, True, rest),
    ]
