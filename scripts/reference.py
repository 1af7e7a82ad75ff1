"""Keep reference results: copy the runs that the pages quote, write their reports, and fill in the pages' blocks.

    python scripts/reference.py outputs    after the experiments (and `saddlegan-theory`) have run there
    python scripts/reference.py            reports and pages from what outputs/reference holds already

Of a run it keeps result.json; of the runs that a report draws, also what it draws from: all of an experiment in one
file, runs.zip. Of a report it keeps what can be read here; `saddlegan-report outputs/reference/NAME` writes the rest.
Of the theory it keeps all but the report, which is written anew.
"""

import csv
import json
import re
import shutil
import sys
import zipfile
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from saddlegan import claims
from saddlegan.claims import budget, modes, toys
from saddlegan.folder import METRICS, RESULT, SAMPLES
from saddlegan.report import write_report
from saddlegan.reporting import notes, quality, spread, statistics, tables
from saddlegan.reporting.experiment import Experiment, floors_of
from saddlegan.reporting.fates import counted
from saddlegan.reporting.ledger import Finding
from saddlegan.reporting.measures import average
from saddlegan.reporting.pictures import representative
from saddlegan.reporting.pictures.selection import from_the_median
from saddlegan.reporting.results import Results, load_results
from saddlegan.reporting.runs import PACKED, Run, load_runs
from saddlegan.reporting.sections import load_sections, overview
from saddlegan.reporting.settings import label
from saddlegan.reporting.tables import show
from saddlegan.reporting.texts import BESIDE
from saddlegan.theory import EXPERIMENTS

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "outputs" / "reference"
PLANE = ("ring", "unrolled_ring", "grid")
TOYS = (
    *("gaussian_1d", "gaussian_1d_search", "gaussian_1d_sweep", "point_mass", "two_point"),
    *(*PLANE, "primal_dual_modes", "bgan_steadiness", "critic_depth"),
)
IMAGES = (
    *("mnist", "mnist_search", "mnist_sigma", "mnist_parzen", "mnist_updates", "mnist_choices", "mnist_aids"),
    *("stacked_mnist", "created_equal"),
)
CONDITIONAL = ("cgan_mnist", "acgan_mnist", "dcgan_features", "dcgan_rules", "tips", "lapgan_mnist", "stackgan_emoji")
DISCRETE_IMAGES = ("discrete_mnist", "quantized_images")
DISCRETE = ("discrete_toy", "adversarial_classification", *DISCRETE_IMAGES, "char_text")
#: Experiments whose samples are images, and all.
PICTURED = (*IMAGES, *CONDITIONAL, *DISCRETE_IMAGES)
ALL = (*TOYS, *IMAGES, *CONDITIONAL, *DISCRETE)
THEORY = "theory"
#: Distances that fresh discriminators estimate.
FRESH = ("fresh_js", "fresh_reverse_kl", "fresh_wasserstein")
#: The reading of N(1, 1e-3) that the first page answers: a variance of 1e-3.
DATA = "gaussian_1d"
#: The setting of a search beside which single things are changed.
BASE = "nothing changed"
#: Features that an SVM learns from, as a page calls them, and labels of each class that it has.
FEATURES = {"learned": "D's", "initial": "D's before training", "kmeans": "k-means", "pixels": "pixels"}
LABELS = (10, 100, 500)
#: Classes of MNIST.
TEN = 10
#: Files of a report that are not kept.
LEFT = ("report.html", "results.csv")
#: Pictures that are kept of one experiment of images and of the rings, and not of others.
ONCE = ("through.gif", "through.png", "interpolation.png", "neighbours.png")
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
    drawn: dict[str, int] = {}  # the seed that images and the plane are shown of, by its place in the run
    for setting in shown:
        ranked = [pair for pair in from_the_median(experiment, setting) if (pair[0].folder / SAMPLES).is_file()]
        for run, row in ranked[:1] if name in PICTURED else ranked:
            drawn.setdefault(run.name, row)
    with zipfile.ZipFile(REFERENCE / name / PACKED, "w") as pack:
        for run in sorted(experiment.runs, key=lambda run: run.name):
            result = json.loads((run.folder / RESULT).read_text())
            result = without_places(result, outputs)
            kept = {experiment.metric, "converged"}  # of a stop before the end: what maps and tables show
            result["stops"] = {
                at: {key: values for key, values in metrics.items() if key in kept}
                for at, metrics in (result["stops"] or {}).items()
            }
            put(pack, f"{run.folder.name}/{RESULT}", json.dumps(result).encode())
            if run.name in curves:
                put(
                    pack,
                    f"{run.folder.name}/{METRICS}",
                    drawn_columns(run, {experiment.metric, *experiment.watched, *BESIDE}),
                )
            if run.name in drawn:
                put(pack, f"{run.folder.name}/{SAMPLES}", drawn_samples(run, drawn[run.name]))


