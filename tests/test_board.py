"""TensorBoard on a sweep: what its runs are called there, and what it shows of them."""

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
from tensorboard.plugins.hparams import plugin_data_pb2

from saddlegan import board
from saddlegan.board import link, main, short_names

SWEEP = ("-m", "method=gan,lsgan", "optimizer.lr=1e-3,1e-4", "evaluation.figures=1")


def test_runs_are_called_by_the_words_that_tell_them_apart(tmp_path):
    names = ("iterations=5,lr=0.1,method=gan", "iterations=5,lr=0.2,method=gan", "iterations=5,method=wgan")
    found = short_names([tmp_path / name for name in names])
    assert {name: folder.name for name, folder in found.items()} == {
        "lr=0.1 method=gan": names[0],
        "lr=0.2 method=gan": names[1],
        "method=wgan": names[2],
    }
    assert list(short_names([tmp_path / names[0]])) == ["iterations=5 lr=0.1 method=gan"]
    twice = short_names([tmp_path / "a" / names[0], tmp_path / "b" / names[0]])
    assert len(twice) == 2
    assert short_names([tmp_path / "x", tmp_path / "x,y"]) == {"x": tmp_path / "x", "y": tmp_path / "x,y"}


@pytest.mark.thorough
def test_tensorboard_finds_each_run_with_the_same_tags_and_what_was_chosen(saddlegan, tmp_path):
    assert saddlegan(*SWEEP, f"hydra.sweep.dir={tmp_path / 'sweep'}")[0] == 0
    (tmp_path / "links").mkdir()
    assert link(tmp_path / "sweep", tmp_path / "links") == 4
    events = EventMultiplexer().AddRunsFromDirectory(str(tmp_path / "links"))
    events.Reload()
    expected = {f"method={method} optimizer.lr={rate}" for method in ("gan", "lsgan") for rate in ("0.0001", "0.001")}
    assert set(events.Runs()) == expected
    (tags,) = {tuple(sorted(run["scalars"])) for run in events.Runs().values()}
    assert "metrics/w1/median" in tags
    assert all(name.startswith("pictures/") for run in events.Runs().values() for name in run["images"])
    chosen = {}
    for run in expected:
        content = events.SummaryMetadata(run, "_hparams_/session_start_info").plugin_data.content
        start = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
        chosen[run] = {name: value.string_value or value.number_value for name, value in start.hparams.items()}
    for run, values in chosen.items():
        assert f"method={values['method']} optimizer.lr={values['optimizer.lr']:g}" == run
        assert len(values) < 20, "a table of all that a configuration has shows nothing"


def test_a_folder_without_runs_is_said(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert "logger=tensorboard" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--port=6123"], []])
def test_tensorboard_is_given_the_links_and_its_own_options(tmp_path, monkeypatch, options):
    (tmp_path / "a,x=1").mkdir()
    (tmp_path / "a,x=1" / "events.out.tfevents.1").touch()
    seen = []
    shown = lambda folder, words: seen.append(([path.name for path in Path(folder).iterdir()], words)) or 0  # noqa: E731
    monkeypatch.setattr(board, "serve", shown)
    assert main([str(tmp_path), *options]) == 0
    assert seen == [(["a x=1"], options)]
