"""Perceptrons with seeds as the first axis for samples of discrete values, `(levels, *places)`."""

from jaxtyping import Float
from torch import Tensor

from saddlegan.networks.mlp import MLPDiscriminator, MLPGenerator


class DiscreteMLPGenerator(MLPGenerator):
    """Latents `(seeds, batch, latent)` to the logits of samples, `(seeds, batch, levels * places)`."""

    samples = "tables"
    makes = "logits"


class DiscreteMLPDiscriminator(MLPDiscriminator):
    """Samples `(seeds, batch, levels, *places)` to logits `(seeds, batch)`."""

    samples = "tables"

    def forward(self, x: Float[Tensor, "seeds batch levels *places"]) -> Float[Tensor, "seeds batch"]:
        return super().forward(x.flatten(2))
