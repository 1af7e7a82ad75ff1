"""Whether samples are what they were asked to be, by judges that were not trained with them: a fixed classifier, its
features, and nearest neighbours (Radford, Metz & Chintala 2016, arXiv:1511.06434, of their conditional model of MNIST).

A method's own classifier says of nearly every sample that it is right.
"""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from saddlegan.metrics.facts import metric
from saddlegan.metrics.neighbours import SEARCHED, nearest

Asked = Int64[Tensor, "n"]


@metric("class accuracy", better="higher", most=1.0)
def class_accuracy(logits: Float[Tensor, "n classes"], asked: Asked) -> float:
    """The share of samples whose likeliest class, by a classifier's `logits`, is the one that was `asked` for. NaN for
    samples that are not finite."""
    if not torch.isfinite(logits).all():
        return math.nan
    return (logits.argmax(-1) == asked).double().mean().item()


@metric("class variety", better="one")
def class_variety(
    features: Float[Tensor, "n d"],
    asked: Asked,
    real_features: Float[Tensor, "m d"],
    real_labels: Int64[Tensor, "m"],
) -> float:
    """How far samples of a class spread, over the same of real images: the trace of the features' covariance, the mean
    of the ratios over classes. 1 is like real images, 0 is one image for each class; a generator that confuses classes
    is above 1, too. Classes with fewer than two samples or real images are left out. NaN where none is left, or samples
    are not finite."""
    if not torch.isfinite(features.float()).all():
        return math.nan
    ratios = []
    for label in real_labels.unique():
        own, real = features[asked == label].double(), real_features[real_labels == label].double()
        if min(len(own), len(real)) >= 2:
            ratios.append((own.var(0).sum() / real.var(0).sum()).item())
    return sum(ratios) / len(ratios) if ratios else math.nan


@metric("variety of right samples", better="one")
def right_variety(
    logits: Float[Tensor, "n classes"],
    features: Float[Tensor, "n d"],
    asked: Asked,
    real_features: Float[Tensor, "m d"],
    real_labels: Int64[Tensor, "m"],
) -> float:
    """`class_variety` of the samples whose likeliest class, by a classifier's `logits`, is the one that was asked for:
    confused classes add nothing to it."""
    if not torch.isfinite(logits).all():
        return math.nan
    right = logits.argmax(-1) == asked
    return class_variety(features[right], asked[right], real_features, real_labels)


@metric("accuracy of 1-NN on samples", better="higher", most=1.0, when="end")
def nearest_class_accuracy(
    images: Float[Tensor, "n p"], asked: Asked, test: Float[Tensor, "t p"], real_labels: Int64[Tensor, "t"]
) -> float:
    """How often a real test image has the label that was `asked` of the generated image nearest to it, in pixels: a
    classifier of one neighbour, learned from samples; on the first 2000 test images. It takes right classes and variety
    at once. NaN for samples that are not finite."""
    if not torch.isfinite(images).all():
        return math.nan
    _, index = nearest(test[:SEARCHED], images)
    return (asked[index] == real_labels[:SEARCHED]).double().mean().item()


@metric("spread of samples of one caption", better="none")
def caption_spread(
    same_caption: Float[Tensor, "captions latents channels height width"],
    real_pictures: Float[Tensor, "m channels height width"],
) -> float:
    """How far samples of one caption spread: the standard deviation of a pixel over latents, root mean square over
    captions and pixels, over that of real images of all captions. 0 is one image for each caption. NaN for samples that
    are not finite."""
    own, real = (images.double().var(-4).mean().sqrt() for images in (same_caption, real_pictures))
    return (own / real).item()
