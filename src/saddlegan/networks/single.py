"""An image network in the place of a stack of seeds: the axis of seeds has length one."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.batch import each


class Single(nn.Module):
    """Gives a plain network, `(batch, ...)` to `(batch, ...)`, a first axis of one seed; at least float32 comes out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.per_sample = getattr(network, "per_sample", False)
        #: Whether labels may be shares of the classes, `(batch, classes)`.
        self.soft_labels = getattr(network, "soft_labels", False)

    def forward(self, x: Float[Tensor, "1 batch *shape"], *conditions: Tensor) -> Any:
        """What the network returns of `x` and its conditions: a tensor, or tensors by name."""
        out = self.network(x[0], *(condition[0] for condition in conditions))
        return each(_with_seed, out) if isinstance(out, Mapping) else _with_seed(out)


def _with_seed(out: Tensor) -> Float[Tensor, "1 batch *out"]:
    return out.to(torch.promote_types(out.dtype, torch.float32))[None]
