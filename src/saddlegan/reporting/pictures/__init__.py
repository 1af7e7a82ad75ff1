"""Pictures of an experiment: which settings are drawn, and their files read into the arrays that `figures` takes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from saddlegan import figures
from saddlegan.reporting.arrays import read_curves
from saddlegan.reporting.evidence import LEVEL
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.pictures.densities import draw_densities
from saddlegan.reporting.pictures.images import draw_images
from saddlegan.reporting.pictures.maps import draw_maps
from saddlegan.reporting.pictures.planes import draw_planes
from saddlegan.reporting.pictures.selection import Picture, drawn, representative
from saddlegan.reporting.pictures.spreads import draw_spread
from saddlegan.reporting.pictures.tables import draw_tables
from saddlegan.reporting.runs import Problem
from saddlegan.reporting.texts import through_training

#: The ends of the axis on which what methods show of themselves is drawn: a ratio may be 0, and have no logarithm.
WATCHED = (1e-3, 1e3)

__all__ = ["Picture", "draw", "representative"]


def draw(experiment: Experiment, folder: Path) -> tuple[list[Picture], list[str], list[Problem]]:
    """Write the pictures of `experiment` to `folder`; with them come texts, as blocks of Markdown, and files that could
    not be read."""
    chosen = representative(experiment)
    which = ""
    if len(chosen) < len(experiment.settings):
        which = f" {len(chosen)} of {len(experiment.settings)} settings: a reference, and with it from best to worst."
    stem = folder / "".join(c if c.isalnum() else "_" for c in experiment.name)
    toys, shown, problems = drawn(experiment, chosen)
    images = [one for one in shown if "images" in one.arrays]
    planes = [one for one in shown if "points" in one.arrays]
    pictures = [*draw_densities(toys, stem, which), *draw_planes(experiment, planes, stem, which)]
    pictures += draw_images(experiment, images, stem, which)
    pictures += _draw_training(experiment, chosen, stem, which, problems)
    pictures += _draw_watched(experiment, chosen, stem, which)
    pictures += [
        *draw_tables(experiment, shown, stem, which),
        *draw_maps(experiment, stem),
        *draw_spread(experiment, stem),
    ]
    return pictures, through_training(experiment, shown), problems


def _curves(experiment: Experiment, settings: list[str], metric: str) -> tuple[list[figures.Curve], list[Problem]]:
    """A curve per setting, of all its seeds."""
    curves, problems = [], []
    for setting in settings:
        read = [read_curves(run, metric) for run in experiment.runs_of(setting)]
        problems += [problem for problem in read if isinstance(problem, Problem)]
        if tables := [table for table in read if isinstance(table, pd.DataFrame)]:
            table = pd.concat(tables, axis=1).sort_index()
            curves.append(figures.Curve(setting, table.index.to_numpy(dtype=float), table.to_numpy(dtype=float).T))
    return curves, problems


def _draw_training(
    experiment: Experiment, chosen: list[str], stem: Path, which: str, problems: list[Problem]
) -> list[Picture]:
    """The headline metric through training, and the level that it is to reach where there is one."""
    curves, unread = _curves(experiment, chosen, experiment.metric)
    problems += unread
    if not curves:
        return []
    level, dotted = experiment.floors.get(experiment.metric), " Dotted: real data."
    if experiment.metric == "w1_std":
        level, dotted = LEVEL, " Dotted: the level of convergence."
    name = experiment.about(experiment.metric).name
    path = figures.save_png(figures.training_figure(curves, name, level), stem.with_name(f"{stem.name}-training.png"))
    return [Picture(path, f"{name} through training.{dotted if level else ''}{which}")]


def _draw_watched(experiment: Experiment, chosen: list[str], stem: Path, which: str) -> list[Picture]:
    """What methods show of themselves through training, each for the settings that have it."""
    pictures = []
    for metric in experiment.watched:
        having = [setting for setting in chosen if experiment.values(setting, metric).gt(0).any()]
        curves, _ = _curves(experiment, having, metric)
        if curves:
            shown = [replace(curve, values=np.clip(curve.values, *WATCHED)) for curve in curves]
            name, path = experiment.about(metric).name, stem.with_name(f"{stem.name}-{metric}.png")
            figures.save_png(figures.training_figure(shown, name), path)
            ends = f"{WATCHED[0]:g} stands for that and less, {WATCHED[1]:g} for that and more"
            pictures.append(Picture(path, f"{name}, through training; {ends}.{which}"))
    return pictures
