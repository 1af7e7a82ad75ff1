"""How far training is: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from typing import Any

import lightning as L
from tqdm import tqdm

from saddlegan.evaluation.evaluate import Evaluate


class Progress(L.Callback):
    """Iterations per second, the median over seeds of the headline metric, and the time left; on standard error.

    Not on a terminal, a line every `seconds`; nothing where it is `silent`, as in all ranks but the first. `ended_by`:
    what broke training off, if anything did.
    """

    ended_by: BaseException | None = None

    def __init__(
        self,
        evaluate: Evaluate,
        iterations: int,
        metric: str,
        name: str,
        seconds: float = 15.0,
        silent: bool = False,
    ) -> None:
        self.evaluate = evaluate
        self.iterations = iterations
        self.metric = metric
        self.name = name
        self.seconds = float("inf") if silent else seconds
        self.silent = silent
        self.bar: tqdm | None = None

    def on_train_start(self, trainer: L.Trainer, module: Any) -> None:
        self.first = int(module.iteration)
        self.began = self.said = time.monotonic()
        if sys.stderr.isatty() and not self.silent:
            self.bar = tqdm(
                total=self.iterations, initial=self.first, desc=self.name, unit="it", dynamic_ncols=True, leave=False
            )

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        done, now = int(module.iteration), time.monotonic()
        if self.bar is not None:
            self.bar.set_postfix_str(self.headline(), refresh=False)
            self.bar.update(done - self.bar.n)
        elif now - self.said >= self.seconds:
            self.said = now
            rate = (done - self.first) / (now - self.began)
            left = (self.iterations - done) / rate
            print(
                f"{self.name}: {done}/{self.iterations} {rate:.0f} it/s {self.headline()} {left:.0f} s left",
                file=sys.stderr,
            )

    def headline(self) -> str:
        """The median over the seeds at the latest evaluation, of the report's metric or, without it, the data's own."""
        metric = self.metric if self.metric in self.evaluate.history[-1][1] else self.evaluate.headline
        return f"median {metric} {self.evaluate.median(metric):.3g}"

    def on_train_end(self, trainer: L.Trainer, module: Any) -> None:
        self.close()

    def on_exception(self, trainer: L.Trainer, module: Any, exception: BaseException) -> None:
        self.ended_by = exception
        self.close()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
