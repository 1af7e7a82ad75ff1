"""Evaluation of images: in the features of the fixed extractor, against test images, beside real data's own values."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from saddlegan.batch import Batch
from saddlegan.checks import ConfigError
from saddlegan.data.files import FEWEST
from saddlegan.data.images import Images, unit
from saddlegan.data.sets import SetData, numbers_of
from saddlegan.evaluation import board, conditions, sheets
from saddlegan.evaluation.evaluate import Conclusion, Evaluate, law_of
from saddlegan.extractor import Extractor
from saddlegan.figures import save_png
from saddlegan.figures.images import ImagePanel, image_figure, square
from saddlegan.files import write_whole
from saddlegan.folder import SAMPLES
from saddlegan.metrics.conditional import class_accuracy
from saddlegan.metrics.neighbours import SEARCHED, distances, nearest

SHOWN, FOLLOWED, FRAMES = 64, 16, 25  # images at the end, images through training, and moments of it that are kept
LINES, STEPS, NEIGHBOURS = 6, 10, 10  # of the interpolation; images whose nearest neighbours are shown
FLOORS: dict[tuple, dict[str, float]] = {}  # what real images reach, once it is known


class EvaluateImages(Evaluate):
    """Fréchet distance and its like, on `samples` images against all test images; at the end the costlier metrics too.

    `extractor` is a file of other weights than the shipped ones; what classes say is measured where the extractor was
    trained on these classes. Images may be grey or in colour, of any size: see `Extractor.see`.
    """

    kind = "images"
    offers = (
        "features",
        "real_features",
        "logits",
        "channel_logits",
        "images",
        "test",
        "train",
        "others",
        "validation",
        "pictures",
        "real_pictures",
        "asked",
        "real_labels",
        "same_caption",
        "enlarged_pictures",
        "enlarged_features",
    )

    def __init__(self, data: SetData, *, extractor: str | None, **evaluation: Any) -> None:
        super().__init__(**evaluation)
        self.images = images = law_of(data.examples, Images)
        self.extractor = Extractor(extractor)
        self.classes, self.channels = (
            known == self.extractor.dataset for known in (images.classes, images.channel_classes)
        )
        self.test = unit(images.test)
        self.real = {"x": images.values(images.test[:SEARCHED])[None]}
        if images.test_labels is not None:
            self.real["label"] = images.test_labels[None]
        self.real |= {name: numbers_of(values)[None] for name, values in images.test_along.items()}
        self.frames: list[tuple[int, Tensor]] = []
        #: Of a conditional generator: of some latents every class, at the same times.
        self.class_frames: list[Tensor] = []

    def state_dict(self) -> dict[str, Any]:
        kept = {"class_frames": self.class_frames} if self.class_frames else {}
        return super().state_dict() | {"frames": self.frames, "extractor": self.extractor.sha256} | kept

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        if state_dict["extractor"] != self.extractor.sha256:
            raise ConfigError(
                f"evaluation.extractor: got weights with SHA-256 {self.extractor.sha256}, expected those that the run"
                f" began with, {state_dict['extractor']}. Remedy: put them back, or existing=repeat."
            )
        self.frames = [(iteration, frame) for iteration, frame in state_dict["frames"]]
        self.class_frames = list(state_dict.get("class_frames", []))

    def evaluate(self, module: Any) -> Tensor:
        self.extractor.to(module.device)
        fake = super().evaluate(module)
        self.frames.append((int(module.iteration), self.shown(fake[0, :FOLLOWED])))
        if conditions.classes_of(module):
            self.class_frames.append(self.of_each_class(module, conditions.FOLLOWED))
        return fake

    # Metrics ---------------------------------------------------------------------------------------------------------

    def fakes(self, module: Any) -> Tensor:
        """Of a generator that is given captions also several samples of the same ones; of a second stage also what the
        first one made, enlarged."""
        fake, self.beside = super().fakes(module), {}
        if "text" in module.conditions and any("same_caption" in metric.asks for metric in self.metrics):
            asked = conditions.of_captions(self.given, conditions.CAPTIONS, conditions.LATENTS)
            made = self.images.pictures(module(asked)[0])
            self.beside["same_caption"] = made.unflatten(0, (conditions.CAPTIONS, -1))
        if (coarse := self.first_stage(module, self.given)) is not None:
            self.beside |= {"enlarged_pictures": coarse, "enlarged_features": self.extractor.see(coarse)[0]}
        return fake

    def first_stage(self, module: Any, given: Batch) -> Tensor | None:
        """Images of the first stage, enlarged to the size of the second one's; None where there are no two stages."""
        coarse = module.coarse(given) if hasattr(module, "coarse") else None
        return None if coarse is None else interpolate(coarse[0], list(self.images.shape[1:]), mode="bilinear")

    def offered(self, fake: Tensor) -> dict[str, Any]:
        """Features; logits of classes, or of those of the channels, where the extractor knows them."""
        seen = self.images.pictures(fake[0])
        features, logits = self.extractor.see(seen)
        found = {"features": features, "real_features": self.features, "pictures": seen, "real_pictures": self.test}
        if self.channels:
            found["channel_logits"] = torch.stack([self.extractor.see(x)[1] for x in seen.split(1, dim=1)], dim=1)
        if (asked := self.asked()) is not None:
            found |= {"asked": asked, "real_labels": self.images.test_labels}
        return found | ({"logits": logits} if self.classes else {})

    def asked(self) -> Tensor | None:
        """The class that each sample was asked for, by its label, or as that of the image whose caption it was given;
        None of samples that were asked for neither, or by captions of images without labels."""
        if self.images.test_labels is None or not {"label", "text"} & self.given.keys():
            return None
        return self.of_each_sample(self.images.test_labels)

    def offered_at_the_end(self, fake: Tensor) -> dict[str, Any]:
        """Also the images themselves, flat, and real ones."""
        seen = self.images.pictures(fake[0])
        found = self.offered(fake) | {"images": seen.flatten(1), "test": self.test.flatten(1)}
        if self.images.validation is not None:
            found["validation"] = unit(self.images.validation).flatten(1)
        return found

    @cached_property
    def features(self) -> Tensor:
        """Of the test images."""
        return self.extractor.see(self.test)[0]

    def floors(self) -> dict[str, float]:
        """The same metrics of real training images, without those that ask for these: the best that can be hoped for.
        The class accuracy is that of test images, since the judge was trained on the others. Once per process and data
        set."""
        names = tuple(name for metric in self.metrics for name in metric.names)
        train = self.images.train[: self.samples]
        pixels_of = hashlib.sha256(train.numpy().tobytes() + self.images.test.numpy().tobytes()).digest()
        key = (pixels_of, self.extractor.sha256, names, self.asked() is not None)
        if key not in FLOORS:
            offered = self.offered_at_the_end(self.images.values(train)[None])
            others = self.images.train[self.samples :]
            offered |= {"others": unit(others).flatten(1)} if len(others) >= FEWEST else {}
            if "asked" in offered:
                offered["asked"] = self.images.train_labels[: self.samples]  # type: ignore[index]
            values = self.computed("through", offered) | self.computed("end", offered)
            if "class_accuracy" in values and (labels := self.images.test_labels) is not None:
                values["class_accuracy"] = class_accuracy(self.extractor.see(self.test)[1], labels)
            FLOORS[key] = {name: float(f"{value:.7g}") for name, value in values.items()}
        return FLOORS[key]

    # Pictures and the end --------------------------------------------------------------------------------------------

    def show(self, trainer: L.Trainer, module: Any, iteration: int, fake: Tensor) -> None:
        """The same latents at every time: the slider in TensorBoard is the animation."""
        sheet = image_figure([ImagePanel(f"iteration {iteration}", square(self.shown(fake[0, :SHOWN]).numpy()))])
        board.log_figure(trainer, "samples", sheet, iteration)
        if self.class_frames:
            sheet = image_figure(
                [ImagePanel(f"iteration {iteration}: a class a column", self.class_frames[-1].numpy())]
            )
            board.log_figure(trainer, "classes", sheet, iteration)

    def conclude(self, trainer: L.Trainer, module: Any, fake: Tensor, folder: Path, draw: bool) -> Conclusion:
        self.extractor.to(module.device)
        train = unit(self.images.train).flatten(1)
        final = self.computed("end", self.offered_at_the_end(fake) | self.networks | {"train": train, "others": train})
        arrays = self.pictures(module, fake, train)
        with write_whole(folder / SAMPLES) as partial:
            np.savez_compressed(partial, **arrays)  # type: ignore[arg-type]
        if draw:
            self.draw(trainer, arrays, folder)
        entries = {
            "floors": self.floors(),
            "extractor": {name: getattr(self.extractor, name) for name in ("sha256", "dataset", "accuracy")},
            "weights": {player: digest(getattr(module, player)) for player in module.players},
            "scales": self.scales(),
        }
        return Conclusion({name: [value] for name, value in final.items()}, entries)

    def pictures(self, module: Any, fake: Tensor, train: Tensor) -> dict[str, np.ndarray]:
        """What samples.npz holds; `train` are the training images, flat."""
        kept = np.unique(np.linspace(0, len(self.frames) - 1, FRAMES).round().astype(int))
        between = module(self.lines_between()).unflatten(1, (LINES, STEPS))
        searched = self.images.pictures(fake[0, :NEIGHBOURS])
        _, index = nearest(searched.flatten(1), train)
        arrays = {
            "images": self.shown(fake[0, :SHOWN]),
            "real": channels_last(self.images.test[:SHOWN]),
            "through": torch.stack([self.frames[k][1] for k in kept]),
            "interpolation": self.shown(between[0]),
            "neighbours": torch.stack([pixels(searched), channels_last(self.images.train[index])]),
        }
        if self.class_frames:
            arrays |= self.pictures_of_classes(module, kept)
        if "text" in module.conditions and hasattr(self.images, "test_captions"):
            arrays |= self.pictures_of_captions(module)
        moments = {"iterations": np.array([self.frames[k][0] for k in kept])}
        return {name: np.asarray(array) for name, array in arrays.items()} | moments

    def pictures_of_classes(self, module: Any, kept: np.ndarray) -> dict[str, Any]:
        """Of some latents every class, of one of them through training, and what lies between two classes."""
        through = torch.stack([self.class_frames[k][0] for k in kept])
        found: dict[str, Any] = {"classes": self.of_each_class(module, conditions.ROWS), "classes_through": through}
        if names := self.images.class_names:
            found["class_names"] = np.array(names[: conditions.classes_of(module)])
        if getattr(module.generator, "soft_labels", False):
            made = self.shown(module(conditions.between_classes(self.given, module.sizes["label"]))[0])
            found["between_classes"] = made.unflatten(0, (-1, conditions.STEPS))
        return found

    def pictures_of_captions(self, module: Any) -> dict[str, Any]:
        """Images of test captions, a stage a row, the last row after the real image."""
        count = conditions.SHOWN_CAPTIONS
        asked = conditions.of_captions(self.given, count, conditions.SHOWN_LATENTS)
        stages = [self.first_stage(module, asked), self.images.pictures(module(asked)[0])]
        made = pixels(torch.stack([stage.unflatten(0, (count, -1)) for stage in stages if stage is not None], dim=1))
        real = torch.full_like(made[:, :, :1], 255)
        real[:, -1, 0] = channels_last(self.images.test[:count])
        captions = np.array(self.images.test_captions[:count])  # type: ignore[attr-defined]
        return {"captioned": torch.cat([real, made], dim=2), "captions": captions}

    def of_each_class(self, module: Any, rows: int) -> Tensor:
        """Pixels of `rows` latents, every class of each: `(rows, classes, height, width)`."""
        asked = conditions.of_each_class(self.given, rows, conditions.classes_of(module))
        return self.shown(module(asked)[0]).unflatten(0, (rows, -1))

    def shown(self, samples: Tensor) -> Tensor:
        """Samples as `pixels`."""
        return pixels(self.images.pictures(samples))

    def lines_between(self) -> dict[str, Tensor]:
        """What points on lines between two latents are made of: labels and the like are those of a line's beginning."""
        starts = {name: x[:, SHOWN : SHOWN + LINES].repeat_interleave(STEPS, dim=1) for name, x in self.given.items()}
        ends = self.given["latent"][:, SHOWN + LINES : SHOWN + 2 * LINES].repeat_interleave(STEPS, dim=1)
        weight = torch.linspace(0, 1, STEPS).repeat(LINES)[:, None]
        return starts | {"latent": (1 - weight) * starts["latent"] + weight * ends}

    def draw(self, trainer: L.Trainer, arrays: dict[str, np.ndarray], folder: Path) -> None:
        """figures/*.png, and the same in TensorBoard."""
        for name, panels in sheets.of(arrays).items():
            figure = image_figure(panels)
            save_png(figure, folder / "figures" / f"{name}.png")
            board.log_figure(trainer, f"end/{name}", figure, self.history[-1][0])

    def scales(self) -> dict[str, Any]:
        """The distances that real images have from each other, among which a kernel's sigma must lie."""
        found = {}
        for space, points in {"pixels": self.test.flatten(1), "features": self.features}.items():
            median, near = distances(points[:SEARCHED])
            found |= {f"median_distance_{space}": round(median, 4), f"nearest_distance_{space}": round(near, 4)}
        return found


def pixels(images: Tensor) -> Tensor:
    """Images `(*n, channels, height, width)` in [0, 1] as uint8 `(*n, height, width)`, with colours as a last axis."""
    return channels_last((images.nan_to_num() * 255.0).round().clamp(0, 255).to(torch.uint8).cpu())


def channels_last(images: Tensor) -> Tensor:
    """`(*n, channels, height, width)` as `(*n, height, width, channels)`; of grey images without the last axis."""
    return images[..., 0, :, :] if images.shape[-3] == 1 else images.movedim(-3, -1)


def digest(network: nn.Module) -> str:
    """SHA-256 of the parameters' bytes."""
    parameters = (parameter.detach().cpu().numpy().tobytes() for parameter in network.parameters())
    return hashlib.sha256(b"".join(parameters)).hexdigest()
