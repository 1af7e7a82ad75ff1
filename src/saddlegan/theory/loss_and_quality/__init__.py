"""Losses against quality along training, and how much hyperparameters decide.

Statements, their sources, and what would contradict them: `rules`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saddlegan.reporting import statistics
from saddlegan.reporting.ledger import Statement
from saddlegan.reporting.sections import Table
from saddlegan.reporting.statistics import Estimate
from saddlegan.reporting.tables import show, show_share
from saddlegan.theory.loss_and_quality.figures import search_figure, tracks_figure
from saddlegan.theory.loss_and_quality.loss_tracks import PLAIN, Track, image_tracks, toy_correlations
from saddlegan.theory.loss_and_quality.random_search import METHODS, draw_settings, search
from saddlegan.theory.loss_and_quality.rules import (
    BUDGET,
    COST,
    HYPOTHESIS,
    PAGE,
    PAGE_OF_SETTINGS,
    SIGN,
    SPREAD,
    STUDY,
    image_findings,
    judge_budget,
    judge_cost,
    judge_sign,
    judge_spread,
    mean_rho,
)
from saddlegan.theory.loss_and_quality.search_statistics import between_share, expected_best
from saddlegan.theory.section import Picture, Section
from saddlegan.theory.shared.players import one_thread

OPTIONS = ("runs",)
SETTINGS, SEEDS, ITERATIONS, EVALUATIONS = 100, 2, 200, 20
BUDGETS = (1, 2, 4, 8, 16, 32)
LEARNED = 0.5  # W1 in stds
RUNS = "Losses against the Frechet distance along the runs of the MNIST comparison; a dot is where a run ends."
SEARCHED = (
    "A random search on toys. Above: the rank correlation of each player's loss with W1 along training, over settings. "
    "Below: the best W1 to be expected of k random settings, with 95 % bands, and W1 over settings (dotted: learned)."
)


def image_table(tracks: Sequence[Track]) -> Table:
    """A row per setting: mean rho of each loss with the Frechet distance over its runs."""
    rows = []
    for name in dict.fromkeys(track.setting for track in tracks):
        rhos = np.array([track.correlations for track in tracks if track.setting == name])
        rows.append([name, len(rhos), *(show(mean_rho(column)) for column in rhos.T)])
    headers = ["images", "seeds", "generator's loss and distance", "discriminator's loss and distance"]
    return Table(headers, rows, "Mean rank correlation along a run with the Frechet distance; interval over seeds.")


def toy_tables(
    rhos: NDArray, ends: NDArray, learned: NDArray, best: dict[str, list[Estimate]], shares: dict[str, Estimate]
) -> list[Table]:
    """Correlations of the toys, `rhos` (2, methods, settings), over all settings and those that `learned` (methods,
    settings); spread of the final W1, `ends` (methods, settings, seeds), and best of the search."""
    correlations, spread = [], []
    for k, name in enumerate(METHODS):
        for which, chosen in (("all", np.ones_like(learned[k])), ("that learned", learned[k])):
            means = [show(mean_rho(rho[k, chosen])) for rho in rhos]
            correlations.append([f"{name}, settings {which}", int(chosen.sum()), *means])
        quantiles = [f"{q:.3g}" for q in np.quantile(ends[k], (0.05, 0.25, 0.5, 0.75, 0.95))]
        row = [name, *quantiles, show_share(statistics.share(learned[k])), show(best[name][-1]), show(shares[name])]
        spread.append(row)
    headers = ["toys", "settings", "generator's loss and W1", "discriminator's loss and W1"]
    wide = ["method", "5 %", "25 %", "50 %", "75 %", "95 %", "learned", f"best of {BUDGETS[-1]}", "between settings"]
    return [
        Table(headers, correlations, "Mean rank correlation along a run with W1; interval over settings."),
        Table(
            wide,
            spread,
            f"Final W1 in stds: quantiles over runs; share of settings with W1 < {LEARNED} (mean over seeds).",
        ),
    ]


@one_thread()
def section(*, runs: Sequence[Path]) -> Section:
    """`runs`: folders in which image runs are looked for; one that does not exist holds none."""
    images = image_tracks(runs)
    toys = search(draw_settings(SETTINGS), seeds=SEEDS, iterations=ITERATIONS, evaluations=EVALUATIONS)
    rhos = toy_correlations(toys)
    ends = toys.w1[..., -1]
    best = {name: expected_best(values.mean(-1), BUDGETS) for name, values in zip(METHODS, ends, strict=True)}
    shares = {name: between_share(np.log(values)) for name, values in zip(METHODS, ends, strict=True)}
    last = {name: of[-1] for name, of in best.items()}
    learned = ends.mean(-1) < LEARNED
    means = ", ".join(show(mean_rho(rho[chosen])) for rho, chosen in zip(rhos[1], learned, strict=True))
    of_learned = f" Among those that learned its mean is {means} ({', '.join(METHODS)})."
    findings = [
        *image_findings(images),
        (Statement("toy-quality-against-losses", PAGE, f"{COST} (toys)."), judge_cost(rhos[0, PLAIN], "settings")),
        (
            Statement("toy-losses-say-little", HYPOTHESIS, f"{SIGN} (toys, over all settings)."),
            judge_sign(np.nanmean(rhos[1], 0), "settings", of_learned),
        ),
        (Statement("sensitive-to-hyperparameters", PAGE_OF_SETTINGS, SPREAD), judge_spread(shares)),
        (Statement("no-method-better-at-equal-budget", STUDY, BUDGET), judge_budget(last, BUDGETS[-1])),
    ]
    images_found = f"{len(images)} finished runs of images, and along " if images else ""
    text = (
        f"Along {images_found}toy GANs trained here, each player's loss is held "
        "against the distance to the data by rank correlation. The toys: data N(2, 1), one hidden layer of 16, batches "
        f"of 24, {ITERATIONS} iterations of Adam; {SETTINGS} random settings of both rates, of beta_1, of 1 or 5 "
        "critic steps and of the scale of the initial weights (for primal_dual of sigma and alpha too), "
        f"{SEEDS} seeds each, the same for every method. The same search shows how much the settings decide against "
        "the seed, and what a budget of settings buys from each method. Two things to bear in mind: at a "
        "larger size of toy more of the outcome lay with the settings (0.71 to 0.74 of the variance, by method), "
        "and among the settings that learned the losses go with W1 otherwise than over all: see the table."
    )
    tables = toy_tables(rhos, ends, learned, best, shares)
    pictures = [Picture("random-search", SEARCHED, search_figure(METHODS, rhos, ends, best, BUDGETS, LEARNED))]
    if images:
        tables = [image_table(images), *tables]
        pictures = [Picture("loss-against-quality", RUNS, tracks_figure(images)), *pictures]
    return Section("Balance and cost", text, findings, tables, pictures)
