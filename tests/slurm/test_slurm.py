"""The real sweep of Figure 1 on a real SLURM of one node, whose jobs are killed, queued again, preempted, and run out
of their time: all end finished, with the weights of runs that nobody disturbed, in a complete report."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from saddlegan.engine.checkpoint import read_checkpoint
from saddlegan.folder import CHECKPOINT, METRICS, PLAN, RESULT
from saddlegan.lock import LOCK
from saddlegan.status import standings

pytestmark = pytest.mark.slurm

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "scripts" / "local_slurm.sh"
SADDLEGAN = Path(sys.executable).with_name("saddlegan")
SWEEP = ("experiment=gaussian_1d", "num_seeds=8", "iterations=4000", "evaluation.every=100", "evaluation.figures=0",
         "checkpoint_seconds=1")  # fmt: skip
SLURM = ("hydra/launcher=slurm", "hydra.launcher.mem_gb=2")
#: Seconds until a job has come so far, and until a sweep has ended.
SOON, LATE = 180, 1800


def said(*words, check=False):
    return subprocess.run(words, capture_output=True, text=True, check=check).stdout


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """A SLURM of one node; one that is there already stays."""
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("a local SLURM is brought up by root, on Debian or Ubuntu")
    there = bool(shutil.which("sinfo") and said("sinfo", "--noheader"))
    if not there:
        up = subprocess.run([CLUSTER, "up"], capture_output=True, text=True)
        if up.returncode:
            subprocess.run([CLUSTER, "down"], check=False)
            pytest.skip(f"no SLURM could be brought up here: {(up.stderr or up.stdout).strip()[-300:]}")
    ended = threading.Event()
    releaser = threading.Thread(target=release, args=(ended,), daemon=True)
    releaser.start()
    yield
    ended.set()
    releaser.join()
    if not there:
        subprocess.run([CLUSTER, "down"], check=False)


def release(ended):
    """Let jobs that were queued again begin at once, and not in two minutes as SLURM has it."""
    while not ended.wait(1.0):
        for line in said("squeue", "--noheader", "--array", "--format=%i %T %r").splitlines():
            job, state, *reason = line.split()
            if state == "PENDING" and reason == ["BeginTime"]:
                said("scontrol", "update", f"JobId={job}", "StartTime=now")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The sweep that nobody disturbs, without SLURM."""
    root = tmp_path_factory.mktemp("whole")
    subprocess.run([SADDLEGAN, *SWEEP, f"output_root={root}"], check=True, capture_output=True)
    return root / "gaussian_1d"


class Submitted:
    """A sweep that is waited for by a process of its own."""

    def __init__(self, root, *words):
        self.began = time.monotonic()
        self.folder = root / "gaussian_1d"
        self.log = root / "log"
        with self.log.open("w") as log:
            words = [SADDLEGAN, *SWEEP, *SLURM, f"output_root={root}", *words]
            self.process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT)

    def array(self):
        """The id of the first array of jobs."""
        while not (found := re.search(r"slurm (\d+)", self.log.read_text())):
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.2)
        return found[1]

    def name(self, place):
        return json.loads((self.folder / PLAN).read_text())["jobs"][place]["folder"]

    def until(self, place, least=200):
        """Wait until a run is in training, and has come so far."""
        before = time.monotonic()
        while time.monotonic() < before + SOON:
            if (self.folder / PLAN).is_file():
                one = {one.name: one for one in standings(self.folder)}[self.name(place)]
                reached = one.done >= least and (self.folder / one.name / CHECKPOINT).is_file()
                if one.state == "running" and reached:
                    return self.folder / one.name
                assert one.state not in ("finished", "failed"), one
            time.sleep(0.2)
        raise AssertionError(f"run {place} was not running within {SOON} s\n{self.log.read_text()}\n{said('squeue')}")

    def requeued(self, job):
        """Wait until SLURM has queued a job again."""
        before = time.monotonic()
        while not restarts(job):
            assert time.monotonic() < before + SOON, self.log.read_text()
            time.sleep(0.2)

    def wait(self):
        status = self.process.wait(LATE)
        self.seconds = time.monotonic() - self.began
        assert status == 0, self.log.read_text()
        return self.log.read_text()


