"""Claims about mode collapse: who keeps the modes that the standard GAN loses.

A rule became more cautious after the first reference runs were seen: `_judge_success` (a gain is no failure).
"""

from dataclasses import replace

import pandas as pd

from saddlegan.reporting import paired, statistics
from saddlegan.reporting.evidence import LEAST_SEEDS, MINIMUM_SEEDS, Claim, Judge, Pair, census, share_of
from saddlegan.reporting.experiment import Experiment, floors_of
from saddlegan.reporting.ledger import Outcome, Verdict
from saddlegan.reporting.results import Results
from saddlegan.reporting.tables import show

CHEN = "Chen, Wang, Ge (2018), arXiv:1802.01765, abstract and section 7.3"
CHEN_ABSTRACT = "Chen, Wang, Ge (2018), arXiv:1802.01765, abstract"
METZ = "Metz, Poole, Pfau, Sohl-Dickstein (2017), arXiv:1611.02163, section 3.1"
GULRAJANI = "our question; Gulrajani et al. (2017), arXiv:1704.00028, train on such a grid and give no number"
METZ_TABLE = "Metz et al. (2017), arXiv:1611.02163, of stacked MNIST, quoted by Lin et al. (2018); a ring is our test"
#: The key of how many steps are unrolled.
STEPS = "method.unrolled"
GAIN = "difference of shares of seeds"
#: Published for rings of eight Gaussians, with other networks, lengths and rings: Table 1 of Lin et al. (2018),
#: arXiv:1712.04086, and that of Srivastava et al. (2017), arXiv:1705.07761. The two disagree about the standard GAN.
RING_SAYS = {
    "gan": "6.3 ± 0.5 of 8 modes, 98.2 % of high quality (Lin et al. 2018); 1 mode, 99.3 % (Srivastava et al. 2017)",
    "unrolled": "7.6 of 8 modes, 35.6 % of high quality (Srivastava et al. 2017); all 8 (Metz et al. 2017, figure)",
    "primal_dual": "keeps modes that GAN and WGAN lose (Chen et al. 2018, no number)",
    "wgan": "loses modes (Chen et al. 2018, no number)",
}

#: Published with a discriminator of a quarter of the generator: Metz et al. (2017), as quoted by Lin et al. (2018).
STACKED_SAYS = {
    "gan": "30.6 ± 20.7 of 1000 modes, KL 5.99 ± 0.42",
    "unrolled": "65.4 ± 34.8 with 1 step, 236 ± 63 with 5, 327 ± 75 with 10",
}
#: The same of grids of 25 Gaussians.
GRID_SAYS = {
    "gan": "17.3 ± 0.8 of 25 modes, 94.8 % of high quality (Lin et al. 2018); 3.3, 0.5 % (Srivastava et al. 2017)",
    "unrolled": "23.6 of 25 modes, 16 % of high quality (Srivastava et al. 2017)",
}


def collapse_point_mass(results: Results) -> Verdict:
    """The original toy, p_d = 1{x = 1}: a seed succeeds if it converged. Rule: `_judge_success`."""
    judge = _judge_success("converged", 0.5, "converge")
    verdict = census(results, ("point_mass",), judge, GAIN)
    return replace(verdict, text=f"{verdict.text} The statement's other half, WGAN, was not run.")


def collapse_two_point(results: Results) -> Verdict:
    """Two atoms: a seed succeeds if both modes are covered through most of the last fifth. Rule: `_judge_success`."""
    judge = _judge_success("modes_covered", 1.5, "cover both modes")
    return census(results, ("two_point",), judge, GAIN)


