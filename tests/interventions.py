"""What tests put into a run by its configuration, as users put in theirs: an optimizer that says when it steps."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch.optim import Adam

#: What is called before each step, with the optimizer; of one player or of both.
before_step: list[Callable[[Adam], None]] = []


class Watched(Adam):
    """Adam that says when it steps."""

    def step(self, closure=None):
        for call in before_step:
            call(self)
        return super().step(closure)


PLAYERS = ("generator", "discriminator")
#: Overrides that put it in.
WATCHED = {player: f"optimizer.{player}._target_=interventions.Watched" for player in PLAYERS}


@contextmanager
def calling(call: Callable[[Adam], None]) -> Iterator[None]:
    """Call before each step of the watched optimizers."""
    before_step.append(call)
    try:
        yield
    finally:
        before_step.remove(call)


@contextmanager
def interrupted_at(count: int) -> Iterator[str]:
    """Training is interrupted, as by Ctrl-C, in its `count`-th iteration, before the generator's step; under the
    override that this gives."""
    steps = 0

    def interrupt(_: Adam) -> None:
        nonlocal steps
        steps += 1
        if steps == count:
            raise KeyboardInterrupt

    with calling(interrupt):
        yield WATCHED["generator"]
