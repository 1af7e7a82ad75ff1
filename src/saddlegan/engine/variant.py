"""What makes a GAN the variant that it is: who moves, what the players minimise, what they are given.

A variant declares an `objective`, or overrides one hook; see `methods/`. What stays the same in all of them is in
`adversarial.py`. All tensors carry seeds as their first axis; losses reduce the last axis only.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

import lightning as L
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from saddlegan.batch import Batch, joined
from saddlegan.objectives import Objective
from saddlegan.random import Law

Samples = Float[Tensor, "seeds batch *shape"]
Logits = Float[Tensor, "seeds batch"]
Loss = Float[Tensor, "seeds"]
#: What a player minimises: a loss per seed, or the terms of which it is the sum, by name. A term whose name begins with
#: `_` is no part of the sum: it is passed to `after_step`, and not logged.
Losses = Loss | Mapping[str, Loss]
Optimizers = dict[str, Callable[..., Optimizer]]


class Turn(NamedTuple):
    """A player's move in an iteration: so many optimizer steps, one after the other."""

    player: str
    steps: int = 1


class Variant(L.LightningModule):
    """The hooks of a variant, and what they call. Its networks are attributes by the names of its players."""

    #: What the players minimise, where a variant does not say so in `<player>_loss`.
    objective: Objective
    #: What the networks are given besides latents and samples, by its name in the data's batches: `("label",)`; what
    #: the data give besides labels is added to it.
    conditions: tuple[str, ...] = ()
    #: What a variant draws of its own, per seed, player, name and iteration: in the batch of fake samples, by its name;
    #: for the steps of one player alone where the name is `player/name`. In place of a law, what makes one of a given
    #: `dim` stands for noise of a sample's size: `Uniform`, or `partial(Latent, law="normal")`.
    noise: Mapping[str, Law | Callable[..., Law]] = {}
    #: What the discriminator gives: `logits`, `reconstructions` of its input, or `logits and classes`, by name.
    judges_by: ClassVar[str] = "logits"
    #: {what `watch` shows: what figures call it}.
    watches: ClassVar[Mapping[str, str]] = {}
    #: Whether a loss is differentiated twice, which torch's compiler refuses.
    second_order: ClassVar[bool] = False
    generator: nn.Module
    discriminator: nn.Module
    #: The parameters that each player's steps move.
    players: Mapping[str, list[nn.Parameter]]
    num_critic_steps: int
    num_generator_steps: int
    optimizer_factories: Optimizers
    schedule: Callable[[Optimizer], LRScheduler] | None

    def turns(self) -> list[Turn]:
        """Who moves in an iteration, in order."""
        return [Turn("discriminator", self.num_critic_steps), Turn("generator", self.num_generator_steps)]

    def waits(self, player: str, iteration: int) -> bool:
        """Whether a player makes no step in this iteration, the first of which is 0, while the others move."""
        return False

    def make(self, generator: nn.Module, given: Batch) -> Batch:
        """The samples `x` of a generator, and whatever else it returns by name. `given` holds the latent, the noise of
        the variant, and its conditions."""
        made = generator(given["latent"], *(given[name] for name in self.conditions))
        return made if isinstance(made, Mapping) else {"x": made}

    def discriminator_loss(self, real: Batch, fake: Batch) -> Losses:
        """What the discriminator minimises. `fake` holds what was given to the generator and what it made, without
        gradients. Every player of another name has such a loss of its own, `<player>_loss`."""
        return self.objective.discriminator(*self.judge(real, fake))

    def generator_loss(self, real: Batch, fake: Batch) -> Losses:
        """What the generator minimises. `real` is the last minibatch that the discriminator saw."""
        return self.objective.generator(self.logits(fake))

    def after_step(self, player: str, terms: Mapping[str, Loss]) -> None:
        """Called after every step of a player, with the terms of its loss by name (`loss`, where it is one alone), e.g.
        to clip weights or to move a gain."""

    def score(self, batch: Batch) -> Logits:
        """What the discriminator says of each sample, to be looked at: D(x)."""
        return self.objective.output(self.logits(batch))

    def configure_optimizers(self) -> tuple[list[Optimizer], list[LRScheduler]]:
        """An optimizer per player, in the order of `players`, and their schedules, which move after each iteration."""
        optimizers = [self.optimizer_factories[player](parameters) for player, parameters in self.players.items()]
        return optimizers, [self.schedule(optimizer) for optimizer in optimizers if self.schedule]

    def advice(self, real: Samples) -> list[str]:
        """What a user should know before training starts, given some of the data."""
        return []

    def watch(self, real: Batch, fake: Batch) -> dict[str, Loss]:
        """What this variant shows of itself at each evaluation, per seed; `fake` carries gradients to the generator."""
        return {}

    def shows_itself(self) -> bool:
        """Whether this variant has a `watch` of its own."""
        return type(self).watch is not Variant.watch

    # What hooks call ------------------------------------------------------------------------------------------------

    def logits(self, batch: Batch) -> Logits:
        """The discriminator's, of a batch of samples."""
        return self.discriminator(batch["x"], *(batch[name] for name in self.conditions))

    def judge(self, real: Batch, fake: Batch, logits: Callable[[Batch], Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """The discriminator's logits of real and of fake samples, `(seeds, batch)` each, or what another function of a
        batch gives, `(seeds, batch, ...)`.

        In one pass where it declares that it judges each sample by itself (`per_sample`): where a layer looks across
        the batch, as batch normalisation does, real and fake samples together would be another batch.
        """
        logits = logits or self.logits
        if not getattr(self.discriminator, "per_sample", False):
            return logits(real), logits(fake)
        both = logits(joined([real, fake]))
        count = real["x"].shape[1]
        return both[:, :count], both[:, count:]
