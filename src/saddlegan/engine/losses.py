"""The players' losses between two evaluations: what a user watches, although a GAN's losses are not its progress; and
their gradients."""

import functools
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import ConfigError
from saddlegan.engine.variant import Losses


class MeanLosses:
    """Means of `players`' losses and of their terms, per seed, over the steps since they were last taken: part of a
    checkpoint. Names are `player` and `player/term`."""

    def __init__(self, players: Iterable[str]) -> None:
        self.players = list(players)
        self.sums: dict[str, Tensor] = {}
        self.steps: dict[str, int] = {}  # no tensor: to count there would cost a toy's step as much as its sum

    def add(self, player: str, terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Count a step of `player` whose loss is the sum of `terms`, each `(seeds,)`; the terms without gradients."""
        found = {name: term.detach() for name, term in terms.items()}
        self._count(player, summed(found))
        parts = counted(found)
        for name, term in parts.items() if len(parts) > 1 else ():
            self._count(f"{player}/{name}", term)
        return found

    def _count(self, name: str, loss: Tensor) -> None:
        self.sums[name] = self.sums[name].to(loss.device) + loss if name in self.sums else loss
        self.steps[name] = self.steps.get(name, 0) + 1

    def take(self, seeds: int) -> dict[str, Tensor]:
        """Each mean loss `(seeds,)`, NaN for a player that made no step; and begin anew."""
        none = torch.full((seeds,), torch.nan)
        means = {player: none for player in self.players}
        means |= {name: total / self.steps[name] for name, total in self.sums.items()}
        self.sums, self.steps = {}, {}
        return means

    def state_dict(self) -> dict[str, Any]:
        return {"sums": self.sums, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.sums, self.steps = dict(state["sums"]), dict(state["steps"])


def by_name(loss: Losses) -> dict[str, Tensor]:
    """The terms of a loss by name: `loss`, where it is one alone. Raises `ConfigError` where all names begin
    with `_`."""
    terms = dict(loss) if isinstance(loss, Mapping) else {"loss": loss}
    if not counted(terms):
        raise ConfigError(
            f"a loss: got the terms {', '.join(terms) or 'none'}, expected one whose name does not begin with _:"
            " those are passed to after_step, and are no part of the loss."
        )
    return terms


def counted(terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those that are part of the loss: their names do not begin with `_`."""
    return {name: term for name, term in terms.items() if not name.startswith("_")}


def summed(terms: Mapping[str, Tensor]) -> Tensor:
    """The loss that consists of `terms`."""
    return functools.reduce(operator.add, counted(terms).values())


def gradient_norm(loss: Float[Tensor, "seeds"], parameters: Sequence[nn.Parameter]) -> Float[Tensor, "seeds"]:
    """The Euclidean norm of the gradient of each seed's loss with respect to its own part of stacked `parameters`."""
    gradients = torch.autograd.grad(loss.sum(), parameters, retain_graph=True, materialize_grads=True)
    return torch.cat([gradient.reshape(len(loss), -1) for gradient in gradients], dim=1).norm(dim=1)
