"""How far a sweep is: every state of a run, the time that is left, and what the command says and ends with."""

import io
import json
import os

import pytest
from rich.console import Console
from run_folders import write_run

from saddlegan import status
from saddlegan.cli.sweeps import plan
from saddlegan.folder import CHECKPOINT, PLAN, SESSION
from saddlegan.lock import hold
from saddlegan.status import Standing, duration, main, shown, standings


def begun(folder, rows=(0, 10, 20), of=100, checkpoint=False, session=None):
    """A run folder whose training has reached the last of these iterations."""
    (folder / ".hydra").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"iterations": of}))
    (folder / "metrics.csv").write_text("iteration,seed,w1\n" + "".join(f"{row},0,1.5\n" for row in rows))
    (folder / CHECKPOINT).parent.mkdir()
    if checkpoint:
        (folder / CHECKPOINT).touch()
    if session:
        (folder / SESSION).write_text(json.dumps(dict(zip(("first", "began"), session, strict=True))))


@pytest.fixture
def sweep(tmp_path):
    """A sweep with a run in each state."""
    names = ("ended", "lost", "broken", "runs", "halted", "entered", "waits", "spoiled")
    plan(tmp_path, {name: [f"seed={place}"] for place, name in enumerate(names)})
    write_run(tmp_path / "ended", "gan", [0.1], files=False)
    write_run(tmp_path / "lost", "gan", [float("nan")], status="diverged", files=False)
    write_run(
        tmp_path / "broken",
        "gan",
        [0.1],
        status="failed",
        error="Traceback\n  File\nRuntimeError: no more",
        files=False,
    )
    begun(tmp_path / "runs", session=(10, 1000.0))
    os.utime(tmp_path / "runs" / "metrics.csv", (1030.0, 1030.0))
    begun(tmp_path / "halted", checkpoint=True)
    begun(tmp_path / "entered")
    (tmp_path / "spoiled").mkdir()
    (tmp_path / "spoiled" / "result.json").write_text("{")
    return tmp_path


def test_each_state_of_a_run_is_told(sweep):
    with hold(sweep / "runs"):
        os.utime(sweep / "runs" / ".lock", (1000.0, 1000.0))
        found = {one.name: one for one in standings(sweep, now=1030.0)}
        later = {one.name: one for one in standings(sweep, now=1050.0)}
        os.utime(sweep / "runs" / ".lock", (2000.0, 2000.0))
        again = {one.name: one for one in standings(sweep, now=2030.0)}
    assert later["runs"].left == 220.0
    assert again["runs"].left is None  # the session is that of a process before
    assert {name: one.state for name, one in found.items()} == {
        "ended": "finished", "lost": "diverged", "broken": "failed", "runs": "running", "halted": "stopped",
        "entered": "missing", "waits": "missing", "spoiled": "damaged",
    }  # fmt: skip
    assert found["broken"].why == "RuntimeError: no more"
    assert found["runs"].why.startswith("process ")
    assert (found["runs"].done, found["runs"].of, found["runs"].left) == (20, 100, 240.0)  # 10 in 30 s, 80 are left
    assert (found["halted"].done, found["halted"].of, found["halted"].left) == (20, 100, None)
    assert (found["ended"].done, found["ended"].of) == (5000, 5000)
    assert found["waits"].why == "not begun"


def test_a_run_whose_process_is_gone_does_not_run(sweep):
    with hold(sweep / "runs"):
        pass
    assert {one.name: one.state for one in standings(sweep)}["runs"] == "missing"


def test_runs_that_no_plan_names_are_shown_besides(sweep):
    write_run(sweep / "other", "gan", [0.1], files=False)
    assert [one.name for one in standings(sweep)][-1] == "other"
    (sweep / PLAN).unlink()
    assert "waits" not in {one.name for one in standings(sweep)}


