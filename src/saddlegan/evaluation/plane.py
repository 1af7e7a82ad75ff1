"""Evaluation in the plane, of mixtures whose modes are known: which are covered, how evenly, by how good samples."""

from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
from torch import Tensor

from saddlegan.data.plane import PlaneMixture
from saddlegan.data.toy import ToyData
from saddlegan.evaluation import board
from saddlegan.evaluation.evaluate import Conclusion, Evaluate, law_of
from saddlegan.figures import PlanePanel, plane_figure, save_png
from saddlegan.files import write_whole
from saddlegan.folder import SAMPLES
from saddlegan.random import draw_evaluation

#: Samples of each seed that samples.npz keeps, seeds whose samples it keeps, and moments of training.
KEPT, SEEDS, FRAMES = 512, 64, 25
#: Points along a side of the grid on which D(x) is kept, and how far it reaches beyond the modes, over their reach.
SIDE, BEYOND = 48, 1.5


class EvaluatePlane(Evaluate):
    """Modes covered and the like; samples over the discriminator's field as pictures."""

    kind = "vectors"
    dim = 2
    offers = ("samples", "real", "modes", "std", "limit")

    def __init__(self, data: ToyData, **evaluation: Any) -> None:
        super().__init__(**evaluation)
        self.law = law_of(data.distribution, PlaneMixture)
        self.real = {"x": draw_evaluation(self.law.draw, self.seeds, self.samples, part=1)}
        self.frames: list[tuple[int, Tensor]] = []

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"frames": self.frames}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.frames = [(iteration, frame) for iteration, frame in state_dict["frames"]]

    def evaluate(self, module: Any) -> Tensor:
        fake = super().evaluate(module)
        self.frames.append((int(module.iteration), fake[:SEEDS, :KEPT].half()))
        if len(self.frames) > 4 * FRAMES:  # the checkpoint holds them all
            self.frames = self.frames[::2]
        return fake

    def offered(self, fake: Tensor) -> dict[str, Any]:
        law, real = self.law, self.real["x"].double().numpy()
        return {"samples": fake.double().numpy(), "real": real, "modes": law.modes, "std": law.std}

    def offered_over(self, diverged_above: float) -> dict[str, Any]:
        return {"limit": diverged_above * self.law.root_mean_square}

    def show(self, trainer: L.Trainer, module: Any, iteration: int, fake: Tensor) -> None:
        """Samples of the first seed over its discriminator's field."""
        panel = plane_panel(self.law, module, fake[0, :KEPT].numpy(), f"iteration {iteration}")
        board.log_figure(trainer, "plane", plane_figure([panel]), iteration)

    def conclude(self, trainer: L.Trainer, module: Any, fake: Tensor, folder: Path, draw: bool) -> Conclusion:
        """samples.npz, from which the report draws without torch, and, with `draw`, figures/plane.png."""
        moments = np.unique(np.linspace(0, len(self.frames) - 1, FRAMES).round().astype(int))
        arrays = {
            "points": fake[:SEEDS, :KEPT].float().numpy(),
            "real": self.real["x"][0, :KEPT].numpy(),
            "modes": self.law.modes,
            "std": np.array([self.law.std]),
            "axis": axis_of(self.law),
            "field": field_of(module, axis_of(self.law))[:SEEDS].astype(np.float32),
            "through": np.stack([self.frames[moment][1].numpy() for moment in moments]),
            "iterations": np.array([self.frames[moment][0] for moment in moments]),
            **self.networks,
        }
        with write_whole(folder / SAMPLES) as partial:
            np.savez_compressed(partial, **arrays)  # type: ignore[arg-type]
        if draw:
            panel = plane_panel(self.law, module, arrays["points"][0], f"seed {self.seeds[0]}")
            save_png(plane_figure([panel]), folder / "figures" / "plane.png")
        final = {
            name: list(values) for name, values in self.computed("end", self.offered(fake) | self.networks).items()
        }
        return Conclusion(final, {"floors": self.floors()})

    def floors(self) -> dict[str, float]:
        """The metrics of other real samples, the mean over seeds: the best that can be hoped for."""
        others = self.offered(draw_evaluation(self.law.draw, self.seeds, self.samples, part=2))
        values = self.computed("through", others) | self.computed("end", others)
        return {name: float(f"{np.mean(value):.7g}") for name, value in values.items()}


def axis_of(law: PlaneMixture) -> np.ndarray:
    """The grid that D(x) is drawn on, along either side."""
    reach = BEYOND * (np.abs(law.modes).max() + 3.0 * law.std)
    return np.linspace(-reach, reach, SIDE)


def field_of(module: Any, axis: np.ndarray) -> np.ndarray:
    """D(x) on the grid of `axis` with itself, `(seeds, y, x)`."""
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return board.discriminator_values(module, points).reshape(-1, len(axis), len(axis))


def plane_panel(law: PlaneMixture, module: Any, points: np.ndarray, title: str) -> PlanePanel:
    """Samples `(n, 2)` of the first seed over its discriminator's field."""
    axis = axis_of(law)
    return PlanePanel(title, points, law.modes, law.std, axis, field_of(module, axis)[0])
