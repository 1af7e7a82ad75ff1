"""The generator's expectations, of discrete values, beside samples of it: the images of its probabilities."""

from saddlegan.metrics.facts import metric
from saddlegan.metrics.features import Fakes, Logits, Reals, classes_covered, frechet_distance


@metric("Fréchet distance of expectations")
def expected_frechet(expected_features: Fakes, real_features: Reals) -> float:
    """`frechet_distance` of the expectations of samples, which are grey where the generator leaves a value open."""
    return frechet_distance(expected_features, real_features)


@metric("classes covered by expectations", better="higher", most="classes")
def expected_classes(expected_logits: Logits) -> float:
    """`classes_covered` by the expectations of samples."""
    return classes_covered(expected_logits)
