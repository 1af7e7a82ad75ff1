"""What the tests share: configurations composed as the command line composes them, and runs of a few iterations."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from saddlegan import config as typed

CONF = Path(__file__).parents[1] / "conf"
METHODS = sorted(path.stem for path in (CONF / "method").glob("*.yaml"))

#: A run that takes a fraction of a second.
SMALL = (
    "num_seeds=3",
    "iterations=12",
    "batch_size=8",
    "evaluation.every=5",
    "evaluation.samples=64",
    "evaluation.figures=0",
)


def composed(*overrides: str) -> dict[str, Any]:
    """The resolved configuration of these overrides."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return typed.resolved(compose("config", list(overrides)))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Train a small run in a folder of its own: `run("method=gan", folder="a")`; the result as result.json holds it."""
    import torch

    from saddlegan.train import run as train

    torch.set_num_threads(1)  # tensors this small lose more to waiting threads than they gain

    def trained(*overrides: str, folder: str = "run") -> dict[str, Any]:
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        return train(composed(*SMALL, *overrides), path)

    return trained
