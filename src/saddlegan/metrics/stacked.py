"""Modes of images whose channels are images of their own, each of one of several classes: with three digits 1000. The
protocol of Srivastava et al. (2017), arXiv:1705.07761, and Lin et al. (2018), arXiv:1712.04086, who take 26 000 samples
and another classifier."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from saddlegan.metrics.facts import metric


@metric(
    gives={
        "stacked_modes": {"name": "modes of stacked digits", "better": "higher"},
        "stacked_kl": {"name": "KL of stacked digits"},
    }
)
def stacked(channel_logits: Float[Tensor, "n channels classes"]) -> dict[str, float]:
    """How many combinations of the channels' likeliest classes occur at least once (higher is better, up to
    classes^channels), and KL(shares of the combinations | equal shares) in nats (lower is better): 0 for equal shares,
    channels * log(classes) for one alone. Of n samples of equal shares it is about (combinations - 1) / 2n."""
    if not torch.isfinite(channel_logits).all():
        return {"stacked_modes": math.nan, "stacked_kl": math.nan}
    _, channels, classes = channel_logits.shape
    places = classes ** torch.arange(channels - 1, -1, -1)
    counts = torch.bincount((channel_logits.argmax(-1) * places).sum(-1), minlength=classes**channels)
    shares = counts.double() / counts.sum()
    divergence = channels * math.log(classes) - torch.special.entr(shares).sum().item()
    return {"stacked_modes": float((counts > 0).sum()), "stacked_kl": max(divergence, 0.0)}
