"""Captions as vectors: TF-IDF of their words and pairs of words (Salton & Buckley 1988), brought to few numbers by a
truncated singular value decomposition (Deerwester et al. 1990, latent semantic analysis), both of scikit-learn.

They stand in for the trained encoders of papers: no network, no download. Pairs of words tell a red heart on a blue
ground from a blue heart on a red one. The mean square of a vector's numbers is 1, as is the variance of the noise that
augmented captions add: of vectors of length 1 little was left in that noise.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from saddlegan.checks import ConfigError, nearest, shown
from saddlegan.data.files import read_vectors

Array = np.ndarray
#: What counts as a word: letters or digits, two or more, as scikit-learn's own.
WORD = re.compile(r"(?u)\b\w\w+\b")
#: The length of a vector below which it says nothing.
NOTHING = 1e-6


class Encoder(Protocol):
    """Captions of data to float32 vectors `(n, dim)`, of length sqrt(dim), or 0 where it makes nothing of their
    words."""

    def __call__(self, captions: Sequence[str]) -> Array: ...

    def asked(self, caption: str) -> Array:
        """The vector `(1, dim)` of a caption that someone asks for. Raises `ConfigError` where it would be 0."""
        ...


class FittedVectors:
    """Vectors of any captions, fitted on those of a training part. Words that it never saw count nothing.

    Args: captions; dim, the numbers of a vector. Raises `ConfigError` where they have too few different words.
    """

    def __init__(self, captions: Sequence[str], dim: int) -> None:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        kept = sorted(set(captions))
        self.words = sorted({word for caption in kept for word in words_of(caption)})
        self.counts = TfidfVectorizer(ngram_range=(1, 2), token_pattern=WORD.pattern)
        known = self.counts.fit_transform(kept) if self.words else np.zeros((0, 0))
        most = min(known.shape[0], known.shape[1] - 1)
        if dim > most:
            raise ConfigError(
                f"data.text_dim={dim}: got {len(kept)} different captions of {len(self.words)} words, which give at"
                f" most {max(most, 0)} numbers. Remedy: data.text_dim={max(most, 1)} or less, or more captions."
            )
        self.reduced = TruncatedSVD(dim, algorithm="randomized", random_state=0).fit(known)

    def __call__(self, captions: Sequence[str]) -> Array:
        places = {caption: place for place, caption in enumerate(dict.fromkeys(captions))}  # many come more than once
        found = self.reduced.transform(self.counts.transform(list(places)))
        vectors = np.where(np.linalg.norm(found, axis=1, keepdims=True) < NOTHING, np.float32(0), scaled(found))
        return vectors[[places[caption] for caption in captions]]

    def asked(self, caption: str) -> Array:
        vector = self([caption])
        if vector.any():
            return vector
        words = words_of(caption)
        known = [word for word in words if word in self.words]
        hint = next((hint for word in words if (hint := nearest(word, self.words))), "") if not known else ""
        why = (
            f"words that are too rare for {vector.shape[1]} numbers"
            if known
            else "only words that no training caption has"
        )
        got = f"{why} ({', '.join(known or words)})" if words else "no word"
        raise ConfigError(
            f"caption={shown(caption)!r}: got {shown(got, 200)}, expected some of the {len(self.words)} known words,"
            f" such as {', '.join(self.words[:: max(len(self.words) // 5, 1)][:5])}.{hint}"
        )


class OwnVectors:
    """A user's own vectors, from a .npz with `captions` and `vectors`, made to have length sqrt(dim).

    Raises `ConfigError` where the file cannot be used, or its vectors have other than `dim` numbers.
    """

    def __init__(self, file: str, dim: int) -> None:
        captions, vectors = read_vectors(file, dim)
        self.file = Path(file)
        self.vectors = scaled(vectors)
        self.places = {str(caption): place for place, caption in enumerate(captions)}

    def __call__(self, captions: Sequence[str]) -> Array:
        if missing := [caption for caption in dict.fromkeys(captions) if caption not in self.places]:
            raise ConfigError(
                f"data.vectors={self.file}: got no vector for {len(missing)} captions, the first of them"
                f" {shown(missing[0])!r}; expected one for each.{nearest(missing[0], self.places)} Remedy: add them to"
                " `captions` and `vectors`."
            )
        return self.vectors[[self.places[caption] for caption in captions]]

    def asked(self, caption: str) -> Array:
        return self([caption])


def encoder(captions: Sequence[str], dim: int, vectors: str | None) -> Encoder:
    """What turns captions into vectors: fitted on these, or a user's own file."""
    return FittedVectors(captions, dim) if vectors is None else OwnVectors(vectors, dim)


def scaled(vectors: Array) -> Array:
    """Vectors `(n, dim)` at length sqrt(dim), float32; those that are 0 stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (math.sqrt(vectors.shape[1]) * vectors / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def words_of(caption: str) -> list[str]:
    """Its words in small letters."""
    return WORD.findall(caption.lower())
