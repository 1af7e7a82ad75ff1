"""What loggers show of any run; x is the iteration of the algorithm.

Every logger of Lightning is served: scalars through `log_metrics`, pictures by whatever the logger has for them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch.utils.tensorboard.summary import hparams

from saddlegan.batch import Batch
from saddlegan.identity import NEUTRAL, fingerprint

QUANTILES = {"lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75}


def gradient_norms(parameters: list[torch.nn.Parameter], seeds: int) -> np.ndarray:
    """The L2 norm of the latest gradient, `(seeds,)`; parameters are stacked where there are several seeds."""
    squares = [p.grad.square().reshape(seeds, -1).sum(-1) for p in parameters if p.grad is not None]
    return torch.stack(squares).sum(0).sqrt().cpu().numpy() if squares else np.full(1, np.nan)


def log_scalars(
    trainer: L.Trainer, module: Any, iteration: int, row: dict[str, list[float]], real: Batch, fake: Batch
) -> None:
    """Median and quartiles over the seeds: metrics and losses, gradient norms of both players, D on both samples."""
    if not trainer.loggers:
        return
    pages = {f"{player}_loss": f"loss/{player}" for player in module.players}
    values = {}
    for name, value in row.items():
        loss, _, term = name.partition("/")
        values[f"{pages[loss]}{term and '/'}{term}" if loss in pages else f"metrics/{name}"] = np.asarray(value)
    for player, parameters in module.players.items():
        values[f"gradient_norm/{player}"] = gradient_norms(parameters, len(module.seeds))
    for name, samples in {"real": real, "fake": fake}.items():
        values[f"discriminator/{name}"] = score(module, samples).mean(-1)
    scalars = {}
    for name, value in values.items():
        finite = value[np.isfinite(value)]
        if len(finite):
            for label, quantile in zip(QUANTILES, np.quantile(finite, list(QUANTILES.values())), strict=True):
                if len(value) > 1 or label == "median":
                    scalars[f"{name}/{label}"] = float(quantile)
    for logger in trainer.loggers:
        logger.log_metrics(scalars, iteration)
        logger.save()


def log_figure(trainer: L.Trainer, name: str, figure: Figure, iteration: int) -> None:
    """Show a figure in every logger that can show one, below the scalars."""
    name = f"pictures/{name}"
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_figure(name, figure, iteration)
        elif hasattr(logger, "log_image"):
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            logger.log_image(name, [np.asarray(canvas.buffer_rgba())], iteration)  # type: ignore[attr-defined]


def hyperparameters(
    config: dict[str, Any], chosen: Mapping[str, str]
) -> tuple[dict[str, int | float | str | bool], dict[str, int | float | str | bool]]:
    """What was `chosen` in words, by dotted key, and all that decides a run."""
    deciding = fingerprint(config)
    groups = {key: choice for key, choice in chosen.items() if isinstance(config.get(key), dict) and key not in NEUTRAL}
    named = groups | {key: deciding[key] for key in chosen if key in deciding}
    plain = {
        key: value if isinstance(value, int | float | str | bool) else str(value)
        for key, value in (named | deciding).items()
    }
    return {key: plain[key] for key in named}, plain


def log_outcome(
    trainer: L.Trainer,
    parameters: tuple[Mapping[str, Any], Mapping[str, Any]],
    final: Mapping[str, float],
    through: Sequence[str],
    iteration: int,
) -> None:
    """The hyperparameters, as of `hyperparameters`, beside the `final` metrics.

    In TensorBoard those that were chosen, whose table would not end with all that a configuration has, beside metrics
    that have a curve, by its name (`through`), and all of these as a table of its Text page: there each scalar has a
    chart, and one of a single dot says nothing.
    """
    chosen, deciding = parameters
    rows = "".join(f"\n| {name} | {value:.6g} |" for name, value in final.items())
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            curves = {f"metrics/{name}/median": final[name] for name in through}
            logger.log_hyperparams(dict(deciding), {})
            for summary in hparams(dict(chosen), curves):  # Lightning's own call would log the last point again
                logger.experiment._get_file_writer().add_summary(summary, iteration)
            logger.experiment.add_text("final", f"| metric | median over seeds |\n| --- | --- |{rows}", iteration)
        else:
            logger.log_hyperparams(dict(deciding))
            logger.log_metrics({f"final/{name}": value for name, value in final.items()}, iteration)
        logger.finalize("success")


@torch.no_grad()
def score(module: Any, batch: Batch) -> np.ndarray:
    """D(x) without dropout, `(seeds, n)`, as the variant gives it."""
    training = module.discriminator.training
    module.discriminator.eval()
    with torch.compiler.set_stance("force_eager"):
        output = module.score(module.placed(batch))
    module.discriminator.train(training)
    return output.float().cpu().numpy()


def discriminator_values(module: Any, points: np.ndarray) -> np.ndarray:
    """D on the points `(g, dim)` per seed: `(seeds, g)`."""
    return score(module, {"x": torch.as_tensor(points).expand(len(module.seeds), -1, -1)})
