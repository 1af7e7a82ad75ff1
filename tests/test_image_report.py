"""The report of an image experiment, read back from its files: Figure 2, tables beside real data, verdict, pictures."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from run_folders import FLOORS, image_arrays, spread, write_image_run, write_run

from saddlegan.report import main, write_report
from saddlegan.reporting.pictures import representative
from saddlegan.reporting.results import load_results

OPTIONS = {"metric": "frechet", "reference": "gan", "map": None, "claims": ["mnist-comparable-quality"]}
FRECHET = {"gan": (5.0, 5.5, 4.5), "gan_non_saturating": (2.1, 2.0, 1.9), "primal_dual": (5.1, 5.4, 4.4)}
SHADES = {"gan": 20, "gan_non_saturating": 60, "primal_dual": 100}
MEDIAN = {"gan": 0, "gan_non_saturating": 1, "primal_dual": 0}  # the seed whose Fréchet distance is in the middle
SHOWN = [SHADES[method] + 2 * seed for method, seed in MEDIAN.items()]
REAL = 220


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three methods, a run per seed; every image of a method has one shade, another one in each further seed."""
    top = tmp_path_factory.mktemp("outputs") / "mnist"
    for method, values in FRECHET.items():
        own = {"sigma": 10.0, "space": "pixels"} if method == "primal_dual" else {}
        for seed, value in enumerate(values):
            shades = (SHADES[method] + 2 * seed, REAL)
            write_image_run(top / f"{method}-{seed}", method, seed, report=OPTIONS, frechet=value, shades=shades,
                            recall=0.7 + 0.01 * seed, memorisation=1.2, **own)  # fmt: skip
    write_report([top], top / "report")
    return top / "report"


def text_of(folder):
    return (folder / "report.md").read_text(encoding="utf-8")


def tables_of(text, *headers):
    """The tables that have `headers`, as {first cell: {header: cell}}."""
    tables = []
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.strip().splitlines()]
        if set(headers) <= set(rows[0]):
            tables.append({row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[2:]})
    return tables


def shades_of(path):
    """How many pixels of each shade of grey `(256,)` a picture has: up to a few hundred more where there is text."""
    with Image.open(path) as file:
        return np.bincount(np.asarray(file.convert("L")).ravel(), minlength=256)


def test_all_pictures_are_there_and_no_partial_file(folder):
    names = {path.name for path in (folder / "figures").iterdir()}
    kinds = ("images.png", "through.png", "through.gif", "interpolation.png", "neighbours.png", "training.png")
    assert names == {f"mnist-{kind}" for kind in kinds}
    text = text_of(folder)
    for name in names:
        assert len(re.findall(rf"!\[([^]]+)\]\(figures/{name}\)\n\n\*\1\*\n", text)) == 1, f"{name} has no caption"


def test_figure_2_shows_the_median_seed_of_each_method_and_real_images_in_equal_parts(folder):
    counts = shades_of(folder / "figures" / "mnist-images.png")
    assert counts[REAL] >= 64 * 28 * 28
    assert counts[SHOWN] == pytest.approx(counts[REAL], rel=0.01)
    others = {shade + 2 * seed for shade in SHADES.values() for seed in range(3)} - set(SHOWN)
    assert counts[sorted(others)].max() < 1000
    said = "Shown: seeds 0, 1, 0, of each setting the one with the median Fréchet distance of 3."
    assert said in text_of(folder)
    assert "What else a generator is given" not in text_of(folder), "these are given a latent alone"


def test_neighbours_are_as_many_as_generated_images(folder):
    counts = shades_of(folder / "figures" / "mnist-neighbours.png")
    assert counts[REAL] == pytest.approx(counts[SHOWN].sum(), rel=0.01)
    assert "below each, the training image nearest to it" in text_of(folder)


