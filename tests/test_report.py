"""The report of a sweep, good and bad, read back from its files; the console script; what it must not import."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_folders import spread, write_run
from scipy import stats

from saddlegan.report import main, write_report
from saddlegan.reporting import tables
from saddlegan.reporting.results import load_results

OPTIONS = {"metric": "w1_std", "reference": "gan", "map": None, "claims": ["gaussian-1d-primal-dual-worse"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """gan learns, primal_dual is far with one seed diverged; one run each failed, diverged, missing and damaged."""
    top = tmp_path_factory.mktemp("outputs") / "gaussian_1d"
    write_run(top / "gan", "gan", spread(0.2), report=OPTIONS, final={"discriminator_error": [0.01] * 32})
    far = spread(6.0, seed=1)
    far[5] = np.nan
    write_run(top / "pd", "primal_dual", far, report=OPTIONS, sigma=1.0)
    write_run(top / "pd-lost", "primal_dual", [np.nan] * 32, report=OPTIONS, sigma=9.0, status="diverged")
    write_run(top / "pd-failed", "primal_dual", [1.0], report=OPTIONS, sigma=-1.0, status="failed",
              error="ValueError: sigma: got -1, <b>expected</b> | > 0\nremedy")  # fmt: skip
    (top / "pd-missing" / ".hydra").mkdir(parents=True)
    (write_run(top / "pd-half", "primal_dual", [1.0]) / "result.json").write_text('{"status": "fini', encoding="utf-8")
    (top / "notes.txt").write_text("mine", encoding="utf-8")
    write_report([top], top / "report")
    return top / "report"


def rows_of(text, start):
    """Cells of the table rows whose first cell is `start`."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]
    return [row for row in cells if row[0] == start]


def test_all_files_are_there_and_no_partial_one(folder):
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {
        "report.md", "report.html", "results.csv", "settings.csv", "claims.json",
        "figures/gaussian_1d-density.png", "figures/gaussian_1d-discriminator.png", "figures/gaussian_1d-training.png",
    }  # fmt: skip


def test_every_bad_run_is_named_with_its_reason(folder):
    text = (folder / "report.md").read_text(encoding="utf-8")
    problems = text[text.index("## Problems") :]
    for what, where in [
        ("failed", "pd-failed"),
        ("missing", "pd-missing"),
        ("damaged", "pd-half"),
        ("foreign", "notes.txt"),
    ]:
        assert any(row[1] == where for row in rows_of(problems, what)), what
    diverged = {row[1]: row[2] for row in rows_of(problems, "diverged")}
    assert diverged["pd"] == "1 of 32 seeds: 5"
    assert diverged["pd-lost"].startswith("32 of 32 seeds: 0, 1")
    assert "<b>" not in text
    assert "&lt;b&gt;expected&lt;/b&gt; &#124; &gt; 0 remedy" in problems


def test_the_table_has_seeds_intervals_divergence_and_the_source(folder):
    text = (folder / "report.md").read_text(encoding="utf-8")
    ((_, seeds, median, _, converged, diverged, iterations, source),) = [r for r in rows_of(text, "gan") if len(r) == 8]
    assert (seeds, diverged, iterations) == ("32", "0", "5000")
    value, low, high = map(float, re.fullmatch(r"(\S+) \[(\S+), (\S+)\]", median).groups())
    assert low < value < high
    assert value == pytest.approx(np.median(spread(0.2)), rel=0.01)
    assert converged.startswith("100 %")
    assert "learns" in source
    lost = rows_of(text, "primal_dual · sigma=9")[0]
    assert lost[1:4] == ["32", "–", "–"]
    assert lost[5] == "32"
    paired = [row for row in rows_of(text, "primal_dual · sigma=1") if row[1] == "gan"]
    assert paired[0][-1] == "worse"


def test_the_outcome_of_a_comparison_goes_by_holms_p(tmp_path):
    """Two settings, each worse at p < 0.05 alone: after Holm's correction neither difference is shown."""
    report = {"metric": "w1_std", "reference": "gan"}
    write_run(tmp_path / "gan", "gan", np.ones(5), report=report)
    logs = {1.0: np.array([0.1, 0.4, 0.05, 0.5, 0.3]), 2.0: np.array([0.5, 0.06, 0.1, 0.32, 0.45])}
    for sigma, log in logs.items():
        write_run(tmp_path / f"{sigma}", "primal_dual", np.exp(log), report=report, sigma=sigma)
    table = tables.comparisons(load_results([tmp_path]).experiments["gaussian_1d"])
    alone = [float(stats.ttest_1samp(log, 0.0).pvalue) for log in logs.values()]
    assert all(0.025 < p < 0.05 for p in alone), alone
    assert sorted(table["p"]) == pytest.approx(sorted(alone), rel=1e-6)
    assert table["p_holm"].tolist() == pytest.approx([2 * min(alone)] * 2, rel=1e-6)
    assert table["outcome"].tolist() == ["undecided", "undecided"]
    lines = [[cell.strip() for cell in line.split("|")] for line in tables.paired_table(table).splitlines()[2:]]
    assert [line[6] for line in lines] == [f"{p:.2g}" for p in table["p"]]
    assert [line[7] for line in lines] == [f"{p:.2g}" for p in table["p_holm"]]