def test_a_row_that_is_half_written_is_no_iteration(tmp_path):
    begun(tmp_path / "a")
    with (tmp_path / "a" / "metrics.csv").open("a") as file:
        file.write("x")
    (found,) = standings(tmp_path)
    assert found.done == 20


def text(found):
    console = Console(file=io.StringIO(), width=160)
    console.print(shown(found))
    return console.file.getvalue()


def test_the_table_has_a_row_per_run_and_a_line_that_counts_them(sweep):
    said = text(standings(sweep))
    assert said.splitlines()[0].split() == ["run", "state", "iterations", "left", "why"]
    assert len(said.splitlines()) == 1 + 8 + 1
    assert "8 runs: 1 finished, 1 diverged, 1 failed, 3 missing, 1 stopped, 1 damaged" in said


def test_of_many_runs_those_that_are_finished_are_left_out():
    found = [Standing(f"run-{place}", "finished", 5, 5) for place in range(50)] + [Standing("late", "stopped", 1, 5)]
    said = text(found)
    assert "late" in said
    assert "run-7" not in said
    assert "51 runs: 50 finished, 1 stopped; 50 are not shown" in said


@pytest.mark.parametrize(
    ("waiting", "running", "told"),
    [
        (0, [(50, 100, 60.0)], "about 60 s left"),
        (4, [(50, 100, 60.0), (50, 100, 60.0)], "about 5 min left"),  # each takes 120 s, four more by two at once
        (2, [(0, 100, None), (50, 100, 60.0)], "about 4 min left"),  # one of those that run has said nothing yet
        (2, [], "2 missing\n"),
    ],
)
def test_the_time_that_is_left_goes_by_those_that_run(waiting, running, told):
    found = [Standing(str(at), "running", done, of, left) for at, (done, of, left) in enumerate(running)]
    found += [Standing(f"w{place}", "missing") for place in range(waiting)]
    assert told in "\n".join(line.rstrip() for line in text(found).splitlines()) + "\n"


def test_durations_are_told_in_what_fits():
    assert [duration(seconds) for seconds in (None, 0.4, 89, 91, 5399, 5401)] == [
        "",
        "0 s",
        "89 s",
        "2 min",
        "90 min",
        "1.5 h",
    ]


def test_the_command_ends_with_0_where_all_is_finished_1_where_not_and_2_where_there_is_nothing(
    sweep, tmp_path, capsys
):
    assert main([str(sweep)]) == 1
    assert "RuntimeError: no more" in capsys.readouterr().out
    write_run(tmp_path / "whole" / "a", "gan", [0.1], files=False)
    assert main([str(tmp_path / "whole")]) == 0
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "expected that of a sweep" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / "empty")]) == 2


def test_watching_ends_when_every_run_has(sweep, monkeypatch, capsys):
    looks = iter([["running"], ["running", "stopped"], ["finished", "failed"]])
    monkeypatch.setattr(status, "standings", lambda _: [Standing(s, s) for s in next(looks)])
    monkeypatch.setattr(status.time, "sleep", lambda _: None)
    assert main([str(sweep), "--watch"]) == 1
    assert "2 runs: 1 finished, 1 failed" in capsys.readouterr().out


def test_a_sweep_writes_down_its_jobs_before_the_first_one_begins(saddlegan, tmp_path):
    assert saddlegan("-m", "method=gan,lsgan", "seed=0,1")[0] == 0
    found = standings(tmp_path / "runs")
    assert [one.state for one in found] == ["finished"] * 4
    jobs = json.loads((tmp_path / "runs" / PLAN).read_text())["jobs"]
    words = [[word for word in job["words"] if word.startswith(("method=", "seed="))] for job in jobs]
    assert words == [[f"method={method}", f"seed={seed}"] for method in ("gan", "lsgan") for seed in (0, 1)]
    assert {job["folder"] for job in jobs} == {one.name for one in found}
    assert all((one.done, one.of) == (12, 12) for one in found)