def test_the_headline_has_students_intervals_and_nothing_that_images_do_not_have(folder):
    (table,) = tables_of(text_of(folder), "setting", "median")
    assert "converged" not in table["gan"]
    assert table["gan"]["median"] == "5"
    value, low, high = map(float, re.fullmatch(r"(\S+) \[(\S+), (\S+)\]", table["gan"]["mean"]).groups())
    factor = np.exp(4.3027 * 0.5 / 3**0.5 / 5)  # on the logarithm: no Fréchet distance is below 0
    assert (value, low, high) == pytest.approx((5, 5 / factor, 5 * factor), abs=0.01)
    assert (table["gan"]["seeds"], table["gan"]["diverged"]) == ("3", "0")
    assert "comparable quality" in table["primal_dual"]["the source"]
    assert "Student's t" in text_of(folder)
    assert "bootstrap intervals" not in text_of(folder)


def test_every_metric_stands_beside_that_of_real_data(folder):
    (through,), (final,) = (tables_of(text_of(folder), name) for name in ("Fréchet distance ↓", "recall ↑"))
    real = "real data (train against test)"
    assert through.keys() == final.keys() == {*FRECHET, real}
    pages = re.split(r"(?:Means over the last fifth of training|At the last iteration):", text_of(folder))
    assert ["Fréchet distance ↓" in page for page in pages[1:]] == [True, False]
    assert ["recall ↑" in page for page in pages[1:]] == [False, True]
    assert text_of(folder).index("Means over the last fifth") < text_of(folder).index("At the last iteration")
    assert through["gan"]["Fréchet distance ↓"].startswith("5 [")
    assert through["gan"]["classes covered ↑"].startswith("10")
    assert final["primal_dual"]["recall ↑"].startswith("0.71 [")
    for table, name, metric in [(through, "Fréchet distance ↓", "frechet"), (final, "coverage ↑", "coverage"),
                                (final, "Parzen log-likelihood, nats ↑", "parzen")]:  # fmt: skip
        assert float(table[real][name]) == FLOORS[metric]
    assert final[real]["memorisation → 1"] == "1"  # by definition, and not the 0 of training images themselves
    assert "far below 1 is memorising" in text_of(folder)
    assert not [name for table in (through, final) for name in table["gan"] if "parzen_" in name]


