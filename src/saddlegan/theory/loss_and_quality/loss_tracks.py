"""Losses and quality along runs: of image runs that are finished, and of the toys of a random search."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saddlegan.reporting.arrays import read_curves
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.results import load_results
from saddlegan.reporting.runs import Problem
from saddlegan.theory.loss_and_quality.random_search import METHODS, Tracks
from saddlegan.theory.loss_and_quality.search_statistics import rank_correlation

COMPARISONS = ("mnist", "mnist_gpu", "mnist_parzen")  # experiments of images that are looked for first
PLAIN = METHODS.index("gan_non_saturating")


@dataclass(frozen=True)
class Track:
    """One seed of one run, over its evaluations `(n,)`; `quality` is a distance to the data."""

    setting: str
    non_saturating: bool
    quality: NDArray
    generator_loss: NDArray
    discriminator_loss: NDArray

    @property
    def correlations(self) -> tuple[float, float]:
        """rho of the generator's loss and of the discriminator's with the distance."""
        losses = self.generator_loss, self.discriminator_loss
        return rank_correlation(losses[0], self.quality), rank_correlation(losses[1], self.quality)


def image_tracks(folders: Sequence[Path]) -> list[Track]:
    """Of the first of `COMPARISONS`, or else of any experiment, in the first of `folders` whose runs hold losses of
    images; none where there is no such."""
    loaded = [load_results([folder], needed=False).experiments for folder in folders]
    names = dict.fromkeys([*COMPARISONS, *(name for results in loaded for name in results)])
    found = (_tracks(results[name]) for name in names for results in loaded if name in results)
    return next(filter(None, found), [])


def _tracks(experiment: Experiment) -> list[Track]:
    tracks = []
    for setting in experiment.settings:
        configured = {experiment.configured(setting, key) for key in ("method", "method.first_term")}
        for run in experiment.runs_of(setting):
            curves = [read_curves(run, name) for name in ("frechet", "generator_loss", "discriminator_loss")]
            # at iteration 0 there is no loss yet
            kept = [curve.loc[curve.index > 0] for curve in curves if not isinstance(curve, Problem)]
            if len(kept) == len(curves):
                plain = bool(configured & {"gan_non_saturating", "non_saturating"})
                columns = ([np.asarray(curve[seed], dtype=float) for curve in kept] for seed in kept[0])
                tracks += [Track(setting, plain, *values) for values in columns]
    return tracks


def toy_correlations(tracks: Tracks) -> NDArray:
    """rho of the generator's loss and of the discriminator's with W1, `(2, methods, settings)`: means over seeds."""
    rows = tracks.w1.reshape(-1, tracks.w1.shape[-1])
    losses = (loss.reshape(rows.shape) for loss in (tracks.generator_loss, tracks.discriminator_loss))
    rho = np.array([[rank_correlation(a, b) for a, b in zip(loss, rows, strict=True)] for loss in losses])
    rho = rho.reshape(2, *tracks.w1.shape[:-1])
    known = np.isfinite(rho)
    return np.where(known, rho, 0).sum(-1) / np.where(known.any(-1), known.sum(-1), np.nan)
