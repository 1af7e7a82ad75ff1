"""The game V(x, y) = x*y: x descends, y ascends, from (1, 1); its only equilibrium is (0, 0).

Statements, their sources, and what would contradict them: `rules`.
"""

import numpy as np
from numpy.typing import NDArray

from saddlegan.reporting.sections import Table
from saddlegan.theory.bilinear_game.figures import path_figure, rate_figure
from saddlegan.theory.bilinear_game.maths import (
    METHODS,
    average,
    averages,
    derived_rate,
    largest_step,
    measured_rate,
    path,
    swings,
)
from saddlegan.theory.bilinear_game.rules import STEPS, Rates, agreement, convergence, remedies, swinging
from saddlegan.theory.section import Picture, Section


def section() -> Section:
    """Every method over the sweep, averages over 2^14 iterations."""
    measured = {name: measured_rate(method, STEPS) for name, method in METHODS.items()}
    derived = {name: derived_rate(method, STEPS) for name, method in METHODS.items()}
    return Section(
        title="The game x*y",
        text="Two players share V = x*y: x goes down its slope, y up, from (1, 1). Only at (0, 0) can neither gain by "
        "moving alone. Each method is run in double precision; the factor by which its distance to (0, 0) changes "
        f"per iteration is measured over 2000 iterations at each of {STEPS.size} steps from {STEPS[0]:g} to "
        f"{STEPS[-1]:g}, and held against the largest eigenvalue of its recurrence. Nothing is drawn at random.",
        findings=[
            convergence(measured, derived),
            *(swinging(name, swings(METHODS[name])) for name in ("simultaneous", "alternating")),
            agreement(measured, derived),
            remedies(measured, averages()),
        ],
        tables=[
            Table(
                ["method", "converges for steps under", "measured", "least rate", "at step"],
                _rows(measured),
                "Limits in closed form, and as the measured rate crosses 1.",
            )
        ],
        pictures=[
            Picture(
                "paths",
                "Paths from (1, 1) and the distance to (0, 0). Of averages, the largest in each bin.",
                path_figure(*_drawn()),
            ),
            Picture("rates", "Rate against step: under 1 a method converges.", rate_figure(STEPS, measured, derived)),
        ],
    )


def _rows(measured: Rates) -> list[list[object]]:
    rows = []
    for name, method in METHODS.items():
        limits = [f"{method.limit:.4f}", f"{largest_step(STEPS, measured[name]):.4f}"] if method.limit else ["none"] * 2
        best = measured[name].argmin()
        rows.append([name, *limits, f"{measured[name][best]:.4f}", f"{STEPS[best]:.3g}"])
    return rows


def _drawn() -> tuple[Rates, Rates, dict[str, tuple[NDArray, float]]]:
    """Paths that stay or leave, paths that converge, and averages with the derived power of t (NaN: none)."""
    plain = {name: path(METHODS[name], 0.2, iterations=200) for name in ("simultaneous", "alternating")}
    plain["simultaneous, growing step 0.03 sqrt(t)"] = path(METHODS["simultaneous"], 0.03, iterations=200, power=0.5)
    cured = {name: path(method, 0.2, iterations=200) for name, method in METHODS.items() if method.limit}
    means = {"simultaneous, step 0.2": (average(path(METHODS["simultaneous"], 0.2, iterations=200)), np.nan)}
    means["alternating, step 0.2"] = (average(path(METHODS["alternating"], 0.2, iterations=2**12)), -1.0)
    for step in (0.5, 1.25):
        points = average(path(METHODS["simultaneous"], step, iterations=2**12, power=-0.5), power=-0.5)
        means[f"simultaneous, step {step:g}/sqrt(t)"] = (points, (step**2 - 1) / 2)
    return plain, cured, means
