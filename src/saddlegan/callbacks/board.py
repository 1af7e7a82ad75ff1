"""What TensorBoard shows of any run: x is the iteration of the algorithm."""

from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor

from saddlegan.identity import fingerprint

QUANTILES = {"lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75}


def gradient_norms(parameters: list[torch.nn.Parameter], seeds: int) -> np.ndarray:
    """The L2 norm of the latest gradient, a seed; parameters are stacked where there are several seeds."""
    squares = [p.grad.square().reshape(seeds, -1).sum(-1) for p in parameters if p.grad is not None]
    return torch.stack(squares).sum(0).sqrt().cpu().numpy() if squares else np.full(1, np.nan)


def log_scalars(
    trainer: L.Trainer, module: Any, iteration: int, row: dict[str, list[float]], real: Tensor, fake: Tensor
) -> None:
    """Median and quartiles over the seeds: metrics and losses, gradient norms of both players, D on both samples."""
    if trainer.logger is None:
        return
    page = {f"{player}_loss": f"loss/{player}" for player in module.players}
    values = {page.get(name, f"metrics/{name}"): np.asarray(value) for name, value in row.items()}
    for player, parameters in module.players.items():
        values[f"gradient_norm/{player}"] = gradient_norms(parameters, len(module.seeds))
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
    """D(x) without dropout, after the objective's output activation: `(seeds, n, *shape)` to `(seeds, n)`."""
    training = module.discriminator.training
    module.discriminator.eval()
    with torch.compiler.set_stance("force_eager"):
        output = module.objective.output(module.discriminator(module.place(x)))
    module.discriminator.train(training)
    return output.float().cpu().numpy()


def discriminator_curve(module: Any, support: np.ndarray) -> np.ndarray:
    """D on the points `(g,)`, a seed: `(seeds, g)`."""
    return discriminator_output(module, torch.as_tensor(support).expand(len(module.seeds), -1)[..., None])


def hyperparameters(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration's leaves as TensorBoard's hparams page takes them."""
    return {
        key: value if isinstance(value, int | float | str | bool) else str(value)
        for key, value in fingerprint(config).items()
    }
