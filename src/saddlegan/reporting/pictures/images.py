"""Pictures of image runs: Figure 2 of the source, training in moments and as an animation, lines, neighbours."""

from collections.abc import Sequence
from pathlib import Path

from saddlegan import figures
from saddlegan.figures import ImagePanel, Progress, square
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.pictures.selection import Picture, Shown, seeds_shown

SIDE_BY_SIDE = "Images from fixed latents at the end of training, none of them picked, beside real test images."
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


def draw_images(experiment: Experiment, shown: Sequence[Shown], stem: Path, which: str) -> list[Picture]:
    """Five pictures of the settings `shown`; none where there is no such setting."""
    if not shown:
        return []
    rows = [Progress(one.setting, one.arrays["through"], one.arrays["iterations"]) for one in shown]
    lines = [ImagePanel(one.setting, one.arrays["interpolation"]) for one in shown]
    pairs = [ImagePanel(one.setting, one.arrays["neighbours"], ("generated", "nearest")) for one in shown]
    pages = [
        ("images", SIDE_BY_SIDE, figures.image_figure(_side_by_side(shown))),
        ("through", THROUGH, figures.progress_figure(rows)),
        ("interpolation", LINES, figures.image_figure(lines, columns=min(len(lines), 2))),
        ("neighbours", NEIGHBOURS, figures.image_figure(pairs, columns=1 if len(pairs) <= 3 else 2)),
    ]
    which = seeds_shown(experiment, shown) + which
    pictures = [
        Picture(figures.save_png(figure, stem.with_name(f"{stem.name}-{name}.png")), caption + which)
        for name, caption, figure in pages
    ]
    animation = figures.save_gif(rows, stem.with_name(f"{stem.name}-through.gif"))
    return [pictures[0], Picture(animation, ANIMATED + which), *pictures[1:]]


def _side_by_side(shown: Sequence[Shown]) -> list[ImagePanel]:
    """A panel per setting, and one of real images for each data set."""
    panels = [ImagePanel(one.setting, square(one.arrays["images"])) for one in shown]
    real = {one.data: one.arrays["real"] for one in reversed(shown)}
    titles = {data: "real images" if len(real) == 1 else f"real images of {data}" for data in real}
    return panels + [ImagePanel(titles[data], square(images)) for data, images in real.items()]
