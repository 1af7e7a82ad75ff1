"""What training draws besides its data: latents for each player, and a method's own noise, block by block."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from torch import Tensor

from saddlegan.batch import Batch, unbound
from saddlegan.random import BLOCK, Law, Purpose, draw_block

#: Streams that have a number; every other one has the name `player/what`.
NUMBERED = {
    ("discriminator", "latent"): Purpose.LATENT_DISCRIMINATOR,
    ("generator", "latent"): Purpose.LATENT_GENERATOR,
}


class Draws:
    """`laws`: what is drawn, by name; `steps`: how many draws an iteration takes, by player.

    A draw is a function of (seed, player, name, iteration), whatever spans training is cut into. `place` puts what a
    block of iterations draws where the networks are.
    """

    def __init__(
        self, laws: Mapping[str, Law], steps: Mapping[str, int], seeds: Sequence[int], place: Callable[[Tensor], Tensor]
    ) -> None:
        self.laws = laws
        self.steps = steps
        self.seeds = seeds
        self.place = place
        self.held: tuple[int, int] | None = None
        self.blocks: dict[str, dict[str, Tensor]] = {}

    def forget(self) -> None:
        """Draw anew, for networks that have moved to another device or precision."""
        self.held = None

    def iterations(self, start: int, count: int, batch: int) -> Iterator[dict[str, list[Batch]]]:
        """Of each iteration the draws of each player's steps, `(seeds, batch, dim)`; all lie in one block."""
        block, offset = divmod(start, BLOCK)
        if self.held != (block, batch):
            self.held = block, batch
            self.blocks = {
                player: {
                    name: self.place(draw_block(law.draw, self.seeds, _stream(player, name), block, number, batch))
                    for name, law in self.laws.items()
                }
                for player, number in self.steps.items()
            }
        for at in range(offset, offset + count):
            yield {
                player: list(unbound({name: whole[at] for name, whole in drawn.items()}))
                for player, drawn in self.blocks.items()
            }


def _stream(player: str, name: str) -> Purpose | str:
    return NUMBERED.get((player, name), f"{player}/{name}")
