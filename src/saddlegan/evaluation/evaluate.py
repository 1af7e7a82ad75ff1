"""Metrics through training: metrics.csv, TensorBoard, and the summary that result.json holds. What is measured, and how
it is shown, is the data's own: `line`, `plane` and `images`."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import lightning as L
import numpy as np
import torch
from torch import Tensor

from saddlegan.batch import Batch, first
from saddlegan.checks import ConfigError, shown
from saddlegan.evaluation.board import log_scalars
from saddlegan.evaluation.gradients import layer_gradients
from saddlegan.evaluation.metrics import computed, metrics_of
from saddlegan.files import write_whole
from saddlegan.metrics import trajectory
from saddlegan.metrics.facts import When
from saddlegan.random import Purpose, draw_evaluation

Row = dict[str, list[float]]
Kind = TypeVar("Kind")
#: Samples per seed on which a variant is watched: a minibatch; and those of which D(x) is logged.
WATCHED, JUDGED = 64, 256


@dataclass(frozen=True)
class Conclusion:
    """What an evaluation adds at the end: further metrics, a value per seed, and further entries of result.json."""

    final: Row = field(default_factory=dict)
    entries: dict[str, Any] = field(default_factory=dict)


class Evaluate(L.Callback, ABC):
    """Evaluates every seed at iteration 0, every `every` iterations, and at the end, on `samples` fixed latents of it.

    `metrics` are those of the configuration, the headline first; `pictures` figures are shown through training. The
    history is part of the checkpoint, so that a run that goes on writes the same file as one that was never stopped.
    `path` is that of metrics.csv; None writes none. The median of each metric over the seeds is in
    `trainer.callback_metrics`, by its name: what early stopping and the like look at.
    """

    #: What the data must be, `vectors` or `images`; and of vectors the number of coordinates.
    kind: ClassVar[str]
    dim: ClassVar[int | None] = None
    #: What metrics may ask for by name, besides what the class's bases offer; `over` some evaluations also metrics
    #: themselves.
    offers: ClassVar[tuple[str, ...]] = ("layer_gradients",)
    #: Real samples and what comes along with them, each `(seeds, n, ...)`.
    real: Batch

    def __init__(
        self,
        *,
        metrics: Mapping[str, str | None],
        seeds: Sequence[int],
        iterations: int,
        every: int,
        samples: int,
        pictures: int,
        path: Path | None,
    ) -> None:
        self.metrics = metrics_of(metrics)
        #: The metric by which a seed is lost, or at its best: positive, lower is better, NaN where samples are not
        #: finite.
        self.headline = self.metrics[0].names[0]
        self.seeds = list(seeds)
        self.iterations = iterations
        self.every = every
        self.samples = samples
        self.picture_every = math.ceil(iterations / pictures) if pictures else 0
        self.path = path
        self.given: dict[str, Tensor] = {}
        #: What metrics through training may ask for besides what `offered` finds of samples.
        self.beside: dict[str, Any] = {}
        #: What metrics ask for of networks, at the last evaluation.
        self.networks: dict[str, np.ndarray] = {}
        self.history: list[tuple[int, Row]] = []

    # What the data decide --------------------------------------------------------------------------------------------

    @abstractmethod
    def offered(self, fake: Tensor) -> dict[str, Any]:
        """What metrics may ask for of samples `(seeds, n, *shape)`, by name."""

    def offered_over(self, diverged_above: float) -> dict[str, Any]:
        """What metrics over several evaluations may ask for besides the metrics in them."""
        return {}

    @abstractmethod
    def show(self, trainer: L.Trainer, module: Any, iteration: int, fake: Tensor) -> None:
        """Pictures for the loggers."""

    @abstractmethod
    def conclude(self, trainer: L.Trainer, module: Any, fake: Tensor, folder: Path, draw: bool) -> Conclusion:
        """Write samples.npz and, with `draw`, pictures; measure what is measured at the end alone."""

    def measure(self, fake: Tensor) -> dict[str, np.ndarray]:
        """The metrics of samples `(seeds, n, *shape)`, each `(seeds,)`; NaN for a seed that is not finite."""
        return {
            name: np.atleast_1d(value)
            for name, value in self.computed("through", self.offered(fake) | self.beside | self.networks).items()
        }

    def computed(self, when: When, offered: Mapping[str, Any]) -> dict[str, Any]:
        """Those of `when` for which all that they ask for is offered."""
        return computed(self.metrics, when, offered)

    # Hooks -----------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        kept = {name: torch.from_numpy(array) for name, array in self.networks.items()}
        return {"history": self.history} | ({"networks": kept} if kept else {})

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history = [(iteration, row) for iteration, row in state_dict["history"]]
        self.networks = {name: array.numpy() for name, array in state_dict.get("networks", {}).items()}

    def on_fit_start(self, trainer: L.Trainer, module: Any) -> None:
        if module.seeds != self.seeds or (self.history and self.history[-1][0] > int(module.iteration)):
            raise ConfigError(
                f"evaluation: got one of seeds {shown(str(self.seeds))} at iteration"
                f" {self.history[-1][0] if self.history else 0}, and a module of seeds {shown(str(module.seeds))} at"
                f" iteration {int(module.iteration)}. Remedy: evaluation(...) anew for each module."
            )
        if self.history:  # of the checkpoint: rows that were written after it are not part of this run
            self.rewrite()

    def on_train_start(self, trainer: L.Trainer, module: Any) -> None:
        if not self.history:
            self.evaluate(module)

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        if int(module.iteration) % self.every == 0 or int(module.iteration) == self.iterations:
            self.record(trainer, module)

    def on_train_end(self, trainer: L.Trainer, module: Any) -> None:
        if self.history[-1][0] != int(module.iteration):  # a callback, or the trainer, ended training before
            self.record(trainer, module)

    def record(self, trainer: L.Trainer, module: Any) -> None:
        """Evaluate, and show the new row: in metrics.csv, to the trainer's callbacks, and to its loggers."""
        iteration = int(module.iteration)
        fake = self.evaluate(module)
        row = self.history[-1][1]
        trainer.callback_metrics.update({name: torch.tensor(self.median(name)) for name in row})
        log_scalars(trainer, module, iteration, row, first(self.real, JUDGED), first({**self.given, "x": fake}, JUDGED))
        due = self.picture_every and iteration // self.picture_every > (iteration - self.every) // self.picture_every
        if due and trainer.loggers:
            self.show(trainer, module, iteration, fake)
        if not np.isfinite(self.history[-1][1][self.headline]).any():
            trainer.should_stop = True  # every seed has diverged, and none comes back from NaN

    # Evaluation ------------------------------------------------------------------------------------------------------

    def fakes(self, module: Any) -> Tensor:
        """Samples of the generator `(seeds, samples, *shape)`, at every iteration from the same latents, noise, and
        conditions, which are those of the real samples."""
        if not self.given:
            latent = draw_evaluation(module.latent.draw, self.seeds, self.samples, part=0)
            again = {c: self.of_each_sample(self.real[c], axis=1) for c in module.conditions}
            self.given = module.complete({"latent": latent} | again)
        return module(self.given)

    def of_each_sample(self, values: Tensor, axis: int = 0) -> Tensor:
        """What comes along with the real samples, in their order on `axis`: of each generated sample that of the real
        one whose conditions it is given. Real samples begin again where more are generated."""
        return values.index_select(axis, torch.arange(self.samples) % values.shape[axis])

    @torch.no_grad()
    def evaluate(self, module: Any) -> Tensor:
        """Append a row to the history: metrics, the players' mean losses since the last row, and what the variant
        shows of itself. Its samples."""
        fake = self.fakes(module)
        own = {loss_name(name): loss for name, loss in module.losses.take(len(self.seeds)).items()}
        real, given = first(self.real, WATCHED), first(self.given, WATCHED)
        own |= watched(module, real, given)
        if any("layer_gradients" in metric.asks for metric in self.metrics):
            self.networks = {"layer_gradients": layer_gradients(module, real, {**given, "x": fake[:, :WATCHED]})}
        values = self.measure(fake) | {name: each.cpu().numpy() for name, each in own.items()}
        self.append(int(module.iteration), {name: value.tolist() for name, value in values.items()})
        return fake

    def append(self, iteration: int, row: Row) -> None:
        """Add a row, to metrics.csv as well. All rows have the same columns in the same order; what one lacks is NaN: a
        loss has no terms before its player's first step."""
        known = self.history[0][1] if self.history else {}
        names, blank = dict.fromkeys([*known, *row]), [math.nan] * len(self.seeds)
        self.history.append((iteration, {name: row.get(name, blank) for name in names}))
        if len(names) > len(known):
            self.history = [(at, {name: values.get(name, blank) for name in names}) for at, values in self.history]
            self.rewrite()
        elif self.path is not None:
            with self.path.open("a") as file:
                file.write(self.lines(*self.history[-1]))

    def median(self, metric: str) -> float:
        """Median over the seeds that are finite, at the latest evaluation."""
        values = np.asarray(self.history[-1][1].get(metric, [math.nan]))
        return float(np.median(values[np.isfinite(values)])) if np.isfinite(values).any() else math.nan

    # metrics.csv -----------------------------------------------------------------------------------------------------

    def lines(self, iteration: int, row: Row) -> str:
        columns = zip(self.seeds, *row.values(), strict=True)
        return "".join(
            f"{iteration},{seed},{','.join(f'{value:.6g}' for value in values)}\n" for seed, *values in columns
        )

    def rewrite(self) -> None:
        """Write metrics.csv anew from the history, whole or not at all."""
        if self.path is None:
            return
        text = f"iteration,seed,{','.join(self.history[0][1])}\n" + "".join(self.lines(*row) for row in self.history)
        with write_whole(self.path) as partial:
            partial.write_text(text)

    # Summary ---------------------------------------------------------------------------------------------------------

    def summary(self, stop: int, diverged_above: float) -> dict[str, np.ndarray]:
        """Means over the last fifth of the first `stop` iterations, or of those that were reached, with the flags of
        these evaluations."""
        iterations = np.array([iteration for iteration, _ in self.history])
        tail = trajectory.last_fifth(iterations, min(stop, int(iterations[-1])))
        rows = [row for (_, row), inside in zip(self.history, tail, strict=True) if inside]
        series = {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}
        over = self.computed("over", series | self.offered_over(diverged_above))
        return {name: values.mean(0) for name, values in series.items()} | over

    def best(self) -> Row:
        """Each seed's metrics at the evaluation where its headline metric was least, and that iteration."""
        values = np.array([row[self.headline] for _, row in self.history], dtype=float)
        at = np.where(np.isfinite(values), values, np.inf).argmin(0)
        best = {name: [self.history[k][1][name][s] for s, k in enumerate(at)] for name in self.history[0][1]}
        return best | {"iteration": [float(self.history[k][0]) for k in at]}


