"""Nearest neighbours in the Euclidean distance, in float64 and in blocks: memory is bounded by `chunk` times a set."""

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

Points = Float[Tensor, "n p"]
Among = Float[Tensor, "m p"]


class Scales(NamedTuple):
    """How far real samples lie from each other, in their own units: what a kernel's width is measured against."""

    median_distance: float
    nearest_distance: float


def squared_distances(points: Points, among: Among) -> Float[Tensor, "n m"]:
    """|a|^2 + |b|^2 - 2 a.b in float64, at least 0: one matrix product. Its rounding is about 1e-15 (|a|^2 + |b|^2)."""
    points, among = points.double(), among.double()
    squared = torch.addmm(among.square().sum(-1), points, among.mT, alpha=-2.0)
    return squared.add_(points.square().sum(-1, keepdim=True)).clamp_min_(0.0)


def nearest(images: Points, among: Among, chunk: int = 500) -> tuple[Float[Tensor, "n"], Int[Tensor, "n"]]:
    """The distance of each image to the nearest `among` the others, and which that is (one of them where several are).

    Distances are float64, from differences, so that a copy is at 0; NaN for an image that is not finite.
    """
    among = among.detach().double()
    distances, indices = [], []
    for block in images.detach().double().split(chunk):
        index = squared_distances(block, among).argmin(-1)
        distance = torch.linalg.vector_norm(block - among[index], dim=-1)
        distances.append(torch.where(torch.isfinite(block).all(-1), distance, math.nan))
        indices.append(index)
    return torch.cat(distances), torch.cat(indices)


def memorisation(
    fake: Float[Tensor, "fakes p"], test: Float[Tensor, "tests p"], train: Float[Tensor, "trains p"], chunk: int = 500
) -> float:
    """Median distance of the generated images to their nearest training image, over the same of the test images.

    In [0, inf): 1 is like real data, far below 1 is memorising, far above 1 is off the data. For MNIST its standard
    error is 1.4 % with 1000 generated and test images, 0.8 % with 2000; of `train`, all are needed. NaN for images that
    are not finite. Raises `ValueError` where most test images are training images, too.
    """
    held_out = _median(nearest(test, train, chunk)[0])
    if held_out == 0.0:
        raise ValueError("most of `test` is in `train`, so that their distance measures nothing: give held-out images")
    return _median(nearest(fake, train, chunk)[0]) / held_out


def distances(points: Points) -> Scales:
    """The median distance of pairs of points, and the median distance of a point to its nearest other point.

    Holds all n^2 pairs: 2000 points are enough, which place the first within about 2 % for MNIST. The second falls
    slowly with n (5.2, 5.1, 4.9 for the first 1000, 2000, 4000 images): state n with it. n >= 2.
    """
    squared = squared_distances(points, points)
    first, second = torch.triu_indices(len(points), len(points), offset=1, device=points.device)
    pairs = _median(squared[first, second].sqrt())
    return Scales(pairs, _median(squared.fill_diagonal_(math.inf).amin(-1).sqrt()))


def _median(values: Float[Tensor, "n"]) -> float:
    """The middle, or the mean of the two middles; NaN where a value is."""
    return float(np.median(values.cpu().numpy()))