def without_places(result: dict[str, Any], outputs: Path) -> dict[str, Any]:
    """The result without places on the machine that a run ran on, which decide nothing."""
    result = json.loads(json.dumps(result).replace(f"{outputs.resolve()}/", "outputs/"))  # those of earlier runs
    config = result["config"]
    config["output_root"] = "outputs"
    for key, place in {"root": "data", "file": "data/text/kjv.txt"}.items():
        if config["data"].get(key):
            config["data"][key] = place
    result["command"] = " ".join(word for word in result["command"].split() if not word.startswith("output_root="))
    return result


def drawn_columns(run: Run, metrics: set[str]) -> bytes:
    """The columns of metrics.csv that a report draws."""
    kept = {"iteration", "seed", *metrics}
    rows = list(csv.reader((run.folder / METRICS).read_text().splitlines()))
    columns = [at for at, name in enumerate(rows[0]) if name in kept]
    return "".join(",".join(row[at] for at in columns) + "\n" for row in rows).encode()


def drawn_samples(run: Run, row: int) -> bytes:
    """samples.npz, what is drawn as lines alone in half precision; in the plane all seeds but that of `row` are 0."""
    with (run.folder / SAMPLES).open("rb") as stream, np.load(stream) as file:
        arrays = {key: array.astype(np.float16) if key == "discriminator" else array for key, array in file.items()}
    if "points" in arrays:
        for key, axis in {"points": 0, "field": 0, "through": 1}.items():
            shape = [1] * arrays[key].ndim
            shape[axis] = -1
            arrays[key] = arrays[key] * (np.arange(arrays[key].shape[axis]) == row).reshape(shape)
    written = BytesIO()
    np.savez(written, **arrays)
    return written.getvalue()


