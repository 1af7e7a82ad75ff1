"""Launchers whose workers die, whose jobs are gone from the queue, and whose GPUs are shared out; what runs the jobs is
stood in for. Real ones: `tests/slurm`, and those marked slow."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import CONF, results
from hydra_plugins.hydra_joblib_launcher import _core
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from hydra_plugins import saddlegan_launchers as launchers
from saddlegan.checks import ConfigError
from saddlegan.cli.gpus import OnSlot, visible_gpus

TWO = ("-m", "method=gan,lsgan")
SADDLEGAN = Path(sys.executable).with_name("saddlegan")


def dying(monkeypatch, kills):
    """joblib with one worker, which dies so many times when it has begun the job of lsgan; the jobs of each launch."""
    launch, calls, left = _core.launch, [], iter(range(kills))

    def here(*, launcher, job_overrides, initial_job_idx):
        calls.append([word.removeprefix("method=") for job in job_overrides for word in job if "method=" in word])
        launcher.joblib["n_jobs"] = 1
        found = []
        for place, job in enumerate(job_overrides):
            if "method=lsgan" in job and next(left, None) is not None:
                config = launcher.hydra_context.config_loader.load_sweep_config(launcher.config, list(job))
                folder = Path(config.hydra.sweep.dir) / config.hydra.sweep.subdir
                folder.mkdir(parents=True, exist_ok=True)
                (folder / ".lock").touch()
                if "existing=repeat" in job:
                    (folder / "result.json").unlink()
                raise TerminatedWorkerError("A worker process managed by the executor was\nunexpectedly terminated.")
            found += launch(launcher=launcher, job_overrides=[job], initial_job_idx=initial_job_idx + place)
        return found

    monkeypatch.setattr(_core, "launch", here)
    return calls


THREE = ("-m", "method=gan,lsgan,bgan", "hydra/launcher=cores")


@pytest.mark.thorough
def test_a_job_whose_worker_dies_goes_on_alone_and_the_sweep_ends_whole(saddlegan, tmp_path, monkeypatch):
    calls = dying(monkeypatch, 2)
    status, output = saddlegan(*THREE)
    assert status == 0, output
    assert calls == [["gan", "lsgan", "bgan"], ["lsgan"], ["lsgan"], ["bgan"]]
    assert output.count("a worker died") == 2
    assert sorted(result["status"] for result in results(tmp_path).values()) == ["finished"] * 3


@pytest.mark.slow
def test_a_job_whose_worker_always_dies_costs_no_other_one(saddlegan, tmp_path, monkeypatch):
    calls = dying(monkeypatch, 99)
    status, output = saddlegan(*THREE, "hydra.launcher.retries=1")
    assert status == 1
    assert calls == [["gan", "lsgan", "bgan"], ["lsgan"], ["bgan"]]
    assert "was begun 2 times, and its worker died each time" in output
    assert "1 of 3 runs failed" in output
    assert "it left no result" in output
    assert "report:" in output
    assert len(results(tmp_path)) == 2


@pytest.mark.slow
def test_what_is_to_be_repeated_is_repeated_once_also_where_a_worker_dies(saddlegan, tmp_path, monkeypatch):
    assert saddlegan(*THREE)[0] == 0
    before = {name: path.stat().st_mtime_ns for path in tmp_path.rglob("result.json") for name in [path.parent.name]}
    dying(monkeypatch, 1)
    status, output = saddlegan(*THREE, "existing=repeat")
    assert status == 0, output
    after = {name: path.stat().st_mtime_ns for path in tmp_path.rglob("result.json") for name in [path.parent.name]}
    assert all(after[name] > before[name] for name in before)


# GPUs -----------------------------------------------------------------------------------------------------------------


def seen(_):
    return os.environ.get("CUDA_VISIBLE_DEVICES"), os.getpid()


@pytest.mark.thorough
@pytest.mark.parametrize(("devices", "each"), [("0,1", 1), ("3", 2)])
def test_each_worker_sees_the_gpu_of_its_own_slot_and_keeps_it(devices, each):
    launcher = launchers.GpusLauncher(devices=devices, jobs_per_gpu=each, retries=0, n_jobs=-1)
    launcher.setup(hydra_context=None, task_function=seen, config=None)
    assert launcher.joblib["n_jobs"] == len(devices.split(",")) * each
    try:
        task = delayed(launcher.task_function)
        found = Parallel(n_jobs=launcher.joblib["n_jobs"], backend="loky", batch_size=1)(task(n) for n in range(12))
    finally:
        get_reusable_executor().shutdown(wait=True)
    of_process = {}
    for device, process in found:
        of_process.setdefault(process, set()).add(device)
    assert all(len(own) == 1 for own in of_process.values())
    assert {device for device, _ in found} <= set(devices.split(","))
    counts = [next(iter(own)) for own in of_process.values()]
    assert all(counts.count(device) <= each for device in counts)


def test_the_gpus_are_those_of_the_environment_or_of_nvidia_smi(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 5")
    assert visible_gpus() == ["2", "5"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    listed = "GPU 0: NVIDIA H100 (UUID: a)\n  MIG 1g.10gb Device 0: (UUID: b)\nGPU 1: NVIDIA H100 (UUID: c)\n"
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=listed))
    assert visible_gpus() == ["0", "1"]

    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", missing)
    assert visible_gpus() == []
    with pytest.raises(ConfigError, match=r"got 0 GPUs, expected one or more. Remedy: hydra/launcher=cores"):
        launchers.GpusLauncher(devices="all", jobs_per_gpu=1, retries=0).setup(task_function=seen)


@pytest.mark.slow
def test_a_sweep_on_gpus_runs_through(saddlegan, tmp_path, monkeypatch):
    """With a list of devices that are none, and trainer=cpu, in this process: what a machine without a GPU can show."""
    monkeypatch.setattr(OnSlot, "taken", None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    status, output = saddlegan(*TWO, "hydra/launcher=gpus", "hydra.launcher.devices='7'")
    assert status == 0, output
    assert len(results(tmp_path)) == 2
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"


# Queues ---------------------------------------------------------------------------------------------------------------


class FakeJob:
    """A job of submitit's that has run here, or died."""

    def __init__(self, folder, array, place, work):
        self.job_id = f"{array}_{place}"
        self.paths = SimpleNamespace(result_pickle=folder / f"{self.job_id}.pkl")
        self.found = work()
        if self.found is not None:
            self.paths.result_pickle.touch()

    def done(self):
        return True

    def results(self):
        return [self.found]


