"""Keep reference results: copy the runs that the pages quote, write their reports, and fill in the pages' blocks.

    python scripts/reference.py outputs    after the experiments (and `saddlegan-theory`) have run there
    python scripts/reference.py            reports and pages from what outputs/reference holds already

Of a run it keeps result.json; of the runs that a report draws, also what it draws from: all of an experiment in one
file, runs.zip. Of a report it keeps what can be read here; `saddlegan-report outputs/reference/NAME` writes the rest.
Of the theory it keeps all but the report, which is written anew.
"""

import json
import re
import shutil
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from saddlegan import claims
from saddlegan.folder import METRICS, RESULT, SAMPLES
from saddlegan.report import write_report
from saddlegan.reporting import measures, quality, tables
from saddlegan.reporting.ledger import Finding
from saddlegan.reporting.pictures import representative
from saddlegan.reporting.pictures.selection import from_the_median
from saddlegan.reporting.results import Results, load_results
from saddlegan.reporting.runs import PACKED, load_runs
from saddlegan.reporting.sections import load_sections, overview
from saddlegan.theory import EXPERIMENTS

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "outputs" / "reference"
TOYS = ("gaussian_1d", "gaussian_1d_search", "gaussian_1d_sweep", "point_mass", "two_point")
IMAGES = ("mnist", "mnist_sigma", "mnist_parzen", "mnist_choices", "mnist_aids")
THEORY = "theory"
#: Files of a report that are not kept.
LEFT = ("report.html", "results.csv")
#: The pages that quote results.
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def keep(outputs: Path, name: str) -> None:
    """Pack the experiment's runs, without checkpoints and TensorBoard events."""
    loaded = load_results([outputs / name])
    wrong = [problem for problem in loaded.problems if problem.what != "diverged"]  # which is a finding
    assert not wrong, wrong
    experiment = loaded.experiments[name]
    before = {run.folder.name for run in load_runs([REFERENCE / name], needed=False)[0]}
    lost = before - {run.folder.name for run in experiment.runs}
    assert not lost, f"these are kept and were not run again: {sorted(lost)}; remove {REFERENCE / name} to drop them"
    shutil.rmtree(REFERENCE / name, ignore_errors=True)
    (REFERENCE / name).mkdir(parents=True)
    shown = representative(experiment)
    curves = {run.name for setting in shown for run in experiment.runs_of(setting)}
    ranked = (from_the_median(experiment, setting) for setting in shown)
    drawn = {run.name for same in ranked for run in (same[:1] if name in IMAGES else same)}
    with zipfile.ZipFile(REFERENCE / name / PACKED, "w") as pack:
        for run in sorted(experiment.runs, key=lambda run: run.name):
            result = json.loads((run.folder / RESULT).read_text())
            if "root" in result["config"]["data"]:  # a place on the machine that it ran on, which decides nothing
                result["config"]["data"]["root"] = "data"
            put(pack, f"{run.folder.name}/{RESULT}", json.dumps(result).encode())
            for file in [METRICS] * (run.name in curves) + [SAMPLES] * (run.name in drawn):
                put(pack, f"{run.folder.name}/{file}", (run.folder / file).read_bytes())


def put(pack: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a file without the time, so that equal runs make equal packs."""
    pack.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)


def keep_theory(outputs: Path) -> None:
    sections, problems = load_sections([outputs / THEORY])
    found = [section.folder.name for section in sections]
    assert not problems, problems
    assert found == list(EXPERIMENTS), f"run all of saddlegan-theory, found {found}"
    shutil.rmtree(REFERENCE / THEORY, ignore_errors=True)
    shutil.copytree(outputs / THEORY, REFERENCE / THEORY, ignore=shutil.ignore_patterns("report"))


def report(name: str) -> None:
    folder = REFERENCE / name / "report"
    write_report([REFERENCE / name], folder)
    for file in LEFT:
        (folder / file).unlink()


def ledger(findings: Iterable[Finding]) -> str:
    rows = [
        [verdict.verdict.replace("_", " "), f"{statement.statement} ({statement.source})", verdict.text]
        for statement, verdict in findings
    ]
    return tables.markdown(["verdict", "claim", "what was found"], rows)


def blocks() -> dict[str, str]:
    """The generated parts of the pages, by name."""
    results = load_results([REFERENCE / name for name in (*TOYS, *IMAGES)])
    figure_1, sweep = results.experiments["gaussian_1d"], results.experiments["gaussian_1d_sweep"]
    mnist = results.experiments["mnist"]
    theory, problems = load_sections([REFERENCE / THEORY])
    assert not problems, problems
    return {
        "answers": answers(results),
        "figure-1": tables.main_table(figure_1, tables.summary(figure_1), claims.FIGURE_1_SAYS)
        + "\n\n"
        + tables.paired_table(tables.comparisons(figure_1)),
        "claims": ledger(claims.decide(results)[0]),
        "theory": overview(theory),
        "map": tables.overview_table(sweep, tables.comparisons(sweep)),
        "figure-2": "\n\n".join(quality.beside_real(mnist, list(mnist.settings))[1:-1]),
        "figure-2-pairs": tables.paired_table(tables.comparisons(mnist)),
        "choices": tables.paired_table(tables.comparisons(results.experiments["mnist_choices"])),
        "aids": tables.paired_table(tables.comparisons(results.experiments["mnist_aids"])),
        "bench": (REFERENCE / "bench.md").read_text().strip(),
        "bench-images": (REFERENCE / "bench_images.md").read_text().strip(),
    }


def answers(results: Results) -> str:
    """The paper's two comparisons: the verdict on each, its claim, and a line per setting with seeds and intervals."""
    parts = []
    for name, head in (("gaussian_1d", "Figure 1, N(1, 1e-3)"), ("mnist", "Figure 2, MNIST")):
        experiment = results.experiments[name]
        claim = next(claim for claim in claims.CLAIMS if claim.id == experiment.claims[0])
        pairs = {row["setting"]: row for row in tables.comparisons(experiment).to_dict("records")}
        rows = []
        for row in tables.summary(experiment).to_dict("records"):
            pair = pairs.get(row["setting"])
            ratio = f"{tables.show(pair['ratio'])} over {pair['reference']}" if pair else "–"
            rows.append(
                [row["setting"], row["seeds"], tables.show(row["mean"]), ratio, pair["outcome"] if pair else "–"]
            )
        verdict = claim.decide(results).verdict.replace("_", " ")
        headers = ["setting", "seeds", f"{measures.directed(experiment.metric)}, mean", "ratio", "outcome"]
        parts += [f"**{head}: {verdict}.** The claim: {claim.statement}", tables.markdown(headers, rows)]
    return "\n\n".join([*parts, "In brackets: intervals of 95 % over seeds."])


def filled(page: str, written: Mapping[str, str]) -> str:
    """A page with its blocks written anew."""

    def anew(found: re.Match[str]) -> str:
        return f"{found[1]}{written[found[2]]}\n{found[4]}"

    return re.sub(r"(<!-- ([\w-]+): [^>]*-->\n)(.*?)(<!-- end -->)", anew, page, flags=re.DOTALL)


if __name__ == "__main__":
    if len(sys.argv) > 1 and (Path(sys.argv[1]) / THEORY).is_dir():
        keep_theory(Path(sys.argv[1]))
    report(THEORY)
    for name in (*TOYS, *IMAGES):
        if len(sys.argv) > 1 and (Path(sys.argv[1]) / name).is_dir():
            keep(Path(sys.argv[1]), name)
        report(name)
    written = blocks()
    for page in PAGES:
        page.write_text(filled(page.read_text(), written))
