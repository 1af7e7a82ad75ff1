"""Whether an objective bears a generator that moves more often than its discriminator."""

import pandas as pd

from saddlegan.reporting import statistics
from saddlegan.reporting.evidence import MINIMUM_SEEDS, Claim
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.ledger import Outcome, Verdict
from saddlegan.reporting.results import Results
from saddlegan.reporting.tables import show

#: The key of how often the generator moves in an iteration.
MOVES = "method.num_generator_steps"
PROXY = "gan_non_saturating"


def bgan_steadier(results: Results) -> Verdict:
    """In `bgan_steadiness`, the modes that a seed loses when its generator moves most often in an iteration in place of
    most seldom, mean over the last fifth, a diverged seed covering none: those of gan_non_saturating (the proxy loss)
    minus those of bgan, over the seeds that both have, for each setting of bgan.

    Reproduced: the interval lies above 0 for all settings. Contradicted: it lies below 0 for one of them. Inconclusive:
    all else, and fewer than 16 seeds.
    """
    experiment = results.experiments.get("bgan_steadiness")
    proxy = _lost(experiment, PROXY)
    ours = _lost(experiment, "bgan")
    if not (proxy and ours):
        return Verdict("not_run", "No runs of bgan and gan_non_saturating with two numbers of the generator's steps.")
    ((_, theirs),) = proxy.items()
    gains = {name: statistics.average((theirs - lost).dropna()) for name, lost in ours.items()}
    outcome: Outcome = "inconclusive"
    if min(gain.count for gain in gains.values()) >= MINIMUM_SEEDS:
        if any(gain.below(0) for gain in gains.values()):
            outcome = "contradicted"
        elif all(gain.above(0) for gain in gains.values()):
            outcome = "reproduced"
    every = {**proxy, **ours, **_lost(experiment, "gan")}
    told = "; ".join(f"{show(statistics.average(lost))} of {name}" for name, lost in every.items())
    differences = ", ".join(f"{show(gain)} of {name}" for name, gain in gains.items())
    first = next(iter(gains.values()))
    return Verdict(
        outcome,
        f"Modes lost, mean over seeds: {told}. Lost less than by the proxy: {differences}.",
        first.value,
        (first.low, first.high),
        first.count,
        "difference of modes lost",
    )


def _lost(experiment: Experiment | None, method: str) -> dict[str, pd.Series]:
    """{setting of the method with the fewest steps of the generator: modes that each seed loses with the most}."""
    if experiment is None:
        return {}
    groups: dict[str, dict[int, str]] = {}
    for name in experiment.of_method(method):
        log_z = str(experiment.configured(name, "method.log_z_decay")) if method == "bgan" else ""
        groups.setdefault(log_z, {})[int(experiment.configured(name, MOVES))] = name
    covered = {
        steps[min(steps)]: [experiment.values(steps[of(steps)], "modes_covered").fillna(0.0) for of in (min, max)]
        for steps in groups.values()
        if len(steps) > 1
    }
    return {name: pd.Series(few - many) for name, (few, many) in covered.items()}


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "bgan-steadier",
        "Hjelm et al. (2018), arXiv:1702.08431, of continuous images, without a number; a ring is our test",
        "With five steps of the generator for one of the discriminator, boundary-seeking GAN loses fewer modes than the"
        " proxy loss -log D.",
        bgan_steadier,
        ("bgan_steadiness",),
        {"bgan": "best and stablest (figure, no number)"},
    ),
)