def queue(monkeypatch, tmp_path, dies):
    """submitit's queue: of each submission the places at which a job dies, before it trains."""
    submissions, folder = iter(enumerate(dies)), tmp_path / "queue"
    folder.mkdir()
    monkeypatch.setattr("hydra_plugins.saddlegan_launchers.GRACE", 0.0)

    def submit(self, jobs, first):
        array, lost = next(submissions)
        run = [
            lambda job=job, place=place: None if place in lost else self(list(job), "hydra.sweep.dir", place, "1", {})
            for place, job in enumerate(jobs)
        ]
        return [FakeJob(folder, array, place, work) for place, work in enumerate(run)]

    monkeypatch.setattr("hydra_plugins.saddlegan_launchers.QueueLauncher._submit", submit)
    monkeypatch.setattr("hydra.core.singleton.Singleton.set_state", lambda _: None)
    monkeypatch.setattr("submitit.JobEnvironment", lambda: SimpleNamespace(job_id="1"))


@pytest.mark.thorough
def test_jobs_that_leave_no_result_are_submitted_again_and_no_others(saddlegan, tmp_path, monkeypatch):
    queue(monkeypatch, tmp_path, [{1}, {0}, set()])
    status, output = saddlegan(*TWO, "hydra/launcher=local_queue")
    assert status == 0, output
    assert [line for line in output.splitlines() if line.startswith("submitted")] == [
        "submitted: 2 jobs, local 0", "submitted: 1 jobs, local 1", "submitted: 1 jobs, local 2",
    ]  # fmt: skip
    assert output.count("left no answer: it is gone from the queue") == 2
    assert len(results(tmp_path)) == 2
    assert "report:" in output


@pytest.mark.slow
def test_a_job_that_dies_too_often_has_failed_and_the_report_is_whole(saddlegan, tmp_path, monkeypatch):
    queue(monkeypatch, tmp_path, [{1}, {0}])
    status, output = saddlegan(*TWO, "hydra/launcher=local_queue", "hydra.launcher.retries=1")
    assert status == 1
    assert "It is given up." in output
    assert "1 of 2 runs failed" in output
    assert "report:" in output


