"""Log-likelihood of test images under a Parzen window on generated images: the protocol of Goodfellow et al. (2014),
section 5 and Table 1, as their code (`parzen_ll.py`) has it.

It is a poor measure of image models (Theis et al. 2016, arXiv:1511.01844), kept to stand beside the numbers of 2014.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from saddlegan.metrics.facts import metric
from saddlegan.metrics.neighbours import squared_distances

#: Of the validation images, these choose sigma: the first so many.
CHOOSING = 1000

Centres = Float[Tensor, "n p"]


class Parzen(NamedTuple):
    """Mean log-likelihood of the test images (nats per image, higher is better), its standard error, and sigma."""

    mean: float
    standard_error: float
    sigma: float


@metric(
    when="end",
    gives={
        "parzen": {"name": "Parzen log-likelihood, nats", "better": "higher", "least": None},
        "parzen_se": {"name": "its standard error, nats", "better": "none"},
        "parzen_sigma": {"name": "its sigma", "better": "none"},
    },
)
def parzen(images: Centres, validation: Float[Tensor, "v p"], test: Float[Tensor, "t p"], chunk: int = 250) -> Parzen:
    """Score of `test` under the window on generated `images` (10 000 in the protocol), of p pixels in [0, 1].

    sigma is that of 10 values, 0.1 to 1 in equal ratios, which gives the first 1000 images of `validation` the highest
    mean log-likelihood. The standard error is std / sqrt(t), over the test images. NaN for images that are not finite.
    """
    if not torch.isfinite(images).all():
        return Parzen(math.nan, math.nan, math.nan)
    sigmas = torch.logspace(-1.0, 0.0, 10, dtype=torch.float64)
    best = log_likelihoods(images, validation[:CHOOSING], sigmas, chunk).mean(-1).argmax().item()
    sigma = sigmas[int(best)]
    scores = log_likelihoods(images, test, sigma[None], chunk)[0]
    return Parzen(scores.mean().item(), scores.std(correction=0).item() / math.sqrt(len(test)), sigma.item())


def log_likelihoods(
    centres: Centres, images: Float[Tensor, "t p"], sigmas: Float[Tensor, "sigmas"], chunk: int = 250
) -> Float[Tensor, "sigmas t"]:
    """log p(x) = log mean_i exp(-|x - c_i|^2 / 2 sigma^2) - p log(sigma sqrt(2 pi)), in nats, in float64.

    `sigmas` are in the units of the images. Memory grows as chunk * n; distances are computed once for all sigmas.
    """
    blocks = [
        torch.stack([(squared * (-0.5 / sigma**2)).logsumexp(-1) for sigma in sigmas.tolist()])
        for squared in squared_distances(images.detach(), centres.detach(), chunk)
    ]
    scale = math.log(len(centres)) + centres.shape[-1] * (sigmas.double() * math.sqrt(2.0 * math.pi)).log()
    return torch.cat(blocks, -1) - scale.to(centres.device).unsqueeze(-1)
