"""Scores of images in the features, or by the logits, of a classifier: extracted already, one set per call.

The distances and the score are torchmetrics' own, computed in float64 on the CPU. All are pure: those that torchmetrics
computes on random subsets draw them from a fixed seed, and leave the global generator as it was. NaN for samples that
are not finite in float32.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

from saddlegan.metrics.facts import metric

Fakes = Float[Tensor, "n d"]
Reals = Float[Tensor, "m d"]
Logits = Float[Tensor, "n classes"]

#: log-probabilities stop here, where float64 still holds the probability: torchmetrics multiplies 0 by log 0 below.
LEAST_LOG_PROBABILITY = -700.0


class _AsIs(nn.Module):
    """The "network" of a torchmetrics metric whose features have been extracted already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


@metric("Fréchet distance")
def frechet_distance(features: Fakes, real_features: Reals) -> float:
    """Fréchet distance of the Gaussians with the samples' means and covariances (Heusel et al. 2017, section 3).

    |mu - nu|^2 + tr(S + T - 2 (S T)^(1/2)): squared units of the features, lower is better, 0 for equal sets up to a
    rounding that may fall below 0. Biased upwards by few samples: compare at equal n and m only. n, m >= 2.
    """
    if not _finite(features, real_features):
        return math.nan
    metric = FrechetInceptionDistance(feature=_AsIs(features.shape[-1]), sync_on_compute=False)
    metric.update(_exact(real_features), real=True)
    metric.update(_exact(features), real=False)
    return metric.compute().item()


@metric("kernel distance", least=None)
def kernel_distance(features: Fakes, real_features: Reals, subsets: int = 100, subset_size: int = 1000) -> float:
    """Squared MMD with the kernel (x.y / d + 1)^3, unbiased (Bińkowski et al. 2018, section 4): lower is better.

    The mean over `subsets` random pairs of subsets of `subset_size` samples, or of the smaller set's size where that is
    less. Around 0, also below it, for samples of one law. n, m >= 2.
    """
    if not _finite(features, real_features):
        return math.nan
    size = min(subset_size, len(features), len(real_features))
    with _fixed_seed():
        metric = KernelInceptionDistance(_AsIs(features.shape[-1]), subsets, size, sync_on_compute=False)
        metric.update(_exact(real_features), real=True)
        metric.update(_exact(features), real=False)
        return metric.compute()[0].item()


@metric("classifier score", better="higher", least=1.0, most="classes")
def classifier_score(logits: Logits, splits: int = 10) -> float:
    """exp(mean KL(p(y|x) | p(y))) in [1, classes], higher is better: the Inception score (Salimans et al. 2016,
    section 4) with the classifier of these logits in place of Inception; the mean over `splits` random parts of n.

    Biased by small parts: compare at equal n and `splits` only.
    """
    if not _finite(logits):
        return math.nan
    with _fixed_seed():
        metric = InceptionScore(_AsIs(logits.shape[-1]), splits=splits, sync_on_compute=False)
        metric.update(_exact(logits).log_softmax(-1).clamp_min(LEAST_LOG_PROBABILITY))
        return metric.compute()[0].item()


@metric("classes covered", better="higher", most="classes")
def classes_covered(logits: Logits, least: float = 0.25) -> float:
    """How many classes get at least `least` times an equal share of the samples, each counted for its likeliest class
    (higher is better, up to `classes`), as `distribution.modes_covered` counts modes."""
    if not _finite(logits):
        return math.nan
    classes = logits.shape[-1]
    return float((_counts(logits) >= least * len(logits) / classes).sum())


@metric("KL of classes", most="log(classes)")
def class_kl(logits: Logits) -> float:
    """KL(histogram of the likeliest classes | uniform) in nats: 0 for equal shares, log(classes) for one class alone.

    Lower is better; around (classes - 1) / 2n for n samples of equally likely classes.
    """
    if not _finite(logits):
        return math.nan
    shares = _counts(logits).double() / len(logits)
    return math.log(logits.shape[-1]) - torch.special.entr(shares).sum().item()


def _counts(logits: Logits) -> Int[Tensor, "classes"]:
    return torch.bincount(logits.argmax(-1), minlength=logits.shape[-1])


def _finite(*samples: Tensor) -> bool:
    """In float32: products of covariances stay finite then. LAPACK may end the process for a matrix that is not."""
    return all(bool(torch.isfinite(sample.float()).all()) for sample in samples)


def _exact(samples: Tensor) -> Tensor:
    return samples.detach().cpu().double()


@contextmanager
def _fixed_seed() -> Iterator[None]:
    """torchmetrics draws its subsets from the CPU's global generator, and warns of memory that is no matter here."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*will save all extracted features in buffer")
        warnings.filterwarnings("ignore", message=r"std\(\): degrees of freedom is <= 0")  # of one part; it is not used
        torch.default_generator.manual_seed(0)  # torch.manual_seed would seed the accelerators too
        yield
