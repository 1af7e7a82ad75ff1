"""The alternation that every GAN shares: its players move in turns, in manual optimization.

All tensors carry seeds as their first axis. Losses are summed over seeds before `backward`, which keeps the seeds'
gradients apart, so that one optimizer over stacked parameters is as many independent optimizers.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from saddlegan.batch import Batch, detached, each, minibatch, unbound
from saddlegan.checks import ConfigError, Decay, Literal, PositiveInt, checked
from saddlegan.data.spans import Span, Spans
from saddlegan.engine.draws import Draws
from saddlegan.engine.losses import MeanLosses, by_name, summed
from saddlegan.engine.ranks import average_statistics, averaged
from saddlegan.engine.sampling import Sampler
from saddlegan.engine.trainer import refuse
from saddlegan.engine.variant import Loss, Optimizers
from saddlegan.networks.dropout import rows_of
from saddlegan.random import Latent, Purpose, law_of

#: A player's step up to the optimizer, `(real, drawn) -> terms`; None where it proves not to be compiled.
CompiledStep = Callable[[Batch, Batch], dict[str, Loss] | None]


class AdversarialModule(Sampler):
    """Players and their alternation. One iteration is one pass of the algorithm's outer loop.

    Args:
        players: the networks by name. `generator` maps latents `(seeds, batch, latent)` to samples; `discriminator`
            maps samples to raw logits `(seeds, batch)`, unless a variant says otherwise.
        latent: the law of the generator's input.
        seeds: one per stacked copy of the networks.
        optimizers: by player, each parameters -> Optimizer.
        num_critic_steps: k, the discriminator's steps per iteration.
        num_generator_steps: the generator's, after them.
        minibatch: `fresh` draws data and latents anew for each step (Goodfellow et al. 2014, Algorithm 1); `reused`
            draws them once an iteration, for all its steps (Algorithm 1 of the reproduced paper).
        shape: of a sample, without the axes of seeds and of the batch.
        updates: `alternating`: each step sees what the one before it changed. `simultaneous`: all gradients are taken
            at the same weights, on the same samples, and then all players move, once each (the single step of Nowozin,
            Cseke & Tomioka 2016, arXiv:1606.00709, Algorithm 1).
        ema_decay: samples come from an exponential average of the generator's weights with this decay; 0: from the
            generator itself. Training does not see the average.
        schedule: optimizer -> its learning-rate schedule, the same for all players, stepped once an iteration; None:
            constant rates.
        sizes: of each of `conditions` that is a label, the number of its classes.
        given: what the data give to the networks besides labels, by name; conditions too, whatever the method.

    Raises:
        ConfigError: where an argument is out of its range; where simultaneous updates do not share their minibatch, or
            a player makes several steps.
    """

    iteration: Tensor
    #: The configuration that `build` made this from: it is part of a checkpoint, so that one can be loaded by itself.
    config: dict[str, Any] | None = None
    #: torch's threads while this is trained; they are put back when training ends. 0 leaves them as they are.
    threads = 0
    #: Whether a step of Lightning ends with the iteration at hand: a signal asked for it.
    halted = False
    #: The players whose steps are compiled.
    compiled: Mapping[str, CompiledStep] = {}

    @checked
    def __init__(
        self,
        *,
        players: Mapping[str, nn.Module],
        latent: Latent,
        seeds: Sequence[int],
        optimizers: Optimizers,
        num_critic_steps: PositiveInt,
        minibatch: Literal["fresh", "reused"],
        shape: Sequence[int],
        num_generator_steps: PositiveInt = 1,
        updates: Literal["alternating", "simultaneous"] = "alternating",
        ema_decay: Decay = 0.0,
        schedule: Callable[[Optimizer], LRScheduler] | None = None,
        sizes: Mapping[str, int] | None = None,
        given: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.conditions = tuple(dict.fromkeys((*self.conditions, *given)))
        self.automatic_optimization = False
        for player, network in players.items():
            self.add_module(player, network)
        self.latent = latent
        self.seeds = list(seeds)
        self.optimizer_factories = optimizers
        self.schedule = schedule
        self.num_critic_steps = num_critic_steps
        self.num_generator_steps = num_generator_steps
        self.reuse = minibatch == "reused"
        self.sizes = sizes or {}
        self.register_buffer("iteration", torch.zeros((), dtype=torch.int64))
        self.players = {player: trained(network.parameters()) for player, network in players.items()}
        self.losses = MeanLosses(players)
        generator = players["generator"]
        self.average = AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(ema_decay)) if ema_decay else None
        self.stacked = getattr(generator, "stackable", False)
        self.moves = [turn.player for turn in self.turns() for _ in range(turn.steps)]
        self.simultaneous = updates == "simultaneous"
        if self.simultaneous and not (self.reuse and len(set(self.moves)) == len(self.moves)):
            raise ConfigError(
                f"updates=simultaneous: got minibatch={minibatch} and the steps {', '.join(self.moves)}, expected"
                " reused and one step of each player. Remedy: updates=alternating."
            )
        steps = {"discriminator": 1} if self.reuse else Counter(self.moves)
        self.laws = {name: law_of(law, math.prod(shape)) for name, law in self.noise.items()}
        self.drawn = Draws({"latent": latent} | self.laws, steps, self.seeds, self.place)

    # Checkpoints ----------------------------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["saddlegan"] = self.config
        checkpoint["losses"] = self.losses.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.losses.load_state_dict(checkpoint["losses"])

    @classmethod
    def load_from_checkpoint(
        cls, checkpoint_path: Any, allow: Iterable[str] = (), **arguments: Any
    ) -> "AdversarialModule":
        """The module of a checkpoint that was saved while a module of `build` was trained, on the CPU.

        Raises `ConfigError` for any other file, where its module is not of this class, where it names code outside of
        this suite and of the packages in `allow`, and for other arguments: the checkpoint holds them.
        """
        from saddlegan.interface import load_checkpoint  # where modules are built, which needs this class

        if arguments:
            raise ConfigError(
                f"load_from_checkpoint: got {', '.join(arguments)}, expected a path alone: the checkpoint holds what"
                " the module is made of. Remedy: change the module that comes back, e.g. with .to('cuda')."
            )
        return load_checkpoint(checkpoint_path, kind=cls, allow=allow)

    # The engine -----------------------------------------------------------------------------------------------------

    @property
    def draws(self) -> int:
        """Minibatches of data that one iteration draws: one for each step of a player that is not the generator."""
        return 1 if self.reuse else max(sum(player != "generator" for player in self.moves), 1)

    @property
    def ranks(self) -> int:
        """Processes that train this module together, each on its rows of a minibatch."""
        return self.drawn.ranks

    def on_train_epoch_end(self) -> None:
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        if isinstance(data, Spans) and int(self.iteration) >= data.iterations:
            self.trainer.should_stop = True  # whatever a trainer's max_epochs is

    def on_fit_start(self) -> None:
        self.halted = False
        self.drawn.rank, self.drawn.ranks = self.trainer.global_rank, self.trainer.world_size
        data = getattr(self.trainer, "datamodule", None)
        refuse(self.trainer, data.iterations if isinstance(data, Spans) else None)
        self.drawn.blocks.last = data.last_block if isinstance(data, Spans) else None
        if self.simultaneous and self.scaled:
            raise ConfigError(
                "updates=simultaneous: got a trainer that scales gradients, expected one that does not: its scale moves"
                " with the first player's step. Remedy: precision bf16-mixed, or updates=alternating."
            )
        self.train()
        if self.threads:
            self.threads_before = torch.get_num_threads()
            torch.set_num_threads(self.threads)

    def on_fit_end(self) -> None:
        self.drawn.blocks.forget()
        if self.threads:
            torch.set_num_threads(self.threads_before)

    def training_step(self, batch: Any, index: int) -> None:
        """Run the iterations whose data `batch` holds: a `Span` of them, or, from a loader of the user's own, a
        minibatch for one iteration.

        Lightning's own loop costs as much as an iteration of a toy, so one of its steps is a span of iterations, which
        lie in one block of the streams. Its clock is moved here: `trainer.global_step` is the iteration.
        """
        if isinstance(batch, Span):
            data = batch.data
        else:
            data = each(lambda x: x.expand(1, 1, len(self.seeds), *x.shape), self.placed(minibatch(batch)))
        start, (count, _, _, size) = int(self.iteration), next(iter(data.values())).shape[:4]
        schedules = [entry.scheduler for entry in self.trainer.lr_scheduler_configs]
        drawn = self.drawn.iterations(start, count, size)
        for step, (real, given) in enumerate(zip(unbound(data), drawn, strict=True)):
            with self.mask_stream(Purpose.DROPOUT, start + step), rows_of(self.drawn.rank, self.ranks):
                self.iterate(start + step, list(unbound(real)), given)
            if self.average is not None:
                self.average.update_parameters(self.generator)
            for schedule in schedules:
                schedule.step()  # type: ignore[call-arg]
            if self.halted:
                count = step + 1
                break
        if self.ranks > 1:
            average_statistics(self, self.ranks)
        self.iteration += count
        loop = self.trainer.fit_loop.epoch_loop
        loop.manual_optimization.optim_step_progress.total.completed = start + count  # what global_step reads
        loop._batches_that_stepped = start + count - 1  # the x of what users log; Lightning adds the last one

    def halt(self) -> None:
        """End the step of Lightning that runs with the iteration at hand, and each later one after one iteration. One
        of several ranks goes on to its end, as the others do, which may not know of it."""
        self.halted = self.ranks == 1

    def iterate(self, iteration: int, real: Sequence[Batch], given: Mapping[str, Sequence[Batch]]) -> None:
        """One iteration, on the minibatches that it has of the data, and the draws of each player's steps. Where
        minibatches are reused, G(z) is computed once for all uncompiled steps until the generator moves."""
        taken, judged, shared, waiting = Counter(), 0, None, {}
        for player in self.moves:
            makes = player == "generator"
            data = real[-1] if makes else real[judged % len(real)]
            judged += not makes
            draws = given["discriminator"][0] if self.reuse else given[player][taken[player]]
            taken[player] += 1
            if self.waits(player, iteration):
                continue
            terms = self.compiled[player](data, draws) if player in self.compiled else None
            if terms is None:
                if self.reuse:
                    fake = shared = shared or self.fake(draws, data)
                else:
                    with torch.set_grad_enabled(makes):
                        fake = self.fake(draws, data)
                loss = getattr(self, f"{player}_loss")(data, fake if makes else detached(fake))
                terms = self.differentiate(player, by_name(loss))
            if self.ranks > 1:
                terms = averaged(self.players[player], terms, self.ranks)
            terms = self.losses.add(player, terms)
            if self.simultaneous:
                waiting[player] = terms
            else:
                self.step(player, terms)
                shared = None if makes else shared
        for player, terms in waiting.items():
            self.step(player, terms)

    def fake(self, draws: Batch, real: Batch) -> dict[str, Tensor]:
        """The batch of fake samples: what was drawn, the conditions of the real ones, and what the generator made."""
        given = {**draws, **{name: real[name] for name in self.conditions}}
        return {**given, **self.make(self.generator, given)}

    def differentiate(self, player: str, terms: dict[str, Loss]) -> dict[str, Loss]:
        """Put the gradient of `player`'s loss, the sum of `terms`, on its parameters, and on no others.

        Lightning's hooks around a backward pass and a step take as long as a toy's step does, and only a gradient
        scaler needs them: without one they are left out.
        """
        total = summed(terms).sum()
        for parameter in self.players[player]:
            parameter.grad = None  # as zero_grad does, whose call takes longer than a layer of a toy
        if self.scaled:
            self.manual_backward(total, inputs=self.players[player])
        else:
            with torch.autocast(self.device.type, enabled=False):  # each gradient has the precision of its forward
                total.backward(inputs=self.players[player])
        return terms

    def step(self, player: str, terms: Mapping[str, Loss]) -> None:
        """One optimizer step of `player`, whose gradients are there."""
        optimizer = self.optimizer_of(player)
        (optimizer if self.scaled else optimizer.optimizer).step()
        self.after_step(player, terms)

    def optimizer_of(self, player: str) -> LightningOptimizer:
        """Lightning's wrapper of the optimizer that moves `player`."""
        found = self.optimizers()
        return found[list(self.players).index(player)] if isinstance(found, list) else found  # type: ignore[return-value]

    @property
    def scaled(self) -> bool:
        """Whether Lightning scales gradients, as it does in half precision."""
        return getattr(self.trainer.precision_plugin, "scaler", None) is not None


def trained(parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    """Those that are not frozen."""
    return [parameter for parameter in parameters if parameter.requires_grad]
