"""Whether the parts of a configuration fit together: data and model, seeds and model, stops and evaluations."""

from typing import Any

from saddlegan.checks import Above, Annotated, ConfigError, check_value, nearest, shown
from saddlegan.config.measured import check_metrics, metrics_in
from saddlegan.config.signatures import class_attribute, gathered, signature_of
from saddlegan.data.files import FEWEST, training_of, without
from saddlegan.folder import CHECKPOINT

#: Models of images by what their discriminator gives.
JUDGES = {
    "logits": "mnist_conv",
    "reconstructions": "mnist_autoencoder",
    "logits and classes": "dcgan_classes",
}
#: Models by the condition that they take, where it is no label.
TAKING = {"image": "classifier", "text": "stackgan_1", "coarse": "lapgan_28 or lapgan_14"}
#: Models by what they take, and whether they give the logits of discrete values: for remedies.
MODELS = {
    ("vectors", False): "mlp or mlp_plane",
    ("tables", True): "mlp_discrete",
    ("images", False): "mnist_conv, mnist_conv_literal or mnist_mlp",
    ("images", True): "mnist_discrete",
    ("text", True): "text_conv",
    ("labels", True): "classifier",
}
#: Data that bring a condition along; what a folder of pictures without it lacks, and what brings it: for remedies.
BRINGING = {
    "label": "data=mnist or data=digits",
    "coarse": "data=pyramid or data=pyramid_digits",
    "text": "data=emoji, or data=images_folder with captions.csv",
}
LACKING = {
    "label": (" (its folder has no subfolders)", "put the pictures of each class into a subfolder"),
    "text": (" (its folder has no captions.csv)", "a captions.csv in it, with the columns file,caption"),
}


def check_compatible(config: dict[str, Any]) -> None:
    """Raise `ConfigError` for the first parts that do not fit; each by itself has passed `config.check`."""
    kind = class_attribute(config["data"]["_target_"], "samples")
    _check_values(config)
    _check_kind(config, kind)
    _check_given(config)
    _check_training(config)
    _check_devices(config)
    _check_evaluation(config)
    if kind == "images":
        _check_images(config)
    _check_stops(config)
    _check_seeds(config)
    _check_metric("report.metric", config["report"]["metric"], config)
    _check_schedule(config)
    _check_callbacks(config)


def _check_kind(config: dict[str, Any], kind: str | None) -> None:
    """Whether the model's players take what the data are, vectors or images."""
    for player in ("generator", "discriminator"):
        target = config["model"][player]["_target_"]
        model = class_attribute(target, "samples")
        if kind and model and kind != model:
            discrete = bool(class_attribute(config["data"]["_target_"], "discrete"))
            others = MODELS.get((kind, discrete), "another one")
            if class_attribute(config["method"]["_target_"], "judges_by") == "reconstructions":
                others = "mlp_autoencoder" if kind == "vectors" else "mnist_autoencoder"
            raise ConfigError(
                f"model.{player}: got {target}, which takes {model}, but {config['data']['_target_']} gives {kind}."
                f" Remedy: model={others}."
            )


def _check_given(config: dict[str, Any]) -> None:
    """Whether the networks are given the conditions that they take, and judge in the way that the method reads."""
    method, data = config["method"]["_target_"], config["data"]["_target_"]
    given = class_attribute(data, "given") or {}
    conditions = (*(class_attribute(method, "conditions") or ()), *given)
    along = (class_attribute(data, "sizes") or {}) | (class_attribute(data, "along") or {}) | given
    absent = without(config["data"])
    if missing := [name for name in conditions if name not in along or name in absent]:
        where, remedy = "", BRINGING.get(missing[0], "data=mnist or data=digits")
        if missing[0] in absent:
            where, remedy = LACKING.get(missing[0], (where, remedy))
        raise ConfigError(
            f"data: got {data}, which has no {missing[0]}{where}, but {method} gives it to its networks. Remedy:"
            f" {remedy}."
        )
    for player in ("generator", "discriminator"):
        target = config["model"][player]["_target_"]
        any_of_them = "conditions" in (signature_of(target) or {})
        takes = class_attribute(target, "takes") or (conditions if any_of_them else ())
        if any_of_them != bool(conditions) or set(takes) != set(conditions):
            has, wants = (", ".join(names) for names in (conditions, takes or ("label",)))
            needed = f"{has}, which it does not take" if conditions else f"no {wants}, which it needs"
            named = "dcgan_classes" if class_attribute(method, "judges_by") == "logits and classes" else "mnist_cgan"
            remedy = TAKING.get(conditions[0], named) if conditions else "mlp, mnist_conv or mnist_mlp"
            raise ConfigError(f"model.{player}: got {target}; {method} gives it {needed}. Remedy: model={remedy}.")
    target = config["model"]["discriminator"]["_target_"]
    gives, reads = (class_attribute(of, "judges_by") or "logits" for of in (target, method))
    if gives != reads:
        images = class_attribute(data, "samples") == "images"
        remedy = JUDGES[reads] if images else "mlp_autoencoder" if reads == "reconstructions" else "mlp"
        remedy = "mnist_cgan or dcgan_conditional" if conditions and reads == "logits" else remedy
        raise ConfigError(
            f"model.discriminator: got {target}, which gives {gives}, but {method} reads {reads}."
            f" Remedy: model={remedy}."
        )


