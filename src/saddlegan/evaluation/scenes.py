"""Evaluation of emoji on flat grounds: whether a caption's ground is the one that a sample has."""

from typing import Any

from torch import Tensor

from saddlegan.data.emoji import EmojiScenes
from saddlegan.evaluation.conditions import CAPTIONS
from saddlegan.evaluation.evaluate import law_of
from saddlegan.evaluation.images import EvaluateImages


class EvaluateScenes(EvaluateImages):
    """What is measured of images, and offers the ground that each sample was asked for, where its networks are given
    captions."""

    offers = ("asked_grounds", "ground_colours", "same_grounds")

    def fakes(self, module: Any) -> Tensor:
        fake = super().fakes(module)
        scenes = law_of(self.images, EmojiScenes)
        if "text" in module.conditions:  # of the test scenes, in their order, as `given` has them
            asked = self.of_each_sample(scenes.test_grounds)
            self.beside |= self.of_grounds(asked) | {"same_grounds": asked[:CAPTIONS]}
        return fake

    def of_grounds(self, asked: Tensor) -> dict[str, Tensor]:
        return {"asked_grounds": asked, "ground_colours": law_of(self.images, EmojiScenes).ground_colours}

    def floors(self) -> dict[str, float]:
        """Of real scenes the ground is that of their captions."""
        scenes = law_of(self.images, EmojiScenes)
        train = {"pictures": scenes.values(scenes.train[: self.samples])}
        offered = train | self.of_grounds(scenes.train_grounds[: self.samples])
        return super().floors() | self.computed("through", offered)
