"""A batch: tensors by name, with the leading axes `(seeds, batch)`.

`"x"` is what is judged; `"label"` or whatever else comes along with it has its own name. What is drawn for a step
(`"latent"`, a method's noise) and what a generator returns besides `x` is in the batch of fake samples.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from saddlegan.checks import ConfigError

Batch = Mapping[str, Tensor]


def each(change: Callable[[Tensor], Tensor], batch: Batch) -> dict[str, Tensor]:
    """`change` of every tensor."""
    return {name: change(x) for name, x in batch.items()}


def detached(batch: Batch) -> dict[str, Tensor]:
    return each(Tensor.detach, batch)


def unbound(batch: Batch) -> Iterator[dict[str, Tensor]]:
    """The entries of the first axis, one after the other."""
    columns = zip(*(x.unbind() for x in batch.values()), strict=True)
    return (dict(zip(batch, column, strict=True)) for column in columns)


def first(batch: Batch, count: int) -> dict[str, Tensor]:
    """The first so many samples of each seed."""
    return each(lambda x: x[:, :count], batch)


def split(batch: Batch, size: int) -> Iterator[dict[str, Tensor]]:
    """Parts of at most `size` samples."""
    columns = zip(*(x.split(size, dim=1) for x in batch.values()), strict=True)
    return (dict(zip(batch, column, strict=True)) for column in columns)


def joined(parts: Sequence[Batch]) -> dict[str, Tensor]:
    """The samples of all `parts` in one batch: what they all have."""
    names = [name for name in parts[0] if all(name in part for part in parts)]
    return {name: torch.cat([part[name] for part in parts], dim=1) for name in names}


def minibatch(loaded: Any) -> dict[str, Tensor]:
    """What a DataLoader of the user's own gives, each tensor `(batch, ...)`: a mapping as it is; of a list or tuple
    (x, label, ...) the first two, where the second is a tensor of integers, else the first.

    Raises `ConfigError` where `x` is no floating tensor `(batch, *shape)`.
    """
    if isinstance(loaded, Mapping):
        batch = {str(name): x for name, x in loaded.items() if isinstance(x, Tensor)}
    else:
        parts = list(loaded) if isinstance(loaded, list | tuple) else [loaded]
        label = parts[1] if len(parts) > 1 and isinstance(parts[1], Tensor) else None
        batch = dict(zip(["x"], parts[:1], strict=False))
        if label is not None and not label.is_floating_point():
            batch["label"] = label
    x = batch.get("x")
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.dim() < 2:
        raise ConfigError(
            f"a minibatch: got {_said(loaded)}, expected a floating tensor (batch, *shape), a list that begins with"
            " one, as DataLoader gives it, or a mapping that has one as x."
        )
    return batch


def _said(batch: Any) -> str:
    """What a minibatch is, for an error."""
    if isinstance(batch, Tensor):
        return f"a {str(batch.dtype).removeprefix('torch.')} tensor of shape {tuple(batch.shape)}"
    if isinstance(batch, Mapping):
        return f"a {type(batch).__name__} of " + ", ".join(f"{name}: {_said(part)}" for name, part in batch.items())
    parts = ", ".join(_said(part) for part in batch) if isinstance(batch, list | tuple) else ""
    return f"a {type(batch).__name__}" + f" of ({parts})" * bool(parts)
