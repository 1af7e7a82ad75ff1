"""Vanishing and growing gradients: a fresh discriminator is trained against a generator frozen after 1, 10, 25 epochs.

Statements: the discriminator's error falls to 0; the generator's gradient then decays under log(1 - D) and grows, in
norm and in variance, under -log D (arXiv:1701.04862, taken as directions: its figures were not read). A slope is that
of log10 against the discriminator's iteration, by least squares over its whole training, one a seed. Reproduced: the
95 % interval of the mean slope lies on the stated side of 0 for all checkpoints (for -log D: of norm and variance);
contradicted: on the other side for any. The error is that of the last quarter of training, on the images trained on:
reproduced where the interval lies below 1 % for all checkpoints, contradicted where above 5 % for any. Else
inconclusive. The digits decide; MNIST is reported beside them.

Identity, with D* held fixed: E[grad -log D*(g(z))] = grad[KL(q||p) - 2 JSD], E[grad log(1 - D*(g(z)))] = grad 2 JSD,
for q = N(mean, scale^2) in both parameters. Contradicted where the two sides differ by a relative 1e-6 anywhere.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import logsigmoid

from saddlegan.checks import PositiveFloat, check_value
from saddlegan.data import files
from saddlegan.reporting.ledger import Outcome, Statement, Verdict
from saddlegan.reporting.statistics import Estimate, average
from saddlegan.reporting.tables import show
from saddlegan.theory.densities import Mixture, gaussian, js, kl
from saddlegan.theory.fresh_discriminators import TERMS, Course, digits, frozen_generators, mnist, train_fresh
from saddlegan.theory.pictures.generator_gradients import course_figure, identity_figure
from saddlegan.theory.players import one_thread
from saddlegan.theory.section import Picture, Section, Table

OPTIONS = ("data",)
EPOCHS, SEEDS, BATCH = (1, 10, 25), 6, 64
ITERATIONS, EVERY = 500, 25
MNIST = 1280  # images trained on
PAPER = "Arjovsky and Bottou (2017), arXiv:1701.04862; Why GAN training is hard (in English), section Unstable gradient"
TARGETS = {"one Gaussian": gaussian(0.0, 1.0), "two modes": Mixture((0.5, 0.5), (-2.0, 2.0), (0.5, 0.5))}
MEANS, SCALES = np.linspace(0.25, 6.0, 12), np.linspace(0.3, 3.0, 14)
MOVED = [(mean, 0.8) for mean in MEANS] + [(0.5, scale) for scale in SCALES]  # q, as (mean, scale)
TEXT = (
    f"Per seed ({SEEDS} seeds) a small GAN learns scikit-learn's 8 x 8 digits (1348 images, minibatches of {BATCH}, an"
    " epoch is 21 iterations) by -log D, and its generator is copied after 1, 10 and 25 epochs. Against each copy"
    f" a new discriminator is trained from scratch for {ITERATIONS} iterations, the copy standing still. Meanwhile the"
    " gradient that the copy would get is measured under both of the generator's losses, on 8 minibatches of 32. All"
    " networks have two layers of 64 units; Adam, step 0.001, decays 0.5 and 0.999."
)
MNIST_TEXT = (
    f"MNIST was at hand: the same on its first {MNIST} training images, as means of 2 x 2 pixels (14 x 14), an epoch"
    " being one of these; 500 more are held out. The verdicts are those of the digits."
)
COURSE = (
    "A fresh discriminator against a frozen generator: its error on the images trained on and on fakes, and the"
    f" generator's gradients. Median and quartiles over {SEEDS} seeds."
)
CURVES = (
    "Dots: the generator's gradient at the optimal discriminator, held fixed, along samples. Dashed: the derivatives of"
    " KL(q||p) - 2 JSD (above) and of 2 JSD (below). q is normal: its mean moves at scale 0.8, its scale at mean 0.5."
)
STATEMENTS = (
    Statement(
        "saturating-gradient-vanishes",
        PAPER,
        "Under log(1 - D) the gradient of a frozen generator vanishes as its discriminator is trained on.",
    ),
    Statement(
        "non-saturating-gradient-grows",
        PAPER,
        "Under -log D a frozen generator's gradient grows in norm and variance as its discriminator is trained on.",
    ),
    Statement("fresh-discriminator-wins", PAPER, "The error of a discriminator trained from scratch falls to 0."),
    Statement(
        "gradient-at-optimal-discriminator",
        PAPER,
        "At D*, held fixed, E[-log D*] has the gradient of KL(q||p) - 2 JSD(p, q), and E[log(1 - D*)] that of 2 JSD.",
    ),
)


def slopes(iterations: NDArray, values: NDArray) -> NDArray:
    """Orders of magnitude in 1000 iterations, one a seed, of `values` (seeds, t)."""
    return np.polyfit(iterations / 1000.0, np.log10(values.T), 1)[0]


def direction(found: Sequence[Estimate], sign: int) -> Outcome:
    """The verdict on slopes that should all have `sign`."""
    sides = [(estimate.above(0.0), estimate.below(0.0))[::sign] for estimate in found]
    if all(stated for stated, _ in sides):
        return "reproduced"
    return "contradicted" if any(opposite for _, opposite in sides) else "inconclusive"


def separation(errors: Sequence[Estimate]) -> Outcome:
    """The verdict on final errors that should all be 0."""
    if all(error.below(0.01) for error in errors):
        return "reproduced"
    return "contradicted" if any(error.above(0.05) for error in errors) else "inconclusive"


def pathwise(p: Mixture, mean: float, scale: float) -> NDArray:
    """(2, 2): E[grad -log D*(g(z))], E[grad log(1 - D*(g(z)))] in mean and scale of g(z) = mean + scale z.

    D* = p / (p + q) for q = N(mean, scale^2), held fixed. Raises `ConfigError` where scale <= 0.
    """
    check_value("scale", PositiveFloat, scale)
    latent = torch.linspace(-12.0, 12.0, 6001, dtype=torch.float64)
    weight = torch.exp(-0.5 * latent.square()) * 0.004 / math.sqrt(2.0 * math.pi)
    theta = torch.tensor([mean, scale], dtype=torch.float64, requires_grad=True)
    x = theta[0] + theta[1] * latent
    logits = _log_density(p, x) - _log_density(gaussian(mean, scale), x)
    losses = ((weight * loss).sum() for loss in (-logsigmoid(logits), logsigmoid(-logits)))
    return torch.stack([torch.autograd.grad(loss, theta, retain_graph=True)[0] for loss in losses]).numpy()


def _log_density(p: Mixture, x: Tensor) -> Tensor:
    weights, means, scales = torch.tensor([p.weights, p.means, p.scales], dtype=torch.float64)
    heights = torch.log(weights / scales) - 0.5 * math.log(2.0 * math.pi)
    return torch.logsumexp(heights - 0.5 * ((x[..., None] - means) / scales) ** 2, -1)


def differentiated(p: Mixture, mean: float, scale: float, step: float = 0.01) -> NDArray:
    """(2, 2): the derivatives of KL(q||p) - 2 JSD and of 2 JSD in mean and scale of q, by central differences.

    Of `step` scales and of half of it, extrapolated. Raises `ConfigError` where scale or step <= 0.
    """
    for name, value in (("scale", scale), ("step", step)):
        check_value(name, PositiveFloat, value)
    x = np.linspace(-40.0, 40.0, 8001)
    log_p = p.log_density(x)

    def divergences(m: float, s: float) -> NDArray:
        log_q = gaussian(m, s).log_density(x)
        jsd = js(log_p, log_q, 0.01)
        return np.array([kl(log_q, log_p, 0.01) - 2.0 * jsd, 2.0 * jsd])

    def central(h: float) -> NDArray:
        by_mean = divergences(mean + h, scale) - divergences(mean - h, scale)
        return np.stack([by_mean, divergences(mean, scale + h) - divergences(mean, scale - h)], -1) / (2.0 * h)

    return (4.0 * central(step * scale / 2.0) - central(step * scale)) / 3.0


def identity(measured: NDArray, derived: NDArray) -> Verdict:
    """The verdict on both sides of both identities, anywhere; not a number is no agreement."""
    worst = float(np.max(np.abs(measured - derived) / np.abs(derived)))
    text = f"Largest relative difference {worst:.1e} over {measured.size} derivatives (tolerance 1e-06)."
    return Verdict("reproduced" if worst < 1e-6 else "contradicted", text, worst, measure="largest relative difference")


def judge(found: dict[str, dict[str, list[Estimate]]]) -> list[Verdict]:
    """Verdicts on the first three statements from `estimates` by data set: the digits decide."""

    def say(measure: str) -> str:
        return "; ".join(f"{name} {', '.join(map(show, measures[measure]))}" for name, measures in found.items())

    def slope(term: str) -> str:
        return (
            f"Orders of magnitude of the norm per 1000 iterations, after {_epochs()}: {say(f'norm, {term}')}."
            f" In the second half alone: {say(f'norm, {term}, late')}."
            f" From the first to the last iteration: {say(f'change, {term}')}."
        )

    first, second = TERMS
    vanish, grow, error = (found["digits"][name] for name in (f"norm, {first}", f"norm, {second}", "error"))
    variance = f" Of the variance: {say(f'variance, {second}')}; in the second half {say(f'variance, {second}, late')}."
    wrong = f"Share of wrong decisions after {_epochs()}: {say('error')}; on images held out: {say('held out')}."
    weakest, least, worst = max(vanish, key=_value), min(grow, key=_value), max(error, key=_value)
    unit = "slope of log10 of the norm per 1000 iterations"
    spread = found["digits"][f"variance, {second}"]
    return [
        _verdict(direction(vanish, -1), slope(first), weakest, f"{unit}, the weakest decay"),
        _verdict(direction(grow + spread, 1), slope(second) + variance, least, f"{unit}, the weakest growth"),
        _verdict(separation(error), wrong, worst, "share of wrong decisions, the largest"),
    ]


def _verdict(outcome: Outcome, text: str, main: Estimate, measure: str) -> Verdict:
    return Verdict(outcome, text, main.value, (main.low, main.high), main.count, measure)


def _epochs() -> str:
    return f"{', '.join(map(str, EPOCHS[:-1]))} and {EPOCHS[-1]} epochs"


def _value(estimate: Estimate) -> float:
    return estimate.value


def _tables(found: dict[str, dict[str, list[Estimate]]]) -> list[Table]:
    """One a term, a row for each data set and checkpoint."""
    tables = []
    for term in TERMS:
        columns = [f"norm, {term}", f"norm, {term}, late", f"variance, {term}", f"variance, {term}, late"]
        rows = [
            [name, epoch, *(show(measures[column][place]) for column in columns)]
            for name, measures in found.items()
            for place, epoch in enumerate(EPOCHS)
        ]
        headers = ["data", "epochs", "norm", "its second half", "variance", "its second half"]
        tables.append(Table(headers, rows, f"Slopes of log10 under {term}, per 1000 iterations."))
    return tables


def section(*, data: Path) -> Section:
    """Digits always, MNIST where `data` holds it. Raises `ConfigError` where its files are damaged."""
    sizes = {"seeds": SEEDS, "batch": BATCH}
    sets = {"digits": digits(**sizes)}
    if not files.missing("mnist", str(data)):
        sets["MNIST"] = mnist(data, train=MNIST, held_out=500, **sizes)
    with one_thread():
        courses = {
            name: train_fresh(images, frozen_generators(images, EPOCHS), ITERATIONS, EVERY)
            for name, images in sets.items()
        }
    found = {name: estimates(course) for name, course in courses.items()}
    sides = {name: np.array([(pathwise(p, *q), differentiated(p, *q)) for q in MOVED]) for name, p in TARGETS.items()}
    verdicts = [*judge(found), identity(*np.concatenate(list(sides.values())).swapaxes(0, 1))]
    fresh = [
        Picture(f"fresh-{name.lower()}", f"{COURSE} Data: {name}.", course_figure(course, EPOCHS))
        for name, course in courses.items()
    ]
    return Section(
        "Vanishing and growing gradients",
        "\n\n".join([TEXT, *[MNIST_TEXT] * ("MNIST" in sets)]),
        list(zip(STATEMENTS, verdicts, strict=True)),
        _tables(found),
        [*fresh, Picture("identity", CURVES, identity_figure(MEANS, SCALES, sides))],
    )


def estimates(course: Course) -> dict[str, list[Estimate]]:
    """By measure, one a checkpoint: slopes over the whole training and over its second half, change, final errors."""
    late, last = len(course.iterations) // 2, -(len(course.iterations) // 4)
    found = {
        name: [average(errors[:, last:].mean(-1)) for errors in values]
        for name, values in (("error", course.error), ("held out", course.held_out))
    }
    for term in TERMS:
        for name, values in ((f"norm, {term}", course.norm[term]), (f"variance, {term}", course.variance[term])):
            found[name] = [average(slopes(course.iterations, one)) for one in values]
            found[f"{name}, late"] = [average(slopes(course.iterations[late:], one[:, late:])) for one in values]
        found[f"change, {term}"] = [average(np.log10(one[:, -1] / one[:, 0])) for one in course.norm[term]]
    return found
