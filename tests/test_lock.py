"""A run folder is held by one process at a time: what the second is told, alone and in a sweep, and what lets go."""

import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conftest import CONF, SMALL, composed, results
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from saddlegan import cli
from saddlegan.checks import ConfigError
from saddlegan.folder import read_result, write_json
from saddlegan.lock import LOCK, HeldRun, hold

HOLDING = """
import sys, time
from pathlib import Path
from saddlegan.lock import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_told_who_holds_the_folder_and_a_killed_one_lets_go(tmp_path):
    (tmp_path / LOCK).write_text("x" * 1000)  # left over by a crash
    other = subprocess.Popen([sys.executable, "-c", HOLDING, tmp_path], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        begun = time.monotonic()
        with pytest.raises(HeldRun) as error, hold(tmp_path):
            pytest.fail("two processes held one folder")
        assert time.monotonic() - begun < 5
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
    about = json.loads((tmp_path / LOCK).read_text())
    assert (about["pid"], about["host"]) == (other.pid, socket.gethostname())
    assert timedelta(0) <= datetime.now().astimezone() - datetime.fromisoformat(about["since"]) < timedelta(minutes=2)
    said = f"process {other.pid} on host {socket.gethostname()}, since {about['since']}"
    assert said in str(error.value)
    assert "Remedy: wait until it has ended" in str(error.value)
    assert "output_root=DIR" in str(error.value)
    with hold(tmp_path):  # what the dead one left over is no obstacle
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


def test_a_folder_is_held_until_the_block_ends_however_it_ends(tmp_path):
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), hold(tmp_path):
            raise KeyboardInterrupt
    with hold(tmp_path), pytest.raises(HeldRun), hold(tmp_path):
        pytest.fail("held twice")


def test_a_lock_that_does_not_say_who_holds_it_is_respected(tmp_path):
    with hold(tmp_path):
        for content in (b"", b"[]", b'{"pid": 1}', b"\xff\xfe"):
            (tmp_path / LOCK).write_bytes(content)
            with pytest.raises(HeldRun, match="it has not said which"), hold(tmp_path):
                pytest.fail("held twice")


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP], ids=errno.errorcode.get)
def test_a_file_system_without_locks_is_named_with_a_remedy(saddlegan, tmp_path, monkeypatch, code):
    def refused(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(ConfigError, match=r"without file locks.*Remedy: output_root=DIR"), hold(tmp_path):
        pytest.fail("held without a lock")
    status, output = saddlegan("method=gan")
    assert (status, "without file locks" in output, "Traceback" in output) == (2, True, False)


@pytest.mark.parametrize("written", [0, 3, None])
def test_a_full_disk_is_a_full_disk_and_leaves_no_lock(saddlegan, tmp_path, monkeypatch, written):
    def full(*_):
        if written is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return written

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space left"), hold(tmp_path):
            pytest.fail("held unsigned")
        status, output = saddlegan("method=gan")
        assert (status, "make room" in output, "Traceback" in output) == (2, True, False)
    with hold(tmp_path):
        pass


def test_a_lock_that_is_no_file_is_one_line(saddlegan, tmp_path):
    (place("method=gan", root=tmp_path) / LOCK).mkdir(parents=True)
    status, output = saddlegan("method=gan")
    assert (status, "Remedy" in output, "Traceback" in output) == (2, True, False)


# From the command line -----------------------------------------------------------------------------------------------


def place(*overrides, root):
    """The folder that the command line gives a run of these overrides."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", [*SMALL, *overrides, f"output_root={root}"], return_hydra_config=True)
    return Path(cfg.hydra.run.dir)


def finish(folder, *overrides, status="finished", error=None):
    """Write a run of the command line as if it had been trained."""
    seeds, metrics = [0, 1, 2], {"w1": [0.5, 0.4, 0.3]}
    result = {
        "status": status,
        "seeds": seeds,
        "evaluations": 1,
        "final": metrics,
        "last_fifth": metrics,
        "error": error,
    }
    result |= {"iterations": 12, "choices": {"method": "gan"}, "config": composed(*SMALL, *overrides)}
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "result.json", result)
    (folder / "metrics.csv").write_text("iteration,seed,w1\n12,0,0.5\n12,1,0.4\n12,2,0.3\n")


