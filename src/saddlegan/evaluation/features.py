"""Evaluation of images, and of what the discriminator has learned of them: its features, at the end."""

import copy
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from saddlegan.checks import ConfigError
from saddlegan.data.sets import SetData
from saddlegan.evaluation.evaluate import Conclusion
from saddlegan.evaluation.images import EvaluateImages
from saddlegan.metrics.svm import kmeans_features, pooled
from saddlegan.random import stream

#: Training images to learn from, those that choose C, and test images; a smaller set gives a fifth of it for C.
LEARNED, CHOOSING, TESTED, BATCH = 6000, 1000, 2000, 128


class EvaluateFeatures(EvaluateImages):
    """What is measured of samples, and at the end what a linear classifier makes of the discriminator's activations.

    The weights that the discriminator began with are kept in the checkpoint, to be measured beside those at the end.
    The statistics of batch normalisation are computed anew over the training images that are learned from, for both:
    training leaves those of real and of generated images mixed.
    """

    represents = True
    offers = ("representations", "represented")

    def __init__(self, data: SetData, *, extractor: str | None, **evaluation: Any) -> None:
        super().__init__(data, extractor=extractor, **evaluation)
        self.initial: dict[str, Tensor] = {}
        if self.images.train_labels is None or self.images.test_labels is None:
            raise ConfigError(
                f"evaluation: got images of {self.images.name}, which have no labels, expected some, from which a"
                " classifier learns. Remedy: evaluation=images, or data=mnist."
            )

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"initial": self.initial}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.initial = dict(state_dict["initial"])

    def on_train_start(self, trainer: L.Trainer, module: Any) -> None:
        if not self.history:
            self.initial = {name: value.clone() for name, value in module.discriminator.state_dict().items()}
        super().on_train_start(trainer, module)

    def conclude(self, trainer: L.Trainer, module: Any, fake: Tensor, folder: Path, draw: bool) -> Conclusion:
        found = super().conclude(trainer, module, fake, folder, draw)
        values = self.computed("end", self.represented(module))
        return Conclusion(found.final | {name: [value] for name, value in values.items()}, found.entries)

    def represented(self, module: Any) -> dict[str, Any]:
        """Images to learn from and to choose C by, others for each seed, those to test, and their labels, in four
        representations."""
        train, test = self.images.train, self.images.test[:TESTED]
        choosing = min(CHOOSING, len(train) // 5)
        learned = min(LEARNED, len(train) - choosing)
        assert self.images.train_labels is not None
        assert self.images.test_labels is not None
        order = torch.from_numpy(stream(self.seeds[0], "evaluation/features").permutation(len(train)))
        rows = {"train": order[:learned], "validation": order[learned : learned + choosing]}
        images = {part: self.images.values(train[of]) for part, of in rows.items()} | {"test": self.images.values(test)}
        labels = {part: self.images.train_labels[of] for part, of in rows.items()}
        initial = copy.deepcopy(module.discriminator)
        initial.load_state_dict(self.initial)
        networks = {"learned": copy.deepcopy(module.discriminator), "initial": initial}
        found = {name: activations_of(network, images, module) for name, network in networks.items()}
        found["pixels"] = {part: of.flatten(1) for part, of in images.items()}
        found["kmeans"] = kmeans_features(images)
        return {
            "representations": found,
            "represented": labels | {"test": self.images.test_labels[: len(test)]},
        }


@torch.no_grad()
def activations_of(player: nn.Module, images: dict[str, Tensor], module: Any) -> dict[str, Tensor]:
    """The pooled activations of a discriminator of single images, which is changed: its batch normalisation takes the
    mean of the statistics of batches of the images of `train`."""
    network: Any = player.network
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean over all batches
    with torch.compiler.set_stance("force_eager"):
        network.train()
        for batch in images["train"].split(BATCH) if layers else ():
            if len(batch) == min(BATCH, len(images["train"])):
                network.activations(module.place(batch))
        network.eval()
        return {
            part: torch.cat([pooled(network.activations(module.place(batch))).float().cpu() for batch in of.split(500)])
            for part, of in images.items()
        }
