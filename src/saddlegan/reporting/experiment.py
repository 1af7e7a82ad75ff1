"""An experiment: the runs that compare settings, as one long table and what is read from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from saddlegan.metrics.facts import Facts
from saddlegan.reporting import measures
from saddlegan.reporting import settings as naming
from saddlegan.reporting.runs import Run


@dataclass(frozen=True)
class Experiment:
    """The runs of one experiment that have metrics.

    `table`: columns run, experiment, setting (label), the varying keys, seed, stop (iterations), and metrics: the mean
    over the last fifth before the stop, `final_*` at the last iteration, flags as 0/1, NaN where not finite.
    `settings`: {label: {varying key: value}}; labels leave out the values in `usual`.
    `metric`: what tables, maps and comparisons are about. `facts`: of metrics, in the order of tables; `watched`: of
    what methods show of themselves.
    """

    name: str
    runs: tuple[Run, ...]
    table: pd.DataFrame
    keys: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Any]]
    usual: Mapping[str, Any]
    metric: str
    reference: str | None
    map: Mapping[str, str] | None
    claims: tuple[str, ...]
    facts: Mapping[str, Facts]
    watched: Mapping[str, Facts]

    @cached_property
    def _cells(self) -> dict[tuple[str, int], pd.DataFrame]:
        groups = self.table.groupby(["setting", "stop"], sort=True)
        return {(str(setting), int(stop)): rows.set_index("seed") for (setting, stop), rows in groups}  # type: ignore

    @cached_property
    def _runs(self) -> dict[str, tuple[Run, ...]]:
        names = {setting: set(rows) for setting, rows in self.table.groupby("setting")["run"]}
        return {str(setting): tuple(run for run in self.runs if run.name in own) for setting, own in names.items()}

    def about(self, metric: str) -> Facts:
        """What is known of a metric."""
        return self.facts.get(metric) or self.watched.get(metric) or measures.unknown(metric)

    @property
    def higher_is_better(self) -> bool:
        return self.about(self.metric).better == "higher"

    @property
    def floors(self) -> dict[str, float]:
        """The metrics of real training images against test images, mean over runs; empty for toys."""
        return floors_of(self.runs)

    def on_real_data(self, settings: Iterable[str]) -> dict[str, list[Run]]:
        """{what a table calls the row of real data: runs on them}, for each data, and size of them, of these
        settings."""
        found: dict[str, list[Run]] = {}
        for setting in settings:
            found.setdefault(self._data_of(setting), []).extend(self.runs_of(setting))
        return {"real data" + f" of {name}" * (len(found) > 1): runs for name, runs in found.items()}

    def _data_of(self, setting: str) -> str:
        """The choice of data, and its values that vary."""
        keys = ["data", *(key for key in self.keys if key.startswith("data."))]
        return naming.label({**self.settings[setting], "data": self.configured(setting, "data")}, keys)

    def stops(self, setting: str) -> list[int]:
        """The iterations at which `setting` has metrics, ascending; the last is the end of training."""
        return [stop for name, stop in self._cells if name == setting]

    def values(self, setting: str, metric: str | None = None, stop: int | None = None) -> pd.Series:
        """`metric` (default: the headline) per seed at `stop` (default: the last); NaN for a seed that has diverged."""
        rows = self._cells.get((setting, self.stops(setting)[-1] if stop is None else stop))
        column = metric or self.metric
        if rows is None or column not in rows:
            return pd.Series(dtype=float)
        return pd.Series(rows[column].where(rows["diverged"] == 0))

    def pairs(self, reference: str | None = None) -> dict[str, str]:
        """{setting: its reference setting}, same values outside `method.*`; default: the experiment's reference.

        Where the reference is `gan`, a setting whose generator has the non-saturating first term is compared with
        `gan_non_saturating` instead, so that a pair differs in the primal-dual term alone.
        """
        reference = reference or self.reference
        found = naming.pairs(self.settings, self.keys, reference)
        if reference != "gan":
            return found
        other = naming.pairs(self.settings, self.keys, "gan_non_saturating")
        swapped = [s for s in self.settings if self.configured(s, "method.first_term") == "non_saturating"]
        kept = {setting: name for setting, name in found.items() if setting not in swapped}
        return kept | {setting: other[setting] for setting in swapped if setting in other}

    def of_method(self, method: str, data: str | None = None) -> list[str]:
        """The settings of a method, of these `data` alone where they are named."""
        found = [label for label, setting in self.settings.items() if setting["method"] == method]
        return [label for label in found if data in (None, self.configured(label, "data"))]

    def runs_of(self, setting: str) -> tuple[Run, ...]:
        """The runs that share `setting`: blocks of seeds, or one run per seed."""
        return self._runs[setting]

    def configured(self, setting: str, key: str) -> Any:
        """A choice (`data`) or value (`method.sigma`) of `setting`, also where it varies with none; None if not set."""
        run = self.runs_of(setting)[0]
        return naming.describe(run.choices, run.result.config).get(key)

    def weights(self, setting: str) -> dict[int, tuple[str, str]]:
        """{seed: digests of the final weights of generator and discriminator}, of the runs that recorded them."""
        recorded = [(run, run.result.weights) for run in self.runs_of(setting)]
        return {seed: (d.generator, d.discriminator) for run, d in recorded if d for seed in run.seeds}

    def extractors(self, *settings: str) -> set[str]:
        """The digests of the networks whose features the metrics of `settings` (default: all) are computed from."""
        runs = self.runs if not settings else [run for setting in settings for run in self.runs_of(setting)]
        return {run.extractor for run in runs if run.extractor}


def floors_of(runs: Sequence[Run]) -> dict[str, float]:
    """Mean over `runs` of each metric's value for real data."""
    found: dict[str, list[float]] = {}
    for run in runs:
        for metric, value in run.result.floors.items():
            if value is not None:
                found.setdefault(metric, []).append(value)
    return {metric: float(np.mean(values)) for metric, values in found.items()}
