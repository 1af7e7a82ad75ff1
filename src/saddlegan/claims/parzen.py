"""Parzen log-likelihoods of the first GAN, and of the first one with labels: Table 1 of either paper."""

import pandas as pd

from saddlegan.reporting import statistics
from saddlegan.reporting.evidence import FEW, LEAST_SEEDS, Claim, floor_of
from saddlegan.reporting.ledger import Outcome, Verdict
from saddlegan.reporting.results import Results
from saddlegan.reporting.tables import show


def parzen_2014(results: Results) -> Verdict:
    """`reached`, of gan_non_saturating in `mnist_parzen`, the method of the source: at least 221 nats, two of the
    source's standard errors below its 225, with an interval above 214, the next best model of that table, so that the
    order of the table is kept.
    """
    return reached(results, "mnist_parzen", "gan_non_saturating", 225, 2, 214)


def parzen_conditional(results: Results) -> Verdict:
    """`reached`, of cgan in `cgan_parzen`: at least 128.4 nats, two of the source's standard errors below its 132, with
    an interval above 121, stacked contractive autoencoders, the model of that table that it is just above. Samples
    have the labels of the test images; the source takes 1000 of each class."""
    return reached(results, "cgan_parzen", "cgan", 132, 1.8, 121)


def reached(results: Results, name: str, method: str, said: float, error: float, next_best: float) -> Verdict:
    """The mean over seeds of the Parzen log-likelihood at the end, of a method in an experiment.

    Reproduced: of at least 3 seeds, none diverged, the mean is at least the source's less two of its standard errors,
    and its 95 % interval (Student's) lies above the next best model of the source's table. Inconclusive: all else.
    Nothing contradicts: a lower value may be that of a training shorter than the source's; the text names the
    iterations. Of several settings the best one is taken, and the text says of how many.
    """
    experiment = results.experiments.get(name)
    settings = experiment.of_method(method) if experiment else []
    found = {setting: experiment.values(setting, "parzen") for setting in settings} if experiment else {}
    means = {setting: values.mean() for setting, values in found.items() if values.notna().any()}
    if experiment is None or not means:
        return Verdict("not_run", f"No run of {method} in {name} has a Parzen log-likelihood.")
    best = max(means, key=means.__getitem__)
    values, level = found[best], statistics.student(found[best])
    held = level.value >= said - 2 * error and level.above(next_best) and values.notna().all()
    diverged = f", {values.isna().sum()} more diverged" if values.isna().any() else ""
    text = (
        f"{show(level)} nats over {level.count} seeds{diverged}, after {experiment.stops(best)[-1]} iterations"
        f"{floor_of(experiment, best, 'parzen')}; the source: {said} ± {error}, the next best {next_best}."
    )
    if 1 < values.size <= FEW:
        text += f" By seed: {_list(values)}; classes covered: {_list(experiment.values(best, 'classes_covered'))}."
    if len(found) > 1:
        text += f" The best of {len(found)} settings: {best}."
    outcome: Outcome = "reproduced" if held and level.count >= LEAST_SEEDS else "inconclusive"
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
    Claim(
        "parzen-conditional",
        "Mirza & Osindero (2014), arXiv:1411.1784, Table 1, who call it a proof of concept",
        "A conditional GAN reaches a Parzen log-likelihood of 132 ± 1.8 nats on MNIST, of 1000 samples of each class;"
        " here they have the labels of the 10 000 test images.",
        parzen_conditional,
        ("cgan_parzen",),
        {"cgan": "Parzen log-likelihood 132 ± 1.8 nats"},
    ),
)


def _list(values: pd.Series) -> str:
    return ", ".join(f"{value:.3g}" for value in values.dropna()) or "not measured"
