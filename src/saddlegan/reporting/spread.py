"""What a budget buys: the distribution of a metric over the settings of each method, and not only over seeds."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.tables import markdown

#: Methods, and settings of each, from which on an experiment is a search whose distribution is told.
METHODS, SETTINGS = 3, 5


def by_method(experiment: Experiment, metric: str | None = None) -> dict[str, list[float]]:
    """`metric` (default: the headline) of each setting, mean over its seeds, from the best to the worst, by method; of
    a setting with a seed that diverged the worst value there is."""
    worst = -math.inf if experiment.higher_is_better else math.inf
    found: dict[str, list[float]] = {}
    for name, setting in experiment.settings.items():
        values = experiment.values(name, metric)
        lost = values.isna().any() or values.empty
        found.setdefault(str(setting["method"]), []).append(worst if lost else float(values.mean()))
    return {method: sorted(values, reverse=experiment.higher_is_better) for method, values in found.items()}


def best_of(count: int, of: int) -> NDArray[np.float64]:
    """How likely each of `of` settings, best first, is the best of `count` that are drawn without replacement."""
    return np.array([math.comb(of - 1 - place, count - 1) for place in range(of)]) / math.comb(of, count)


def budgets(values: Sequence[float]) -> NDArray[np.float64]:
    """(n,): the median of the best of 1, 2, ... n settings that are drawn from these n, ordered from the best on."""
    sizes = range(1, len(values) + 1)
    places = [int(np.searchsorted(np.cumsum(best_of(size, len(values))), 0.5 - 1e-12)) for size in sizes]
    return np.array(values, dtype=float)[places]


def ranked(values: Sequence[float], share: float) -> float:
    """The value that at least this share of the settings reach, of values that are ordered, best first: at 1/2 the
    median, of an even number the better one of the two in the middle."""
    return values[max(math.ceil(share * len(values)) - 1, 0)]


def searched(experiment: Experiment) -> dict[str, list[float]]:
    """`by_method` of an experiment that is a search: of several methods, with several settings each; else nothing."""
    found = by_method(experiment)
    enough = len(found) >= METHODS and min(map(len, found.values())) >= SETTINGS
    return found if enough else {}


def spread_table(found: Mapping[str, Sequence[float]], says: Mapping[str, str]) -> str:
    """Of each method its settings: how many, how many diverged, the best, the quartiles and the worst; beside them,
    where there is anything, what the source says."""
    rows = []
    for method, values in found.items():
        at = [values[0], *(ranked(values, share) for share in (0.25, 0.5, 0.75)), values[-1]]
        shown = [f"{value:.3g}" if math.isfinite(value) else "diverged" for value in at]
        told = [says.get(method, "–")] if says else []
        rows.append([method, str(len(values)), str(sum(not math.isfinite(value) for value in values)), *shown, *told])
    headers = ["method", "settings", "diverged", "best", "first quarter", "median", "last quarter", "worst"]
    return markdown([*headers, "the source"] if says else headers, rows)