def test_the_verdict_is_in_the_report_and_in_claims_json(folder):
    (entry,) = json.loads((folder / "claims.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert (entry["id"], entry["verdict"], entry["seeds"]) == ("mnist-comparable-quality", "reproduced", 3)
    assert entry["interval"][0] < entry["effect"] < entry["interval"][1]
    assert "**✔ reproduced** · On MNIST" in text_of(folder)


def test_html_embeds_the_animation_and_needs_nothing_else(folder):
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert len(re.findall(r'src="data:image/gif;base64,R0lGOD', html)) == 1
    assert len(re.findall(r'src="data:image/png;base64,iVBOR', html)) == 5
    assert not re.findall(r'(?:src|href)="(?!data:)', html)
    assert "ab" * 32 in html  # the extractor


def test_a_second_report_is_the_same_to_the_byte(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert main([str(folder.parent)]) == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def intervals(text):
    return [tuple(map(float, ends)) for ends in re.findall(r"\[([-+.\de]+), ([-+.\de]+)\]", text)]


def test_no_interval_reaches_over_an_end_of_its_metrics_range(tmp_path):
    """Three seeds that are far apart, in every metric: two of them can be below 0."""
    wide = {"kernel_distance": 0.01, "classifier_score": 2, "class_kl": 0.7, "precision": 0.5, "recall": 0.4,
            "density": 0.5, "coverage": 0.4, "memorisation": 0.7, "frechet": 5, "classes_covered": 2}  # fmt: skip
    for seed, by in enumerate((0.05, 0.9, 1.9)):
        values = {name: by * size + (name in ("classifier_score", "classes_covered")) for name, size in wide.items()}
        write_image_run(tmp_path / f"{seed}", "gan", seed, parzen=100 * (seed - 1), **values)
    text = text_of(report_on(tmp_path))
    rows = [table["gan"] for name in ("Fréchet distance ↓", "recall ↑", "median") for table in tables_of(text, name)]
    found = {name: ends[0] for row in rows for name, cell in row.items() if (ends := intervals(cell))}
    assert len(found) == len(wide) + 2  # Parzen, and the headline's mean
    below = {name for name, (low, _) in found.items() if low <= 0}
    assert below == {"Parzen log-likelihood, nats ↑", "kernel distance ↓"}
    assert all(found[name][1] < 1 for name in ("precision ↑", "recall ↑", "coverage ↑"))
    assert all(found[name][1] < 10 for name in ("classifier score ↑", "classes covered ↑"))
    assert found["classifier score ↑"][0] > 1
    assert found["KL of classes ↓"][1] < np.log(10)


def report_on(top):
    return write_report([top], top / "report").parent


def test_where_the_first_seed_is_damaged_the_next_one_is_shown_and_the_damage_is_named(tmp_path):
    for seed in range(2):
        run = write_image_run(tmp_path / f"gan{seed}", "gan", seed, shades=(20 + 50 * seed, REAL))
        if seed == 0:
            (run / "samples.npz").write_bytes((run / "samples.npz").read_bytes()[:1000])
    folder = report_on(tmp_path)
    assert "| incomplete | gan0 | samples.npz cannot be read" in text_of(folder)
    assert "Shown: seed 1" in text_of(folder)
    assert shades_of(folder / "figures" / "mnist-images.png")[70] >= 64 * 28 * 28


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"images": np.zeros((64, 28, 28))}, "float64"),
        ({"images": np.zeros((64, 3, 28, 28), np.uint8)}, "3 axes"),
        ({"real": np.zeros((64, 32, 32), np.uint8)}, "'real'"),
        ({"through": np.zeros((0, 16, 28, 28), np.uint8)}, "empty"),
        ({"iterations": np.arange(4)}, "rising numbers, one for each of 5"),
        ({"iterations": np.array(list("abcde"))}, "rising numbers"),
        ({"iterations": np.array([0.0, 1.0, np.nan, 3.0, 4.0])}, "rising numbers"),
        ({"iterations": np.array([0.0, 1.0, 2.0, 3.0, np.inf])}, "rising numbers"),
        ({"iterations": np.array([0, 1, 2, 2, 4])}, "rising numbers"),
        ({"iterations": np.arange(5) + 1j}, "rising numbers"),
        ({"neighbours": np.zeros((3, 10, 28, 28), np.uint8)}, "'neighbours'"),
        ({"interpolation": None}, "expected also interpolation"),
    ],
)
def test_foreign_arrays_cost_the_pictures_and_not_the_report(tmp_path, change, why):
    run = write_image_run(tmp_path / "gan", "gan")
    arrays = {name: array for name, array in (image_arrays() | change).items() if array is not None}
    np.savez_compressed(run / "samples.npz", **arrays)
    folder = report_on(tmp_path)
    (row,) = [line for line in text_of(folder).splitlines() if line.startswith("| incomplete")]
    assert why in row
    assert [path.name for path in (folder / "figures").iterdir()] == ["mnist-training.png"]


@pytest.mark.parametrize(
    "arrays",
    [{"samples": np.zeros(5), "support": np.zeros(5)}, {"samples": np.zeros((2, 5))}, {"support": np.array(["a"])}],
)
def test_foreign_arrays_of_a_toy_are_named_too(tmp_path, arrays):
    run = write_run(tmp_path / "gan", "gan", spread(0.2, 2))
    np.savez(run / "samples.npz", **arrays)
    assert "| incomplete | gan | samples.npz" in text_of(report_on(tmp_path))


def test_what_an_extractor_does_not_know_has_no_column(tmp_path):
    classes = ("classifier_score", "classes_covered", "class_kl", "parzen")
    floors = {metric: value for metric, value in FLOORS.items() if metric not in classes}
    write_image_run(tmp_path / "a", "gan", data="kmnist", without=classes, floors=floors)
    text = text_of(report_on(tmp_path))
    assert "Fréchet distance ↓" in text
    assert not re.search("classes covered|classifier score|Parzen", text)


