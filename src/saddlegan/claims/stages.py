"""GANs in several stages: LAPGAN's pyramid, and StackGAN."""

from dataclasses import replace

import numpy as np
import pandas as pd

from saddlegan.claims.conditional import by_value, mean_of, ratio_of
from saddlegan.reporting import paired, statistics
from saddlegan.reporting.evidence import Claim, lost, outcome_of, ruled
from saddlegan.reporting.experiment import floors_of
from saddlegan.reporting.ledger import Verdict
from saddlegan.reporting.results import Results
from saddlegan.reporting.tables import show

DENTON, ZHANG = "Denton et al. (2015), arXiv:1506.05751", "Zhang et al. (2017), arXiv:1612.03242"


def chained_sharper(results: Results) -> Verdict:
    """In `lapgan_mnist`, at 28 x 28, over common seeds: how far sharpness, mean over the last fifth, is from that of
    real images, |log sharpness|: of samples that are chained through all levels, minus that of one generator.

    Reproduced: the 95 % interval of the difference lies below 0. Contradicted: it lies above 0. Inconclusive: all else,
    and fewer than 3 common seeds.
    """
    experiment = results.largest("lapgan_mnist")
    levels, whole = (by_value(experiment, of, "data.size") for of in ("lapgan", "gan_non_saturating"))
    if experiment is None or 28 not in levels or 28 not in whole:
        return Verdict("not_run", "No runs of lapgan, and of one generator, at 28 x 28 in lapgan_mnist.")
    ours, theirs = experiment.values(levels[28], "chained_sharpness"), experiment.values(whole[28], "sharpness")
    return _nearer(ours, theirs, "chained samples", "one generator", lost(experiment, levels[28], whole[28]))


def real_coarse_better(results: Results) -> Verdict:
    """In `lapgan_mnist`, at 28 x 28: the geometric mean ratio, over seeds, of the Fréchet distances, means over the
    last fifth, of samples on real coarse images to those of chained samples of the same runs. The real coarse images
    are those of the first test images. Where it was measured, the text names the distance of real coarse images that
    are only enlarged.

    Reproduced: the 95 % interval lies below 1. Contradicted: it lies above 1. Inconclusive: all else, and fewer than 3
    seeds.
    """
    experiment = results.largest("lapgan_mnist")
    levels = by_value(experiment, "lapgan", "data.size")
    if experiment is None or 28 not in levels:
        return Verdict("not_run", "No runs of lapgan at 28 x 28 in lapgan_mnist.")
    real, chained = (experiment.values(levels[28], metric) for metric in ("frechet", "chained_frechet"))
    ratio = paired.equivalence(real, chained)
    means = ", ".join(
        f"{name} {show(mean_of(experiment, levels[28], metric))}"
        for name, metric in {"on real coarse images": "frechet", "chained": "chained_frechet"}.items()
    )
    enlarged = floors_of(experiment.runs_of(levels[28])).get("enlarged_frechet")
    beside = "" if enlarged is None else f"; of real coarse images, enlarged, {enlarged:.3g}"
    text = f"Fréchet distances: {means}{beside}; ratio {show(ratio)}."
    measure = "ratio of Fréchet distances, on real coarse images / chained"
    gone = lost(experiment, levels[28])
    return ruled(ratio, text, measure, failed=ratio.above(1), held=ratio.below(1), lost=gone)


def second_stage_sharper(results: Results) -> Verdict:
    """In `stackgan_emoji`, over the seeds of stage II, means over the last fifth, beside the images of stage I that it
    was given, enlarged by bilinear interpolation: the difference of |log sharpness|, how far sharpness is from that of
    real images; and the geometric mean ratio of Fréchet distances, since whatever is not blurred, noise too, is
    sharper.

    Reproduced: the 95 % interval of the difference lies below 0, and that of the ratio below 1. Contradicted: one of
    them lies above. Inconclusive: all else, and fewer than 3 seeds.
    """
    experiment = results.largest("stackgan_emoji")
    stages = by_value(experiment, "stackgan", "model", {"model": "stackgan_2"})
    if experiment is None or "stackgan_2" not in stages:
        return Verdict("not_run", "No runs of stage II in stackgan_emoji.")
    if experiment.values(stages["stackgan_2"], "enlarged_frechet").dropna().empty:
        return Verdict(
            "not_run", "No runs of stage II in stackgan_emoji with the Fréchet distance of stage I, enlarged."
        )
    ours, theirs = (experiment.values(stages["stackgan_2"], metric) for metric in ("sharpness", "enlarged_sharpness"))
    sharper = _nearer(ours, theirs, "stage II", "stage I, enlarged", lost(experiment, stages["stackgan_2"]))
    distances = (experiment.values(stages["stackgan_2"], metric) for metric in ("frechet", "enlarged_frechet"))
    ratio = paired.equivalence(*distances)
    failed, held = sharper.verdict == "contradicted" or ratio.above(1), ratio.below(1)
    outcome = outcome_of(min(sharper.seeds, ratio.count), failed=failed, held=held and sharper.verdict == "reproduced")
    text = f"{sharper.text} Ratio of Fréchet distances, stage II / stage I, enlarged: {show(ratio)}."
    return replace(sharper, verdict=outcome, text=text)


