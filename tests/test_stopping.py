"""Signals that ask a run to stop, at any place of it: what is saved, what it goes on to, who is told; and damaged
checkpoints."""

import random
import shutil
import signal
import threading
from contextlib import contextmanager

import pytest
import torch
from conftest import IMAGES, quick
from interventions import WATCHED, calling

from saddlegan.engine.checkpoint import iteration_of, read_checkpoint
from saddlegan.engine.stopping import ASKING, interrupting
from saddlegan.folder import BEFORE, CHECKPOINT, DamagedRun

LONG = ("iterations=130", "evaluation.every=60", "method.num_critic_steps=2", WATCHED["generator"])
OF_IMAGES = (*IMAGES, "method=primal_dual", "ema_decay=0.9", "iterations=12", WATCHED["generator"])


@contextmanager
def asked_at(at, *numbers):
    """The signals come before the generator's step of this iteration, the first of which is 1."""
    steps = iter(range(1, 10**6))

    def ask(_):
        if next(steps) == at:
            for number in numbers:
                signal.raise_signal(number)

    with calling(ask):
        yield WATCHED["generator"]


def weights(folder):
    return read_checkpoint(folder / CHECKPOINT)["state_dict"]


def same(one, other):
    a, b = weights(one), weights(other)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert (one / "metrics.csv").read_text() == (other / "metrics.csv").read_text()


PLACES = [
    (LONG, 1, signal.SIGTERM),
    (LONG, 37, signal.SIGINT),
    (LONG, 50, signal.SIGUSR2),  # the end of a step of Lightning
    (LONG, 60, signal.SIGTERM),  # where an evaluation is due
    (LONG, 99, signal.SIGUSR2),
    (LONG, 129, signal.SIGTERM),
    ((*LONG, "method=wgan_gp", "optimizer/schedule=cosine"), 71, signal.SIGTERM),
    ((*LONG, "trainer.precision=64-true"), 83, signal.SIGTERM),
    (OF_IMAGES, 3, signal.SIGTERM),
    (OF_IMAGES, 5, signal.SIGUSR2),
]


@pytest.mark.parametrize("place", quick(PLACES, *PLACES[1:4], *PLACES[6:9]))
def test_a_run_that_is_asked_to_stop_saves_that_iteration_and_goes_on_to_the_same_weights(run, tmp_path, place):
    words, at, number = place
    before = [signal.getsignal(one) for one in ASKING]
    whole = run(*words, folder="whole")
    with asked_at(at, number) as asking, pytest.raises(KeyboardInterrupt):
        run(*words, asking, folder="stopped")
    assert iteration_of(tmp_path / "stopped" / CHECKPOINT) == at
    assert [signal.getsignal(one) for one in ASKING] == before
    again = run(*words, folder="stopped")
    assert (again["status"], again["iterations"]) == ("finished", whole["iterations"])
    assert again["final"] == whole["final"]
    same(tmp_path / "whole", tmp_path / "stopped")


def test_a_run_asked_at_its_last_iteration_is_whole_when_it_goes_on(run, tmp_path):
    whole = run(folder="whole")
    with asked_at(12, signal.SIGTERM) as asking, pytest.raises(KeyboardInterrupt):
        run(asking, folder="stopped")
    assert run(asking, folder="stopped")["final"] == whole["final"]


@pytest.mark.slow
def test_a_signal_after_the_last_iteration_is_obeyed_too(run, tmp_path, monkeypatch):
    from saddlegan.engine.checkpoint import TimedCheckpoint

    whole, save = run(folder="whole"), TimedCheckpoint.save

    def asking(self, trainer):
        signal.raise_signal(signal.SIGTERM)
        save(self, trainer)

    with monkeypatch.context() as patched:
        patched.setattr(TimedCheckpoint, "save", asking)
        patched.setattr(TimedCheckpoint, "on_train_epoch_end", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            run(folder="stopped")
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert run(folder="stopped")["final"] == whole["final"]


@pytest.mark.slow
def test_a_run_stopped_many_times_ends_as_one_that_never_was(run, tmp_path):
    run(*LONG, folder="whole")
    for at in (7, 30, 4, 41, 1):  # iterations of each session
        with asked_at(at, signal.SIGTERM) as asking, pytest.raises(KeyboardInterrupt):
            run(*LONG, asking, folder="stopped")
    assert iteration_of(tmp_path / "stopped" / CHECKPOINT) == 83
    run(*LONG, folder="stopped")
    same(tmp_path / "whole", tmp_path / "stopped")


def test_whoever_started_the_run_is_told_when_its_checkpoint_is_there(run, tmp_path):
    """Submitit's handler has the job queued again, and ends the process."""
    told = []

    def handler(number, _):
        told.append((number, iteration_of(tmp_path / "run" / CHECKPOINT)))
        raise SystemExit(-1)

    before = signal.signal(signal.SIGUSR2, handler)
    try:
        with asked_at(37, signal.SIGUSR2) as asking, pytest.raises(SystemExit):
            run(*LONG, asking)
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert told == [(signal.SIGUSR2, 37)]


def test_a_job_that_is_not_queued_again_has_not_failed(run, tmp_path):
    """Submitit raises where a job ran out of its time too often."""

    def handler(number, _):
        raise RuntimeError("timed-out too many times")

    before = signal.signal(signal.SIGUSR2, handler)
    try:
        with asked_at(37, signal.SIGUSR2) as asking, pytest.raises(KeyboardInterrupt, match="too many times"):
            run(*LONG, asking)
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert iteration_of(tmp_path / "run" / CHECKPOINT) == 37


def test_what_a_handler_raises_before_a_run_trains_is_no_failure_of_it():
    """As submitit's does where SLURM ends the command by which it queues the job again."""

    def handler(*_):
        raise RuntimeError("not queued again")

    before = signal.signal(signal.SIGUSR2, handler)
    try:
        with pytest.raises(KeyboardInterrupt, match="not queued again"), interrupting():
            signal.raise_signal(signal.SIGUSR2)
        assert signal.getsignal(signal.SIGUSR2) is handler
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_the_first_signal_is_the_one_that_is_obeyed_and_an_error_puts_the_handlers_back(run):
    told = []
    before = signal.signal(signal.SIGUSR2, lambda number, _: told.append(number))
    try:
        with asked_at(5, signal.SIGUSR2, signal.SIGTERM) as asking, pytest.raises(KeyboardInterrupt):
            run(asking)
        assert told == [signal.SIGUSR2]
        handler = signal.getsignal(signal.SIGUSR2)

        def fail(_):
            raise ZeroDivisionError

        with calling(fail), pytest.raises(ZeroDivisionError):
            run(WATCHED["generator"], folder="fails")
        assert signal.getsignal(signal.SIGUSR2) is handler
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGUSR2, before)


