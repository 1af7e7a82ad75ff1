"""Lightning's trainer for one run: a process per device that reads and writes nothing outside the run folder, whatever
a cluster's or a launcher's variables say."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning as L
from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.callbacks import WeightAveraging
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from saddlegan.checks import ConfigError, shown
from saddlegan.engine.ranks import Replicas


class Ranks(LightningEnvironment):
    """This process and those that `ranks.together` started with it, also where SLURM, torchrun or MPI started them: of
    several equal ones each is a whole run.

    Without it Lightning saves into the current folder on SLURM's signal, loads what lies there, refuses a run on one
    device where SLURM_NTASKS is 2, and writes no logs where RANK is not 0.
    """

    def __init__(self, rank: int, count: int) -> None:
        super().__init__()
        self.set_world_size(count)
        self.set_global_rank(rank)

    @property
    def creates_processes_externally(self) -> bool:
        return self.world_size() > 1

    def local_rank(self) -> int:
        return self.global_rank()

    def node_rank(self) -> int:
        return 0

    def teardown(self) -> None:
        """Leave the variables as they are."""


def trainer_of(
    config: dict[str, Any],
    folder: Path,
    callbacks: Sequence[L.Callback],
    *,
    purge_step: int | None = None,
    rank: int = 0,
) -> L.Trainer:
    """The trainer of a run, or of the process `rank` of it, with `callbacks` and those of its configuration.

    A TensorBoard drops what an interrupted session wrote from `purge_step` on.
    """
    settings = config["trainer"]
    own = [made(node, f"callbacks.{name}", L.Callback) for name, node in config["callbacks"].items()]
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    rank_zero_only.rank = rank  # Lightning reads RANK and SLURM_PROCID when it is imported
    with _hidden("PL_TRAINER_"):  # variables that would replace arguments which are not given here
        return L.Trainer(
            accelerator=settings["accelerator"],
            devices=settings["devices"],
            precision=settings["precision"],
            strategy=Replicas() if settings["devices"] > 1 else "auto",
            plugins=[Ranks(rank, settings["devices"])],
            use_distributed_sampler=False,
            default_root_dir=folder,
            max_epochs=-1,
            max_steps=config["iterations"],
            logger=loggers(config["logger"], folder, purge_step) if rank == 0 else False,
            callbacks=[*callbacks, *own],
            enable_progress_bar=False,
            enable_model_summary=False,
        )


def loggers(nodes: dict[str, Any] | None, folder: Path, purge_step: int | None) -> list[Logger]:
    """Those that the configuration's `logger` names, each writing into `folder`."""
    found = []
    for name, node in (nodes or {}).items():
        own = {"save_dir": str(folder)}
        kind = get_object(node["_target_"])
        if isinstance(kind, type) and issubclass(kind, TensorBoardLogger):
            own |= {"purge_step": purge_step}
        found.append(made(node, f"logger.{name}", Logger, **own))
    return found


def made(node: dict[str, Any], key: str, kind: type, **own: Any) -> Any:
    """What a node of the configuration names. Raises `ConfigError` where it is not of this kind, or cannot be made."""
    try:
        found = instantiate(node, **own, _convert_="all")
    except InstantiationException as error:
        said = shown(str(error.__cause__), 300)
        raise ConfigError(f"{key}: got arguments that {node['_target_']} refuses: {said}") from None
    if not isinstance(found, kind):
        raise ConfigError(f"{key}: got a {type(found).__name__}, expected a {kind.__name__} of Lightning.")
    return found


@contextmanager
def _hidden(prefix: str) -> Iterator[None]:
    """Take variables with this prefix out of the environment for a while."""
    taken = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(prefix)}
    try:
        yield
    finally:
        os.environ.update(taken)


def refuse(trainer: L.Trainer, iterations: int | None) -> None:
    """Raise `ConfigError` for what a trainer, also a user's own, would do to a run without a word; `iterations`: those
    of its data, where they have an end."""
    if trainer.world_size > 1 and not isinstance(trainer.strategy, Replicas):
        raise ConfigError(
            f"Trainer(devices=..., num_nodes=...): got {trainer.world_size} processes, expected one: their gradients"
            " would not be put together. Remedy: devices=1, or the command line with trainer.devices=2."
        )
    least = trainer.fit_loop.min_steps or 0
    if iterations is not None and least > iterations:
        raise ConfigError(f"Trainer(min_steps={least}): got more than the {iterations} iterations of the data.")
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, WeightAveraging):
            raise ConfigError(
                f"{type(callback).__name__}: got a callback that averages weights once per span of iterations, not once"
                " per iteration. Remedy: ema_decay=0.999, which does."
            )