def more_unrolled_steps(results: Results) -> Verdict:
    """The modes that the unrolled GAN covers with the most steps minus those with the fewest, of `unrolled_ring`, mean
    over the last fifth and over the seeds that both have, a diverged seed covering none.

    Reproduced: the interval lies above 0. Contradicted: below 0. Inconclusive: all else, and fewer than 16 seeds.
    """
    experiment = results.experiments.get("unrolled_ring")
    steps = _steps(experiment)
    if experiment is None or len(set(steps.values())) < 2:
        return Verdict("not_run", "No runs of unrolled_ring with two numbers of steps.")
    covered = {name: experiment.values(name, "modes_covered") for name in steps}
    least, most = (pick(steps, key=lambda name: steps[name]) for pick in (min, max))
    gain = statistics.average(covered[most].fillna(0.0) - covered[least].fillna(0.0))
    outcome: Outcome = "inconclusive"
    if gain.count >= MINIMUM_SEEDS:
        outcome = "reproduced" if gain.above(0) else "contradicted" if gain.below(0) else outcome
    told = "; ".join(f"{show(statistics.average(of.fillna(0.0)))} by {steps[name]}" for name, of in covered.items())
    text = f"Modes covered, mean over seeds, by steps: {told}. {steps[most]} minus {steps[least]}: {show(gain)}."
    return Verdict(outcome, text, gain.value, (gain.low, gain.high), gain.count, "difference of modes covered")


def unrolled_keeps_stacked_modes(results: Results) -> Verdict:
    """Modes of stacked digits of the unrolled GAN with the most steps minus those of gan at equal networks, in
    `stacked_mnist` or, where it was run, `stacked_mnist_gpu`, mean over the last fifth and over the seeds that both
    have, a diverged seed having none. Of several networks the first counts.

    Reproduced: the interval (Student's, of few seeds) lies above 0. Contradicted: below 0. Inconclusive: all else, and
    fewer than 3 seeds.
    """
    experiment = results.largest("stacked_mnist")
    plain = experiment.pairs("gan") if experiment else {}
    steps = {name: count for name, count in _steps(experiment).items() if name in plain}
    if experiment is None or not steps:
        return Verdict("not_run", "No runs of gan and unrolled at equal settings in stacked_mnist.")
    most = max(steps, key=lambda name: steps[name])
    ours, theirs = (experiment.values(name, "stacked_modes") for name in (most, plain[most]))
    ours, theirs = ours.fillna(0.0), theirs.fillna(0.0)
    gain = statistics.average((ours - theirs).dropna())
    outcome: Outcome = "inconclusive"
    if gain.count >= LEAST_SEEDS:
        outcome = "reproduced" if gain.above(0) else "contradicted" if gain.below(0) else outcome
    text = f"Modes of 1000, mean over seeds: {show(statistics.average(theirs))} of {plain[most]},"
    text += f" {show(statistics.average(ours))} of {most}; difference {show(gain)}."
    return Verdict(outcome, text, gain.value, (gain.low, gain.high), gain.count, "difference of modes")


def _steps(experiment: Experiment | None) -> dict[str, int]:
    """{setting of unrolled: its number of steps}."""
    names = experiment.of_method("unrolled") if experiment else []
    return {name: int(experiment.configured(name, STEPS)) for name in names} if experiment else {}


def unrolled_covers_ring(results: Results) -> Verdict:
    """A seed succeeds if all modes are covered through most of the last fifth. Rule: `_judge_success`."""
    judge = _judge_success("modes_covered", None, "cover all modes")
    return census(results, ("ring",), judge, GAIN, method="unrolled")


def primal_dual_covers_ring(results: Results) -> Verdict:
    """A seed succeeds if all modes are covered through most of the last fifth: primal_dual against gan by the rule of
    `_judge_success`, over its settings. The statement is about WGAN too: where the interval of the share of seeds that
    cover all modes lies above 1/2 for one of its settings, it is contradicted."""
    return _covers_beside_wgan(results, "ring", None)


def primal_dual_covers_ring_map(results: Results) -> Verdict:
    """The rule of `primal_dual_covers_ring`, over the map of sigma and alpha of `primal_dual_modes`: the ring."""
    return _covers_beside_wgan(results, "primal_dual_modes", "ring")