@pytest.mark.thorough
@pytest.mark.parametrize("existing", ["continue", "repeat", "skip"])
def test_a_run_that_another_process_trains_is_left_alone(saddlegan, tmp_path, monkeypatch, existing):
    monkeypatch.setattr(cli, "train", lambda *_: pytest.fail("it was trained a second time"))
    folder = place("method=gan", root=tmp_path)
    finish(folder, "method=gan")
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "last.ckpt").write_text("weights")
    with hold(folder):
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        status, output = saddlegan("method=gan", f"existing={existing}")
        assert status == 2
        assert f"another process is training: process {os.getpid()} on host" in output
        assert "Traceback" not in output
        assert {path: path.read_bytes() for path in before} == before


def test_a_run_that_has_only_begun_is_not_removed_by_the_second_process(saddlegan, tmp_path):
    folder = place("method=gan", root=tmp_path)
    with hold(folder):
        (folder / "config.json").write_text("{}")
        for existing in ("continue", "perhaps"):
            assert saddlegan("method=gan", f"existing={existing}")[0] == 2
        assert (folder / "config.json").exists()


def test_the_lock_is_held_until_the_result_is_written(saddlegan, tmp_path, monkeypatch):
    folder, seen = place("method=gan", root=tmp_path), []
    train = cli.train

    def trained(*arguments):
        def refused():
            with pytest.raises(HeldRun), hold(folder):
                pytest.fail("nobody holds the folder")
            seen.append((folder / "result.json").exists())

        refused()
        result = train(*arguments)
        refused()
        return result

    monkeypatch.setattr(cli, "train", trained)
    assert saddlegan("method=gan")[0] == 0
    assert seen == [False, True]
    with hold(folder):
        assert read_result(folder)["status"] == "finished"


SWEEP = ("-m", "seed=0,1")


@pytest.mark.thorough
def test_a_sweep_leaves_a_held_run_to_its_process_and_trains_the_others(saddlegan, tmp_path):
    held = place("seed=0", root=tmp_path)
    with hold(held):
        status, output = saddlegan(*SWEEP)
        assert status == 2, output
        assert f"held: {held}: got a run that another process is training: process {os.getpid()}" in output
        assert "1 of 2 runs were left to the processes that train them" in output
        assert "failed" not in output
        assert [result["seeds"] for result in results(tmp_path).values()] == [[1, 2, 3]]
    report = (tmp_path / "runs" / "report" / "report.md").read_text()
    assert "no result.json: it is still being trained" in report.split("## Problems")[1]
    status, output = saddlegan(*SWEEP)
    assert (status, output.count("finished already"), output.count("finished: ")) == (0, 1, 1), output


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("status", "error", "expected", "words"),
    [("finished", None, 0, "report: "), ("failed", "Traceback\nout of luck", 1, "out of luck")],
)
def test_a_held_run_that_ends_before_the_sweep_counts_as_it_ended(
    saddlegan, tmp_path, monkeypatch, status, error, expected, words
):
    """The other process writes its result while this one is busy with the next run."""
    held = place("seed=0", root=tmp_path)
    train = cli.train

    def trained(*arguments):
        finish(held, "seed=0", status=status, error=error)
        return train(*arguments)

    monkeypatch.setattr(cli, "train", trained)
    with hold(held):
        code, output = saddlegan(*SWEEP)
    assert (code, words in output, "held: " in output) == (expected, True, False), output


@pytest.mark.thorough
def test_workers_of_a_sweep_respect_the_lock_too(saddlegan, tmp_path):
    """Of two runs one is held here and one is finished, so that the workers need no torch."""
    finish(place("seed=1", root=tmp_path), "seed=1")
    with hold(place("seed=0", root=tmp_path)):
        status, output = saddlegan(*SWEEP, "hydra/launcher=cores", "hydra.launcher.n_jobs=2")
    assert status == 2, output
    assert "1 of 2 runs were left" in output
    assert "finished already" in output
