"""A run folder: what is written whole, what is read as damaged, what becomes of a folder that exists, and its name."""

import contextlib
import errno
import json
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import CONF, IMAGES, ROOT, SMALL, composed
from hydra import compose, initialize_config_dir
from run_folders import spread, write_run

from saddlegan.checks import ConfigError
from saddlegan.files import write_whole
from saddlegan.folder import (
    CHECKPOINT,
    CONFIG,
    METRICS,
    RESULT,
    SAMPLES,
    DamagedRun,
    claim_run,
    read_result,
    remove_if_new,
    write_json,
)  # fmt: skip
from saddlegan.identity import difference, fingerprint, flatten, run_name, without
from saddlegan.lock import hold
from saddlegan.report import write_report
from saddlegan.reporting.arrays import read_curves
from saddlegan.reporting.runs import Problem, load_runs

ASKED = {"seed": 0, "method": {"alpha": 1.0}, "report": {"metric": "w1"}, "existing": "continue"}
ROWS = ["iteration,seed,w1", "0,0,1.5", "0,1,1.4", "5,0,0.5", "5,1,0.4"]
EVENTS = "events.out.tfevents.1.host.2.0"
OWN = (RESULT, CONFIG, METRICS, SAMPLES, EVENTS, "hparams.yaml", "figures/a.png", str(CHECKPOINT))
OTHERS = (".hydra/config.yaml", ".lock", "notes.txt")


def made(folder: Path, *, status="finished", result=True, config=ASKED, rows=ROWS, **change) -> Path:
    """A folder with every file that a run writes and some that it does not; without `result`, of an interrupted run."""
    for name in (*OWN, *OTHERS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / METRICS).write_text("\n".join(rows) + "\n")
    write_json(folder / CONFIG, config or {})
    metrics = {"w1": [0.5, 0.4]}
    content = {"status": status, "config": config, "seeds": [0, 1], "iterations": 9, "evaluations": 2}
    content |= {"final": metrics, "last_fifth": metrics}
    write_json(folder / RESULT, content | change)
    if not result:
        (folder / RESULT).unlink()
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Whole or not at all -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_file_is_replaced_when_it_is_whole_and_a_failure_leaves_the_old_one_alone(tmp_path, error):
    path = tmp_path / "result.json"
    path.write_text("old")

    def write(text, error=None):
        with write_whole(path) as partial:
            partial.write_text(text)
            assert path.read_text() == "old"
            if error:
                raise error

    with pytest.raises(error):
        write("ne", error)
    assert files(tmp_path) == {"result.json": b"old"}
    write("new")
    assert files(tmp_path) == {"result.json": b"new"}


def test_a_disk_that_does_not_take_the_bytes_leaves_the_old_file(tmp_path, monkeypatch):
    def failing(_):
        raise OSError(errno.EIO, "bad disk")

    path = tmp_path / "result.json"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="bad disk"):
        write_json(path, {"new": 1})
    assert files(tmp_path) == {"result.json": b"old"}


def test_two_writers_of_one_file_do_not_meet_and_its_ending_is_kept(tmp_path):
    path = tmp_path / "samples.npz"
    with write_whole(path) as one, write_whole(path) as other:
        assert len({one, other, path}) == 3
        np.savez(one, a=np.zeros(1))  # which appends .npz to any other ending
        np.savez(other, a=np.ones(1))
    assert list(files(tmp_path)) == ["samples.npz"]
    assert np.load(path)["a"] == 0  # the one that ended last


def test_json_has_no_nan_and_whoever_reads_the_old_file_reads_on(tmp_path):
    path = tmp_path / "result.json"
    write_json(path, {"old": 1})
    with path.open() as reader:
        write_json(path, {"a": math.nan, "b": [1.5, -math.inf, {"c": (math.inf, 2)}], "d": {"e": math.nan}, "f": True})
        assert json.load(reader) == {"old": 1}
    found = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert found == {"a": None, "b": [1.5, None, {"c": [None, 2]}], "d": {"e": None}, "f": True}
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == found


# Reading -------------------------------------------------------------------------------------------------------------


