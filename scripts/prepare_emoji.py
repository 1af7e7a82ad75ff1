"""The drawings of data=emoji, from Noto Color Emoji (Google, SIL Open Font License 1.1), with Unicode's names and
groups.

    apt-get install fonts-noto-color-emoji unicode-data; pip install fonttools
    python scripts/prepare_emoji.py data/emoji/emoji64.npz
    python scripts/prepare_emoji.py --font NotoColorEmoji.ttf --names emoji-test.txt data/emoji/emoji64.npz

Without --font and --names it takes the files of Debian's two packages. Any font of Noto Color Emoji with bitmaps (a
CBDT table) does, with the emoji-test.txt of https://www.unicode.org/Public/emoji/. Kept are fully-qualified emoji of
one code point, without variation selectors: skin tones, families and flags of countries have several.
"""

import argparse
import io
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from saddlegan.files import write_whole

FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
NAMES = Path("/usr/share/unicode/emoji/emoji-test.txt")
SIDE = 64
#: Alpha below which a colour is not divided any further.
LEAST = 1e-6
#: What asks for the coloured form of a character: no part of an emoji.
VARIATION = 0xFE0F
#: `1F600 ; fully-qualified # 😀 E1.0 grinning face`
LINE = re.compile(r"^([0-9A-F ]+?)\s*; fully-qualified\s*# \S+ E[\d.]+ (.+)$")


class Emoji(NamedTuple):
    codepoint: int
    name: str
    group: str
    subgroup: str


def listed(text: str) -> Iterator[Emoji]:
    """The emoji of one code point in an emoji-test.txt, in its order."""
    heads = {"group": "", "subgroup": ""}
    for line in text.splitlines():
        if head := re.match(r"^# (group|subgroup): (.+)$", line):
            heads[head[1]] = head[2].strip()
        elif found := LINE.match(line):
            points = [point for word in found[1].split() if (point := int(word, 16)) != VARIATION]
            if len(points) == 1:
                yield Emoji(points[0], found[2].strip(), **heads)


def square(picture: Image.Image, side: int = SIDE) -> np.ndarray:
    """A drawing padded to a square and resized, `(side, side, 4)`, uint8, with straight alpha. It is resized in
    floating point, with colours times alpha, so that what is transparent has no colour."""
    longest = max(picture.size)
    padded = Image.new("RGBA", (longest, longest))
    padded.paste(picture.convert("RGBA"), tuple((longest - of) // 2 for of in picture.size))  # type: ignore[arg-type]
    values = np.asarray(padded).astype(np.float32) / 255.0
    values[..., :3] *= values[..., 3:]
    channels = (Image.fromarray(np.ascontiguousarray(channel)) for channel in np.moveaxis(values, -1, 0))
    resized = np.stack([channel.resize((side, side), Image.Resampling.LANCZOS) for channel in channels], axis=-1)
    alpha = resized[..., 3:]
    colours = np.where(alpha > 0.0, resized[..., :3] / alpha.clip(LEAST, 1.0), 0.0)
    return (255.0 * np.concatenate([colours, alpha], axis=-1) + 0.5).clip(0.0, 255.0).astype(np.uint8)


def drawings(font: Path) -> dict[int, bytes]:
    """The PNG of each code point that a font has a bitmap of. Raises ValueError for a font without any."""
    from fontTools.ttLib import TTFont

    opened = TTFont(font, lazy=True)
    if "CBDT" not in opened:
        raise ValueError(f"a font of {', '.join(opened.keys())}, without bitmaps")
    strike = opened["CBDT"].strikeData[0]
    return {point: strike[glyph].imageData for point, glyph in (opened.getBestCmap() or {}).items() if glyph in strike}


def arrays_of(font: Path, names: Path) -> dict[str, np.ndarray]:
    """What the file holds: `images` uint8 `(n, 64, 64, 4)`, and of each its `codepoint`, `name`, `group`,
    `subgroup`."""
    pictures = drawings(font)
    kept = [emoji for emoji in listed(names.read_text(encoding="utf-8")) if emoji.codepoint in pictures]
    if not kept:
        raise ValueError(f"no emoji of {names} with a bitmap in {font}")
    images = [square(Image.open(io.BytesIO(pictures[emoji.codepoint]))) for emoji in kept]
    columns = dict(zip(Emoji._fields, map(np.array, zip(*kept, strict=True)), strict=True))
    return {"images": np.stack(images)} | columns


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="where the drawings go, e.g. data/emoji/emoji64.npz")
    parser.add_argument("--font", type=Path, default=FONT, help="Noto Color Emoji with bitmaps, .ttf")
    parser.add_argument("--names", type=Path, default=NAMES, help="Unicode's emoji-test.txt")
    options = parser.parse_args(arguments)
    remedy = "apt-get install fonts-noto-color-emoji unicode-data, or --font FILE --names emoji-test.txt"
    if options.output.suffix != ".npz":
        remedy = f"{options.output.with_suffix('.npz')}"
    try:
        if options.output.suffix != ".npz":
            raise ValueError(f"a name that ends in '{options.output.suffix}', expected .npz")
        arrays = arrays_of(options.font, options.names)
    except ImportError:
        print("prepare_emoji.py: got no fontTools. Remedy: pip install fonttools.", file=sys.stderr)
        return 2
    except Exception as error:  # fontTools has many
        print(f"prepare_emoji.py: got {error}. Remedy: {remedy}.", file=sys.stderr)
        return 2
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with write_whole(options.output) as partial:
        np.savez_compressed(partial, **arrays)  # type: ignore[arg-type]
    print(f"{options.output}: {len(arrays['images'])} drawings in {len(set(arrays['group']))} groups")
    return 0


if __name__ == "__main__":
    sys.exit(main())
