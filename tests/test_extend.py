"""docs/extend.md: every file on the page is written as it stands there, and every command is run."""

import re
import shlex
import sys

import pytest
from conftest import ROOT, results

PAGE = (ROOT / "docs" / "extend.md").read_text()
FILES = dict(re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = [shlex.split(line)[1:] for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in
            block.splitlines()]  # fmt: skip


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of the user's own, with what the page says in it."""
    folder = tmp_path / "project"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in FILES:
        sys.modules.pop(name.removesuffix(".py"), None)


@pytest.mark.thorough
@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[1])
def test_a_command_of_the_page_runs(project, saddlegan, tmp_path, command):
    one = ["num_seeds=1"] if {"model=plain", "data=stripes"} & {*command} else []  # as it is for whoever has no `SMALL`
    status, output = saddlegan(*command, *one)
    assert status == 0, output
    found = results(tmp_path)
    assert found
    assert {result["status"] for result in found.values()} == {"finished"}


def test_the_page_has_a_file_and_a_yaml_of_each_kind():
    assert {name.split("/")[1] for name in FILES if "/" in name} == {
        "method",
        "model",
        "evaluation",
        "data",
        "experiment",
    }
    assert len([name for name in FILES if name.endswith(".py")]) == 5
    assert len(COMMANDS) == 6


def test_a_metric_of_ones_own_is_in_all_that_a_run_leaves(project, saddlegan, tmp_path):
    status, output = saddlegan("-m", "+evaluation.metrics.range=ranges.sample_range", "method=gan,primal_dual",
                               "report.metric=range", "report.reference=gan")  # fmt: skip
    assert status == 0, output
    (gan, _) = results(tmp_path).values()
    assert all(value > 0 for value in gan["final"]["range"])
    run = next(tmp_path.rglob("result.json")).parent
    assert ",range" in (run / "metrics.csv").read_text().splitlines()[0]
    assert "range / true std" in (tmp_path / "runs" / "report" / "report.md").read_text()


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("ranges.nothing", "has no 'nothing'"),
        ("triangle.Triangle", "is no metric"),
        ("wrong.asks", "asks for stdd, expected one of: samples, "),
    ],
)
def test_what_is_no_metric_is_refused_before_training(project, saddlegan, target, said):
    text = FILES["ranges.py"].replace("sample_range", "asks").replace("std", "stdd")
    (project / "wrong.py").write_text(text)
    status, output = saddlegan(f"+evaluation.metrics.range={target}")
    assert status == 2
    assert said in output
    assert "evaluation.metrics.range" in output
