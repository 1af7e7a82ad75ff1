"""Claims about images: Figure 2 of the reproduced paper, and what its kernel is on pixels."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from saddlegan.reporting import paired, statistics
from saddlegan.reporting.evidence import FEW, LEAST_SEEDS, Claim, Pair, census, floor_of
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.ledger import Outcome, Verdict
from saddlegan.reporting.results import Results
from saddlegan.reporting.statistics import Estimate
from saddlegan.reporting.tables import show

FIGURE_2 = "GAN training via primal-dual subgradient methods (2022, in Russian), section 4.2, Figure 2"
COMPARABLE = "images of comparable quality (figure, no number)"
FIGURE_2_SAYS = {"gan": COMPARABLE, "primal_dual": COMPARABLE}
MARGIN = (0.8, 1.25)  # ratios of Fréchet distances of comparable quality: our choice, 20 % either way
ALL_TEN = 9.5  # classes covered, mean over the last fifth: all ten in most of it
TOY_SIGMA = 1.0  # the largest sigma of a size that suits the toys
ROUNDING = 1e-3  # relative difference of Fréchet distances that is put down to rounding


def comparable_quality(results: Results) -> Verdict:
    """Figure 2: `judge_quality` for each setting of primal_dual, then `census`; the longer training decides."""
    measure = "ratio of Fréchet distances, primal_dual / gan"
    return census(results, ("mnist_gpu", "mnist"), judge_quality, measure)


def judge_quality(experiment: Experiment, setting: str, reference: str, stop: int) -> Pair:
    """An equivalence test: the 95 % interval of the geometric mean ratio of Fréchet distances (means over the last
    fifth) over common seeds, Student's on log ratios.

    Reproduced: the interval lies within [0.8, 1.25], and no common seed diverged. Contradicted: it lies wholly outside,
    on either side, with at least 3 pairs of seeds in it; or primal_dual diverged in every common seed. Dead: fewer than
    3 common seeds; different extractors; or the standard method has not learned: its median seed covers fewer than all
    ten classes, a diverged seed covering none. Inconclusive: all else.
    """
    ours, theirs = (experiment.values(name, "frechet", stop) for name in (setting, reference))
    common = ours.index.intersection(theirs.index)
    lost, lost_gan = (int(values.reindex(common).isna().sum()) for values in (ours, theirs))
    covered, covered_gan = (_classes(experiment, name, stop) for name in (setting, reference))
    ratio = paired.equivalence(ours, theirs)
    outcome: Outcome | Literal["dead"]
    if common.size < LEAST_SEEDS:
        outcome, reason = "dead", f"{LEAST_SEEDS} common seeds are needed to decide."
    elif len(experiment.extractors(setting, reference)) > 1:
        outcome, reason = "dead", "They were measured by different extractors, which does not compare."
    elif not covered_gan > ALL_TEN:
        outcome, reason = "dead", "The standard method has not learned all ten classes: nothing to compare with."
    elif lost == common.size:
        outcome, reason = "contradicted", "primal_dual diverged in each of them."
    else:
        outcome, reason = _by_margin(ratio, lost, lost_gan)
    text = (
        f"Median Fréchet distances {show(statistics.median(theirs))} of gan, {show(statistics.median(ours))} of "
        f"primal_dual{floor_of(experiment, setting, 'frechet')}; their ratio {show(ratio)} over {common.size} common "
        f"seeds, at {stop} iterations; classes covered {covered_gan:.3g} and {covered:.3g}. {reason}"
    )
    return Pair(outcome, ratio, common.size, lambda: text, setting, stop)


def _by_margin(ratio: Estimate, lost: int, lost_gan: int) -> tuple[Outcome, str]:
    low, high = MARGIN
    if ratio.count >= LEAST_SEEDS and (ratio.above(high) or ratio.below(low)):
        side = "worse" if ratio.above(high) else "better"
        return "contradicted", f"The interval lies outside of [{low:g}, {high:g}]: primal_dual is {side}."
    if lost or lost_gan:
        return "inconclusive", f"{lost} seeds of primal_dual and {lost_gan} of gan diverged."
    if ratio.within(low, high):
        return "reproduced", f"The interval lies within [{low:g}, {high:g}]."
    return "inconclusive", f"The interval reaches over an end of [{low:g}, {high:g}]."


def toy_sigma(results: Results) -> Verdict:
    """The final weights of each setting of primal_dual with a kernel on pixels and sigma <= 1 beside those of gan.

    A seed agrees if the digests of both networks are equal, or, to rounding, if the Fréchet distances are equal to a
    relative 1e-3 (or both diverged). Reproduced: all common seeds of all these settings agree. Contradicted: one does
    not. Not run: there is no such setting, or no common seed.
    """
    experiment = results.experiments.get("mnist_sigma")
    found = _beside_gan(experiment) if experiment else {}
    if not found:
        return Verdict("not_run", "No pair of gan and primal_dual on pixels with sigma <= 1 in mnist_sigma.")
    same, apart = (np.concatenate(columns) for columns in zip(*found.values(), strict=True))
    agree = bool(np.all(same | (apart <= ROUNDING)))
    text = f"Of {len(found)} settings: the final weights are those of gan in {same.sum()} of {same.size} seeds."
    if not same.all():
        others = [setting for setting, (own, _) in found.items() if not own.all()]
        more = f" and {len(others) - FEW} more" if len(others) > FEW else ""
        text += (
            f" Not all of {', '.join(others[:FEW])}{more}, where Fréchet distances are up to {apart[~same].max():.2g} "
        )
        text += f"of gan's apart{': equal to rounding' * agree}."
    seeds = min(own.size for own, _ in found.values())
    measure = "share of the seeds in which the final weights are those of gan, bit for bit"
    return Verdict("reproduced" if agree else "contradicted", text, float(same.mean()), None, seeds, measure)


def _beside_gan(experiment: Experiment) -> dict[str, tuple[NDArray, NDArray]]:
    """{setting with a sigma that suits the toys: per common seed, whether the weights are gan's, and how far apart the
    Fréchet distances are, relative to gan's (0 if both diverged, infinite if one did)}."""
    found = {}
    for setting, reference in experiment.pairs("gan").items():
        frechet, frechet_gan = (experiment.values(name, "frechet") for name in (setting, reference))
        weights, weights_gan = (experiment.weights(name) for name in (setting, reference))
        seeds = frechet.index.intersection(frechet_gan.index)
        if _of_toy_size(experiment, setting) and seeds.size:
            same = [seed in weights and weights[seed] == weights_gan.get(seed) for seed in seeds]
            ours, theirs = (values.reindex(seeds).to_numpy(dtype=float) for values in (frechet, frechet_gan))
            lost = np.isnan(ours) & np.isnan(theirs)
            apart = np.where(lost, 0, np.nan_to_num(np.abs(ours / theirs - 1), nan=np.inf))
            found[setting] = (np.array(same), apart)
    return found


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "mnist-comparable-quality",
        FIGURE_2,
        "On MNIST a GAN generates images of comparable quality, whether by the standard or by the primal-dual method.",
        comparable_quality,
        ("mnist", "mnist_gpu"),
        FIGURE_2_SAYS,
    ),
    Claim(
        "toy-sigma-is-standard-gan",
        "Derived from eq. (3) of Algorithm 1, arXiv:1802.01765, and the distances between images",
        "On MNIST's pixels a sigma of the toys' size, up to 1, makes the primal-dual method the standard GAN: every "
        "kernel value vanishes.",
        toy_sigma,
        ("mnist_sigma",),
    ),
)


def _classes(experiment: Experiment, setting: str, stop: int) -> float:
    """The classes that the median seed covers; a diverged seed covers none. NaN where that was not measured."""
    values = experiment.values(setting, "classes_covered", stop)
    return float(values.fillna(0).median()) if values.notna().any() else np.nan


def _of_toy_size(experiment: Experiment, setting: str) -> bool:
    space, sigma = (experiment.configured(setting, f"method.{key}") for key in ("space", "sigma"))
    method = experiment.settings[setting]["method"]
    return method == "primal_dual" and space == "pixels" and sigma is not None and sigma <= TOY_SIGMA
