"""Which arrays a report draws: each picture beside the one that `figures` makes of arrays by hand, byte by byte."""

import itertools

import numpy as np
import pandas as pd
import pytest
from run_folders import FLOORS, spread, write_image_run, write_run

from saddlegan import figures
from saddlegan.figures import Curve, DensityPanel, Heatmap
from saddlegan.reporting.pictures import draw, representative
from saddlegan.reporting.pictures.selection import drawn as drawn_of
from saddlegan.reporting.pictures.selection import from_the_median
from saddlegan.reporting.results import load_results

OPTIONS = {"metric": "w1_std", "reference": "gan", "claims": []}


def drawn(top, name="gaussian_1d", problems=0):
    """{end of the file's name: path} of the pictures of the runs in `top`, and their captions."""
    pictures, _, found = draw(load_results([top]).experiments[name], top / "figures")
    assert len(found) == problems
    return {p.path.stem.removeprefix(f"{name}-"): p.path for p in pictures}, [p.caption for p in pictures]


def same(found, expected):
    """Whether a PNG shows an expected figure."""
    return figures.save_png(expected, found.with_name("expected.png")).read_bytes() == found.read_bytes()


def test_a_panel_pools_the_seeds_of_all_runs_of_its_setting(tmp_path):
    first = write_run(tmp_path / "gan-0", "gan", [0.1, 0.5, 2.0], report=OPTIONS, seeds=[0, 1, 2])
    second = write_run(tmp_path / "gan-3", "gan", [9.0, 4.0], report=OPTIONS, seeds=[3, 4])
    other = write_run(tmp_path / "pd", "primal_dual", [3.0], report=OPTIONS)
    arrays = [np.load(run / "samples.npz") for run in (first, second, other)]
    support, density = arrays[0]["support"], arrays[0]["density"]
    panels = [
        DensityPanel(
            title,
            np.concatenate([one["samples"] for one in own]),
            support,
            density=density,
        )
        for title, own in (("gan", arrays[:2]), ("primal_dual", arrays[2:]))
    ]
    judged = [
        Curve("gan", support, np.concatenate([one["discriminator"] for one in arrays[:2]])),
        Curve("primal_dual", support, arrays[2]["discriminator"]),
    ]
    found, _ = drawn(tmp_path)
    assert same(found["density"], figures.density_figure(panels))
    assert same(found["discriminator"], figures.discriminator_figure(judged))


def test_each_data_set_has_a_figure_of_its_own(tmp_path):
    one = write_run(tmp_path / "a", "gan", [0.1, 0.2], report=OPTIONS)
    other = write_run(tmp_path / "b", "gan", [0.1, 0.2], report=OPTIONS, data="mixture_1d")
    found, captions = drawn(tmp_path)
    for run, data in ((one, "gaussian_1d"), (other, "mixture_1d")):
        arrays = np.load(run / "samples.npz")
        panel = DensityPanel(f"gan · {data}", arrays["samples"], arrays["support"], arrays["density"])
        assert same(found[f"{data}-density"], figures.density_figure([panel]))
        assert any(f"Data: {data}." in caption for caption in captions)


@pytest.mark.parametrize("level", [None, 0.5])
def test_a_metric_through_training_has_a_line_a_setting_and_the_level_of_real_data(tmp_path, level):
    floors = FLOORS | {"frechet": level}
    report = OPTIONS | {"metric": "frechet"}
    curves = []
    for method in ("gan", "primal_dual"):
        runs = [
            write_image_run(tmp_path / f"{method}{seed}", method, seed, report=report, floors=floors, frechet=value)
            for seed, value in enumerate((3.0, 5.0, 9.0) if method == "gan" else (2.0, 80.0))
        ]
        tables = [pd.read_csv(run / "metrics.csv") for run in runs]
        at = tables[0]["iteration"].to_numpy(dtype=float)
        curves.append(Curve(method, at, np.stack([table["frechet"].to_numpy() for table in tables])))
    found, captions = drawn(tmp_path, "mnist")
    assert same(found["training"], figures.training_figure(curves, "Fréchet distance", level))
    assert any("Dotted: real data." in caption for caption in captions) == (level is not None)


