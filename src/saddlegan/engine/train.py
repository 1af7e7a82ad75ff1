"""One run: build, fit, evaluate, and the result as a dict."""

import ctypes
import os
import signal
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException

from saddlegan.checks import ConfigError, shown
from saddlegan.data.spans import Spans
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.engine.build import build, evaluation
from saddlegan.engine.checkpoint import TimedCheckpoint, mend
from saddlegan.engine.compiling import compile_players
from saddlegan.engine.outcome import finish
from saddlegan.engine.progress import Progress
from saddlegan.engine.ranks import together
from saddlegan.engine.stopping import StopAsked, obey
from saddlegan.engine.trainer import trainer_of
from saddlegan.evaluation.evaluate import Evaluate
from saddlegan.folder import CHECKPOINT
from saddlegan.provenance import commit, versions
from saddlegan.resources import check_machine

#: Real samples by which a method judges its settings before training.
ADVISED = 512


def run(config: dict[str, Any], folder: Path, chosen: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Train one run, going on from its checkpoint where there is one, with a process per device. The result lacks what
    the command line knows.

    `chosen`: choices and values that the user named, in words: loggers show them before the rest of the configuration.

    Raises `KeyboardInterrupt` when interrupted; what the checkpoint holds is kept.
    """
    check_machine(config["trainer"])
    count, given = config["trainer"]["devices"], (config, folder, chosen or {}, mend(folder, config))
    return trained(*given) if count == 1 else together(count, trained, *given)


def trained(
    config: dict[str, Any], folder: Path, chosen: Mapping[str, str], reached: int | None, rank: int = 0
) -> dict[str, Any]:
    """`run` in this process, the one `rank` of as many as there are devices, from the checkpoint of the iteration that
    was `reached`. Only the first one writes and reports."""
    torch.set_flush_denormal(True)  # a sure discriminator's gradients are denormal numbers, a third as fast on a CPU
    keep_freed_memory()
    module, data = build(config)
    if config["trainer"]["precision"] == "64-true":
        module.double()  # Lightning, which does it too, reads a checkpoint before
    compiled = compile_players(module, config)
    evaluate = evaluation(data, config, folder if rank == 0 else None)
    if rank == 0:
        seen = module.place(evaluate.real["x"][:, :ADVISED])
        for advice in (*module.advice(seen), *data.advice(module.conditions)):
            print(f"saddlegan: warning: {advice}", file=sys.stderr)
    trainer = fit(module, data, evaluate, config, folder, reached, rank)
    if rank:
        return {}
    callbacks = trainer.callbacks  # type: ignore[attr-defined]
    seconds = next(callback.elapsed for callback in callbacks if isinstance(callback, TimedCheckpoint))
    module.to(trainer.strategy.root_device)  # Lightning leaves it on the CPU
    return finish(module, evaluate, trainer, config, folder, chosen) | {
        "seconds": round(seconds, 3),
        "compiled": compiled and (not module.stacked or set(module.compiled) == set(module.players)),
        "device": f"{trainer.strategy.root_device}" + f" x {trainer.world_size}" * (trainer.world_size > 1),
        "versions": versions(),
        "commit": commit(),
        "config": config,
        "error": None,
    }


def keep_freed_memory() -> None:
    """Let the process keep what it frees. glibc hands large blocks back to Linux at once, and then each iteration of an
    image network on a CPU waits for thousands of fresh pages."""
    never_by_mmap, never_trim = (-4, 0), (-1, -1)  # M_MMAP_MAX, M_TRIM_THRESHOLD of malloc.h
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        for option in (never_by_mmap, never_trim):
            library.mallopt(*option)


def fit(
    module: AdversarialModule,
    data: Spans,
    evaluate: Evaluate,
    config: dict[str, Any],
    folder: Path,
    reached: int | None,
    rank: int,
) -> L.Trainer:
    """Run Lightning's trainer to the last iteration, from the one that was `reached`, if one was.

    Raises `KeyboardInterrupt` when a signal asked it to stop, RuntimeError where a callback or a network calls
    `sys.exit`, `ConfigError` where Lightning says that callbacks and loggers do not go together.
    """
    # Lightning's import sets it to 1, and each step of Adam then opens NVML.
    if config["trainer"]["accelerator"] == "cpu":
        os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"
    checkpoint = folder / CHECKPOINT
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress(evaluate, config["iterations"], config["report"]["metric"], folder.name, silent=rank > 0)
    timed = TimedCheckpoint(
        checkpoint,
        config["checkpoint_seconds"],
        config["iterations"],
        config["evaluation"]["every"],
        config["checkpoint_iterations"] or 0,
    )
    purge = None if reached is None else reached + 1
    trainer = trainer_of(config, folder, [evaluate, timed, progress], purge_step=purge, rank=rank)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")  # of loaders and resumed epochs: spans make both moot
            trainer.fit(module, datamodule=data, ckpt_path=None if reached is None else checkpoint, weights_only=True)
    except MisconfigurationException as error:
        raise ConfigError(f"callbacks, logger: got some that Lightning refuses: {shown(str(error), 300)}") from error
    except StopAsked as stop:
        obey(stop)
    except SystemExit as end:  # also Lightning's answer to Ctrl-C, which it switches off as well
        if isinstance(progress.ended_by, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.default_int_handler)
            raise KeyboardInterrupt from None
        raise RuntimeError(f"sys.exit({end.code!r}) was called while the run was training") from end
    return trainer