def put(pack: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a file without the time, so that equal runs make equal packs."""
    pack.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_LZMA)


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
    if name in (*PICTURED, "grid", "critic_depth") and name != "mnist":
        for picture in (folder / "figures").iterdir():
            if picture.name.endswith(ONCE):
                picture.unlink()
        shown = rf"!\[[^\n]*\]\(figures/[\w-]*({'|'.join(map(re.escape, ONCE))})\)\n\n[^\n]*\n\n"
        text = (folder / "report.md").read_text()
        (folder / "report.md").write_text(re.sub(shown, "", text))


def ledger(findings: Iterable[Finding]) -> str:
    rows = [
        [verdict.verdict.replace("_", " "), f"{statement.statement} ({statement.source})", verdict.text]
        for statement, verdict in findings
    ]
    return tables.markdown(["verdict", "claim", "what was found"], rows)


def blocks() -> dict[str, str]:
    """The generated parts of the pages, by name."""
    results = load_results([REFERENCE / name for name in ALL])
    figure_1, sweep = results.experiments["gaussian_1d"], results.experiments["gaussian_1d_sweep"]
    mnist, updates = results.experiments["mnist"], results.experiments["mnist_updates"]
    theory, problems = load_sections([REFERENCE / THEORY])
    assert not problems, problems
    return {
        "answers": answers(results),
        "figure-1": tables.main_table(figure_1, tables.summary(figure_1), claims.FIGURE_1_SAYS)
        + "\n\n"
        + tables.paired_table(tables.comparisons(figure_1)),
        "search": searched(results.experiments["gaussian_1d_search"]),
        "claims": ledger(claims.decide(results)[0]),
        "theory": overview(theory),
        "map": tables.overview_table(sweep, tables.comparisons(sweep)),
        "ring": modes_of(results.experiments["ring"], modes.RING_SAYS),
        "unrolled-ring": modes_of(results.experiments["unrolled_ring"], modes.RING_SAYS),
        "grid": modes_of(results.experiments["grid"], modes.GRID_SAYS),
        "modes-map": covered(results.experiments["primal_dual_modes"]),
        "steadiness": covered(results.experiments["bgan_steadiness"]),
        "stacked": modes_of(results.experiments["stacked_mnist"], modes.STACKED_SAYS),
        "equal": spread.spread_table(spread.by_method(results.experiments["created_equal"]), budget.EQUAL_SAYS),
        "depth": depths(results.experiments["critic_depth"]),
        "discrete-toy": measured(
            results.experiments["discrete_toy"],
            ("outcome_variation", "bias_normalised", "noise_normalised", "noise_basic", "noise_reinforce", "ess"),
        ),
        "adversarial": measured(
            results.experiments["adversarial_classification"], ("error_rate", "sample_error_rate", "ess")
        ),
        "discrete-mnist": measured(
            results.experiments["discrete_mnist"],
            ("frechet", "expected_frechet", "classes_covered", *FRESH, "ess"),
        ),
        "labels": measured(
            results.experiments["cgan_mnist"],
            ("frechet", "class_accuracy", "right_variety", "nearest_class_accuracy", "precision", "recall"),
        ),
        "captions": measured(
            results.experiments["stackgan_emoji"],
            (
                "ground_accuracy",
                "class_accuracy",
                "right_spread",
                "sharpness",
                "enlarged_sharpness",
                "frechet",
                "enlarged_frechet",
            ),
        ),
        "tips": measured(results.experiments["tips"], ("frechet", "classes_covered", "precision", "recall")),
        "pyramid": measured(
            results.experiments["lapgan_mnist"],
            ("frechet", "chained_frechet", "enlarged_frechet", "sharpness", "chained_sharpness", "chained_classes"),
        ),
        "features": features(results.experiments["dcgan_features"]),
        "rules": tables.paired_table(tables.comparisons(results.experiments["dcgan_rules"])),
        "class-weight": measured(
            results.experiments["acgan_mnist"],
            ("frechet", "class_accuracy", "right_variety", "class_variety", "nearest_class_accuracy"),
        ),
        "quantized": measured(
            results.experiments["quantized_images"], ("frechet", "expected_frechet", "classes_covered", *FRESH, "ess")
        ),
        "char-text": measured(results.experiments["char_text"], (*BESIDE, "copied", "ess")),
        "figure-2": "\n\n".join(quality.beside_real(mnist, list(mnist.settings))[1:-1]),
        "figure-2-pairs": tables.paired_table(tables.comparisons(mnist)),
        "image-search": searched_images(results.experiments["mnist_search"]),
        "updates": tables.paired_table(tables.comparisons(updates))
        + "\n\n"
        + "\n\n".join(quality.beside_real(updates, list(updates.settings))[1:3]),
        "sigma": tables.paired_table(tables.comparisons(results.experiments["mnist_sigma"])),
        "choices": tables.paired_table(tables.comparisons(results.experiments["mnist_choices"])),
        "aids": tables.paired_table(tables.comparisons(results.experiments["mnist_aids"])),
        "faults": (REFERENCE / "faults.md").read_text().strip(),
        "faults-of-machine": (REFERENCE / "faults_of_machine.md").read_text().strip(),
        "bench-scaling": (REFERENCE / "bench_scaling.md").read_text().strip(),
        "bench": (REFERENCE / "bench.md").read_text().strip(),
        "bench-methods": (REFERENCE / "bench_methods.md").read_text().strip(),
        "bench-discrete": (REFERENCE / "bench_discrete.md").read_text().strip(),
        "bench-images": (REFERENCE / "bench_images.md").read_text().strip(),
    }


def measured(experiment: Experiment, metrics: Iterable[str]) -> str:
    """Means over seeds of some metrics of each setting, and what real data, and independent characters, have."""
    metrics = list(metrics)
    rows = []
    for setting in experiment.settings:
        values = {metric: experiment.values(setting, metric) for metric in metrics}
        estimates = (show(average(experiment.about(metric), values[metric])) for metric in metrics)
        rows.append([setting, experiment.values(setting).size, *estimates])
    real = {name: floors_of(runs) for name, runs in experiment.on_real_data(experiment.settings).items()}
    for name, known in {"independent characters": experiment.runs[0].result.independent, **real}.items():
        if known:
            rows.append([name, "–", *("–" if known.get(m) is None else f"{known[m]:.3g}" for m in metrics)])
    return tables.markdown(["setting", "seeds", *(experiment.about(metric).directed for metric in metrics)], rows)


def features(experiment: Experiment) -> str:
    """Accuracies of a linear SVM by its features and the labels that it has, mean over seeds."""
    (setting,) = experiment.settings
    rows = []
    for key, name in FEATURES.items():
        values = {of: experiment.values(setting, of) for of in (f"svm_{key}_{count}" for count in LABELS)}
        rows.append([name, *(show(average(experiment.about(of), each)) for of, each in values.items())])
    return tables.markdown(["features", *(f"{count} labels a class" for count in LABELS)], rows)


def answers(results: Results) -> str:
    """The paper's two comparisons: its claim, the verdict, and what was found, with seeds and intervals."""
    said = {claim.id: claim for claim in claims.CLAIMS}
    first, second = said["gaussian-1d-primal-dual-worse"], said["mnist-comparable-quality"]
    unrolled, kept = said["ring-unrolled-covers"], said["primal-dual-covers-ring-map"]
    experiment, sweep = results.experiments["gaussian_1d"], results.experiments["gaussian_1d_sweep"]
    settings = [name for name in experiment.of_method("primal_dual") if experiment.settings[name]["data"] == DATA]
    (found,) = (toys.judge_figure_1(experiment, name, experiment.pairs()[name], stop)
                for name in settings for stop in experiment.stops(name)[-1:])  # fmt: skip
    fate = toys.fates_where_gan_learns(sweep)
    learning = list(dict.fromkeys(fate["reference"]))
    return "\n\n".join(
        [
            f"**Figure 1, N(1, 1e-3): {first.decide(results).verdict}.** The paper: {first.statement} Here, with Adam"
            f" at settings under which the standard GAN works: {found.say()} Where gan learns to the end, over sigma,"
            f" alpha and {len(learning)} optimizers ({sweep.stops(learning[0])[-1]} iterations,"
            f" {sweep.values(learning[0]).size} seeds), of {counted(fate)}.",
            f"**Figure 2, MNIST: {second.decide(results).verdict}.** The paper: {second.statement} Here:"
            f" {second.decide(results).text}",
            f"**Eight modes on a ring.** {unrolled.statement} {unrolled.decide(results).verdict.capitalize()}:"
            f" {unrolled.decide(results).text} {kept.statement} {kept.decide(results).verdict.capitalize()}:"
            f" {kept.decide(results).text}",
            "In brackets: intervals of 95 % over seeds.",
        ]
    )


def modes_of(experiment: Experiment, says: Mapping[str, str]) -> str:
    """Modes covered beside what the sources say, and the other metrics of the plane."""
    further = quality.beside_real(experiment, list(experiment.settings))[1:3]
    return "\n\n".join([tables.main_table(experiment, tables.summary(experiment), says), *further])


def covered(experiment: Experiment) -> str:
    """Of each setting the seeds that cover all modes, and the mean of modes covered."""
    rows = []
    for name in experiment.settings:
        values, all_of_them = experiment.values(name, "modes_covered"), modes.covers_all(experiment, name)
        rows.append([name, f"{int(all_of_them.sum())} of {len(all_of_them)}", show(statistics.average(values))])
    return tables.markdown(["setting", "seeds that cover all modes", "modes covered, mean"], rows)


def depths(experiment: Experiment) -> str:
    """Of each setting by how many powers of ten the critic's gradient changes from layer to layer towards the input."""
    rows = [
        [
            name,
            *(show(statistics.average(experiment.values(name, metric))) for metric in ("depth_slope", "depth_change")),
        ]
        for name in experiment.settings
    ]
    return tables.markdown(["setting", "powers of ten per layer, towards the input", "its absolute value"], rows)


def searched(experiment: Experiment) -> str:
    """Seeds of both standard methods that converged, by setting and stop."""
    inner = by_setting(experiment)
    stops = experiment.stops(next(iter(experiment.settings)))
    rows = []
    for setting, names in inner.items():
        found = [sum(int(experiment.values(name, "converged", at).sum()) for name in names.values()) for at in stops]
        rows.append([setting, *found])
    return beside_usual(experiment, ["setting", *(f"{stop} iterations" for stop in stops)], rows)


def searched_images(experiment: Experiment) -> str:
    """Fréchet distance and classes of each standard method by setting, the best by the search's rule first."""
    methods = ("gan", "gan_non_saturating")
    found = {}
    for setting, names in by_setting(experiment).items():
        frechet, classes = (
            [statistics.median(experiment.values(names[method], metric)).value for method in methods]
            for metric in ("frechet", "classes_covered")
        )
        found[setting] = (min(classes) < TEN, sum(frechet) / len(methods), *frechet, *classes)
    rows = [
        [setting, *(f"{value:.3g}" for value in values)]
        for setting, (_, *values) in sorted(found.items(), key=lambda of: of[1][:2])
    ]
    headers = ["setting", "mean Fréchet distance", *methods, *(f"classes, {of}" for of in methods)]
    return beside_usual(experiment, headers, rows)


def beside_usual(experiment: Experiment, headers: list[str], rows: list[list[object]]) -> str:
    return "\n\n".join(filter(None, [tables.markdown(headers, rows), notes.usual_note(experiment)]))


def by_setting(experiment: Experiment) -> dict[str, dict[str, str]]:
    """{all of a setting but the method: {method: name of the setting}}."""
    keys = [key for key in experiment.keys if key != "method"]
    found: dict[str, dict[str, str]] = {}
    for name, setting in experiment.settings.items():
        found.setdefault(label(setting, keys, experiment.usual) or BASE, {})[setting["method"]] = name
    return found


def filled(page: str, written: Mapping[str, str]) -> str:
    """A page with its blocks written anew."""

    def anew(found: re.Match[str]) -> str:
        return f"{found[1]}{written[found[2]]}\n{found[4]}"

    return re.sub(r"(<!-- ([\w-]+): [^>]*-->\n)(.*?)(<!-- end -->)", anew, page, flags=re.DOTALL)


if __name__ == "__main__":
    if len(sys.argv) > 1 and (Path(sys.argv[1]) / THEORY).is_dir():
        keep_theory(Path(sys.argv[1]))
    report(THEORY)
    for name in ALL:
        if len(sys.argv) > 1 and (Path(sys.argv[1]) / name).is_dir():
            keep(Path(sys.argv[1]), name)
        report(name)
    written = blocks()
    for page in PAGES:
        page.write_text(filled(page.read_text(), written))
