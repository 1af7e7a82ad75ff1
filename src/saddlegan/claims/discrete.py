"""Boundary-seeking GANs on discrete data."""

from dataclasses import replace

import numpy as np

from saddlegan.reporting import statistics
from saddlegan.reporting.evidence import MINIMUM_SEEDS, Claim, outcome_of, ruled
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.ledger import Verdict
from saddlegan.reporting.measures import average
from saddlegan.reporting.results import Results
from saddlegan.reporting.statistics import Estimate
from saddlegan.reporting.tables import show

#: Classes that samples cover, of ten, and effective samples of a latent, from which on training is called stable.
CLASSES, SAMPLES = 8.0, 1.5
#: Differences of error rates that are called close, and far.
CLOSE, FAR = 0.02, 0.1
SOURCE = "Hjelm et al. (2018), arXiv:1702.08431"


def less_noise(results: Results) -> Verdict:
    """In `discrete_toy`, for each setting of bgan_discrete, over seeds: the geometric mean ratio of the noise of
    normalised weights to that of basic ones, of the same networks, latents and number of samples, each over the norm of
    its own exact gradient, mean over the last fifth.

    Reproduced: the 95 % interval lies below 1 for all settings. Contradicted: it lies above 1 for one of them.
    Inconclusive: all else, and fewer than 16 seeds.
    """
    experiment, settings = _settings(results, "discrete_toy", "bgan_discrete")
    if experiment is None:
        return Verdict("not_run", "No runs of bgan_discrete on bits.")
    ratios, shown = {}, []
    for name in settings:
        one, other, third = (experiment.values(name, f"noise_{kind}") for kind in ("normalised", "basic", "reinforce"))
        ratios[name] = statistics.average(np.log(one / other))
        third = statistics.average(np.log(third / other))
        shown.append(f"{name}: {_exp(ratios[name])}, and of REINFORCE over them {_exp(third)}")
    outcome = outcome_of(
        min(ratio.count for ratio in ratios.values()),
        failed=any(ratio.above(0) for ratio in ratios.values()),
        held=all(ratio.below(0) for ratio in ratios.values()),
        least=MINIMUM_SEEDS,
    )
    largest = max(ratios.values(), key=lambda ratio: ratio.value)
    low, middle, high = (float(np.exp(value)) for value in (largest.low, largest.value, largest.high))
    text = f"Noise of normalised weights over that of basic ones: {'; '.join(shown)}."
    return Verdict(outcome, text, middle, (low, high), largest.count, "largest ratio of noises, normalised / basic")


def _exp(estimate: Estimate) -> str:
    """An estimate of a logarithm, as what it is the logarithm of."""
    return show(replace(estimate, value=np.exp(estimate.value), low=np.exp(estimate.low), high=np.exp(estimate.high)))


def stable(results: Results) -> Verdict:
    """In `discrete_mnist`, for each setting of bgan_discrete: the classes that samples cover and the effective number
    of the M samples of a latent, means over the last fifth, over seeds.

    Reproduced: no seed diverged, and the 95 % intervals of all settings lie above 8 classes and above 1.5 samples: with
    one sample alone a generator would learn from luck. Contradicted: a seed diverged, or one of the intervals lies
    below its level. Inconclusive: all else, and fewer than 3 seeds.
    """
    experiment, settings = _settings(results, "discrete_mnist", "bgan_discrete")
    if experiment is None:
        return Verdict("not_run", "No runs of bgan_discrete on MNIST.")
    levels = {"classes_covered": CLASSES, "ess": SAMPLES}
    found = {
        (name, of): average(experiment.about(of), experiment.values(name, of)) for name in settings for of in levels
    }
    lost = sum(int(experiment.values(name).isna().sum()) for name in settings)
    fewest = min(experiment.values(name).size for name in settings)
    held = all(one.above(levels[of]) for (_, of), one in found.items())
    failed = lost > 0 or any(one.below(levels[of]) for (_, of), one in found.items())
    each = (
        f"{name}: {show(found[name, 'classes_covered'])} classes, {show(found[name, 'ess'])} effective samples"
        for name in settings
    )
    least = min((found[name, "ess"] for name in settings), key=lambda one: one.value)
    text = f"{'; '.join(each)}. Diverged seeds: {lost}."
    return ruled(least, text, "least effective sample size", failed=failed, held=held, seeds=fewest)


def better_than_wgan_gp(results: Results) -> Verdict:
    """In `discrete_mnist`: of each distance that fresh discriminators estimate (JS, KL(q|p), Wasserstein), that of
    bgan_discrete with the divergence `gan` minus that of wgan_gp_soft at the end, over common seeds.

    Reproduced: the 95 % intervals of all three lie below 0. Contradicted: one lies above 0. Inconclusive: all else, and
    fewer than 3 common seeds.
    """
    experiment, settings = _settings(results, "discrete_mnist", "bgan_discrete")
    _, theirs = _settings(results, "discrete_mnist", "wgan_gp_soft")
    ours = [name for name in settings if experiment and experiment.configured(name, "method.divergence") == "gan"]
    if experiment is None or not (ours and theirs):
        return Verdict("not_run", "No runs of bgan_discrete and wgan_gp_soft on MNIST.")
    gains, told = [], []
    for metric in ("fresh_js", "fresh_reverse_kl", "fresh_wasserstein"):
        one, other = (experiment.values(names[0], metric) for names in (ours, theirs))
        gains.append(statistics.average((one - other).dropna()))
        means = " against ".join(show(statistics.average(values)) for values in (one, other))
        told.append(f"{experiment.about(metric).name}: {means}, the difference {show(gains[-1])}")
    count = min(gain.count for gain in gains)
    failed, held = any(gain.above(0) for gain in gains), all(gain.below(0) for gain in gains)
    measure = "difference of JS divergences"
    return ruled(gains[0], "; ".join(told) + ".", measure, failed=failed, held=held, seeds=count)