def test_a_result_is_read_and_a_folder_without_one_has_none(tmp_path):
    assert read_result(tmp_path) is None
    assert read_result(made(tmp_path / "a"))["final"] == {"w1": [0.5, 0.4]}
    assert read_result(made(tmp_path / "b", result=False)) is None
    assert read_result(made(tmp_path / "c", status="diverged"))["status"] == "diverged"


def test_a_failed_run_is_read_whatever_its_metrics_are(tmp_path):
    folder = made(tmp_path, status="failed", final={}, rows=ROWS[:2])
    assert read_result(folder)["status"] == "failed"


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        ({"status": "done"}, RESULT, "'done'"),
        ({"final": {}}, RESULT, "no final metrics"),
        ({"config": None}, RESULT, "`config`"),
        ({"seeds": None}, RESULT, "`seeds`"),
        ({"final": {"w1": [0.5]}}, RESULT, "w1: got 1 values, expected one per seed, 2"),
        ({"rows": ROWS[:-1]}, METRICS, "got 3 rows, expected 4"),
        ({"rows": [*ROWS, "9,0,0.1"]}, METRICS, "got 5 rows, expected 4"),
        ({"rows": [*ROWS[:-1], "5,1"]}, METRICS, "expected 4 whole ones"),
        ({"rows": [*ROWS, *ROWS[3:]]}, METRICS, "got 6 rows, 2 of them a second time: two processes"),
        ({"rows": [*ROWS[:-1], "5,0,0.7"]}, METRICS, "got 4 rows, 1 of them a second time: two processes"),
    ],
    ids=str,
)
def test_what_is_not_whole_is_named_with_a_remedy_and_can_be_left_or_repeated(tmp_path, change, name, words):
    folder = made(tmp_path, **change)
    before = files(folder)
    with pytest.raises(DamagedRun, match=words):
        read_result(folder)
    with pytest.raises(DamagedRun) as error:
        claim_run(folder, ASKED, "continue")
    assert str(folder / name) in str(error.value)
    assert "existing=repeat" in str(error.value)
    assert claim_run(folder, ASKED, "skip")["status"] == "skipped"
    assert files(folder) == before
    assert claim_run(folder, ASKED, "repeat") is None


# What becomes of a folder that exists --------------------------------------------------------------------------------


def test_a_finished_run_is_done_and_stays_as_it_is(tmp_path):
    before = files(made(tmp_path))
    assert claim_run(tmp_path, ASKED, "continue")["status"] == "finished"
    assert files(tmp_path) == before


def test_an_interrupted_run_goes_on_from_its_checkpoint(tmp_path):
    before = files(made(tmp_path, result=False))
    left = tmp_path / CHECKPOINT.parent / ".part-1-last.ckpt"  # of a process that was killed
    left.write_text("half")
    assert claim_run(tmp_path, ASKED, "continue") is None
    assert files(tmp_path) == before


def test_a_run_goes_on_with_another_number_of_devices_until_it_is_finished(tmp_path, capsys):
    two = ASKED | {"trainer": {"devices": 2}}
    made(tmp_path / "stopped", result=False)
    assert claim_run(tmp_path / "stopped", two, "continue") is None
    assert "trainer.devices=2, and began with 1" in capsys.readouterr().err
    assert json.loads((tmp_path / "stopped" / CONFIG).read_text()) == two
    made(tmp_path / "finished")
    with pytest.raises(ConfigError, match=r"trainer.devices: \(absent\) -> 2"):
        claim_run(tmp_path / "finished", two, "continue")


@pytest.mark.parametrize(("status", "existing"), [("failed", "continue"), ("finished", "repeat"), ("failed", "repeat")])
def test_what_is_repeated_starts_from_nothing_and_other_files_stay(tmp_path, status, existing):
    made(tmp_path, status=status)
    assert claim_run(tmp_path, ASKED, existing) is None
    assert files(tmp_path).keys() == {CONFIG, *OTHERS}
    assert json.loads((tmp_path / CONFIG).read_text()) == ASKED


@pytest.mark.parametrize("state", [{}, {"result": False}, {"status": "failed"}], ids=str)
def test_a_folder_of_another_configuration_is_refused_and_untouched(tmp_path, state):
    before = files(made(tmp_path, **state))
    with pytest.raises(ConfigError, match=r"method.alpha: 1.0 -> 2.0[\s\S]*existing=repeat"):
        claim_run(tmp_path, ASKED | {"method": {"alpha": 2.0}}, "continue")
    assert files(tmp_path) == before


