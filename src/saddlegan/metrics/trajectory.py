"""What a metric did over training: means over the last fifth, oscillation, convergence."""

import numpy as np
from jaxtyping import Bool, Float, Int

from saddlegan.metrics.facts import metric

#: A seed has converged when its W1, averaged over the last fifth of training, is below this many units of the data.
CONVERGED_BELOW = 0.5


def last_fifth(iterations: Int[np.ndarray, "evaluations"], stop: int) -> Bool[np.ndarray, "evaluations"]:
    """Which evaluations lie in the last fifth of the first `stop` iterations, `stop` itself included."""
    return (iterations > 0.8 * stop) & (iterations <= stop)


@metric("oscillation of the mean", when="over")
def oscillation(mean_error: Float[np.ndarray, "evaluations seeds"]) -> Float[np.ndarray, "seeds"]:
    """Standard deviation over time of the generated mean (lower is better, data units); NaN for one evaluation."""
    return mean_error.std(0) if len(mean_error) > 1 else np.full(mean_error.shape[1:], np.nan)


@metric("converged", better="higher", most=1.0, when="over")
def converged(w1: Float[np.ndarray, "evaluations seeds"], unit: float) -> Float[np.ndarray, "seeds"]:
    """1 where the mean of W1 over these evaluations is below `CONVERGED_BELOW * unit`, else 0 (also for NaN).

    NaN for one evaluation, which shows where a seed is and not that it stays there.
    """
    if len(w1) < 2:
        return np.full(w1.shape[1:], np.nan)
    return (w1.mean(0) < CONVERGED_BELOW * unit).astype(float)


@metric("diverged", better="none", most=1.0, when="over")
def diverged(w1: Float[np.ndarray, "evaluations seeds"], limit: float) -> Float[np.ndarray, "seeds"]:
    """1 where W1 was not finite, or above `limit`, at any of these evaluations, else 0."""
    return (~(w1 <= limit)).any(0).astype(float)


@metric("diverged", better="none", most=1.0, when="over")
def lost(frechet: Float[np.ndarray, "evaluations seeds"]) -> Float[np.ndarray, "seeds"]:
    """1 where the Fréchet distance was not finite at any of these evaluations, else 0."""
    return (~np.isfinite(frechet)).any(0).astype(float)
