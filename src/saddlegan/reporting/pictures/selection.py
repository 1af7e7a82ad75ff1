"""Which settings of an experiment are drawn, and the arrays that their runs left."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from saddlegan.reporting.arrays import KINDS, Arrays, read_samples
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.runs import Problem, Run

MOST = 6  # panels, and lines through training


@dataclass(frozen=True)
class Picture:
    """A PNG or GIF file and the sentence below it."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Shown:
    """What a run of images or in the plane left, of one of the `seeds` of its setting; `data`: the choice of it; `row`:
    that of the seed among those of the run; `cut`: whether the run kept the samples of its first seeds alone."""

    setting: str
    seed: int
    seeds: int
    data: str
    arrays: Arrays
    row: int = 0
    cut: bool = False


def representative(experiment: Experiment) -> list[str]:
    """All settings where there are few; else the reference that most settings are compared with, of those the one with
    the best median, and, of the settings compared with it, five from the best ratio to the worst, evenly spaced in
    rank. Where at most one is compared with it, others make up the number in the same way."""
    settings = list(experiment.settings)
    if len(settings) <= MOST:
        return settings
    sign = -1 if experiment.higher_is_better else 1
    medians = {setting: sign * experiment.values(setting).fillna(sign * np.inf).median() for setting in settings}
    pairs = experiment.pairs()
    compared = Counter(pairs.values())
    first = min(compared or settings, key=lambda s: (-compared[s], medians[s], settings.index(s)))
    others = spaced([s for s in settings if pairs.get(s) == first], MOST - 1, medians)
    rest = [s for s in settings if s not in (first, *others)] if len(others) < 2 else []
    return [first, *others, *spaced(rest, MOST - 1 - len(others), medians)]


def spaced(settings: Sequence[str], count: int, medians: Mapping[str, float]) -> list[str]:
    """At most so many of the settings, from the best median to the worst, evenly spaced in rank."""
    ranked = sorted(settings, key=medians.__getitem__)
    if not ranked or count < 1:
        return []
    ranks = np.unique(np.linspace(0, len(ranked) - 1, count).round().astype(int))
    return [ranked[rank] for rank in ranks]


def drawn(
    experiment: Experiment, settings: Sequence[str]
) -> tuple[dict[str, dict[str, list[Arrays]]], list[Shown], list[Problem]]:
    """{data: {setting: samples of all its runs}} on the line; for other data those of the median seed of each setting,
    or of the one nearest to it that can be read; problems."""
    toys: dict[str, dict[str, list[Arrays]]] = {}
    images: list[Shown] = []
    problems: list[Problem] = []
    for setting in settings:
        read: dict[str, Arrays | Problem] = {}
        for run, row in from_the_median(experiment, setting):
            first = run.name not in read
            arrays = read.setdefault(run.name, read_samples(run) if first else {})
            data = str(run.choices.get("data"))
            if isinstance(arrays, Problem):
                problems += [arrays] * first
            elif not {"images", *KINDS} & arrays.keys():
                if first:
                    toys.setdefault(data, {}).setdefault(setting, []).append(arrays)
            elif row < (kept := len(arrays.get("points", [0]))):
                seeds, cut = experiment.values(setting).size, kept < len(run.seeds)
                images.append(Shown(setting, run.seeds[row], seeds, data, arrays, row, cut))
                break
    return toys, images, problems


def seeds_shown(experiment: Experiment, shown: Sequence[Shown]) -> str:
    """Which seeds are shown, where a setting has several."""
    most = max(one.seeds for one in shown)
    if most == 1:
        return ""
    seeds = ", ".join(str(one.seed) for one in shown)
    metric = experiment.about(experiment.metric).name
    named = f"seed {seeds}" if len(shown) == 1 else f"seeds {seeds}"
    nearest = ", or the nearest one of those that are kept" if any(one.cut for one in shown) else ""
    return f" Shown: {named}, of each setting the one with the median {metric} of {most}{nearest}."


def from_the_median(experiment: Experiment, setting: str) -> list[tuple[Run, int]]:
    """Every seed of `setting` as its run and its place there, first the one whose headline metric is the median, then
    those beside it in rank.

    Of an even number the better one of the two in the middle comes first; seeds that have diverged are the worst.
    """
    sign = -1 if experiment.higher_is_better else 1
    values = (sign * experiment.values(setting)).fillna(np.inf).to_dict()
    seeds = {seed: (run, row) for run in experiment.runs_of(setting)[::-1] for row, seed in enumerate(run.seeds)}
    ranked = sorted(sorted(seeds), key=lambda seed: values.get(seed, np.inf))
    middle = (len(ranked) - 1) // 2
    return [seeds[seed] for seed in sorted(ranked, key=lambda seed: abs(ranked.index(seed) - middle))]
