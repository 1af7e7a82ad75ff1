"""Run folders -> the long table: settings, pairs, stops, and the naming of everything that cannot be read."""

import json

import numpy as np
import pytest
from run_folders import FLOORS, spread, write_image_run, write_run

from saddlegan.report import write_report
from saddlegan.reporting import settings
from saddlegan.reporting.results import load_results
from saddlegan.reporting.runs import NoRuns, load_runs


def problems_of(results):
    return {(problem.what, problem.where) for problem in results.problems}


def test_one_row_per_run_seed_and_stop(tmp_path):
    write_run(tmp_path / "a", "gan", [0.1, 0.2, np.nan], stops={1000: [3.0, 4.0, 5.0], 5000: [9, 9, 9]})
    experiment = load_results([tmp_path]).experiments["gaussian_1d"]
    assert len(experiment.table) == 6  # 3 seeds at 1000 and at the end; the stop at the end is the end
    assert experiment.stops("gan") == [1000, 5000]
    assert experiment.values("gan", stop=1000).tolist() == [3, 4, 5]
    assert experiment.values("gan").tolist()[:2] == [0.1, 0.2]
    assert np.isnan(experiment.values("gan")[2])
    assert {"final_w1_std", "converged"} <= set(experiment.table.columns)


def test_a_flag_of_divergence_outweighs_a_finite_metric(tmp_path):
    write_run(tmp_path / "a", "gan", [0.1, 0.2], final={"diverged": [0, 1]})
    values = load_results([tmp_path]).experiments["gaussian_1d"].values("gan")
    assert np.isnan(values[1])
    assert values[0] == 0.1


def test_labels_say_what_varies_and_nothing_else(tmp_path):
    report = {"metric": "w1_std", "reference": "gan"}
    for lr in (0.001, 0.01):
        write_run(tmp_path / f"gan{lr}", "gan", [0.1], lr=lr, report=report)
        for sigma in (0.1, 1):
            write_run(tmp_path / f"pd{lr}{sigma}", "primal_dual", [1], lr=lr, report=report, sigma=sigma, pair="js")
    write_run(tmp_path / "sgd", "gan", [0.1], lr=0.1, optimizer="sgd", report=report)
    experiment = load_results([tmp_path]).experiments["gaussian_1d"]
    assert experiment.keys == ("method", "method.sigma", "optimizer", "optimizer.lr")
    assert "primal_dual · sigma=0.1 · adam · lr=0.001" in experiment.settings
    assert "gan · sgd · lr=0.1" in experiment.settings
    assert experiment.pairs() == {
        f"primal_dual · sigma={sigma} · adam · lr={lr}": f"gan · adam · lr={lr}"
        for sigma in ("0.1", "1") for lr in ("0.001", "0.01")
    }  # fmt: skip


def test_labels_leave_out_what_more_than_two_in_three_settings_share(tmp_path):
    usual = {"sigma": 10, "alpha": 1, "space": "pixels"}
    for seed in (0, 1):  # settings count, not runs
        write_run(tmp_path / f"usual{seed}", "gan", [0.1], seeds=[seed], **usual)
    for name, changed in {"sigma": {"sigma": 1}, "alpha": {"alpha": 2}, "space": {"space": "features"}}.items():
        write_run(tmp_path / name, "gan", [0.1], **usual | changed)
    experiment = load_results([tmp_path]).experiments["gaussian_1d"]
    assert set(experiment.settings) == {"gan", "gan · sigma=1", "gan · alpha=2", "gan · space=features"}
    assert experiment.usual == {"method.sigma": 10, "method.alpha": 1, "method.space": "pixels"}
    folder = tmp_path / "report"
    write_report([tmp_path], folder)
    page = (folder / "report.md").read_text()
    assert "\n*Where a setting does not name it: sigma=10 · alpha=1 · space=pixels.*\n" in page