def test_a_toys_level_is_that_of_convergence(tmp_path):
    run = write_run(tmp_path / "gan", "gan", [0.1, 3.0], report=OPTIONS)
    table = pd.read_csv(run / "metrics.csv").pivot(index="iteration", columns="seed", values="w1_std")
    curve = Curve("gan", table.index.to_numpy(dtype=float), table.to_numpy().T)
    found, _ = drawn(tmp_path)
    assert same(found["training"], figures.training_figure([curve], "W1 / true std", 0.5))


def test_what_a_method_shows_of_itself_is_drawn_for_the_settings_that_have_it(tmp_path):
    write_run(tmp_path / "gan", "gan", [0.1, 3.0], report=OPTIONS)
    own = write_run(tmp_path / "pd", "primal_dual", [0.2, 1.0], report=OPTIONS, means={"pull_ratio": [0.5, 2.0]})
    table = pd.read_csv(own / "metrics.csv").assign(pull_ratio=lambda t: t.seed + t.iteration / 1000)
    table.loc[table.iteration == 4000, "pull_ratio"] = 1e9
    table.to_csv(own / "metrics.csv", index=False)
    found, captions = drawn(tmp_path)
    at = np.arange(0.0, 6000.0, 1000.0)
    values = np.array([[0.0], [1.0]]) + at / 1000
    values[:, 4], values[0, 0] = 1e3, 1e-3  # the ends of the axis
    name = "gradient of the second term / of the first"
    assert same(found["pull_ratio"], figures.training_figure([Curve("primal_dual", at, values)], name))
    assert f"{name}, through training; 0.001 stands for that and less, 1000 for that and more." in captions


def ratios(at, sigma, alpha):
    """The ratios of `sweep`: other ones for each stop and cell; infinite where every seed has diverged."""
    return np.inf if (sigma, alpha) == (3.0, 4.0) else (10 * sigma + alpha) / (7 if at == 1000 else 1)


def sweep(top, metric):
    """gan and primal_dual over 3 sigmas, 2 alphas and 2 optimizers, at 1000 and 5000 iterations."""
    report = OPTIONS | {"metric": metric, "map": {"x": "method.sigma", "y": "method.alpha"}}
    for optimizer, base in (("adam", 2.0), ("sgd", 5.0)):
        own = {"optimizer": optimizer, "report": report}
        write_run(top / optimizer, "gan", np.full(4, base), stops={1000: np.full(4, 3 * base)}, **own)
        for sigma, alpha in itertools.product((1.0, 2.0, 3.0), (4.0, 5.0)):
            end, early = (np.full(4, ratios(at, sigma, alpha) * base) for at in (5000, 1000))
            settings = own | {"sigma": sigma, "alpha": alpha}
            name = f"{optimizer}-{sigma}-{alpha}"
            write_run(top / name, "primal_dual", end, stops={1000: 3 * early}, **settings)


def panels_at(at):
    values = np.array([[ratios(at, sigma, alpha) for sigma in (1.0, 2.0, 3.0)] for alpha in (4.0, 5.0)])
    return [Heatmap(optimizer, [1.0, 2.0, 3.0], [4.0, 5.0], values) for optimizer in ("adam", "sgd")]


def test_maps_have_the_ratio_of_each_setting_at_its_place_and_stop(tmp_path):
    """Ratios that tell rows from columns, stops from each other and seeds that diverged from good ones."""
    sweep(tmp_path, "w1_std")
    found, captions = drawn(tmp_path)
    title = "W1 / true std at 5000 iterations: ratio to gan, all else equal"
    assert same(found["map"], figures.heatmap_figure(panels_at(5000), "sigma", "alpha", title))
    assert any(caption.startswith(f"{title}. Blue: better than the reference; orange: worse.") for caption in captions)
    rows = [[panels_at(at)[optimizer] for at in (1000, 5000)] for optimizer in (0, 1)]
    title = "W1 / true std through training: ratio to gan, all else equal"
    assert same(found["timeline"], figures.timeline_figure(rows, [1000, 5000], "sigma", "alpha", title))
    assert any(caption.startswith(f"{title}. Blue: better than the reference; orange: worse.") for caption in captions)


