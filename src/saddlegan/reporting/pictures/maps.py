"""Maps of the headline metric over two settings, at the end and through training."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from saddlegan import figures
from saddlegan.reporting import paired
from saddlegan.reporting import settings as naming
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.pictures.selection import Picture


def draw_maps(experiment: Experiment, stem: Path) -> Iterable[Picture]:
    """A map at the end and, where runs are compared at several stops, one through training, where the experiment names
    its axes and the runs vary along them."""
    axes = experiment.map
    if not axes or not {axes.get("x"), axes.get("y")} <= set(experiment.keys):
        return
    pairs = experiment.pairs()
    *before, end = stops = sorted(set(experiment.table["stop"]))
    panels = {stop: _panels(experiment, axes, pairs, stop) for stop in stops}
    name, (x, y) = experiment.about(experiment.metric).name, (axes[axis].split(".")[-1] for axis in ("x", "y"))
    better = " Blue: better than the reference; orange: worse." if pairs else ""
    if pairs and before and len({len(each) for each in panels.values()}) == 1:
        title = f"{name} through training: ratio to {experiment.reference}, all else equal"
        rows = list(zip(*panels.values(), strict=True))
        figure = figures.timeline_figure(rows, stops, x, y, title, higher_is_better=experiment.higher_is_better)
        yield Picture(figures.save_png(figure, stem.with_name(f"{stem.name}-timeline.png")), f"{title}.{better}")
    if panels[end]:
        against = f"ratio to {experiment.reference}, all else equal" if pairs else "median over seeds"
        title = f"{name} at {end} iterations: {against}"
        figure = figures.heatmap_figure(
            panels[end], x, y, title, ratio=bool(pairs), higher_is_better=experiment.higher_is_better
        )
        path = figures.save_png(figure, stem.with_name(f"{stem.name}-map.png"))
        yield Picture(path, f"{title}.{better} div.: every seed diverged.{_scales(experiment)}")


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
            cell = np.inf
        elif pairs:
            cell = paired.ratio(ours, experiment.values(pairs[setting], stop=stop)) if setting in pairs else np.nan
        else:
            cell = float(ours.median())
        panels.setdefault(naming.label(values, outer), {})[x, y] = cell
    return [_heatmap(title, cells) for title, cells in panels.items()]


def _heatmap(title: str, cells: Mapping[tuple[Any, Any], float]) -> figures.Heatmap:
    xs, ys = (sorted({key[axis] for key in cells}) for axis in (0, 1))
    values = np.array([[cells.get((x, y), np.nan) for x in xs] for y in ys])
    return figures.Heatmap(title, xs, ys, values)


def _scales(experiment: Experiment) -> str:
    """The distances between real images, by which a sigma is large or small, where the runs recorded them."""
    recorded = next((scales for run in experiment.runs if (scales := run.result.scales)), {})
    found = []
    for space in ("pixels", "features"):
        near, median = (recorded.get(f"{which}_distance_{space}") for which in ("nearest", "median"))
        if isinstance(near, int | float) and isinstance(median, int | float):
            found.append(f"{near:.3g} from the nearest and {median:.3g} in the median ({space})")
    return f" Real images lie {', '.join(found)} apart." if found else ""