def test_a_new_folder_is_claimed_by_its_configuration(tmp_path):
    assert claim_run(tmp_path, ASKED, "continue") is None
    assert json.loads((tmp_path / CONFIG).read_text()) == ASKED


@pytest.mark.parametrize("content", [None, "[]", '{"seed": '])
def test_a_checkpoint_is_not_gone_on_from_where_nothing_says_whose_it_is(tmp_path, content):
    made(tmp_path, result=False)
    (tmp_path / CONFIG).unlink()
    if content is not None:
        (tmp_path / CONFIG).write_text(content)
    with pytest.raises(DamagedRun, match=r"config.json.*existing=repeat"):
        claim_run(tmp_path, ASKED, "continue")
    assert claim_run(tmp_path, ASKED, "repeat") is None
    assert not (tmp_path / CHECKPOINT).exists()


def test_how_it_is_reported_may_change_and_is_stored(tmp_path):
    made(tmp_path)
    asked = ASKED | {"report": {"metric": "ks"}}
    assert claim_run(tmp_path, asked, "continue")["config"]["report"] == {"metric": "ks"}
    assert read_result(tmp_path)["config"] == asked


@pytest.mark.parametrize("at", range(9))
def test_whoever_is_stopped_while_a_run_is_thrown_away_leaves_no_checkpoint_for_another(tmp_path, monkeypatch, at):
    folder = made(tmp_path / "run")
    unlink, rmtree, done = Path.unlink, shutil.rmtree, []

    def stopped(remove):
        def removing(path, *arguments, **options):
            if len(done) == at:
                raise KeyboardInterrupt
            done.append(path)
            remove(path, *arguments, **options)

        return removing

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", stopped(unlink))
        patch.setattr(shutil, "rmtree", stopped(rmtree))
        with contextlib.suppress(KeyboardInterrupt):
            claim_run(folder, ASKED, "repeat")
    shutil.copytree(folder, tmp_path / "again")
    result = claim_run(tmp_path / "again", ASKED, "continue")  # the same run: it is whole, or it starts from nothing
    assert result or not (tmp_path / "again" / CHECKPOINT).exists()
    with contextlib.suppress(ConfigError):
        assert claim_run(folder, ASKED | {"seed": 7}, "continue") is None
        assert not (folder / CHECKPOINT).exists()


def test_checkpoints_that_are_linked_are_thrown_away_too(tmp_path):
    made(tmp_path / "run")
    shutil.move(tmp_path / "run" / "checkpoints", tmp_path / "large")
    (tmp_path / "run" / "checkpoints").symlink_to(tmp_path / "large")
    assert claim_run(tmp_path / "run", ASKED, "repeat") is None
    assert not (tmp_path / "run" / CHECKPOINT).exists()


def test_a_new_folder_is_removed_with_a_parent_that_it_leaves_empty_and_no_other(tmp_path):
    for name in ("a/run", "b/run", "b/other"):
        (tmp_path / name / ".hydra").mkdir(parents=True)
        (tmp_path / name / CONFIG).write_text("{}")
    (tmp_path / "b" / "other" / CHECKPOINT.parent).mkdir()
    for folder in (tmp_path / "a" / "run", tmp_path / "b" / "run", tmp_path / "b" / "other"):
        with hold(folder):
            remove_if_new(folder)
    assert sorted(path.name for path in tmp_path.glob("**/*") if path.is_dir() and path.parent != tmp_path) == [
        ".hydra", "checkpoints", "other",
    ]  # fmt: skip
    assert not (tmp_path / "a").exists()


