"""Evidence: pairs of settings judged one by one, gathered into a `Verdict`. The rules themselves stand in `claims`."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from saddlegan.reporting.experiment import Experiment, floors_of
from saddlegan.reporting.ledger import Outcome, Statement, Verdict
from saddlegan.reporting.results import Results
from saddlegan.reporting.statistics import Estimate, share

OPPOSITES: tuple[Outcome, ...] = ("reproduced", "contradicted")
SHARE = "share of the settings (and stops) that can be judged in which the statement holds"
LEVEL = 0.5  # W1 in true stds below which a seed has learned the distribution
FEW = 6  # pairs that a verdict describes one by one
MINIMUM_SEEDS = 16  # common seeds below which a pair of settings decides nothing
LEAST_SEEDS = 3  # the same of images, judged by Student's intervals


class Undecided(Exception):
    """Why runs say nothing of a claim, as a sentence."""


@dataclass(frozen=True)
class Claim(Statement):
    """A statement that runs of `experiments` decide by a `rule`; `says`: {method: the source's own result}."""

    rule: Callable[[Results], Verdict]
    experiments: tuple[str, ...] = ()
    says: Mapping[str, str] = field(default_factory=dict)

    def decide(self, results: Results) -> Verdict:
        try:
            return self.rule(results)
        except Undecided as reason:
            return Verdict("inconclusive", str(reason))


@dataclass(frozen=True)
class Pair:
    """A method against gan, equal in all else, at one stop: the outcome and the effect. `say` forms the sentence,
    which takes longer than the judgement: it is called only where the sentence is shown."""

    outcome: Outcome | Literal["dead"]  # dead: there is nothing to judge
    effect: Estimate
    seeds: int
    say: Callable[[], str]
    setting: str
    stop: int

    @property
    def verdict(self) -> Outcome:
        """The outcome as a verdict: where there is nothing to judge, nothing is decided."""
        return "inconclusive" if self.outcome == "dead" else self.outcome


def outcome_of(seeds: int, *, failed: bool, held: bool, least: int = LEAST_SEEDS) -> Outcome:
    """The outcome of a rule that `failed`, or `held`, or neither: with fewer than `least` seeds it decides nothing."""
    if seeds < least:
        return "inconclusive"
    return "contradicted" if failed else "reproduced" if held else "inconclusive"


def ruled(
    effect: Estimate, text: str, measure: str, *, failed: bool, held: bool, seeds: int | None = None, lost: int = 0
) -> Verdict:
    """The verdict of a rule, as `outcome_of`, with the effect that it tells; `seeds` by default those of the effect.
    Where runs are `lost`, what the others show is not reproduced."""
    seeds = effect.count if seeds is None else seeds
    outcome = outcome_of(seeds, failed=failed, held=held and not lost)
    text += f" Diverged, and not in these numbers: {lost} runs." if lost else ""
    return Verdict(outcome, text, effect.value, (effect.low, effect.high), seeds, measure)


def lost(experiment: Experiment, *settings: str) -> int:
    """How many runs of some settings have diverged."""
    return sum(int(experiment.values(setting).isna().sum()) for setting in settings)


def only(settings: Sequence[str], of: str) -> str | None:
    """The one setting `of` a kind, None where there is none. Raises `Undecided` where there are several: which of them
    a claim is about is not known."""
    if len(settings) > 1:
        raise Undecided(f"{len(settings)} settings of {of}, where one is judged: {'; '.join(settings)}.")
    return settings[0] if settings else None


Judge = Callable[[Experiment, str, str, int], Pair]  # experiment, setting, reference, stop


def census(
    results: Results,
    names: Sequence[str],
    judge: Judge,
    measure: str,
    *,
    every_stop: bool = False,
    method: str = "primal_dual",
    data: str | None = None,
) -> Verdict:
    """Judge each pair of `method` and gan, of these `data` alone where they are named, in the first of the experiments
    `names` that has such pairs, at its last stop or at every stop.

    One pair: its outcome, effect and interval. Several: reproduced if the statement holds in more than half of the live
    ones, contradicted if it fails in more than half, else inconclusive; the effect is then the share in which it holds,
    a share of a grid and not of a sample, so without an interval.
    """
    pairs = next(filter(None, (_pairs(results, name, judge, every_stop, method, data) for name in names)), [])
    if not pairs:
        return Verdict("not_run", f"No pair of gan and {method} at equal settings in {' or '.join(names)}.")
    seeds = min(pair.seeds for pair in pairs)
    if len(pairs) == 1:
        (pair,) = pairs
        return Verdict(pair.verdict, pair.say(), _number(pair.effect.value), _interval(pair.effect), seeds, measure)
    outcomes = Counter(pair.outcome for pair in pairs)
    live = len(pairs) - outcomes["dead"]
    ahead: list[Outcome] = [what for what in OPPOSITES if outcomes[what] > live / 2]
    verdict: Outcome = ahead[0] if ahead else "inconclusive"
    held = outcomes["reproduced"] / live if live else None
    return Verdict(verdict, _account(pairs), held, None, seeds, SHARE)


def _pairs(results: Results, name: str, judge: Judge, every_stop: bool, method: str, data: str | None) -> list[Pair]:
    experiment = results.experiments.get(name)
    if experiment is None:
        return []
    ours = set(experiment.of_method(method, data))
    return [
        judge(experiment, setting, reference, stop)
        for setting, reference in experiment.pairs("gan").items()
        if setting in ours
        for stop in experiment.stops(setting)[0 if every_stop else -1 :]
    ]


def _account(pairs: Sequence[Pair]) -> str:
    """How many pairs went which way at each stop; of few pairs, each one's sentence too."""
    sentences = []
    for stop in sorted({pair.stop for pair in pairs}):
        at = [pair for pair in pairs if pair.stop == stop]
        count = Counter(pair.outcome for pair in at)
        dead = f", not to be judged in {count['dead']}" if count["dead"] else ""
        sentences.append(
            f"At {stop} iterations, of {len(at)} settings: it holds in {count['reproduced']}, it fails in "
            f"{count['contradicted']}, undecided in {count['inconclusive']}{dead}."
        )
    return " ".join(sentences + [f"{pair.setting}: {pair.say()}" for pair in pairs if len(pairs) <= FEW])


def learned(w1_std: pd.Series) -> Estimate:
    """The share of seeds whose W1 in true stds is below `LEVEL`; a diverged seed (NaN) is not."""
    return share(w1_std < LEVEL)


def share_of(seeds: Estimate) -> str:
    return f"{round(seeds.value * seeds.count) if seeds.count else 0} of {seeds.count}"


def floor_of(experiment: Experiment, setting: str, metric: str) -> str:
    """`, 1.2 of real data`: what follows a number of `setting`, where its runs measured real data too."""
    floor = floors_of(experiment.runs_of(setting)).get(metric)
    return "" if floor is None else f", {floor:.3g} of real data"


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _interval(estimate: Estimate) -> tuple[float, float] | None:
    return (estimate.low, estimate.high) if np.isfinite((estimate.low, estimate.high)).all() else None