def _check_values(config: dict[str, Any]) -> None:
    """Whether data, network and method agree on discrete values: such a generator gives logits."""
    method, data, network = (of["_target_"] for of in (config["method"], config["data"], config["model"]["generator"]))
    discrete = bool(class_attribute(data, "discrete"))
    kind = class_attribute(data, "samples")
    if discrete != (class_attribute(method, "makes") == "logits"):
        gives, reads = ("discrete", "real") if discrete else ("real", "discrete")
        remedy = "method=bgan_discrete" if discrete else "data=bits, binarized_digits or binarized_mnist"
        raise ConfigError(
            f"method: got {method}, which is for {reads} values, but {data} gives {gives} ones. Remedy: {remedy}."
        )
    if (
        kind == "tables"
        and len(config["data"]["probabilities"]) != config["data"]["levels"] ** config["data"]["places"]
    ):
        raise ConfigError(
            f"data.probabilities: got {len(config['data']['probabilities'])}, expected one for each outcome of"
            f" data.places={config['data']['places']} with data.levels={config['data']['levels']}:"
            f" {config['data']['levels'] ** config['data']['places']}."
        )
    if discrete != (class_attribute(network, "makes") == "logits"):
        gives, wanted = ("samples", "logits") if discrete else ("logits", "samples")
        remedy = MODELS.get((str(kind), discrete), "another one")
        raise ConfigError(
            f"model.generator: got {network}, which gives {gives}, but {method} reads {wanted}. Remedy: model={remedy}."
        )


def _check_training(config: dict[str, Any]) -> None:
    """Whether the players can move at once, and their losses be compiled."""
    method = config["method"]
    once = {"minibatch": "reused", "num_critic_steps": 1, "num_generator_steps": 1}
    given = {name: method.get(name, value) for name, value in once.items()}  # else its class says
    if method.get("updates") == "simultaneous" and given != once:
        got, remedy = (" ".join(f"method.{name}={value}" for name, value in of.items()) for of in (given, once))
        raise ConfigError(
            f"method.updates=simultaneous: got {got}, expected that all players move once, on the same samples."
            f" Remedy: {remedy}."
        )
    early, steps = method.get("early_critic_steps", 0), method.get("num_critic_steps", 1)
    if early % steps:
        raise ConfigError(
            f"method.early_critic_steps={early}: got no multiple of method.num_critic_steps={steps}. Remedy:"
            f" {early - early % steps + steps}."
        )
    if method.get("weights") == "normalised" and method.get("num_samples") == 1:
        raise ConfigError(
            "method.num_samples=1: got one sample of each latent, expected two or more with method.weights=normalised:"
            " the only one has a weight of 1, whatever the discriminator says. Remedy: method.num_samples=20, or"
            " method.weights=basic."
        )
    if config["trainer"]["compile"] is True and class_attribute(method["_target_"], "second_order"):
        raise ConfigError(
            f"trainer.compile=true: got {method['_target_']}, whose loss is differentiated twice, which torch's"
            " compiler refuses. Remedy: trainer.compile=auto."
        )
    stacked = class_attribute(config["model"]["generator"]["_target_"], "stackable")
    precision = config["trainer"]["precision"]
    if config["trainer"]["compile"] is True and stacked and str(precision).endswith("mixed"):
        raise ConfigError(
            f"trainer.compile=true: got trainer.precision={precision}, expected 32-true or 64-true where networks carry"
            " their seeds side by side. Remedy: trainer.compile=auto."
        )


