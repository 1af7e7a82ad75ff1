"""An image network in the place of a stack of seeds: the axis of seeds has length one."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Single(nn.Module):
    """Gives a plain network, `(batch, ...)` to `(batch, ...)`, a first axis of one seed; at least float32 comes out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.per_sample = getattr(network, "per_sample", False)

    def forward(self, x: Float[Tensor, "1 batch *shape"]) -> Float[Tensor, "1 batch *out"]:
        out = self.network(x[0])
        return out.to(torch.promote_types(out.dtype, torch.float32))[None]
