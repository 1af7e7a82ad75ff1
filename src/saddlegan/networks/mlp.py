"""Multilayer perceptrons with seeds as the first axis: Table 1 of the reproduced paper, at any depth and width."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import Literal, PositiveFloat, PositiveInt, checked
from saddlegan.random import Purpose, torch_stream

ACTIVATIONS = {"relu": torch.relu_, "tanh": torch.tanh_, "leaky_relu": lambda x: nn.functional.leaky_relu_(x, 0.2)}


class StackedMLP(nn.Module):
    """One independent perceptron per seed, run side by side: each layer is a single operation for all of them.

    Seed s starts from the weights that `nn.Linear` draws under the stream of (s, purpose): those it has when alone.
    With an `orthogonal_gain` they are orthogonal ones times this, and biases 0. `input_scale` multiplies what comes in.
    """

    #: `num_seeds > 1` is possible.
    stackable = True
    #: What the players make and judge: data of another kind needs another model.
    samples = "vectors"
    #: No layer looks across the batch.
    per_sample = True
    purpose: Purpose

    @checked
    def __init__(
        self,
        *,
        in_features: PositiveInt,
        out_features: PositiveInt,
        widths: list[PositiveInt],
        activation: Literal["relu", "tanh", "leaky_relu"],
        seeds: Sequence[int],
        orthogonal_gain: PositiveFloat | None = None,
        input_scale: PositiveFloat = 1.0,
    ) -> None:
        super().__init__()
        self.orthogonal_gain, self.input_scale = orthogonal_gain, input_scale
        sizes = [in_features, *widths, out_features]
        alone = [self._layers_of(seed, sizes) for seed in seeds]
        depths = list(zip(*alone, strict=True))
        self.weights = nn.ParameterList(torch.stack([layer.weight.T for layer in same]) for same in depths)
        self.biases = nn.ParameterList(torch.stack([layer.bias[None] for layer in same]) for same in depths)
        self.activation = ACTIVATIONS[activation]

    @torch.no_grad()
    def _layers_of(self, seed: int, sizes: Sequence[int]) -> list[nn.Linear]:
        with torch_stream(seed, self.purpose):
            layers = [nn.Linear(n, m) for n, m in pairwise(sizes)]
            if self.orthogonal_gain is not None:
                for layer in layers:
                    nn.init.orthogonal_(layer.weight, self.orthogonal_gain)
                    nn.init.zeros_(layer.bias)
            return layers

    @property
    def layers(self) -> list[tuple[Tensor, Tensor]]:
        """Weights and biases, read anew at each call: `functional_call` and the like put others in their place. (The
        iterator of a ParameterList takes as long as a layer of a toy.)"""
        return list(zip(self.weights._parameters.values(), self.biases._parameters.values(), strict=True))  # type: ignore[arg-type]

    def forward(self, x: Float[Tensor, "seeds batch in"]) -> Float[Tensor, "seeds batch out"]:
        *inner, last = self.layers
        x = x if self.input_scale == 1.0 else self.input_scale * x
        for weight, bias in inner:
            x = self.activation(affine(x, weight, bias))
        return affine(x, *last)


def affine(
    x: Float[Tensor, "seeds batch in"], weight: Float[Tensor, "seeds in out"], bias: Float[Tensor, "seeds 1 out"]
) -> Float[Tensor, "seeds batch out"]:
    """x W + b per seed.

    With one input or one output, as the toys' layers have, it is written as products and a sum, which a compiler fuses
    with what is before and after; a matrix product stands between them.
    """
    if weight.shape[-2] == 1:
        return x * weight + bias
    if weight.shape[-1] == 1:
        return (x * weight.mT).sum(-1, keepdim=True) + bias
    return torch.baddbmm(bias, x, weight)


class MLPGenerator(StackedMLP):
    """Latents `(seeds, batch, latent)` to samples `(seeds, batch, data)`, linear at the output."""

    purpose = Purpose.INIT_GENERATOR


class MLPDiscriminator(StackedMLP):
    """Samples `(seeds, batch, data)` to logits `(seeds, batch)`."""

    purpose = Purpose.INIT_DISCRIMINATOR

    def __init__(self, *, in_features: PositiveInt, **shared: Any) -> None:
        super().__init__(in_features=in_features, out_features=1, **shared)

    def forward(self, x: Float[Tensor, "seeds batch in"]) -> Float[Tensor, "seeds batch"]:
        return super().forward(x).squeeze(-1)


class MLPAutoencoder(StackedMLP):
    """Samples `(seeds, batch, data)` to reconstructions of them: a discriminator for BEGAN."""

    purpose = Purpose.INIT_DISCRIMINATOR
    judges_by = "reconstructions"

    def __init__(self, *, in_features: PositiveInt, **shared: Any) -> None:
        super().__init__(in_features=in_features, out_features=in_features, **shared)
