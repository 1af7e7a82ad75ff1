"""saddlegan in Python: a configuration from overrides, and a trained module back from its run folder or checkpoint.

`docs/python.md` shows them at work, with a Trainer of the user's own.
"""

import json
import pickle
from pathlib import Path
from typing import Any, TypeVar

import torch
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from saddlegan import config as typed
from saddlegan.adversarial import AdversarialModule
from saddlegan.build import module_of
from saddlegan.checks import ConfigError
from saddlegan.cli import conf_folder
from saddlegan.folder import CHECKPOINT, CONFIG, RESULT, DamagedRun

Module = TypeVar("Module", bound=AdversarialModule)


def compose(*overrides: str) -> dict[str, Any]:
    """The checked configuration of these overrides, written as on the command line: `compose("method=primal_dual")`.

    Raises `ConfigError` for a value that cannot be used, Hydra's errors for a key or a choice that does not exist.
    """
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = typed.resolved(hydra_compose("config", list(overrides)))
    typed.check(config)
    return config


def load(folder: str | Path) -> AdversarialModule:
    """The module of a run folder with the weights of its last checkpoint, on the CPU, in evaluation mode.

    `load(folder).sample(64)` draws, `load(folder)(latent)` maps latents `(seeds, n, dim)` to samples. Neither data nor
    the experiment's files are needed. Raises `DamagedRun` where the folder holds no whole run.
    """
    path = Path(folder).expanduser()
    file = next((path / name for name in (CONFIG, RESULT) if (path / name).is_file()), None)
    if file is None:
        raise DamagedRun(f"{path}: got no {CONFIG} and no {RESULT}, expected a run folder.")
    try:
        content = json.loads(file.read_text())
        config = content if file.name == CONFIG else content["config"]
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedRun(f"{file}: got a damaged file ({error}), expected a run's configuration.") from None
    return _with_weights(config, _read(path / CHECKPOINT), path / CHECKPOINT)


def load_checkpoint(path: str | Path, kind: type[Module]) -> Module:
    """The module of a checkpoint that Lightning saved of a module of `build`. Raises `ConfigError` for another file."""
    checkpoint = _read(Path(path))
    if not isinstance(checkpoint.get("saddlegan"), dict):
        raise ConfigError(
            f"{path}: got a checkpoint without a configuration, expected one of a module that saddlegan.build.build"
            " made. Remedy: build the module yourself, and give its load_state_dict the file's 'state_dict'."
        )
    module = _with_weights(checkpoint["saddlegan"], checkpoint, Path(path))
    if not isinstance(module, kind):
        raise ConfigError(f"{path}: got a {type(module).__name__}, expected a {kind.__name__}.")
    return module


def _read(path: Path) -> dict[str, Any]:
    """A checkpoint; no code of it is run."""
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError:
        raise DamagedRun(f"{path}: got no such file, expected the checkpoint of a run that was trained.") from None
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise DamagedRun(f"{path}: got a damaged checkpoint ({type(error).__name__}), expected a whole one.") from None


def _with_weights(config: dict[str, Any], checkpoint: dict[str, Any], path: Path) -> AdversarialModule:
    module = module_of(config)
    if config["trainer"]["precision"] == "64-true":
        module.double()
    try:
        module.load_state_dict(checkpoint["state_dict"])
    except (KeyError, RuntimeError) as error:
        raise DamagedRun(f"{path}: got weights that do not fit the run's configuration ({error}).") from None
    return module.eval()
