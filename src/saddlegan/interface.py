"""saddlegan in Python: a configuration from overrides, and a trained module back from its run folder or checkpoint.

`docs/python.md` shows them at work, with a Trainer of the user's own.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from hydra import compose as hydra_compose
from hydra.utils import get_class, instantiate
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from saddlegan.checks import ConfigError, nearest, shown
from saddlegan.config import schema
from saddlegan.config.keys import composing
from saddlegan.config.trust import check_trusted
from saddlegan.data.images import Images
from saddlegan.data.plane import PlaneMixture
from saddlegan.data.tables import JointTable
from saddlegan.data.text import TextWindows
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.engine.build import module_of, players_of, samples_of
from saddlegan.engine.checkpoint import last_whole, read_checkpoint
from saddlegan.evaluation.images import pixels
from saddlegan.evaluation.line import density_panel
from saddlegan.evaluation.plane import plane_panel
from saddlegan.figures import ImagePanel, density_figure, image_figure, plane_figure, save_png, square
from saddlegan.figures.tables import shares_figure
from saddlegan.files import write_whole
from saddlegan.folder import CHECKPOINT, CONFIG, RESULT, DamagedRun, write_json
from saddlegan.provenance import commit, versions
from saddlegan.random import Latent

#: The files of an export.
WEIGHTS, DESCRIPTION = "generator.safetensors", "generator.json"
#: Of the description. Version 1 had no `samples`.
FORMAT = 2
Module = TypeVar("Module", bound=AdversarialModule)


def compose(*overrides: str) -> dict[str, Any]:
    """The checked configuration of these overrides, written as on the command line: `compose("method=primal_dual")`.

    Raises `ConfigError` for a value that cannot be used, Hydra's errors for a key or a choice that does not exist.
    """
    with composing():
        config = schema.resolved(hydra_compose("config", list(overrides)))
    schema.check(config)
    return config


def load(folder: str | Path, allow: Iterable[str] = ()) -> AdversarialModule:
    """The module of a run folder with the weights of its last checkpoint, on the CPU, in evaluation mode.

    `load(folder).sample(64)` draws, `load(folder)(latent)` maps latents `(seeds, n, dim)` to samples. Neither data nor
    the experiment's files are needed; of a run that stands on an earlier one (`earlier=RUN`), that one's folder, where
    it was. A folder from someone else runs none of its own code: classes outside of this suite are made where `allow`
    names their package alone. Raises `DamagedRun` where the folder holds no whole run,
    `ConfigError` where it names other code.
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
    check_trusted(config, str(file), allow)
    checkpoint, content = last_whole(path) or (path / CHECKPOINT, read_checkpoint(path / CHECKPOINT))
    return _with_weights(config, content, checkpoint)


def load_checkpoint(path: str | Path, kind: type[Module], allow: Iterable[str] = ()) -> Module:
    """The module of a checkpoint that Lightning saved of a module of `build`. Raises `ConfigError` for another file,
    and where it names code outside of this suite and of the packages in `allow`."""
    checkpoint = read_checkpoint(Path(path))
    if not isinstance(checkpoint.get("saddlegan"), dict):
        raise ConfigError(
            f"{path}: got a checkpoint without a configuration, expected one of a module that"
            " saddlegan.engine.build.build made. Remedy: build the module yourself, and give its load_state_dict the"
            " file's 'state_dict'."
        )
    check_trusted(checkpoint["saddlegan"], str(path), allow)
    module = _with_weights(checkpoint["saddlegan"], checkpoint, Path(path))
    if not isinstance(module, kind):
        raise ConfigError(f"{path}: got a {type(module).__name__}, expected a {kind.__name__}.")
    return module


def _with_weights(config: dict[str, Any], checkpoint: dict[str, Any], path: Path) -> AdversarialModule:
    try:
        module = module_of(config)
        weights = checkpoint["state_dict"]
        module.to(_precision(weights)).load_state_dict(weights)
    except (KeyError, TypeError, RuntimeError) as error:
        raise DamagedRun(f"{path}: got weights and a configuration that do not fit ({error!r}).") from None
    return module.eval()  # until it is trained again


