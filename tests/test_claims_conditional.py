"""The rules of claims about labels and deep networks, on results made to satisfy each, to refute it, and to decide
nothing."""

import json

import numpy as np
import pytest
from run_folders import write_image_run

from saddlegan import claims
from saddlegan.claims.deep import RULES, TIPS
from saddlegan.reporting.results import load_results

BY_ID = {claim.id: claim for claim in claims.CLAIMS}
TARGETS = {
    "cgan": "saddlegan.methods.cgan.ConditionalGAN",
    "acgan": "saddlegan.methods.acgan.AuxiliaryClassifierGAN",
    "lapgan": "saddlegan.methods.lapgan.LAPGAN",
    "stackgan": "saddlegan.methods.stackgan.StackGAN",
}


def write(folder, method, experiment, seeds=3, model=None, keys=None, frechet=100.0, **values):
    """A run per seed, with these metrics around their values and these keys of the configuration."""
    draws = np.random.default_rng(sum(map(ord, folder.name)))
    for seed in range(seeds):
        own = {name: value + 0.01 * value * draws.standard_normal() for name, value in values.items()}
        noisy = frechet * np.exp(0.02 * draws.standard_normal())
        run = write_image_run(folder / str(seed), method, seed, experiment=experiment, frechet=noisy, files=False)
        result = json.loads((run / "result.json").read_text())
        for part in ("final", "last_fifth"):
            result[part] |= {name: [value] for name, value in own.items()}
        if method in TARGETS:
            result["config"]["method"]["_target_"] = TARGETS[method]
        result["choices"]["model"] = model or "dcgan"
        for key, value in (keys or {}).items():
            *path, last = key.split(".")
            place = result["config"]
            for name in path:
                place = place.setdefault(name, {})
            if key != "method":
                place[last] = value
        (run / "result.json").write_text(json.dumps(result))


def decide(name, tmp_path):
    return BY_ID[name].decide(load_results([tmp_path]))


@pytest.mark.parametrize(
    ("own", "shuffled", "seeds", "outcome"),
    [
        (0.9, 0.1, 3, "reproduced"),
        (0.3, 0.1, 3, "contradicted"),
        (0.9, 0.6, 3, "contradicted"),
        (0.5, 0.1, 3, "inconclusive"),
        (0.9, 0.2, 3, "inconclusive"),
        (0.9, 0.1, 2, "inconclusive"),
    ],
)
def test_conditioning_works_where_samples_are_what_was_asked_for_and_with_shuffled_labels_are_not(
    tmp_path, own, shuffled, seeds, outcome
):
    for labels, accuracy in (("own", own), ("shuffled", shuffled)):
        write(tmp_path / labels, "cgan", "cgan_mnist", seeds, keys={"method.labels": labels}, class_accuracy=accuracy)
    verdict = decide("conditioning-works", tmp_path)
    assert verdict.verdict == outcome, verdict.text
    assert verdict.effect == pytest.approx(own, rel=0.05)
    assert verdict.seeds == seeds


def test_nothing_is_reproduced_by_the_runs_that_did_not_diverge(tmp_path):
    for labels, accuracy in (("own", 0.9), ("shuffled", 0.1)):
        write(tmp_path / labels, "cgan", "cgan_mnist", 4, keys={"method.labels": labels}, class_accuracy=accuracy)
    assert decide("conditioning-works", tmp_path).verdict == "reproduced"
    path = tmp_path / "own" / "3" / "result.json"
    result = json.loads(path.read_text())
    for part in ("final", "last_fifth"):
        result[part]["diverged"] = [1.0]
    path.write_text(json.dumps(result))
    verdict = decide("conditioning-works", tmp_path)
    assert (verdict.verdict, verdict.seeds) == ("inconclusive", 3), verdict.text
    assert "Diverged, and not in these numbers: 1 runs." in verdict.text


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_several_settings_of_what_one_is_judged_decide_nothing(tmp_path, order):
    """A sweep over more than the experiment's own: which of them the claim is about is not known."""
    for folder, accuracy in zip(order, (0.9, 0.3), strict=True):
        keys = {"method.labels": "own", "optimizer.lr": accuracy / 100}
        write(tmp_path / folder, "cgan", "cgan_mnist", keys=keys, class_accuracy=accuracy)
    write(tmp_path / "c", "cgan", "cgan_mnist", keys={"method.labels": "shuffled"}, class_accuracy=0.1)
    verdict = decide("conditioning-works", tmp_path)
    assert verdict.verdict == "inconclusive"
    assert "2 settings of cgan with method.labels=own, where one is judged" in verdict.text
    for folder in "de":
        write(
            tmp_path / folder,
            "gan_non_saturating",
            "tips",
            keys=TIPS | {"optimizer.lr": ord(folder) / 1e4},
        )
    write(tmp_path / "f", "gan_non_saturating", "tips", keys={**TIPS, "model.latent.law": "uniform"})
    assert "Two settings where one is judged" in decide("tip-normal-latents", tmp_path).text