def test_real_data_are_those_of_each_data_set(tmp_path):
    for data, floor, shade in (("mnist", 0.5, 200), ("kmnist", 0.75, 240)):
        write_image_run(tmp_path / data, "gan", data=data, floors={"frechet": floor}, shades=(20, shade))
    folder = report_on(tmp_path)
    (table,) = tables_of(text_of(folder), "Fréchet distance ↓")
    assert table["real data of mnist (train against test)"]["Fréchet distance ↓"] == "0.5"
    assert table["real data of kmnist (train against test)"]["Fréchet distance ↓"] == "0.75"
    counts = shades_of(folder / "figures" / "mnist-images.png")
    assert counts[[200, 240]] == pytest.approx(counts[20] / 2, rel=0.01)


def test_real_data_are_those_of_each_size(tmp_path):
    """Two levels of a pyramid: their real images differ, and so does the best that can be hoped for."""
    for size, floor in ((14, 0.5), (28, 0.75)):
        run = write_image_run(tmp_path / str(size), "gan", data="pyramid", floors={"frechet": floor})
        result = json.loads((run / "result.json").read_text())
        result["config"]["data"]["size"] = size
        (run / "result.json").write_text(json.dumps(result))
    (table,) = tables_of(text_of(report_on(tmp_path)), "Fréchet distance ↓")
    assert table["real data of pyramid · size=14 (train against test)"]["Fréchet distance ↓"] == "0.5"
    assert table["real data of pyramid · size=28 (train against test)"]["Fréchet distance ↓"] == "0.75"


def test_toys_and_images_without_an_experiment_are_both_drawn(tmp_path):
    write_run(tmp_path / "toy", "gan", spread(0.2, 3), experiment=None)
    write_image_run(tmp_path / "image", "gan", experiment=None)
    folder = report_on(tmp_path)
    names = {path.name for path in (folder / "figures").iterdir()}
    images = {"single_runs_of_images-images.png", "single_runs_of_images-through.gif"}
    assert {"single_runs-density.png"} | images <= names
    text = text_of(folder)
    assert "## single runs: W1" in text  # each has its own headline, and neither a flag
    assert "## single runs of images: Fréchet distance" in text
    assert "gives no curve of" not in text


def sweep(top, seeds=3):
    """gan and primal_dual over space, sigma and alpha, whose ratio to gan is sigma * alpha in every seed."""
    options = OPTIONS | {"map": {"x": "method.sigma", "y": "method.alpha"}, "claims": []}
    for seed in range(seeds):
        shared = {"experiment": "mnist_sigma", "report": options, "seed": seed}
        write_image_run(top / f"gan-{seed}", "gan", frechet=4.0 + seed, **shared)
        for space, factor in (("pixels", 1.0), ("features", 10.0)):
            for sigma in (0.5, 1.0, 2.0, 4.0, 8.0):
                for alpha in (0.25, 0.5, 1.0, 2.0, 4.0):
                    own = {"space": space, "sigma": factor * sigma, "alpha": alpha}
                    name = f"{space}-{sigma}-{alpha}-{seed}"
                    write_image_run(top / name, "primal_dual", frechet=(4.0 + seed) * sigma * alpha, files=False,
                                    **own, **shared)  # fmt: skip


def test_a_large_sweep_stays_short_and_is_read_from_the_best_to_the_worst(tmp_path):
    sweep(tmp_path, seeds=1)
    experiment = load_results([tmp_path]).experiments["mnist_sigma"]
    chosen = representative(experiment)
    assert chosen[0] == "gan"
    assert [experiment.values(setting)[0] for setting in (chosen[1], chosen[-1])] == [4.0 * 0.125, 4.0 * 32]
    folder = report_on(tmp_path)
    (table,) = tables_of(text_of(folder), "recall ↑")
    assert table.keys() == {*chosen, "real data (train against test)"}
    assert (folder / "figures" / "mnist_sigma-map.png").is_file()
    assert "5.4 from the nearest and 9.9 in the median (pixels) apart" in text_of(folder)
    assert "settings.csv" in text_of(folder)
    assert len(text_of(folder).splitlines()) < 120
