"""Pictures of toys, for each data set: what seeds have learned against the true density, and the discriminators."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from saddlegan import figures
from saddlegan.reporting.arrays import Arrays
from saddlegan.reporting.pictures.selection import Picture

LEARNED = (
    "What is generated (blue: a thin line per seed, the median, and a band between the quartiles over seeds) against"
    " the truth (black), on the same axes."
)
JUDGED = "D(x) at the end of training."


def draw_densities(toys: Mapping[str, Mapping[str, Sequence[Arrays]]], stem: Path, which: str) -> list[Picture]:
    """Two figures for each data set of `{data: {setting: arrays of its runs}}`."""
    pictures = []
    for data, settings in toys.items():
        name, of = (f"{stem.name}-{data}", f" Data: {data}.") if len(toys) > 1 else (stem.name, "")
        learned = figures.density_figure([_panel(setting, files) for setting, files in settings.items()])
        path = figures.save_png(learned, stem.with_name(f"{name}-density.png"))
        pictures.append(Picture(path, LEARNED + of + which))
        if judged := [curve for setting, files in settings.items() if (curve := _discriminator(setting, files))]:
            path = figures.save_png(figures.discriminator_figure(judged), stem.with_name(f"{name}-discriminator.png"))
            pictures.append(Picture(path, JUDGED + of + which))
    return pictures


def _panel(setting: str, files: Sequence[Arrays]) -> figures.DensityPanel:
    first = files[0]
    return figures.DensityPanel(
        title=setting,
        samples=np.concatenate([a["samples"] for a in files if a["samples"].shape[1] == first["samples"].shape[1]]),
        support=first["support"],
        density=first.get("density"),
        atoms=first.get("atoms"),
    )


def _discriminator(setting: str, files: Sequence[Arrays]) -> figures.Curve | None:
    support = files[0]["support"]
    same = [a["discriminator"] for a in files if "discriminator" in a and np.array_equal(a["support"], support)]
    return figures.Curve(setting, support, np.concatenate(same)) if same else None
