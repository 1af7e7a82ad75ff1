"""The files of a data set: where they lie, and whether they are whole. Checked before torch is imported."""

import functools
import hashlib
import os
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from saddlegan.checks import ConfigError
from saddlegan.data import FEWEST, drawings, listing

__all__ = ["FEWEST", "check_files"]

#: torchvision's name of each set, and where it keeps the files; `digits` comes with scikit-learn and needs none.
KINDS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kmnist": "KMNIST", "cifar10": "CIFAR10"}
FOLDERS = {
    "mnist": "MNIST/raw",
    "fashion_mnist": "FashionMNIST/raw",
    "kmnist": "KMNIST/raw",
    "cifar10": "cifar-10-batches-py",
}
#: What has its files read by `drawings`.
EMOJI = "emoji"
#: Training images of each set.
TRAINING = {"mnist": 60_000, "fashion_mnist": 60_000, "kmnist": 60_000, "digits": 1348, "cifar10": 50_000}
#: Bytes of the four files, which the three sets of grey images share: a header, then a byte a pixel or a label.
SIZES = {
    "train-images-idx3-ubyte": 16 + 60_000 * 784,
    "train-labels-idx1-ubyte": 8 + 60_000,
    "t10k-images-idx3-ubyte": 16 + 10_000 * 784,
    "t10k-labels-idx1-ubyte": 8 + 10_000,
}
#: MD5 of MNIST's files as its authors published them. Of the other sets torchvision checks the archives on download.
MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
#: MD5 of CIFAR-10's files, pickles, which torchvision checks before it opens them, too.
CIFAR10_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
}


def check_files(data: dict[str, Any]) -> None:
    """Raise `ConfigError` where the configuration's `data` names files that are missing, unreadable, or altered.

    Missing files are no error where they may be downloaded; distributions and `digits` have none.
    """
    if data.get("name") in FOLDERS:
        _check_set(data["name"], data["root"], data["download"])
    if data.get("name") == EMOJI:
        drawings.read(data["root"])
    if data.get("folder") is not None:
        listing.of(data)
    if data.get("vectors") is not None:
        read_vectors(str(data["vectors"]), data["text_dim"])
    if data.get("file") is not None:
        _check_text(str(data["file"]))


def training_of(data: Mapping[str, Any]) -> int | None:
    """How many training images the configuration's `data` have; None where that is not known, or the files are not
    there, which `check_files` says."""
    with suppress(ConfigError):
        if data.get("name") == EMOJI:
            return drawings.training_scenes(data)
        if data.get("folder") is not None:
            return len(listing.of(data).train)
    return TRAINING.get(str(data.get("name")))


def without(data: Mapping[str, Any]) -> set[str]:
    """What could come along with such data, and does not with the files of these: `label`, `text`."""
    with suppress(ConfigError):
        if data.get("folder") is not None:
            return listing.of(data).without
    return set()


@functools.lru_cache(maxsize=2)
def read_vectors(file: str, dim: int) -> tuple[list[str], np.ndarray]:
    """The captions and the vectors `(n, dim)` of a .npz. Raises `ConfigError` where they cannot be used."""
    try:
        with np.load(Path(file).expanduser()) as opened:
            captions, vectors = opened["captions"], opened["vectors"]
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        fault, remedy = f"a file that cannot be read ({error})", "data.vectors=null fits vectors to the captions"
    else:
        remedy = "write them anew"
        if captions.dtype.kind != "U" or vectors.dtype.kind != "f" or vectors.shape[:-1] != captions.shape:
            fault = f"captions {captions.dtype} {captions.shape}, vectors {vectors.dtype} {vectors.shape}"
        elif vectors.shape[1:] != (dim,):
            fault = f"vectors of {vectors.shape[-1]} numbers with data.text_dim={dim}"
            remedy = f"data.text_dim={vectors.shape[-1]}"
        elif not (np.isfinite(vectors).all() and (np.abs(vectors).sum(1) > 0).all()):
            fault = "vectors that are 0 or not finite"
        else:
            return [str(caption) for caption in captions], vectors
    raise ConfigError(
        f"data.vectors={file}: got {fault}, expected a .npz with `captions`, texts (n,), and `vectors`, numbers"
        f" (n, {dim}). Remedy: {remedy}."
    )


def data_root(root: str) -> Path:
    """`data.root` as a path; `~` is the home folder."""
    return Path(root).expanduser()


def folder_of(name: str, root: str) -> Path:
    """Where torchvision keeps the raw files of a set."""
    return data_root(root) / FOLDERS[name]


def missing(name: str, root: str) -> list[str]:
    """The files that are not there. Raises `ConfigError` where the folder may not be read."""
    folder = folder_of(name, root)
    try:
        there = set(os.listdir(folder)) if folder.exists() else set()
    except OSError as error:
        raise _unreadable(folder, error) from None
    return [file for file in (CIFAR10_MD5 if name == "cifar10" else SIZES) if file not in there]


def no_data(name: str, root: str, why: str) -> ConfigError:
    """The error for a set that is not there and cannot be fetched."""
    folder = folder_of(name, root)
    return ConfigError(
        f"data.root={root}: got no {KINDS[name]} ({folder} lacks {', '.join(missing(name, root))}; {why})."
        f" Remedy: put its files into {folder}, or name the folder that holds {FOLDERS[name]} by data.root=DIR"
        " or SADDLEGAN_DATA; or run once with data.download=true where there is a network; data=digits needs neither."
    )


@functools.cache
def _check_text(file: str) -> None:
    path = Path(file).expanduser()
    try:
        with path.open("rb") as opened:
            opened.read(1)
    except OSError as error:
        raise ConfigError(
            f"data.file={file}: got {error.strerror or error}, expected a text file that can be read. Remedy: name one,"
            " data.file=PATH; scripts/prepare_text.py makes the one of the reference runs."
        ) from None


@functools.cache
def _check_set(name: str, root: str, download: bool) -> None:
    if missing(name, root):
        if not download:
            raise no_data(name, root, "data.download=false")
        return
    for file in CIFAR10_MD5 if name == "cifar10" else SIZES:
        path = folder_of(name, root) / file
        try:
            found = path.stat().st_size
            digest = hashlib.md5(path.read_bytes()).hexdigest()
        except OSError as error:
            raise _unreadable(path, error) from None
        known = {"mnist": MNIST_MD5, "cifar10": CIFAR10_MD5}.get(name)
        if found != SIZES.get(file, found):
            fault = f"got {found} bytes, expected {SIZES[file]}: it is truncated or another file"
        elif known and digest != known[file]:
            fault = f"got MD5 {digest}, expected {known[file]}: it was altered"
        elif not known and digest == MNIST_MD5[file]:
            fault = f"got the file of MNIST, expected that of {KINDS[name]}"
        else:
            continue
        raise ConfigError(f"{path}: {fault}. Remedy: delete it, and fetch it again (data.download=true).")


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{path}: got {error.strerror or error}, expected files that can be read."
        " Remedy: grant read rights, or name another folder by data.root=DIR."
    )
