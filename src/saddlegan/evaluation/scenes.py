"""Evaluation of emoji on flat grounds: whether a caption's ground is the one that a sample has."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from saddlegan.data.emoji import EmojiScenes
from saddlegan.evaluation.evaluate import law_of
from saddlegan.evaluation.images import EvaluateImages


class EvaluateScenes(EvaluateImages):
    """What is measured of images, and offers the ground that each sample was asked for, where its networks are given
    captions; and what a first stage made, where the generator gives it as `coarse`, enlarged."""

    offers = (
        "features", "real_features", "logits", "channel_logits", "images", "test", "train", "others", "validation",
        "pictures", "real_pictures", "asked", "real_labels", "asked_grounds", "ground_colours", "enlarged_pictures",
    )  # fmt: skip

    def fakes(self, module: Any) -> Tensor:
        fake = super().fakes(module)
        scenes, count = law_of(self.images, EmojiScenes), self.real["x"].shape[1]
        if "text" in module.conditions:  # of the test scenes, in their order, as `given` has them
            asked = scenes.test_grounds[torch.arange(self.samples) % count]
            self.beside = self.of_grounds(asked)
        coarse = module.coarse(self.given) if hasattr(module, "coarse") else None
        if coarse is not None:
            enlarged = interpolate(coarse[0], list(self.images.shape[1:]), mode="bilinear")
            self.beside |= {"enlarged_pictures": enlarged}
        return fake

    def of_grounds(self, asked: Tensor) -> dict[str, Tensor]:
        return {"asked_grounds": asked, "ground_colours": law_of(self.images, EmojiScenes).ground_colours}

    def floors(self) -> dict[str, float]:
        """Of real scenes the ground is that of their captions."""
        scenes = law_of(self.images, EmojiScenes)
        train = {"pictures": scenes.values(scenes.train[: self.samples])}
        offered = train | self.of_grounds(scenes.train_grounds[: self.samples])
        return super().floors() | self.computed("through", offered)