def primal_dual_covers_two_points(results: Results) -> Verdict:
    """The rule of `primal_dual_covers_ring`, over the map of sigma and alpha of `primal_dual_modes`: two atoms."""
    return _covers_beside_wgan(results, "primal_dual_modes", "two_point")


def wgan_gp_covers_grid(results: Results) -> Verdict:
    """A seed succeeds if all modes are covered through most of the last fifth, a diverged one does not; each setting of
    wgan_gp by itself, whatever gan does.

    A setting holds where the interval of the share of its seeds that succeed lies above 1/2, and fails where it lies
    below; neither with fewer than 16 seeds. Reproduced: more than half of the settings hold. Contradicted: more than
    half fail. Inconclusive: all else.
    """
    experiment = results.experiments.get("grid")
    names = experiment.of_method("wgan_gp") if experiment else []
    if experiment is None or not names:
        return Verdict("not_run", "No run of wgan_gp in grid.")
    shown = [name for method in ("gan", "wgan_gp") for name in experiment.of_method(method)]
    shares = {name: statistics.share(covers_all(experiment, name)) for name in shown}
    ours = [shares[name] for name in names if shares[name].count >= MINIMUM_SEEDS]
    holds, fails = sum(of.above(0.5) for of in ours), sum(of.below(0.5) for of in ours)
    outcome: Outcome = "inconclusive"
    if max(holds, fails) > len(names) / 2:
        outcome = "reproduced" if holds > fails else "contradicted"
    told = ", ".join(f"{share_of(of)} of {name}" for name, of in shares.items())
    first = shares[names[0]]
    return Verdict(
        outcome,
        f"Seeds that cover all modes: {told}.",
        first.value,
        (first.low, first.high),
        min(shares[name].count for name in names),
        f"share of seeds of {names[0]} that cover all modes",
    )


def _covers_beside_wgan(results: Results, name: str, data: str | None) -> Verdict:
    judge = _judge_success("modes_covered", None, "cover all modes")
    verdict = census(results, (name,), judge, GAIN, data=data)
    experiment = results.experiments.get(name)
    if experiment is None or verdict.verdict == "not_run":
        return verdict
    covered = {name: covers_all(experiment, name) for name in experiment.of_method("wgan", data)}
    shares = {name: statistics.share(seeds) for name, seeds in covered.items()}
    told = "".join(f" {name}: {share_of(share)} cover all modes." for name, share in shares.items())
    verdict = replace(verdict, text=f"{verdict.text}{told or ' WGAN was not run.'}")
    return replace(verdict, verdict="contradicted") if any(share.above(0.5) for share in shares.values()) else verdict


def _below_real(experiment: Experiment, setting: str, metric: str) -> float:
    """Half a mode below what real data have, which on the line nobody measures: there are two atoms."""
    return floors_of(experiment.runs_of(setting)).get(metric, 2.0) - 0.5


def covers_all(experiment: Experiment, setting: str) -> pd.Series:
    """Whether each seed covers all modes through most of the last fifth."""
    return pd.Series(experiment.values(setting, "modes_covered") > _below_real(experiment, setting, "modes_covered"))


