"""What tells one run from another: the part of its configuration that decides its result, and its folder's name."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

#: The groups of which a run chooses one each.
GROUPS = ("method", "model", "data", "optimizer", "trainer")
#: Keys that do not change what a run computes: they may differ between a stored run and the one asked for.
NEUTRAL = (
    "report", "logger", "existing", "output_root", "checkpoint_seconds", "checkpoint_iterations", "data.root",
    "data.download", "evaluation._target_", "evaluation.metrics", "earlier",
)  # fmt: skip


#: Keys that came later, and what their absence from a stored run meant.
ADDED = {
    "ema_decay": 0.0,
    "evaluation.extractor": None,
    "trainer.channels_last": False,
    "method.space": "pixels",
    "method.extractor": None,
    "method.updates": "alternating",
    "method.early_critic_steps": 0,
    "method.labels": "own",
    "method.num_generator_steps": 1,
    "model.generator.initialisation": "torch",
    "model.discriminator.initialisation": "torch",
    "model.generator.output": "sigmoid",
    "model.discriminator.rescale": False,
}
#: Keys that came later and say what the first item of another one said.
SHARED = {"optimizer.beta1": "optimizer.generator.betas"}


#: Bytes that a file system takes in one name, and characters of a run's name that are not cut.
LONGEST, UNCUT = 255, 200


def run_name(override_dirname: str) -> str:
    """A run folder's name from its overrides: one path component of at most 200 characters and 255 bytes.

    What is cut off decides a hash at its end, so that two runs keep two names.
    """
    name = re.sub(r"[^\w=.,+-]+", "_", override_dirname) or "default"
    if len(name) <= UNCUT and len(name.encode()) <= LONGEST:
        return name
    ending = f"-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    return name[: UNCUT - 20].encode()[: LONGEST - len(ending)].decode(errors="ignore") + ending


def fingerprint(config: dict[str, Any]) -> dict[str, Any]:
    """What decides a run's result: the configuration without its neutral keys, flattened to dotted keys."""
    return without(config, NEUTRAL)


def without(config: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """A nested configuration as `{dotted key: leaf}`, without `keys` and what lies below them.

    Raises TypeError for anything else, such as what a damaged file holds.
    """
    if not isinstance(config, Mapping):
        raise TypeError(f"got a {type(config).__name__}, expected a configuration")
    dropped = tuple(f"{key}." for key in keys)
    return {key: leaf for key, leaf in flatten(config).items() if not f"{key}.".startswith(dropped)}


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """A nested dict as `{dotted key: leaf}`; lists are leaves."""
    if not isinstance(tree, Mapping):
        return {prefix: tree}
    return {
        key: leaf
        for name, branch in tree.items()
        for key, leaf in flatten(branch, f"{prefix}.{name}".lstrip(".")).items()
    }


def difference(stored: dict[str, Any], asked: dict[str, Any]) -> str:
    """Lines `key: stored -> asked` for what differs between two fingerprints; empty where nothing does."""
    keys = sorted(stored.keys() | asked.keys())
    absent = "(absent)"
    said = {key: stored[other][0] for key, other in SHARED.items() if stored.get(other)}
    before = ADDED | said | stored
    pairs = [(key, before.get(key, absent), asked.get(key, absent)) for key in keys]
    return "\n".join(f"  {key}: {old} -> {new}" for key, old, new in pairs if old != new)
