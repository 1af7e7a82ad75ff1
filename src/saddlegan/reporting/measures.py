"""Metrics: how tables and axes name each, and which way is better."""

import math
from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

from saddlegan.reporting import statistics
from saddlegan.reporting.statistics import Estimate

ARROWS = {"lower": " ↓", "higher": " ↑", "one": " → 1", "none": ""}


@dataclass(frozen=True)
class Measure:
    """`better`: lower, higher, near one, or none (not judged); `least` and `most`: the ends of its range; `watched`: a
    method's own (`AdversarialModule.watch`), drawn through training.

    The mean of a metric has an interval inside of that range, see `average`.
    """

    name: str
    better: Literal["lower", "higher", "one", "none"] = "lower"
    least: float = 0.0
    most: float = math.inf
    watched: bool = False


MEASURES = {
    "w1": Measure("W1"),
    "w1_std": Measure("W1 / true std"),
    "mean_error": Measure("error of the mean", "none", -math.inf),
    "std_ratio": Measure("std / true std", "one"),
    "ks": Measure("Kolmogorov-Smirnov", most=1),
    "modes_covered": Measure("modes covered", "higher"),
    "oscillation": Measure("oscillation of the mean"),
    "converged": Measure("converged", "higher", most=1),
    "discriminator_error": Measure("mean |D - D*|"),
    "generator_loss": Measure("generator's loss", "none", -math.inf),
    "discriminator_loss": Measure("discriminator's loss", "none", -math.inf),
    "pull_ratio": Measure("gradient of the second term / of the first", "none", watched=True),
    # Of images, in the order of the tables.
    "frechet": Measure("Fréchet distance"),
    "kernel_distance": Measure("kernel distance", least=-math.inf),
    "classifier_score": Measure("classifier score", "higher", 1, 10),
    "classes_covered": Measure("classes covered", "higher", 0, 10),
    "class_kl": Measure("KL of classes", most=math.log(10)),
    "precision": Measure("precision", "higher", 0, 1),
    "recall": Measure("recall", "higher", 0, 1),
    "density": Measure("density", "higher"),
    "coverage": Measure("coverage", "higher", 0, 1),
    "memorisation": Measure("memorisation", "one"),
    "parzen": Measure("Parzen log-likelihood, nats", "higher", -math.inf),
}


def name_of(metric: str) -> str:
    """A metric as tables and axes write it."""
    return MEASURES[metric].name if metric in MEASURES else metric


def directed(metric: str) -> str:
    """The name and an arrow that says which way is better."""
    return name_of(metric) + (ARROWS[MEASURES[metric].better] if metric in MEASURES else "")


def higher_is_better(metric: str) -> bool:
    return metric in MEASURES and MEASURES[metric].better == "higher"


def average(metric: str, values: ArrayLike) -> Estimate:
    """`statistics.average` of values of this metric, one per seed, with an interval inside of its range; of a metric
    that `MEASURES` does not know, anywhere."""
    measure = MEASURES.get(metric, Measure(metric, "none", -math.inf))
    return statistics.average(values, measure.least, measure.most)
