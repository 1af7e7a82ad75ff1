"""Which objective is the best one, given a budget of settings: Lucic et al. (2018), arXiv:1711.10337."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from saddlegan.reporting.evidence import Claim
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.ledger import Outcome, Verdict
from saddlegan.reporting.results import Results

STANDARD = "gan_non_saturating"
#: Settings of a method below which nothing is decided.
FEWEST = 6
#: How likely the best of a method's settings must be the better one.
SURE = 0.975
#: Published on MNIST: Fréchet distance in the features of Inception, of the best of 100 settings.
EQUAL_SAYS = {
    "gan": "9.8 ± 0.9",
    "gan_non_saturating": "6.8 ± 0.5",
    "lsgan": "7.8 ± 0.6",
    "wgan": "6.7 ± 0.4",
    "wgan_gp": "20.3 ± 5.0",
    "dragan": "7.6 ± 0.4",
    "began": "13.1 ± 1.0",
}


def by_method(experiment: Experiment) -> dict[str, list[float]]:
    """The headline of each setting (mean over its seeds), from the best to the worst, by method; one with a seed that
    diverged is infinite."""
    found: dict[str, list[float]] = {}
    for name, setting in experiment.settings.items():
        values = experiment.values(name)
        found.setdefault(str(setting["method"]), []).append(
            math.inf if values.isna().any() or values.empty else float(values.mean())
        )
    return {method: sorted(values) for method, values in found.items()}


def best_of(values: Sequence[float], count: int) -> Mapping[float, float]:
    """{the best of `count` of these settings, drawn without replacement: how likely it is}; `values` rise."""
    ways, total = len(values), math.comb(len(values), count)
    law: dict[float, float] = {}
    for place, value in enumerate(values):
        law[value] = law.get(value, 0.0) + math.comb(ways - 1 - place, count - 1) / total
    return law


def chance(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How likely the best of half of our settings is better than that of half of theirs; a tie counts as a half."""
    one, other = (best_of(values, max(len(values) // 2, 1)) for values in (ours, theirs))
    return sum(p * q * ((a < b) + 0.5 * (a == b)) for a, p in one.items() for b, q in other.items())


def none_is_better(results: Results) -> Verdict:
    """Each method against the non-saturating GAN by `chance`: of random halves of its settings, how likely the best is
    better than that of the non-saturating GAN.

    Contradicted: for some method at least 0.975. Reproduced: for none. Inconclusive: where a method has fewer than 6
    settings.
    """
    experiment = results.experiments.get("created_equal")
    found = by_method(experiment) if experiment else {}
    if experiment is None or len(found) < 2 or STANDARD not in found:
        return Verdict("not_run", f"No runs of {STANDARD} and another method in created_equal.")
    chances = {method: chance(values, found[STANDARD]) for method, values in found.items() if method != STANDARD}
    fewest = min(map(len, found.values()))
    outcome: Outcome = "reproduced"
    if fewest < FEWEST:
        outcome = "inconclusive"
    elif max(chances.values()) >= SURE:
        outcome = "contradicted"
    told = "; ".join(
        f"{method} {values[0]:.3g} and {np.median(values):.3g}"
        + (f" ({chances[method]:.2f})" if method in chances else "")
        for method, values in found.items()
    )
    return Verdict(
        outcome,
        f"The best and the median Fréchet distance of {fewest} settings or more of each method, and how likely the best"
        f" of half of them is better than that of {STANDARD}: {told}.",
        max(chances.values()),
        None,
        min(len(run.seeds) for run in experiment.runs),
        f"the largest such chance, of {max(chances, key=chances.__getitem__)}",
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "none-better-than-non-saturating",
        "Lucic et al. (2018), arXiv:1711.10337, abstract and section 6",
        "Given enough budget, no objective is consistently better than the non-saturating GAN.",
        none_is_better,
        ("created_equal",),
        EQUAL_SAYS,
    ),
)