def test_the_command_to_repeat_a_sweep_is_what_its_runs_share(folder, tmp_path):
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "**Repeat it**: <code>saddlegan experiment=gaussian_1d num_seeds=32</code>\n" in text
    for method in ("gan", "primal_dual"):
        write_run(tmp_path / method, method, [0.1], experiment=None)
    text = write_report([tmp_path], tmp_path / "report").with_suffix(".md").read_text(encoding="utf-8")
    assert all(
        f"<code>saddlegan method={method} experiment=None num_seeds=32</code>" in text
        for method in ("gan", "primal_dual")
    )


@pytest.mark.parametrize("reference", ["wagn", "model=mlpp"])
def test_a_reference_that_fits_no_setting_is_a_problem(tmp_path, reference):
    for method in ("gan", "primal_dual"):
        write_run(tmp_path / method, method, [0.1], report=OPTIONS | {"reference": reference})
    text = write_report([tmp_path], tmp_path / "report").with_suffix(".md").read_text(encoding="utf-8")
    assert f"no setting could be compared with report.reference={reference}" in text.split("## Problems")[1]


def test_results_csv_is_tidy_and_settings_csv_has_the_intervals(folder):
    table = pd.read_csv(folder / "results.csv")
    assert len(table) == 3 * 32
    assert {"run", "experiment", "setting", "method", "method.sigma", "seed", "stop", "w1_std", "diverged"} <= set(
        table
    )
    assert table["diverged"].sum() == 33
    settings = pd.read_csv(folder / "settings.csv").set_index("setting")
    row = settings.loc["primal_dual · sigma=1"]
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"]
    assert np.isnan(settings.loc["gan", "ratio"])


