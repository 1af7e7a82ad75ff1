"""Samples of discrete values: their law given a generator's logits, draws from it, and their log-probabilities.

A sample has the shape `(levels, *places)`: one of several levels at each place, as a one-hot vector; or, with one
level, a bit at each place, 0 or 1. Places are independent given the latent.
"""

import math
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Distribution, Independent, OneHotCategorical

#: The axes before those of a sample: seeds and batch.
LEADING = 2


def law_of(logits: Float[Tensor, "seeds batch levels *places"]) -> Independent:
    """The law of samples with these logits, whose event is all that lies at the places.

    `mean` and samples of it have the levels last; `drawn` and `log_probability` have them where the logits do.
    """
    last = logits.movedim(LEADING, -1)
    if logits.shape[LEADING] == 1:
        return Independent(Bernoulli(logits=last, validate_args=False), last.dim() - LEADING, validate_args=False)
    return Independent(OneHot(last), last.dim() - LEADING - 1, validate_args=False)


class OneHot(OneHotCategorical):
    """One of several levels, of logits that may be NaN: torch's own checks those of its inner law whatever it is told,
    and a seed that is lost would end the others."""

    def __init__(self, logits: Float[Tensor, "*batch levels"]) -> None:
        self._categorical = Categorical(logits=logits, validate_args=False)
        Distribution.__init__(self, logits.shape[:-1], logits.shape[-1:], validate_args=False)


def drawn(
    law: Independent, uniform: Float[Tensor, "count seeds batch *places"]
) -> Float[Tensor, "count seeds batch levels *places"]:
    """`count` samples of each law, a place for each number in [0, 1), by inversion of the distribution function: what
    is drawn is a function of the numbers, on whatever device. Of a law that is NaN samples are NaN."""
    chance = law.base_dist.probs
    if isinstance(law.base_dist, Bernoulli):
        found = (uniform[..., None] < chance).to(chance.dtype)
    else:
        level = (uniform[..., None] >= chance.cumsum(-1)[..., :-1]).sum(-1)
        found = torch.nn.functional.one_hot(level, chance.shape[-1]).to(chance.dtype)
    return torch.where(chance.isnan(), chance, found).movedim(-1, LEADING + 1)


def log_probability(
    law: Independent, samples: Float[Tensor, "count seeds batch levels *places"]
) -> Float[Tensor, "count seeds batch"]:
    """The logarithm of each sample's probability: the sum over its places."""
    return law.log_prob(samples.movedim(LEADING + 1, -1))


def means(law: Independent) -> Float[Tensor, "seeds batch levels *places"]:
    """The expectation of a sample: the probability of each level at each place."""
    return law.mean.movedim(-1, LEADING)


# By what the log-probability of each sample counts, in a policy gradient
# ------------------------------------------------

BySample = Float[Tensor, "seeds samples latents"]
#: Of samples of which log w is known, w = p/q; the second argument is log 1/M for M draws of each latent, or log g(x|z)
#: where all outcomes x are gone through, which gives the gradient without noise.
Coefficients = Callable[[BySample, BySample | float], BySample]


def normalised(log_weight: BySample, log_chance: BySample | float) -> BySample:
    """w~ = w / sum_m w over the samples of each latent: the gradient of the expected conditional KL divergence, Hjelm
    et al. (2018), arXiv:1702.08431, section 2.3."""
    return (log_weight + log_chance).softmax(-2)


def basic(log_weight: BySample, log_chance: BySample | float) -> BySample:
    """w / beta, beta the mean weight of the minibatch: the gradient of KL(w q / beta | q)."""
    weight = log_weight + log_chance
    log_beta = weight.logsumexp((-2, -1), keepdim=True) - math.log(weight.shape[-1])
    return (weight - log_beta).exp()


def reinforce(log_weight: BySample, log_chance: BySample | float, log_beta: Float[Tensor, "seeds"]) -> BySample:
    """log w - log beta: the gradient of the reverse KL divergence."""
    return torch.as_tensor(log_chance).exp() * (log_weight - log_beta[:, None, None])


ESTIMATORS: Mapping[str, Coefficients] = {"normalised": normalised, "basic": basic}
