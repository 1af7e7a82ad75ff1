"""Metrics of a toy through training: metrics.csv, TensorBoard, and the summary that result.json holds."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor

from saddlegan.callbacks.board import log_figures, log_scalars
from saddlegan.data.distributions import Distribution
from saddlegan.metrics import distribution as metrics
from saddlegan.metrics import trajectory
from saddlegan.random import draw_evaluation


class Evaluate(L.Callback):
    """Evaluates every seed at iteration 0, every `every` iterations, and at the end, on `samples` fixed latents a seed.

    `pictures` figures are shown through training. The history is part of the checkpoint, so that a run that goes on
    writes the same file as one that was never stopped.
    """

    def __init__(
        self,
        law: Distribution,
        *,
        seeds: Sequence[int],
        iterations: int,
        every: int,
        samples: int,
        pictures: int,
        path: Path,
    ) -> None:
        self.law = law
        self.seeds = list(seeds)
        self.iterations = iterations
        self.every = every
        self.samples = samples
        self.picture_every = math.ceil(iterations / pictures) if pictures else 0
        self.path = path
        self.quantiles = law.quantiles(samples)
        self.real = draw_evaluation(law.draw, seeds, samples, part=1)
        self.latents: Tensor | None = None
        self.history: list[tuple[int, dict[str, list[float]]]] = []

    # Hooks ----------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history = [(iteration, row) for iteration, row in state_dict["history"]]

    def on_train_start(self, trainer: L.Trainer, module: Any) -> None:
        self.rewrite()
        if not self.history:
            self.evaluate(module)

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        iteration = int(module.iteration)
        if iteration % self.every and iteration != self.iterations:
            return
        fake = self.evaluate(module)
        log_scalars(trainer, module, iteration, self.history[-1][1], self.real[:, :256], fake[:, :256])
        if self.picture_every and iteration // self.picture_every > (iteration - self.every) // self.picture_every:
            log_figures(trainer, module, self.law, iteration, fake[..., 0].numpy())
        if not np.isfinite(self.history[-1][1]["w1"]).any():
            trainer.should_stop = True  # every seed has diverged, and none comes back from NaN

    # Evaluation -----------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def fakes(self, module: Any) -> Tensor:
        """Samples of the generator `(seeds, samples, 1)`, from the same latents at every iteration."""
        if self.latents is None:
            self.latents = draw_evaluation(module.latent.draw, self.seeds, self.samples, part=0)
        return module.generator(module.place(self.latents)).cpu()

    def evaluate(self, module: Any) -> Tensor:
        """Append a row to the history and to metrics.csv; the samples that it measured."""
        fake = self.fakes(module)
        ordered = np.sort(fake[..., 0].double().numpy(), axis=-1)
        values = self.measure(np.where(np.isfinite(ordered).all(-1, keepdims=True), ordered, np.nan))
        self.history.append((int(module.iteration), {name: value.tolist() for name, value in values.items()}))
        with self.path.open("a") as file:
            file.write(self.lines(*self.history[-1]))
        return fake

    def measure(self, fake: np.ndarray) -> dict[str, np.ndarray]:
        """The metrics of sorted samples `(seeds, n)`, each `(seeds,)`. A point mass has no std to measure in."""
        law = self.law
        w1 = metrics.wasserstein_1(fake, self.quantiles)
        values = {"w1": w1, "mean_error": metrics.mean_error(fake, law.mean)}
        values["ks"] = metrics.kolmogorov_smirnov(fake, law.cdf, law.cdf_left if len(law.atoms) else None)
        if law.std > 0:
            values |= {"w1_std": w1 / law.std, "std_ratio": metrics.std_ratio(fake, law.std)}
        if len(law.modes) > 1:
            values["modes_covered"] = metrics.modes_covered(fake, law.modes, law.radius)
        return values

    def median(self, metric: str) -> float:
        """Median over the seeds that are finite, at the latest evaluation."""
        values = np.asarray(self.history[-1][1].get(metric, [math.nan]))
        return float(np.median(values[np.isfinite(values)])) if np.isfinite(values).any() else math.nan

    # metrics.csv ----------------------------------------------------------------------------------------------------

    def lines(self, iteration: int, row: dict[str, list[float]]) -> str:
        columns = zip(self.seeds, *row.values(), strict=True)
        return "".join(
            f"{iteration},{seed},{','.join(f'{value:.6g}' for value in values)}\n" for seed, *values in columns
        )

    def rewrite(self) -> None:
        """Write metrics.csv anew from the history, whole or not at all."""
        names = self.history[0][1] if self.history else self.measure(np.zeros((1, self.samples)))
        text = f"iteration,seed,{','.join(names)}\n" + "".join(self.lines(*row) for row in self.history)
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(text)
        os.replace(temporary, self.path)

    # Summary --------------------------------------------------------------------------------------------------------

    def summary(self, stop: int, diverged_above: float) -> dict[str, np.ndarray]:
        """Means over the last fifth of the first `stop` iterations, with `converged`, `oscillation` and `diverged`."""
        iterations = np.array([iteration for iteration, _ in self.history])
        tail = trajectory.last_fifth(iterations, min(stop, int(iterations[-1])))
        rows = [row for (_, row), inside in zip(self.history, tail, strict=True) if inside]
        series = {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}
        return {name: values.mean(0) for name, values in series.items()} | {
            "oscillation": trajectory.oscillation(series["mean_error"]),
            "converged": trajectory.converged(series["w1"], self.law.unit),
            "diverged": trajectory.diverged(
                series["w1"], diverged_above * max(math.hypot(self.law.mean, self.law.std), self.law.unit)
            ),
        }

    def best(self) -> dict[str, list[float]]:
        """Each seed's metrics at the evaluation where its W1 was least, and that iteration."""
        w1 = np.array([row["w1"] for _, row in self.history], dtype=float)
        at = np.where(np.isfinite(w1), w1, np.inf).argmin(0)
        best = {name: [self.history[k][1][name][s] for s, k in enumerate(at)] for name in self.history[0][1]}
        return best | {"iteration": [self.history[k][0] for k in at]}
