"""The optimal discriminator, what the generator then minimises, and the same for every row of f-GAN's table.

Sources: Goodfellow et al. (2014), arXiv:1406.2661, Propositions 1 and 2, Theorem 1; the pairs (f0, f1) of `objectives`,
each derived; Nowozin, Cseke, Tomioka (2016), arXiv:1606.00709. Rules, fixed beforehand:

1. D* = p/(p+q), found by optimising a logit a point on a grid, for JS and (another statement) for every other pair
   (f0, f1) against its own optimum; 4. C(G) = max_D V is -log 4 + 2 JSD over a family q = N(mu, s^2), the JSD by an
   adaptive rule; 6. max_T E_p[T] - E_q[f*(T)] is D_f(p||q), with T* = f'(p/q), against closed forms. Reproduced if
   every error, for functions |found - expected| / (1 + |expected|), is at most 1e-6, contradicted if one is above
   1e-3, else (or if one is not a number) inconclusive.
2. A trained network reaches D*: reproduced if the 95 % interval over seeds of the mean |D - D*|, weighted by (p+q)/2,
   of networks that saw 10 000 samples of each law lies below 0.02, contradicted if above, else inconclusive.
5. The minimum of C(G) is -log 4, at q = p alone: descended from random starts with the gradient through the optimal D.
   Contradicted if a start ends below -log 4 - 1e-8, or within 1e-8 of it but with |mu| or |log s| > 1e-3; reproduced if
   none does and over half of the starts end there; else inconclusive.
"""

import math
from collections.abc import Mapping

import numpy as np
from torch import Tensor

from saddlegan.objectives import pair_named
from saddlegan.reporting.ledger import Statement, Verdict
from saddlegan.reporting.statistics import Estimate, average, share
from saddlegan.reporting.tables import show, show_share
from saddlegan.theory.densities import LOG2, Array, Mixture, gaussian
from saddlegan.theory.discriminator_training import train
from saddlegan.theory.f_divergences import adaptive_jsd, table_rows
from saddlegan.theory.generator_cost import descend, generator_cost
from saddlegan.theory.newton import densities_on, error, maximise
from saddlegan.theory.pictures.optimal_discriminator import Descents, cost_figure, discriminator_figure
from saddlegan.theory.players import one_thread
from saddlegan.theory.section import Picture, Section, Table

OPTIONS: tuple[str, ...] = ()
GOODFELLOW = "Goodfellow et al. (2014), arXiv:1406.2661,"
REAL, FAKE = Mixture((0.5, 0.5), (-1.5, 1.5), (0.6, 0.6)), gaussian(0.0, 1.25)
PAIRS = ("js", "kl", "reverse_kl", "pearson", "hellinger", "approximate_wasserstein")
SAMPLES, SEEDS, STEPS, MARKS = (100, 1000, 10_000), 8, 600, (1, 3, 10, 30, 100, 300, 600)
REACHED = 0.02  # mean |D - D*|
MEANS, SCALES, STARTS = np.linspace(-3.0, 3.0, 13), np.geomspace(0.4, 2.5, 9), 12
MOVED = 1.0, 1.5  # mean and scale of q in the table of f-GAN; p = N(0, 1)

CURVES = (
    f"Left: p/(p+q), what is optimised on the grid, and median and range of {SEEDS} networks. Right: the networks' "
    "distance to it through training, by the number of samples of each law: median and quartiles over seeds."
)
COST = (
    "Left: C(G) by optimising D, three cuts. Right: C(G) over mean and scale, descents from random starts, p = q (+)."
)

