"""Sweeps of any sweeper: how many jobs there are, what a job answers, and the report at the end."""

import math

import pytest
from conftest import results

from saddlegan.sweeps import value_of


def test_a_foreign_sweeper_gets_numbers_and_its_report(saddlegan, tmp_path):
    status, output = saddlegan("-m", "hydra/sweeper=basic", "method=gan,primal_dual")
    assert status == 0, output
    assert "sweep: 2 jobs" in output
    assert len(results(tmp_path)) == 2
    assert (tmp_path / "runs" / "report" / "report.html").is_file()


def test_a_sweep_says_how_many_jobs_it_has(saddlegan):
    status, output = saddlegan("-m", "seed=1,2", "method=gan,gan_non_saturating", "evaluation.every=5,6")
    assert status == 0
    assert "sweep: 8 jobs" in output


@pytest.mark.parametrize("sweeper", [(), ("hydra/sweeper=basic",)], ids=["ours", "basic"])
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("seed=range(0,100000000)", "got a sweep of 100000000 jobs, expected at most 10000"),
        ("seed=range(0,0)", "got no value, so that the sweep has no job"),
    ],
)
def test_a_sweep_of_too_many_jobs_or_of_none_is_refused(saddlegan, tmp_path, sweeper, values, said):
    status, output = saddlegan("-m", *sweeper, values)
    assert status == 2
    assert said in output
    assert not list(tmp_path.iterdir())


def test_more_jobs_are_allowed_where_that_is_said(saddlegan):
    status, output = saddlegan("-m", "seed=1,2", "hydra.sweeper.most_jobs=1")
    assert status == 2
    assert "Remedy: fewer values, or hydra.sweeper.most_jobs=2" in output


@pytest.mark.parametrize(
    ("metric", "values", "lost", "expected"),
    [
        ("w1", [3.0, 1.0, 2.0], [0, 0, 0], 2.0),
        ("w1", [3.0, None, 2.0], [0, 1, 0], 3.0),
        ("w1", [3.0, 0.1, 2.0], [0, 1, 1], math.inf),
        ("modes_covered", [1.0, 2.0, 2.0], [0, 1, 0], 1.0),
        ("modes_covered", [None, None, None], [1, 1, 1], -math.inf),
        ("ks", None, None, math.inf),
    ],
)
def test_what_a_search_goes_by(metric, values, lost, expected):
    """The median over the seeds, a diverged one being the worst; of a run without the metric the worst."""
    last = {} if values is None else {metric: values, "diverged": lost}
    assert value_of({"last_fifth": last}, metric) == expected
    assert value_of({"status": "failed"}, metric) in (math.inf, -math.inf)


@pytest.mark.slow
def test_a_search_of_optuna_finds_the_best_of_its_trials(saddlegan, tmp_path):
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    settings = ("hydra/sweeper=search", "hydra.sweeper.n_trials=3", "optimizer.lr=tag(log,interval(1e-4,1e-2))")
    status, output = saddlegan("-m", *settings)
    assert status == 0, output
    found = {run["config"]["optimizer"]["lr"]: sorted(run["last_fifth"]["w1"])[1] for run in results(tmp_path).values()}
    assert len(found) == 3
    best = min(found, key=found.__getitem__)
    assert f"'optimizer.lr': {best}" in output