@pytest.mark.parametrize(
    "runs",
    [
        [{"sigma": 10, "alpha": 1}, {"sigma": 10, "alpha": 2}, {"sigma": 1, "alpha": 1}],  # two in three share each
        [{"sigma": 10, "alpha": 1}, {"sigma": 10, "alpha": 2}, {"sigma": 10, "alpha": 3}, {"alpha": 1}],  # one has none
    ],
)
def test_labels_name_what_fewer_share_or_a_setting_lacks(tmp_path, runs):
    for number, values in enumerate(runs):
        write_run(tmp_path / str(number), "gan", [0.1], **values)
    experiment = load_results([tmp_path]).experiments["gaussian_1d"]
    assert experiment.usual == {}
    assert set(experiment.settings) == {
        " · ".join(["gan", *(f"{key}={value}" for key, value in values.items())]) for values in runs
    }


def test_a_key_that_a_choice_implies_is_not_in_the_label():
    adam = settings.describe({"method": "gan", "optimizer": "adam"}, {"optimizer": {"lr": 0.001, "betas": [0.5, 0.9]}})
    sgd = settings.describe({"method": "gan", "optimizer": "sgd"}, {"optimizer": {"lr": 0.1}})
    assert settings.varying([adam, sgd]) == ["method", "optimizer"]


def test_rates_of_the_players_are_named_only_where_they_differ_from_the_shared_one():
    same = {"optimizer": {"lr": 0.1, "generator": {"lr": 0.1}, "discriminator": {"lr": 0.1}}}
    other = {"optimizer": {"lr": 0.1, "generator": {"lr": 0.2}, "discriminator": {"lr": 0.1}}}
    choices = {"method": "gan", "optimizer": "adam"}
    described = [settings.describe(choices, config) for config in (same, other)]
    keys = settings.varying(described)
    assert keys == ["method", "optimizer.generator.lr"]
    assert settings.label(described[1], keys) == "gan · lr=0.2"


def test_beta1_is_named_once_and_not_as_the_betas_of_both_players():
    def adam(beta1):
        players = {player: {"lr": 0.1, "betas": [beta1, 0.999]} for player in ("generator", "discriminator")}
        config = {"optimizer": {"lr": 0.1, "beta1": beta1} | players}
        return settings.describe({"method": "gan", "optimizer": "adam"}, config)

    keys = settings.varying([adam(0.5), adam(0.9)])
    assert keys == ["method", "optimizer.beta1"]
    assert settings.label(adam(0.5), keys) == "gan · beta1=0.5"


def test_the_earlier_run_of_a_stage_is_no_setting():
    """Of each seed it is another one; a value that is nothing is none."""

    def run(seed):
        folder = f"outputs/one/seed={seed}"
        config = {"earlier": folder, "method": {"below": folder, "cap": None}, "model": {"first": {"run": folder}}}
        return settings.describe({"method": "lapgan"}, config)

    assert run(0) == run(1) == {"method": "lapgan", "method.cap": None}
    alone = settings.describe({"method": "lapgan"}, {"earlier": None, "method": {"below": None}})
    assert alone == {"method": "lapgan", "method.below": None}


def test_what_the_data_choose_of_evaluation_is_said_by_the_data():
    """And what differs among runs of the same data is said."""

    def run(data, extractor):
        return {"method": "gan", "data": data, "evaluation.extractor": extractor}

    assert settings.varying([run("mnist", None), run("emoji", "emoji_groups")]) == ["method", "data"]
    assert "evaluation.extractor" in settings.varying([run("mnist", None), run("mnist", "own.safetensors")])


def test_a_reference_with_its_own_settings_is_paired_by_the_keys_that_both_have():
    each = {"gan k=1": {"method": "gan", "method.k": 1}, "gan k=2": {"method": "gan", "method.k": 2},
            "pd k=2": {"method": "pd", "method.k": 2}, "pd k=3": {"method": "pd", "method.k": 3}}  # fmt: skip
    assert settings.pairs(each, ["method", "method.k"], "gan") == {"pd k=2": "gan k=2"}


