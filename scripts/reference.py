"""Keep reference results: copy the runs that the README quotes, write their reports, and fill in the README's blocks.

    python scripts/reference.py outputs    after the experiments (and `saddlegan-theory`) have run there
    python scripts/reference.py            reports and README from what outputs/reference holds already

Of a run it keeps result.json; of the runs that a report draws, also what it draws from. Of the theory it keeps all but
the report, which is written anew.
"""

import json
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from saddlegan import claims
from saddlegan.folder import RESULT, write_json
from saddlegan.report import write_report
from saddlegan.reporting import quality, tables
from saddlegan.reporting.ledger import Finding
from saddlegan.reporting.pictures import representative
from saddlegan.reporting.results import load_results
from saddlegan.reporting.sections import load_sections, overview
from saddlegan.theory import EXPERIMENTS

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "outputs" / "reference"
TOYS = ("gaussian_1d", "gaussian_1d_sweep", "point_mass", "two_point")
IMAGES = ("mnist", "mnist_sigma", "mnist_parzen", "mnist_choices", "mnist_aids")
THEORY = "theory"
LARGEST = 1_000_000  # bytes of a file that is kept


def keep(outputs: Path, name: str) -> None:
    """Copy the experiment's runs, without checkpoints and TensorBoard events."""
    loaded = load_results([outputs / name])
    wrong = [problem for problem in loaded.problems if problem.what != "diverged"]  # which is a finding
    assert not wrong, wrong
    experiment = loaded.experiments[name]
    lost = {run.name for run in (REFERENCE / name).glob("*=*")} - {run.folder.name for run in experiment.runs}
    assert not lost, f"these are kept and were not run again: {sorted(lost)}; remove {REFERENCE / name} to drop them"
    shutil.rmtree(REFERENCE / name, ignore_errors=True)
    runs = [experiment.runs_of(setting) for setting in representative(experiment)]
    curves = {run.name for same in runs for run in same}
    drawn = {run.name for same in runs for run in (same[:1] if name in IMAGES else same)}
    for run in experiment.runs:
        files = ["result.json"] + ["metrics.csv"] * (run.name in curves) + ["samples.npz"] * (run.name in drawn)
        target = REFERENCE / name / run.folder.name
        target.mkdir(parents=True)
        for file in files:
            shutil.copy(run.folder / file, target / file)
        result = json.loads((target / RESULT).read_text())
        if "root" in result["config"]["data"]:  # a place on the machine that it ran on, which decides nothing
            result["config"]["data"]["root"] = "data"
            write_json(target / RESULT, result)


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
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size > LARGEST:
            path.unlink()


def ledger(findings: Iterable[Finding]) -> str:
    rows = [
        [verdict.verdict.replace("_", " "), f"{statement.statement} ({statement.source})", verdict.text]
        for statement, verdict in findings
    ]
    return tables.markdown(["verdict", "claim", "what was found"], rows)


def blocks() -> dict[str, str]:
    """The README's generated parts, by name."""
    results = load_results([REFERENCE / name for name in (*TOYS, *IMAGES)])
    figure_1, sweep = results.experiments["gaussian_1d"], results.experiments["gaussian_1d_sweep"]
    mnist = results.experiments["mnist"]
    theory, problems = load_sections([REFERENCE / THEORY])
    assert not problems, problems
    return {
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


def filled(readme: str) -> str:
    """The README with its blocks written anew."""
    for name, text in blocks().items():
        pattern = re.compile(rf"(<!-- {name}: [^>]*-->\n).*?(<!-- end -->)", re.DOTALL)
        assert pattern.search(readme), f"README.md has no block '{name}'"
        readme = pattern.sub(lambda found, text=text: found[1] + text + "\n" + found[2], readme)
    return readme


if __name__ == "__main__":
    if len(sys.argv) > 1 and (Path(sys.argv[1]) / THEORY).is_dir():
        keep_theory(Path(sys.argv[1]))
    report(THEORY)
    for name in (*TOYS, *IMAGES):
        if len(sys.argv) > 1 and (Path(sys.argv[1]) / name).is_dir():
            keep(Path(sys.argv[1]), name)
        report(name)
    (ROOT / "README.md").write_text(filled((ROOT / "README.md").read_text()))
