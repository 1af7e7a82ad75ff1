"""A search: the distribution over the settings of each method, what a budget buys, and where a report shows both."""

import itertools
import json

import numpy as np
import pytest
from run_folders import write_image_run, write_run

from saddlegan import figures
from saddlegan.report import write_report
from saddlegan.reporting.results import load_results
from saddlegan.reporting.spread import budgets, by_method, searched, spread_table

METHODS = {
    "gan": [5.0, 1.0, 3.0, 9.0, 7.0],
    "lsgan": [2.0, 4.0, 6.0, 8.0, np.nan],
    "wgan": [30.0, 10.0, 20.0, 50.0, 40.0],
}


def search(folder, methods=METHODS):
    """One run of images for each Fréchet distance, each of another rate; NaN diverged."""
    for method, values in methods.items():
        for place, value in enumerate(values):
            config = {"optimizer": {"lr": 10.0**-place}}
            path = folder / f"{method}-{place}"
            write_image_run(path, method, frechet=value, experiment="a_search", files=False, config=config)
    return load_results([folder]).experiments["a_search"]


def test_settings_go_from_the_best_to_the_worst_and_those_that_diverged_are_last(tmp_path):
    found = by_method(search(tmp_path))
    assert found == {"gan": [1, 3, 5, 7, 9], "lsgan": [2, 4, 6, 8, np.inf], "wgan": [10, 20, 30, 40, 50]}


def test_of_a_metric_that_is_to_be_high_the_highest_comes_first(tmp_path):
    for method, values in METHODS.items():
        for place, value in enumerate(values):
            means = {"modes_covered": [None if np.isnan(value) else value]}
            report = {"metric": "modes_covered", "reference": "gan", "claims": []}
            write_run(tmp_path / f"{method}-{place}", method, [value], means=means, report=report, lr=10.0**-place,
                      experiment="a_search", files=False)  # fmt: skip
    found = searched(load_results([tmp_path]).experiments["a_search"])
    assert found["gan"] == [9, 7, 5, 3, 1]
    assert found["lsgan"] == [8, 6, 4, 2, -np.inf]


def test_a_setting_counts_once_with_the_mean_of_its_seeds(tmp_path):
    for seed, value in enumerate((1.0, 2.0, 6.0)):
        write_image_run(tmp_path / str(seed), "gan", seed, frechet=value, experiment="a_search", files=False)
    assert by_method(load_results([tmp_path]).experiments["a_search"]) == {"gan": [3.0]}


def test_a_setting_with_a_seed_that_diverged_is_the_worst(tmp_path):
    for seed, value in enumerate((1.0, np.nan, 6.0)):
        write_image_run(tmp_path / str(seed), "gan", seed, frechet=value, experiment="a_search", files=False)
    assert by_method(load_results([tmp_path]).experiments["a_search"]) == {"gan": [np.inf]}


def test_the_best_of_so_many_by_all_ways_to_draw_them():
    values = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    for size, found in enumerate(budgets(values), 1):
        best = sorted(min(drawn) for drawn in itertools.combinations(values, size))
        assert found == best[(len(best) - 1) // 2], size
    assert budgets(values)[-1] == 1.0


@pytest.mark.parametrize(
    "methods",
    [
        {name: METHODS[name] for name in ("gan", "wgan")},
        METHODS | {"lsgan": [1.0] * 4},
    ],
)
def test_few_methods_or_few_settings_are_no_search(tmp_path, methods):
    assert not searched(search(tmp_path, methods))


def test_the_table_has_the_ends_the_quartiles_and_who_diverged(tmp_path):
    found = by_method(search(tmp_path))
    rows = [line.strip("| ").split(" | ") for line in spread_table(found, {}).splitlines()[2:]]
    assert rows == [
        ["gan", "5", "0", "1", "3", "5", "7", "9"],
        ["lsgan", "5", "1", "2", "4", "6", "8", "diverged"],
        ["wgan", "5", "0", "10", "20", "30", "40", "50"],
    ]
    beside = spread_table(found, {"gan": "6.8 ± 0.5"}).splitlines()
    assert [line.strip("| ").split(" | ")[-1] for line in beside] == ["the source", "---", "6.8 ± 0.5", "–", "–"]


@pytest.mark.parametrize("count", [5, 6, 8, 9])
def test_table_and_figure_have_the_same_median(count):
    values = [float(place + 1) for place in range(count)]
    (row,) = [line.strip("| ").split(" | ") for line in spread_table({"gan": values}, {}).splitlines()[2:]]
    figure = figures.spread_figure({"gan": values}, {"gan": budgets(values)}, "x")
    (bar,) = figure.axes[0].get_lines()
    assert float(row[5]) == bar.get_xdata()[0] == budgets(values)[0] == np.quantile(values, 0.5, method="inverted_cdf")


def test_a_metric_can_be_named(tmp_path):
    search(tmp_path)
    for path in tmp_path.rglob("result.json"):
        result = json.loads(path.read_text())
        result["last_fifth"] |= {"other": [7.0]}
        path.write_text(json.dumps(result))
    found = load_results([tmp_path]).experiments["a_search"]
    assert by_method(found, "other")["gan"] == [7.0] * 5
    assert by_method(found)["gan"] == [1, 3, 5, 7, 9]


def test_a_report_of_a_search_shows_its_distribution_and_of_another_one_does_not(tmp_path):
    search(tmp_path / "a")
    write_report([tmp_path / "a"], tmp_path / "report")
    text = (tmp_path / "report" / "report.md").read_text()
    assert "### Settings of each method, from the best to the worst" in text
    assert "| lsgan | 5 | 1 | 2 | 4 | 6 | 8 | diverged |" in text
    (picture,) = (tmp_path / "report" / "figures").glob("*-spread.png")
    found = {"gan": [1, 3, 5, 7, 9], "lsgan": [2, 4, 6, 8, np.inf], "wgan": [10, 20, 30, 40, 50]}
    figure = figures.spread_figure(found, {name: budgets(of) for name, of in found.items()}, "Fréchet distance", 0.5)
    others = [line for ax in figure.axes for line in ax.get_lines()]
    assert len(others) == 3 + 3 + 2
    search(tmp_path / "b", {"gan": [1.0] * 5})
    write_report([tmp_path / "b"], tmp_path / "other")
    assert "from the best to the worst" not in (tmp_path / "other" / "report.md").read_text()
    assert not list((tmp_path / "other").rglob("*-spread.png"))
    assert picture.stat().st_size > 5000


def test_the_figure_shows_each_setting_that_is_finite_and_the_best_by_budget():
    found = {"gan": [1.0, 3.0, np.inf], "wgan": [2.0, 2.0, 2.0]}
    figure = figures.spread_figure(found, {name: budgets(of) for name, of in found.items()}, "Fréchet distance")
    every, best = figure.axes
    assert [len(dots.get_offsets()) for dots in every.collections] == [2, 3]
    assert [float(line.get_xdata()[0]) for line in every.get_lines()] == [3.0, 2.0]
    assert [list(line.get_ydata()) for line in best.get_lines()] == [[3.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
    assert [list(line.get_xdata()) for line in best.get_lines()] == [[1, 2, 3]] * 2
    assert [label.get_text() for label in every.get_yticklabels()] == ["gan", "wgan"]
    assert every.get_xscale() == best.get_yscale() == "log"
    negative = figures.spread_figure({"gan": [-1.0, 2.0]}, {"gan": budgets([-1.0, 2.0])}, "a score")
    assert negative.axes[0].get_xscale() == "linear"
