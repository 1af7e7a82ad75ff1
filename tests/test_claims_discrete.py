"""The rules of claims about discrete data, on results made to satisfy each, to refute it, and to decide nothing."""

import json

import numpy as np
import pytest
from run_folders import write_run

from saddlegan import claims
from saddlegan.reporting.results import load_results

BY_ID = {claim.id: claim for claim in claims.CLAIMS}
CLASS = {
    "bgan_discrete": "saddlegan.methods.bgan_discrete.DiscreteBGAN",
    "wgan_gp_soft": "saddlegan.methods.wgan_gp_soft.SoftWGANGP",
    "wgan_soft": "saddlegan.methods.wgan_soft.SoftWGAN",
    "cross_entropy": "saddlegan.methods.cross_entropy.CrossEntropy",
}


def write(folder, method, experiment, means, *, lost=(), final=None, independent=None, **own):
    """A run whose seeds have these metrics; those of the places `lost` have diverged."""
    count = len(next(iter((means or final).values())))
    carrier = np.where(np.isin(np.arange(count), lost), np.nan, 0.1)
    means = {name: [float(value) for value in values] for name, values in means.items()}
    final = {name: [float(value) for value in values] for name, values in (final or {}).items()}
    run = write_run(folder, method, carrier, experiment=experiment, means=means, final=final, files=False, **own)
    result = json.loads((run / "result.json").read_text())
    result["config"]["method"]["_target_"] = CLASS[method]
    (run / "result.json").write_text(json.dumps(result | {"independent": independent or {}}))


def decide(name, tmp_path):
    return BY_ID[name].decide(load_results([tmp_path]))


def around(value, count=3, width=0.01, seed=0):
    return value + width * np.random.default_rng(seed).standard_normal(count)


@pytest.mark.parametrize(
    ("ratios", "count", "outcome"),
    [
        ([0.8, 0.9], 16, "reproduced"),
        ([0.8, 1.1], 16, "contradicted"),
        ([0.8, 1.0], 16, "inconclusive"),
        ([0.8, 0.9], 15, "inconclusive"),
    ],
)
def test_normalised_weights_have_less_noise_in_every_setting(tmp_path, ratios, count, outcome):
    for samples, ratio in enumerate(ratios):
        basic = around(2.0, count, 0.3)
        noise = np.exp(around(0.0, count, 0.02, seed=samples))
        means = {"noise_normalised": ratio * basic * noise, "noise_basic": basic, "noise_reinforce": 0.1 * basic}
        write(tmp_path / str(samples), "bgan_discrete", "discrete_toy", means, num_samples=samples, data="bits")
    verdict = decide("normalised-weights-less-noise", tmp_path)
    assert verdict.verdict == outcome, verdict.text
    assert verdict.effect == pytest.approx(max(ratios), rel=0.02)
    assert verdict.interval[0] <= verdict.effect <= verdict.interval[1]
    assert verdict.seeds == count


@pytest.mark.parametrize(
    ("classes", "ess", "lost", "seeds", "outcome"),
    [
        ([9.5, 9.8], [4.0, 2.0], (), 3, "reproduced"),
        ([9.5, 5.0], [4.0, 2.0], (), 3, "contradicted"),
        ([9.5, 9.8], [4.0, 1.1], (), 3, "contradicted"),
        ([9.5, 9.8], [4.0, 2.0], (1,), 3, "contradicted"),
        ([9.5, 8.0], [4.0, 2.0], (), 3, "inconclusive"),
        ([9.5, 9.8], [4.0, 2.0], (), 2, "inconclusive"),
    ],
)
def test_training_is_stable_where_all_divergences_keep_classes(tmp_path, classes, ess, lost, seeds, outcome):
    for place, (covered, effective) in enumerate(zip(classes, ess, strict=True)):
        means = {"classes_covered": around(covered, seeds, 0.1), "ess": around(effective, seeds, 0.05)}
        own = {"divergence": ["gan", "kl"][place], "lost": lost if place else ()}
        write(tmp_path / str(place), "bgan_discrete", "discrete_mnist", means, **own)
    assert decide("discrete-training-is-stable", tmp_path).verdict == outcome


