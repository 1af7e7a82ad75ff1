"""The players' losses between two evaluations: what a user watches, although a GAN's losses are not its progress; and
their gradients."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


class MeanLosses(nn.Module):
    """Sums of `players`' losses, per seed, over their steps since they were last taken: part of a checkpoint."""

    sums: Tensor

    def __init__(self, players: tuple[str, ...], seeds: int) -> None:
        super().__init__()
        self.rows = {player: row for row, player in enumerate(players)}
        self.steps = [0] * len(players)  # not a tensor: to count there would cost a toy's step as much as its sum
        self.register_buffer("sums", torch.zeros(len(players), seeds))

    def add(self, player: str, loss: Tensor) -> None:
        """Count a step of `player` with its loss `(seeds,)`."""
        row = self.rows[player]
        self.sums[row].add_(loss)
        self.steps[row] += 1

    def take(self) -> dict[str, Tensor]:
        """Each player's mean loss `(seeds,)`, NaN where it made no step; and begin anew."""
        means = {player: self.sums[row] / (self.steps[row] or torch.nan) for player, row in self.rows.items()}
        self.steps = [0] * len(self.rows)
        self.sums.zero_()
        return means

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.steps)

    def set_extra_state(self, state: Tensor) -> None:
        self.steps = state.tolist()


def gradient_norm(loss: Float[Tensor, "seeds"], parameters: Sequence[nn.Parameter]) -> Float[Tensor, "seeds"]:
    """The Euclidean norm of the gradient of each seed's loss with respect to its own part of stacked `parameters`."""
    gradients = torch.autograd.grad(loss.sum(), parameters, retain_graph=True, materialize_grads=True)
    return torch.cat([gradient.reshape(len(loss), -1) for gradient in gradients], dim=1).norm(dim=1)
