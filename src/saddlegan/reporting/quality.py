"""Generated samples beside real ones, of images and in the plane: every metric of every setting."""

from collections.abc import Mapping, Sequence

from saddlegan.reporting.experiment import Experiment, floors_of
from saddlegan.reporting.measures import average
from saddlegan.reporting.tables import escape, markdown, show

MEANS = (
    "*Means over seeds with 95 % intervals, which lie within each metric's range; ↑ higher is better, ↓ lower is better"
)
PLANE = MEANS + (
    ". Real data: other real samples in the place of generated ones, the best that can be hoped for. A mode is covered "
    "by one sample within three of its standard deviations, and such samples are of high quality; {} samples per seed.*"
)
IMAGES = MEANS + (
    ", → 1 like real data. Of {} generated images per run against all test images. Real data: as many "
    "training images in the place of generated ones, against the same test images, the best that can be hoped for. "
    "{}Memorisation: the median distance of generated images to their nearest training image, over that of test "
    "images: 1 is like real data, far below 1 is memorising, far above 1 is off the data.*"
)
FEATURES = (
    "Distances and scores are taken in the features of a classifier trained on {}, so they do not compare with those "
    "published for other networks. "
)


def beside_real(experiment: Experiment, settings: Sequence[str]) -> list[str]:
    """Blocks of Markdown: metrics over the last fifth, metrics at the last iteration, a note; none on the line,
    where the law itself is known."""
    settings = [setting for setting in settings if floors_of(experiment.runs_of(setting))]
    judged = [metric for metric, facts in experiment.facts.items() if facts.better != "none"]
    known = [m for m in judged if any(experiment.values(setting, m).notna().any() for setting in settings)]
    through = [metric for metric in known if f"final_{metric}" in experiment.table]
    halves = {
        "Means over the last fifth of training:": through,
        "At the last iteration:": [metric for metric in known if metric not in through],
    }
    blocks = [block for head, half in halves.items() if half for block in (head, _table(experiment, settings, half))]
    return ["### Beside real data", *blocks, _note(experiment)] if blocks else []


def _table(experiment: Experiment, settings: Sequence[str], metrics: Sequence[str]) -> str:
    rows = []
    for setting in settings:
        estimates = [average(experiment.about(metric), experiment.values(setting, metric)) for metric in metrics]
        rows.append([setting, experiment.values(setting).size, *map(show, estimates)])
    data = dict.fromkeys(experiment.configured(setting, "data") for setting in settings)
    for name in data:
        runs = [run for run in experiment.runs if run.choices.get("data") == name]
        floors = floors_of(runs)
        label = (
            "real data" + f" of {name}" * (len(data) > 1) + " (train against test)" * any(run.extractor for run in runs)
        )
        rows.append([label, "–", *(_real(experiment, metric, floors) for metric in metrics)])
    return markdown(["setting", "seeds", *(experiment.about(metric).directed for metric in metrics)], rows)


def _real(experiment: Experiment, metric: str, floors: Mapping[str, float]) -> str:
    """The value of real data: by definition where a metric is relative to it."""
    if experiment.about(metric).better == "one":
        return "1"
    return f"{floors[metric]:.3g}" if metric in floors else "–"


def _note(experiment: Experiment) -> str:
    evaluations = [run.result["config"].get("evaluation") or {} for run in experiment.runs]
    samples = dict.fromkeys(str(evaluation.get("samples", "?")) for evaluation in evaluations)
    records = [run.result.get("extractor") or {} for run in experiment.runs]
    trained_on = dict.fromkeys(str(record["dataset"]) for record in records if record.get("dataset"))
    if not any(records):
        return PLANE.format(" or ".join(samples))
    return IMAGES.format(" or ".join(samples), FEATURES.format(escape(" and ".join(trained_on))) if trained_on else "")
