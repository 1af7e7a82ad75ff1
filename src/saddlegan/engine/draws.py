"""What training draws besides its data: latents for each player, and a method's own noise, block by block."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from torch import Tensor

from saddlegan.batch import Batch, unbound
from saddlegan.random import BLOCK, Blocks, Law, Purpose, draw_block

#: Streams that have a number; every other one has the name `player/what`.
NUMBERED = {
    ("discriminator", "latent"): Purpose.LATENT_DISCRIMINATOR,
    ("generator", "latent"): Purpose.LATENT_GENERATOR,
}


class Draws:
    """`laws`: what is drawn, by name, or by `player/name` for that player's steps alone; `steps`: how many draws an
    iteration takes, by player. Where steps share their draws, one player stands for all.

    A draw is a function of (seed, player, name, iteration), whatever spans training is cut into. `place` puts what a
    block of iterations draws where the networks are. Of several ranks each takes its rows, `rank::ranks`.
    """

    def __init__(
        self, laws: Mapping[str, Law], steps: Mapping[str, int], seeds: Sequence[int], place: Callable[[Tensor], Tensor]
    ) -> None:
        self.laws = laws
        self.steps = steps
        self.seeds = seeds
        self.place = place
        self.batch = 0
        self.rank, self.ranks = 0, 1
        self.blocks = Blocks(self.block)

    def block(self, number: int) -> dict[str, dict[str, Tensor]]:
        """What a block of iterations draws, by player and name."""
        return {
            player: {
                name: draw_block(law.draw, self.seeds, _stream(player, name), number, steps, self.batch)
                for name, law in meant_for(None if len(self.steps) == 1 else player, self.laws).items()
            }
            for player, steps in self.steps.items()
        }

    def iterations(self, start: int, count: int, batch: int) -> Iterator[dict[str, list[Batch]]]:
        """Of each iteration the draws of each player's steps, `(seeds, batch, dim)`; all lie in one block."""
        block, offset = divmod(start, BLOCK)
        if self.batch != batch * self.ranks:
            self.batch = batch * self.ranks
            self.blocks.forget()
        part = (slice(offset, offset + count), ..., slice(self.rank, None, self.ranks), slice(None))
        drawn = {
            player: {name: self.place(whole[part]) for name, whole in laws.items()}
            for player, laws in self.blocks(block).items()
        }
        for at in range(count):
            yield {
                player: list(unbound({name: whole[at] for name, whole in laws.items()}))
                for player, laws in drawn.items()
            }


def meant_for(player: str | None, laws: Mapping[str, Law]) -> dict[str, Law]:
    """The laws of what `player` is given, or None for any one, by their short names."""
    parts = [(name.rpartition("/"), law) for name, law in laws.items()]
    return {short: law for (owner, _, short), law in parts if player is None or owner in ("", player)}


def _stream(player: str, name: str) -> Purpose | str:
    return NUMBERED.get((player, name), f"{player}/{name}")
