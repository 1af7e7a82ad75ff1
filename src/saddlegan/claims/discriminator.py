"""What a trained discriminator is beside the best one: section 3 of Goodfellow et al. (2014)."""

from collections import Counter

from saddlegan.reporting import statistics
from saddlegan.reporting.evidence import MINIMUM_SEEDS, Claim
from saddlegan.reporting.ledger import Outcome, Verdict
from saddlegan.reporting.results import Results
from saddlegan.reporting.tables import show

NEAR = 0.05  # mean |D - D*| up to which a discriminator is near the best one: our choice, a tenth of D* = 1/2


def near_the_best(results: Results) -> Verdict:
    """The median over seeds of `discriminator_error` at the end, in each setting of the standard methods.

    A setting holds where the 95 % interval lies below 0.05, and fails where it lies above; neither with fewer than 16
    seeds that did not diverge. Reproduced: all settings hold. Contradicted: all fail. Inconclusive: all else.
    """
    experiment = results.experiments.get("gaussian_1d")
    names = [*experiment.of_method("gan"), *experiment.of_method("gan_non_saturating")] if experiment else []
    found = {name: experiment.values(name, "discriminator_error").dropna() for name in names} if experiment else {}
    found = {name: statistics.median(values) for name, values in found.items() if values.size}
    if not found:
        return Verdict("not_run", "No run of a standard method in gaussian_1d has discriminator_error.")
    outcomes: dict[str, Outcome] = {}
    for name, median in found.items():
        enough = median.count >= MINIMUM_SEEDS
        near, far = enough and median.below(NEAR), enough and median.above(NEAR)
        outcomes[name] = "reproduced" if near else "contradicted" if far else "inconclusive"
    ((most, count),) = Counter(outcomes.values()).most_common(1)
    text = "Mean |D - D*|, median over seeds: " + ", ".join(f"{show(of)} of {name}" for name, of in found.items())
    first = next(iter(found.values()))
    return Verdict(
        most if count == len(found) else "inconclusive",
        f"{text}; near is at most {NEAR:g}. The source adds: so long as the generator changes slowly enough; how"
        " slowly it changes is not varied here.",
        first.value,
        (first.low, first.high),
        min(median.count for median in found.values()),
        f"mean |D - D*| of {next(iter(found))}, median over seeds",
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "discriminator-near-its-best",
        "Goodfellow et al. (2014), arXiv:1406.2661, section 3",
        "Trained in turns with the generator, the discriminator stays near its optimal solution, p / (p + q).",
        near_the_best,
        ("gaussian_1d",),
    ),
)
