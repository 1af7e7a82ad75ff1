"""Several processes train one image GAN: the same weights as one, on any number of them; and what becomes of signals,
errors and processes that die."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from conftest import IMAGES, SMALL, composed, fitting, quick

from saddlegan.checks import ConfigError
from saddlegan.config.schema import check
from saddlegan.engine import ranks
from saddlegan.engine.checkpoint import TimedCheckpoint, read_checkpoint
from saddlegan.engine.draws import Draws
from saddlegan.engine.stopping import StopAsked
from saddlegan.engine.train import run as train
from saddlegan.folder import CHECKPOINT, RESULT, SESSION, RunLost
from saddlegan.networks.dropout import dropout, rows_of
from saddlegan.random import Latent
from saddlegan.report import write_report

pytestmark = pytest.mark.thorough

#: Kernels of another size round otherwise: in float64 the difference is far below what a wrong row would make.
EXACT = ("trainer.precision=64-true", "logger=none")
#: A critic of clipped weights has equal ones, and where max-pooling has ties, rounding decides.
LOOSE = {"wgan": ("method.clip=5",)}
METHODS = ("began", "bgan", "cgan", "fgan", "gan", "gan_non_saturating", "lsgan", "wgan", "wgan_gp")


def weights(folder):
    return read_checkpoint(folder / CHECKPOINT)["state_dict"]


def same(one, other, **tolerance):
    assert one.keys() == other.keys()
    for name, value in one.items():
        torch.testing.assert_close(other[name], value, msg=lambda m, n=name: f"{n}: {m}", **tolerance)


@pytest.mark.parametrize("method", quick(METHODS, "gan", "wgan_gp", "began"))
def test_the_gradient_of_two_halves_is_that_of_the_whole_minibatch(run, tmp_path, method):
    """By the weights after three iterations: with masks, noise, labels, and a state that moves by the loss."""
    words = (*fitting(f"method={method}", data=("digits",)), *LOOSE.get(method, ()), *EXACT, "iterations=3")
    for devices in (1, 2):
        run(*words, f"trainer.devices={devices}", folder=str(devices))
    same(weights(tmp_path / "1"), weights(tmp_path / "2"), rtol=1e-9, atol=1e-11)


def test_nothing_that_a_run_leaves_depends_on_the_number_of_processes(run, tmp_path):
    words = (*IMAGES, "ema_decay=0.9", "method.minibatch=reused", "optimizer/schedule=cosine", *EXACT)
    results = {devices: run(*words, f"trainer.devices={devices}", folder=str(devices)) for devices in (1, 4)}
    same(weights(tmp_path / "1"), weights(tmp_path / "4"), rtol=1e-9, atol=1e-11)
    one, four = ({path.relative_to(tmp_path / d) for path in (tmp_path / d).rglob("*")} for d in ("1", "4"))
    assert one == four
    for line, other in zip(*((tmp_path / d / "metrics.csv").read_text().splitlines() for d in ("1", "4")), strict=True):
        numbers = [[float(text) for text in row.split(",")] if row[0].isdigit() else [] for row in (line, other)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-4, nan_ok=True)
    assert results[4]["final"]["frechet"] == pytest.approx(results[1]["final"]["frechet"], rel=1e-4)
    assert results[4]["device"] == "cpu x 4"


def test_running_statistics_are_those_of_all_rows(run, tmp_path):
    """Each rank normalises its own rows, so that weights are others than those of one process, but no rank's alone."""
    words = ("data=digits", "model=mnist_infogan", "num_seeds=1", "evaluation.samples=128", *EXACT, "iterations=2",
             "optimizer=sgd_2014", "optimizer.lr=1e-12")  # fmt: skip
    run(*words, folder="one")
    run(*words, "trainer.devices=2", folder="two")
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    means = [name for name in one if name.startswith("generator") and name.endswith("running_mean")]
    assert means
    first = means[0]  # the first layer's inputs are equal: the mean over all rows is the mean of the ranks' means
    torch.testing.assert_close(two[first], one[first], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1)])
def test_a_run_goes_on_with_another_number_of_processes(run, tmp_path, first, then):
    words = (*IMAGES, "ema_decay=0.9", *EXACT)
    for folder, parts in (("whole", [(first, 8)]), ("parts", [(first, 4), (then, 8)])):
        for devices, last in parts:
            run(*words, f"trainer.devices={devices}", f"iterations={last}", "evaluation.every=4", folder=folder)
    assert int(weights(tmp_path / "parts")["iteration"]) == 8
    same(weights(tmp_path / "whole"), weights(tmp_path / "parts"), rtol=1e-9, atol=1e-11)


# Rows -----------------------------------------------------------------------------------------------------------------