def better_than_independent(results: Results) -> Verdict:
    """In `char_text`, for each setting of bgan_discrete: the JS divergences of 2-, 3- and 4-grams from held-out lines,
    means over the last fifth, over seeds, against those of as many windows of characters that are drawn one by one.

    Reproduced: all 95 % intervals lie below them. Contradicted: one lies above. Inconclusive: all else, and fewer than
    3 seeds.
    """
    experiment, settings = _settings(results, "char_text", "bgan_discrete")
    if experiment is None:
        return Verdict("not_run", "No runs of bgan_discrete on text.")
    independent = experiment.runs_of(settings[0])[0].result.independent
    level = {n: float(independent.get(f"ngram_js_{n}") or 0.0) for n in (2, 3, 4)}
    found = {
        (name, n): statistics.average(experiment.values(name, f"ngram_js_{n}").dropna())
        for name in settings
        for n in level
    }
    count = min(one.count for one in found.values())
    failed = any(one.above(level[n]) for (_, n), one in found.items())
    held = all(one.below(level[n]) for (_, n), one in found.items())
    text = "; ".join(f"{name}, {n}-grams: {show(one)} against {level[n]:.3g}" for (name, n), one in found.items()) + "."
    measure = "JS divergence of 4-grams"
    return ruled(found[settings[0], 4], text, measure, failed=failed, held=held, seeds=count)


def close_to_cross_entropy(results: Results) -> Verdict:
    """In `adversarial_classification`: error rates on test images, means over the last fifth, of each setting of
    bgan_discrete minus those of cross_entropy, and those of wgan_soft minus each, over common seeds.

    Reproduced: of all settings the 95 % interval of the first difference lies below 0.02, and that of the second above
    0.1. Contradicted: of one of them the first lies above 0.02, or the second below 0.1. Inconclusive: all else, and
    fewer than 3 common seeds. What is close and what is far is our choice; so is the rate of WGAN, that of the others,
    which is 20 times its authors'.
    """
    experiment, settings = _settings(results, "adversarial_classification", "bgan_discrete")
    others = [_settings(results, "adversarial_classification", name)[1] for name in ("cross_entropy", "wgan_soft")]
    if experiment is None or not all(others):
        return Verdict("not_run", "No runs of bgan_discrete, cross_entropy and wgan_soft on labels.")
    baseline, clipped = (experiment.values(names[0], "error_rate") for names in others)
    over, under = (
        {name: statistics.average(sign * (experiment.values(name, "error_rate") - other).dropna()) for name in settings}
        for sign, other in ((1, baseline), (-1, clipped))
    )
    count = min(one.count for one in (*over.values(), *under.values()))
    failed = any(one.above(CLOSE) for one in over.values()) or any(one.below(FAR) for one in under.values())
    held = all(one.below(CLOSE) for one in over.values()) and all(one.above(FAR) for one in under.values())
    errors = {
        name: average(experiment.about("error_rate"), experiment.values(name, "error_rate"))
        for name in (others[0][0], *settings, others[1][0])
    }
    told = "; ".join(f"{name}: {show(error)}" for name, error in errors.items())
    worst = max(over.values(), key=lambda one: one.value)
    text = f"Error rates, mean over seeds: {told}. Most over cross-entropy: {show(worst)}."
    measure = "largest difference of error rates, bgan_discrete - cross_entropy"
    return ruled(worst, text, measure, failed=failed, held=held, seeds=count)


def _settings(results: Results, name: str, method: str) -> tuple[Experiment | None, list[str]]:
    """An experiment and its settings of a method; None where it has none."""
    experiment = results.largest(name)
    settings = experiment.of_method(method) if experiment else []
    return (experiment, settings) if settings else (None, [])


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "normalised-weights-less-noise",
        f"{SOURCE}, section 2.3; the source that we have says it without a number",
        "Importance weights that are normalised over the samples of a latent lower the variance of the policy"
        " gradient.",
        less_noise,
        ("discrete_toy",),
    ),
    Claim(
        "adversarial-classification-close-to-cross-entropy",
        f"{SOURCE}, Table 1, of CIFAR-10, whose numbers we do not have for certain",
        "A classifier that is trained adversarially on its labels comes close to one that is trained by cross-entropy,"
        " and far before one that is trained by WGAN with clipped weights.",
        close_to_cross_entropy,
        ("adversarial_classification",),
    ),
    Claim(
        "discrete-training-is-stable",
        f"{SOURCE}, abstract and figures, without a number",
        "A boundary-seeking GAN learns discrete data stably, whatever the divergence.",
        stable,
        ("discrete_mnist", "discrete_mnist_gpu"),
    ),
    Claim(
        "bgan-better-than-wgan-gp",
        f"{SOURCE}, Table 2, whose numbers we do not have",
        "On discrete MNIST a boundary-seeking GAN is nearer to the data than WGAN-GP under every distance, also"
        " Wasserstein's.",
        better_than_wgan_gp,
        ("discrete_mnist", "discrete_mnist_gpu"),
    ),
    Claim(
        "text-beats-independent-characters",
        f"{SOURCE}, samples of text without a number; the comparison is ours",
        "A boundary-seeking GAN learns text: better than characters that are independent of each other.",
        better_than_independent,
        ("char_text",),
    ),
)
