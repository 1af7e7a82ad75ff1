"""Pictures of an experiment: which settings are drawn, and their files read into the arrays that `figures` takes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from saddlegan import figures
from saddlegan.reporting import settings as naming
from saddlegan.reporting import statistics
from saddlegan.reporting.evidence import LEVEL
from saddlegan.reporting.results import Experiment
from saddlegan.reporting.runs import Problem, Run, read_curves, read_samples
from saddlegan.reporting.tables import name_of

T = TypeVar("T")
MOST = 6  # panels of densities, and lines through training


@dataclass(frozen=True)
class Picture:
    """A PNG file and the sentence below it."""

    path: Path
    caption: str


def draw(experiment: Experiment, folder: Path) -> tuple[list[Picture], list[Problem]]:
    """Write the pictures of `experiment` to `folder`; files that could not be read come back as problems."""
    problems: list[Problem] = []
    chosen = representative(experiment)
    which = ""
    if len(chosen) < len(experiment.settings):
        which = f" {len(chosen)} of {len(experiment.settings)} settings: a reference, and with it from best to worst."
    prefix = "".join(c if c.isalnum() else "_" for c in experiment.name)
    pictures = []
    if panels := _kept(problems, (_density_panel(experiment, setting) for setting in chosen)):
        path = figures.save_png(figures.density_figure(panels), folder / f"{prefix}-density.png")
        caption = (
            "Generated (blue: the histogram pools all seeds, the lines above it are single seeds) against true (black);"
            f" orange: D(x), median and quartiles.{which}"
        )
        pictures.append(Picture(path, caption))
    if curves := _kept(problems, (_curve(experiment, setting) for setting in chosen)):
        level = LEVEL if experiment.metric == "w1_std" else None
        figure = figures.training_figure(curves, name_of(experiment.metric), level)
        path = figures.save_png(figure, folder / f"{prefix}-training.png")
        dotted = " Dotted: the level of convergence." if level else ""
        pictures.append(Picture(path, f"{name_of(experiment.metric)} through training.{dotted}{which}"))
    return pictures + list(_maps(experiment, folder, prefix)), problems


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


def _runs(experiment: Experiment, setting: str) -> list[Run]:
    names = set(experiment.table.loc[experiment.table["setting"] == setting, "run"])
    return [run for run in experiment.runs if run.name in names]


def _curve(experiment: Experiment, setting: str) -> figures.Curve | list[Problem]:
    read = [read_curves(run, experiment.metric) for run in _runs(experiment, setting)]
    tables = [table for table in read if isinstance(table, pd.DataFrame)]
    if not tables:
        return [problem for problem in read if isinstance(problem, Problem)]
    table = pd.concat(tables, axis=1).sort_index()
    return figures.Curve(setting, table.index.to_numpy(dtype=float), table.to_numpy(dtype=float).T)


def _density_panel(experiment: Experiment, setting: str) -> figures.DensityPanel | list[Problem]:
    read = [read_samples(run) for run in _runs(experiment, setting)]
    files = [arrays for arrays in read if isinstance(arrays, dict)]
    if not files:
        return [problem for problem in read if isinstance(problem, Problem)]
    first = files[0]
    curves = [
        a["discriminator"] for a in files if "discriminator" in a and np.array_equal(a["support"], first["support"])
    ]
    return figures.DensityPanel(
        title=setting,
        samples=np.concatenate([a["samples"] for a in files if a["samples"].shape[1] == first["samples"].shape[1]]),
        support=first["support"],
        density=first.get("density"),
        atoms=first.get("atoms"),
        discriminator=np.concatenate(curves) if curves else None,
    )


def _kept(problems: list[Problem], items: Iterable[T | list[Problem]]) -> list[T]:
    kept = []
    for item in items:
        problems.extend(item) if isinstance(item, list) else kept.append(item)
    return kept


def _maps(experiment: Experiment, folder: Path, prefix: str) -> Iterable[Picture]:
    """A map for each stop, where the experiment names its axes and the runs vary along them."""
    axes = experiment.map
    if not axes or not {axes.get("x"), axes.get("y")} <= set(experiment.keys):
        return
    pairs = experiment.pairs()
    against = f"ratio to {experiment.reference}, all else equal" if pairs else "median over seeds"
    for stop in sorted(set(experiment.table["stop"])):
        panels = _panels(experiment, axes, pairs, stop)
        if not panels:
            continue
        title = f"{name_of(experiment.metric)} at {stop} iterations: {against}"
        x, y = (axes[axis].split(".")[-1] for axis in ("x", "y"))
        figure = figures.heatmap_figure(
            panels, x, y, title, ratio=bool(pairs), higher_is_better=experiment.higher_is_better
        )
        path = figures.save_png(figure, folder / f"{prefix}-map-{stop}.png")
        better = " Blue: better than the reference; orange: worse." if pairs else ""
        yield Picture(path, f"{title}.{better} div.: every seed diverged.")


def _panels(
    experiment: Experiment, axes: Mapping[str, str], pairs: Mapping[str, str], stop: int
) -> list[figures.Heatmap]:
    """One panel for each combination of the varying keys that are not an axis."""
    methods = {
        values["method"] for values in experiment.settings.values() if axes["x"] in values and axes["y"] in values
    }
    outer = [key for key in experiment.keys if key not in axes.values() and (key != "method" or len(methods) > 1)]
    panels: dict[str, dict[tuple[Any, Any], float]] = {}
    for setting, values in experiment.settings.items():
        if None in (x := values.get(axes["x"]), y := values.get(axes["y"])):
            continue
        ours = experiment.values(setting, stop=stop)
        if ours.size and ours.isna().all():
            cell = np.nan if experiment.higher_is_better else np.inf
        elif pairs:
            cell = statistics.ratio(ours, experiment.values(pairs[setting], stop=stop)) if setting in pairs else np.nan
        else:
            cell = float(ours.median())
        panels.setdefault(naming.label(values, outer), {})[x, y] = cell
    return [_heatmap(title, cells) for title, cells in panels.items()]


def _heatmap(title: str, cells: Mapping[tuple[Any, Any], float]) -> figures.Heatmap:
    xs, ys = (sorted({key[axis] for key in cells}) for axis in (0, 1))
    values = np.array([[cells.get((x, y), np.nan) for x in xs] for y in ys])
    return figures.Heatmap(title, xs, ys, values)