def test_ranks_share_out_what_is_drawn():
    laws, steps = {"latent": Latent(dim=3, law="normal")}, {"discriminator": 2, "generator": 1}
    whole = next(Draws(laws, steps, [4, 7], lambda x: x).iterations(60, 1, 6))
    parts = []
    for rank in range(3):
        draws = Draws(laws, steps, [4, 7], lambda x: x)
        draws.rank, draws.ranks = rank, 3
        parts.append(next(draws.iterations(60, 1, 2)))
    for player, count in steps.items():
        for step in range(count):
            found = torch.stack([part[player][step]["latent"] for part in parts], dim=2).flatten(1, 2)
            assert torch.equal(found, whole[player][step]["latent"])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_ranks_share_out_the_masks_of_dropout(layout):
    x = torch.ones(6, 3, 5, 4).to(memory_format=layout)
    torch.manual_seed(0)
    whole = dropout(x, 0.4)
    assert 0.2 < (whole == 0).float().mean() < 0.6
    for rank in range(2):
        torch.manual_seed(0)
        with rows_of(rank, 2):
            assert torch.equal(dropout(x[rank::2].contiguous(memory_format=layout), 0.4), whole[rank::2])


# What stops a run -----------------------------------------------------------------------------------------------------

LONG = (*IMAGES, *EXACT, "iterations=100000", "evaluation.every=50000", "trainer.devices=2")


def ranks_of_this_process():
    """The processes that the server of forks has made for this one."""
    return descendants(os.getpid())


def descendants(ours):
    """The children of a process's children."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parts = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            found.append((int(entry), int(parts[1])))
    servers = {pid for pid, parent in found if parent == ours}
    return sorted(pid for pid, parent in found if parent in servers)


def once_it_trains(folder, act):
    """Call `act` in a thread once the run has begun to train."""

    def wait():
        for _ in range(600):
            if (folder / SESSION).is_file() and (folder / CHECKPOINT).is_file():
                return act()
            time.sleep(0.1)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("asked", ["all", "one"])
def test_a_signal_ends_all_processes_at_one_iteration_and_the_run_goes_on_to_the_same_weights(run, tmp_path, asked):
    """Given to the run, or to one of its processes alone."""
    folder = tmp_path / "stopped"

    def ask():
        os.kill(os.getpid() if asked == "all" else ranks_of_this_process()[-1], signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        thread = once_it_trains(folder, ask)
        with pytest.raises(KeyboardInterrupt):
            run(*LONG, "checkpoint_seconds=0.2", folder="stopped")
        thread.join()
    finally:
        signal.signal(signal.SIGTERM, before)
    reached = int(weights(folder)["iteration"])
    assert 0 < reached < 100000
    last = (reached // 50 + 1) * 50
    words = (*LONG, f"iterations={last}", f"evaluation.every={last}")
    run(*words, folder="stopped")
    run(*words, folder="whole")
    same(weights(tmp_path / "whole"), weights(folder), rtol=0, atol=0)


def test_a_process_that_dies_ends_the_others_and_is_named(run, tmp_path):
    folder, both = tmp_path / "run", []

    def kill():
        both.extend(ranks_of_this_process()[-2:])
        os.kill(both[-1], signal.SIGKILL)

    thread = once_it_trains(folder, kill)
    with pytest.raises(RunLost, match=r"process \d of 2 was ended by SIGKILL.*Remedy"):
        run(*LONG, "checkpoint_seconds=0.2")
    thread.join()
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in both) and time.monotonic() < until:
        time.sleep(0.1)
    assert [pid for pid in both if Path(f"/proc/{pid}").exists()] == []
    reached = int(weights(folder)["iteration"])
    assert run(*LONG, f"iterations={reached + 50}", f"evaluation.every={reached + 50}")["status"] == "finished"


@pytest.fixture
def begun(tmp_path):
    """The command in a session of its own, once its run has a checkpoint: `(process, folder)`."""
    folder = tmp_path / "run"
    words = [*SMALL, *LONG, "checkpoint_seconds=0.5", f"hydra.run.dir={folder}"]
    command = [Path(sys.executable).with_name("saddlegan"), *words]
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, cwd=tmp_path)
    until = time.monotonic() + 120
    while not (folder / CHECKPOINT).is_file():
        assert time.monotonic() < until
        assert process.poll() is None, (tmp_path / "log").read_text()
        time.sleep(0.1)
    yield process, folder
    process.kill()
    process.wait()


def test_a_signal_to_all_processes_of_a_job_leaves_its_checkpoint_and_none_of_them(begun, tmp_path):
    """As a cluster sends it."""
    process, folder = begun
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(60) == 130, (tmp_path / "log").read_text()
    assert not (folder / RESULT).exists()
    assert int(weights(folder)["iteration"]) % 50 == 0


@pytest.mark.parametrize("ranks", [1, 2])
def test_once_a_rank_has_stopped_signals_meet_no_handler_that_waits_for_the_others(tmp_path, ranks):
    """Lightning's own would. Of a single process the handler of whoever started the run comes back."""
    saver = TimedCheckpoint(tmp_path / "last.ckpt", seconds=10.0, iterations=10, evaluated=5)

    def handler(*_):
        return None

    before = signal.signal(signal.SIGTERM, handler)
    try:
        module = SimpleNamespace(iteration=0, halt=lambda: None)
        saver.on_train_start(SimpleNamespace(is_global_zero=False, world_size=ranks), module)
        assert signal.getsignal(signal.SIGTERM) is not handler
        saver.on_exception(None, module, StopAsked(signal.SIGTERM))
        assert signal.getsignal(signal.SIGTERM) is (handler if ranks == 1 else signal.SIG_IGN)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["a rank", "the first process"])