def test_claims_json_holds_verdicts_and_no_nan(folder):
    ledger = json.loads((folder / "claims.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert {entry["id"] for entry in ledger} == {"gaussian-1d-primal-dual-worse", "discriminator-near-its-best"}
    for entry in ledger:
        assert {"source", "statement", "verdict", "effect", "interval", "seeds", "text"} <= set(entry)


def packed(top):
    """The run folders in `top` in one file, and not as folders any more."""
    with zipfile.ZipFile(top / "runs.zip", "w") as pack:
        for path in sorted(top.glob("*/*")):
            if path.is_file() and path.parent.name != "report":
                pack.write(path, path.relative_to(top))
    for path in [path for path in top.iterdir() if path.is_dir() and path.name != "report"]:
        shutil.rmtree(path)


def test_packed_runs_give_the_same_report(tmp_path):
    top = tmp_path / "gaussian_1d"
    write_run(top / "gan", "gan", spread(0.3), report=OPTIONS)
    write_run(top / "primal_dual", "primal_dual", spread(3), report=OPTIONS)
    write_run(top / "lost", "gan", [1.0], report=OPTIONS, status="failed", error="MemoryError")
    write_report([top], tmp_path / "plain")
    packed(top)
    write_report([top], tmp_path / "packed")
    files = {path.relative_to(tmp_path / "plain") for path in (tmp_path / "plain").rglob("*") if path.is_file()}
    assert {Path("figures/gaussian_1d-density.png"), Path("figures/gaussian_1d-training.png")} < files
    for file in files:
        assert (tmp_path / "packed" / file).read_bytes() == (tmp_path / "plain" / file).read_bytes(), file


def test_a_run_that_is_packed_and_lies_there_too_counts_once(tmp_path):
    top = tmp_path / "gaussian_1d"
    write_run(top / "gan", "gan", [0.3, 0.4], report=OPTIONS)
    packed(top)
    write_run(top / "gan", "gan", [0.3, 0.4], report=OPTIONS)
    write_run(top / "pd", "primal_dual", [0.3, 0.4], report=OPTIONS)
    results = load_results([top])
    assert sorted(run.name for run in results.runs) == ["gan", "pd"]
    assert not results.problems


def test_a_pack_that_is_damaged_costs_itself_and_not_the_report(tmp_path):
    write_run(tmp_path / "gan", "gan", [0.3, 0.4], report=OPTIONS)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "runs.zip").write_bytes(b"PK nonsense")
    assert main([str(tmp_path)]) == 0
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert len(rows_of(text, "damaged")) == 1
    assert "below/runs.zip" in text


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_packed_run_that_is_damaged_costs_itself_alone(tmp_path, method):
    write_run(tmp_path / "gan", "gan", [0.3, 0.4], report=OPTIONS)
    with zipfile.ZipFile(tmp_path / "runs.zip", "w") as pack:
        pack.writestr(zipfile.ZipInfo("lost/result.json"), (tmp_path / "gan" / "result.json").read_bytes(), method)
    content = bytearray((tmp_path / "runs.zip").read_bytes())
    content[60:400] = bytes(340)
    (tmp_path / "runs.zip").write_bytes(content)
    results = load_results([tmp_path])
    assert [run.name for run in results.runs] == ["gan"]
    assert [(problem.what, problem.where) for problem in results.problems] == [("damaged", "lost")]


def test_html_is_one_self_contained_page(folder):
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert len(re.findall(r'src="data:image/png;base64,', html)) == 3
    assert not re.findall(r'(?:src|href)="(?!data:)', html)
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "<link" not in html
    assert "<script" not in html
    assert 'name="viewport"' in html
    assert html.count('<div class="table"><table>') == html.count("<table>") == 3
    assert "<td>gan</td>" in html
    assert html.count('<label><input type="checkbox" aria-label="full size"><img ') == html.count("<img ") == 3


def test_a_second_report_overwrites_the_first_with_the_same_text(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert main([str(folder.parent)]) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_large_sweep_keeps_a_map_and_an_overview(tmp_path):
    options = OPTIONS | {"map": {"x": "method.sigma", "y": "method.alpha"}, "claims": []}
    shared = {"experiment": "gaussian_1d_sweep", "report": options}
    for lr in (0.001, 0.01):
        write_run(tmp_path / f"gan{lr}", "gan", spread(0.2, 16), lr=lr, **shared)
    for lr, sigma, alpha in itertools.product((0.001, 0.01), (0.1, 1, 3, 5), (0.1, 1, 10, 20, 30)):
        own = {"lr": lr, "sigma": sigma, "alpha": alpha} | shared
        write_run(tmp_path / f"{lr},{sigma},{alpha}", "primal_dual", spread(0.1 * alpha, 16, seed=1), **own)
    report = write_report([tmp_path], tmp_path / "elsewhere")
    text = (report.parent / "report.md").read_text(encoding="utf-8")
    overview = rows_of(text, "gan · lr=0.001")
    assert len(overview) == 1
    assert overview[0][3:7] == ["20", "8", "12", "0"]  # settings, better, worse, undecided
    ratio, _, where = overview[0][9].split(" ", 2)
    assert float(ratio) == pytest.approx(0.05, rel=0.2)
    assert where.endswith("alpha=0.1")
    assert len(text.splitlines()) < 60
    assert len(pd.read_csv(report.parent / "settings.csv")) == 42
    assert (report.parent / "figures" / "gaussian_1d_sweep-map.png").is_file()


def test_only_failed_runs_still_make_a_report(tmp_path):
    write_run(tmp_path / "a", "gan", [1.0], report=OPTIONS, status="failed", error="MemoryError")
    assert main([str(tmp_path)]) == 0
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "MemoryError" in text
    assert "not run" in text


@pytest.mark.parametrize("curves", ["iteration,se", "iteration,seed,w1_std\n0,0,0.5\n9,0,x\n"])
def test_lost_arrays_cost_a_picture_and_not_the_report(tmp_path, curves):
    run = write_run(tmp_path / "a", "gan", spread(0.2, 4))
    (run / "samples.npz").write_bytes((run / "samples.npz").read_bytes()[:100])
    (run / "metrics.csv").write_text(curves, encoding="utf-8")
    assert main([str(tmp_path)]) == 0
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert len(rows_of(text, "incomplete")) == 2
    assert not list((tmp_path / "report").rglob("*.png"))


def test_nothing_to_report_on_ends_with_2_and_says_what_to_do(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert main([str(tmp_path)]) == 2
    assert main([str(tmp_path / "typo")]) == 2
    errors = capsys.readouterr().err
    assert "notes.txt" in errors
    assert "train first" in errors
    assert not (tmp_path / "report").exists()


def test_a_place_that_cannot_be_written_ends_with_2(tmp_path, capsys):
    write_run(tmp_path / "a", "gan", [0.1, 0.2])
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main([str(tmp_path), "--output", str(tmp_path / "file" / "report")]) == 2
    assert "--output" in capsys.readouterr().err


def test_the_report_and_the_laboratorys_command_need_neither_torch_nor_lightning():
    heavy = "{'torch', 'lightning', 'matplotlib.pyplot'}"
    code = f"import sys, saddlegan.report, saddlegan.theory.lab; print(sorted({heavy} & set(sys.modules)))"
    notebook = os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}  # not installed here
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=notebook)
    assert done.stdout.strip() == "[]"
