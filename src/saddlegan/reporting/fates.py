"""What became of each setting beside its reference over the stops of training: worse to the end, or only before it."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from saddlegan.reporting import paired
from saddlegan.reporting.experiment import Experiment

WORSE, LATE, BETTER, LEVEL = "worse at the end", "worse before the end only", "better at the end", "no difference shown"
#: In this order: the first that fits is a setting's fate.
FATES = (WORSE, LATE, BETTER, LEVEL)


def fates(experiment: Experiment, metric: str | None = None, reference: str | None = None) -> pd.DataFrame:
    """A row per setting that has a reference: `setting`, `reference`, `fate`.

    Worse or better: by the signed-rank test of `paired.compare`, with Holm's correction over all settings and stops.
    """
    tests = [
        (setting, of, *paired.signed(*(experiment.values(name, metric, stop) for name in (setting, of)),
                                     higher_is_better=experiment.higher_is_better))
        for setting, of in experiment.pairs(reference).items() for stop in experiment.stops(setting)
    ]  # fmt: skip
    table = pd.DataFrame(tests, columns=["setting", "reference", "sign", "p"])
    table["sign"] *= paired.holm(table["p"].to_numpy(dtype=float)) < paired.SIGNIFICANT
    rows = [(*pair, _fate(list(rows["sign"]))) for pair, rows in table.groupby(["setting", "reference"], sort=False)]  # type: ignore[misc]
    return pd.DataFrame(rows, columns=["setting", "reference", "fate"])


def _fate(signs: Sequence[int]) -> str:
    """Of the outcomes at the stops, +1 worse, -1 better, in the order of time."""
    if signs[-1] > 0:
        return WORSE
    return LATE if max(signs) > 0 else BETTER if signs[-1] < 0 else LEVEL


def counted(rows: pd.DataFrame) -> str:
    """`30 settings: 7 worse at the end, 2 worse before the end only, 21 no difference shown`."""
    found = Counter(rows["fate"])
    named = ", ".join(f"{found[fate]} {fate}" for fate in FATES if found[fate])
    return f"{len(rows)} settings: {named}"
