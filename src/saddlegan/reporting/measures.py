"""Metrics: how tables and axes name each, and which way is better."""

from dataclasses import dataclass
from typing import Literal

ARROWS = {"lower": " ↓", "higher": " ↑", "one": " → 1", "none": ""}


@dataclass(frozen=True)
class Measure:
    """`better`: lower, higher, near one, or none (not judged)."""

    name: str
    better: Literal["lower", "higher", "one", "none"] = "lower"


MEASURES = {
    "w1": Measure("W1"),
    "w1_std": Measure("W1 / true std"),
    "ks": Measure("Kolmogorov-Smirnov"),
    "modes_covered": Measure("modes covered", "higher"),
    "converged": Measure("converged", "higher"),
    # Of images, in the order of the tables.
    "frechet": Measure("Fréchet distance"),
    "kernel_distance": Measure("kernel distance"),
    "classifier_score": Measure("classifier score", "higher"),
    "classes_covered": Measure("classes covered", "higher"),
    "class_kl": Measure("KL of classes"),
    "precision": Measure("precision", "higher"),
    "recall": Measure("recall", "higher"),
    "density": Measure("density", "higher"),
    "coverage": Measure("coverage", "higher"),
    "memorisation": Measure("memorisation", "one"),
    "parzen": Measure("Parzen log-likelihood, nats", "higher"),
}


def name_of(metric: str) -> str:
    """A metric as tables and axes write it."""
    return MEASURES[metric].name if metric in MEASURES else metric


def directed(metric: str) -> str:
    """The name and an arrow that says which way is better."""
    return name_of(metric) + (ARROWS[MEASURES[metric].better] if metric in MEASURES else "")


def higher_is_better(metric: str) -> bool:
    return metric in MEASURES and MEASURES[metric].better == "higher"
