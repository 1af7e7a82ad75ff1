"""Labels, and the rules of deep convolutional networks: CGAN, AC-GAN, DCGAN, and a list of advice."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from saddlegan.reporting import paired, statistics
from saddlegan.reporting.evidence import LEAST_SEEDS, Claim
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.ledger import Outcome, Verdict
from saddlegan.reporting.measures import average
from saddlegan.reporting.results import Results
from saddlegan.reporting.statistics import Estimate
from saddlegan.reporting.tables import show

#: Class accuracies of ten classes that are far above chance, and near to it.
FAR_ABOVE, NEAR_CHANCE = 0.5, 0.2
ADVICE = "Variants of GANs (a wiki, in Russian), its list of advice"
#: DCGAN's rules as keys of a configuration with the values that follow them.
RULES = {
    "model.generator.pooling": False,
    "model.generator.normalisation": "batch",
    "model.generator.hidden_dense": 0,
    "model.generator.activation": "relu",
    "model.discriminator.activation": "leaky_relu",
    "model.generator.output": "tanh",
    "model.generator.initialisation": "normal",
}
#: What `tips` changes one by one.
TIPS = {
    "method": "gan_non_saturating",
    "model.generator.output": "tanh",
    "model.latent.law": "normal",
    "model.generator.normalisation": "batch",
}


def conditioning_works(results: Results) -> Verdict:
    """In `cgan_mnist`: the share of samples that an independent classifier reads as the class that was asked for, mean
    over the last fifth, over seeds: of cgan, and of cgan whose discriminator is given labels of other images.

    Reproduced: the 95 % interval of the first lies above 0.5, and that of the second below 0.2; chance is 0.1.
    Contradicted: the first lies below 0.5, or the second above 0.2. Inconclusive: all else, and fewer than 3 seeds.
    """
    experiment = results.experiments.get("cgan_mnist")
    found = _by_value(experiment, "cgan", "method.labels")
    if experiment is None or not {"own", "shuffled"} <= found.keys():
        return Verdict("not_run", "No runs of cgan with own and with shuffled labels.")
    own, shuffled = (_mean(experiment, found[labels], "class_accuracy") for labels in ("own", "shuffled"))
    count = min(own.count, shuffled.count)
    failed = own.below(FAR_ABOVE) or shuffled.above(NEAR_CHANCE)
    outcome = _outcome(count, failed, own.above(FAR_ABOVE) and shuffled.below(NEAR_CHANCE))
    text = f"Class accuracy {show(own)}; with shuffled labels in the discriminator {show(shuffled)}; chance 0.1."
    return Verdict(outcome, text, own.value, (own.low, own.high), count, "class accuracy of cgan")


def labels_help(results: Results) -> Verdict:
    """In `cgan_mnist`: the geometric mean ratio of Fréchet distances, means over the last fifth, of cgan (with the
    labels of its images) and of acgan to gan_non_saturating, over common seeds.

    Reproduced: both 95 % intervals lie below 1. Contradicted: one lies above 1. Inconclusive: all else, and fewer
    than 3 common seeds.
    """
    experiment = results.experiments.get("cgan_mnist")
    plain = experiment.of_method("gan_non_saturating") if experiment else []
    if experiment is None or not plain:
        return Verdict("not_run", "No runs of gan_non_saturating in cgan_mnist.")
    conditional, named = _by_value(experiment, "cgan", "method.labels"), experiment.of_method("acgan")
    if "own" not in conditional or not named:
        return Verdict("not_run", "No runs of both cgan and acgan in cgan_mnist.")
    settings = {"cgan": conditional["own"], "acgan": named[0]}
    ratios = {method: _ratio(experiment, name, plain[0]) for method, name in settings.items()}
    return _of_ratios(ratios, "largest ratio of Fréchet distances, with labels / without")


def accuracy_for_variety(results: Results) -> Verdict:
    """In `acgan_mnist`, of acgan with the class loss of real and generated images: weight 1 against weight 0, over
    common seeds, means over the last fifth: the difference of class accuracies, and the geometric mean ratio of the
    varieties of right samples, those that the independent classifier reads as the class that was asked for.

    Reproduced: the 95 % interval of the difference lies above 0, and that of the ratio below 1. Contradicted: the
    difference lies below 0, or the ratio above 1. Inconclusive: all else, and fewer than 3 common seeds.
    """
    experiment = results.experiments.get("acgan_mnist")
    found = _by_value(experiment, "acgan", "method.class_weight", {"method.class_loss": "real_and_fake"})
    if experiment is None or not {0.0, 1.0} <= found.keys():
        return Verdict("not_run", "No runs of acgan with the weights 0 and 1.")
    with_loss, without = (experiment.values(found[weight], "class_accuracy") for weight in (1.0, 0.0))
    gain = statistics.average((with_loss - without).dropna())
    ratio = _ratio(experiment, found[1.0], found[0.0], "right_variety")
    count = min(gain.count, ratio.count)
    outcome = _outcome(count, gain.below(0) or ratio.above(1), gain.above(0) and ratio.below(1))
    each = []
    for weight, name in sorted(found.items()):
        means = (show(_mean(experiment, name, of)) for of in ("class_accuracy", "right_variety"))
        each.append(f"weight {weight:g}: " + ", variety ".join(means))
    text = f"Class accuracy: {'; '.join(each)}. Weight 1 against 0: difference {show(gain)}, ratio {show(ratio)}."
    measure = "ratio of varieties of right samples, weight 1 / 0"
    return Verdict(outcome, text, ratio.value, (ratio.low, ratio.high), count, measure)


def each_rule_helps(results: Results) -> Verdict:
    """In `dcgan_rules`, for each rule: the geometric mean ratio of Fréchet distances, means over the last fifth, of the
    networks with all rules to those without this one, over common seeds.

    Reproduced: all 95 % intervals lie below 1. Contradicted: one lies above 1: the networks are better without that
    rule. Inconclusive: all else, and fewer than 3 common seeds.
    """
    experiment = results.experiments.get("dcgan_rules")
    whole, changed = _one_by_one(experiment, RULES)
    if experiment is None or whole is None or not changed:
        return Verdict("not_run", "No runs with all rules, and without one of them.")
    ratios = {
        f"{key.removeprefix('model.')}={str(value).lower()}": _ratio(experiment, whole, name)
        for (key, value), name in changed.items()
    }
    return _of_ratios(ratios, "largest ratio of Fréchet distances, all rules / all but one", "without a rule: ")


def tip_inputs(results: Results) -> Verdict:
    """`_tip`, of values in [-1, 1] and a tanh against values in [0, 1] and a sigmoid."""
    return _tip(results, "model.generator.output", "sigmoid")


def tip_non_saturating(results: Results) -> Verdict:
    """`_tip`, of gan_non_saturating against gan."""
    return _tip(results, "method", "gan")


def tip_normal_latents(results: Results) -> Verdict:
    """`_tip`, of normal latents against uniform ones."""
    return _tip(results, "model.latent.law", "uniform")


def tip_normalisation(results: Results) -> Verdict:
    """`_tip`, of batch normalisation against none."""
    return _tip(results, "model.generator.normalisation", "none")


def tip_labels(results: Results) -> Verdict:
    """`_tip`, of acgan against gan_non_saturating."""
    return _tip(results, "method", "acgan", on=True)


def _tip(results: Results, key: str, value: Any, on: bool = False) -> Verdict:
    """In `tips`: the geometric mean ratio of Fréchet distances, means over the last fifth, with the advice to without
    it, all else equal, over common seeds. `on`: the changed value is what the advice says.

    Reproduced: the 95 % interval lies below 1. Contradicted: it lies above 1. Inconclusive: all else, and fewer than 3
    common seeds.
    """
    experiment = results.experiments.get("tips")
    whole, changed = _one_by_one(experiment, TIPS)
    if experiment is None or whole is None or (key, value) not in changed:
        return Verdict("not_run", f"No runs of tips with and without {key.rpartition('.')[2]}={value}.")
    names = (changed[key, value], whole) if on else (whole, changed[key, value])
    said = f"{key.rpartition('.')[2]}: {TIPS[key]} / {value}" if not on else f"{key}: {value} / {TIPS[key]}"
    return _of_ratios({said: _ratio(experiment, *names)}, "ratio of Fréchet distances, with the advice / without")


# Shared ---------------------------------------------------------------------------------------------------------------


def _one_by_one(
    experiment: Experiment | None, usual: Mapping[str, Any]
) -> tuple[str | None, dict[tuple[str, Any], str]]:
    """The setting with all `usual` values, and {(key, value): the setting that differs in this one alone}."""
    whole, changed = None, {}
    if experiment is None:
        return whole, changed
    for setting in experiment.settings:
        values = {key: experiment.configured(setting, key) for key in usual}
        apart = {key: value for key, value in values.items() if value != usual[key]}
        if not apart:
            whole = setting
        elif len(apart) == 1:
            changed[next(iter(apart.items()))] = setting
    return whole, changed


def _ratio(experiment: Experiment, ours: str, theirs: str, metric: str = "frechet") -> Estimate:
    return paired.equivalence(experiment.values(ours, metric), experiment.values(theirs, metric))


def _of_ratios(ratios: Mapping[str, Estimate], measure: str, before: str = "") -> Verdict:
    """The verdict of ratios that are to lie below 1; the largest one is told."""
    count = min(ratio.count for ratio in ratios.values())
    failed = any(ratio.above(1) for ratio in ratios.values())
    outcome = _outcome(count, failed, all(ratio.below(1) for ratio in ratios.values()))
    largest = max(ratios.values(), key=lambda ratio: -np.inf if np.isnan(ratio.value) else ratio.value)
    text = f"Ratios of Fréchet distances, {before}" + "; ".join(f"{name}: {show(one)}" for name, one in ratios.items())
    return Verdict(outcome, f"{text}.", largest.value, (largest.low, largest.high), count, measure)


def _by_value(
    experiment: Experiment | None, method: str, key: str, where: Mapping[str, Any] | None = None
) -> dict[Any, str]:
    """{value of `key`: the setting of a method that has it}, of those that have the values of `where`."""
    return {
        experiment.configured(name, key): name
        for name in (experiment.of_method(method) if experiment else ())
        if experiment and all(experiment.configured(name, of) == value for of, value in (where or {}).items())
    }


def _mean(experiment: Experiment, setting: str, metric: str) -> Estimate:
    """The mean over seeds of a metric, inside of its range."""
    return average(experiment.about(metric), experiment.values(setting, metric))


def _outcome(seeds: int, failed: bool, held: bool) -> Outcome:
    if seeds < LEAST_SEEDS:
        return "inconclusive"
    return "contradicted" if failed else "reproduced" if held else "inconclusive"


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "conditioning-works",
        "Mirza & Osindero (2014), arXiv:1411.1784, Figure 2, digits of each label, without a number",
        "A conditional GAN makes digits of the class that it is asked for; with labels that say nothing it does not.",
        conditioning_works,
        ("cgan_mnist",),
    ),
    Claim(
        "labels-help",
        f"{ADVICE}: use labels where there are any",
        "On MNIST images are better where labels are used, by a conditional GAN and by AC-GAN.",
        labels_help,
        ("cgan_mnist",),
    ),
    Claim(
        "class-loss-accuracy-for-variety",
        "Odena, Olah & Shlens (2017), arXiv:1610.09585; that variety falls is said by others, without a number",
        "AC-GAN's class loss makes samples be what they were asked to be, at the price of variety within a class.",
        accuracy_for_variety,
        ("acgan_mnist",),
    ),
    Claim(
        "each-dcgan-rule-helps",
        "Radford, Metz & Chintala (2016), arXiv:1511.06434, section 3, without a number",
        "Each of DCGAN's rules makes training better.",
        each_rule_helps,
        ("dcgan_rules",),
    ),
    Claim(
        "tip-inputs",
        ADVICE,
        "Values in [-1, 1] make training better.",
        tip_inputs,
        ("tips",),
    ),
    Claim(
        "tip-non-saturating",
        ADVICE,
        "A generator that maximises log D is better than one that minimises log(1 - D).",
        tip_non_saturating,
        ("tips",),
    ),
    Claim(
        "tip-normal-latents",
        ADVICE,
        "Normal latents are better than uniform ones.",
        tip_normal_latents,
        ("tips",),
    ),
    Claim(
        "tip-normalisation",
        ADVICE,
        "Layers that normalise make training better.",
        tip_normalisation,
        ("tips",),
    ),
    Claim(
        "tip-labels",
        ADVICE,
        "A discriminator that also names the class makes the images better.",
        tip_labels,
        ("tips",),
    ),
)
