"""Precision and recall (Kynkäänniemi et al. 2019, arXiv:1904.06991), density and coverage (Naeem et al. 2020,
arXiv:2002.09797): how far two sets of features fill each other's neighbourhoods."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from saddlegan.metrics.facts import metric
from saddlegan.metrics.neighbours import ROUNDING, squared_distances

Fakes = Float[Tensor, "n d"]
Reals = Float[Tensor, "m d"]


@metric(
    when="end",
    gives={
        "precision": {"name": "precision", "better": "higher", "most": 1.0},
        "recall": {"name": "recall", "better": "higher", "most": 1.0},
        "density": {"name": "density", "better": "higher"},
        "coverage": {"name": "coverage", "better": "higher", "most": 1.0},
    },
)
def precision_recall_density_coverage(
    features: Fakes, real_features: Reals, k: int = 5, chunk: int = 250
) -> dict[str, float]:
    """With open balls around each sample, up to its k-th nearest other sample of its own set:

    - precision in [0, 1]: share of fakes inside some real ball (quality);
    - recall in [0, 1]: share of reals inside some fake ball (variety);
    - density >= 0: real balls that a fake lies in, on average, over k (quality, deaf to outliers of the reals; its mean
      is 1 for fakes that follow the law of the reals);
    - coverage in [0, 1]: share of real balls that hold a fake (variety, deaf to outliers of the fakes).

    Higher is better; equal sets score 1 throughout. Balls are open as in the authors' package `prdc`: a fake as far as
    the k-th neighbour is outside, whatever rounding says. Computed in float64 in blocks of `chunk` reals: memory grows
    as chunk * max(n, m). NaN for samples that are not finite in float32. Raises `ValueError` unless n > k and m > k.
    """
    fake, real = features.detach(), real_features.detach()
    if min(len(fake), len(real)) <= k:
        raise ValueError(f"k={k} needs more than {k} samples of each set; got {len(fake)} fake and {len(real)} real")
    if not all(torch.isfinite(samples.float()).all() for samples in (fake, real)):
        return dict.fromkeys(("precision", "recall", "density", "coverage"), math.nan)
    fake_radii, real_radii = _squared_radii(fake, k, chunk), _squared_radii(real, k, chunk)
    inside_some_real = torch.zeros(len(fake), dtype=torch.bool, device=fake.device)
    recalled = covered = pairs = 0
    for squared, radii in zip(squared_distances(real, fake, chunk), real_radii.split(chunk), strict=True):
        inside_real = squared < radii.unsqueeze(-1)
        inside_some_real |= inside_real.any(0)
        pairs += int(inside_real.sum())
        covered += int(inside_real.any(-1).sum())
        recalled += int((squared < fake_radii).any(-1).sum())
    return {
        "precision": int(inside_some_real.sum()) / len(fake),
        "recall": recalled / len(real),
        "density": pairs / (k * len(fake)),
        "coverage": covered / len(real),
    }


def _squared_radii(points: Float[Tensor, "n d"], k: int, chunk: int) -> Float[Tensor, "n"]:
    """Squared distance of each point to its k-th nearest other point, less what rounding may add to a tie with it.

    A point that is its own (k + 1)-fold duplicate gets a radius of 0: an open ball of radius 0 holds nothing.
    """
    blocks = squared_distances(points, points, chunk)
    return torch.cat([squared.topk(k + 1, largest=False).values[:, -1] for squared in blocks]) * (1.0 - ROUNDING)
