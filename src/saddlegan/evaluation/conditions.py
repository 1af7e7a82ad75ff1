"""What a conditional generator is asked for so that one can see it: every class of the same latents, points between two
classes, and captions with several latents each."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from saddlegan.batch import Batch

#: Latents of a sheet at the end, and through training; classes that are shown, lines between two of them, their steps.
ROWS, FOLLOWED, MOST, LINES, STEPS = 8, 3, 16, 6, 10
#: Captions that are measured, latents of each; and how many of either are shown.
CAPTIONS, LATENTS, SHOWN_CAPTIONS, SHOWN_LATENTS = 16, 16, 8, 6


def classes_of(module: Any) -> int:
    """How many classes of its label a module's samples are shown of; 0 where it is given none."""
    return min(module.sizes["label"], MOST) if "label" in module.conditions else 0


def of_each_class(given: Batch, rows: int, classes: int) -> dict[str, Tensor]:
    """The first `rows` latents and the like, each with one class after the other: `(seeds, rows * classes)`."""
    asked = {name: x[:, :rows].repeat_interleave(classes, dim=1) for name, x in given.items()}
    return asked | {"label": torch.arange(classes).repeat(rows).expand(len(given["latent"]), -1)}


def between_classes(given: Batch, classes: int) -> dict[str, Tensor]:
    """A latent for each line, along which the label goes from a class to the next one in equal steps, as shares of the
    `classes`: `(seeds, lines * steps)`."""
    lines = max(min(classes // 2, LINES), 1)
    asked = {name: x[:, :lines].repeat_interleave(STEPS, dim=1) for name, x in given.items()}
    starts = 2 * torch.arange(lines) % classes
    start, end = (
        one_hot(label, classes).float().repeat_interleave(STEPS, 0) for label in (starts, (starts + 1) % classes)
    )
    weight = torch.linspace(0, 1, STEPS).repeat(lines)[:, None]
    label = (1 - weight) * start + weight * end
    return asked | {"label": label.expand(len(given["latent"]), -1, -1)}


def of_captions(given: Batch, captions: int, latents: int) -> dict[str, Tensor]:
    """The first `captions` of a batch, each with the same `latents` latents: `(seeds, captions * latents)`."""
    asked = {name: x[:, :latents].repeat(1, captions, *([1] * (x.ndim - 2))) for name, x in given.items()}
    return asked | {"text": given["text"][:, :captions].repeat_interleave(latents, dim=1)}
