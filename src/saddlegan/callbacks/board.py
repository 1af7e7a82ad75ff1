"""What TensorBoard shows of a toy: x is the iteration of the algorithm."""

from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor

from saddlegan.config import fingerprint
from saddlegan.data.distributions import Distribution
from saddlegan.figures import DensityPanel, density_figure, discriminator_figure

QUANTILES = {"lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75}


def gradient_norms(parameters: list[torch.nn.Parameter]) -> np.ndarray:
    """The L2 norm of the latest gradient, a seed."""
    squares = [p.grad.square().flatten(1).sum(-1) for p in parameters if p.grad is not None]
    return torch.stack(squares).sum(0).sqrt().cpu().numpy() if squares else np.full(1, np.nan)


def log_scalars(
    trainer: L.Trainer, module: Any, iteration: int, row: dict[str, list[float]], real: Tensor, fake: Tensor
) -> None:
    """Median and quartiles over the seeds: metrics, losses, gradient norms of both players, D on `real` and `fake`."""
    if trainer.logger is None:
        return
    values = {f"metrics/{name}": np.asarray(value) for name, value in row.items()}
    for player, parameters in module.players.items():
        values[f"gradient_norm/{player}"] = gradient_norms(parameters)
        values[f"loss/{player}"] = module.losses[player].cpu().numpy()
    for name, samples in {"real": real, "fake": fake}.items():
        values[f"discriminator/{name}"] = discriminator_output(module, samples).mean(-1)
    board = trainer.logger.experiment  # type: ignore[attr-defined]
    for name, value in values.items():
        finite = value[np.isfinite(value)]
        if len(finite):
            for label, quantile in zip(QUANTILES, np.quantile(finite, list(QUANTILES.values())), strict=True):
                if len(value) > 1 or label == "median":
                    board.add_scalar(f"{name}/{label}", quantile, iteration)


@torch.no_grad()
def discriminator_output(module: Any, x: Tensor) -> np.ndarray:
    """D(x), after the objective's output activation: `(seeds, n, dim)` to `(seeds, n)`."""
    return module.objective.output(module.discriminator(module.place(x))).float().cpu().numpy()


def discriminator_curve(module: Any, support: np.ndarray) -> np.ndarray:
    """D on the points `(g,)`, a seed: `(seeds, g)`."""
    return discriminator_output(module, torch.as_tensor(support).expand(len(module.seeds), -1)[..., None])


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


def log_figures(trainer: L.Trainer, module: Any, law: Distribution, iteration: int, fake: np.ndarray) -> None:
    """The generated density beside the true one, and D(x)."""
    if trainer.logger is None:
        return
    panel = density_panel(law, fake, f"iteration {iteration}")
    board = trainer.logger.experiment  # type: ignore[attr-defined]
    board.add_figure("density", density_figure([panel]), iteration)
    curves = discriminator_curve(module, panel.support)
    board.add_figure("discriminator", discriminator_figure(panel.support, curves, panel.title), iteration)


def hyperparameters(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration's leaves as TensorBoard's hparams page takes them."""
    return {
        key: value if isinstance(value, int | float | str | bool) else str(value)
        for key, value in fingerprint(config).items()
    }