def test_a_reference_can_be_a_setting_that_agrees_in_all_that_it_does_not_name():
    keys = ["method", "ema_decay", "trainer.compile"]
    each = {
        f"{method} {decay} {on}": {"method": method, "ema_decay": decay, "trainer.compile": on}
        for method in ("gan", "wgan")
        for decay, on in ((0.0, "auto"), (0.99, "auto"), (0.0, True))
    }
    found = settings.pairs(each, keys, "ema_decay=0, trainer.compile=AUTO, method.sigma=1")
    assert found == {f"{m} {rest}": f"{m} 0.0 auto" for m in ("gan", "wgan") for rest in ("0.99 auto", "0.0 True")}
    assert settings.pairs(each, keys, "ema_decay=0.5") == {}
    assert settings.pairs(each, keys, "ema_decay=0") == {f"{m} 0.99 auto": f"{m} 0.0 auto" for m in ("gan", "wgan")}


def test_runs_of_one_setting_merge_and_repeated_seeds_count_once(tmp_path):
    write_run(tmp_path / "a", "gan", [0.1, 0.2], seeds=[0, 1])
    write_run(tmp_path / "b", "gan", [0.3, 0.9], seeds=[2, 1])
    results = load_results([tmp_path])
    assert results.experiments["gaussian_1d"].values("gan").to_dict() == {0: 0.1, 1: 0.2, 2: 0.3}
    assert ("duplicate", "b") in problems_of(results)


def test_blocks_of_other_numbers_of_seeds_are_one_setting(tmp_path):
    write_run(tmp_path / "a", "gan", [0.1, 0.2, 0.3], seeds=[0, 1, 2])
    write_run(tmp_path / "b", "gan", [0.4], seeds=[3])
    write_run(tmp_path / "c", "primal_dual", [5.0])
    experiment = load_results([tmp_path]).experiments["gaussian_1d"]
    assert list(experiment.settings) == ["gan", "primal_dual"]
    assert experiment.values("gan").to_dict() == {0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4}


def test_the_end_of_a_run_that_stopped_early_is_the_one_that_was_asked_for(tmp_path):
    """So that it stands beside the runs that went on to their end, and its stops are not taken for it."""
    for name, reached in (("whole", 9000), ("lost", 200)):
        folder = write_run(tmp_path / name, "gan" if name == "whole" else "primal_dual", [0.1, np.nan],
                           stops={1000: [3.0, 4.0], 9000: [7.0, 7.0]}, config={"iterations": 9000})  # fmt: skip
        result = json.loads((folder / "result.json").read_text())
        (folder / "result.json").write_text(json.dumps(result | {"iterations": reached}))
    experiment = load_results([tmp_path]).experiments["gaussian_1d"]
    for setting in ("gan", "primal_dual"):
        assert experiment.stops(setting) == [1000, 9000]
        assert experiment.values(setting)[0] == 0.1


def test_only_seeds_that_end_diverged_are_a_problem(tmp_path):
    write_run(tmp_path / "a", "gan", [0.1, 0.2, np.nan], stops={1000: [np.nan, 3.0, 3.0]})
    assert [problem.why for problem in load_results([tmp_path]).problems] == ["1 of 3 seeds: 2"]


