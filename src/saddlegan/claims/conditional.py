"""Labels: CGAN and AC-GAN."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from saddlegan.reporting import paired, statistics
from saddlegan.reporting.evidence import Claim, lost, only, ruled
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.ledger import Verdict
from saddlegan.reporting.measures import average
from saddlegan.reporting.results import Results
from saddlegan.reporting.statistics import Estimate
from saddlegan.reporting.tables import show

#: Class accuracies of ten classes that are far above chance, and near to it.
FAR_ABOVE, NEAR_CHANCE = 0.5, 0.2
ADVICE = "Variants of GANs (a wiki, in Russian), its list of advice"


def conditioning_works(results: Results) -> Verdict:
    """In `cgan_mnist`: the share of samples that an independent classifier reads as the class that was asked for, mean
    over the last fifth, over seeds: of cgan, and of cgan whose discriminator is given labels of other images.

    Reproduced: the 95 % interval of the first lies above 0.5, and that of the second below 0.2; chance is 0.1.
    Contradicted: the first lies below 0.5, or the second above 0.2. Inconclusive: all else, and fewer than 3 seeds.
    """
    experiment = results.largest("cgan_mnist")
    found = by_value(experiment, "cgan", "method.labels")
    if experiment is None or not {"own", "shuffled"} <= found.keys():
        return Verdict("not_run", "No runs of cgan with own and with shuffled labels.")
    own, shuffled = (mean_of(experiment, found[labels], "class_accuracy") for labels in ("own", "shuffled"))
    count = min(own.count, shuffled.count)
    failed = own.below(FAR_ABOVE) or shuffled.above(NEAR_CHANCE)
    held = own.above(FAR_ABOVE) and shuffled.below(NEAR_CHANCE)
    text = f"Class accuracy {show(own)}; with shuffled labels in the discriminator {show(shuffled)}; chance 0.1."
    measure, gone = "class accuracy of cgan", lost(experiment, found["own"], found["shuffled"])
    return ruled(own, text, measure, failed=failed, held=held, seeds=count, lost=gone)


def labels_help(results: Results) -> Verdict:
    """In `cgan_mnist`: the geometric mean ratio of Fréchet distances, means over the last fifth, of cgan (with the
    labels of its images) and of acgan to gan_non_saturating, over common seeds.

    Reproduced: both 95 % intervals lie below 1. Contradicted: one lies above 1. Inconclusive: all else, and fewer
    than 3 common seeds.
    """
    experiment = results.largest("cgan_mnist")
    plain, named = (
        only(experiment.of_method(method), method) if experiment else None for method in ("gan_non_saturating", "acgan")
    )
    if experiment is None or plain is None:
        return Verdict("not_run", "No runs of gan_non_saturating in cgan_mnist.")
    conditional = by_value(experiment, "cgan", "method.labels")
    if "own" not in conditional or named is None:
        return Verdict("not_run", "No runs of both cgan and acgan in cgan_mnist.")
    settings = {"cgan": conditional["own"], "acgan": named}
    ratios = {method: ratio_of(experiment, name, plain) for method, name in settings.items()}
    return of_ratios(ratios, "with labels / without", lost=lost(experiment, plain, *settings.values()))


def accuracy_for_variety(results: Results) -> Verdict:
    """In `acgan_mnist`, of acgan with the class loss of real and generated images: weight 1 against weight 0, over
    common seeds, means over the last fifth: the difference of class accuracies, and the geometric mean ratio of the
    varieties of right samples, those that the independent classifier reads as the class that was asked for.

    Reproduced: the 95 % interval of the difference lies above 0, and that of the ratio below 1. Contradicted: the
    difference lies below 0, or the ratio above 1. Inconclusive: all else, and fewer than 3 common seeds.
    """
    experiment = results.largest("acgan_mnist")
    found = by_value(experiment, "acgan", "method.class_weight", {"method.class_loss": "real_and_fake"})
    if experiment is None or not {0.0, 1.0} <= found.keys():
        return Verdict("not_run", "No runs of acgan with the weights 0 and 1.")
    with_loss, without = (experiment.values(found[weight], "class_accuracy") for weight in (1.0, 0.0))
    gain = statistics.average((with_loss - without).dropna())
    ratio = ratio_of(experiment, found[1.0], found[0.0], "right_variety")
    count = min(gain.count, ratio.count)
    failed, held = gain.below(0) or ratio.above(1), gain.above(0) and ratio.below(1)
    each = []
    for weight, name in sorted(found.items()):
        means = (show(mean_of(experiment, name, of)) for of in ("class_accuracy", "right_variety"))
        each.append(f"weight {weight:g}: " + ", variety ".join(means))
    text = f"Class accuracy: {'; '.join(each)}. Weight 1 against 0: difference {show(gain)}, ratio {show(ratio)}."
    measure = "ratio of varieties of right samples, weight 1 / 0"
    gone = lost(experiment, found[1.0], found[0.0])
    return ruled(ratio, text, measure, failed=failed, held=held, seeds=count, lost=gone)


# Shared ---------------------------------------------------------------------------------------------------------------


def ratio_of(experiment: Experiment, ours: str, theirs: str, metric: str = "frechet") -> Estimate:
    return paired.equivalence(experiment.values(ours, metric), experiment.values(theirs, metric))


def of_ratios(ratios: Mapping[str, Estimate], of: str, *, lost: int, failed: bool | None = None) -> Verdict:
    """The verdict of ratios of Fréchet distances, `of` this to that, which are to lie below 1; the largest one is told.
    `failed`: whether they refute the claim, by default where one lies above 1."""
    count = min(ratio.count for ratio in ratios.values())
    failed = any(ratio.above(1) for ratio in ratios.values()) if failed is None else failed
    held = all(ratio.below(1) for ratio in ratios.values())
    largest = max(ratios.values(), key=lambda ratio: -np.inf if np.isnan(ratio.value) else ratio.value)
    one_or_largest = "ratio" if len(ratios) == 1 else "largest ratio"
    text = f"Ratios of Fréchet distances, {of}: " + "; ".join(f"{name} {show(one)}" for name, one in ratios.items())
    measure = f"{one_or_largest} of Fréchet distances, {of}"
    return ruled(largest, f"{text}.", measure, failed=failed, held=held, seeds=count, lost=lost)


def by_value(
    experiment: Experiment | None, method: str, key: str, where: Mapping[str, Any] | None = None
) -> dict[Any, str]:
    """{value of `key`: the setting of a method that has it}, of those that have the values of `where`. Raises
    `Undecided` where several settings have the same value."""
    found: dict[Any, list[str]] = {}
    for name in experiment.of_method(method) if experiment else ():
        if experiment and all(experiment.configured(name, of) == value for of, value in (where or {}).items()):
            found.setdefault(experiment.configured(name, key), []).append(name)
    return {value: only(names, f"{method} with {key}={value}") or "" for value, names in found.items()}


def mean_of(experiment: Experiment, setting: str, metric: str) -> Estimate:
    """The mean over seeds of a metric, inside of its range."""
    return average(experiment.about(metric), experiment.values(setting, metric))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "conditioning-works",
        "Mirza & Osindero (2014), arXiv:1411.1784, Figure 2, digits of each label, without a number",
        "A conditional GAN makes digits of the class that it is asked for; with labels that say nothing it does not.",
        conditioning_works,
        ("cgan_mnist", "cgan_mnist_gpu"),
    ),
    Claim(
        "labels-help",
        f"{ADVICE}: use labels where there are any",
        "On MNIST images are better where labels are used, by a conditional GAN and by AC-GAN.",
        labels_help,
        ("cgan_mnist", "cgan_mnist_gpu"),
    ),
    Claim(
        "class-loss-accuracy-for-variety",
        "Odena, Olah & Shlens (2017), arXiv:1610.09585; that variety falls is said by others, without a number",
        "AC-GAN's class loss makes samples be what they were asked to be, at the price of variety within a class.",
        accuracy_for_variety,
        ("acgan_mnist", "acgan_mnist_gpu"),
    ),
)
