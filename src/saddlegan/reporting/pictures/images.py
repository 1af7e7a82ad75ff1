"""Pictures of image runs: Figure 2 of the source, training in moments and as an animation, lines, neighbours."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from saddlegan import figures
from saddlegan.figures import ImagePanel, Progress, class_panel, square
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.pictures.selection import Picture, Shown, seeds_shown

SIDE_BY_SIDE = "Images from fixed latents at the end of training, none of them picked, beside real test images."
GIVEN = " What else a generator is given, a label, a caption or a coarse image, is that of these, one by one."
ANIMATED = "The same latents through training, animated."
THROUGH = "The same latents at moments of training, one setting below the other; the numbers are iterations."
LINES = (
    "Straight lines between two latents, one a row: a continuum of images where the generator has learned one, sudden "
    "changes where it has learned single images."
)
NEIGHBOURS = (
    "Above, generated images; below each, the training image nearest to it: a pair that is equal is an image learned "
    "by heart."
)
CLASSES = "One latent a row, one class a column: each column should be its class, and no two of its images the same."
CLASSES_THROUGH = "Every class of one latent at moments of training, whose iterations stand before the rows."
BETWEEN = (
    "From a class to the next one at a fixed latent, one pair a row: the generator is given shares of both, which it "
    "never saw in training."
)
CAPTIONED = (
    "What captions of test images gave: after the real image, samples of its caption, one latent a column; of two "
    "stages the first one's, enlarged, stand above."
)
LEVELS = "A sample a row, from its coarsest level to its finest: each level adds what is missing in the one before."
MOMENTS = 6  # rows of `CLASSES_THROUGH`


def draw_images(experiment: Experiment, shown: Sequence[Shown], stem: Path, which: str) -> list[Picture]:
    """Five pictures of the settings `shown`, and those of classes, levels and captions where they have any; none where
    there is no such setting."""
    if not shown:
        return []
    rows = [Progress(one.setting, one.arrays["through"], one.arrays["iterations"]) for one in shown]
    lines = [ImagePanel(one.setting, one.arrays["interpolation"]) for one in shown]
    pairs = [ImagePanel(one.setting, one.arrays["neighbours"], ("generated", "nearest")) for one in shown]
    given = GIVEN if any({"classes", "captioned", "levels"} & one.arrays.keys() for one in shown) else ""
    pages = [
        ("images", SIDE_BY_SIDE + given, figures.image_figure(_side_by_side(shown))),
        ("through", THROUGH, figures.progress_figure(rows)),
        ("interpolation", LINES, figures.image_figure(lines, columns=min(len(lines), 2))),
        ("neighbours", NEIGHBOURS, figures.image_figure(pairs, columns=1 if len(pairs) <= 3 else 2)),
    ]
    pages += [(name, caption, figures.image_figure(panels)) for name, caption, panels in _of_classes(shown) if panels]
    pages += _of_captions(shown)
    which = seeds_shown(experiment, shown) + which
    pictures = [
        Picture(figures.save_png(figure, stem.with_name(f"{stem.name}-{name}.png")), caption + which)
        for name, caption, figure in pages
    ]
    animation = figures.save_gif(rows, stem.with_name(f"{stem.name}-through.gif"))
    return [pictures[0], Picture(animation, ANIMATED + which), *pictures[1:]]


def _side_by_side(shown: Sequence[Shown]) -> list[ImagePanel]:
    """A panel per setting, and one of real images for each data set and size."""
    panels = [ImagePanel(one.setting, square(one.arrays["images"])) for one in shown]
    real = {(one.data, one.arrays["real"].shape[1]): one.arrays["real"] for one in reversed(shown)}
    several, sizes = len({data for data, _ in real}) > 1, len({side for _, side in real}) > 1
    for (data, side), images in real.items():
        title = "real images" + f" of {data}" * several + f", {side} x {side}" * sizes
        panels.append(ImagePanel(title, square(images)))
    return panels


def _of_classes(shown: Sequence[Shown]) -> list[tuple[str, str, list[ImagePanel]]]:
    """Pages of the settings whose generator was asked for classes: name, caption, panels."""
    sheets = [
        class_panel(one.setting, one.arrays["classes"], one.arrays.get("class_names", ()))
        for one in shown
        if "classes" in one.arrays
    ]
    lines = [ImagePanel(one.setting, one.arrays["between_classes"]) for one in shown if "between_classes" in one.arrays]
    through = [_classes_through(one) for one in shown if "classes_through" in one.arrays]
    return [
        ("classes", CLASSES, sheets),
        ("classes-through", CLASSES_THROUGH, through),
        ("between-classes", BETWEEN, lines),
        ("levels", LEVELS, [ImagePanel(one.setting, one.arrays["levels"]) for one in shown if "levels" in one.arrays]),
    ]


def _of_captions(shown: Sequence[Shown]) -> list[tuple[str, str, Figure]]:
    """A page for each setting whose generator was asked for captions: name, caption, figure."""
    asked = [one for one in shown if "captioned" in one.arrays]
    return [
        (
            f"captions-{place}",
            f"{one.setting}: {CAPTIONED}",
            figures.image_figure(figures.caption_panels(one.arrays["captions"], one.arrays["captioned"]), columns=2),
        )
        for place, one in enumerate(asked, start=1)
    ]


def _classes_through(one: Shown) -> ImagePanel:
    """Every class, a row for each of at most `MOMENTS` moments, the first and the last among them."""
    frames, iterations = one.arrays["classes_through"], one.arrays["iterations"]
    chosen = np.unique(np.linspace(0, len(frames) - 1, MOMENTS).round().astype(int))
    return ImagePanel(one.setting, frames[chosen], [f"{at:g}" for at in iterations[chosen]])
