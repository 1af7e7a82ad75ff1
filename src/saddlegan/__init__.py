"""GANs as saddle-point problems: see README.md. `compose`, `load`: see docs/python.md."""

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

#: A notebook names its own backend to the commands that it starts; where that is not installed here, matplotlib refuses
#: to be imported. Figures of the suite are files, for which none is needed.
backend = os.environ.get("MPLBACKEND", "")
if backend.startswith("module://") and find_spec(backend.removeprefix("module://").partition(".")[0]) is None:
    del os.environ["MPLBACKEND"]


def __getattr__(name: str) -> Any:
    """Torch is imported when one of these is asked for, and not before."""
    if name in ("compose", "load"):
        return getattr(import_module("saddlegan.interface"), name)
    raise AttributeError(f"module 'saddlegan' has no attribute '{name}'")
