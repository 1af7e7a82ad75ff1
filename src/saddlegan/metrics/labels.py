"""How often a generator of labels is wrong."""

import numpy as np
from jaxtyping import Float, Integer

from saddlegan.metrics.facts import metric


@metric("error rate", most=1.0)
def error_rate(probabilities: Float[np.ndarray, "n classes"], labels: Integer[np.ndarray, "n"]) -> float:
    """The share of images whose likeliest label is wrong, from 0 to 1."""
    return float((probabilities.argmax(1) != labels).mean()) if np.isfinite(probabilities).all() else float("nan")


@metric("error rate of samples", most=1.0)
def sample_error_rate(drawn: Integer[np.ndarray, "n"], labels: Integer[np.ndarray, "n"]) -> float:
    """The share of images for which a wrong label was drawn, from 0 to 1."""
    return float((drawn != labels).mean())


@metric("diverged", better="none", most=1.0, when="over")
def lost(error_rate: Float[np.ndarray, "evaluations seeds"]) -> Float[np.ndarray, "seeds"]:
    """1 where the error rate was not finite at any of these evaluations, else 0."""
    return (~np.isfinite(error_rate)).any(0).astype(float)
