"""The command line: `saddlegan [experiment=NAME] [group=CHOICE ...] [key=value ...]`. Torch waits for training."""

import errno
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from saddlegan import config as typed
from saddlegan.checks import ConfigError
from saddlegan.data.files import check_files
from saddlegan.explain import explain
from saddlegan.folder import RESULT, RunFailed, claim_run, remove_if_new, write_json
from saddlegan.identity import GROUPS
from saddlegan.lock import HeldRun, hold

#: Errors of a disk, which say nothing about the run: it is full, over its quota, failing, or may not be written.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)


def conf_folder() -> Path:
    """conf/ of the installed package, or of the checkout."""
    inside = Path(__file__).parent / "conf"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "conf"


def task(cfg: DictConfig) -> dict[str, Any]:
    """Train one run, unless it is finished. In a sweep a failure is returned, not raised, so that the sweep goes on."""
    job = HydraConfig.get()
    alone = job.mode is RunMode.RUN
    folder = Path(job.runtime.output_dir)
    config = typed.resolved(cfg)
    try:
        with hold(folder):
            result = claim_and_train(config, folder, job, alone)
    except (ConfigError, OSError) as error:
        if alone:
            raise
        text = _disk(error) if isinstance(error, OSError) else str(error)
        return {"folder": str(folder), "status": "held" if isinstance(error, HeldRun) else "failed", "error": text}
    if alone and result["status"] == "failed":
        raise RunFailed(f"{result['error']}\n{folder / RESULT} holds this error; the same command repeats the run.")
    return {"folder": str(folder), "status": result["status"], "error": result.get("error")}


def claim_and_train(config: dict[str, Any], folder: Path, job: Any, alone: bool) -> dict[str, Any]:
    """The result of the run in a folder that is held, trained now unless it is there already."""
    try:
        typed.check(config)
        if config["existing"] == "repeat":  # before anything is thrown away
            check_files(config["data"])
        result = claim_run(folder, config, config["existing"])
        already = " already" if result else ""
        if not result:
            check_files(config["data"])
        result = result or train(config, folder, job)
    except ConfigError:
        if alone:
            remove_if_new(folder)
        raise
    print(f"{result['status']}{already}: {folder}", flush=True)
    return result


def train(config: dict[str, Any], folder: Path, job: Any) -> dict[str, Any]:
    """Train, and write result.json, whether it ends well or not."""
    origin = {
        "experiment": job.runtime.choices.get("experiment"),
        "command": " ".join(["saddlegan", *job.overrides.task]),
        "choices": {group: choice for group, choice in job.runtime.choices.items() if group in GROUPS},
    }
    try:
        from saddlegan.train import run

        result = run(config, folder)
    except ConfigError:  # nothing was trained, and the folder stays as it is
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
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra then raises, and this function says what is wrong
    try:
        hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")(task)()
    except KeyboardInterrupt:
        sys.exit(_say("interrupted. What is finished stays; the same command goes on from here.", 130))
    except RunFailed as error:
        sys.exit(_say(str(error), 1))
    except (ConfigError, HydraException, OmegaConfBaseException) as error:
        sys.exit(_say(explain(error, sys.argv[1:], conf_folder()), 2))
    except OSError as error:
        sys.exit(_say(_disk(error), 2))


def _disk(error: OSError) -> str:
    if error.errno in DISK:
        return f"{error}. Remedy: make room; the same command then goes on from the checkpoint. Nothing else is lost."
    return f"{error}. Remedy: choose a folder that can be written, output_root=DIR."


def _say(text: str, status: int) -> int:
    print(f"saddlegan: {text}", file=sys.stderr)
    return status
