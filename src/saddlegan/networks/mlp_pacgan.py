"""The perceptrons of PacGAN for the plane, with seeds as the first axis: Lin et al. (2018), arXiv:1712.04086, as in the
authors' configuration. Weights start as N(0, std^2), biases at 0. Of the batch normalisation no more is known than that
there is one: the rest is as torch has it."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import PositiveFloat, PositiveInt, checked
from saddlegan.networks.mlp import affine
from saddlegan.random import Purpose, torch_stream


class BatchNorm(nn.Module):
    """Batch normalisation per seed, of `(seeds, batch, width)`: in training by the minibatch, later by running means,
    which move by a tenth towards each minibatch. In mixed precision it computes in that of its parameters."""

    mean: Tensor
    variance: Tensor

    def __init__(self, seeds: int, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(seeds, 1, width))
        self.shift = nn.Parameter(torch.zeros(seeds, 1, width))
        self.register_buffer("mean", torch.zeros(seeds, 1, width))
        self.register_buffer("variance", torch.ones(seeds, 1, width))

    def forward(self, x: Float[Tensor, "seeds batch width"]) -> Float[Tensor, "seeds batch width"]:
        x = x.to(self.mean.dtype)
        mean, variance = self.mean, self.variance
        if self.training:
            variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
            with torch.no_grad():
                self.mean.lerp_(mean, 0.1)
                self.variance.lerp_(variance, 0.1)
        return (x - mean) * (variance + 1e-5).rsqrt() * self.scale + self.shift


class BatchNormGenerator(nn.Module):
    """Latents `(seeds, batch, latent)` to samples `(seeds, batch, data)`: layers of `widths` without biases, each with
    batch normalisation and ReLU, and a linear output."""

    samples = "vectors"
    stackable = True

    @checked
    def __init__(
        self,
        *,
        in_features: PositiveInt,
        out_features: PositiveInt,
        widths: list[PositiveInt],
        std: PositiveFloat,
        seeds: Sequence[int],
    ) -> None:
        super().__init__()
        self.weights = normal_weights(seeds, Purpose.INIT_GENERATOR, [in_features, *widths, out_features], std)
        self.norms = nn.ModuleList(BatchNorm(len(seeds), width) for width in widths)
        self.bias = nn.Parameter(torch.zeros(len(seeds), 1, out_features))

    def forward(self, x: Float[Tensor, "seeds batch latent"]) -> Float[Tensor, "seeds batch data"]:
        *inner, last = self.weights
        for weight, norm in zip(inner, self.norms, strict=True):
            x = torch.relu(norm(x @ weight))
        return affine(x, last, self.bias)


class MaxoutMLP(nn.Module):
    """Samples `(seeds, batch, data)` to logits `(seeds, batch)`: layers of `widths` units, each the largest of `pieces`
    linear maps, and a linear output."""

    samples = "vectors"
    stackable = True
    per_sample = True

    @checked
    def __init__(
        self,
        *,
        in_features: PositiveInt,
        widths: list[PositiveInt],
        pieces: PositiveInt,
        std: PositiveFloat,
        seeds: Sequence[int],
    ) -> None:
        super().__init__()
        self.pieces = pieces
        self.weights = normal_weights(seeds, Purpose.INIT_DISCRIMINATOR, [in_features, *widths, 1], std, pieces)
        self.biases = nn.ParameterList(torch.zeros(len(seeds), 1, weight.shape[-1]) for weight in self.weights)

    def forward(self, x: Float[Tensor, "seeds batch data"]) -> Float[Tensor, "seeds batch"]:
        *inner, last = zip(self.weights, self.biases, strict=True)
        for weight, bias in inner:
            x = affine(x, weight, bias).unflatten(-1, (-1, self.pieces)).amax(-1)
        return affine(x, *last).squeeze(-1)


@torch.no_grad()
def normal_weights(
    seeds: Sequence[int], purpose: Purpose, sizes: Sequence[int], std: float, pieces: int = 1
) -> nn.ParameterList:
    """A weight `(seeds, in, out)` for each layer, drawn per seed; all but the last one have `pieces` maps a unit."""
    shapes = [(n, m * pieces) for n, m in pairwise(sizes[:-1])] + [(sizes[-2], sizes[-1])]
    alone = []
    for seed in seeds:
        with torch_stream(seed, purpose):
            alone.append([std * torch.randn(shape) for shape in shapes])
    return nn.ParameterList(map(torch.stack, zip(*alone, strict=True)))
