"""Whole runs: what they write, that interruptions do not show, and that watching does not matter."""

import csv
import json
import math
import shutil
import signal

import numpy as np
import pytest
import torch
from conftest import METHODS, SMALL, composed, fitting, quick
from interventions import WATCHED, calling, interrupted_at
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from saddlegan.checks import ConfigError
from saddlegan.engine.build import build
from saddlegan.engine.compiling import compile_players
from saddlegan.engine.losses import MeanLosses, by_name, summed
from saddlegan.engine.train import run as train
from saddlegan.methods.gan import GAN


def checkpoint(folder):
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)


def same_weights(one, other):
    one, other = checkpoint(one)["state_dict"], checkpoint(other)["state_dict"]
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("method", METHODS)
def test_result_holds_what_it_promises(run, method):
    result = run(*fitting(f"method={method}", data=("gaussian_1d",)))
    assert result["status"] == "finished"
    assert result["seeds"] == [0, 1, 2]
    assert result["iterations"] == 12
    assert {"seconds", "device", "config", "versions", "commit", "last_fifth", "stops", "best"} <= result.keys()
    expected = {"w1", "w1_std", "mean_error", "std_ratio", "ks", "oscillation", "converged", "diverged"}
    assert expected <= result["final"].keys()
    assert all(len(column) == 3 and all(map(math.isfinite, column)) for column in result["final"].values())
    assert result["compiled"] is False  # so few iterations do not earn it back
    json.dumps(result)


def test_metrics_csv_has_a_row_a_seed_and_evaluation(run, tmp_path):
    result = run("evaluation.stops=[10]")
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").open()))
    assert [int(row["iteration"]) for row in rows] == [0] * 3 + [5] * 3 + [10] * 3 + [12] * 3
    assert float(rows[-1]["w1"]) == pytest.approx(result["final"]["w1"][-1], rel=1e-5)
    assert result["stops"]["10"]["w1"] == pytest.approx([float(row["w1"]) for row in rows[6:9]], rel=1e-5)


GIVEN: dict[str, list[torch.Tensor]] = {"generator": [], "discriminator": []}


class Noted(GAN):
    """A variant that notes its losses down."""

    def discriminator_loss(self, real, fake):
        GIVEN["discriminator"].append(super().discriminator_loss(real, fake))
        return GIVEN["discriminator"][-1]

    def generator_loss(self, real, fake):
        GIVEN["generator"].append(super().generator_loss(real, fake))
        return GIVEN["generator"][-1]


def test_losses_are_means_over_every_step_since_the_last_evaluation(run, tmp_path):
    """Held against the losses that the players were given, with two discriminator steps per iteration."""
    for losses in GIVEN.values():
        losses.clear()
    run(f"method._target_={__name__}.Noted", "method.num_critic_steps=2")
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").open()))
    for player, per_iteration in {"generator": 1, "discriminator": 2}.items():
        found = [float(row[f"{player}_loss"]) for row in rows]
        assert all(map(math.isnan, found[:3]))
        for at, (start, end) in enumerate([(0, 5), (5, 10), (10, 12)], start=1):
            mean = torch.stack(GIVEN[player][start * per_iteration : end * per_iteration]).mean(0)
            assert found[3 * at : 3 * at + 3] == pytest.approx(mean.tolist(), rel=1e-5)


def test_mean_losses_go_on_from_a_checkpoint():
    one, other = MeanLosses(("a", "b")), MeanLosses(("a", "b"))
    for value in (1.0, 2.0, 6.0):
        one.add("a", {"near": torch.tensor([value, 0.0]), "far": torch.tensor([0.0, 10 * value])})
    other.load_state_dict(one.state_dict())
    other.add("a", {"near": torch.tensor([3.0, 0.0]), "far": torch.tensor([0.0, 30.0])})
    found = {name: values.tolist() for name, values in other.take(2).items() if name != "b"}
    assert found == {"a": [3.0, 30.0], "a/near": [3.0, 0.0], "a/far": [0.0, 30.0]}
    assert other.take(2)["b"].isnan().all()
    assert other.take(2)["a"].isnan().all()


def test_what_is_passed_to_after_step_is_no_part_of_the_loss():
    terms = {"loss": torch.tensor([1.0, 2.0]), "_aside": torch.tensor([5.0, 5.0])}
    assert summed(terms).tolist() == [1.0, 2.0]
    losses = MeanLosses(("a",))
    assert losses.add("a", terms).keys() == terms.keys()
    assert {name: values.tolist() for name, values in losses.take(2).items()} == {"a": [1.0, 2.0]}
    with pytest.raises(ConfigError, match="expected one whose name does not begin with _"):
        by_name({"_aside": torch.zeros(2)})


