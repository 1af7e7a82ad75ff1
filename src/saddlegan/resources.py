"""What a run needs besides its configuration: data, an extractor's weights, a GPU, a compiler. Whether they are there.

Looked for without torch, which takes seconds to import.
"""

import ctypes
import importlib.util
import os
import re
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Any

from saddlegan.checks import ConfigError, shown
from saddlegan.data import listing
from saddlegan.data.files import check_files

#: The extractors' weights that come with the package, by the classes that they know; the first is measured with where
#: neither the configuration nor the data name another.
WEIGHTS = Path(__file__).parent / "weights"
SHIPPED = {"mnist": WEIGHTS / "mnist_classifier.safetensors", "emoji_groups": WEIGHTS / "emoji_classifier.safetensors"}


def check_resources(config: dict[str, Any], *, here: bool = True) -> None:
    """Raise `ConfigError` where files of a checked configuration are missing or damaged, or, with `here` (the runs are
    trained on this machine), there is no GPU or compiler that it asks for."""
    check_files(config["data"])
    for path, part in {config[part].get("extractor"): part for part in ("method", "evaluation")}.items():
        if isinstance(path, str):  # mostly one and the same
            check_extractor(f"{part}.extractor", path)
    if here:
        check_machine(config["trainer"])


def with_found(data: dict[str, Any]) -> dict[str, Any]:
    """The configuration's `data`, of a folder of one's own with what is in it."""
    if data.get("folder") is None:
        return data
    return {**data, "found": {"digest": listing.digest(data), **listing.found(data)._asdict()}}


def check_extractor(key: str, path: str) -> None:
    """Raise `ConfigError` unless the file holds weights of the shipped network, for images of its own shape and classes
    of its own number."""
    from safetensors import SafetensorError

    file = SHIPPED.get(path, Path(path).expanduser())
    try:
        found, shape = _shapes(file)
        expected = _shapes(SHIPPED["mnist"])[0] | _own(found, shape)
    except (OSError, SafetensorError, ValueError) as error:
        fault = f"a file that cannot be used ({shown(str(error))})"
    else:
        differing = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        if not differing:
            return
        name = differing[0]
        fault = f"weights of another network ({name}: {found.get(name, 'absent')}, not {expected.get(name, 'there')})"
    raise ConfigError(
        f"{key}={shown(path)}: got {fault}, expected weights that scripts/train_extractor.py wrote. Remedy: {key}=null."
    )


def _shapes(file: Path) -> tuple[dict[str, list[int]], list[int]]:
    """The shape of each tensor, and that of images, from the file's header."""
    from safetensors import safe_open

    with safe_open(file, "np") as opened:
        shape = (opened.metadata() or {}).get("shape", "1 28 28")
        return {name: opened.get_slice(name).get_shape() for name in opened.keys()}, list(map(int, shape.split()))  # noqa: SIM118


def _own(found: dict[str, list[int]], shape: list[int]) -> dict[str, list[int]]:
    """What the weights owe to the shape of images and to the number of classes."""
    channels, height, width = shape
    classes = found.get("head.bias", [10])
    if channels not in (1, 3) or min(height, width) < 8 or 0 in classes:
        raise ValueError(f"for images of shape {shape} in {classes} classes")
    return {
        "body.0.weight": [16, channels, 3, 3],
        "body.19.weight": [128, 64 * (height // 8) * (width // 8)],
        "head.weight": [*classes, 128],
        "head.bias": classes,
    }


def check_machine(trainer: dict[str, Any]) -> None:
    """Raise `ConfigError` where this machine has no GPU that `trainer` asks for, or no compiler."""
    if trainer["accelerator"] == "gpu" and (reason := without_cuda()):
        raise ConfigError(f"trainer.accelerator=gpu: got a machine without CUDA ({reason}). Remedy: trainer=cpu.")
    compiler = os.environ.get("CXX") or "g++"
    if trainer["compile"] is True and shutil.which(compiler) is None:
        raise ConfigError(
            f"trainer.compile=true: got a machine without the compiler {compiler}, which torch.compile calls. Remedy:"
            " install it, or trainer.compile=auto."
        )


@cache
def without_cuda() -> str:
    """Why torch will find no GPU here; empty where it may."""
    spec = importlib.util.find_spec("torch")
    version = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
    text = version.read_text() if version and version.is_file() else ""
    if re.search(r"^hip\b.*= '", text, re.MULTILINE):  # AMD's: torch itself must say
        return ""
    if re.search(r"^cuda\b.*= None", text, re.MULTILINE):
        return "the installed torch is built without it"
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return "there is no NVIDIA driver"
    count = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return "the NVIDIA driver finds no GPU"
    return ""
