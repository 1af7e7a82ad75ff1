"""Whether a deep critic's gradient vanishes or explodes."""

from saddlegan.reporting import statistics
from saddlegan.reporting.evidence import MINIMUM_SEEDS, Claim, share_of
from saddlegan.reporting.ledger import Outcome, Verdict
from saddlegan.reporting.results import Results
from saddlegan.reporting.tables import show

#: The powers of ten per layer above which a gradient vanishes or explodes: a factor of ten over the twelve steps from
#: layer to layer of thirteen that have weights. The factor is our choice, before any
#: run; it was divided by eleven then.
STABLE = 1.0 / 12.0


def critic_depth(results: Results) -> Verdict:
    """`depth_change` over the last fifth in `critic_depth`: a seed's gradient vanishes or explodes where it is above
    1/12 (a factor of ten from the last layer to the first), or where the seed diverged.

    A clipped setting holds where the interval of the share of such seeds lies above 1/2, and fails where it lies below;
    the penalised one the other way round; neither with fewer than 16 seeds. Reproduced: all settings hold.
    Contradicted: more than half fail. Inconclusive: all else.
    """
    experiment = results.experiments.get("critic_depth")
    names = [*experiment.of_method("wgan"), *experiment.of_method("wgan_gp")] if experiment else []
    if experiment is None or {experiment.settings[name]["method"] for name in names} != {"wgan", "wgan_gp"}:
        return Verdict("not_run", "No runs of wgan and wgan_gp in critic_depth.")
    told, outcomes = [], []
    for name in names:
        values = experiment.values(name, "depth_change")
        share = statistics.share(~(values <= STABLE))
        clipped = experiment.settings[name]["method"] == "wgan"
        outcome: Outcome = "inconclusive"
        if share.count >= MINIMUM_SEEDS and (share.above(0.5) or share.below(0.5)):
            outcome = "reproduced" if share.above(0.5) == clipped else "contradicted"
        outcomes.append(outcome)
        slope = statistics.average(experiment.values(name, "depth_slope"))
        told.append(f"{name}: {share_of(share)}, {show(slope)} powers of ten per layer towards the input")
    fails = outcomes.count("contradicted")
    verdict: Outcome = "contradicted" if fails > len(outcomes) / 2 else "inconclusive"
    return Verdict(
        "reproduced" if outcomes.count("reproduced") == len(outcomes) else verdict,
        f"Seeds whose gradient vanishes or explodes, and the mean change: {'; '.join(told)}.",
        outcomes.count("reproduced") / len(outcomes),
        None,
        min(experiment.values(name).size for name in names),
        "share of the settings in which the statement holds",
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "critic-depth",
        "Gulrajani et al. (2017), arXiv:1704.00028, figure 1b",
        "Gradients of a deep critic with clipped weights vanish or explode with depth; with a penalty they do not."
        " (Here: gradients by each layer's weights.)",
        critic_depth,
        ("critic_depth",),
        {"wgan": "vanish or explode (figure, no number)", "wgan_gp": "stable (figure, no number)"},
    ),
)
