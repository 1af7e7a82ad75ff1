"""The players' losses between two evaluations: what a user watches, although a GAN's losses are not its progress."""

import torch
from torch import Tensor, nn


class MeanLosses(nn.Module):
    """Sums of `players`' losses, a seed, over their steps since they were last taken: part of a checkpoint."""

    sums: Tensor
    steps: Tensor

    def __init__(self, players: tuple[str, ...], seeds: int) -> None:
        super().__init__()
        self.players = players
        self.register_buffer("sums", torch.zeros(len(players), seeds))
        self.register_buffer("steps", torch.zeros(len(players), 1))

    def add(self, player: str, loss: Tensor) -> None:
        """Count a step of `player` with its loss `(seeds,)`."""
        index = self.players.index(player)
        self.sums[index] += loss
        self.steps[index] += 1

    def take(self) -> dict[str, Tensor]:
        """Each player's mean loss `(seeds,)`, NaN where it made no step; and begin anew."""
        means = dict(zip(self.players, self.sums / self.steps, strict=True))
        self.sums.zero_()
        self.steps.zero_()
        return means
