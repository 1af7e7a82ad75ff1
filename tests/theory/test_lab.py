"""The laboratory's command and its report, with experiments that do nothing: what is kept, named and refused."""

import json
import sys
from types import SimpleNamespace

import pytest

from saddlegan import report
from saddlegan.figures.canvas import grid
from saddlegan.reporting.ledger import Statement, Verdict
from saddlegan.reporting.sections import Table
from saddlegan.theory import EXPERIMENTS, lab
from saddlegan.theory.section import Picture, Section

STATEMENT = Statement("a-claim", "Someone (2014), section 3", "Everything | <is> fine.")
VERDICT = Verdict("contradicted", "It is not: 0.3 [0.2, 0.4].", 0.3, (0.2, 0.4), 8, "share")


def a_section() -> Section:
    figure, _ = grid(1, 3.0, 2.0)
    table = Table(("x", "y"), [(1, "a | b")], "what it shows")
    return Section("The game", "One.\n\nTwo.", [(STATEMENT, VERDICT)], [table], [Picture("curve", "A curve", figure)])


@pytest.fixture
def experiments(monkeypatch):
    """Modules that stand for the real ones: each hands over `a_section`."""
    for name in EXPERIMENTS:
        monkeypatch.setitem(sys.modules, f"saddlegan.theory.{name}", SimpleNamespace(section=a_section))
    return sys.modules


def report_of(folder) -> str:
    return (folder / "report" / "report.md").read_text(encoding="utf-8")


def test_every_experiment_is_a_section_with_verdict_picture_and_table(experiments, tmp_path, capsys):
    assert lab.main(["--output", str(tmp_path)]) == 0
    text = report_of(tmp_path)
    assert [f"## {number}. The game" in text for number in range(1, len(EXPERIMENTS) + 1)] == [True] * len(EXPERIMENTS)
    assert text.count("**✘ contradicted** · Everything &#124; &lt;is&gt; fine.") == len(EXPERIMENTS)
    assert "| 1 | a &#124; b |" in text
    assert text.count("](../divergences/curve.png)") == 1
    assert "data:image/png" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    entries = json.loads((tmp_path / "report" / "claims.json").read_text(encoding="utf-8"))
    assert {entry["experiments"][0] for entry in entries} == set(EXPERIMENTS)
    assert (entries[0]["effect"], entries[0]["interval"], entries[0]["seeds"]) == (0.3, [0.2, 0.4], 8)
    assert "## Problems\n\nNone" in text
    assert "bilinear_game: contradicted: a-claim" in capsys.readouterr().out


def test_running_one_again_keeps_the_others_and_drops_its_old_pictures(experiments, tmp_path, monkeypatch):
    assert lab.main(["divergences", "kernel_force", "--output", str(tmp_path)]) == 0
    bare = SimpleNamespace(section=lambda: Section("Bare", "No picture.", [(STATEMENT, VERDICT)]))
    monkeypatch.setitem(experiments, "saddlegan.theory.kernel_force", bare)
    assert lab.main(["kernel_force", "--output", str(tmp_path)]) == 0
    text = report_of(tmp_path)
    assert text.index("## 2. The game") < text.index("## 7. Bare")
    assert not list((tmp_path / "kernel_force").glob("*.png"))


def test_a_failure_is_reported_and_the_rest_still_runs(experiments, tmp_path, monkeypatch, capsys):
    def fail() -> Section:
        raise ZeroDivisionError("the step overflows")

    monkeypatch.setitem(experiments, "saddlegan.theory.divergences", SimpleNamespace(section=fail))
    assert lab.main(["--output", str(tmp_path)]) == 1
    assert "divergences: failed: ZeroDivisionError: the step overflows" in capsys.readouterr().err
    text = report_of(tmp_path)
    assert "| failed | divergences | ZeroDivisionError: the step overflows |" in text
    assert "## 3. The game" in text


def test_a_failure_keeps_what_an_earlier_run_left_until_one_succeeds(experiments, tmp_path, monkeypatch):
    broken = Section("Broken", "Text.", [(STATEMENT, VERDICT)], pictures=[Picture("curve", "A curve", None)])
    sound = experiments["saddlegan.theory.divergences"]
    arguments = ["divergences", "--output", str(tmp_path)]
    assert lab.main(arguments) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "divergences").iterdir()}
    monkeypatch.setitem(experiments, "saddlegan.theory.divergences", SimpleNamespace(section=lambda: broken))
    assert lab.main(arguments) == 1
    assert {path.name: path.read_bytes() for path in (tmp_path / "divergences").iterdir()}.items() >= before.items()
    assert "## 2. The game" in report_of(tmp_path)
    assert "(what is shown is of an earlier run)" in report_of(tmp_path)
    monkeypatch.setitem(experiments, "saddlegan.theory.divergences", sound)
    assert lab.main(arguments) == 0
    assert "## Problems\n\nNone" in report_of(tmp_path)


