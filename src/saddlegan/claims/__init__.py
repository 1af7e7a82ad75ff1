"""The ledger of claims: what a source says, what decides it, and the rule that turns results into a verdict.

Rules stand in the docstring of each deciding function. A claim that fails is a result.
"""

from saddlegan.claims import (
    budget,
    conditional,
    deep,
    depth,
    discrete,
    discriminator,
    images,
    modes,
    parzen,
    stages,
    steadiness,
    toys,
)
from saddlegan.claims.images import FIGURE_2_SAYS
from saddlegan.claims.modes import collapse_point_mass, collapse_two_point
from saddlegan.claims.toys import FIGURE_1_SAYS, figure_1, figure_1_map
from saddlegan.reporting.evidence import Claim
from saddlegan.reporting.ledger import Verdict
from saddlegan.reporting.results import Results

__all__ = [
    "CLAIMS",
    "FIGURE_1_SAYS",
    "FIGURE_2_SAYS",
    "Claim",
    "Verdict",
    "collapse_point_mass",
    "collapse_two_point",
    "decide",
    "figure_1",
    "figure_1_map",
]

CLAIMS: tuple[Claim, ...] = tuple(
    claim
    for topic in (
        toys,
        modes,
        steadiness,
        depth,
        images,
        budget,
        parzen,
        discriminator,
        discrete,
        conditional,
        deep,
        stages,
    )
    for claim in topic.CLAIMS
)


def decide(results: Results) -> tuple[list[tuple[Claim, Verdict]], list[str]]:
    """Verdicts of the claims that the runs name or can decide, and the named ids that do not exist."""
    named = {claim for experiment in results.experiments.values() for claim in experiment.claims}
    tried = {run.experiment for run in results.runs}
    wanted = [claim for claim in CLAIMS if claim.id in named or set(claim.experiments) & tried]
    return [(claim, claim.decide(results)) for claim in wanted], sorted(named - {claim.id for claim in CLAIMS})
