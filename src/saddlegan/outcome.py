"""What a run that has ended leaves behind: its numbers, samples.npz and pictures."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np

from saddlegan.adversarial import AdversarialModule
from saddlegan.callbacks import board
from saddlegan.callbacks.evaluate import Evaluate
from saddlegan.figures import density_figure, discriminator_figure, save_png
from saddlegan.folder import SAMPLES

#: Samples a seed that probes look at: a kernel in float64 is (seeds, PROBED, PROBED).
PROBED = 128
#: Quantiles of each seed's samples that samples.npz keeps.
KEPT = 256


def finish(
    module: AdversarialModule, evaluate: Evaluate, trainer: L.Trainer, config: dict[str, Any], folder: Path
) -> dict[str, Any]:
    """Summaries, probes, figures and samples.npz of a run that has ended."""
    limit = config["evaluation"]["diverged_above"]
    reached, last = evaluate.history[-1]
    summary = evaluate.summary(reached, limit)
    flags = {name: summary[name].tolist() for name in ("converged", "oscillation", "diverged")}
    fake = evaluate.fakes(module)
    probes = module.probes(*(module.place(x[:, :PROBED]) for x in (evaluate.real, fake)))
    final = last | flags | {name: value.detach().cpu().tolist() for name, value in probes.items()}
    stops = {str(stop): evaluate.summary(stop, limit) for stop in config["evaluation"]["stops"]}
    pictures(module, evaluate, fake[..., 0].numpy(), folder, draw=config["evaluation"]["figures"] > 0)
    medians = {
        f"final/{name}": float(np.nanmedian(np.array(v, dtype=float)))
        for name, v in final.items()
        if np.isfinite(v).any()
    }
    trainer.logger.log_hyperparams(board.hyperparameters(config), medians)  # type: ignore[union-attr]
    trainer.logger.finalize("success")  # type: ignore[union-attr]
    return {
        "status": "diverged" if all(flags["diverged"]) else "finished",
        "seeds": module.seeds,
        "iterations": reached,
        "evaluations": len(evaluate.history),
        "final": rounded(final),
        "last_fifth": rounded(summary),
        "stops": {stop: rounded(values) for stop, values in stops.items()},
        "best": rounded(evaluate.best()),
    }


def rounded(values: Mapping[str, Iterable[float]]) -> dict[str, list[float]]:
    """Lists of seven significant digits, all that float32 holds."""
    return {name: [float(f"{value:.7g}") for value in column] for name, column in values.items()}


def pictures(module: AdversarialModule, evaluate: Evaluate, fake: np.ndarray, folder: Path, draw: bool) -> None:
    """samples.npz, from which the report draws without torch, and, with `draw`, figures/*.png."""
    panel = board.density_panel(evaluate.law, fake, folder.name if len(folder.name) < 60 else folder.name[:57] + "...")
    curves = board.discriminator_curve(module, panel.support)
    ranks = np.linspace(0, fake.shape[-1] - 1, KEPT).round().astype(int)
    arrays = {"support": panel.support, "samples": np.sort(fake, axis=-1)[:, ranks], "discriminator": curves}
    truth = {"density": panel.density, "atoms": panel.atoms}
    arrays |= {name: array for name, array in truth.items() if array is not None}
    single = {name: np.asarray(array, dtype=np.float32) for name, array in arrays.items()}
    np.savez_compressed(folder / SAMPLES, **single)  # type: ignore[arg-type]
    if draw:
        save_png(density_figure([panel]), folder / "figures" / "density.png")
        figure = discriminator_figure(panel.support, curves, panel.title)
        save_png(figure, folder / "figures" / "discriminator.png")