def _precision(weights: Mapping[str, Tensor]) -> torch.dtype:
    """That of the weights, whatever they were asked to be: a trainer of the user's own has its own precision."""
    return next((tensor.dtype for tensor in weights.values() if tensor.is_floating_point()), torch.float32)


def is_text(module: AdversarialModule) -> bool:
    """Whether its samples are text."""
    return module.config is not None and issubclass(get_class(module.config["data"]["_target_"]), TextWindows)


def asked_for(
    module: AdversarialModule, count: int, label: int | str | None = None, caption: str | None = None
) -> dict[str, Tensor]:
    """The conditions of `count` samples per seed of one label, by its number or name, or of one caption, for
    `module.sample`.

    Raises `ConfigError` where the run's networks are given no labels, or no captions; for a label that is none of its
    classes, and for a caption none of whose words is known.
    """
    assert module.config is not None
    for name, value, given in (("label", label, "label"), ("caption", caption, "text")):
        if value is not None and given not in module.conditions:
            has = {"label": "label=0", "text": 'caption="..."'}
            can = " or ".join(has[condition] for condition in module.conditions if condition in has) or f"no {name}"
            raise ConfigError(
                f"{name}={shown(str(value))}: got a run whose networks are given no {name}, expected {can}."
            )
    found, seeds = {}, len(module.seeds)
    if label is not None:
        found["label"] = torch.full((seeds, count), label_of(module, label))
    if caption is not None:
        vectors = instantiate(module.config["data"], _convert_="all").encoder.asked(caption)
        found["text"] = torch.from_numpy(vectors).expand(seeds, count, -1)
    return found


def label_of(module: AdversarialModule, label: int | str) -> int:
    """The number of a class of a run's data, which may be named. Raises `ConfigError` for one that it has not."""
    assert module.config is not None
    names: list[str] = []
    with suppress(ConfigError):  # the folder is not there: its classes have no names
        names = get_class(module.config["data"]["_target_"]).class_names_of(module.config["data"])
    if label in names:
        return names.index(str(label))
    number = int(label) if str(label).isdecimal() else -1
    if not 0 <= number < module.sizes["label"]:
        known = "".join(f", {place} {name}" for place, name in enumerate(names))
        raise ConfigError(
            f"label={shown(str(label))}: got no class of these data, expected 0 to {module.sizes['label'] - 1}"
            f"{known}.{nearest(str(label), names)}"
        )
    return number


def save_samples(
    module: AdversarialModule, count: int, path: Path, conditions: Mapping[str, Tensor] | None = None
) -> None:
    """Draw `count` samples per seed into a .npz (`samples`, float32 `(seeds, count, *shape)`), as a picture, .png, or,
    of text, as lines of a .txt; those of some `conditions`, as of `asked_for`. Raises `ConfigError` for text as a
    picture, and for lines of anything else."""
    assert module.config is not None
    kind, samples = get_class(module.config["data"]["_target_"]), module.sample(count, **(conditions or {}))
    text = is_text(module)
    if path.suffix == ".npz":
        with write_whole(path) as partial:
            np.savez_compressed(partial, samples=samples.float().numpy())
    elif (path.suffix == ".txt") != text:
        other = ".txt" if text else ".png"
        raise ConfigError(
            f"output={path}: got a name that ends in {path.suffix}, expected {other} or .npz for this run."
        )
    elif issubclass(kind, Images):  # of one seed
        images = instantiate(module.config["data"], _convert_="all") if kind.own_colours else kind
        shown = square(pixels(images.pictures(samples[0])).numpy())
        save_png(image_figure([ImagePanel(f"{count} samples", shown)]), path)
    elif text:
        source = instantiate(module.config["data"], _convert_="all")
        with write_whole(path) as partial:
            lines = (text.replace("\n", "\u21b5") for text in source.texts(samples[0].argmax(1)))
            partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    else:
        law = instantiate(module.config["data"], _convert_="all")
        if isinstance(law, JointTable):
            save_png(
                shares_figure({f"{count} samples per seed": law.shares(samples.numpy())}, law.probabilities, law.names),
                path,
            )
        elif isinstance(law, PlaneMixture):
            panel = plane_panel(law, module, samples[0].numpy(), f"{count} samples of seed {module.seeds[0]}")
            save_png(plane_figure([panel]), path)
        else:
            panel = density_panel(law, samples[..., 0].numpy(), f"{count} samples per seed")
            save_png(density_figure([panel]), path)


