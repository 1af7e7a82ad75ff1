"""Vanishing and growing gradients: a fresh discriminator against a generator frozen after 1, 10 and 25 epochs.

Statements, their sources, and what would contradict them: `rules`.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saddlegan.data import files
from saddlegan.reporting.sections import Table
from saddlegan.reporting.statistics import Estimate, average
from saddlegan.reporting.tables import show
from saddlegan.theory.generator_gradients.figures import course_figure, identity_figure
from saddlegan.theory.generator_gradients.fresh_discriminators import (
    TERMS,
    Course,
    digits,
    frozen_generators,
    mnist,
    train_fresh,
)
from saddlegan.theory.generator_gradients.gradient_identity import differentiated, pathwise
from saddlegan.theory.generator_gradients.rules import BATCH, EPOCHS, SEEDS, STATEMENTS, identity, judge
from saddlegan.theory.section import Picture, Section
from saddlegan.theory.shared.densities import Mixture, gaussian
from saddlegan.theory.shared.players import one_thread

OPTIONS = ("data",)
ITERATIONS, EVERY = 500, 25
MNIST = 1280  # images trained on
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


def slopes(iterations: NDArray, values: NDArray) -> NDArray:
    """Orders of magnitude in 1000 iterations, one per seed, of `values` (seeds, t)."""
    return np.polyfit(iterations / 1000.0, np.log10(values.T), 1)[0]


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