def test_a_sweep_that_is_not_waited_for_says_how_to_look_at_it(saddlegan, tmp_path, monkeypatch):
    queue(monkeypatch, tmp_path, [{0, 1}])
    status, output = saddlegan(*TWO, "hydra/launcher=local_queue", "hydra.launcher.wait=false")
    assert status == 0, output
    assert f"saddlegan-status {tmp_path}/runs --watch" in output
    assert f"saddlegan-report {tmp_path}/runs" in output
    assert "report:" not in output


@pytest.mark.parametrize("words", [("existing=repeat",), ("existing=skip",)])
@pytest.mark.slow
def test_jobs_of_a_queue_go_on_and_repeat_nothing(saddlegan, tmp_path, monkeypatch, words):
    queue(monkeypatch, tmp_path, [set()])
    status, output = saddlegan(*TWO, "hydra/launcher=local_queue", *words)
    assert status == 2
    assert "got it for jobs of a queue, expected existing=continue" in output


@pytest.mark.slow
def test_a_search_waits_for_its_jobs(saddlegan, tmp_path, monkeypatch):
    queue(monkeypatch, tmp_path, [set()])
    words = ("-m", "hydra/sweeper=basic", "seed=0,1", "hydra/launcher=local_queue", "hydra.launcher.wait=false")
    status, output = saddlegan(*words)
    assert status == 2
    assert "hydra.launcher.wait=False: got bool False, expected true, since a search waits" in output


@pytest.mark.parametrize(
    ("stdout", "stderr", "code", "left"),
    [
        ("5_1\n", "", 0, {"5_1"}),
        ("", "slurm_load_jobs error: Invalid job id specified", 1, set()),
        ("", "slurm_load_jobs error: Unable to contact slurm controller", 1, {"5_0", "5_1", "6_0"}),
    ],
)
def test_a_queue_that_does_not_answer_has_lost_no_job(monkeypatch, stdout, stderr, code, left):
    asked = []

    def run(words, **_):
        asked.append(words)
        return SimpleNamespace(stdout=stdout, stderr=stderr, returncode=code)

    monkeypatch.setattr(subprocess, "run", run)
    jobs = [SimpleNamespace(job_id=name) for name in ("5_0", "5_1", "6_0")]
    launcher = launchers.SlurmLauncher(retries=0, wait=True)
    assert launcher._queued(jobs) == left
    assert "--jobs=5,6" in asked[0]


@pytest.mark.parametrize("name", [*sorted(p.stem for p in (CONF / "hydra" / "launcher").glob("*.yaml")), "local_queue"])
def test_a_launcher_refuses_what_it_cannot_use(saddlegan, name):
    device = ["hydra.launcher.devices='0'"] if name == "gpus" else []
    status, output = saddlegan(*TWO, f"hydra/launcher={name}", "hydra.launcher.retries=-1", *device)
    assert status == 2
    assert "hydra.launcher.retries=-1: " in output


@pytest.mark.slow
def test_a_real_worker_that_is_killed_is_replaced(tmp_path):
    """Out of memory looks like this: a worker is gone in the middle of training, without a word."""
    words = [SADDLEGAN, "-m", "method=gan,lsgan", "iterations=20000", "evaluation.every=1000", "checkpoint_seconds=1",
             "hydra/launcher=cores", f"output_root={tmp_path}"]  # fmt: skip
    sweep = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    while not (locks := [path for path in tmp_path.rglob(".lock") if (path.parent / "checkpoints/last.ckpt").exists()]):
        time.sleep(0.2)
    os.kill(json.loads(locks[0].read_text())["pid"], signal.SIGKILL)
    _, error = sweep.communicate(timeout=300)
    assert sweep.returncode == 0, error
    assert "a worker died" in error
    assert [result["status"] for result in results(tmp_path).values()] == ["finished", "finished"]


@pytest.mark.slow
def test_submitit_runs_a_real_sweep_on_this_machine(tmp_path):
    words = [SADDLEGAN, "-m", "method=gan,lsgan", "iterations=200", "hydra/launcher=local_queue",
             f"output_root={tmp_path}"]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(results(tmp_path)) == 2
    assert list(tmp_path.rglob("report/report.md"))
