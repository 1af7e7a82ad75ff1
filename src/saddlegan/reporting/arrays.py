"""A run's arrays: metrics.csv as curves, samples.npz as what pictures are drawn from."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from saddlegan.folder import METRICS, SAMPLES
from saddlegan.reporting.runs import UNREADABLE, Problem, Run

Arrays = Mapping[str, NDArray]
#: What reading an array of a run may raise.
BROKEN = (*UNREADABLE, KeyError, TypeError, AttributeError, RuntimeError)

#: Dimensions of the arrays of a toy, and of a run of grey images: `images` (n, height, width), `through` (frames, n,
#: height, width) at `iterations` (frames,), `interpolation` (lines, steps, height, width), `neighbours` (2, n, height,
#: width). Images in colour have one more, red, green and blue.
TOY = {"samples": 2, "support": 1}
#: Of a run in the plane: `points` (seeds, n, 2), `real` (n, 2), `modes` (k, 2), `std` (1,), `axis` (g,), `field`
#: (seeds, g, g), `through` (frames, seeds, n, 2) at `iterations` (frames,).
PLANE = {"points": 3, "real": 2, "modes": 2, "std": 1, "axis": 1, "field": 3, "through": 4, "iterations": 1}
#: Of text: `texts` (frames, n) at `iterations` (frames,); at the end `likeliest`, and beside them `independent` and
#: `real` (n,). Of a small table: `shares` (seeds, outcomes), `probabilities` and `names` (outcomes,). Of labels:
#: `confusion` (classes, said), in counts.
TEXT = {"texts": 2, "iterations": 1, "likeliest": 1, "independent": 1, "real": 1}
TABLE = {"shares": 2, "probabilities": 1, "names": 1}
KINDS = {"points": PLANE, "texts": TEXT, "shares": TABLE, "confusion": {"confusion": 2}}
#: What a conditional run of images adds: `classes` (rows, classes, height, width), `classes_through` (frames, classes,
#: height, width), where they have names `class_names` (classes,), and where labels may be shares of classes
#: `between_classes` (lines, steps, height, width).
#: Of captions: `captioned` (captions, stages, 1 + samples, height, width), the real image before the last stage, and
#: `captions` (captions,). Of a pyramid: `levels` (n, levels, height, width).
FURTHER = {"classes": 4, "classes_through": 4, "between_classes": 4, "captioned": 5, "levels": 4}
IMAGE = {"images": 3, "real": 3, "through": 4, "iterations": 1, "interpolation": 4, "neighbours": 4}


def read_curves(run: Run, metric: str) -> pd.DataFrame | Problem:
    """`metrics.csv` as a table of `metric`: a row per iteration, a column per seed; a `Problem` where two rows are the
    same iteration and seed."""
    try:
        with (run.folder / METRICS).open(encoding="utf-8") as stream:
            table = pd.read_csv(stream)
        return table.pivot(index="iteration", columns="seed", values=metric).astype(float)
    except BROKEN as error:
        return Problem("incomplete", run.name, f"metrics.csv gives no curve of {metric} ({_line(error)})")


def read_samples(run: Run) -> Arrays | Problem:
    """`samples.npz` of a toy, as float: `samples` (seeds, n), `support` (g,); `density`, `atoms`, `discriminator` where
    known; or the arrays of `PLANE`, `TEXT` or `TABLE`. Of an image run, as uint8: the arrays of `IMAGE`."""
    try:
        with (run.folder / SAMPLES).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        if "images" not in arrays:
            words = {key: array for key, array in arrays.items() if array.dtype.kind == "U"}
            arrays = {key: np.asarray(array, dtype=float) for key, array in arrays.items() if key not in words} | words
    except BROKEN as error:
        return Problem("incomplete", run.name, f"samples.npz cannot be read ({_line(error)})")
    other = next((expected for key, expected in KINDS.items() if key in arrays), TOY)
    fault = _fault_of_images(arrays) if "images" in arrays else _fault(arrays, other)
    return Problem("incomplete", run.name, f"samples.npz: {fault}") if fault else arrays


def _fault(arrays: Arrays, expected: Mapping[str, int]) -> str | None:
    """What is missing or of another shape than `expected`."""
    if missing := expected.keys() - arrays.keys():
        return f"got {', '.join(arrays) or 'nothing'}, expected also {', '.join(sorted(missing))}"
    for name, dimensions in expected.items():
        shape = arrays[name].shape
        if len(shape) != dimensions or 0 in shape:
            return f"{name!r}: got shape {shape}, expected {dimensions} axes, none of them empty"
    return None


def _fault_of_images(arrays: Arrays) -> str | None:
    size = arrays["images"].shape[1:]
    colours = size[2:] == (3,)
    known = IMAGE | {name: axes for name, axes in FURTHER.items() if name in arrays}
    if fault := _fault(arrays, {name: axes + (colours and name != "iterations") for name, axes in known.items()}):
        return fault
    for name in known.keys() - {"iterations"}:
        if arrays[name].dtype != np.uint8 or arrays[name].shape[-len(size) :] != size:
            return f"{name!r}: got {arrays[name].dtype} {arrays[name].shape}, expected uint8 of the size {size}"
    frames, times = len(arrays["through"]), arrays["iterations"]
    real = np.issubdtype(times.dtype, np.integer) or np.issubdtype(times.dtype, np.floating)
    if len(times) != frames or not real or not np.isfinite(times).all() or (np.diff(times, prepend=-1) <= 0).any():
        return (
            f"'iterations': got {times.dtype} {times.shape}, expected rising numbers, one for each of {frames} frames"
        )
    if len(arrays.get("classes_through", arrays["through"])) != frames:
        return f"'classes_through': got {len(arrays['classes_through'])} frames, expected {frames}, as in 'through'"
    if "class_names" in arrays and len(arrays["class_names"]) != arrays["classes"].shape[1]:
        return f"'class_names': got {len(arrays['class_names'])}, expected {arrays['classes'].shape[1]}"
    if len(arrays.get("captioned", ())) != len(arrays.get("captions", ())):
        return f"'captions': got {len(arrays.get('captions', ()))}, expected {len(arrays.get('captioned', ()))}"
    if len(arrays["neighbours"]) != 2:
        return f"'neighbours': got shape {arrays['neighbours'].shape}, expected (2, n, height, width)"
    return None


def _line(error: Exception) -> str:
    """The first line of an error, without the place of a file that is not there: the run is named beside it."""
    if isinstance(error, FileNotFoundError):
        return f"{type(error).__name__}: it is not there"
    return f"{type(error).__name__}: {error}".splitlines()[0]
