"""Whether each `_target_` of a configuration is given what its constructor takes, read without importing it."""

from typing import Any

from saddlegan.checks import ConfigError, Literal, check_value, nearest
from saddlegan.config.signatures import signature_of

#: Arguments that `build` supplies.
OF_METHODS = {"players", "latent", "optimizers", "seeds", "sizes", "given", "ema_decay", "schedule"}
OF_NETWORKS = {"in_features", "out_features", "shape", "conditions"}
SUPPLIED = OF_METHODS | OF_NETWORKS | {"params", "optimizer", "save_dir"}
#: What Hydra reads beside `_target_`.
HYDRA: dict[str, Any] = {
    "_target_": str,
    "_partial_": bool,
    "_recursive_": bool,
    "_convert_": Literal["none", "partial", "object", "all"],
}


def annotation_of(target: Any, name: str) -> Any:
    """What a class asks of an argument; None where that is not known (what is wrong with it `check` says)."""
    try:
        arguments = signature_of(target) if isinstance(target, str) else None
    except ConfigError:
        return None
    return arguments[name].annotation if arguments and name in arguments else None


def check_targets(node: Any, path: str) -> None:
    """Raise `ConfigError` for the first argument at or below `path` that cannot be used, is unknown, or is missing."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if not isinstance(node, dict):
        return
    if "_target_" in node:
        _check_call(node, path)
    for name, branch in node.items():
        check_targets(branch, f"{path}.{name}")


def _check_call(node: dict[str, Any], path: str) -> None:
    for name in HYDRA.keys() & node.keys():
        check_value(f"{path}.{name}", HYDRA[name], node[name])
    signature = signature_of(node["_target_"])
    if signature is None:  # a function of a library without a readable source: its own error must do
        return
    given = {name: value for name, value in node.items() if name not in HYDRA}
    for name, value in given.items():
        if name not in signature or name in SUPPLIED:
            valid = sorted(signature.keys() - SUPPLIED)
            raise ConfigError(
                f"{path}.{name}: got a key that {node['_target_']} does not take, expected one of: {', '.join(valid)}."
                + nearest(name, valid)
            )
        check_value(f"{path}.{name}", signature[name].annotation, value)
    missing = [name for name, arg in signature.items() if arg.required and name not in given and name not in SUPPLIED]
    if missing:
        raise ConfigError(f"{path}: {node['_target_']} needs {', '.join(missing)}. Remedy: set {path}.{missing[0]}=...")