DISTANCES = ("fresh_js", "fresh_reverse_kl", "fresh_wasserstein")


@pytest.mark.parametrize(
    ("less", "seeds", "outcome"),
    [
        ([0.2, 0.2, 0.2], 3, "reproduced"),
        ([0.2, 0.2, -0.2], 3, "contradicted"),
        ([0.2, 0.2, 0.0], 3, "inconclusive"),
        ([0.2, 0.2, 0.2], 2, "inconclusive"),
    ],
)
def test_a_boundary_seeking_gan_is_better_under_every_distance(tmp_path, less, seeds, outcome):
    ours = {name: around(0.5 - gain, seeds) for name, gain in zip(DISTANCES, less, strict=True)}
    theirs = {name: around(0.5, seeds, seed=1) for name in DISTANCES}
    worse = {name: around(5.0, seeds, seed=2) for name in DISTANCES}
    empty = {"ess": np.full(seeds, 2.0)}
    write(tmp_path / "b", "bgan_discrete", "discrete_mnist", empty, final=ours, divergence="gan")
    write(tmp_path / "k", "bgan_discrete", "discrete_mnist", empty, final=worse, divergence="kl")  # is not asked
    write(tmp_path / "w", "wgan_gp_soft", "discrete_mnist", empty, final=theirs)
    verdict = decide("bgan-better-than-wgan-gp", tmp_path)
    assert verdict.verdict == outcome, verdict.text
    assert verdict.effect == pytest.approx(-less[0], abs=0.05)


@pytest.mark.parametrize(
    ("values", "seeds", "outcome"),
    [
        ((0.1, 0.3, 0.5), 3, "reproduced"),
        ((0.1, 0.3, 0.65), 3, "contradicted"),
        ((0.25, 0.3, 0.5), 3, "contradicted"),
        ((0.1, 0.4, 0.5), 3, "inconclusive"),
        ((0.1, 0.3, 0.5), 2, "inconclusive"),
    ],
)
def test_text_is_better_than_independent_characters_in_every_ngram(tmp_path, values, seeds, outcome):
    independent = {"ngram_js_2": 0.2, "ngram_js_3": 0.4, "ngram_js_4": 0.6}
    means = {f"ngram_js_{n}": around(value, seeds) for n, value in zip((2, 3, 4), values, strict=True)}
    write(tmp_path / "b", "bgan_discrete", "char_text", means, independent=independent)
    verdict = decide("text-beats-independent-characters", tmp_path)
    assert verdict.verdict == outcome, verdict.text
    assert "against 0.6" in verdict.text


@pytest.mark.parametrize(
    ("errors", "clipped", "seeds", "outcome"),
    [
        ([0.03, 0.035], 0.7, 3, "reproduced"),
        ([0.03, 0.08], 0.7, 3, "contradicted"),
        ([0.03, 0.035], 0.08, 3, "contradicted"),
        ([0.03, 0.05], 0.7, 3, "inconclusive"),
        ([0.03, 0.035], 0.7, 2, "inconclusive"),
    ],
)
def test_an_adversarial_classifier_is_near_and_far(tmp_path, errors, clipped, seeds, outcome):
    def run(name, method, error, **own):
        means = {"error_rate": around(error, seeds, 0.001, seed=len(name))}
        write(tmp_path / name, method, "adversarial_classification", means, **own)

    run("ce", "cross_entropy", 0.03)
    run("clip", "wgan_soft", clipped)
    for divergence, error in zip(("gan", "kl"), errors, strict=True):
        run(f"bgan {divergence}", "bgan_discrete", error, divergence=divergence)
    verdict = decide("adversarial-classification-close-to-cross-entropy", tmp_path)
    assert verdict.verdict == outcome, verdict.text
    assert verdict.effect == pytest.approx(max(errors) - 0.03, abs=0.005)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, claim in BY_ID.items()
        if claim.source.startswith("Hjelm") and claim.experiments != ("bgan_steadiness",)
    ],
)
def test_without_runs_nothing_is_said(tmp_path, name):
    write(tmp_path / "other", "bgan_discrete", "another", {"ess": [2.0, 2.0, 2.0]})
    assert decide(name, tmp_path).verdict == "not_run"