def save_generator(module: AdversarialModule, folder: Path) -> Path:
    """Write generator.safetensors and generator.json into `folder`: what `load_generator` needs, and where it is from.

    The weights are those that samples come from: of the averaged generator, where one is kept. Raises `ConfigError` for
    a generator that is built on an earlier run's.
    """
    assert module.config is not None
    if _has_calls(module.config["model"]):
        raise ConfigError(
            "model.generator: got one that is built on the generator of an earlier run, expected one that stands alone."
            " Remedy: saddlegan-sample RUN draws its samples."
        )
    folder.mkdir(parents=True, exist_ok=True)
    sampler = module.generator if module.average is None else module.average.module
    tensors = {name: tensor.contiguous() for name, tensor in sampler.state_dict().items()}
    with write_whole(folder / WEIGHTS) as partial:
        save_file(tensors, partial)
    part = {key: module.config[key] for key in ("method", "model", "data", "seed", "num_seeds")}
    about = {"iteration": int(module.iteration), "versions": versions(), "commit": commit()}
    write_json(folder / DESCRIPTION, {"format": FORMAT, "samples": samples_of(module.config)} | about | part)
    return folder


def load_generator(folder: str | Path) -> tuple[nn.Module, Latent]:
    """The generator of an export, `(seeds, n, latent)` to samples, in evaluation mode, and the law of its latent.

    Weights are safetensors, and of the description only networks and latents of this package are made: a folder from
    someone else runs none of its own code. Raises `DamagedRun` where the folder holds no whole export, `ConfigError`
    where it names anything else.
    """
    path = Path(folder).expanduser()
    try:
        content = json.loads((path / DESCRIPTION).read_text())
        _check_description(content, path / DESCRIPTION)
        players, weights = players_of(content, **content["samples"]), load_file(path / WEIGHTS)
        generator = players["players"]["generator"].to(_precision(weights))
        generator.load_state_dict(weights)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        if isinstance(error, ConfigError):
            raise
        raise DamagedRun(f"{path}: got no whole export ({error}), expected what saddlegan-export writes.") from None
    return generator.eval(), players["latent"]


def _check_description(content: dict[str, Any], path: Path) -> None:
    """Raise `ConfigError` where `players_of` would make, import or call anything but parts of this package."""
    if content["format"] != FORMAT:
        raise ConfigError(
            f"{path}: got an export of format {shown(str(content['format']))}, expected {FORMAT}. Remedy:"
            " saddlegan-export RUN once more."
        )
    model = content["model"]
    allowed = ("saddlegan.networks.", "saddlegan.random.")
    for name, node in model.items():
        target, kind = str(node["_target_"]), Latent if name == "latent" else nn.Module
        found = get_class(target) if target.startswith(allowed) else None  # which may still name what a module imports
        if found is None or not issubclass(found, kind) or not f"{found.__module__}.".startswith(allowed):
            raise ConfigError(f"{path}: got {shown(target)}, expected a network or a latent of saddlegan.")
    if _has_calls(model):
        raise ConfigError(f"{path}: got calls inside of the model's parts, expected none.")


def _has_calls(model: Mapping[str, Any]) -> bool:
    """Whether anything is made inside of the model's parts."""
    text = json.dumps(model)
    return text.count('"_target_"') > len(model) or '"_args_"' in text
