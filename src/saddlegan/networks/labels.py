"""Labels as networks are given them."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import one_hot

Shares = Float[Tensor, "batch classes"]


def shares(label: Int64[Tensor, "batch"] | Shares, classes: int, dtype: torch.dtype) -> Shares:
    """The share of each class: one-hot of a label; shares as they are, for a point between two classes."""
    return (label if label.is_floating_point() else one_hot(label, classes)).to(dtype)
