"""Text as windows of so many characters, from any file."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor
from torch.nn.functional import one_hot

from saddlegan.checks import Above, ConfigError, checked
from saddlegan.data import files
from saddlegan.data.sets import Examples

Windows = UInt8[Tensor, "n length"]

#: What stands for every character that is not in the vocabulary.
UNKNOWN = "\ufffd"
#: Every so many lines one is held out.
HELD_OUT = 10
#: Windows of each part that are needed, for a minibatch and for measuring.
FEWEST = 128


class TextWindows(Examples):
    """Windows of `length` consecutive characters, as one-hot vectors `(characters, length)`. Line ends are characters.

    Args:
        file: text in UTF-8. Every tenth of its lines is held out, to measure samples against.
        length: of a window.
        characters: size of the vocabulary: the most frequent characters of the training part, and one that stands for
            all others.

    Raises `ConfigError` where the file cannot be read, is not UTF-8, is too short for 128 windows of either part, or
    has fewer different characters.
    """

    samples = "text"
    noun = "window"
    discrete = True

    @checked
    def __init__(
        self,
        *,
        file: str,
        length: Annotated[int, Above(4, inclusive=True, most=1024)],
        characters: Annotated[int, Above(2, inclusive=True, most=256)],
    ) -> None:
        path = Path(str(file)).expanduser()
        lines = read(path).splitlines(keepends=True)
        parts = {"train": "", "test": "".join(lines[HELD_OUT - 1 :: HELD_OUT])}
        parts["train"] = "".join(line for number, line in enumerate(lines) if number % HELD_OUT != HELD_OUT - 1)
        for part, text in parts.items():
            if len(text) < length + FEWEST - 1:
                raise ConfigError(
                    f"data.file={file}: got {len(text)} characters in the {part} part, of {len(lines)} lines (every"
                    f" tenth line is held out for test), expected {length + FEWEST - 1} or more, for {FEWEST}"
                    f" windows of data.length={length}. Remedy: a longer file, or one of more lines."
                )
        frequent = Counter(parts["train"]).most_common()
        if len(frequent) < characters - 1:
            raise ConfigError(
                f"data.characters={characters}: got {len(frequent)} different characters in the training part, expected"
                f" {characters - 1} or more. Remedy: data.characters={len(frequent) + 1}."
            )
        self.name, self.length = path.stem, length
        #: The characters by their number; the last one stands for all others.
        self.vocabulary = "".join(sorted(character for character, _ in frequent[: characters - 1])) + UNKNOWN
        self.text = parts["train"]
        self.train, self.test = (self.windows(text) for text in parts.values())

    @classmethod
    def shape_of(cls, data: Mapping[str, Any]) -> tuple[int, ...]:
        return (data["characters"], data["length"])

    def windows(self, text: str) -> Windows:
        """All windows of a text, each by the numbers of its characters; a view, which takes no more than the text."""
        number = {character: k for k, character in enumerate(self.vocabulary)}
        codes = np.fromiter((number.get(character, len(number) - 1) for character in text), np.uint8, len(text))
        return torch.from_numpy(codes).unfold(0, self.length, 1)

    def values(
        self, chosen: Windows, numbers: Float[Tensor, "n length"] | None = None
    ) -> Float[Tensor, "n characters length"]:
        return one_hot(chosen.long(), len(self.vocabulary)).mT.float()

    def texts(self, codes: Int64[Tensor, "n length"] | Windows) -> list[str]:
        """Windows as text."""
        return ["".join(self.vocabulary[code] for code in window) for window in codes.tolist()]


def read(path: Path) -> str:
    """The text of a file. Raises `ConfigError`."""
    files.check_files({"file": str(path)})
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"data.file={path}: got bytes that are not UTF-8 at place {error.start}, expected text in UTF-8. Remedy:"
            f" iconv -f latin1 -t utf-8 {path} > NEW, where it is in Latin-1."
        ) from None
