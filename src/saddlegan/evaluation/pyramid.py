"""Evaluation of a level of a pyramid: of samples on real coarse images, and of those that are chained."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from saddlegan.data.images import unit
from saddlegan.evaluation.images import EvaluateImages

#: Samples that are shown level by level.
CHAINS = 8


class EvaluatePyramid(EvaluateImages):
    """What is measured of images, and, where a method chains levels, offers samples of the same latents on the coarse
    images that the level below makes."""

    offers = ("chained_features", "chained_pictures", "chained_logits")

    def fakes(self, module: Any) -> Tensor:
        fake = super().fakes(module)
        if getattr(module, "below", None) is not None:
            seen = self.images.pictures(module({"latent": self.given["latent"]})[0])
            features, logits = self.extractor.see(seen)
            self.beside |= {"chained_features": features, "chained_pictures": seen}
            self.beside |= {"chained_logits": logits} if self.classes else {}
        return fake

    def floors(self) -> dict[str, float]:
        """Also of real coarse images, of the training part, what is measured of images that are enlarged: what can be
        had without a network."""
        if "coarse" not in self.images.train_along:
            return super().floors()
        coarse = unit(self.images.train_along["coarse"][: self.samples])
        enlarged = {"enlarged_pictures": coarse, "enlarged_features": self.extractor.see(coarse)[0]}
        real = {"real_pictures": self.test, "real_features": self.features}
        return super().floors() | self.computed("through", enlarged | real)

    def pictures(self, module: Any, fake: Tensor, train: Tensor) -> dict[str, np.ndarray]:
        """Also `levels`: some samples on all levels of the chain, the coarsest first, each enlarged to this one."""
        arrays = super().pictures(module, fake, train)
        if getattr(module, "below", None) is not None:
            made = [
                interpolate(level, self.images.shape[1]) for level in module.chain(self.given["latent"][:, :CHAINS])
            ]
            arrays["levels"] = np.asarray(self.shown(torch.stack(made, dim=1)))
        return arrays
