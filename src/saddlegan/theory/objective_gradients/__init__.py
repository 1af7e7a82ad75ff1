"""The gradient that each objective gives its generator as the generated density moves away from the data.

Statements, their sources, and what would contradict them: `rules`.
"""

import numpy as np

from saddlegan.reporting.sections import Table
from saddlegan.theory.objective_gradients.figures import pulls_figure
from saddlegan.theory.objective_gradients.maths import OBJECTIVES, WIDEST, pull
from saddlegan.theory.objective_gradients.rules import STATEMENTS, at, judge, left
from saddlegan.theory.section import Picture, Section

SHOWN = (1.0, 4.0, 8.0, 12.0)
TEXT = (
    "p = N(0, 1) stays and q = N(mu, 1) moves away. Of each objective the discriminator is the one that is optimal"
    " for p and q, in closed form, and held fixed, as it is in a generator's step. The gradient of the generator's"
    " loss by mu is integrated over q; its noise is the standard deviation of one sample's gradient, beside the mean."
    " WGAN-GP's optimal critic is that of WGAN. Nothing is random: no interval is needed. A discriminator that is"
    " trained, and not optimal, gives other gradients: see generator_gradients."
)
CAPTION = (
    "The generator's gradient at the optimal discriminator, by the distance of the means: its size, and its noise."
)


def section() -> Section:
    """All objectives at their default distances."""
    mu = np.linspace(0.25, WIDEST, 48)
    pulls = {name: pull(game, mu) for name, game in OBJECTIVES.items()}
    rows = [
        [
            name,
            *(f"{abs(at(mu, found.mean, distance)):.3g}" for distance in SHOWN),
            f"{left(found):.2g}",
            *(f"{at(mu, found.noise, distance):.2g}" for distance in SHOWN[:2]),
        ]
        for name, found in pulls.items()
    ]
    headers = [
        "objective",
        *(f"gradient at {d:g}" for d in SHOWN),
        "left at 12",
        *(f"noise at {d:g}" for d in SHOWN[:2]),
    ]
    return Section(
        "The generator's gradient per objective, by distance",
        TEXT,
        list(zip(STATEMENTS, [judge(pulls)], strict=True)),
        [Table(headers, rows, "Left: the gradient at 12 standard deviations, of the largest one.")],
        [Picture("pulls", CAPTION, pulls_figure(mu, pulls))],
    )
