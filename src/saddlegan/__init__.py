"""GANs as saddle-point problems: see README.md. `compose`, `load`: see docs/python.md."""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """Torch is imported when one of these is asked for, and not before."""
    if name in ("compose", "load"):
        return getattr(import_module("saddlegan.interface"), name)
    raise AttributeError(f"module 'saddlegan' has no attribute '{name}'")
