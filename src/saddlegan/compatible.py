"""Whether the parts of a configuration fit together: data and model, seeds and model, stops and evaluations."""

from typing import Any

from saddlegan.checks import Above, Annotated, ConfigError, check_value, nearest, shown
from saddlegan.data.files import TRAINING
from saddlegan.signatures import class_attribute

#: Images below which their metrics and pictures cannot be made.
FEWEST_IMAGES = 128


def check_compatible(config: dict[str, Any]) -> None:
    """Raise `ConfigError` for the first parts that do not fit; each by itself has passed `config.check`."""
    kind = class_attribute(config["data"]["_target_"], "samples")
    _check_kind(config, kind)
    if kind == "images":
        _check_images(config)
    _check_stops(config)
    _check_seeds(config)
    _check_metric(config)


def _check_kind(config: dict[str, Any], kind: str | None) -> None:
    """Whether the model's players take what the data are, vectors or images."""
    for player in ("generator", "discriminator"):
        target = config["model"][player]["_target_"]
        model = class_attribute(target, "samples")
        if kind and model and kind != model:
            others = "mlp" if kind == "vectors" else "mnist_conv, mnist_conv_literal or mnist_mlp"
            raise ConfigError(
                f"model.{player}: got {target}, which takes {model}, but {config['data']['_target_']} gives {kind}."
                f" Remedy: model={others}."
            )


def _check_images(config: dict[str, Any]) -> None:
    """Whether there are enough images to measure, and to fill a minibatch."""
    enough = Annotated[int, Above(FEWEST_IMAGES, inclusive=True)]
    check_value("evaluation.samples", enough, config["evaluation"]["samples"])
    total = TRAINING.get(config["data"].get("name"))
    if total is None:
        return
    if asked := config["data"]["train_images"]:
        check_value("data.train_images", Annotated[int, Above(FEWEST_IMAGES, inclusive=True, most=total)], asked)
    check_value("batch_size", Annotated[int, Above(0, most=asked or total)], config["batch_size"])


def _check_stops(config: dict[str, Any]) -> None:
    every, last = config["evaluation"]["every"], config["iterations"]
    unseen = [stop for stop in config["evaluation"]["stops"] if stop > last or (stop % every and stop != last)]
    if unseen:
        raise ConfigError(
            f"evaluation.stops={shown(str(unseen))}: got stops that no evaluation meets, expected multiples of"
            f" evaluation.every={every} up to iterations={last}. Remedy: drop them, e.g. evaluation.stops=[]."
        )


def _check_seeds(config: dict[str, Any]) -> None:
    if config["num_seeds"] == 1:
        return
    for player in ("generator", "discriminator"):
        target = config["model"][player]["_target_"]
        if not class_attribute(target, "stackable"):
            raise ConfigError(
                f"num_seeds={config['num_seeds']} needs a stackable model (mlp); {target} trains one seed per run:"
                " sweep seed=0,1,... with -m instead."
            )


def _check_metric(config: dict[str, Any]) -> None:
    """Whether the report's metric is one that is measured of these data."""
    metric, data = config["report"]["metric"], config["data"]["_target_"]
    metrics = class_attribute(data, "metrics")
    if metrics and metric not in metrics:
        raise ConfigError(
            f"report.metric={shown(metric)}: got a metric that {data} does not have, expected one of:"
            f" {', '.join(metrics)}.{nearest(metric, metrics)}"
        )