@pytest.mark.parametrize(
    ("cgan", "acgan", "seeds", "outcome"),
    [
        (70, 60, 3, "reproduced"),
        (70, 150, 3, "contradicted"),
        (70, 100, 3, "inconclusive"),
        (70, 60, 2, "inconclusive"),
    ],
)
def test_labels_help_where_both_methods_that_use_them_are_better(tmp_path, cgan, acgan, seeds, outcome):
    write(tmp_path / "own", "cgan", "cgan_mnist", seeds, "dcgan_conditional", {"method.labels": "own"}, cgan)
    write(tmp_path / "shuffled", "cgan", "cgan_mnist", seeds, "dcgan_conditional", {"method.labels": "shuffled"}, 500)
    write(tmp_path / "acgan", "acgan", "cgan_mnist", seeds, "dcgan_classes", frechet=acgan)
    write(tmp_path / "plain", "gan_non_saturating", "cgan_mnist", seeds)
    verdict = decide("labels-help", tmp_path)
    assert verdict.verdict == outcome, verdict.text
    assert verdict.effect == pytest.approx(max(cgan, acgan) / 100, rel=0.1)


@pytest.mark.parametrize(
    ("accuracy", "variety", "seeds", "outcome"),
    [
        ((0.1, 0.9), (1.0, 0.8), 3, "reproduced"),
        ((0.1, 0.9), (0.8, 1.0), 3, "contradicted"),
        ((0.5, 0.1), (1.0, 0.8), 3, "contradicted"),
        ((0.1, 0.9), (1.0, 1.0), 3, "inconclusive"),
        ((0.1, 0.9), (1.0, 0.8), 2, "inconclusive"),
    ],
)
def test_the_class_loss_raises_accuracy_and_lowers_the_variety_of_right_samples(
    tmp_path, accuracy, variety, seeds, outcome
):
    """The setting whose class loss is of real images alone is not asked."""
    for at, weight in enumerate((0.0, 1.0)):
        keys = {"method.class_weight": weight, "method.class_loss": "real_and_fake"}
        own = {"class_accuracy": accuracy[at], "right_variety": variety[at]}
        write(tmp_path / str(at), "acgan", "acgan_mnist", seeds, keys=keys, **own)
    keys = {"method.class_weight": 1.0, "method.class_loss": "real"}
    write(tmp_path / "real", "acgan", "acgan_mnist", seeds, keys=keys, class_accuracy=0.5, right_variety=5.0)
    verdict = decide("class-loss-accuracy-for-variety", tmp_path)
    assert verdict.verdict == outcome, verdict.text
    assert verdict.effect == pytest.approx(variety[1] / variety[0], rel=0.05)


OFF = {"model.generator.pooling": True, "model.generator.normalisation": "none", "model.generator.output": "sigmoid"}


@pytest.mark.parametrize(
    ("worst", "seeds", "outcome"),
    [(130, 3, "reproduced"), (60, 3, "contradicted"), (100, 3, "inconclusive"), (130, 2, "inconclusive")],
)
def test_each_rule_helps_where_training_is_worse_without_any_of_them(tmp_path, worst, seeds, outcome):
    write(tmp_path / "all", "gan_non_saturating", "dcgan_rules", seeds, keys=RULES)
    for at, (key, value) in enumerate(OFF.items()):
        keys = RULES | {key: value}
        write(tmp_path / f"off{at}", "gan_non_saturating", "dcgan_rules", seeds, None, keys, worst if at == 1 else 150)
    write(tmp_path / "two", "gan_non_saturating", "dcgan_rules", seeds, None, RULES | OFF, 10)  # of two rules at once
    verdict = decide("each-dcgan-rule-helps", tmp_path)
    assert verdict.verdict == outcome, verdict.text
    assert verdict.effect == pytest.approx(max(100 / 150, 100 / worst), rel=0.1)
    assert "generator.normalisation=none" in verdict.text


@pytest.mark.parametrize(("noise", "outcome"), [(0.03, "inconclusive"), (0.003, "contradicted")])
def test_one_rule_of_several_refutes_the_claim_after_holms_correction_alone(tmp_path, noise, outcome):
    """Student's p of the better setting is 0.03 with the larger noise; three times as much is no longer below 0.05."""
    write(tmp_path / "all", "gan_non_saturating", "dcgan_rules", keys=RULES)
    for at, (key, value) in enumerate(OFF.items()):
        write(tmp_path / f"off{at}", "gan_non_saturating", "dcgan_rules", keys=RULES | {key: value})
    better = {"all": (0.0, 0.0, 0.0), "off1": (-0.1 - noise, -0.1, -0.1 + noise)}
    for folder in tmp_path.iterdir():
        logs = better.get(folder.name, (0.05, -0.05, 0.0))
        for seed, log in enumerate(logs):
            result = json.loads((folder / str(seed) / "result.json").read_text())
            for part in ("final", "last_fifth"):
                result[part]["frechet"] = [100 * float(np.exp(log))]
            (folder / str(seed) / "result.json").write_text(json.dumps(result))
    assert decide("each-dcgan-rule-helps", tmp_path).verdict == outcome