def test_failed_missing_damaged_and_foreign_are_named_and_the_rest_is_read(tmp_path):
    write_run(tmp_path / "good", "gan", [0.1])
    write_run(tmp_path / "failed", "gan", [0.1], status="failed", error="ValueError: sigma")
    (tmp_path / "missing" / ".hydra").mkdir(parents=True)
    half = write_run(tmp_path / "half", "gan", [0.1]) / "result.json"
    half.write_text(half.read_text(encoding="utf-8")[:200], encoding="utf-8")
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    results = load_results([tmp_path, tmp_path / "typo"])
    folder = tmp_path.name
    assert problems_of(results) == {
        ("failed", f"{folder}/failed"), ("missing", f"{folder}/missing"), ("damaged", f"{folder}/half"),
        ("foreign", "notes.txt"), ("missing", "typo"),
    }  # fmt: skip
    assert results.table["run"].tolist() == [f"{folder}/good"]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "done"}, {"seeds": None}, {"final": []}, {"last_fifth": {"w1": [1.0, 2.0]}}, {"choices": {}},
        {"last_fifth": {"w1": ["0.1"]}}, {"stops": {"soon": {}}}, {"stops": [1]}, {"versions": "2.15"},
        {"config": {"report": "w1"}}, {"floors": [1.0]}, {"floors": {"frechet": "0.5"}}, {"extractor": "abc"},
        {"extractor": {"sha256": 7}}, {"weights": {"generator": "0"}}, {"scales": 9.9},
        {"weights": {"generator": 1, "discriminator": 2}},
    ],
)  # fmt: skip
def test_a_result_of_another_shape_is_damaged(tmp_path, change):
    path = write_run(tmp_path / "a", "gan", [0.1]) / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    runs, problems = load_runs([tmp_path])
    assert not runs
    assert [problem.what for problem in problems] == ["damaged"]
    assert "expected" in problems[0].why or "not" in problems[0].why or "no 'method'" in problems[0].why


@pytest.mark.parametrize("content", ["[]", "null", '"text"', "\x00\xff"])
def test_a_result_that_is_no_object_is_damaged(tmp_path, content):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "result.json").write_text(content, encoding="latin-1")
    assert [problem.what for problem in load_runs([tmp_path])[1]] == ["damaged"]


def test_nothing_to_report_on_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(NoRuns, match=r"got 0 run folders.*expected.*train first"):
        load_results([tmp_path])
    with pytest.raises(NoRuns, match="no such folder"):
        load_results([tmp_path / "typo"])


def test_the_headline_is_the_wanted_metric_or_one_that_all_runs_have(tmp_path):
    write_run(tmp_path / "a", "gan", [0.1], report={"metric": "ks"}, means={"ks": [0.5]})
    assert load_results([tmp_path]).experiments["gaussian_1d"].metric == "ks"
    write_run(tmp_path / "b", "primal_dual", [0.1])
    results = load_results([tmp_path])
    assert results.experiments["gaussian_1d"].metric == "w1_std"
    assert any("report.metric=ks: not all runs have it" in problem.why for problem in results.problems)


def test_experiments_stay_apart_and_all_rows_have_their_experiment(tmp_path):
    write_run(tmp_path / "x" / "a", "gan", spread(0.1, 3))
    write_run(tmp_path / "y" / "a", "gan", spread(0.1, 3), experiment=None)
    results = load_results([tmp_path / "x", tmp_path / "y"])
    assert set(results.experiments) == {"gaussian_1d", "single runs"}
    assert set(results.table["run"]) == {"x/a", "y/a"}


def test_seeds_of_an_image_experiment_merge_into_settings_with_the_mean_of_their_floors(tmp_path):
    for seed in range(3):
        write_image_run(
            tmp_path / f"gan{seed}", "gan", seed, frechet=5.0 + seed, floors=FLOORS | {"frechet": 0.1 * seed}
        )
        write_image_run(tmp_path / f"pd{seed}", "primal_dual", seed, sigma=3.0, space="pixels", floors={"recall": None})
    experiment = load_results([tmp_path]).experiments["mnist"]
    assert list(experiment.settings) == ["gan", "primal_dual"]  # what all runs of a method share is in no label
    assert experiment.values("gan").to_dict() == {0: 5.0, 1: 6.0, 2: 7.0}
    assert experiment.metric == "frechet"
    assert not experiment.higher_is_better
    assert experiment.floors["frechet"] == pytest.approx(0.1)
    assert experiment.floors["recall"] == pytest.approx(FLOORS["recall"])
    assert [run.seeds for run in experiment.runs_of("primal_dual")] == [[0], [1], [2]]
    assert experiment.configured("primal_dual", "method.sigma") == 3.0
    assert experiment.configured("gan", "method.sigma") is None
    assert experiment.configured("gan", "data") == "mnist"
    assert experiment.values("gan", "recall").tolist() == [0.7] * 3


