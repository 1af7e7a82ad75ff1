"""Samples of text through training, beside the n-grams' distances at that time."""

from collections.abc import Iterable, Sequence

import pandas as pd

from saddlegan.reporting.arrays import read_curves
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.pictures.selection import Shown
from saddlegan.reporting.tables import Escaped, escape, markdown

#: Moments of training that are printed, and samples at each.
MOMENTS, SAMPLES = 6, 3
#: Columns beside the samples.
BESIDE = ("ngram_js_1", "ngram_js_2", "ngram_js_3", "ngram_js_4", "known_words")
NOTE = (
    "*Samples of the same latents through training, none of them picked; then what is likeliest at each place at the "
    "end; characters drawn one by one as often as they occur; and real windows. ↵ is the end of a line, \ufffd a "
    "character outside of the vocabulary. JS: the Jensen-Shannon divergence of n-grams of characters from those of "
    "lines that are held out, in nats, at most log 2 = 0.693.*"
)


def through_training(experiment: Experiment, shown: Sequence[Shown]) -> list[str]:
    """Blocks of Markdown: a table per setting; none where no run left texts."""
    blocks = []
    for one in shown:
        if "texts" not in one.arrays:
            continue
        run = next(run for run in experiment.runs_of(one.setting) if one.seed in run.seeds)
        names = [name for name in BESIDE if name in experiment.facts]
        curves = {name: read_curves(run, name) for name in names}
        times, rows = one.arrays["iterations"].astype(int).tolist(), []
        for moment in sorted({round(k * (len(times) - 1) / (MOMENTS - 1)) for k in range(MOMENTS)}):
            values = (_at(curves[name], one.seed, times[moment]) for name in names)
            rows.append([times[moment], *values, printed(one.arrays["texts"][moment])])
        rows.append(["likeliest", *["–"] * len(names), printed(one.arrays["likeliest"])])
        for name, values in (("independent characters", run.result.independent), ("real", run.result.floors)):
            texts = printed(one.arrays[name.split()[0]])
            rows.append([name, *(_number(values.get(metric)) for metric in names), texts])
        headers = ["iteration", *(experiment.about(name).directed for name in names), "samples"]
        blocks += [f"Seed {one.seed} of {escape(one.setting)}:", markdown(headers, rows)]
    return ["### Text through training", *blocks, NOTE] if blocks else []


def printed(texts: Iterable[str]) -> Escaped:
    """Some texts, one below the other, spaces and ends of lines as they are."""
    words = (str(text).replace("\n", "↵").split(" ") for text in list(texts)[:SAMPLES])
    return Escaped("<br>".join(f"<code>{'&nbsp;'.join(map(escape, line))}</code>" for line in words))


def _at(curve: object, seed: int, iteration: int) -> str:
    """The value of a seed's curve at an iteration."""
    return _number(curve[seed].get(iteration)) if isinstance(curve, pd.DataFrame) and seed in curve else "–"


def _number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3g}"
