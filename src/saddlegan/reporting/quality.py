"""Generated samples beside real ones, of images and in the plane: every metric of every setting."""

from collections.abc import Mapping, Sequence

from saddlegan.metrics.facts import ASSIGNED
from saddlegan.reporting.experiment import Experiment, floors_of
from saddlegan.reporting.measures import average
from saddlegan.reporting.runs import Run
from saddlegan.reporting.tables import escape, markdown, show

MEANS = (
    "*Means over seeds with 95 % intervals, which lie within each metric's range; ↑ higher is better, ↓ lower is better"
)
PLANE = MEANS + (
    ". Real data: other real samples in the place of generated ones, the best that can be hoped for. A mode is covered "
    "by one sample within three of its standard deviations, and such samples are of high quality. Samples per seed: {}"
    f", of which W1 takes {ASSIGNED}.*"
)
IMAGES = MEANS + (
    ", → 1 like real data. Of {} generated images per run against all test images. Real data: as many "
    "training images in the place of generated ones, against the same test images, the best that can be hoped for. "
    "{}Memorisation: the median distance of generated images to their nearest training image, over that of test "
    "images: 1 is like real data, far below 1 is memorising, far above 1 is off the data.*"
)
TEXT = MEANS + (
    ". Of {} generated windows per run against lines that are held out. Real data: as many windows of the training "
    "part, the best that can be hoped for.*"
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
    return ["### Beside real data", *blocks, *_notes(experiment)] if blocks else []


def _table(experiment: Experiment, settings: Sequence[str], metrics: Sequence[str]) -> str:
    rows = []
    for setting in settings:
        seeds = experiment.values(setting).size
        cells = []
        for metric in metrics:
            values = experiment.values(setting, metric)
            count, whole = int(values.count()), int(experiment.values(setting).count())  # of those that did not diverge
            cells.append(show(average(experiment.about(metric), values)) + f" of {count} seeds" * (0 < count < whole))
        rows.append([setting, seeds, *cells])
    for name, runs in experiment.on_real_data(settings).items():
        floors, label = floors_of(runs), name + " (train against test)" * any(run.extractor for run in runs)
        relative = {metric for metric in metrics if experiment.about(metric).better == "one" and runs[0].extractor}
        rows.append([label, "–", *("1" if metric in relative else _real(metric, floors) for metric in metrics)])
    return markdown(["setting", "seeds", *(experiment.about(metric).directed for metric in metrics)], rows)


def _real(metric: str, floors: Mapping[str, float]) -> str:
    return f"{floors[metric]:.3g}" if metric in floors else "–"


def _notes(experiment: Experiment) -> list[str]:
    """What the tables say of images, of text, and in the plane."""
    measured = [run for run in experiment.runs if run.result.floors]
    texts = [run for run in measured if run.result.independent]
    images, plane = (
        [run for run in measured if bool(run.extractor) == wanted and run not in texts] for wanted in (True, False)
    )
    trained_on = dict.fromkeys(run.result.extractor.described for run in images if run.result.extractor)
    features = FEATURES.format(escape(" and ".join(trained_on)))
    notes = [IMAGES.format(_samples(images), features)] if images else []
    notes += [TEXT.format(_samples(texts))] if texts else []
    return [*notes, PLANE.format(_samples(plane))] if plane else notes


def _samples(runs: Sequence[Run]) -> str:
    each = ((run.result.config.get("evaluation") or {}).get("samples", "?") for run in runs)
    return " or ".join(dict.fromkeys(map(str, each)))
