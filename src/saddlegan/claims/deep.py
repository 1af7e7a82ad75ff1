"""The rules of deep convolutional networks, what their discriminators learn, and a list of advice."""

from collections.abc import Mapping
from typing import Any

from saddlegan.claims.conditional import ADVICE, of_ratios, ratio_of
from saddlegan.reporting import paired, statistics
from saddlegan.reporting.evidence import Claim, Undecided, lost, only, ruled
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.ledger import Verdict
from saddlegan.reporting.results import Results
from saddlegan.reporting.tables import show

#: DCGAN's rules as keys of a configuration with the values that follow them; the last one, how weights start, is of
#: another section, and is no rule.
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


def each_rule_helps(results: Results) -> Verdict:
    """In `dcgan_rules`, for each rule of the source's section 3: the geometric mean ratio of Fréchet distances, means
    over the last fifth, of the networks with all rules to those without this one, over common seeds.

    Reproduced: all 95 % intervals lie below 1. Contradicted: the networks are better without one of them, by Student's
    paired test after Holm's correction over the rules, at 0.05. Inconclusive: all else, and fewer than 3 common seeds.
    """
    experiment = results.largest("dcgan_rules")
    whole, changed = _one_by_one(experiment, RULES)
    if experiment is None or whole is None or not changed:
        return Verdict("not_run", "No runs with all rules, and without one of them.")
    rules = {
        f"{key.removeprefix('model.')}={str(value).lower()}": name
        for (key, value), name in changed.items()
        if key != list(RULES)[-1]
    }
    frechet = {name: experiment.values(name, "frechet") for name in (whole, *rules.values())}
    tests = [paired.signed(frechet[whole], frechet[name]) for name in rules.values()]
    adjusted = paired.holm([p for _, p in tests])
    better = [sign > 0 and p < paired.SIGNIFICANT for (sign, _), p in zip(tests, adjusted, strict=True)]
    ratios = {rule: ratio_of(experiment, whole, name) for rule, name in rules.items()}
    gone = lost(experiment, whole, *rules.values())
    return of_ratios(ratios, "all rules / without this one", lost=gone, failed=any(better))


def features_beat_kmeans(results: Results) -> Verdict:
    """In `dcgan_features`, at 10 and 100 labels a class, at the end: the accuracy of the SVM on the discriminator's
    features minus that on k-means features, and minus that on pixels, over seeds.

    Reproduced: all four 95 % intervals lie above 0. Contradicted: one lies below 0. Inconclusive: all else, and fewer
    than 3 seeds.
    """
    experiment = results.largest("dcgan_features")
    setting = only(experiment.of_method("gan_non_saturating"), "gan_non_saturating") if experiment else None
    if experiment is None or setting is None or experiment.values(setting, "svm_learned_10").dropna().empty:
        return Verdict("not_run", "No runs of dcgan_features with the SVM's accuracies.")
    gains, told = {}, []
    for count in (10, 100):
        names = ("learned", "initial", "kmeans", "pixels")
        values = {name: experiment.values(setting, f"svm_{name}_{count}") for name in names}
        told.append(f"{count} labels: " + ", ".join(f"{name} {of.mean():.3f}" for name, of in values.items()))
        for other in ("kmeans", "pixels"):
            gains[count, other] = statistics.average((values["learned"] - values[other]).dropna())
    fewest = min(gain.count for gain in gains.values())
    failed = any(gain.below(0) for gain in gains.values())
    held = all(gain.above(0) for gain in gains.values())
    least = min(gains.values(), key=lambda gain: gain.value)
    text = f"Accuracies at {'; at '.join(told)}. Least gain: {show(least)}."
    gone = lost(experiment, setting)
    return ruled(least, text, "least gain of accuracy", failed=failed, held=held, seeds=fewest, lost=gone)


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
    experiment = results.largest("tips")
    whole, changed = _one_by_one(experiment, TIPS)
    if experiment is None or whole is None or (key, value) not in changed:
        return Verdict("not_run", f"No runs of tips with and without {key.rpartition('.')[2]}={value}.")
    names = (changed[key, value], whole) if on else (whole, changed[key, value])
    said = f"{key.rpartition('.')[2]}: {TIPS[key]} / {value}" if not on else f"{key}: {value} / {TIPS[key]}"
    gone = lost(experiment, *names)
    return of_ratios({said: ratio_of(experiment, *names)}, "with the advice / without", lost=gone)


def _one_by_one(
    experiment: Experiment | None, usual: Mapping[str, Any]
) -> tuple[str | None, dict[tuple[str, Any], str]]:
    """The setting with all `usual` values, and {(key, value): the setting that differs in this one alone}. Raises
    `Undecided` where several do."""
    found: dict[tuple[str, Any] | None, str] = {}
    for setting in experiment.settings if experiment else ():
        values = {key: experiment.configured(setting, key) for key in usual} if experiment else {}
        apart = [(key, value) for key, value in values.items() if value != usual[key]]
        if len(apart) > 1:
            continue
        change = apart[0] if apart else None
        if change in found:
            raise Undecided(f"Two settings where one is judged: {found[change]}; {setting}.")
        found[change] = setting
    return found.get(None), {change: setting for change, setting in found.items() if change is not None}


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "each-dcgan-rule-helps",
        "Radford, Metz & Chintala (2016), arXiv:1511.06434, section 3, without a number",
        "Each of DCGAN's rules makes training better.",
        each_rule_helps,
        ("dcgan_rules", "dcgan_rules_gpu"),
    ),
    Claim(
        "features-beat-k-means",
        "Radford, Metz & Chintala (2016), arXiv:1511.06434, Table 1, of CIFAR-10 by features of ImageNet",
        "A linear SVM on the features of DCGAN's discriminator is better than one on k-means features; here of few"
        " labels, and than one on pixels.",
        features_beat_kmeans,
        ("dcgan_features", "dcgan_features_gpu"),
    ),
    Claim(
        "tip-inputs",
        ADVICE,
        "Values in [-1, 1] make training better.",
        tip_inputs,
        ("tips", "tips_gpu"),
    ),
    Claim(
        "tip-non-saturating",
        ADVICE,
        "A generator that maximises log D is better than one that minimises log(1 - D).",
        tip_non_saturating,
        ("tips", "tips_gpu"),
    ),
    Claim(
        "tip-normal-latents",
        ADVICE,
        "Normal latents are better than uniform ones.",
        tip_normal_latents,
        ("tips", "tips_gpu"),
    ),
    Claim(
        "tip-normalisation",
        ADVICE,
        "Layers that normalise make training better.",
        tip_normalisation,
        ("tips", "tips_gpu"),
    ),
    Claim(
        "tip-labels",
        ADVICE,
        "A discriminator that also names the class makes the images better.",
        tip_labels,
        ("tips", "tips_gpu"),
    ),
)
