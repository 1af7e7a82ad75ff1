"""Claims about mode collapse: who keeps the modes that the standard GAN loses.

A rule became more cautious after the first reference runs were seen: `_judge_success` (a gain is no failure).
"""

from dataclasses import replace

from saddlegan.reporting import paired, statistics
from saddlegan.reporting.evidence import MINIMUM_SEEDS, Claim, Judge, Pair, census, share_of
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.ledger import Outcome, Verdict
from saddlegan.reporting.results import Results
from saddlegan.reporting.tables import show

CHEN = "Chen, Wang, Ge (2018), arXiv:1802.01765, abstract and section 7.3"
CHEN_ABSTRACT = "Chen, Wang, Ge (2018), arXiv:1802.01765, abstract"
METZ = "Metz, Poole, Pfau, Sohl-Dickstein (2017), arXiv:1611.02163, section 3.1"
GAIN = "difference of shares of seeds"
#: Published for rings of eight Gaussians, with other networks, lengths and rings: Table 1 of Lin et al. (2018),
#: arXiv:1712.04086, and that of Srivastava et al. (2017), arXiv:1705.07761. The two disagree about the standard GAN.
RING_SAYS = {
    "gan": "6.3 ± 0.5 of 8 modes, 98.2 % of high quality (Lin et al. 2018); 1 mode, 99.3 % (Srivastava et al. 2017)",
    "unrolled": "7.6 of 8 modes, 35.6 % of high quality (Srivastava et al. 2017); all 8 (Metz et al. 2017, figure)",
    "primal_dual": "keeps modes that GAN and WGAN lose (Chen et al. 2018, no number)",
    "wgan": "loses modes (Chen et al. 2018, no number)",
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


def unrolled_covers_ring(results: Results) -> Verdict:
    """A seed succeeds if all modes are covered through most of the last fifth. Rule: `_judge_success`."""
    judge = _judge_success("modes_covered", None, "cover all modes")
    return census(results, ("ring",), judge, GAIN, method="unrolled")


def primal_dual_covers_ring(results: Results) -> Verdict:
    """A seed succeeds if all modes are covered through most of the last fifth: primal_dual against gan by the rule of
    `_judge_success`, over its settings. The statement is about WGAN too: where the interval of the share of seeds that
    cover all modes lies above 1/2 for one of its settings, it is contradicted."""
    verdict = census(results, ("ring",), _judge_success("modes_covered", None, "cover all modes"), GAIN)
    experiment = results.experiments.get("ring")
    if experiment is None or verdict.verdict == "not_run":
        return verdict
    least = _below_real(experiment, "modes_covered")
    covered = {name: experiment.values(name, "modes_covered") > least for name in experiment.of_method("wgan")}
    shares = {name: statistics.share(seeds) for name, seeds in covered.items()}
    told = "".join(f" {name}: {share_of(share)} cover all modes." for name, share in shares.items())
    verdict = replace(verdict, text=f"{verdict.text}{told or ' WGAN was not run.'}")
    return replace(verdict, verdict="contradicted") if any(share.above(0.5) for share in shares.values()) else verdict


def _below_real(experiment: Experiment, metric: str) -> float:
    """Half a mode below what real data have."""
    return experiment.floors[metric] - 0.5


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
        least = _below_real(experiment, metric) if level is None else level
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
)
