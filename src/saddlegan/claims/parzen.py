"""The log-likelihood of the first GAN: Table 1 of Goodfellow et al. (2014)."""

import pandas as pd

from saddlegan.reporting import statistics
from saddlegan.reporting.evidence import FEW, LEAST_SEEDS, Claim, floor_of
from saddlegan.reporting.ledger import Outcome, Verdict
from saddlegan.reporting.results import Results
from saddlegan.reporting.tables import show

TABLE_1, STANDARD_ERROR, NEXT_BEST = 225, 2, 214  # nats: adversarial nets and their standard error; deep GSN


def parzen_2014(results: Results) -> Verdict:
    """The mean over seeds of the Parzen log-likelihood at the end, of gan_non_saturating, the method of the source.

    Reproduced: of at least 3 seeds, none diverged, the mean is at least 221 nats, two of the source's standard errors
    below its 225, and its 95 % interval (Student's) lies above 214, the next best model of that table: the level is
    reached, and the order of the table is kept. Inconclusive: all else. Nothing contradicts: a lower value may be that
    of a training shorter than the source's; the text names the iterations. Of several settings the best one is taken,
    and the text says of how many.
    """
    experiment = results.experiments.get("mnist_parzen")
    settings = experiment.of_method("gan_non_saturating") if experiment else []
    found = {setting: experiment.values(setting, "parzen") for setting in settings} if experiment else {}
    means = {setting: values.mean() for setting, values in found.items() if values.notna().any()}
    if experiment is None or not means:
        return Verdict("not_run", "No run of gan_non_saturating in mnist_parzen has a Parzen log-likelihood.")
    best = max(means, key=means.__getitem__)
    values, level = found[best], statistics.student(found[best])
    reached = level.value >= TABLE_1 - 2 * STANDARD_ERROR and level.above(NEXT_BEST) and values.notna().all()
    diverged = f", {values.isna().sum()} more diverged" if values.isna().any() else ""
    text = (
        f"{show(level)} nats over {level.count} seeds{diverged}, after {experiment.stops(best)[-1]} iterations"
        f"{floor_of(experiment, best, 'parzen')}; the source: {TABLE_1} ± {STANDARD_ERROR}, the next best {NEXT_BEST}."
    )
    if 1 < values.size <= FEW:
        text += f" By seed: {_list(values)}; classes covered: {_list(experiment.values(best, 'classes_covered'))}."
    if len(found) > 1:
        text += f" The best of {len(found)} settings: {best}."
    outcome: Outcome = "reproduced" if reached and level.count >= LEAST_SEEDS else "inconclusive"
    interval = (level.low, level.high) if level.count > 1 else None
    measure = "Parzen log-likelihood in nats, mean over seeds"
    return Verdict(outcome, text, level.value, interval, level.count, measure)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "parzen-2014",
        "Goodfellow et al. (2014), arXiv:1406.2661, Table 1",
        "Adversarial nets reach a Parzen log-likelihood of 225 ± 2 nats on MNIST.",
        parzen_2014,
        ("mnist_parzen",),
        {"gan_non_saturating": "Parzen log-likelihood 225 ± 2 nats"},
    ),
)


def _list(values: pd.Series) -> str:
    return ", ".join(f"{value:.3g}" for value in values.dropna()) or "not measured"