def test_a_checkpoint_that_could_not_be_written_costs_no_earlier_one(run, tmp_path, monkeypatch):
    import lightning as L

    whole, saved = run(folder="whole"), []
    save = L.Trainer.save_checkpoint

    def filling(trainer, path, *arguments, **options):
        saved.append(int(trainer.lightning_module.iteration))
        if len(saved) == 2:
            Path(path).write_text("half")
            raise OSError(errno.ENOSPC, "full")
        save(trainer, path, *arguments, **options)

    monkeypatch.setattr(L.Trainer, "save_checkpoint", filling)
    with pytest.raises(OSError, match="full"):
        run("checkpoint_seconds=1e-9", folder="full")
    assert saved == [5, 10]
    assert run("checkpoint_seconds=1e-9", folder="full")["final"] == whole["final"]
    assert sorted(set(saved[2:])) == [10, 12]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("checkpoint_seconds=1e-9",), {50, 60, 100, 120, 130}),  # steps of Lightning end at each 50th, too
        ((), {130}),
        (("checkpoint_iterations=40",), {40, 80, 120, 130}),
        (("checkpoint_iterations=1000",), {130}),
    ],
)
def test_checkpoints_are_saved_after_so_much_time_or_so_many_iterations_and_at_the_end(
    run, monkeypatch, words, expected
):
    import lightning as L

    saved = set()
    monkeypatch.setattr(
        L.Trainer, "save_checkpoint", lambda trainer, path, *_, **__: saved.add(save(trainer, Path(path)))
    )

    def save(trainer, path):
        path.write_text("weights")
        return int(trainer.lightning_module.iteration)

    run("iterations=130", "evaluation.every=60", *words)
    assert saved == expected


# Which run it is -----------------------------------------------------------------------------------------------------

NEUTRAL = ("report.", "logger.", "existing", "output_root", "checkpoint_seconds", "checkpoint_iterations", "data.root",
           "data.download", "evaluation._target_", "evaluation.metrics.", "earlier")  # fmt: skip


@pytest.mark.parametrize("overrides", [SMALL, (*SMALL, *IMAGES, "method=primal_dual")], ids=["toy", "images"])
def test_every_key_tells_runs_apart_but_those_that_decide_nothing(overrides):
    stored = fingerprint(composed(*overrides))
    leaves = flatten(composed(*overrides))
    assert len(leaves) > 30
    for key, leaf in leaves.items():
        changed = fingerprint(nested(leaves | {key: "other"}))
        seen = difference(stored, changed).splitlines()
        assert seen == ([] if key.startswith(NEUTRAL) else [f"  {key}: {leaf} -> other"])
        gone = fingerprint(nested({name: value for name, value in leaves.items() if name != key}))
        assert bool(difference(stored, gone)) == (not key.startswith(NEUTRAL)), key


def nested(leaves: dict) -> dict:
    tree: dict = {}
    for key, leaf in leaves.items():
        *groups, name = key.split(".")
        node = tree
        for group in groups:
            node = node.setdefault(group, {})
        node[name] = leaf
    return tree


def test_a_key_that_came_later_had_one_meaning_where_a_stored_run_lacks_it():
    assert difference({"a": 1}, {"a": 1, "ema_decay": 0.0, "method.space": "pixels"}) == ""
    assert difference({"a": 1}, {"a": 1, "ema_decay": 0.9}) == "  ema_decay: 0.0 -> 0.9"
    assert difference({"a": 1}, {"a": 1, "b": 2}) == "  b: (absent) -> 2"
    assert difference({"a": 1, "b": 2}, {"a": 1}) == "  b: 2 -> (absent)"


def test_what_lies_below_a_key_goes_with_it_and_its_namesakes_stay():
    tree = {"data": {"root": 1, "rooted": 2, "sub": {"x": [1, {"y": 2}]}}, "report": {"a": 3}, "reports": 4}
    assert without(tree, ["data.root", "report"]) == {"data.rooted": 2, "data.sub.x": [1, {"y": 2}], "reports": 4}
    assert without(tree, ["data", "report"]) == {"reports": 4}
    with pytest.raises(TypeError, match="list"):
        fingerprint([])


def test_names_of_stored_runs_stay_as_they_are():
    names = {run.folder.name for run in load_runs([ROOT / "outputs" / "reference"])[0]}
    assert len(names) > 100
    for name in names | {"a" * 200, "ж" * 127}:
        assert run_name(name) == name
    assert run_name("") == "default"
    assert run_name("data.name=a/b c,method.x=[1,2]") == "data.name=a_b_c,method.x=_1,2_"


@pytest.mark.parametrize("text", ["a" * 201, "ж" * 128, "a" + "ж" * 300, "😀" * 100, "한=" * 150])
def test_a_long_name_of_any_script_is_one_folder_and_what_is_cut_off_still_counts(tmp_path, text):
    names = {run_name(text + ending) for ending in ("", "1", "2")}
    assert len(names) == 3
    for name in names:
        (tmp_path / name).mkdir()
    assert {path.name for path in tmp_path.iterdir()} == names
    assert all(len(name) <= 200 and len(name.encode()) <= 255 for name in names)


