"""The earlier run that a run stands on, `earlier=RUN`: a stage of two, a coarser level. Whether it is one that can be
stood on; looked at before torch is imported."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saddlegan.checks import ConfigError, shown
from saddlegan.folder import CONFIG, DamagedRun, read_result
from saddlegan.identity import difference, without

#: What the data of both may differ in: the size of images, and where files lie.
OWN = ("size", "root", "download")


def check_earlier(config: Mapping[str, Any]) -> None:
    """Whether a part of a player that is taken from an earlier run has one."""
    for player in ("generator", "discriminator"):
        node = config["model"].get(player)
        for name, part in node.items() if isinstance(node, Mapping) else ():
            if isinstance(part, Mapping) and part.get("run", "") is None:
                raise ConfigError(
                    f"earlier=null: got no run, expected the folder of one whose {part.get('player', player)} is this"
                    f" {player}'s {name} stage. Remedy: earlier=RUN."
                )


def check_stage(config: Mapping[str, Any]) -> None:
    """Raise `ConfigError` unless the configuration's earlier run, where it names one, has finished on the same data."""
    if config["earlier"] is None:
        return
    folder = Path(config["earlier"])
    try:
        result = read_result(folder)
    except DamagedRun as error:
        raise _refused(folder, f"a damaged run ({error})", "existing=repeat with its command") from None
    if result is None:
        if (folder / CONFIG).is_file():
            raise _refused(folder, "a run that has not ended", "its command once more, which goes on")
        raise _refused(folder, "no run", "earlier=RUN, a folder that a run of the stage before has written")
    if result["status"] != "finished":
        raise _refused(folder, f"a run that has {result['status']}", "another run, or other settings of it")
    data = [without(of["data"], OWN) for of in (result["config"], config)]
    if differs := difference(*data):
        raise _refused(folder, f"a run on other data (its own -> these):\n{differs}\n", "a run on these data")


def _refused(folder: Path, got: str, remedy: str) -> ConfigError:
    expected = "a finished run on the same data, of any size"
    return ConfigError(f"earlier={shown(str(folder), 200)}: got {got}, expected {expected}. Remedy: {remedy}.")
