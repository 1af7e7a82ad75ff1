"""Evaluation of a level of a pyramid: of samples on real coarse images, and of those that are chained."""

from typing import Any

from torch import Tensor

from saddlegan.evaluation.images import EvaluateImages


class EvaluatePyramid(EvaluateImages):
    """What is measured of images, and, where a method chains levels, offers samples of the same latents on the coarse
    images that the level below makes."""

    offers = (
        "features", "real_features", "logits", "channel_logits", "images", "test", "train", "others", "validation",
        "pictures", "real_pictures", "asked", "real_labels", "chained_features", "chained_pictures", "chained_logits",
    )  # fmt: skip

    def fakes(self, module: Any) -> Tensor:
        fake = super().fakes(module)
        if getattr(module, "below", None) is not None:
            seen = self.images.pictures(module({"latent": self.given["latent"]})[0])
            features, logits = self.extractor.see(seen)
            self.beside = {"chained_features": features, "chained_pictures": seen}
            self.beside |= {"chained_logits": logits} if self.classes else {}
        return fake
