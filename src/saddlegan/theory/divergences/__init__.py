"""Divergences between the data p and the generated q: where they saturate, and which errors of q each one punishes.

Statements, their sources, and what would contradict them: `rules`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from saddlegan.reporting.sections import Table
from saddlegan.theory.divergences.figures import fits_figure, moving_figure
from saddlegan.theory.divergences.maths import Fit, best_gaussian, places, switch, two_modes
from saddlegan.theory.divergences.rules import (
    DISTANCE,
    STATEMENTS,
    WIDTH,
    judge_bad_samples,
    judge_punishment,
    judge_saturation,
    judge_switch,
    percent,
)
from saddlegan.theory.section import Picture, Section
from saddlegan.theory.shared.densities import (
    DIVERGENCES,
    gaussian_js,
    gaussian_kl,
    log_normal,
    moving,
    prices,
)

DISTANCES = tuple(range(2, 17))


def section() -> Section:
    """Both halves at their default size."""
    mu = np.linspace(0.01, 30.0, 3000)
    curves = moving(mu)
    fits = {name: [best_gaussian(name, two_modes(at, WIDTH)) for at in DISTANCES] for name in DIVERGENCES}
    chosen = {name: found[DISTANCES.index(DISTANCE)] for name, found in fits.items()}
    text = (
        "First p = N(0, 1) stays and q = N(mu, 1) moves away: five divergences and their gradients by mu, in closed "
        "form, JS by integration in log space. Then p has two equal modes, N(-3, 0.5^2) and N(3, 0.5^2), and q "
        "is the Gaussian that is best under each divergence, the global minimum over mean and width: does it "
        "cover both and put samples between them, or sit on one and miss the other? Their distance is swept, "
        f"from {DISTANCES[0]} to {DISTANCES[-1]} widths of a mode. Nothing is random: no interval is needed."
    )
    verdicts = (
        judge_saturation(mu, *curves["JS"]),
        judge_punishment(chosen["KL(p||q)"], chosen["KL(q||p)"]),
        judge_bad_samples(DISTANCES, fits["KL(p||q)"], fits["JS"]),
        judge_switch(DISTANCES, fits["JS"]),
    )
    title = "Divergences: where they saturate, and what they punish"
    tables = (_table_of_fits(chosen, fits), _table_of_widths())
    caption = "p = N(0, 1), q = N(mu, 1). JS and total variation level off (left): their gradients vanish (right)."
    pictures = (Picture("moving", caption, moving_figure(mu, curves)), _two_modes(chosen, fits))
    return Section(title, text, list(zip(STATEMENTS, verdicts, strict=True)), tables, pictures)


def _table_of_fits(chosen: Mapping[str, Fit], fits: Mapping[str, Sequence[Fit]]) -> Table:
    rows = []
    for name, best in chosen.items():
        first = next((i for i, place in enumerate(places(DISTANCES, WIDTH, fits[name])) if place > 0.5), 0)
        leaves = f"{switch(name, WIDTH, *DISTANCES[first - 1 : first + 1]):.2f}" if first else "never"
        cells = percent(best.bad), percent(best.missed), leaves, *(f"{price:.3g}" for price in prices(0.1)[name])
        rows.append([name, f"N({best.mean:.2f}, {best.scale:.2f}^2)", f"{best.value:.4f}", *cells])
    caption = (
        f"The best Gaussian on modes {DISTANCE} widths apart, its bad samples, and the data that it misses (1 % each "
        "where q = p); the distance, in widths, from which it leaves the middle for a mode; the divergence of a q with "
        "10 % bad samples, and of one that misses 10 % of the data, at distance 1 and right elsewhere. JS and total "
        "variation charge both alike, KL(p||q) infinitely more for missed data, KL(q||p) for bad samples. Total "
        "variation has no clear best q here: any that lies above one of p's modes has about 0.5."
    )
    headers = ["divergence", "best q", "value", "bad", "missed", "leaves at", "10 % bad", "10 % missed"]
    return Table(headers, rows, caption)


def _table_of_widths() -> Table:
    rows = []
    for mu, scale in ((0.0, 0.5), (0.0, 2.0), (3.0, 0.5), (3.0, 1.0), (3.0, 2.0)):
        values = *gaussian_kl(mu, scale), gaussian_js(np.array([mu]), scale)[0][0]
        rows.append([f"N({mu:g}, {scale:g}^2)", *(f"{value:.4f}" for value in values)])
    return Table(["q", "KL(p||q)", "KL(q||p)", "JS"], rows, "p = N(0, 1): the two KL agree at equal widths alone.")


def _two_modes(chosen: Mapping[str, Fit], fits: Mapping[str, Sequence[Fit]]) -> Picture:
    x = np.linspace(-7.0, 7.0, 701)
    shown = {
        name: (np.exp(log_normal(x, fit.mean, fit.scale)), f"{percent(fit.bad)} bad\n{percent(fit.missed)} missed")
        for name, fit in chosen.items()
    }
    caption = (
        f"Grey: p; line: the best Gaussian under each divergence, modes {DISTANCE} widths apart. Last panel: its bad "
        "samples as the modes move apart; JS follows KL(p||q) until it leaves one mode."
    )
    bad = {name: [100.0 * fit.bad for fit in found] for name, found in fits.items()}
    figure = fits_figure(x, np.exp(two_modes(DISTANCE, WIDTH).log_density(x)), shown, DISTANCES, bad)
    return Picture("two-modes", caption, figure)