def restarts(job):
    """How often SLURM has queued a job again."""
    return int(re.search(r"Restarts=(\d+)", said("scontrol", "show", "job", job))[1])


def same(folder, whole, names):
    for name in names:
        one, other = (json.loads((top / name / RESULT).read_text()) for top in (folder, whole))
        assert one["status"] == "finished"
        first, second = (read_checkpoint(top / name / CHECKPOINT)["state_dict"] for top in (folder, whole))
        assert one["final"] == other["final"], name
        assert all(torch.equal(first[key], second[key]) for key in first.keys() | second.keys()), name
        assert (folder / name / METRICS).read_text() == (whole / name / METRICS).read_text(), name


def test_jobs_that_are_killed_requeued_and_preempted_end_as_if_nothing_had_been(whole, tmp_path, capsys):
    sweep = Submitted(tmp_path)
    array = sweep.array()
    killed = sweep.until(0)
    os.kill(json.loads((killed / LOCK).read_text())["pid"], signal.SIGKILL)
    sweep.until(1)
    said("scontrol", "requeue", f"{array}_1", check=True)
    sweep.requeued(f"{array}_1")
    sweep.until(2)
    words = ("sbatch", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=sleep 3")
    said(*words, check=True)
    sweep.requeued(f"{array}_2")
    log = sweep.wait()
    assert f"job {array}_0" in log
    assert "left no answer" in log
    found = standings(sweep.folder)
    assert [one.state for one in found] == ["finished"] * 6
    same(sweep.folder, whole, [one.name for one in found])
    report = (sweep.folder / "report" / "report.md").read_text()
    assert "- **Runs**: 6," in report
    assert not re.search(r"\| (missing|failed|damaged) \|", report)
    trained = sum(json.loads((sweep.folder / one.name / RESULT).read_text())["seconds"] for one in found)
    with capsys.disabled():
        print(f"\n6 jobs on 2 cores, one killed, some queued again: {sweep.seconds:.0f} s from submission to report;")
        print(f"{trained:.0f} s of training, those sessions included that were cut off.")


@pytest.mark.slow
def test_a_job_whose_time_is_over_saves_a_checkpoint_is_queued_again_and_goes_on(tmp_path, capsys):
    """A job is told 30 seconds before the end of its two minutes, or up to a minute earlier, as SLURM has it."""
    words = ("data=gaussian_1d", "method=gan", "iterations=100000", "num_seeds=2", "evaluation.every=1000")
    limits = ("hydra.launcher.timeout_min=2", "hydra.launcher.signal_delay_s=30")
    sweep = Submitted(tmp_path, *words, *limits)
    array = sweep.array()
    run = sweep.until(0, least=0)
    sweep.wait()
    again = restarts(array)
    assert again >= 1
    other = tmp_path / "other"
    subprocess.run([SADDLEGAN, *SWEEP, *words, f"output_root={other}"], check=True, capture_output=True)
    same(sweep.folder, other / "gaussian_1d", [run.name])
    trained = json.loads((other / "gaussian_1d" / run.name / RESULT).read_text())["seconds"]
    with capsys.disabled():
        print(f"\na job out of its time {again} times: {sweep.seconds:.0f} s for {trained:.0f} s of training")


def test_a_sweep_is_submitted_and_left(tmp_path):
    words = ("data=gaussian_1d", "method=gan", "iterations=50", "hydra.launcher.wait=false")
    sweep = Submitted(tmp_path, *words)
    log = sweep.wait()
    assert "saddlegan-status" in log
    before = time.monotonic()
    while (states := [one.state for one in standings(sweep.folder)]) != ["finished"]:
        assert time.monotonic() < before + SOON, states
        time.sleep(1.0)
    assert not (sweep.folder / "report").exists()
    status = Path(sys.executable).with_name("saddlegan-status")
    assert "1 runs: 1 finished" in said(status, sweep.folder, check=True)
    said(Path(sys.executable).with_name("saddlegan-report"), sweep.folder, check=True)
    assert "- **Runs**: 1," in (sweep.folder / "report" / "report.md").read_text()
