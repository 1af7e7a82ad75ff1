"""Evidence: pairs of settings judged one by one, gathered into a `Verdict`. The rules themselves stand in `claims`."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from saddlegan.reporting.results import Experiment, Results
from saddlegan.reporting.statistics import Estimate

Outcome = Literal["reproduced", "contradicted", "inconclusive", "not_run"]
MINIMUM_SEEDS = 16  # common seeds below which a pair of settings decides nothing


@dataclass(frozen=True)
class Verdict:
    """`effect`, named by `measure`, with its 95 % `interval` where it has one; `seeds`: the least number compared."""

    verdict: Outcome
    text: str
    effect: float | None = None
    interval: tuple[float, float] | None = None
    seeds: int = 0
    measure: str = ""


@dataclass(frozen=True)
class Claim:
    """`experiments` decide it, or any run that has `probe`; `says`: {method: the source's own result}."""

    id: str
    source: str
    statement: str
    decide: Callable[[Results], Verdict]
    experiments: tuple[str, ...] = ()
    says: Mapping[str, str] = field(default_factory=dict)
    probe: str = ""


@dataclass(frozen=True)
class Pair:
    """primal_dual against gan, equal in all else, at one stop: the outcome, the effect, the sentence."""

    outcome: Outcome | Literal["dead"]
    effect: Estimate
    seeds: int
    text: str
    setting: str
    stop: int


Judge = Callable[[Experiment, str, str, int], Pair]  # experiment, setting, reference, stop


def judge_pairs(results: Results, name: str, judge: Judge, *, every_stop: bool = False) -> list[Pair]:
    experiment = results.experiments.get(name)
    if experiment is None:
        return []
    ours = set(experiment.of_method("primal_dual"))
    return [
        judge(experiment, setting, reference, stop)
        for setting, reference in experiment.pairs("gan").items()
        if setting in ours
        for stop in experiment.stops(setting)[0 if every_stop else -1 :]
    ]


def one_pair(results: Results, name: str, judge: Judge, measure: str) -> Verdict:
    """The verdict of the only pair at its last stop; of several, the outcome that all share, else inconclusive."""
    pairs = judge_pairs(results, name, judge)
    if not pairs:
        return Verdict("not_run", f"No pair of gan and primal_dual at equal settings in {name}.")
    if len(pairs) > 1:
        outcomes = {pair.outcome for pair in pairs}
        agreed = outcomes.pop() if len(outcomes) == 1 else "inconclusive"
        return Verdict(
            "inconclusive" if agreed == "dead" else agreed,
            f"{len(pairs)} settings: {counts(pairs)}.",
            seeds=min(pair.seeds for pair in pairs),
        )
    (pair,) = pairs
    outcome: Outcome = "inconclusive" if pair.outcome == "dead" else pair.outcome
    return Verdict(outcome, pair.text, _number(pair.effect.value), _interval(pair.effect), pair.seeds, measure)


def largest(results: Results, metric: str, tolerance: float, measure: str) -> Verdict:
    table = results.table
    values = table[metric].dropna() if metric in table else []
    if not len(values):
        return Verdict("not_run", f"No run has {metric}.")
    worst, seeds = float(np.max(values)), len(values)
    text = f"{measure} over {seeds} seeds: {worst:.2g} (tolerance {tolerance:g})."
    return Verdict("reproduced" if worst < tolerance else "contradicted", text, worst, None, seeds, measure)


def counts(pairs: Sequence[Pair]) -> str:
    counts = Counter(pair.outcome for pair in pairs)
    return (
        f"holds in {counts['reproduced']}, the opposite in {counts['contradicted']}, undecided in "
        f"{counts['inconclusive']}, neither method learns (or seeds are too few) in {counts['dead']} of {len(pairs)}"
    )


def share_of(share: Estimate) -> str:
    return f"{round(share.value * share.count) if share.count else 0} of {share.count}"


def show(estimate: Estimate) -> str:
    return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]"


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _interval(estimate: Estimate) -> tuple[float, float] | None:
    return (estimate.low, estimate.high) if np.isfinite((estimate.low, estimate.high)).all() else None
