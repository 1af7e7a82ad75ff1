"""Evaluation of images of discrete values: of samples, and of their expectations."""

from typing import Any

from torch import Tensor

from saddlegan.evaluation.images import EvaluateImages


class EvaluateDiscreteImages(EvaluateImages):
    """What is measured of samples, and offers the features of the expectations too, of the same latents."""

    offers = ("expected_features", "expected_logits")

    def fakes(self, module: Any) -> Tensor:
        fake = super().fakes(module)
        expected = self.images.pictures(module.expected(self.given)[0])
        features, logits = self.extractor.see(expected)
        self.beside |= {"expected_features": features} | ({"expected_logits": logits} if self.classes else {})
        return fake
