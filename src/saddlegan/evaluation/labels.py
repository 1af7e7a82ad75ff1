"""Evaluation of labels given images: how often they are wrong on test images."""

from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
from torch import Tensor

from saddlegan.data.labels import LabelsOfImages
from saddlegan.data.sets import SetData, numbers_of
from saddlegan.evaluation.evaluate import Conclusion, Evaluate, law_of
from saddlegan.files import write_whole
from saddlegan.folder import SAMPLES


class EvaluateLabels(Evaluate):
    """Errors on `samples` test images, or on all where there are fewer."""

    kind = "labels"
    offers = ("probabilities", "drawn", "labels")

    def __init__(self, data: SetData, **evaluation: Any) -> None:
        super().__init__(**evaluation)
        labels = law_of(data.examples, LabelsOfImages)
        self.samples = min(self.samples, len(labels.test))
        chosen = labels.test[: self.samples]
        images = {name: numbers_of(images[: self.samples])[None] for name, images in labels.test_along.items()}
        self.real = {"x": labels.values(chosen)[None], **images}
        self.labels = chosen[:, 0].long().numpy()

    def fakes(self, module: Any) -> Tensor:
        fake = super().fakes(module)
        self.beside = {"probabilities": module.expected(self.given)[0, :, :, 0].double().numpy()}
        return fake

    def offered(self, fake: Tensor) -> dict[str, Any]:
        return {"drawn": fake[0, :, :, 0].argmax(1).numpy(), "labels": self.labels}

    def show(self, trainer: L.Trainer, module: Any, iteration: int, fake: Tensor) -> None:
        """The numbers say it all."""

    def conclude(self, trainer: L.Trainer, module: Any, fake: Tensor, folder: Path, draw: bool) -> Conclusion:
        """samples.npz: how often each label was said of images of each."""
        counts = np.zeros((self.real["x"].shape[2],) * 2, dtype=np.int64)
        np.add.at(counts, (self.labels, self.beside["probabilities"].argmax(1)), 1)
        with write_whole(folder / SAMPLES) as partial:
            np.savez_compressed(partial, confusion=counts)
        offered = self.offered(fake) | self.beside | self.networks
        return Conclusion({name: [value] for name, value in self.computed("end", offered).items()})
