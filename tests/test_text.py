"""Text as windows of characters: what is trained on, what is held out, how samples are measured and shown."""

import json
import math

import numpy as np
import pytest
import torch
from conftest import ROOT
from interventions import interrupted_at
from scipy.spatial.distance import jensenshannon

from saddlegan import commands
from saddlegan.checks import ConfigError
from saddlegan.data.text import FEWEST, UNKNOWN, TextWindows
from saddlegan.folder import RESULT, write_json
from saddlegan.metrics import text as metrics
from saddlegan.report import write_report

SIZES = {"length": 8, "characters": 12}


@pytest.fixture
def written(tmp_path):
    def write(content, **sizes):
        path = tmp_path / "text.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return TextWindows(file=str(path), **SIZES | sizes)

    return write


#: Forty lines of which each says its number, in letters; every tenth says it in capitals.
LINES = [("abcdefghij"[k % 10] * 3 + " " + "abcd"[k // 10] * 9) for k in range(40)]
TEXT = "".join((line.upper() if k % 10 == 9 else line) + "\n" for k, line in enumerate(LINES))


# Data -----------------------------------------------------------------------------------------------------------------


def test_every_tenth_line_is_held_out_and_lines_end_in_a_character(written):
    found = written(TEXT * 3, characters=3)
    assert not any(character.isupper() for character in found.text)
    assert found.text.count("\n") == 36 * 3
    held = "".join(TEXT.splitlines(keepends=True)[9::10]) * 3
    assert len(found.test) == len(held) - 7
    assert len(found.train) == len(found.text) - 7


def test_the_vocabulary_is_that_of_the_training_part(written):
    """Capitals stand in lines that are held out alone: they are unknown, as is what is rare in training."""
    found = written(TEXT * 3, characters=12)
    assert len(found.vocabulary) == 12
    assert found.vocabulary[-1] == UNKNOWN
    assert "\n" in found.vocabulary
    assert set("".join(found.texts(found.test))) <= {UNKNOWN, " ", "\n"}
    counts = {character: found.text.count(character) for character in set(found.text)}
    left_out = set(counts) - set(found.vocabulary)
    assert max((counts[c] for c in left_out), default=0) <= min(counts[c] for c in set(found.vocabulary) & set(counts))


def test_windows_are_consecutive_characters_and_come_back_as_text(written):
    found = written(TEXT * 3, characters=12)
    shown = found.texts(found.train[5:7])
    expected = ["".join(c if c in found.vocabulary else UNKNOWN for c in found.text[k : k + 8]) for k in (5, 6)]
    assert shown == expected
    x = found.values(found.train[5:7])
    assert x.shape == (2, 12, 8)
    assert (x.sum(1) == 1).all()
    assert torch.equal(x.argmax(1), found.train[5:7].long())


@pytest.mark.parametrize(
    ("content", "sizes", "said"),
    [
        ("", {}, "got 0 characters in the train part, of 0 lines"),
        ("one line alone, however long it is" * 100, {}, "got 0 characters in the test part, of 1 lines"),
        (TEXT, {"length": 30}, f"expected {30 + FEWEST - 1} or more, for {FEWEST} windows of data.length=30"),
        (TEXT * 3, {"characters": 99}, "Remedy: data.characters=12"),
        (b"caf\xe9\n" * 500, {}, "got bytes that are not UTF-8 at place 3"),
    ],
    ids=["empty", "one line", "short", "few characters", "latin 1"],
)
def test_a_text_that_cannot_be_used_is_said(written, content, sizes, said):
    with pytest.raises(ConfigError) as error:
        written(content, **sizes)
    assert said in str(error.value)


def test_a_file_that_is_not_there_is_said_before_training(saddlegan, tmp_path):
    status, output = saddlegan("data=char_text", "method=bgan_discrete", "num_seeds=1", f"data.file={tmp_path / 'no'}")
    assert status == 2
    assert "expected a text file that can be read" in output
    assert not (tmp_path / "runs").exists()


# Metrics --------------------------------------------------------------------------------------------------------------


def test_ngrams_are_counted_within_windows():
    windows = np.array([[0, 1, 2], [2, 0, 1]])
    assert sorted(metrics.grams(windows, 2, 3)) == sorted([0 + 3 * 1, 1 + 3 * 2, 2 + 3 * 0, 0 + 3 * 1])
    assert len(metrics.grams(windows, 3, 3)) == 2


def test_the_divergence_is_that_of_scipy_and_lies_between_0_and_log_2():
    one, other = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 3])
    p, q = (np.bincount(x, minlength=4) / len(x) for x in (one, other))
    assert metrics.jensen_shannon(one, other) == pytest.approx(jensenshannon(p, q) ** 2)
    assert metrics.jensen_shannon(one, one[::-1]) == 0.0
    assert metrics.jensen_shannon(one, other + 10) == pytest.approx(math.log(2))


def test_order_is_seen_by_ngrams_that_are_longer_than_a_character():
    codes = np.tile([0, 1, 2, 3, 4, 5, 6, 7], (50, 1))
    shuffled = np.random.default_rng(0).permuted(codes, axis=1)
    one, two, three, four = metrics.ngram_js(shuffled, codes, 8)
    assert one == pytest.approx(0, abs=1e-12)
    assert 0.1 < two < three < four <= math.log(2)


def test_words_count_where_they_stand_whole():
    words = {"and", "god", "said"}
    assert metrics.known_words(["d and god xyz s"], words) == pytest.approx(2 / 3)  # d and s may go on outside
    assert metrics.known_words([" And, GOD! "], words) == 1.0
    assert math.isnan(metrics.known_words(["oneword"], words))


def test_entropies_by_hand():
    assert metrics.entropy(np.array([[0, 1], [0, 1]]), 4) == pytest.approx(math.log(2))
    certain, open_ = np.zeros((1, 4, 2)), np.full((1, 4, 2), 0.25)
    certain[:, 1] = 1.0
    assert metrics.conditional_entropy(certain) == 0.0
    assert metrics.conditional_entropy(np.concatenate([certain, open_])) == pytest.approx(math.log(4) / 2)


def test_copies_are_windows_of_the_training_part():
    assert metrics.copied(["god s", "gods "], "and god said") == 0.5


# Runs -----------------------------------------------------------------------------------------------------------------

TINY = ("data=char_text", "data.length=8", "data.characters=15", "num_seeds=1", "evaluation.samples=128",
        "model.generator.width=4", "model.discriminator.width=4", "model.generator.blocks=1",
        "model.discriminator.blocks=1")  # fmt: skip


@pytest.fixture
def words(tmp_path):
    """Overrides of a small run, whose text has sentences of a few words."""
    drawn = np.random.default_rng(0).choice(["the", "cat", "sat", "on", "a", "mat", "and", "ran"], size=(400, 6))
    (tmp_path / "text.txt").write_text("".join(" ".join(line) + ".\n" for line in drawn))
    return (*TINY, f"data.file={tmp_path / 'text.txt'}", "method=bgan_reinforce", "method.num_samples=3")


def test_a_run_of_text_goes_on_to_the_same_and_leaves_texts(run, tmp_path, words):
    settings = (*words, "ema_decay=0.9", "checkpoint_seconds=1e-9")
    whole = run(*settings, folder="whole")
    with interrupted_at(7) as broken, pytest.raises(KeyboardInterrupt):
        run(*settings, broken, folder="broken")
    again = run(*settings, broken, folder="broken")
    assert whole["final"] == again["final"]
    one, other = (np.load(tmp_path / name / "samples.npz") for name in ("whole", "broken"))
    assert {name: one[name].shape for name in one} == {
        "texts": (4, 8),
        "iterations": (4,),
        "likeliest": (8,),
        "independent": (8,),
        "real": (8,),
    }
    assert all((one[name] == other[name]).all() for name in one)
    floors, independent, final = (whole[name] for name in ("floors", "independent", "final"))
    for n in (2, 3, 4):
        assert floors[f"ngram_js_{n}"] < independent[f"ngram_js_{n}"] < final[f"ngram_js_{n}"][0] <= math.log(2)
    assert floors["known_words"] > 0.9
    text = TextWindows(file=str(tmp_path / "text.txt"), length=8, characters=15)
    held_out = [window in text.text for window in text.texts(text.test)]
    assert floors["copied"] == pytest.approx(np.mean(held_out), abs=0.15)  # of 128 of these windows
    assert 0 < floors["copied"] < 1


def test_a_report_prints_texts_beside_their_ngrams_and_runs_none_of_them(run, tmp_path, monkeypatch, words):
    hostile = "<script>alert(1)</script>|`*"
    monkeypatch.setattr(TextWindows, "texts", lambda self, codes: [f"a  b\n{hostile}"] * len(codes))
    result = run(*words, folder="report_me") | {"choices": {"method": "bgan_reinforce", "data": "char_text"}}
    (tmp_path / "report_me" / "result.json").write_text(json.dumps(result))
    write_report([tmp_path / "report_me"], tmp_path / "report")
    text = (tmp_path / "report" / "report.md").read_text()
    (table,) = (part for part in text.split("\n\n") if part.startswith("| iteration | JS of characters"))
    rows = [line.split(" | ") for line in table.splitlines()]
    names = [row[0].lstrip("| ") for row in rows[2:]]
    assert names == [
        "0",
        "5",
        "10",
        "12",
        "likeliest",
        "independent characters",
        "real",
    ]
    assert {len(row) for row in rows} == {7}
    value = float(result["floors"]["ngram_js_4"])
    assert float(rows[-1][4]) == pytest.approx(value, rel=0.01)
    assert "a&nbsp;&nbsp;b↵&lt;script&gt;" in rows[2][-1]
    page = (tmp_path / "report" / "report.html").read_text()
    assert "<script" not in page
    assert "generated windows per run" in page


def test_samples_are_written_as_lines(run, tmp_path, capsys, words):
    folder = str(tmp_path / "run")
    write_json(tmp_path / "run" / RESULT, run(*words))
    assert commands.sample([folder, "n=5"]) == 0
    lines = (tmp_path / "run" / "figures" / "sample-5.txt").read_text(encoding="utf-8").splitlines()
    assert [len(line) for line in lines] == [8] * 5
    assert commands.sample([folder, "n=5", f"output={tmp_path / 'five.npz'}"]) == 0
    drawn = np.load(tmp_path / "five.npz")["samples"]
    assert drawn.shape == (1, 5, 15, 8)
    text = TextWindows(file=str(tmp_path / "text.txt"), length=8, characters=15)
    assert text.texts(torch.from_numpy(drawn[0]).argmax(1)) == [line.replace("↵", "\n") for line in lines]
    assert commands.sample([folder, f"output={tmp_path / 'five.png'}"]) == 2
    assert "expected .txt or .npz" in capsys.readouterr().err


def test_tensorboard_prints_samples(run, tmp_path, words):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run(*words, "logger=tensorboard", "evaluation.figures=2")
    events = EventAccumulator(str(tmp_path / "run"))
    for path in (tmp_path / "run").rglob("events*"):
        events = EventAccumulator(str(path))
        events.Reload()
        tags = events.Tags()["tensors"]
        if any("samples" in tag for tag in tags):
            break
    assert {"samples/text_summary", "likeliest/text_summary"} <= set(tags)
    shown = events.Tensors("samples/text_summary")[-1].tensor_proto.string_val[0].decode()
    assert len(shown.splitlines()) == 8
    assert all(line.startswith("    ") and len(line) == 12 for line in shown.splitlines())


def test_text_and_other_kinds_are_kept_apart(saddlegan):
    for words, said in (
        (("data=char_text",), "Remedy: method=bgan_discrete"),
        (("data=digits", "method=bgan_discrete"), "Remedy: data=bits, binarized_digits or binarized_mnist"),
        (("data=bits", "method=bgan_discrete", "model=mlp"), "model=mlp_discrete"),
        (("data=char_text", "method=bgan_discrete", "model=mnist_discrete"), "model=text_conv"),
        (("data=bits", "method=bgan_discrete", "evaluation=line"), "which measures vectors"),
    ):
        file = [f"data.file={ROOT / 'README.md'}"] if "data=char_text" in words else []
        status, output = saddlegan("num_seeds=1", *words, *file)
        assert status == 2, output
        assert said in output


# The text of the reference runs ---------------------------------------------------------------------------------------

PRINTED = """
Genesis 1

  30 And to every beast of the earth, and to every fowl of the air, and to
every thing that creepeth:  and it was so.

1 Kings 2

  1 Thus the heavens
  2 were finished.
Genesis 9
"""


def test_verses_are_lines_without_numbers_and_headings():
    from prepare_text import verses

    assert verses(PRINTED) == [
        "And to every beast of the earth, and to every fowl of the air, and to every thing that creepeth:  and it was"
        " so.",
        "Thus the heavens",
        "were finished. Genesis 9",  # no heading: no empty line stands before it
    ]