def loss_name(name: str) -> str:
    """A loss as metrics.csv names it: `generator_loss`, and of its terms `generator_loss/term`."""
    player, _, term = name.partition("/")
    return f"{player}_loss" + f"/{term}" * bool(term)


def watched(module: Any, real: Batch, given: Batch) -> dict[str, Tensor]:
    """What the variant shows of itself on real samples and on what it makes of `given`, each `(seeds,)`: without
    dropout, or always with the same where the generator keeps it in samples, and uncompiled. Nothing that training uses
    is moved. A variant that shows nothing is not asked."""
    if not module.shows_itself():
        return {}
    training = module.training
    module.eval()
    with module.mask_stream(Purpose.EVALUATION, 3), torch.enable_grad(), torch.compiler.set_stance("force_eager"):
        real, given = module.placed(real), module.placed(given)
        found = module.watch(real, {**given, **module.make(module.generator, given)})
    module.train(training)
    return {name: values.detach() for name, values in found.items()}


def law_of(distribution: object, kind: type[Kind]) -> Kind:
    """A distribution that is of the kind that an evaluation measures. Raises `ConfigError` where it is not."""
    if not isinstance(distribution, kind):
        raise ConfigError(
            f"data: got a {type(distribution).__name__}, expected a {kind.__name__} for this evaluation. Remedy: derive"
            f" it from {kind.__module__}.{kind.__name__}, or name another evaluation in the data's YAML."
        )
    return distribution