def test_a_killed_process_ends_the_others_and_the_command_goes_on_from_the_checkpoint(begun, tmp_path, killed):
    process, folder = begun
    log = tmp_path / "log"
    pids = descendants(process.pid)
    os.kill(pids[-1] if killed == "a rank" else process.pid, signal.SIGKILL)
    assert process.wait(60) == (1 if killed == "a rank" else -signal.SIGKILL)
    until = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < until:
        time.sleep(0.2)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert ("was ended by SIGKILL" in log.read_text()) is (killed == "a rank")
    assert not (folder / RESULT).exists()
    assert int(weights(folder)["iteration"]) > 0


@pytest.mark.slow
def test_a_sweep_on_cores_takes_runs_of_several_processes(saddlegan, tmp_path):
    status, output = saddlegan("-m", *IMAGES, "trainer.devices=2", "trainer.threads=1", "method=gan,lsgan",
                               "hydra/launcher=cores", "logger=none")  # fmt: skip
    assert status == 0, output


def test_an_error_in_one_process_alone_does_not_leave_the_others_waiting(tmp_path, monkeypatch):
    """Loggers are made in the first one alone."""
    monkeypatch.setattr(ranks, "GRACE", 2.0)
    config = composed(*SMALL, *IMAGES, "trainer.devices=2", "logger=none", "+logger.a._target_=variants.Broken")
    with pytest.raises(ConfigError, match="logger"):
        train(config, tmp_path)


def test_an_error_in_the_processes_is_raised_as_it_is(tmp_path):
    config = composed(*SMALL, *IMAGES, "trainer.devices=2", "+callbacks.own._target_=torch.nn.Linear",
                      "+callbacks.own.in_features=1", "+callbacks.own.out_features=1")  # fmt: skip
    with pytest.raises(ConfigError, match=r"callbacks.own: got a Linear, expected a Callback"):
        train(config, tmp_path)


# What cannot be shared out --------------------------------------------------------------------------------------------


def test_rows_that_cannot_be_shared_out_are_refused():
    check(composed(*SMALL, *IMAGES, "trainer=ddp"))
    with pytest.raises(ConfigError, match=r"trainer.devices=3: got batch_size=8, expected a multiple.*batch_size=6"):
        check(composed(*SMALL, *IMAGES, "trainer.devices=3"))
    with pytest.raises(ConfigError, match=r"saddlegan -m seed=5,7 num_seeds=2 with hydra/launcher=cores"):
        check(composed(*SMALL, "trainer=ddp", "seed=5", "num_seeds=4"))


def test_a_toys_seeds_are_shared_out_by_a_sweep_with_the_same_numbers(saddlegan, tmp_path):
    """What the refusal says: two runs of two seeds each are the run of four, and one row of the report."""
    words = ("method=gan", "trainer.precision=64-true")
    assert saddlegan("-m", *words, "seed=5,7", "num_seeds=2", "hydra.sweep.dir=" + str(tmp_path / "parts"))[0] == 0
    assert saddlegan("-m", *words, "seed=5", "num_seeds=4", "hydra.sweep.dir=" + str(tmp_path / "whole"))[0] == 0
    states = [weights(path.parents[1]) for path in sorted((tmp_path / "parts").rglob("last.ckpt"))]
    (whole,) = [weights(path.parents[1]) for path in (tmp_path / "whole").rglob("last.ckpt")]
    for name, value in whole.items():
        if value.dim():
            found = torch.cat([state[name] for state in states])
            torch.testing.assert_close(found, value, rtol=1e-9, atol=1e-11, msg=name)
    reports = {}
    for name in ("parts", "whole"):
        write_report([tmp_path / name], tmp_path / f"{name}.report")
        reports[name] = (tmp_path / f"{name}.report" / "report.md").read_text()
    rows = [[line for line in report.splitlines() if line.startswith("| gan |")] for report in reports.values()]
    assert rows[0] == rows[1] != []
