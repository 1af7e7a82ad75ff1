"""A player of a run that was trained, as a part of another model: the first stage of two, say."""

from typing import Any

from torch import nn

from saddlegan.checks import checked
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.folder import DamagedRun
from saddlegan.interface import load


def stage(run: str) -> AdversarialModule:
    """The module of a run that another one stands on. Raises `DamagedRun` where the folder holds no whole run."""
    try:
        return load(run)
    except DamagedRun as error:
        raise DamagedRun(f"earlier={run}: {error} Remedy: put the run of the earlier stage back there.") from None


class Frozen(nn.Module):
    """The network of a player of a run folder, with the weights of its last checkpoint; of a generator those that
    samples come from, the average where one is kept. They do not move, and it is never in training mode. It takes and
    gives what it did there, `(seeds, batch, ...)`; of images, whose networks have no axis of seeds, `(batch, ...)`.

    Raises `DamagedRun` where the folder holds no whole run.
    """

    @checked
    def __init__(self, *, run: str, player: str) -> None:
        super().__init__()
        module = stage(run)
        averaged = module.average if player == "generator" else None
        network: Any = getattr(module, player) if averaged is None else averaged.module
        self.network = (network if module.stacked else network.network).requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "Frozen":
        return super().train(False)

    def forward(self, *given: Any) -> Any:
        return self.network(*given)


class FrozenRun(nn.Module):
    """A whole run folder, with the weights of its last checkpoint, which do not move: what samples are drawn from.

    Raises `DamagedRun` where the folder holds no whole run.
    """

    @checked
    def __init__(self, *, run: str) -> None:
        super().__init__()
        self.module = stage(run).requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "FrozenRun":
        return super().train(False)

    def sample(self, count: int) -> Any:
        """`count` samples per seed, `(seeds, count, *shape)`: the first ones that its evaluation measures."""
        return self.module.sample(count)