def test_a_map_without_a_reference_has_medians_and_a_better_metric_the_other_colours(tmp_path):
    report = OPTIONS | {"metric": "classifier_score", "map": {"x": "method.sigma", "y": "method.alpha"}}
    table = {(1.0, 4.0): (2, 3, 9), (2.0, 4.0): (5, 6, 7), (1.0, 5.0): (np.nan,) * 3, (2.0, 5.0): (1, 8, 9)}
    for (sigma, alpha), scores in table.items():
        for seed, score in enumerate(scores):
            write_image_run(tmp_path / f"{sigma}-{alpha}-{seed}", "primal_dual", seed, sigma=sigma, alpha=alpha,
                            report=report, classifier_score=score)  # fmt: skip
    found, _ = drawn(tmp_path, "mnist", problems=12)  # no run has the curve of this metric
    panel = Heatmap("", [1.0, 2.0], [4.0, 5.0], np.array([[3.0, 6.0], [np.inf, 8.0]]))
    title = "classifier score at 20000 iterations: median over seeds"
    expected = figures.heatmap_figure([panel], "sigma", "alpha", title, ratio=False, higher_is_better=True)
    assert same(found["map"], expected)


def test_runs_of_other_numbers_of_samples_are_not_pooled(tmp_path):
    for name, seed in (("a", 0), ("b", 1)):
        run = write_run(tmp_path / name, "gan", [0.1], report=OPTIONS, seeds=[seed])
        arrays = dict(np.load(run / "samples.npz"))
        if name == "b":
            np.savez(run / "samples.npz", **arrays | {"samples": arrays["samples"][:, :9]})
    first = np.load(tmp_path / "a" / "samples.npz")
    panel = DensityPanel("gan", first["samples"], first["support"], density=first["density"])
    found, _ = drawn(tmp_path)
    assert same(found["density"], figures.density_figure([panel]))


def test_where_hardly_any_setting_is_compared_others_are_drawn_too(tmp_path):
    report = {"metric": "w1_std", "reference": "gan", "claims": []}
    for place, lr in enumerate((0.1, 0.2, 0.3, 0.4)):
        write_run(tmp_path / f"gan{lr}", "gan", spread(1.0 + place, 4), report=report, lr=lr)
        write_run(tmp_path / f"other{lr}", "lsgan", spread(3.0 + place, 4), report=report, lr=lr + 0.01 * (place != 1))
    chosen = representative(load_results([tmp_path]).experiments["gaussian_1d"])
    assert chosen[0].startswith("gan")
    assert "0.2" in chosen[0]
    assert chosen[1].startswith("lsgan")
    assert chosen[1].endswith("lr=0.2")
    assert len(set(chosen)) == 6


def test_of_many_settings_the_best_reference_and_others_evenly_spaced_are_drawn(tmp_path):
    report = OPTIONS | {"map": None}
    for lr, value in ((0.1, 3.0), (0.01, 1.0), (0.001, 2.0)):
        write_run(tmp_path / f"gan{lr}", "gan", spread(value, 4), report=report, lr=lr)
        for sigma in (1.0, 2.0, 3.0):
            write_run(tmp_path / f"{lr}-{sigma}", "primal_dual", spread(sigma, 4), report=report, lr=lr, sigma=sigma)
    _, captions = drawn(tmp_path)
    assert all("4 of 12 settings: a reference, and with it from best to worst." in text for text in captions)


@pytest.mark.parametrize(
    ("metric", "values", "order"),
    [
        ("frechet", (5.0, 3.0, 4.0), [2, 1, 0]),
        ("frechet", (5.0, 3.0, 4.0, np.nan), [2, 1, 0, 3]),  # the better of two in the middle; a diverged one is worst
        ("classifier_score", (5.0, 3.0, 4.0, 9.0), [0, 3, 2, 1]),
    ],
)
def test_the_run_in_the_middle_is_shown_and_those_beside_it_where_it_cannot_be_read(tmp_path, metric, values, order):
    for seed, value in enumerate(values):
        write_image_run(tmp_path / str(seed), "gan", seed, report=OPTIONS | {"metric": metric}, **{metric: value})
    experiment = load_results([tmp_path]).experiments["mnist"]
    assert [run.seeds[0] for run, _ in from_the_median(experiment, "gan")] == order
    (tmp_path / str(order[0]) / "samples.npz").unlink()
    _, shown, problems = drawn_of(experiment, ["gan"])
    assert [one.seed for one in shown] == [order[1]]
    assert len(problems) == 1
