"""Samples of several stages: those that all levels of a pyramid made, beside those on real coarse images, and those of
the first of two stages, enlarged."""

from saddlegan.metrics.facts import metric
from saddlegan.metrics.features import Fakes, Logits, Reals, classes_covered, frechet_distance


@metric("Fréchet distance of chained samples")
def chained_frechet(chained_features: Fakes, real_features: Reals) -> float:
    """`frechet_distance` of samples whose coarse images are the level's below."""
    return frechet_distance(chained_features, real_features)


@metric("classes covered by chained samples", better="higher", most="classes")
def chained_classes(chained_logits: Logits) -> float:
    """`classes_covered` by samples whose coarse images are the level's below."""
    return classes_covered(chained_logits)


@metric("Fréchet distance of coarse images, enlarged")
def enlarged_frechet(enlarged_features: Fakes, real_features: Reals) -> float:
    """`frechet_distance` of what a first stage made, or of real coarse images, resized by bilinear interpolation."""
    return frechet_distance(enlarged_features, real_features)
