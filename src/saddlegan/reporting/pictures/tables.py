"""Picture of small tables of discrete values: the share of each outcome beside its probability."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from saddlegan.figures import save_png
from saddlegan.figures.tables import shares_figure
from saddlegan.reporting.arrays import read_samples
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.pictures.selection import Picture, Shown

CAPTION = (
    "The share of each outcome among a generator's samples, known but for the choice of latents: median over seeds, "
    "bars to the quartiles; grey, the data's probabilities."
)


def draw_tables(experiment: Experiment, shown: Sequence[Shown], stem: Path, which: str) -> list[Picture]:
    """One picture, with a panel per setting; none where there is no such run."""
    tables = [one for one in shown if "shares" in one.arrays]
    alike = [one for one in tables if one.arrays["shares"].shape[1] == tables[0].arrays["shares"].shape[1]]
    if not alike:
        return []
    shares = {}
    for one in alike:
        read = [read_samples(run) for run in experiment.runs_of(one.setting)]
        shares[one.setting] = np.concatenate([arrays["shares"] for arrays in read if isinstance(arrays, dict)])
    first = alike[0].arrays
    figure = shares_figure(shares, first["probabilities"], [str(name) for name in first["names"]])
    return [Picture(save_png(figure, stem.with_name(f"{stem.name}-shares.png")), CAPTION + which)]