def _judge_success(metric: str, level: float | None, verb: str) -> Judge:
    """A method against gan. A seed succeeds if `metric` > `level`, where None is that of `_below_real`; a diverged seed
    does not. Where runs leave the metric blank there is nothing to judge.

    Reproduced: the interval of the difference of shares (method - gan, paired seeds) lies above 0, and that of the
    share of the method above 1/2, of gan below. Contradicted: the difference lies below 0, or the method's share below
    1/2, or gan's above 1/2 (it avoids the collapse) and the difference not above 0. Inconclusive: all else, and fewer
    than 16 common seeds. The method's share counts against it since the difference has an interval of a width
    everywhere, which was after the runs of two_point and point_mass were seen; no verdict of theirs changed by it.
    """

    def judge(experiment: Experiment, setting: str, reference: str, stop: int) -> Pair:
        found = [experiment.values(name, metric, stop) for name in (setting, reference)]
        sound = [experiment.values(name, "diverged", stop).notna() for name in (setting, reference)]
        least = _below_real(experiment, setting, metric) if level is None else level
        ours, theirs = (values > least for values in found)
        gain, share, share_gan = paired.difference(ours, theirs), statistics.share(ours), statistics.share(theirs)
        if any((sound_ & values.isna()).any() for sound_, values in zip(sound, found, strict=True)):
            text = f"{metric} is blank: one evaluation in the last fifth is too few to judge."
            return Pair("dead", gain, gain.count, lambda: text, setting, stop)
        outcome: Outcome = "inconclusive"
        if gain.count >= MINIMUM_SEEDS:
            if gain.below(0) or share.below(0.5) or (share_gan.above(0.5) and not gain.above(0)):
                outcome = "contradicted"
            elif gain.above(0) and share.above(0.5) and share_gan.below(0.5):
                outcome = "reproduced"
        text = (
            f"{share_of(share_gan)} seeds of gan, {share_of(share)} of {experiment.settings[setting]['method']} {verb};"
        )
        text += f" difference {show(gain)}."
        return Pair(outcome, gain, gain.count, lambda: text, setting, stop)

    return judge


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "toy-mode-collapse",
        CHEN,
        "On p_d = 1{x = 1} the primal-dual method resolves the collapse that standard GAN and WGAN cannot avoid.",
        collapse_point_mass,
        ("point_mass",),
        {"gan": "cannot avoid the collapse", "primal_dual": "resolves it"},
    ),
    Claim(
        "toy-mode-collapse-two-point",
        CHEN,
        "On two equal atoms (our variant of the toy) the primal-dual method keeps both where standard GAN loses one.",
        collapse_two_point,
        ("two_point",),
        {"gan": "cannot avoid the collapse", "primal_dual": "resolves it"},
    ),
    Claim(
        "ring-unrolled-covers",
        METZ,
        "On a ring of eight Gaussians the unrolled GAN covers all modes, which the standard GAN does not.",
        unrolled_covers_ring,
        ("ring",),
        RING_SAYS,
    ),
    Claim(
        "ring-primal-dual-covers",
        CHEN_ABSTRACT,
        "The primal-dual method covers modes that the standard GAN and WGAN lose: a ring of eight Gaussians.",
        primal_dual_covers_ring,
        ("ring",),
        RING_SAYS,
    ),
    Claim(
        "unrolled-more-steps",
        METZ_TABLE,
        "More unrolled steps cover more modes: on a ring of eight Gaussians, the most steps against the fewest.",
        more_unrolled_steps,
        ("unrolled_ring",),
        RING_SAYS,
    ),
    Claim(
        "unrolled-stacked-modes",
        "Metz, Poole, Pfau, Sohl-Dickstein (2017), arXiv:1611.02163, section 3.3",
        "The unrolled GAN keeps more of the 1000 modes of stacked digits than the standard GAN.",
        unrolled_keeps_stacked_modes,
        ("stacked_mnist", "stacked_mnist_gpu"),
        STACKED_SAYS,
    ),
    Claim(
        "wgan-gp-covers-grid",
        GULRAJANI,
        "WGAN with a gradient penalty covers all modes of a grid of 25 Gaussians.",
        wgan_gp_covers_grid,
        ("grid",),
        GRID_SAYS,
    ),
    Claim(
        "primal-dual-covers-ring-map",
        CHEN_ABSTRACT,
        "The primal-dual method covers modes that the standard GAN and WGAN lose: a ring, over sigma and alpha.",
        primal_dual_covers_ring_map,
        ("primal_dual_modes",),
    ),
    Claim(
        "primal-dual-covers-two-points",
        CHEN_ABSTRACT,
        "The primal-dual method covers modes that the standard GAN and WGAN lose: two atoms, over sigma and alpha.",
        primal_dual_covers_two_points,
        ("primal_dual_modes",),
    ),
)
