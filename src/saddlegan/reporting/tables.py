"""Tables: one row per setting, with spread and absence, as data frames and as Markdown."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from saddlegan.reporting import fates, measures, paired, statistics
from saddlegan.reporting import settings as naming
from saddlegan.reporting.experiment import Experiment
from saddlegan.reporting.statistics import Estimate


def summary(experiment: Experiment) -> pd.DataFrame:
    """Per setting, at its last stop: seeds, `Estimate`s of median and mean, of the share converged where runs say so,
    diverged seeds."""
    says_converged = "converged" in experiment.table
    rows = []
    for setting in experiment.settings:
        values, converged = experiment.values(setting), experiment.values(setting, "converged")
        share = statistics.share(converged > 0) if converged.notna().any() else statistics.share([])
        rows.append(
            {
                "setting": setting,
                "iterations": experiment.stops(setting)[-1],
                "seeds": values.size,
                "median": statistics.median(values),
                "mean": measures.average(experiment.about(experiment.metric), values),
                **({"converged": share} if says_converged else {}),
                "diverged": int(values.isna().sum()),
            }
        )
    return pd.DataFrame(rows)


def comparisons(experiment: Experiment) -> pd.DataFrame:
    """Per setting that has a reference: ratio, share of seeds worse, Wilcoxon's p, Holm's p over all rows, outcome."""
    rows = []
    for setting, reference in experiment.pairs().items():
        found = paired.compare(
            experiment.values(setting), experiment.values(reference), higher_is_better=experiment.higher_is_better
        )
        rows.append({"setting": setting, "reference": reference} | vars(found))
    table = pd.DataFrame(rows, columns=["setting", "reference", "ratio", "worse", "sign", "p", "seeds"])
    table["p_holm"] = paired.holm(table["p"].to_numpy(dtype=float))
    sides = np.where(table["sign"] > 0, "worse", "better")
    table["outcome"] = np.where(table["p_holm"] < paired.SIGNIFICANT, sides, "undecided")
    return table


def main_table(experiment: Experiment, rows: pd.DataFrame, says: Mapping[str, str]) -> str:
    """`summary` as Markdown, beside what the source says of each method."""
    shares = ["converged"] if "converged" in rows else []
    headers = ["setting", "seeds", "median", "mean", *shares, "diverged", "iterations"] + ["the source"] * bool(says)
    cells = []
    for row in rows.to_dict("records"):
        estimates = [show(row["median"]), show(row["mean"]), *(show_share(row[name]) for name in shares)]
        source = says.get(experiment.settings[row["setting"]]["method"], "–")
        iterations = _iterations(experiment, row["setting"], row["iterations"])
        cells.append([row["setting"], row["seeds"], *estimates, row["diverged"], iterations] + [source] * bool(says))
    return markdown(headers, cells)


def _iterations(experiment: Experiment, setting: str, end: int) -> str:
    """The iterations of a setting; `20 of 400` where something ended the training of a run early."""
    reached = {run.result.iterations for run in experiment.runs_of(setting) if run.status == "finished"}
    least, most = min(reached, default=end), max(reached, default=end)
    if least == end:
        return str(end)
    return f"{least} of {end}" if least == most else f"{least} to {most} of {end}"


def paired_table(rows: pd.DataFrame) -> str:
    """`comparisons` as Markdown."""
    headers = ["setting", "reference", "common seeds", "ratio", "worse in", "p", "p (Holm)", "outcome"]
    cells = []
    for row in rows.to_dict("records"):
        line = [row["setting"], row["reference"], row["seeds"], show(row["ratio"]), show_share(row["worse"])]
        cells.append([*line, _p(row["p"]), _p(row["p_holm"]), row["outcome"]])
    return markdown(headers, cells)


def overview_table(experiment: Experiment, rows: pd.DataFrame) -> str:
    """A large sweep in few rows, one per reference setting: how many settings are better or worse; the extremes."""
    headers = ["reference", "its median", "its diverged", "settings", "better", "worse", "undecided", "all diverged"]
    headers += ["worse before the end only", "best ratio", "worst ratio"]
    late = fates.fates(experiment).query("fate == @fates.LATE")["reference"].value_counts()
    cells = []
    for reference, group in rows.groupby("reference", sort=False):
        values = experiment.values(str(reference))
        counts = [list(group["outcome"]).count(outcome) for outcome in ("better", "worse", "undecided")]
        counts += [sum(ratio.count == 0 for ratio in group["ratio"]), late.get(reference, 0)]
        ratios = pd.Series([estimate.value for estimate in group["ratio"]], index=group["setting"]).dropna()
        ends = [f"{ratios[at]:.3g} at {inner_label(experiment, at)}" for at in _ends(experiment, ratios)] or ["–", "–"]
        lost = f"{int(values.isna().sum())} of {values.size}"
        cells.append([reference, show(statistics.median(values)), lost, len(group), *counts, *ends])
    return markdown(headers, cells)


def inner_label(experiment: Experiment, setting: str) -> str:
    """The part of a setting's label that is the method's own: `sigma=0.1 · alpha=1`."""
    inside = [key for key in experiment.keys if key.startswith("method.")]
    return naming.label(experiment.settings[setting], inside) or str(experiment.settings[setting]["method"])


def flat(table: pd.DataFrame) -> pd.DataFrame:
    """Each `Estimate` as three columns: for a CSV file."""
    columns = {}
    for name, values in table.items():
        if any(isinstance(value, Estimate) for value in values):
            for part, end in (("value", ""), ("low", "_low"), ("high", "_high")):
                columns[f"{name}{end}"] = [getattr(value, part, np.nan) for value in values]
        else:
            columns[name] = values
    return pd.DataFrame(columns)


class Escaped(str):
    """A cell that is HTML, of which the texts are escaped already."""


def markdown(headers: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; cells are escaped, so that no text from a run can break it."""
    lines = [headers, ["---"] * len(headers), *rows]
    cells = ((cell if isinstance(cell, Escaped) else escape(str(cell)) for cell in line) for line in lines)
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def escape(text: str) -> str:
    """Text from a run or a file name, harmless in Markdown and in HTML, on one line."""
    safe = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "\\`*|":
        safe = safe.replace(mark, f"&#{ord(mark)};")
    return safe


def show(estimate: Estimate) -> str:
    """`0.31 [0.28, 0.35]`; the interval is missing for fewer than two seeds, the value for none."""
    if not estimate.count:
        return "–"
    interval = f" [{estimate.low:.3g}, {estimate.high:.3g}]" if np.isfinite(estimate.low) else ""
    return f"{estimate.value:.3g}{interval}"


def show_share(estimate: Estimate) -> str:
    """`97 % [92, 99]`."""
    if not estimate.count:
        return "–"
    return f"{100 * estimate.value:.0f} % [{100 * estimate.low:.0f}, {100 * estimate.high:.0f}]"


def _p(value: float) -> str:
    return "–" if np.isnan(value) else "< 0.0001" if value < 1e-4 else f"{value:.2g}"


def _ends(experiment: Experiment, ratios: pd.Series) -> list[str]:
    """The settings with the best and the worst ratio."""
    if ratios.empty:
        return []
    order = ratios.sort_values(ascending=not experiment.higher_is_better).index
    return [str(order[0]), str(order[-1])]
