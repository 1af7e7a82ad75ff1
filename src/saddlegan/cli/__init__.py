"""The command line: `saddlegan [experiment=NAME] [group=CHOICE ...] [key=value ...]`. Torch waits for training."""

import errno
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from saddlegan import provenance
from saddlegan.checks import ConfigError
from saddlegan.cli import arguments, sweeps
from saddlegan.cli.guard import Guard
from saddlegan.cli.loader import load_with_it
from saddlegan.config import schema
from saddlegan.config.earlier import check_stage
from saddlegan.config.explain import explain
from saddlegan.files import conf_folder
from saddlegan.folder import RESULT, DamagedRun, RunFailed, RunLost, claim_run, read_result, remove_if_new, write_json
from saddlegan.identity import GROUPS
from saddlegan.lock import HeldRun, hold
from saddlegan.resources import check_resources, with_found

#: Errors of a disk, which say nothing about the run: it is full, over its quota, failing, or may not be written.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)


def task(cfg: DictConfig) -> dict[str, Any] | float:
    """Train one run, unless it is finished.

    In a sweep a failure is returned, not raised, so that the sweep goes on: to our sweeper as a record, to any other as
    the number that it searches by (`sweeps.value_of`). What cannot be used is raised there too.
    """
    job = HydraConfig.get()
    tolerant = job.mode is RunMode.MULTIRUN and not sweeps.is_foreign(job)
    folder = Path(job.runtime.output_dir)
    config = schema.resolved(cfg)
    try:
        with hold(folder):
            result = claim_and_train(config, folder, job, tolerant)
    except (ConfigError, OSError, RunLost) as error:
        text = _disk(error) if isinstance(error, OSError) else str(error)
        if tolerant:
            return {"folder": str(folder), "status": "held" if isinstance(error, HeldRun) else "failed", "error": text}
        if job.mode is RunMode.MULTIRUN:  # of several that raise, Hydra shows the first
            print(f"refused: {folder}: {text}", file=sys.stderr)
        raise
    return conclude(result, config, folder, job)


def claim_and_train(config: dict[str, Any], folder: Path, job: Any, tolerant: bool) -> dict[str, Any]:
    """The result of the run in a folder that is held, trained now unless it is there already."""
    try:
        schema.check(config)
        config["data"] = with_found(config["data"])
        if config["existing"] == "repeat":  # before anything is thrown away
            check_needs(config)
        result = claim_run(folder, config, config["existing"])
        already = " already" if result else ""
        if not result:
            check_needs(config)
        result = result or train(config, folder, job)
    except ConfigError:
        if not tolerant:
            remove_if_new(folder)
        raise
    print(f"{result['status']}{already}: {folder}", flush=True)
    return result


def check_needs(config: dict[str, Any]) -> None:
    """Raise `ConfigError` where what a run needs besides its configuration is not there."""
    check_stage(config)
    check_resources(config)


def conclude(result: dict[str, Any], config: dict[str, Any], folder: Path, job: Any) -> dict[str, Any] | float:
    """What a job answers. Raises `RunFailed` where a run alone has failed."""
    if job.mode is RunMode.RUN and result["status"] == "failed":
        raise RunFailed(f"{result['error']}\n{folder / RESULT} holds this error; the same command repeats the run.")
    if job.mode is RunMode.RUN or not sweeps.is_foreign(job):
        return {"folder": str(folder), "status": result["status"], "error": result.get("error")}
    if result["status"] == "skipped":
        try:
            result = read_result(folder) or result
        except DamagedRun as error:
            print(f"saddlegan: warning: {error}", file=sys.stderr)
    return sweeps.value_of(result, config["report"]["metric"])


def train(config: dict[str, Any], folder: Path, job: Any) -> dict[str, Any]:
    """Train, and write result.json, whether it ends well or not."""
    origin = {
        "experiment": job.runtime.choices.get("experiment"),
        "command": " ".join(["saddlegan", *job.overrides.task]),
        "choices": {group: choice for group, choice in job.runtime.choices.items() if group in GROUPS},
    }
    try:
        from saddlegan.engine.train import run

        words = [word.lstrip("+").partition("=") for word in job.overrides.task]
        groups = {group: origin["choices"][group] for group in GROUPS if group in origin["choices"]}
        result = run(config, folder, chosen=groups | {key: value for key, _, value in words})
    except (ConfigError, RunLost):  # nothing was trained, or it goes on: the folder stays as it is
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK:  # without a result the same command goes on from here
            raise
        empty = {"final": {}, "last_fifth": {}, "stops": {}, "best": {}, "seconds": None, "iterations": 0}
        seeds = list(range(config["seed"], config["seed"] + config["num_seeds"]))
        result = {"status": "failed", **empty, "seeds": seeds, "error": traceback.format_exc(), "config": config}
    result = result | origin
    write_json(folder / RESULT, result)
    return result


def main() -> None:
    """Entry point of `saddlegan`. Exit status: 0; 1 where a run failed; 2 for a bad setting, or where another process
    holds a run; 130 when interrupted."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra then raises, and this module says what is wrong
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads of torch that wait let others run
    words = sys.argv[1:]
    if "--version" in words:
        print(", ".join(f"{name} {version}" for name, version in provenance.versions().items()))
        return
    try:
        line = arguments.read(words)
    except ConfigError as error:
        sys.exit(_say(str(error), 2))
    sys.argv[1:] = line.words
    Guard.sweep = None
    load_with_it()
    compose = hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")
    status = told(compose(task), line.settings, line.folders)
    if (folder := Guard.sweep) is not None and status != 130:  # whatever became of another sweeper's jobs
        status = max(status, told(lambda: sweeps.conclude(folder), (), ()))
    if status:
        sys.exit(status)


def told(call: Callable[[], Any], settings: Sequence[str], folders: Sequence[Path]) -> int:
    """Call, and say in a paragraph what went wrong; the exit status. A fault of the suite's own is raised."""
    try:
        call()
    except KeyboardInterrupt:
        return _say("interrupted. What is finished stays; the same command goes on from here.", 130)
    except (RunFailed, RunLost) as error:
        return _say(str(error), 1)
    except (ConfigError, HydraException, OmegaConfBaseException) as error:
        return _say(explain(error, settings, folders), 2)
    except OSError as error:
        return _say(_disk(error), 2)
    except Exception as error:
        if not _of_composing(error):
            raise
        return _say(explain(error, settings, folders), 2)
    return 0


def _of_composing(error: Exception) -> bool:
    """Whether Hydra raised it, or what it calls: then it is about what was asked for."""
    modules = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = ("saddlegan", "hydra_plugins.saddlegan_sweeper")
    last = [name for name in modules if name.startswith(("hydra", "omegaconf", *ours))][-1]
    return not last.startswith(ours)


def _disk(error: OSError) -> str:
    if error.errno in DISK:
        return f"{error}. Remedy: make room; the same command then goes on from the checkpoint. Nothing else is lost."
    return f"{error}. Remedy: choose a folder that can be written, output_root=DIR."


def _say(text: str, status: int) -> int:
    print(f"saddlegan: {text}", file=sys.stderr)
    return status
