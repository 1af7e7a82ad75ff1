"""Claims about toys: Figure 1 of the reproduced paper.

A rule became more cautious after the reference runs were seen: `figure_1_map` (its sentence on Adam).
"""

from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from saddlegan.reporting import paired, statistics
from saddlegan.reporting.evidence import LEVEL, MINIMUM_SEEDS, Claim, Pair, census, learned, share_of
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.fates import WORSE, counted, fates
from saddlegan.reporting.ledger import Outcome, Verdict
from saddlegan.reporting.results import Results
from saddlegan.reporting.tables import show

FIGURE_1 = "GAN training via primal-dual subgradient methods (2022, in Russian), section 4.1, Figure 1 and section 5"
STANDARD_LEARNS = "learns the distribution (figure, no number)"
PRIMAL_DUAL_FAR = "ends far from it, worse than standard (figure, no number)"
FIGURE_1_SAYS = {"gan": STANDARD_LEARNS, "primal_dual": PRIMAL_DUAL_FAR}


def figure_1(results: Results) -> Verdict:
    """Figure 1 at the default settings: the rule of `judge_figure_1` at the last stop."""
    return census(results, ("gaussian_1d",), judge_figure_1, "ratio of W1, primal_dual / gan")


def figure_1_map(results: Results) -> Verdict:
    """Figure 1 over settings and stops, since the source gives neither: `judge_figure_1` for each, then `census`.

    Inconclusive where nothing can be judged under Adam, the optimizer that the source names.
    """
    verdict = census(results, ("gaussian_1d_sweep",), judge_figure_1, "ratio of W1, primal_dual / gan", every_stop=True)
    experiment = results.experiments.get("gaussian_1d_sweep")
    if experiment is None or verdict.verdict == "not_run":
        return verdict
    references = dict.fromkeys(experiment.pairs("gan").values())
    table = fates_where_gan_learns(experiment)
    learning = list(dict.fromkeys(table["reference"]))
    text = f"{verdict.text} At the end gan learns under: {', '.join(learning) or 'none of the optimizers'}."
    text += _answer(experiment, table)
    if any("adam" in name for name in references) and not any("adam" in name for name in learning):
        return replace(verdict, verdict="inconclusive", text=f"{text} Not under Adam, which the source names.")
    return replace(verdict, text=text)


def fates_where_gan_learns(experiment: Experiment) -> pd.DataFrame:
    """`fates` of the settings beside a gan that learns to the end, by the rule of `judge_figure_1`."""
    table = fates(experiment, "w1_std", "gan")
    learns = [learned(experiment.values(str(name), "w1_std")).above(0.5) for name in table["reference"]]
    return table.loc[np.array(learns, dtype=bool)]


def _answer(experiment: Experiment, table: pd.DataFrame) -> str:
    """What became of primal_dual where gan learns: a delay, an end state or neither (`fates`), by alpha and sigma, and
    how large its second term's gradient was beside the first one's."""
    if table.empty:
        return ""
    worse = np.array(table["fate"] == WORSE)
    text = f" There, of {counted(table)}."
    for key in (key for key in ("method.alpha", "method.sigma") if key in experiment.keys):
        of = np.array([experiment.settings[str(setting)].get(key, np.nan) for setting in table["setting"]], dtype=float)
        parts = [f"{worse[of == at].sum()} of {(of == at).sum()} at {at:g}" for at in np.unique(of[~np.isnan(of)])]
        text += f" {WORSE.capitalize()} by {key.removeprefix('method.')}: {', '.join(parts)}."
    pull = np.array(
        [experiment.values(str(setting), "pull_ratio").median() for setting in table["setting"]], dtype=float
    )
    sides = {"there": pull[worse & np.isfinite(pull)], "elsewhere": pull[~worse & np.isfinite(pull)]}
    shown = ", ".join(f"{np.median(values):.2g} {where}" for where, values in sides.items() if values.size)
    return text + f" Gradient of the second term over that of the first, median: {shown}." * bool(shown)


def judge_figure_1(experiment: Experiment, setting: str, reference: str, stop: int) -> Pair:
    """A method learns where the 95 % interval of the share of seeds with W1 < 0.5 true stds (mean over the last fifth)
    lies above 1/2, so that the median seed learns; it ends far where that interval lies below 1/2. A diverged seed
    counts as not below 0.5. primal_dual is worse where the interval of the geometric mean ratio of W1 lies above 1, or
    where no pair of seeds is left to form it.

    Reproduced: gan learns, primal_dual ends far and is worse. Contradicted: primal_dual learns; or gan learns and
    primal_dual is not worse (the ratio's upper end is at most 1, and the interval of the share of seeds in which it is
    worse, diverged ones among them, lies below 1/2). Dead: neither learns, or fewer than 16 common seeds. Inconclusive:
    all else.
    """
    ours, theirs = (experiment.values(name, "w1_std", stop) for name in (setting, reference))
    comparison = paired.compare(ours, theirs)
    ratio, (near, near_gan) = comparison.ratio, (learned(values) for values in (ours, theirs))
    learns, gan_learns = near.above(0.5), near_gan.above(0.5)
    outcome: Outcome | Literal["dead"] = "inconclusive"
    if comparison.seeds < MINIMUM_SEEDS or not (learns or gan_learns):
        outcome = "dead"
    elif learns or (ratio.high <= 1 and comparison.worse.below(0.5)):
        outcome = "contradicted"
    elif near.below(0.5) and (ratio.above(1) or ratio.count == 0):
        outcome = "reproduced"

    def say() -> str:
        return (
            f"W1 < {LEVEL} true stds in {share_of(near_gan)} seeds of gan and {share_of(near)} of primal_dual; medians "
            f"{show(statistics.median(theirs))} and {show(statistics.median(ours))}; ratio {show(ratio)}. "
            f"{_reason(comparison.seeds, learns, gan_learns)}"
        )

    return Pair(outcome, ratio, comparison.seeds, say, setting, stop)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "gaussian-1d-primal-dual-worse",
        FIGURE_1,
        "The standard method learns N(1, 1e-3); the primal-dual method ends far from it, worse than standard.",
        figure_1,
        ("gaussian_1d",),
        FIGURE_1_SAYS,
    ),
    Claim(
        "gaussian-1d-primal-dual-worse-map",
        FIGURE_1,
        "The standard method learns N(1, 1e-3) and the primal-dual method ends far from it over sigma, alpha, "
        "optimizers and stopping times, none of which the source gives.",
        figure_1_map,
        ("gaussian_1d_sweep",),
        FIGURE_1_SAYS,
    ),
)


def _reason(seeds: int, learns: bool, gan_learns: bool) -> str:
    if seeds < MINIMUM_SEEDS:
        return f"{seeds} common seeds; {MINIMUM_SEEDS} are needed to decide."
    if not gan_learns:
        return f"The standard method does not learn here, {'primal_dual does' if learns else 'nor does primal_dual'}."
    return "The standard method learns" + (", and so does primal_dual." if learns else ".")
