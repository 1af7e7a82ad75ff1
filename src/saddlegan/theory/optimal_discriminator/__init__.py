"""The optimal discriminator, what the generator then minimises, and the same for every row of f-GAN's table.

Statements, their sources, and what would contradict them: `rules`.
"""

import math
from collections.abc import Mapping

import numpy as np
from torch import Tensor

from saddlegan.objectives import pair_named
from saddlegan.reporting.sections import Table
from saddlegan.reporting.statistics import average
from saddlegan.reporting.tables import show
from saddlegan.theory.optimal_discriminator.discriminator_training import train
from saddlegan.theory.optimal_discriminator.f_divergences import adaptive_jsd, table_rows
from saddlegan.theory.optimal_discriminator.figures import Descents, cost_figure, discriminator_figure
from saddlegan.theory.optimal_discriminator.generator_cost import descend, generator_cost
from saddlegan.theory.optimal_discriminator.newton import densities_on, error, maximise
from saddlegan.theory.optimal_discriminator.rules import (
    MARKS,
    SAMPLES,
    SEEDS,
    STATEMENTS,
    STEPS,
    judge_errors,
    judge_minimum,
    judge_network,
)
from saddlegan.theory.section import Picture, Section
from saddlegan.theory.shared.densities import LOG2, Array, Mixture, gaussian
from saddlegan.theory.shared.players import one_thread

REAL, FAKE = Mixture((0.5, 0.5), (-1.5, 1.5), (0.6, 0.6)), gaussian(0.0, 1.25)
PAIRS = ("js", "kl", "reverse_kl", "pearson", "hellinger", "approximate_wasserstein")
MEANS, SCALES, STARTS = np.linspace(-3.0, 3.0, 13), np.geomspace(0.4, 2.5, 9), 12
MOVED = 1.0, 1.5  # mean and scale of q in the table of f-GAN; p = N(0, 1)
CURVES = (
    f"Left: p/(p+q), what is optimised on the grid, and median and range of {SEEDS} networks. Right: the networks' "
    "distance to it through training, by the number of samples of each law: median and quartiles over seeds."
)
COST = (
    "Left: C(G) by optimising D, three cuts. Right: C(G) over mean and scale, descents from random starts, p = q (+)."
)


def pair_optima(x: Array, p: Mixture, q: Mixture) -> dict[str, tuple[Tensor, Tensor]]:
    """The optimised D of every pair (f0, f1) at each point of x, and the pair's own optimum there."""
    real, fake, found = *densities_on(x, p.log_density(x), q.log_density(x)), {}
    for name in PAIRS:
        pair = pair_named(name, epsilon=0.1)
        found[name] = pair.output(maximise(pair.f0, pair.f1, real, fake)), pair.optimum(real, fake)
    return found


def section() -> Section:
    """All of it at its default size."""
    x, wide = np.arange(-6.5, 6.5, 0.02), np.arange(-17.0, 17.0, 0.1)
    real, fake = (np.exp(law.log_density(x)) for law in (REAL, FAKE))
    optimum, weights = real / (real + fake), (real + fake) / (real + fake).sum()
    with one_thread():
        optima = pair_optima(x, REAL, FAKE)
        found = train(REAL, FAKE, x, samples=SAMPLES, seeds=SEEDS, steps=STEPS, marks=MARKS)
        descents = _descents(wide)
        rows = table_rows(np.arange(-8.0, 12.0, 0.05), *MOVED)
    distances = np.abs(found - optimum) @ weights
    outer = np.where(np.abs(weights.cumsum() - 0.5) > 0.495, weights, 0.0)
    tail = np.abs(found[-1, -1] - optimum) @ outer / outer.sum()
    untrained = [float(np.abs(0.5 - optimum) @ part / part.sum()) for part in (weights, outer)]
    errors = {name: error(*pair) for name, pair in optima.items()}
    gap = float(np.abs(descents.cost - descents.theory).max())
    verdicts = (
        judge_errors({"js": errors["js"]}, "|D - D*| / (1 + |D*|)"),
        judge_errors({name: errors[name] for name in PAIRS[1:]}, "|D - D*| / (1 + |D*|)"),
        judge_network(average(distances[-1, -1]), average(tail), untrained),
        judge_errors({f"{descents.cost.size} q": gap}, "|C(G) - (2 JSD - log 4)|"),
        judge_minimum(descents.ends),
        judge_errors({name: max(abs(a - b), at) for name, (a, b, at) in rows.items()}, "error of the value and of T"),
    )
    text = (
        "Which discriminator is best against a fixed generator, and what does the generator then minimise? p has two "
        "modes, N(-1.5, 0.6^2) and N(1.5, 0.6^2), and q = N(0, 1.25^2). D is first a free logit at each point of a "
        f"grid, found by Newton's method, then a network with two layers of 32 units, {STEPS} steps of Adam, {SEEDS} "
        "seeds. Then p = N(0, 1) and q = N(mu, s^2): the cost C(G) = max_D V over the family, descended from "
        "random starts with the gradient through the optimal D; and the table of f-GAN at N(1, 1.5^2), wide enough for "
        "every divergence to be finite."
    )
    tables = _table_of_networks(distances), _table_of_rows(rows)
    title = "The optimal discriminator, and what the generator then minimises"
    sweep = dict(zip(SAMPLES, distances.swapaxes(0, 1), strict=True))
    curves = discriminator_figure(x, optimum, optima["js"][0].numpy(), found[-1, -1], MARKS, sweep)
    pictures = (Picture("discriminator", CURVES, curves), Picture("generator-cost", COST, cost_figure(descents)))
    return Section(title, text, list(zip(STATEMENTS, verdicts, strict=True)), tables, pictures)


def _descents(x: Array) -> Descents:
    mu, log_scale = (part.ravel() for part in np.meshgrid(MEANS, np.log(SCALES), indexing="ij"))
    cost, _ = generator_cost(x, mu, log_scale)
    jsd = np.array([adaptive_jsd(*at) for at in zip(mu.tolist(), np.exp(log_scale).tolist(), strict=True)])
    rng = np.random.default_rng(0)
    starts = rng.uniform((-3.0, math.log(0.5)), (3.0, math.log(2.0)), (STARTS, 2)).tolist()
    lowest, paths = zip(*(descend(x, *start) for start in starts), strict=True)
    shape = len(MEANS), len(SCALES)
    return Descents(MEANS, SCALES, cost.reshape(shape), 2.0 * (jsd - LOG2).reshape(shape), lowest, paths)


def _table_of_networks(distances: Array) -> Table:
    rows = [
        [count, *(show(average(distances[mark, index])) for mark in range(1, len(MARKS)))]
        for index, count in enumerate(SAMPLES)
    ]
    caption = f"Mean |D - D*|, weighted by (p + q)/2, mean and 95 % interval over {SEEDS} seeds."
    return Table(["samples of each law", *(f"after {mark} steps" for mark in MARKS[1:])], rows, caption)


def _table_of_rows(found: Mapping[str, tuple[float, float, float]]) -> Table:
    rows = [[name, f"{a:.9f}", f"{b:.9f}", f"{abs(a - b):.0e}", f"{at:.0e}"] for name, (a, b, at) in found.items()]
    caption = (
        "p = N(0, 1), q = N(1, 1.5^2): the largest E_p[T] - E_q[f*(T)] on a grid against the closed form (GAN is "
        "2 JSD - log 4 and JS 2 JSD, the JSD integrated), and T against f'(p/q)."
    )
    return Table(["row", "found", "D_f(p || q)", "difference", "error of T"], rows, caption)
