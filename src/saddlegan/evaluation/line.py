"""Evaluation of a distribution on the line, which is known exactly."""

import math
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor

from saddlegan.data.distributions import Distribution
from saddlegan.data.toy import ToyData
from saddlegan.evaluation import board
from saddlegan.evaluation.evaluate import Conclusion, Evaluate, law_of
from saddlegan.figures import Curve, DensityPanel, density_figure, discriminator_figure, save_png
from saddlegan.files import write_whole
from saddlegan.folder import SAMPLES
from saddlegan.random import draw_evaluation

#: Quantiles of each seed's samples that samples.npz keeps.
KEPT = 256


class EvaluateLine(Evaluate):
    """W1 and its like against the law of the data; densities and discriminators as pictures."""

    kind = "vectors"
    dim = 1
    offers = (
        "samples", "law", "quantiles", "mean", "std", "cdf", "cdf_left", "modes", "radius", "unit", "limit",
        "real", "scores", "real_scores", "optimum",
    )  # fmt: skip

    def __init__(self, data: ToyData, **evaluation: Any) -> None:
        super().__init__(**evaluation)
        self.law = law = law_of(data.distribution, Distribution)
        self.quantiles = law.quantiles(self.samples)
        self.real = {"x": draw_evaluation(law.draw, self.seeds, self.samples, part=1)}

    def offered(self, fake: Tensor) -> dict[str, Any]:
        """Samples sorted, and the law: no std of a point mass, no modes of a law that has one alone."""
        law = self.law
        ordered = np.sort(fake[..., 0].double().numpy(), axis=-1)
        ordered = np.where(np.isfinite(ordered).all(-1, keepdims=True), ordered, np.nan)
        found = {"samples": ordered, "law": law, "quantiles": self.quantiles, "mean": law.mean, "cdf": law.cdf}
        found |= {"std": law.std} if law.std > 0 else {}
        found |= {"cdf_left": law.cdf_left} if len(law.atoms) else {}
        return found | ({"modes": law.modes, "radius": law.radius} if len(law.modes) > 1 else {})

    def offered_over(self, diverged_above: float) -> dict[str, Any]:
        size = max(math.hypot(self.law.mean, self.law.std), self.law.unit)
        return {"unit": self.law.unit, "limit": diverged_above * size}

    def show(self, trainer: L.Trainer, module: Any, iteration: int, fake: Tensor) -> None:
        """The generated density beside the true one, and D(x)."""
        panel = density_panel(self.law, fake[..., 0].numpy(), f"iteration {iteration}")
        board.log_figure(trainer, "density", density_figure([panel]), iteration)
        curves = board.discriminator_values(module, panel.support[:, None])
        figure = discriminator_figure([Curve(panel.title, panel.support, curves)])
        board.log_figure(trainer, "discriminator", figure, iteration)

    def conclude(self, trainer: L.Trainer, module: Any, fake: Tensor, folder: Path, draw: bool) -> Conclusion:
        """samples.npz, from which the report draws without torch, and, with `draw`, figures/*.png."""
        samples, name = fake[..., 0].numpy(), folder.name
        panel = density_panel(self.law, samples, name if len(name) < 60 else name[:57] + "...")
        curves = board.discriminator_values(module, panel.support[:, None])
        ranks = np.linspace(0, samples.shape[-1] - 1, KEPT).round().astype(int)
        arrays = {"support": panel.support, "samples": np.sort(samples, axis=-1)[:, ranks], "discriminator": curves}
        truth = {"density": panel.density, "atoms": panel.atoms}
        arrays |= {name: array for name, array in truth.items() if array is not None}
        single = {name: np.asarray(array, dtype=np.float32) for name, array in arrays.items()}
        with write_whole(folder / SAMPLES) as partial:
            np.savez_compressed(partial, **single)  # type: ignore[arg-type]
        if draw:
            save_png(density_figure([panel]), folder / "figures" / "density.png")
            figure = discriminator_figure([Curve(panel.title, panel.support, curves)])
            save_png(figure, folder / "figures" / "discriminator.png")
        offered = {**self.offered(fake), **self.networks, **self.judged(module, fake)}
        return Conclusion({name: list(values) for name, values in self.computed("end", offered).items()})

    def judged(self, module: Any, fake: Tensor) -> dict[str, Any]:
        """What the discriminator says of samples and of real ones, and its optimum, where the variant has one."""
        optimum = getattr(getattr(module, "objective", None), "optimum", None)
        found: dict[str, Any] = {
            "samples": fake[..., 0].numpy(),
            "scores": board.score(module, {**self.given, "x": fake}),
            "real": self.real["x"][..., 0].numpy(),
            "real_scores": board.score(module, self.real),
        }
        if optimum is not None:
            found["optimum"] = lambda p, q: optimum(torch.as_tensor(p), torch.as_tensor(q)).numpy()
        return found


def support_of(law: Distribution, fake: np.ndarray, points: int = 400) -> np.ndarray:
    """A grid over the law's modes and the middle 98 % of the finite samples; denser where the law is narrow."""
    finite = fake[np.isfinite(fake)]
    margin = 6.0 * law.radius / 3.0
    low, high = np.quantile(finite, [0.01, 0.99]) if len(finite) else (law.mean, law.mean)
    wide = np.linspace(min(low, law.modes.min() - margin), max(high, law.modes.max() + margin), points // 2)
    near = [np.linspace(mode - margin, mode + margin, points // 2 // len(law.modes)) for mode in law.modes]
    return np.unique(np.concatenate([wide, *near]))


def density_panel(law: Distribution, fake: np.ndarray, title: str) -> DensityPanel:
    """Samples `(seeds, n)` beside what the law has: a density, or atoms."""
    support = support_of(law, fake)
    return DensityPanel(title, fake, support, law.density(support), law.atoms if len(law.atoms) else None)