def test_only_what_an_earlier_run_wrote_is_replaced(experiments, tmp_path):
    mine = tmp_path / "divergences" / "my-notes.png"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    for _ in range(2):
        assert lab.main(["divergences", "--output", str(tmp_path)]) == 0
    assert mine.read_bytes() == b"mine"


def test_ctrl_c_keeps_what_is_finished(experiments, tmp_path, monkeypatch, capsys):
    def interrupt() -> Section:
        raise KeyboardInterrupt

    monkeypatch.setitem(experiments, "saddlegan.theory.kernel_force", SimpleNamespace(section=interrupt))
    assert lab.main(["divergences", "kernel_force", "--output", str(tmp_path)]) == 130
    assert "interrupted. Finished sections stay" in capsys.readouterr().err
    assert (tmp_path / "divergences" / "section.json").is_file()


def test_a_picture_that_cannot_be_drawn_is_a_failure_of_its_experiment_alone(experiments, tmp_path, monkeypatch):
    broken = Section("Broken", "Text.", [(STATEMENT, VERDICT)], pictures=[Picture("curve", "A curve", None)])
    monkeypatch.setitem(experiments, "saddlegan.theory.divergences", SimpleNamespace(section=lambda: broken))
    assert lab.main(["--output", str(tmp_path)]) == 1
    assert "| failed | divergences | AttributeError" in report_of(tmp_path)
    assert "## 8. The game" in report_of(tmp_path)


def test_options_reach_the_experiments_that_ask_for_them(experiments, tmp_path, monkeypatch):
    asked = {}
    reader = SimpleNamespace(OPTIONS=("runs", "data"), section=lambda **given: asked.update(given) or a_section())
    monkeypatch.setitem(experiments, "saddlegan.theory.loss_and_quality", reader)
    monkeypatch.setenv("SADDLEGAN_DATA", "somewhere")
    assert lab.main(["loss_and_quality", "--output", str(tmp_path / "out"), "--runs", str(tmp_path)]) == 0
    assert asked["runs"] == [tmp_path]
    content = json.loads((tmp_path / "out" / "loss_and_quality" / "section.json").read_text())
    assert content["command"] == f"saddlegan-theory loss_and_quality --runs {tmp_path}"
    assert str(asked["data"]) == "somewhere"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["kernel_forse"], "Did you mean 'kernel_force'?"),
        (["--runs", "nowhere"], "--runs nowhere: got no folder"),
        (["--data", "nowhere"], "--data nowhere: got no folder"),
        (["--output", "report"], "got the name of a report's folder"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_runs(experiments, tmp_path, capsys, arguments, words):
    assert lab.main(["--output", str(tmp_path / "out"), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_to_is_an_error_with_a_remedy(experiments, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert lab.main(["divergences", "--output", str(tmp_path / "file")]) == 2
    assert "name another place by --output" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda content: "{", "cannot be read"),
        (lambda content: json.dumps(content | {"title": None}), "title"),
        (lambda content: json.dumps(content | {"findings": [{"id": "a"}]}), "cannot be read"),
        (lambda content: json.dumps(content | {"tables": [{"headers": ["x"], "caption": ""}]}), "cannot be read"),
        (lambda content: json.dumps(content | {"tables": ["x"]}), "cannot be read"),
        (lambda content: json.dumps([content]), "cannot be read"),
        (lambda content: json.dumps(content | {"pictures": [{"name": "gone", "caption": ""}]}), "gone"),
    ],
)
def test_a_damaged_section_is_named_with_its_remedy(experiments, tmp_path, spoil, words):
    lab.main(["divergences", "kernel_force", "--output", str(tmp_path)])
    path = tmp_path / "divergences" / "section.json"
    path.write_text(spoil(json.loads(path.read_text())))
    assert report.main([str(tmp_path)]) == 0
    problems = report_of(tmp_path).split("## Problems")[1]
    assert words in problems
    assert "saddlegan-theory divergences" in problems
    assert "## 7. The game" in report_of(tmp_path)


def test_a_report_of_runs_and_theory_together(experiments, tmp_path):
    from run_folders import spread, write_run

    lab.main(["divergences", "--output", str(tmp_path / "theory")])
    write_run(tmp_path / "gaussian_1d" / "gan", "gan", spread(0.2))
    assert report.main([str(tmp_path)]) == 0
    text = report_of(tmp_path)
    assert "gaussian_1d" in text
    assert "## 2. The game" in text
    assert "## Problems\n\nNone" in text