def test_one_evaluation_in_the_last_fifth_leaves_blank_how_training_ended(run):
    few = run("evaluation.every=6", "evaluation.stops=[6]", folder="few")
    for part in (few["final"], few["last_fifth"], few["stops"]["6"]):
        assert all(map(math.isnan, [*part["converged"], *part["oscillation"]]))
        assert part["diverged"] == [0, 0, 0]
    enough = run("evaluation.every=2", folder="enough")  # at 10 and 12
    assert not any(map(math.isnan, [*enough["final"]["converged"], *enough["final"]["oscillation"]]))


@pytest.mark.parametrize("data", ["point_mass", "two_point", "mixture_1d", "gaussian_1d_std"])
def test_every_law_trains_and_is_measured_by_what_it_has(run, data):
    final = run(f"data={data}")["final"]
    assert ("w1_std" in final) == (data != "point_mass")
    assert ("modes_covered" in final) == (data in ("two_point", "mixture_1d"))
    blank = ("converged", "oscillation")  # of one evaluation in the last fifth
    assert all(math.isfinite(value) for name, column in final.items() if name not in blank for value in column)


def test_after_an_interruption_ctrl_c_works_and_the_board_has_each_row_once(run, tmp_path):
    with interrupted_at(8) as broken, pytest.raises(KeyboardInterrupt):
        run(broken, "checkpoint_seconds=1e-9")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, "Lightning switches it off"
    run(broken)
    board = EventAccumulator(str(tmp_path / "run")).Reload()
    assert [event.step for event in board.Scalars("metrics/w1/median")] == [5, 10, 12]


@pytest.mark.parametrize(("figures", "names"), [(0, set()), (2, {"density.png", "discriminator.png"})])
def test_pictures_are_left_where_they_are_asked_for(run, tmp_path, figures, names):
    run(f"evaluation.figures={figures}", "num_seeds=1")
    assert {path.name for path in (tmp_path / "run").rglob("*.png")} == names


@pytest.mark.parametrize("precision", ["32-true", "64-true"])
def test_networks_have_the_precision_that_is_asked_for(run, tmp_path, precision):
    run(f"trainer.precision={precision}")
    found = {value.dtype for name, value in checkpoint(tmp_path / "run")["state_dict"].items() if "weights" in name}
    assert found == {torch.float64 if precision == "64-true" else torch.float32}


@pytest.mark.parametrize("at", quick([1, 6, 7, 51, 59], 7, 51))
def test_a_run_interrupted_anywhere_goes_on_to_the_same_weights(run, tmp_path, at):
    """Bit for bit, across a boundary of the streams' blocks (50), with a momentum optimizer and k = 2."""
    settings = ("iterations=60", "method.num_critic_steps=2", "checkpoint_seconds=1e-9")
    whole = run(*settings, folder="whole")
    with interrupted_at(at) as broken, pytest.raises(KeyboardInterrupt):
        run(*settings, broken, folder="broken")
    again = run(*settings, broken, folder="broken")
    assert same_weights(tmp_path / "whole", tmp_path / "broken")
    assert (tmp_path / "whole" / "metrics.csv").read_text() == (tmp_path / "broken" / "metrics.csv").read_text()
    for key in ("final", "last_fifth", "best", "iterations", "evaluations", "status"):
        assert json.dumps(again[key]) == json.dumps(whole[key]), key  # NaN is not equal to itself


def test_a_run_killed_after_its_last_checkpoint_only_writes_its_result(run, tmp_path):
    whole = run(folder="run")
    again = run(folder="run")  # the checkpoint at iteration 12 is there; no result.json is
    assert again["final"] == whole["final"]
    state = checkpoint(tmp_path / "run")["callbacks"]["TimedCheckpoint"]
    assert state["seconds"] > 0
    assert again["seconds"] > state["seconds"] > whole["seconds"] / 2  # those of both sessions