@pytest.mark.parametrize(
    ("kmeans", "pixels", "seeds", "outcome"),
    [
        ((0.6, 0.8), (0.6, 0.8), 3, "reproduced"),
        ((0.6, 0.95), (0.6, 0.8), 3, "contradicted"),
        ((0.6, 0.8), (0.6, 0.9), 3, "inconclusive"),
        ((0.6, 0.8), (0.6, 0.8), 2, "inconclusive"),
    ],
)
def test_features_beat_k_means_and_pixels_at_few_labels(tmp_path, kmeans, pixels, seeds, outcome):
    learned = {10: 0.7, 100: 0.9}
    values = {}
    for at, count in enumerate((10, 100)):
        own = {"learned": learned[count], "initial": 0.1, "kmeans": kmeans[at], "pixels": pixels[at]}
        values |= {f"svm_{name}_{count}": value for name, value in own.items()}
    write(tmp_path / "run", "gan_non_saturating", "dcgan_features", seeds, **values)
    verdict = decide("features-beat-k-means", tmp_path)
    assert verdict.verdict == outcome, verdict.text
    least = min(learned[count] - max(kmeans[at], pixels[at]) for at, count in enumerate((10, 100)))
    assert verdict.effect == pytest.approx(least, abs=0.03)


CHANGED = {
    "tip-inputs": ("model.generator.output", "sigmoid"),
    "tip-non-saturating": ("method", "gan"),
    "tip-normal-latents": ("model.latent.law", "uniform"),
    "tip-normalisation": ("model.generator.normalisation", "none"),
    "tip-labels": ("method", "acgan"),
}


@pytest.mark.parametrize("claim", CHANGED)
@pytest.mark.parametrize(
    ("other", "seeds", "outcome"),
    [(150, 3, "reproduced"), (60, 3, "contradicted"), (100, 3, "inconclusive"), (150, 2, "inconclusive")],
)
def test_advice_helps_where_the_distance_is_less_with_it(tmp_path, claim, other, seeds, outcome):
    key, value = CHANGED[claim]
    own = {name: TIPS[name] for name in TIPS if name != "method"}
    write(tmp_path / "all", "gan_non_saturating", "tips", seeds, keys=own)
    method = value if key == "method" else "gan_non_saturating"
    better = claim == "tip-labels"  # there the changed value is the advice
    frechet = 100 * 100 / other if better else other
    write(tmp_path / "off", method, "tips", seeds, "dcgan_classes" if better else None, own | {key: value}, frechet)
    verdict = decide(claim, tmp_path)
    assert verdict.verdict == outcome, verdict.text
    assert verdict.effect == pytest.approx(100 / other, rel=0.1)


SHARPNESS = [  # of ours and of theirs
    ((0.95, 0.6), 3, "reproduced"),
    ((1.05, 0.6), 3, "reproduced"),
    ((2.0, 0.6), 3, "contradicted"),
    ((0.5, 0.9), 3, "contradicted"),
    ((0.7, 1 / 0.7), 3, "inconclusive"),
    ((0.95, 0.6), 2, "inconclusive"),
]


@pytest.mark.parametrize(("sharpness", "seeds", "outcome"), SHARPNESS)
def test_a_chain_is_sharper_where_it_is_nearer_to_real_images_not_where_it_is_noisier(
    tmp_path, sharpness, seeds, outcome
):
    ours, theirs = sharpness
    for size, own in ((14, 0.01), (28, ours)):
        keys = {"data.size": size}
        write(tmp_path / f"l{size}", "lapgan", "lapgan_mnist", seeds, keys=keys, chained_sharpness=own, sharpness=1.0)
    for size, own in ((7, 1.0), (28, theirs)):
        write(
            tmp_path / f"g{size}", "gan_non_saturating", "lapgan_mnist", seeds, None, {"data.size": size}, sharpness=own
        )
    verdict = decide("pyramid-sharper", tmp_path)
    assert verdict.verdict == outcome, verdict.text
    assert verdict.effect == pytest.approx(abs(np.log(ours)) - abs(np.log(theirs)), abs=0.05)


