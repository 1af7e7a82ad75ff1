"""What a run that has ended leaves behind: its numbers, samples.npz and pictures."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np

from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.evaluation import board
from saddlegan.evaluation.evaluate import Evaluate


def finish(
    module: AdversarialModule,
    evaluate: Evaluate,
    trainer: L.Trainer,
    config: dict[str, Any],
    folder: Path,
    chosen: Mapping[str, str],
) -> dict[str, Any]:
    """Summaries, figures and samples.npz of a run that has ended."""
    module.eval()
    limit = config["evaluation"]["diverged_above"]
    reached, last = evaluate.history[-1]
    summary = evaluate.summary(reached, limit)
    flags = {name: values.tolist() for name, values in summary.items() if name not in last}
    fake = evaluate.fakes(module)
    lost = all(flags["diverged"])  # and stopped for that: none comes back, so that it is lost at later stops too
    wanted = [stop for stop in config["evaluation"]["stops"] if stop <= reached or lost]
    stops = {str(stop): evaluate.summary(stop, limit) for stop in wanted}
    draw = config["evaluation"]["figures"] > 0
    conclusion = evaluate.conclude(trainer, module, fake, folder, draw)
    final = last | flags | conclusion.final
    medians = {name: float(np.nanmedian(np.array(v, dtype=float))) for name, v in final.items() if np.isfinite(v).any()}
    through = [name for name in medians if name in last and "_loss" not in name]
    board.log_outcome(trainer, board.hyperparameters(config, chosen), medians, through, reached)
    return {
        "status": "diverged" if lost else "finished",
        "seeds": module.seeds,
        "iterations": reached,
        "evaluations": len(evaluate.history),
        "final": rounded(final),
        "last_fifth": rounded(summary),
        "stops": {stop: rounded(values) for stop, values in stops.items()},
        "best": rounded(evaluate.best()),
    } | conclusion.entries


def rounded(values: Mapping[str, Iterable[float]]) -> dict[str, list[float]]:
    """Lists of seven significant digits, all that float32 holds."""
    return {name: [float(f"{value:.7g}") for value in column] for name, column in values.items()}
