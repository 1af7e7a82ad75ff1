"""The alternation that every GAN shares: k discriminator steps, then one generator step, in manual optimization.

A variant declares what the players minimise (`objective`) or overrides one hook; see `methods/`. All tensors carry
seeds as their first axis. Losses are summed over seeds before `backward`, which keeps the seeds' gradients apart, so
that one optimizer over stacked parameters is as many independent optimizers.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import lightning as L
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from saddlegan.checks import ConfigError, Decay, Literal, PositiveInt, checked
from saddlegan.data.spans import Span, Spans, minibatch
from saddlegan.losses import MeanLosses
from saddlegan.metrics.oracles import optimal_discriminator_error
from saddlegan.objectives import Objective
from saddlegan.random import BLOCK, Latent, Purpose, draw_block, draw_evaluation, torch_stream
from saddlegan.trainer import refuse

Samples = Float[Tensor, "seeds batch *shape"]
Logits = Float[Tensor, "seeds batch"]
Loss = Float[Tensor, "seeds"]
#: Samples that are made at once for evaluation.
CHUNK = 2000
PLAYERS = ("generator", "discriminator")

Optimizers = dict[str, Callable[..., Optimizer]]


class AdversarialModule(L.LightningModule):
    """Two players and their alternation. One iteration is one pass of the algorithm's outer loop.

    Args:
        generator: latents `(seeds, batch, latent)` to samples.
        discriminator: samples to raw logits `(seeds, batch)`.
        latent: the law of the generator's input.
        seeds: one per stacked copy of the networks.
        optimizers: `generator` and `discriminator`, each parameters -> Optimizer.
        num_critic_steps: k, the discriminator's steps an iteration.
        minibatch: `fresh` draws data and latents anew for each step (Goodfellow et al. 2014, Algorithm 1); `reused`
            draws them once an iteration, for all its steps (Algorithm 1 of the reproduced paper).
        ema_decay: samples come from an exponential average of the generator's weights with this decay; 0: from the
            generator itself. Training does not see the average.
        schedule: optimizer -> its learning-rate schedule, the same for both players, stepped once an iteration; None:
            constant rates.

    Raises:
        ConfigError: where an argument is out of its range.
    """

    objective: Objective
    iteration: Tensor
    #: The configuration that `build` made this from: it is part of a checkpoint, so that one can be loaded by itself.
    config: dict[str, Any] | None = None
    #: torch's threads while this is trained; they are put back when training ends. 0 leaves them as they are.
    threads = 0

    @checked
    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: nn.Module,
        latent: Latent,
        seeds: Sequence[int],
        optimizers: Optimizers,
        num_critic_steps: PositiveInt,
        minibatch: Literal["fresh", "reused"],
        ema_decay: Decay = 0.0,
        schedule: Callable[[Optimizer], LRScheduler] | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator = generator
        self.discriminator = discriminator
        self.latent = latent
        self.seeds = list(seeds)
        self.optimizer_factories = optimizers
        self.schedule = schedule
        self.num_critic_steps = num_critic_steps
        self.reuse = minibatch == "reused"
        self.register_buffer("iteration", torch.zeros((), dtype=torch.int64))
        self.players = {"generator": list(generator.parameters()), "discriminator": list(discriminator.parameters())}
        self.losses = MeanLosses(PLAYERS, len(seeds))
        self.average = AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(ema_decay)) if ema_decay else None
        self.stacked = getattr(generator, "stackable", False)
        self.held: tuple[int, int, list[Tensor]] = (-1, -1, [])  # the latents of a block of iterations

    # What a variant may override ------------------------------------------------------------------------------------

    def discriminator_loss(self, real: Samples, fake: Samples) -> Loss:
        """What the discriminator minimises. `fake` carries no gradient to the generator."""
        return self.objective.discriminator(*self.judge(real, fake))

    def generator_loss(self, real: Samples, fake: Samples) -> Loss:
        """What the generator minimises. `real` is the last minibatch that the discriminator saw."""
        return self.objective.generator(self.discriminator(fake))

    def after_discriminator_step(self) -> None:
        """Called after every step of the discriminator, e.g. to clip its weights."""

    def configure_optimizers(self) -> tuple[list[Optimizer], list[LRScheduler]]:
        """An optimizer per player, in the order of `PLAYERS`, and their schedules, which move after each iteration."""
        optimizers = [self.optimizer_factories[player](self.players[player]) for player in PLAYERS]
        return optimizers, [self.schedule(optimizer) for optimizer in optimizers if self.schedule]

    def advice(self, real: Samples) -> list[str]:
        """What a user should know before training starts, given some of the data."""
        return []

    def watch(self, real: Samples, fake: Samples) -> dict[str, Loss]:
        """What this variant shows of itself at each evaluation, per seed; `fake` carries gradients to the generator."""
        return {}

    def probes(self, real: Samples, fake: Samples) -> dict[str, Loss]:
        """Oracles that this variant must satisfy, measured per seed on a trained generator's samples, in float64."""
        return {"optimal_discriminator_error": optimal_discriminator_error(self.objective, real, fake)}

    # Checkpoints ----------------------------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["saddlegan"] = self.config

    @classmethod
    def load_from_checkpoint(cls, checkpoint_path: Any, **arguments: Any) -> "AdversarialModule":
        """The module of a checkpoint that was saved while a module of `build` was trained, on the CPU.

        Raises `ConfigError` for any other file, where its module is not of this class, and for other arguments: the
        checkpoint holds them.
        """
        from saddlegan.interface import load_checkpoint  # where modules are built, which needs this class

        if arguments:
            raise ConfigError(
                f"load_from_checkpoint: got {', '.join(arguments)}, expected a path alone: the checkpoint holds what"
                " the module is made of. Remedy: change the module that comes back, e.g. with .to('cuda')."
            )
        return load_checkpoint(checkpoint_path, kind=cls)

    # The engine -----------------------------------------------------------------------------------------------------

    @property
    def draws(self) -> int:
        """Minibatches of data (and of the discriminator's latents) that one iteration draws."""
        return 1 if self.reuse else self.num_critic_steps

    def on_train_epoch_end(self) -> None:
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        if isinstance(data, Spans) and int(self.iteration) >= data.iterations:
            self.trainer.should_stop = True  # whatever a trainer's max_epochs is

    def on_fit_start(self) -> None:
        data = getattr(self.trainer, "datamodule", None)
        refuse(self.trainer, data.iterations if isinstance(data, Spans) else None)
        self.held = (-1, -1, [])  # on another device, or in another precision, they were others
        self.train()
        if self.threads:
            self.threads_before = torch.get_num_threads()
            torch.set_num_threads(self.threads)

    def on_fit_end(self) -> None:
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
            x = self.place(minibatch(batch))
            data = x.expand(1, 1, len(self.seeds), *x.shape)
        start = int(self.iteration)
        schedules = [entry.scheduler for entry in self.trainer.lr_scheduler_configs]
        for step, (real, latents) in enumerate(zip(data, self.latents(start, len(data), data.shape[3]), strict=True)):
            with self.mask_stream(Purpose.DROPOUT, start + step):
                self.iterate(real, latents)
            if self.average is not None:
                self.average.update_parameters(self.generator)
            for schedule in schedules:
                schedule.step()  # type: ignore[call-arg]
        self.iteration += len(data)
        loop = self.trainer.fit_loop.epoch_loop
        loop.manual_optimization.optim_step_progress.total.completed = start + len(data)  # what global_step reads
        loop._batches_that_stepped = start + len(data) - 1  # the x of what users log; Lightning adds the last one

    def mask_stream(self, purpose: Purpose, number: int) -> AbstractContextManager[None]:
        """Where dropout's masks come from: in training by the iteration, in an evaluation, where a generator may keep
        them in samples, by its part. Stacked networks have none: torch's generator is one for all seeds."""
        return nullcontext() if self.stacked else torch_stream(self.seeds[0], purpose, number)

    def latents(self, start: int, count: int, batch: int) -> list[tuple[Tensor, Tensor | None]]:
        """A pair an iteration: the discriminator's latents `(draws, seeds, batch, dim)`, and the generator's."""
        block, offset = divmod(start, BLOCK)
        if self.held[:2] != (block, batch):
            draws = {Purpose.LATENT_DISCRIMINATOR: self.draws}
            if not self.reuse:
                draws[Purpose.LATENT_GENERATOR] = 1
            drawn = [
                self.place(draw_block(self.latent.draw, self.seeds, purpose, block, number, batch))
                for purpose, number in draws.items()
            ]
            self.held = (block, batch, drawn)
        discriminator, *generator = (whole[offset : offset + count] for whole in self.held[2])
        if not generator:
            return [(step, None) for step in discriminator]
        return list(zip(discriminator, generator[0][:, 0], strict=True))

    def iterate(self, real: Float[Tensor, "draws seeds batch *shape"], latents: tuple[Tensor, Tensor | None]) -> None:
        """One iteration. Where minibatches are reused, G(z) is computed once: the generator moves only at its end."""
        for_discriminator, for_generator = latents
        shared = self.generator(for_discriminator[0]) if for_generator is None else None
        for step in range(self.num_critic_steps):
            fake = shared.detach() if shared is not None else self.generate(for_discriminator[step])
            self.step("discriminator", self.discriminator_loss(real[step % len(real)], fake))
            self.after_discriminator_step()
        fake = shared if shared is not None else self.generator(for_generator)
        self.step("generator", self.generator_loss(real[-1], fake))

    def judge(self, real: Samples, fake: Samples) -> tuple[Logits, Logits]:
        """The discriminator's logits of real and of fake samples.

        In one pass where it declares that it judges each sample by itself (`per_sample`): where a layer looks across
        the batch, as batch normalisation does, real and fake samples together would be another batch.
        """
        if not getattr(self.discriminator, "per_sample", False):
            return self.discriminator(real), self.discriminator(fake)
        both = self.discriminator(torch.cat([real, fake], dim=1))
        return both[:, : real.shape[1]], both[:, real.shape[1] :]

    @torch.no_grad()
    def generate(self, latent: Float[Tensor, "seeds batch latent"]) -> Samples:
        """Samples without a graph."""
        return self.generator(latent)

    @torch.no_grad()
    def forward(self, latent: Tensor) -> Samples:
        """Samples of latents `(seeds, n, dim)` to look at, on the CPU: of the averaged generator, where one is kept,
        without training's dropout.

        The same latents give the same samples, also where the generator drops values from samples. For samples that
        carry gradients call `generator`. Raises `ConfigError` for latents of another shape.
        """
        if latent.dim() != 3 or len(latent) != len(self.seeds) or latent.shape[-1] != self.latent.dim:
            raise ConfigError(
                f"latents: got a tensor of shape {tuple(latent.shape)}, expected (seeds, n, dim) ="
                f" ({len(self.seeds)}, n, {self.latent.dim})."
            )
        sampler = self.generator if self.average is None else self.average
        training = sampler.training
        sampler.eval()
        masks = self.mask_stream(Purpose.EVALUATION, 2)
        with masks, torch.compiler.set_stance("force_eager"):  # other sizes would be compiled anew
            samples = torch.cat([sampler(self.place(part)).cpu() for part in latent.split(CHUNK, dim=1)], dim=1)
        sampler.train(training)
        return samples

    def sample(self, count: int) -> Samples:
        """`count` samples per seed, `(seeds, count, *shape)`: the first ones that evaluation measures."""
        return self(draw_evaluation(self.latent.draw, self.seeds, count, part=0))

    def place(self, x: Tensor) -> Tensor:
        """`x` on the device and in the type of the networks."""
        return x.to(self.device, self.dtype)  # type: ignore[arg-type]

    def step(self, player: str, loss: Loss) -> None:
        """One optimizer step of `player`. Gradients reach its parameters alone.

        Lightning's hooks around a backward pass and a step take as long as a toy's step does, and only a gradient
        scaler needs them: without one they are left out.
        """
        optimizer = self.optimizers()[player == "discriminator"]  # type: ignore[index]
        optimizer.zero_grad()
        if getattr(self.trainer.precision_plugin, "scaler", None) is None:
            with torch.autocast(self.device.type, enabled=False):  # each gradient has the precision of its forward
                loss.sum().backward(inputs=self.players[player])
            optimizer.optimizer.step()
        else:
            self.manual_backward(loss.sum(), inputs=self.players[player])
            optimizer.step()
        self.losses.add(player, loss.detach())