@pytest.mark.parametrize(("sharpness", "seeds", "outcome"), SHARPNESS)
def test_a_second_stage_is_sharper_by_the_same_rule(tmp_path, sharpness, seeds, outcome):
    ours, theirs = sharpness
    values = {"sharpness": ours, "enlarged_sharpness": theirs, "enlarged_frechet": 200.0}
    write(tmp_path / "one", "stackgan", "stackgan_emoji", seeds, "stackgan_1", {"data.size": 16}, sharpness=1.0)
    own = {"data.size": 16, "method.mismatched": False}  # another one of stage I
    write(tmp_path / "another", "stackgan", "stackgan_emoji", seeds, "stackgan_1", own, sharpness=1.0)
    write(tmp_path / "two", "stackgan", "stackgan_emoji", seeds, "stackgan_2", {"data.size": 32}, **values)
    assert decide("second-stage-sharper", tmp_path).verdict == outcome


@pytest.mark.parametrize(("enlarged", "outcome"), [(50, "contradicted"), (100, "inconclusive"), (200, "reproduced")])
def test_a_second_stage_that_is_sharper_must_be_nearer_to_real_images_too(tmp_path, enlarged, outcome):
    values = {"sharpness": 0.9, "enlarged_sharpness": 0.2, "enlarged_frechet": float(enlarged)}
    write(tmp_path / "two", "stackgan", "stackgan_emoji", 3, "stackgan_2", {"data.size": 32}, **values)
    verdict = decide("second-stage-sharper", tmp_path)
    assert verdict.verdict == outcome, verdict.text
    assert "Ratio of Fréchet distances" in verdict.text


@pytest.mark.parametrize(
    ("chained", "seeds", "outcome"),
    [(150, 3, "reproduced"), (60, 3, "contradicted"), (100, 3, "inconclusive"), (150, 2, "inconclusive")],
)
def test_real_coarse_images_are_better_where_their_distance_is_less(tmp_path, chained, seeds, outcome):
    keys = {"data.size": 28}
    write(tmp_path / "run", "lapgan", "lapgan_mnist", seeds, keys=keys, chained_frechet=float(chained))
    verdict = decide("real-coarse-better-than-chained", tmp_path)
    assert verdict.verdict == outcome, verdict.text
    assert verdict.effect == pytest.approx(100 / chained, rel=0.1)


@pytest.mark.parametrize(
    ("claim", "key", "metric"),
    [
        ("augmentation-varies", "model.generator.augmented", "right_spread"),
        ("mismatched-captions-fit", "method.mismatched", "ground_accuracy"),
    ],
)
@pytest.mark.parametrize(
    ("with_it", "seeds", "outcome"),
    [(0.6, 3, "reproduced"), (0.2, 3, "contradicted"), (0.4, 3, "inconclusive"), (0.6, 2, "inconclusive")],
)
def test_a_part_of_stackgan_helps_where_its_metric_is_higher_with_it(
    tmp_path, claim, key, metric, with_it, seeds, outcome
):
    """Of stage I alone, and with all else as it was: stage II, and the run without either, are not asked."""
    whole = {"data.size": 16, "model.generator.augmented": True, "method.mismatched": True}
    both = {"model.generator.augmented": False, "method.mismatched": False}
    for name, model, keys, value in (
        ("with", "stackgan_1", {}, with_it),
        ("without", "stackgan_1", {key: False}, 0.4),
        ("neither", "stackgan_1", both, 0.9),
        ("two", "stackgan_2", {"data.size": 32}, 0.01),
    ):
        write(tmp_path / name, "stackgan", "stackgan_emoji", seeds, model, whole | keys, **{metric: value})
    verdict = decide(claim, tmp_path)
    assert verdict.verdict == outcome, verdict.text
    expected = with_it / 0.4 if metric == "right_spread" else with_it - 0.4
    assert verdict.effect == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    "claim", [claim.id for claim in (*claims.conditional.CLAIMS, *claims.deep.CLAIMS, *claims.stages.CLAIMS)]
)
def test_a_claim_without_its_runs_is_not_run(tmp_path, claim):
    write(tmp_path / "other", "gan_non_saturating", "mnist")
    assert decide(claim, tmp_path).verdict == "not_run"


def test_runs_of_the_size_for_a_gpu_decide_where_there_are_some(tmp_path):
    """Of 32 and 64 pixels a side, where those of two cores have 16 and 32."""
    for folder, experiment, size, ours in (
        ("small", "stackgan_emoji", 32, 0.5),
        ("large", "stackgan_emoji_gpu", 64, 1.0),
    ):
        values = {"sharpness": ours, "enlarged_sharpness": 0.7, "enlarged_frechet": 200.0}
        write(tmp_path / folder, "stackgan", experiment, 3, "stackgan_2", {"data.size": size}, **values)
    assert decide("second-stage-sharper", tmp_path / "small").verdict == "contradicted"
    assert decide("second-stage-sharper", tmp_path).verdict == "reproduced"
