"""Notes below the tables of a report: what a number is, and where its interval comes from."""

from saddlegan.reporting import settings as naming
from saddlegan.reporting import statistics
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.tables import escape

RANGE = "formed within the metric's range"
BOOTSTRAPPED = (
    "intervals are 95 % bootstrap intervals over seeds (shares: Wilson; of the mean of fewer than "
    f"{statistics.FEW} seeds: Student's t, {RANGE})"
)
STUDENT = (
    f"95 % intervals over seeds are Student's t, {RANGE}, the seeds being too few to bootstrap, which is done for "
    "medians alone, from six seeds on"
)
WILCOXON = "p: Wilcoxon's signed-rank test"
T_TEST = "p: Student's paired test on log ratios (Wilcoxon's signed-rank test where a seed diverged)"


def few(experiment: Experiment) -> bool:
    """Whether no setting has seeds enough to bootstrap."""
    return max(experiment.values(setting).size for setting in experiment.settings) < statistics.FEW


def usual_note(experiment: Experiment) -> str:
    """What labels leave out; empty where they name everything."""
    usual = naming.label(experiment.usual, list(experiment.usual))
    return f"*Where a setting does not name it: {escape(usual)}.*" if usual else ""


def summary_note(experiment: Experiment) -> str:
    converged = ", counted in its column, and not converged" if "converged" in experiment.table else ", and counted"
    intervals = STUDENT if few(experiment) else BOOTSTRAPPED
    return (
        f"*Metrics are means over the last fifth of training, per seed; {intervals}. "
        f"A diverged seed is left out of median and mean{converged}.*"
    )


def paired_note(experiment: Experiment) -> str:
    return (
        "*Ratio: geometric mean of metric(setting) / metric(reference) over the common seeds in which both are finite "
        "and positive. Worse in: share of common seeds, a diverged one counting as worse. "
        f"{T_TEST if few(experiment) else WILCOXON}, then Holm's correction over the rows of this experiment; the "
        "outcome is decided at 0.05.*"
    )
