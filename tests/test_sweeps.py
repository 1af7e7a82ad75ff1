"""Sweeps of any sweeper: how many jobs there are, what a job answers, and the report at the end."""

import math
import re

import pytest
from conftest import composed, results

from saddlegan import cli
from saddlegan.cli import sweeps
from saddlegan.cli.sweeps import value_of


def test_a_foreign_sweeper_gets_numbers_and_its_report(saddlegan, tmp_path):
    status, output = saddlegan("-m", "hydra/sweeper=basic", "method=gan,primal_dual")
    assert status == 0, output
    assert "sweep: 2 jobs" in output
    assert len(results(tmp_path)) == 2
    assert (tmp_path / "runs" / "report" / "report.html").is_file()


@pytest.mark.thorough
def test_a_sweep_says_how_many_jobs_it_has(saddlegan):
    status, output = saddlegan("-m", "seed=1,2", "method=gan,gan_non_saturating", "evaluation.every=5,6")
    assert status == 0
    assert "sweep: 8 jobs" in output


def test_jobs_are_multiplied_out_with_the_first_key_varying_slowest(saddlegan):
    status, output = saddlegan("-m", "method=gan_non_saturating,gan", "seed=2,1")
    assert status == 0, output
    done = [(line.count("method=gan,") + line.count("method=gan\n"), re.findall(r"seed=(\d)", line)[0])
            for line in output.splitlines(keepends=True) if line.startswith("finished: ")]  # fmt: skip
    assert done == [(0, "2"), (0, "1"), (1, "2"), (1, "1")]


def test_of_a_union_of_grids_those_stay_that_have_a_method_that_is_named(saddlegan, tmp_path):
    grids = 'hydra.sweeper.grids=[{method:"gan,gan_non_saturating",seed:"4,5"},{method:primal_dual,seed:"6,7,8"}]'
    status, output = saddlegan("-m", grids, "method=gan")
    assert status == 0, output
    assert "sweep: 2 jobs" in output
    assert sorted(result["seeds"][0] for result in results(tmp_path).values()) == [4, 5]


@pytest.fixture
def jobs(saddlegan, monkeypatch):
    """The configurations that a sweep of these words would train, and what it says, without training."""

    def planned(*words):
        found = []
        monkeypatch.setattr(cli, "train", lambda config, *_: found.append(config) or {"status": "finished"})
        monkeypatch.setattr(sweeps, "report", lambda *_: None)
        status, output = saddlegan("-m", *words)
        return found, status, output

    return planned


SPACE = "method:gan_non_saturating,optimizer.lr:'tag(log,interval(1e-5,1e-2))',optimizer.beta1:'interval(0,1)'"


@pytest.mark.thorough
def test_settings_are_drawn_from_a_grid_with_a_budget(jobs):
    """The first of many are those of few; a logarithm that is uniform; what is not drawn is as it was said."""
    grid = f"hydra.sweeper.grids=[{{draws:'12',{SPACE},model.latent.dim:'1,2,3'}}]"
    many, status, output = jobs(grid)
    assert (status, len(many), "sweep: 12 jobs" in output) == (0, 12, True), output
    rates, betas = ([config["optimizer"][key] for config in many] for key in ("lr", "beta1"))
    assert all(1e-5 <= rate <= 1e-2 for rate in rates)
    below = sum(rate < 10**-3.5 for rate in rates)  # half of the logarithm's interval, a thirtieth of the plain one
    assert 3 <= below <= 9
    assert all(0 <= beta <= 1 for beta in betas)
    assert min(betas) < 0.3
    assert max(betas) > 0.7
    assert len(set(rates)) == len(set(betas)) == 12
    assert {config["model"]["latent"]["dim"] for config in many} == {1, 2, 3}
    few, _, _ = jobs(grid, "hydra.sweeper.draws=3", "iterations=7", "optimizer.beta1=0.5")
    assert [config["optimizer"]["lr"] for config in few] == rates[:3]
    assert {(config["iterations"], config["optimizer"]["beta1"]) for config in few} == {(7, 0.5)}