@pytest.mark.slow
def test_without_links_the_checkpoint_before_is_a_copy(run, tmp_path, monkeypatch):
    def refuse(self, target):
        raise OSError(1, "no links here")

    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    last, before = stopped(run, tmp_path)
    assert last.read_bytes() != before.read_bytes()


def test_a_second_interrupt_does_not_wait(run, tmp_path):
    with asked_at(37, signal.SIGINT, signal.SIGINT) as asking, pytest.raises(KeyboardInterrupt):
        run(*LONG, asking)
    assert not (tmp_path / "run" / CHECKPOINT).exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
def test_a_run_in_a_thread_is_given_no_signals_and_trains(run):
    found = []
    thread = threading.Thread(target=lambda: found.append(run()["status"]))
    thread.start()
    thread.join()
    assert found == ["finished"]


# Damaged checkpoints --------------------------------------------------------------------------------------------------


def stopped(run, tmp_path):
    with asked_at(83, signal.SIGTERM) as asking, pytest.raises(KeyboardInterrupt):
        run(*LONG, "checkpoint_iterations=20", asking, folder="stopped")
    last, before = tmp_path / "stopped" / CHECKPOINT, tmp_path / "stopped" / BEFORE
    assert (iteration_of(last), iteration_of(before)) == (83, 80)
    return last, before


@pytest.mark.parametrize("spoil", quick(["cut", "empty", "gone", "noise"], "cut", "gone"))
def test_where_the_last_checkpoint_is_damaged_the_one_before_is_gone_on_from(run, tmp_path, capsys, spoil):
    run(*LONG, folder="whole")
    last, before = stopped(run, tmp_path)
    content = last.read_bytes()
    if spoil == "gone":
        last.unlink()
    else:
        last.write_bytes(
            {"cut": content[: len(content) // 2], "empty": b"", "noise": random.Random(0).randbytes(5000)}[spoil]
        )
    run(*LONG, folder="stopped")
    said = capsys.readouterr().err
    assert ("The one before it, of iteration 80, takes its place." in said) == (spoil != "gone")
    same(tmp_path / "whole", tmp_path / "stopped")
    assert before.exists()


@pytest.mark.slow
def test_where_both_are_damaged_the_remedy_is_said(run, tmp_path):
    for path in stopped(run, tmp_path):
        path.write_bytes(b"cut")
    with pytest.raises(DamagedRun, match=r"last.ckpt: got a damaged checkpoint .* Remedy: existing=repeat"):
        run(*LONG, folder="stopped")


def test_a_damaged_checkpoint_is_never_kept_as_the_one_before(run, tmp_path):
    last, before = stopped(run, tmp_path)
    last.write_bytes(b"cut")
    with asked_at(1, signal.SIGTERM) as asking, pytest.raises(KeyboardInterrupt):
        run(*LONG, asking, folder="stopped")
    assert (iteration_of(last), iteration_of(before)) == (81, 80)


def test_a_checkpoint_of_another_run_is_refused_with_the_difference(run, tmp_path):
    """Of another method with as many weights, which would fit."""
    with asked_at(5, signal.SIGTERM) as asking, pytest.raises(KeyboardInterrupt):
        run(asking, "method=gan", folder="one")
    words = (asking, "method=gan_non_saturating", "optimizer.lr=0.5")
    (tmp_path / "other" / CHECKPOINT.parent).mkdir(parents=True)
    shutil.copy(tmp_path / "one" / CHECKPOINT, tmp_path / "other" / CHECKPOINT)
    with pytest.raises(DamagedRun, match=r"(?s)another run.*gan.GAN -> .*Saturating.*lr: 0.001 -> 0.5.*repeat"):
        run(*words, folder="other")
    assert run(asking, "method=gan", "iterations=20", "evaluation.every=4", folder="one")["iterations"] == 20
