"""Which objective is the best one, given a budget of settings: Lucic et al. (2018), arXiv:1711.10337."""

from collections.abc import Sequence

import numpy as np

from saddlegan.reporting.evidence import Claim
from saddlegan.reporting.ledger import Outcome, Verdict
from saddlegan.reporting.results import Results
from saddlegan.reporting.spread import best_of, by_method
from saddlegan.reporting.statistics import CONFIDENCE, Estimate
from saddlegan.reporting.tables import show

STANDARD = "gan_non_saturating"
#: Settings of a method below which nothing is decided.
FEWEST = 16
#: The chance of `chance` up to which a method is not consistently better: our choice, before any run.
OFTEN = 0.8
RESAMPLES = 2000
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


def chance(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How likely the best of half of our settings is better than that of half of theirs; a tie counts as a half. Both
    rise."""
    ours_, theirs_ = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    p, q = (best_of(max(len(values) // 2, 1), len(values)) for values in (ours_, theirs_))
    worse = np.append(np.cumsum(q[::-1])[::-1], 0.0)  # from each of theirs on
    above, from_equal = (worse[np.searchsorted(theirs_, ours_, side)] for side in ("right", "left"))
    return float((p * (above + from_equal)).sum() / 2.0)


def chances(ours: Sequence[float], theirs: Sequence[float], tests: int) -> Estimate:
    """`chance` with the percentile interval of a bootstrap over the settings of both, at 95 % for all of `tests`
    together (Bonferroni)."""
    rng = np.random.default_rng(0)
    drawn = [
        np.sort(rng.choice(np.asarray(values, dtype=float), (RESAMPLES, len(values))), axis=1)
        for values in (ours, theirs)
    ]
    outside = (1.0 - CONFIDENCE) / tests / 2.0
    low, high = np.quantile([chance(*pair) for pair in zip(*drawn, strict=True)], [outside, 1.0 - outside])
    return Estimate(chance(ours, theirs), float(low), float(high), min(len(ours), len(theirs)))


def none_is_better(results: Results) -> Verdict:
    """Each method of the study against the non-saturating GAN by `chances`: how likely the best of half of its settings
    is better than that of half of the settings of the non-saturating GAN.

    Contradicted: for some method the interval lies above 1/2. Reproduced: for each it lies below 0.8. Inconclusive: all
    else, and where a method has fewer than 16 settings. Methods that are not part of the study are told and not judged.
    """
    experiment = results.largest("created_equal")
    found = by_method(experiment, "frechet") if experiment else {}
    others = [method for method in found if method != STANDARD]
    judged = [method for method in others if method in EQUAL_SAYS]
    if experiment is None or STANDARD not in found or not judged:
        return Verdict("not_run", f"No runs of {STANDARD} and another method of the study in created_equal.")
    law = {method: chances(found[method], found[STANDARD], len(judged)) for method in others}
    fewest = min(len(found[method]) for method in (STANDARD, *judged))
    outcome: Outcome = "inconclusive"
    if fewest >= FEWEST:
        if any(law[method].above(0.5) for method in judged):
            outcome = "contradicted"
        elif all(law[method].below(OFTEN) for method in judged):
            outcome = "reproduced"
    told = "; ".join(
        f"{method} {values[0]:.3g} and {np.median(values):.3g}" + (f" ({show(law[method])})" if method in law else "")
        for method, values in found.items()
    )
    most = max(judged, key=lambda method: law[method].value)
    return Verdict(
        outcome,
        f"The best and the median Fréchet distance of {fewest} settings or more of each method, and how likely the best"
        f" of half of them is better than that of {STANDARD}: {told}.",
        law[most].value,
        (law[most].low, law[most].high),
        min(experiment.values(name).size for name in experiment.settings),
        f"the largest such chance, of {most}",
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "none-better-than-non-saturating",
        "Lucic et al. (2018), arXiv:1711.10337, abstract and section 6",
        "Given enough budget, no objective is consistently better than the non-saturating GAN.",
        none_is_better,
        ("created_equal", "created_equal_gpu"),
        EQUAL_SAYS,
    ),
)