def test_toys_have_no_floors(tmp_path):
    write_run(tmp_path / "a", "gan", [0.1])
    experiment = load_results([tmp_path]).experiments["gaussian_1d"]
    assert experiment.floors == {}
    assert experiment.weights("gan") == {}
    assert experiment.extractors() == set()


def test_weights_are_those_of_the_run_that_counts(tmp_path):
    for name, digest in (("a", "aa"), ("b", "bb")):
        write_image_run(tmp_path / name, "gan", 3, weights={"generator": digest, "discriminator": digest * 2})
    assert load_results([tmp_path]).experiments["mnist"].weights("gan") == {3: ("aa", "aaaa")}


def test_a_run_measured_by_another_extractor_is_a_problem(tmp_path):
    for seed in range(3):
        write_image_run(tmp_path / f"{seed}", "gan", seed, extractor=("ab" if seed else "cd") * 32)
    results = load_results([tmp_path])
    assert problems_of(results) == {("mismatch", "0")}
    assert "cdcdcdcdcdcd" in results.problems[0].why
    assert results.experiments["mnist"].extractors("gan") == {"ab" * 32, "cd" * 32}


def test_data_of_other_classes_have_an_extractor_of_their_own(tmp_path):
    """No run of MNIST or of emoji is a problem where each has its own, and one of emoji by MNIST's is."""
    for seed in range(3):
        write_image_run(tmp_path / f"m{seed}", "gan", seed)
        write_image_run(tmp_path / f"e{seed}", "gan", seed, data="emoji", extractor=("ef" if seed else "ab") * 32)
    assert problems_of(load_results([tmp_path])) == {("mismatch", "e0")}


def test_a_non_saturating_setting_is_compared_with_the_gan_of_the_same_first_term(tmp_path):
    """So that a pair differs in the primal-dual term alone; without that GAN the setting has no pair."""
    write_image_run(tmp_path / "gan", "gan", 0, frechet=9.0)
    for term in ("saturating", "non_saturating"):
        write_image_run(tmp_path / term, "primal_dual", 0, frechet=8.0, first_term=term, sigma=10.0)
    (experiment,) = load_results([tmp_path]).experiments.values()
    assert {a.split(" · ")[1]: b for a, b in experiment.pairs("gan").items()} == {"first_term=saturating": "gan"}
    write_image_run(tmp_path / "other", "gan_non_saturating", 0, frechet=7.0)
    (experiment,) = load_results([tmp_path]).experiments.values()
    found = {a.split(" · ")[-1]: b for a, b in experiment.pairs("gan").items()}
    assert found == {
        "first_term=saturating": "gan",
        "first_term=non_saturating": "gan_non_saturating",
        "gan_non_saturating": "gan",
    }


def test_runs_with_too_few_evaluations_to_judge_are_named(tmp_path):
    blank = {"converged": [None, None, None]}
    values = [0.1, 0.2, np.nan]
    folder = write_run(tmp_path / "few", "gan", values)
    result = json.loads((folder / "result.json").read_text())
    for part in ("final", "last_fifth"):
        result[part] |= blank if "converged" in result[part] or part == "final" else {}
    (folder / "result.json").write_text(json.dumps(result))
    write_run(tmp_path / "enough", "primal_dual", values)
    problems = [problem for problem in load_results([tmp_path]).problems if problem.what == "unjudged"]
    assert [problem.where for problem in problems] == ["few"]
    assert "converged and oscillation are blank; evaluation.every=500 or less" in problems[0].why
