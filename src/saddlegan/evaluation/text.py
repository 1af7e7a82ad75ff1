"""Evaluation of text: n-grams and words of samples against lines that are held out, beside what real text reaches, and
what independent characters do."""

from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from jaxtyping import Int64
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from saddlegan.data.sets import SetData
from saddlegan.data.text import TextWindows
from saddlegan.evaluation.evaluate import JUDGED, Conclusion, Evaluate, law_of
from saddlegan.files import write_whole
from saddlegan.folder import SAMPLES
from saddlegan.metrics.text import WORD
from saddlegan.random import stream

#: Samples that are printed, and moments of training at which they are kept.
SHOWN, FRAMES = 8, 25


class EvaluateText(Evaluate):
    """`samples` windows of the generator. Of each latent one is drawn; what is likeliest at each place is shown
    beside."""

    kind = "text"
    offers = ("codes", "real_codes", "characters", "texts", "words", "probabilities", "training")

    def __init__(self, data: SetData, **evaluation: Any) -> None:
        super().__init__(**evaluation)
        self.text = text = law_of(data.examples, TextWindows)
        self.characters = len(text.vocabulary)
        self.real = {"x": text.values(text.test[:: max(len(text.test) // JUDGED, 1)][:JUDGED])[None]}
        self.real_codes = text.test[:: text.length].numpy()
        self.words = {word.lower() for word in WORD.findall(text.text)}
        self.frames: list[tuple[int, list[str]]] = []

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"frames": self.frames}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.frames = [(iteration, list(texts)) for iteration, texts in state_dict["frames"]]

    def evaluate(self, module: Any) -> Tensor:
        fake = super().evaluate(module)
        self.frames.append((int(module.iteration), self.text.texts(fake[0, :SHOWN].argmax(1))))
        return fake

    def fakes(self, module: Any) -> Tensor:
        fake = super().fakes(module)
        self.expected = module.expected(self.given)[0]
        self.beside = {"probabilities": self.expected.double().numpy()}
        return fake

    # Metrics ---------------------------------------------------------------------------------------------------------

    def offered(self, fake: Tensor) -> dict[str, Any]:
        return self.offered_of(fake[0].argmax(1))

    def offered_of(self, codes: Tensor) -> dict[str, Any]:
        """What metrics may ask for of windows by the numbers of their characters."""
        known = {"real_codes": self.real_codes, "characters": self.characters, "words": self.words}
        return {"codes": codes.numpy(), "texts": self.text.texts(codes), "training": self.text.text, **known}

    def measured(self, codes: Tensor) -> dict[str, float]:
        """All metrics of windows that no generator made."""
        offered = self.offered_of(codes)
        values = self.computed("through", offered) | self.computed("end", offered)
        return {name: float(f"{value:.7g}") for name, value in values.items()}

    def floors(self) -> dict[str, float]:
        """The metrics of as many windows of the training part: the best that can be hoped for."""
        chosen = stream(0, "text/floors").integers(len(self.text.train), size=self.samples)
        found = self.measured(self.text.train[chosen].long())
        if "copied" in found:  # the training part holds all of its own windows: held-out ones count
            others = self.text.test[stream(0, "text/floors", 1).integers(len(self.text.test), size=self.samples)]
            found["copied"] = self.measured(others.long())["copied"]
        return found

    def independent(self) -> Int64[Tensor, "n length"]:
        """As many windows of characters that are drawn one by one, as often as each occurs in training: what a
        generator must be better than."""
        counts = np.bincount(self.text.train[:: self.text.length].numpy().ravel(), minlength=self.characters)
        size = (self.samples, self.text.length)
        codes = stream(0, "text/independent").choice(self.characters, size=size, p=counts / counts.sum())
        return torch.from_numpy(codes)

    # Samples and the end ---------------------------------------------------------------------------------------------

    def show(self, trainer: L.Trainer, module: Any, iteration: int, fake: Tensor) -> None:
        """Samples of the same latents at every time."""
        likeliest = self.text.texts(self.expected[:SHOWN].argmax(1))
        self.print(trainer, iteration, {"samples": self.text.texts(fake[0, :SHOWN].argmax(1)), "likeliest": likeliest})

    def print(self, trainer: L.Trainer, iteration: int, pages: dict[str, list[str]]) -> None:
        """Show texts in the loggers that have a page for them."""
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                for name, texts in pages.items():
                    lines = "\n".join("    " + text.replace("\n", "\u21b5") for text in texts)
                    logger.experiment.add_text(name, lines, iteration)

    def conclude(self, trainer: L.Trainer, module: Any, fake: Tensor, folder: Path, draw: bool) -> Conclusion:
        """samples.npz: texts through training, at the end, and real ones."""
        final = self.computed("end", self.offered(fake) | self.networks)
        moments = np.unique(np.linspace(0, len(self.frames) - 1, FRAMES).round().astype(int))
        independent = self.independent()
        arrays = {
            "texts": np.array([self.frames[moment][1] for moment in moments]),
            "iterations": np.array([self.frames[moment][0] for moment in moments]),
            "likeliest": np.array(self.text.texts(self.expected[:SHOWN].argmax(1))),
            "independent": np.array(self.text.texts(independent[:SHOWN])),
            "real": np.array(self.text.texts(self.real["x"][0, :SHOWN].argmax(1))),
        }
        with write_whole(folder / SAMPLES) as partial:
            np.savez_compressed(partial, **arrays)
        entries = {"floors": self.floors(), "independent": self.measured(independent)}
        return Conclusion({name: [value] for name, value in final.items()}, entries)
