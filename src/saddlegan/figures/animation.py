"""Training as an animated GIF: settings side by side, the same latents in every frame, the iteration as its title."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import get_data_path
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from saddlegan.figures.images import Progress, square
from saddlegan.figures.tiles import PAPER, enlarged, tile, wrapped
from saddlegan.files import write_whole

MOST_FRAMES = 25
GREYS, COLOURS = 16, 128  # levels of grey, or colours, in the file: more is not seen, and does not compress
MILLISECONDS, AT_THE_END = 250, 3000  # that a frame and the last frame stay
LARGEST = 450_000  # bytes; frames are left out until the file is smaller
MARGIN, SPACE = 12, 28  # pixels
TEXT = 15  # pixels, the height of letters; in a page the file is shown pixel for pixel


def animation_frames(rows: Sequence[Progress], most: int = MOST_FRAMES) -> list[NDArray]:
    """Frames `(y, x)` of uint8, or `(y, x, 3)` where images have colours, at most `most`: the first and the last moment
    and evenly spaced ones between.

    The moments are those of the first setting; another one shows its nearest moment.
    """
    times = rows[0].iterations
    moments = np.unique(np.linspace(0, len(times) - 1, min(most, len(times))).round().astype(int))
    columns = min(len(rows), 3)
    scale = {1: 4, 2: 3, 3: 2}[columns]
    tiles = [
        [
            tile(enlarged(square(row.through[abs(row.iterations - times[moment]).argmin()]), scale), scale)
            for row in rows
        ]
        for moment in moments
    ]
    font = ImageFont.truetype(str(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), TEXT)
    line, side = round(1.4 * TEXT), max(array.shape[1] for array in tiles[0])
    titles = [wrapped(row.title, round(side / (0.6 * TEXT))) for row in rows]
    head = max(map(len, titles)) * line + 4
    below = [line + SPACE + (at // columns) * (head + side + SPACE) for at in range(len(rows))]
    size = (columns * (side + SPACE) - SPACE + 2 * MARGIN, below[-1] + head + side + 2 * MARGIN)
    frames = []
    for moment, arrays in zip(moments, tiles, strict=True):
        colours = any(array.ndim == 3 for array in arrays)
        sheet = Image.new("RGB" if colours else "L", size, (PAPER,) * 3 if colours else PAPER)
        draw = ImageDraw.Draw(sheet)
        draw.text((MARGIN, MARGIN), f"iteration {int(times[moment])}", fill="#212121", font=font)
        bar, end = MARGIN + line + 4, size[0] - MARGIN - 1
        draw.rectangle((MARGIN, bar, end, bar + 3), fill="#dddddd")
        draw.rectangle(
            (MARGIN, bar, MARGIN + (end - MARGIN) * times[moment] / max(times[-1], 1), bar + 3), fill="#666666"
        )
        for at, (array, title) in enumerate(zip(arrays, titles, strict=True)):
            x, y = MARGIN + (at % columns) * (side + SPACE), MARGIN + below[at]
            draw.multiline_text(
                (x, y + head - 4 - len(title) * line), "\n".join(title), fill="#212121", font=font, spacing=4
            )
            sheet.paste(Image.fromarray(array), (x, y + head))
        frames.append(np.asarray(sheet))
    return frames


def save_gif(rows: Sequence[Progress], path: Path, largest: int = LARGEST) -> Path:
    """Write the animation to `path`, whole or not at all, with as many frames as fit into `largest` bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    most = MOST_FRAMES
    with write_whole(path) as partial:
        while True:
            frames = [_indexed(frame) for frame in animation_frames(rows, most)]
            stay = [MILLISECONDS] * (len(frames) - 1) + [AT_THE_END]
            more = {"save_all": True, "append_images": frames[1:], "duration": stay, "loop": 0, "optimize": True}
            frames[0].save(partial, "GIF", **more)
            if partial.stat().st_size <= largest or most <= 2:
                return path
            most = max(2, int(most * 0.9 * largest / partial.stat().st_size))


def _indexed(frame: NDArray) -> Image.Image:
    """A frame with a palette: of `GREYS` greys, or of its own `COLOURS`."""
    if frame.ndim == 3:
        return Image.fromarray(frame).quantize(COLOURS, dither=Image.Dither.NONE)
    image = Image.fromarray((frame.astype(int) * (GREYS - 1) / 255).round().astype(np.uint8), "P")
    image.putpalette([round(level * 255 / (GREYS - 1)) for level in range(GREYS) for _ in range(3)])
    return image