def test_every_method_of_a_grid_has_its_budget_and_the_same_values(jobs):
    space = SPACE.replace("method:gan_non_saturating", "method:'gan,lsgan'")
    found, status, output = jobs(f"hydra.sweeper.grids=[{{draws:'2',{space}}}]")
    assert status == 0, output
    names = [config["method"]["_target_"].rpartition(".")[2] for config in found]
    assert names == ["GAN", "GAN", "LSGAN", "LSGAN"]
    rates = [config["optimizer"]["lr"] for config in found]
    assert rates[:2] == rates[2:]


@pytest.mark.thorough
def test_what_the_command_line_sweeps_over_is_multiplied_with_what_is_drawn(jobs):
    """Each method that is named has its budget, and each setting all the seeds."""
    space = SPACE.replace("method:gan_non_saturating", "method:'gan,lsgan,dragan'")
    found, status, output = jobs(f"hydra.sweeper.grids=[{{draws:'2',{space}}}]", "method=gan,lsgan", "seed=3,4")
    assert (status, "sweep: 8 jobs" in output) == (0, True), output
    told = [(config["method"]["_target_"].rpartition(".")[2], config["seed"]) for config in found]
    assert told == [
        ("GAN", 3),
        ("GAN", 4),
        ("GAN", 3),
        ("GAN", 4),
        ("LSGAN", 3),
        ("LSGAN", 4),
        ("LSGAN", 3),
        ("LSGAN", 4),
    ]
    rates = [config["optimizer"]["lr"] for config in found]
    assert rates[0] == rates[1] != rates[2] == rates[3]


def test_a_value_that_is_given_is_not_drawn_and_other_grids_are_multiplied_out(jobs):
    grids = f"hydra.sweeper.grids=[{{method:gan,seed:'1,2'}},{{draws:'2',{SPACE}}}]"
    found, status, output = jobs(grids, "optimizer.lr=0.25")
    assert status == 0, output
    assert [config["seed"] for config in found] == [1, 2, 0, 0]
    assert {config["optimizer"]["lr"] for config in found} == {0.25}
    assert len({config["optimizer"]["beta1"] for config in found}) == 3  # the usual one, and two that were drawn


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hydra.sweeper.grids=[{method:gan,optimizer.lr:'interval(0,1)'}]",), "Remedy: a grid with draws"),
        (("hydra.sweeper.grids=[{draws:'0',method:gan}]",), "draws"),
        (("hydra.sweeper.grids=[{draws:many,method:gan}]",), "draws"),
        (("hydra.sweeper.grids=[{draws:'2',method:gan}]", "hydra.sweeper.draws=0"), "hydra.sweeper.draws"),
        (("hydra.sweeper.grids=[{draws:'2',optimizer.lr:'tag(log,interval(0,1))'}]",), "expected 0 < from"),
        (("hydra.sweeper.grids=[{draws:'99999',optimizer.lr:'interval(0,1)'}]",), "expected at most 10000"),
        (("hydra.sweeper.grids=[{draws:'2',optimizer.lr:'interval(-2,-1)'}]",), "optimizer.lr"),
        (("hydra.sweeper.grids=[{draws:'2',optimizer.lr:'interval(1,0)'}]",), "expected finite numbers, from <= to"),
        (("hydra.sweeper.grids=[{draws:'2',optimizer.lr:'interval(0,inf)'}]",), "expected finite numbers"),
        (("hydra.sweeper.grids=[{draws:'2',model.latent.dim:'int(interval(1,5))'}]",), "whole numbers. Remedy: a list"),
        (("hydra.sweeper.grids=[{draws:'2',model.latent.dim:'range(5,1)'}]",), "nothing to draw"),
        (("hydra.sweeper.grids=[{method:gan}]", "hydra.sweeper.draws=5"), "no grid here is drawn from"),
    ],
)
def test_a_search_space_that_cannot_be_drawn_from_is_refused(jobs, words, said):
    found, status, output = jobs(*words)
    assert (found, status) == ([], 2)
    assert said in output


def test_two_jobs_that_differ_do_not_share_a_folder(saddlegan, tmp_path):
    status, output = saddlegan("-m", "seed=1,2", "hydra.sweep.subdir=same")
    assert (status, "two jobs would share the folder same: " in output) == (2, True)
    assert "seed=1" in output
    assert "seed=2" in output
    assert not results(tmp_path)


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


METRICS = composed()["evaluation"]["metrics"]


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
    config = {"evaluation": {"metrics": {metric: METRICS[metric]}}}
    assert value_of({"last_fifth": last, "config": config}, metric) == expected
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
