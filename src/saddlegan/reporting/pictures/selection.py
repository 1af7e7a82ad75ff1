"""Which settings of an experiment are drawn, and the arrays that their runs left."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from saddlegan.reporting.arrays import Arrays, read_samples
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
    that of the seed among those of the run."""

    setting: str
    seed: int
    seeds: int
    data: str
    arrays: Arrays
    row: int = 0


def representative(experiment: Experiment) -> list[str]:
    """All settings where there are few; else the reference with the best median and, of the settings compared with it,
    five from the best ratio to the worst, evenly spaced in rank."""
    settings = list(experiment.settings)
    if len(settings) <= MOST:
        return settings
    sign = -1 if experiment.higher_is_better else 1
    medians = {setting: sign * experiment.values(setting).fillna(sign * np.inf).median() for setting in settings}
    pairs = experiment.pairs()
    first = min(set(pairs.values()) or settings, key=lambda s: (medians[s], settings.index(s)))
    others = [s for s in settings if pairs.get(s) == first or (not pairs and s != first)]
    others.sort(key=medians.__getitem__)
    ranks = np.unique(np.linspace(0, len(others) - 1, MOST - 1).round().astype(int)) if others else []
    return [first, *(others[rank] for rank in ranks)]


def drawn(
    experiment: Experiment, settings: Sequence[str]
) -> tuple[dict[str, dict[str, list[Arrays]]], list[Shown], list[Problem]]:
    """{data: {setting: samples of all its runs}} on the line; for images and the plane those of the median seed of each
    setting, or of the one nearest to it that can be read; problems."""
    toys: dict[str, dict[str, list[Arrays]]] = {}
    images: list[Shown] = []
    problems: list[Problem] = []
    for setting in settings:
        for run in from_the_median(experiment, setting):
            arrays, data = read_samples(run), str(run.choices.get("data"))
            if isinstance(arrays, Problem):
                problems.append(arrays)
            elif "images" in arrays or "points" in arrays:
                seeds = experiment.values(setting)
                row = _median_row(experiment, setting, run.seeds[: len(arrays.get("points", [0]))])
                images.append(Shown(setting, run.seeds[row], seeds.size, data, arrays, row))
                break
            else:
                toys.setdefault(data, {}).setdefault(setting, []).append(arrays)
    return toys, images, problems


def _median_row(experiment: Experiment, setting: str, seeds: Sequence[int]) -> int:
    """Which of a run's seeds has the median headline; of an even number the better one of the two in the middle."""
    sign = -1 if experiment.higher_is_better else 1
    values = sign * experiment.values(setting).reindex(seeds).fillna(sign * np.inf)
    return int(np.argsort(values.to_numpy(), kind="stable")[(len(values) - 1) // 2])


def seeds_shown(experiment: Experiment, shown: Sequence[Shown]) -> str:
    """Which seeds are shown, where a setting has several."""
    most = max(one.seeds for one in shown)
    if most == 1:
        return ""
    seeds = ", ".join(str(one.seed) for one in shown)
    metric = experiment.about(experiment.metric).name
    return f" Shown: seed {seeds}, of each setting the one with the median {metric} of {most}."


def from_the_median(experiment: Experiment, setting: str) -> list[Run]:
    """The runs of `setting`, first the one whose headline metric is the median of them, then those beside it in rank.

    Of an even number the better one of the two in the middle comes first; runs that have diverged are the worst.
    """
    sign = -1 if experiment.higher_is_better else 1
    values = sign * experiment.values(setting).fillna(sign * np.inf)
    runs = sorted(experiment.runs_of(setting), key=lambda run: min(run.seeds, default=0))
    ranked = sorted(runs, key=lambda run: values.reindex(run.seeds).median())
    middle = (len(ranked) - 1) // 2
    return sorted(ranked, key=lambda run: abs(ranked.index(run) - middle))
