"""Keep reference results: copy the runs that the README quotes, write their reports, and fill in the README's blocks.

    python scripts/reference.py outputs    after the experiments have run there
    python scripts/reference.py            reports and README from what outputs/reference holds already

Of a run it keeps result.json; of the runs that a report draws, also what it draws from.
"""

import json
import re
import shutil
import sys
from pathlib import Path

from saddlegan import claims
from saddlegan.folder import RESULT, write_json
from saddlegan.report import write_report
from saddlegan.reporting import quality, tables
from saddlegan.reporting.pictures import representative
from saddlegan.reporting.results import load_results

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "outputs" / "reference"
TOYS = ("gaussian_1d", "gaussian_1d_sweep", "point_mass", "two_point")
IMAGES = ("mnist", "mnist_sigma")
LARGEST = 1_000_000  # bytes of a file that is kept


def keep(outputs: Path, name: str) -> None:
    """Copy the experiment's runs, without checkpoints and TensorBoard events."""
    shutil.rmtree(REFERENCE / name, ignore_errors=True)
    experiment = load_results([outputs / name]).experiments[name]
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


def report(name: str) -> None:
    folder = REFERENCE / name / "report"
    write_report([REFERENCE / name], folder)
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size > LARGEST:
            path.unlink()


def blocks() -> dict[str, str]:
    """The README's generated parts, by name."""
    results = load_results([REFERENCE / name for name in (*TOYS, *IMAGES)])
    figure_1, sweep = results.experiments["gaussian_1d"], results.experiments["gaussian_1d_sweep"]
    mnist = results.experiments["mnist"]
    ledger = [["verdict", "claim", "what was found"]]
    for claim, verdict in claims.decide(results)[0]:
        ledger.append([verdict.verdict.replace("_", " "), f"{claim.statement} ({claim.source})", verdict.text])
    return {
        "figure-1": tables.main_table(figure_1, tables.summary(figure_1), claims.FIGURE_1_SAYS)
        + "\n\n"
        + tables.paired_table(tables.comparisons(figure_1)),
        "claims": tables.markdown(ledger[0], ledger[1:]),
        "map": tables.overview_table(sweep, tables.comparisons(sweep)),
        "figure-2": "\n\n".join(quality.beside_real(mnist, list(mnist.settings))[1:-1]),
        "figure-2-pairs": tables.paired_table(tables.comparisons(mnist)),
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
    for name in (*TOYS, *IMAGES):
        if len(sys.argv) > 1 and (Path(sys.argv[1]) / name).is_dir():
            keep(Path(sys.argv[1]), name)
        report(name)
    (ROOT / "README.md").write_text(filled((ROOT / "README.md").read_text()))