def test_watching_changes_no_weight(run, tmp_path):
    run(folder="plain")
    run("evaluation.every=1", "evaluation.samples=32", "evaluation.figures=3", "evaluation.stops=[4]", folder="watched")
    one, other = (checkpoint(tmp_path / name)["state_dict"] for name in ("plain", "watched"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_diverged_seed_is_recorded_and_the_others_are_those_of_a_healthy_run(run):
    def poison(optimizer):
        with torch.no_grad():
            optimizer.param_groups[0]["params"][0][1] = float("nan")

    healthy = run(folder="healthy")
    with calling(poison):
        result = run(WATCHED["generator"], folder="poisoned")
    assert result["status"] == "finished"
    assert result["final"]["diverged"] == [0, 1, 0]
    assert math.isnan(result["final"]["w1"][1])
    assert [result["final"]["w1"][s] for s in (0, 2)] == [healthy["final"]["w1"][s] for s in (0, 2)]


def test_a_run_whose_every_seed_diverges_stops_and_says_so(run):
    result = run("method=primal_dual", "method.pair=kl", "optimizer=sgd", "optimizer.lr=1e6", "iterations=40")
    assert result["status"] == "diverged"
    assert result["iterations"] < 40
    assert result["final"]["diverged"] == [1, 1, 1]


def test_tensorboard_shows_metrics_players_and_pictures(run, tmp_path):
    result = run("evaluation.figures=2", "evaluation.every=6")
    scalars, images, texts = {}, set(), {}
    for events in (tmp_path / "run").glob("events.out.tfevents.*"):
        board = EventAccumulator(str(events)).Reload()
        for tag in board.Tags()["scalars"]:
            scalars.setdefault(tag, []).extend(board.Scalars(tag))
        images |= set(board.Tags()["images"])
        texts |= {tag: board.Tensors(tag)[-1].tensor_proto.string_val[0].decode() for tag in board.Tags()["tensors"]}
    assert images == {"pictures/density", "pictures/discriminator"}
    for tag in ("gradient_norm/generator", "gradient_norm/discriminator", "discriminator/real", "discriminator/fake"):
        values = scalars[f"{tag}/median"]
        assert [event.step for event in values] == [6, 12], (
            "x is the iteration, not Lightning's count of optimizer steps"
        )
        assert all(event.value > 0 for event in values)
    assert scalars["metrics/w1/median"][-1].value == pytest.approx(np.median(result["final"]["w1"]), rel=1e-5)
    assert f"| w1 | {np.median(result['final']['w1']):.6g} |" in texts["final/text_summary"]
    assert "| diverged | 0 |" in texts["final/text_summary"]
    assert [tag for tag, events in scalars.items() if len({event.step for event in events}) < 2] == []


def test_tensorboards_hyperparameters_are_what_was_chosen(saddlegan, tmp_path):
    saddlegan("-m", "method=gan", "optimizer.lr=1e-3,1e-2", "+optimizer.generator.eps=1e-7")
    names = {}
    for events in tmp_path.rglob("events.out.tfevents.*"):
        content = EventAccumulator(str(events)).Reload().summary_metadata.get("_hparams_/experiment")
        if content is None:
            continue
        experiment = plugin_data_pb2.HParamsPluginData.FromString(content.plugin_data.content).experiment
        names[events.parent.name] = [info.name for info in experiment.hparam_infos]
        assert {info.name.tag for info in experiment.metric_infos} >= {"metrics/w1/median"}
    assert len(names) == 2
    for found in names.values():
        assert found[:5] == ["method", "model", "data", "optimizer", "trainer"]
        assert {"optimizer.lr", "optimizer.generator.eps", "iterations"} <= set(found[5:])
        assert not {"output_root", "method.minibatch", "model.generator.widths"} & set(found)


def test_a_trained_generator_approaches_the_data(run, tmp_path):
    """Two-sided: from a fresh start W1 is near 1 (samples near 0, data at 1); 600 iterations bring it well below."""
    result = run("iterations=600", "batch_size=32", "num_seeds=8", "evaluation.every=200")
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").open()))
    start = np.median([float(row["w1"]) for row in rows[:8]])
    assert start > 0.4
    assert np.median(result["final"]["w1"]) < 0.2


@pytest.mark.parametrize(
    ("compile_", "iterations", "precision", "expected"),
    [
        ("auto", 12, "32-true", False),
        ("auto", 1_000_000, "32-true", True),
        ("auto", 1_000_000, "bf16-mixed", False),
        ("true", 12, "32-true", True),
        ("false", 10**6, "32-true", False),
    ],
)
def test_compile_is_chosen_where_it_is_earned_back(compile_, iterations, precision, expected):
    config = composed(*SMALL, f"trainer.compile={compile_}", f"iterations={iterations}")
    config["trainer"]["precision"] = precision
    expected = expected and (shutil.which("g++") is not None or compile_ == "true")
    module, _ = build(config)
    assert compile_players(module, config) is expected
    assert sorted(module.compiled) == ["discriminator", "generator"] * expected


@pytest.mark.slow
def test_compiled_runs_agree_with_eager_ones(run, compiler):
    eager = run("method=primal_dual", "trainer.compile=false", folder="eager")
    compiled = run("method=primal_dual", "trainer.compile=true", folder="compiled")
    assert (eager["compiled"], compiled["compiled"]) == (False, True)
    assert compiled["final"]["w1"] == pytest.approx(eager["final"]["w1"], rel=1e-3)


@pytest.mark.parametrize(
    "overrides",
    [
        ("optimizer.beta1=0", "optimizer.lr=1"),
        ("optimizer.generator.betas=[0,0]",),
        ("optimizer=sgd", "optimizer.lr=1", "optimizer.generator.momentum=0"),
        ("optimizer/schedule=exponential", "optimizer.schedule.gamma=1"),
        ("optimizer/schedule=cosine", "optimizer.schedule.T_max=1e1", "+optimizer.schedule.eta_min=0"),
    ],
)
def test_the_ends_of_ranges_written_as_integers(run, overrides):
    """torch's Adam refuses a pair of an integer and a number with a point."""
    assert len(run(*overrides)["final"]["w1"]) == 3


def test_cuda_where_there_is_none(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(ValueError, match="trainer=cpu"):
        train(composed(*SMALL, "trainer=gpu"), tmp_path)
