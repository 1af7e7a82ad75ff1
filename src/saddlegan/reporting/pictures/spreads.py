"""Picture of a search: the distribution over the settings of each method, and what a budget of settings buys."""

from pathlib import Path

from saddlegan import figures
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.pictures.selection import Picture
from saddlegan.reporting.spread import budgets, searched


def draw_spread(experiment: Experiment, stem: Path) -> list[Picture]:
    """One picture, where the experiment is a search."""
    found = searched(experiment)
    if not found:
        return []
    name, floor = experiment.about(experiment.metric).name, experiment.floors.get(experiment.metric)
    best = {method: budgets(values) for method, values in found.items()}
    figure = figures.spread_figure(found, best, name, floor)
    caption = (
        f"{name} of every setting of each method (left; a bar at the median, without those that diverged), and the"
        " median of the best of so many settings drawn from these (right)."
    )
    caption += " Dotted: real data." if floor else ""
    return [Picture(figures.save_png(figure, stem.with_name(f"{stem.name}-spread.png")), caption)]
