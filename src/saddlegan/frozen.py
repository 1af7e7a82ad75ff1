"""A player of a run that was trained, as a part of another model: the first stage of two, say."""

from typing import Any

from torch import nn

from saddlegan.checks import checked
from saddlegan.interface import load


class Frozen(nn.Module):
    """The network of a player of a run folder, with the weights of its last checkpoint: they do not move, and it is
    never in training mode. It takes and gives what it did there, `(seeds, batch, ...)`; of images, whose networks have
    no axis of seeds, `(batch, ...)`.

    Raises `DamagedRun` where the folder holds no whole run.
    """

    @checked
    def __init__(self, *, run: str, player: str) -> None:
        super().__init__()
        module = load(run)
        network = getattr(module, player)
        self.network = (network if module.stacked else network.network).requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "Frozen":
        return super().train(False)

    def forward(self, *given: Any) -> Any:
        return self.network(*given)