# From the command line -----------------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("root", ["'~/my runs'", "'~'", "'äж 한/a,b=c'", "a b"])
def test_runs_go_where_output_root_says(saddlegan, tmp_path, monkeypatch, root):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    status, output = saddlegan(f"output_root={root}", "iterations=1", "-m")
    assert status == 0, output
    (result,) = tmp_path.rglob("result.json")
    assert result.parents[2] == tmp_path / root.strip("'").replace("~", "home")
    choices = json.loads(result.read_text())["choices"]
    assert choices.keys() == {"method", "model", "data", "optimizer", "trainer"}


@pytest.mark.parametrize("mode", [(), ("-m",)], ids=["run", "sweep"])
def test_a_place_that_is_no_folder_is_one_line(saddlegan, tmp_path, mode):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "loop").symlink_to("loop")
    for place in ("file", "loop", "x" * 300):
        status, output = saddlegan(f"output_root={tmp_path / place}", *mode)
        assert (status, "output_root" in output, "Traceback" in output) == (2, True, False), output
    assert files(tmp_path) == {"file": b"mine"}


def test_repeat_throws_nothing_away_where_the_data_are_missing(saddlegan, tmp_path):
    lost = ("data=digits", "model=mnist_conv", "num_seeds=1", "evaluation.samples=128", "data.name=mnist")
    asked = composed(*SMALL, *lost)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        place = compose("config", [*SMALL, *lost, f"output_root={tmp_path}"], return_hydra_config=True).hydra.run.dir
    folder = made(Path(place), config=asked)
    before = files(folder)
    status, output = saddlegan(*lost, f"data.root={tmp_path}", "data.download=false", "existing=repeat")
    assert (status, "digits needs neither" in output) == (2, True), output
    assert {key: value for key, value in files(folder).items() if key in OWN} == {
        key: value for key, value in before.items() if key in OWN
    }
    status, output = saddlegan(*lost, f"data.root={tmp_path}")  # its name is the same, and it is finished
    assert (status, "finished already" in output) == (0, True), output


# In a report ---------------------------------------------------------------------------------------------------------


def test_a_report_names_the_run_that_two_processes_wrote(tmp_path):
    for name, method in (("once", "gan"), ("twice", "primal_dual")):
        write_run(tmp_path / name, method, spread(0.2, 3))
    path = tmp_path / "twice" / METRICS
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *rows, *rows[::2]]) + "\n")
    text = write_report([tmp_path], tmp_path / "report").with_suffix(".md").read_text()
    problems = [line for line in text.split("## Problems")[1].splitlines() if "| twice |" in line]
    assert "| duplicate | twice | metrics.csv has 9 rows twice: two processes" in problems[0]
    assert "| incomplete | twice | metrics.csv gives no curve" in problems[1]
    assert "| once |" not in text.split("## Problems")[1]
    once, twice = load_runs([tmp_path])[0]
    assert isinstance(read_curves(twice, "w1_std"), Problem)
    assert read_curves(once, "w1_std").shape == (6, 3)


def test_a_run_without_a_result_is_said_to_be_in_training_where_somebody_started_it(tmp_path):
    (tmp_path / "old" / ".hydra").mkdir(parents=True)
    (tmp_path / "new" / ".hydra").mkdir(parents=True)
    (tmp_path / ".lock").touch()  # not a foreign file
    with hold(tmp_path / "new"):
        _, problems = load_runs([tmp_path])
    assert [(problem.what, problem.where) for problem in problems] == [("missing", "new"), ("missing", "old")]
    assert f"process {os.getpid()} on host " in problems[0].why
    assert "process" not in problems[1].why


def test_metrics_that_cannot_be_read_are_a_problem_and_not_the_reports_end(tmp_path):
    folder = write_run(tmp_path / "a", "gan", [0.1], files=False)
    (folder / METRICS).symlink_to("/proc/self/mem")  # a file whose every reading fails
    runs, problems = load_runs([tmp_path])
    assert len(runs) == 1
    assert [(problem.what, problem.where) for problem in problems] == [("incomplete", "a")]