STATEMENTS = (
    Statement(
        "grid-reaches-the-optimal-discriminator",
        f"{GOODFELLOW} Proposition 1",
        "For a fixed generator the optimal discriminator is p / (p + q).",
    ),
    Statement(
        "every-pair-has-its-optimal-discriminator",
        "Derived: the D that maximises p f0(D) + q f1(D)",
        "Each other pair (f0, f1) has its own optimal discriminator, a function of p / q.",
    ),
    Statement(
        "network-reaches-the-optimal-discriminator",
        f"{GOODFELLOW} Proposition 2, which assumes it",
        "A trained network reaches the optimal discriminator.",
    ),
    Statement(
        "generator-cost-is-js",
        f"{GOODFELLOW} Theorem 1",
        "Against the optimal discriminator the generator's cost is C(G) = -log 4 + 2 JSD(p || q).",
    ),
    Statement(
        "generator-cost-is-least-at-the-data", f"{GOODFELLOW} Theorem 1", "C(G) is least, -log 4, at p = q alone."
    ),
    Statement(
        "f-gan-table",
        "Nowozin, Cseke, Tomioka (2016), arXiv:1606.00709; rows derived",
        "For each row (nu, f*) the largest E_p[T] - E_q[f*(T)] is D_f(p || q), at T = f'(p / q).",
    ),
)


def pair_optima(x: Array, p: Mixture, q: Mixture) -> dict[str, tuple[Tensor, Tensor]]:
    """The optimised D of every pair (f0, f1) at each point of x, and the pair's own optimum there."""
    real, fake, found = *densities_on(x, p.log_density(x), q.log_density(x)), {}
    for name in PAIRS:
        pair = pair_named(name, epsilon=0.1)
        found[name] = pair.output(maximise(pair.f0, pair.f1, real, fake)), pair.optimum(real, fake)
    return found


def judge_errors(errors: Mapping[str, float], what: str) -> Verdict:
    """Rules 1, 4 and 6 on the largest error of each part."""
    worst = max(errors, key=lambda name: errors[name] if errors[name] >= 0 else math.inf)
    outcome = "inconclusive"
    if errors[worst] > 1e-3:
        outcome = "contradicted"
    elif errors[worst] <= 1e-6:
        outcome = "reproduced"
    shown = ", ".join(f"{value:.1e} ({name})" for name, value in errors.items())
    return Verdict(outcome, f"Largest {what}: {shown}.", errors[worst], measure=what)


def judge_network(distance: Estimate, outer: Estimate, untrained: float) -> Verdict:
    """Rule 2 on the mean |D - D*| over seeds; that of the outer 1 % of samples and that of D = 1/2 are told."""
    outcome = "reproduced" if distance.below(REACHED) else "contradicted" if distance.above(REACHED) else "inconclusive"
    text = (
        f"Mean |D - D*| after {STEPS} steps on {SAMPLES[-1]} samples of each law: {show(distance)} over "
        f"{distance.count} seeds; threshold {REACHED:g}; D = 1/2 everywhere has {untrained:.3f}. In the outer 1 % of "
        f"all samples it is {show(outer)}: where nothing is sampled, nothing is learned."
    )
    return Verdict(outcome, text, distance.value, (distance.low, distance.high), distance.count, "mean |D - D*|")


def judge_minimum(ends: Array) -> Verdict:
    """Rule 5 on where each start ended, (starts, 3): C(G), mu, log scale."""
    above, away = ends[:, 0] + 2.0 * LOG2, np.abs(ends[:, 1:]).max(-1)
    there = (np.abs(above) <= 1e-8) & (away <= 1e-3)
    elsewhere = (above < -1e-8) | ((above <= 1e-8) & (away > 1e-3))
    outcome = "contradicted" if elsewhere.any() else "reproduced" if there.mean() > 0.5 else "inconclusive"
    text = (
        f"{show_share(share(there))} of {len(ends)} random starts end at p = q; the lowest C(G) is -log 4 "
        f"{above.min():+.1e}, at most {away[there].max(initial=0.0):.1e} from mu = 0, log s = 0."
    )
    return Verdict(outcome, text, float(above.min()), seeds=len(ends), measure="lowest C(G) + log 4")


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
    errors = {name: error(*pair) for name, pair in optima.items()}
    gap = float(np.abs(descents.cost - descents.theory).max())
    verdicts = (
        judge_errors({"js": errors["js"]}, "|D - D*|"),
        judge_errors({name: errors[name] for name in PAIRS[1:]}, "|D - D*| / (1 + |D*|)"),
        judge_network(average(distances[-1, -1]), average(tail), float(np.abs(0.5 - optimum) @ weights)),
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
