"""How near generated text is to real text: n-grams, words, entropy, copies. Windows are rows of numbers of characters,
or the same as strings."""

import math
import re
from collections.abc import Collection, Sequence

import numpy as np
from jaxtyping import Float, Integer
from scipy.special import entr

from saddlegan.metrics.facts import metric

Windows = Integer[np.ndarray, "n length"]
HeldOut = Integer[np.ndarray, "held_out length"]

WORD = re.compile(r"[^\W\d_]+")


@metric(
    gives={
        "ngram_js_1": {"name": "JS of characters", "most": 0.6931471805599453},
        "ngram_js_2": {"name": "JS of 2-grams", "most": 0.6931471805599453},
        "ngram_js_3": {"name": "JS of 3-grams", "most": 0.6931471805599453},
        "ngram_js_4": {"name": "JS of 4-grams", "most": 0.6931471805599453},
    }
)
def ngram_js(codes: Windows, real_codes: HeldOut, characters: int) -> tuple[float, float, float, float]:
    """The Jensen-Shannon divergence of the n-grams of characters of windows from those of real ones, in nats, for n = 1
    to 4: from 0 to log 2, lower is better. Few windows make it larger: compare at equal numbers of them."""
    return tuple(
        jensen_shannon(*(grams(windows, n, characters) for windows in (codes, real_codes))) for n in range(1, 5)
    )  # type: ignore[return-value]


def grams(windows: Windows, n: int, characters: int) -> Integer[np.ndarray, "grams"]:
    """Each n-gram as a number, in base `characters`."""
    length = windows.shape[1] - n + 1
    places = (windows[:, k : k + length].astype(np.int64) * characters**k for k in range(n))
    return sum(places, np.zeros((len(windows), length), np.int64)).ravel()


def jensen_shannon(one: Integer[np.ndarray, "n"], other: Integer[np.ndarray, "m"]) -> float:
    """The Jensen-Shannon divergence, in nats, of how often numbers occur in two lists."""
    every, index = np.unique(np.concatenate([one, other]), return_inverse=True)
    p, q = (np.bincount(part, minlength=len(every)) / len(part) for part in np.split(index, [len(one)]))
    return max(float(entr((p + q) / 2).sum() - (entr(p).sum() + entr(q).sum()) / 2), 0.0)


@metric("share of words that occur in training", better="higher", most=1.0)
def known_words(texts: Sequence[str], words: Collection[str]) -> float:
    """The share of words, in lower case, that are in the training part, among those that stand whole in a window: no
    part of them can lie outside of it. NaN where none does."""
    found = [match.group().lower() for text in texts for match in WORD.finditer(text) if _inside(match, text)]
    return sum(word in words for word in found) / len(found) if found else math.nan


def _inside(match: re.Match[str], text: str) -> bool:
    return match.start() > 0 and match.end() < len(text)


@metric("entropy of a character", better="none")
def entropy(codes: Windows, characters: int) -> float:
    """Of how often characters occur, in nats."""
    return float(entr(np.bincount(codes.ravel(), minlength=characters) / codes.size).sum())


@metric("entropy of a character given the latent", better="none")
def conditional_entropy(probabilities: Float[np.ndarray, "n characters length"]) -> float:
    """The mean entropy, in nats, of a place of a window once its latent is given: 0 where the generator always draws
    the same window of it."""
    return float(entr(probabilities).sum(1).mean())


@metric("share of copied windows", when="end")
def copied(texts: Sequence[str], training: str) -> float:
    """The share of windows that stand in the training part, character for character, from 0 to 1."""
    return sum(text in training for text in texts) / len(texts)


@metric("diverged", better="none", most=1.0, when="over")
def lost(ngram_js_4: Float[np.ndarray, "evaluations seeds"]) -> Float[np.ndarray, "seeds"]:
    """1 where the divergence of 4-grams was not finite at any of these evaluations, else 0."""
    return (~np.isfinite(ngram_js_4)).any(0).astype(float)
