"""Distances between the shares of outcomes of a small discrete space, and how well a policy gradient is estimated
there. All have a first axis of seeds."""

import numpy as np
from jaxtyping import Float
from scipy.special import rel_entr

from saddlegan.metrics.facts import metric

Shares = Float[np.ndarray, "seeds outcomes"]
PerSeed = Float[np.ndarray, "seeds"]


@metric("total variation", most=1.0)
def outcome_variation(shares: Shares, probabilities: Float[np.ndarray, "outcomes"]) -> PerSeed:
    """Half of the sum of |q(x) - p(x)| over outcomes, from 0 to 1: lower is better."""
    return 0.5 * np.abs(shares - probabilities).sum(-1)


@metric("KL(p|q)")
def outcome_kl(shares: Shares, probabilities: Float[np.ndarray, "outcomes"]) -> PerSeed:
    """KL(p | q) of the data's probabilities p from the shares q, in nats: lower is better."""
    return rel_entr(probabilities, shares).sum(-1)


@metric("KL(q|p)")
def outcome_reverse_kl(shares: Shares, probabilities: Float[np.ndarray, "outcomes"]) -> PerSeed:
    """KL(q | p) of the shares q from the data's probabilities p, in nats: lower is better."""
    return rel_entr(shares, probabilities).sum(-1)


@metric(
    gives={
        "bias_normalised": {"name": "bias, normalised weights"},
        "bias_basic": {"name": "bias, basic weights"},
        "bias_reinforce": {"name": "bias, REINFORCE"},
        "noise_normalised": {"name": "noise, normalised weights"},
        "noise_basic": {"name": "noise, basic weights"},
        "noise_reinforce": {"name": "noise, REINFORCE"},
    }
)
def gradient(
    estimates: Float[np.ndarray, "estimators repeats seeds numbers"],
    exact: Float[np.ndarray, "estimators seeds numbers"],
) -> dict[str, PerSeed]:
    """How far estimates of a gradient lie from the exact one on average, its bias, and how far they spread around their
    mean (root mean square), its noise, both over the norm of the exact one: lower is better.

    From the square of the bias the part that the spread of a mean of so many repeats makes is taken, down to 0.
    """
    repeats, norm = estimates.shape[1], np.linalg.norm(exact, axis=-1)
    spread = estimates.var(1, ddof=1).sum(-1)
    away = ((estimates.mean(1) - exact) ** 2).sum(-1) - spread / repeats
    bias, noise = np.sqrt(np.maximum(away, 0.0)) / norm, np.sqrt(spread) / norm
    names = ("normalised", "basic", "reinforce")
    found = {f"bias_{name}": values for name, values in zip(names, bias, strict=True)}
    return found | {f"noise_{name}": values for name, values in zip(names, noise, strict=True)}


@metric("diverged", better="none", most=1.0, when="over")
def lost(outcome_variation: Float[np.ndarray, "evaluations seeds"]) -> PerSeed:
    """1 where the total variation was not finite at any of these evaluations, else 0."""
    return (~np.isfinite(outcome_variation)).any(0).astype(float)