def augmentation_varies(results: Results) -> Verdict:
    """In `stackgan_emoji`, of stage I with mismatched captions: the geometric mean ratio of the spreads of samples of
    one caption whose ground is right, means over the last fifth, with augmented captions to without, over common seeds.
    Samples of wrong grounds differ, too, and are left out.

    Reproduced: the 95 % interval lies above 1. Contradicted: it lies below 1. Inconclusive: all else, and fewer than 3
    common seeds.
    """
    experiment = results.largest("stackgan_emoji")
    where = {"model": "stackgan_1", "method.mismatched": True}
    found = by_value(experiment, "stackgan", "model.generator.augmented", where)
    if experiment is None or not {True, False} <= found.keys():
        return Verdict("not_run", "No runs of stage I with and without augmented captions in stackgan_emoji.")
    if experiment.values(found[True], "right_spread").dropna().empty:
        return Verdict("not_run", "No runs of stackgan_emoji with the spread of samples of right grounds.")
    ratio = ratio_of(experiment, found[True], found[False], "right_spread")
    with_it, without = (show(mean_of(experiment, found[own], "right_spread")) for own in (True, False))
    text = f"Spread of one caption with augmented captions {with_it}, without {without}; ratio {show(ratio)}."
    measure = "ratio of spreads of one caption, augmented / not"
    gone = lost(experiment, found[True], found[False])
    return ruled(ratio, text, measure, failed=ratio.below(1), held=ratio.above(1), lost=gone)


def mismatched_fit(results: Results) -> Verdict:
    """In `stackgan_emoji`, of stage I with augmented captions: the difference of the shares of samples whose ground is
    the one of their caption, means over the last fifth, with mismatched captions in the discriminator minus without,
    over common seeds. With them fakes weigh a half, as in the authors' code.

    Reproduced: the 95 % interval lies above 0. Contradicted: it lies below 0. Inconclusive: all else, and fewer than 3
    common seeds.
    """
    experiment = results.largest("stackgan_emoji")
    where = {"model": "stackgan_1", "model.generator.augmented": True}
    found = by_value(experiment, "stackgan", "method.mismatched", where)
    if experiment is None or not {True, False} <= found.keys():
        return Verdict("not_run", "No runs of stage I with and without mismatched captions in stackgan_emoji.")
    shares = {own: experiment.values(found[own], "ground_accuracy") for own in (True, False)}
    gain = statistics.average((shares[True] - shares[False]).dropna())
    with_them, without = (show(mean_of(experiment, found[own], "ground_accuracy")) for own in (True, False))
    text = f"Grounds as asked for: {with_them} with mismatched captions, {without} without; difference {show(gain)}."
    measure = "difference of shares of grounds as asked for, with mismatched captions - without"
    gone = lost(experiment, found[True], found[False])
    return ruled(gain, text, measure, failed=gain.below(0), held=gain.above(0), lost=gone)


def _nearer(ours: pd.Series, theirs: pd.Series, our_name: str, their_name: str, gone: int) -> Verdict:
    """Whether one sharpness is nearer to that of real images than another, by seed."""
    far, their_far = (values.map(lambda sharpness: abs(np.log(sharpness))) for values in (ours, theirs))
    difference = statistics.average((far - their_far).dropna())
    told = ", ".join(
        f"{name} {show(statistics.average(values.dropna(), 0.0))}"
        for name, values in ((our_name, ours), (their_name, theirs))
    )
    text = f"Sharpness, 1 of real images: {told}. Difference of |log sharpness|: {show(difference)}."
    measure = f"|log sharpness|, {our_name} - {their_name}"
    return ruled(difference, text, measure, failed=difference.above(0), held=difference.below(0), lost=gone)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "pyramid-sharper",
        f"{DENTON}, in samples and by human judges; the measure is ours",
        "Images that levels of a pyramid make one after the other are nearer to real ones in sharpness than those of"
        " one generator.",
        chained_sharper,
        ("lapgan_mnist", "lapgan_mnist_gpu"),
    ),
    Claim(
        "real-coarse-better-than-chained",
        f"{DENTON}, who train each level on real coarse images; the comparison is ours",
        "A level makes better images on real coarse images than on those of the level below.",
        real_coarse_better,
        ("lapgan_mnist", "lapgan_mnist_gpu"),
    ),
    Claim(
        "second-stage-sharper",
        f"{ZHANG}, in samples; the measure is ours",
        "The second stage makes images that are nearer to real ones, and in sharpness, too, than the first stage's,"
        " enlarged.",
        second_stage_sharper,
        ("stackgan_emoji", "stackgan_emoji_gpu"),
    ),
    Claim(
        "augmentation-varies",
        f"{ZHANG}, section 3.2, without a number",
        "Augmented captions make the images of one caption more various.",
        augmentation_varies,
        ("stackgan_emoji", "stackgan_emoji_gpu"),
    ),
    Claim(
        "mismatched-captions-fit",
        f"{ZHANG}, section 3.3, after Reed et al. (2016), arXiv:1605.05396, without a number",
        "A discriminator that also rejects mismatched captions makes images fit their captions better.",
        mismatched_fit,
        ("stackgan_emoji", "stackgan_emoji_gpu"),
    ),
)