def _check_devices(config: dict[str, Any]) -> None:
    """Whether several devices can share one run: the rows of its minibatches. Seeds are shared out in other ways."""
    devices, size, seeds = config["trainer"]["devices"], config["batch_size"], config["num_seeds"]
    if devices > 1 and class_attribute(config["model"]["generator"]["_target_"], "stackable"):
        each = max(seeds // devices, 1)
        first = ",".join(str(config["seed"] + each * share) for share in range(min(devices, seeds)))
        raise ConfigError(
            f"trainer.devices={devices}: got networks that carry their seeds side by side, expected those of images."
            f" Remedy: share the seeds out, saddlegan -m seed={first} num_seeds={each} with hydra/launcher=cores or"
            " gpus: the report puts them together."
        )
    if size % devices:
        raise ConfigError(
            f"trainer.devices={devices}: got batch_size={size}, expected a multiple, since each device has as many"
            f" rows. Remedy: batch_size={size - size % devices or devices}."
        )


def _check_evaluation(config: dict[str, Any]) -> None:
    """Whether the evaluation is one, and its metrics can be computed by it."""
    target = config["evaluation"]["_target_"]
    offers = gathered(target, "offers")
    if not offers:
        raise ConfigError(
            f"evaluation._target_: got {shown(target)}, expected an Evaluate of saddlegan.evaluation. Remedy: name"
            " none, and the data do."
        )
    kind, data = class_attribute(config["data"]["_target_"], "samples"), config["data"]["_target_"]
    wanted, given = (class_attribute(of, "dim") for of in (target, data))
    if (kind and class_attribute(target, "kind") not in (None, kind)) or (wanted and given and wanted != given):
        raise ConfigError(
            f"evaluation: got {target}, which measures {_said(target, 'kind')}, but {data} gives"
            f" {_said(data, 'samples')}. Remedy: name none, and the data do."
        )
    network = config["model"]["discriminator"]["_target_"]
    if class_attribute(target, "represents") and not class_attribute(network, "represents"):
        raise ConfigError(
            f"model.discriminator: got {network}, expected one that shows its layers' activations of images alone,"
            f" which {target} measures. Remedy: model=dcgan, or evaluation=images."
        )
    check_metrics(config, offers)
    if "diverged" not in metrics_in(config):
        raise ConfigError("evaluation.metrics.diverged: got none, expected the metric that says which seeds are lost.")


def _said(target: str, kind: str) -> str:
    """What a class says of its samples: `vectors of 2 coordinates`."""
    dim = class_attribute(target, "dim")
    return f"{class_attribute(target, kind)}" + f" of {dim} coordinate{'s' * (dim != 1)}" * (dim is not None)


def _check_images(config: dict[str, Any]) -> None:
    """Whether there are enough images to measure, and to fill a minibatch."""
    enough = Annotated[int, Above(FEWEST, inclusive=True)]
    check_value("evaluation.samples", enough, config["evaluation"]["samples"])
    total = training_of(config["data"])
    if total is None:
        return
    if asked := config["data"].get("train_images"):
        check_value("data.train_images", Annotated[int, Above(FEWEST, inclusive=True, most=total)], asked)
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


def _check_metric(key: str, metric: Any, config: dict[str, Any]) -> None:
    """Whether a metric is one that is measured of these data."""
    players = (player for player in config["model"] if player != "latent")
    metrics = [*metrics_in(config), *(f"{player}_loss" for player in players)]
    if metric not in metrics:
        raise ConfigError(
            f"{key}={shown(str(metric))}: got a metric that is not measured of these data, expected one of:"
            f" {', '.join(metrics)}.{nearest(str(metric), metrics)}"
        )


def _check_schedule(config: dict[str, Any]) -> None:
    """Whether a schedule of rates goes by iterations, and as far as training."""
    schedule = config["optimizer"].get("schedule") or {}
    name = str(schedule.get("_target_")).rpartition(".")[2]
    if name == "ReduceLROnPlateau":
        raise ConfigError(
            f"optimizer.schedule._target_: got {name}, which goes by a metric, expected a schedule that goes by"
            " iterations. Remedy: optimizer/schedule=cosine, linear or exponential."
        )
    if name == "OneCycleLR" and isinstance(total := schedule.get("total_steps"), int) and total < config["iterations"]:
        raise ConfigError(
            f"optimizer.schedule.total_steps={total}: got fewer than iterations={config['iterations']}, expected as"
            " many. Remedy: optimizer.schedule.total_steps=${iterations}."
        )


def _check_callbacks(config: dict[str, Any]) -> None:
    """Whether callbacks look at metrics that there are, and leave the run's own checkpoint alone."""
    for name, node in config["callbacks"].items():
        if node.get("monitor") is not None and config["method"]["_target_"].startswith("saddlegan."):
            _check_metric(f"callbacks.{name}.monitor", node["monitor"], config)
        if node.get("save_last") and node.get("dirpath") is None:
            raise ConfigError(
                f"callbacks.{name}.save_last: got true, which would write over {CHECKPOINT}, from which the run goes"
                f" on. Remedy: drop it, or name a folder by callbacks.{name}.dirpath."
            )
