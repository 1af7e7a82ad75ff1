"""The plane: rings and grids, which modes are covered by how good samples, and what runs and reports show of them."""

import itertools
import math

import numpy as np
import pytest
import torch
from conftest import composed, results
from hydra.utils import instantiate
from interventions import interrupted_at
from PIL import Image

from saddlegan import figures
from saddlegan.checks import ConfigError
from saddlegan.config.schema import check
from saddlegan.data.plane import Grid, Ring
from saddlegan.figures import PlanePanel
from saddlegan.figures.plane import LEAST, PIXELS
from saddlegan.folder import CHECKPOINT
from saddlegan.interface import load
from saddlegan.metrics import plane

RNG = np.random.default_rng(0)
FOUR = np.array([[0.0, 0.0], [0.0, 4.0], [4.0, 0.0], [4.0, 4.0]])


def at(*places, std=0.1, off=0.0):
    """A seed whose samples lie beside the modes of `places`, `off` standard deviations away."""
    return np.stack([FOUR[place] + np.array([0.0, off * std]) for place in places])[None]


# Data -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("law", "radii"),
    [(Ring(count=8, radius=2.0, std=0.02), [2.0] * 8), (Grid(side=3, spacing=1.5, std=0.1), None)],
)
def test_draws_have_the_modes_and_the_spread_that_they_say(law, radii):
    drawn = law.draw(np.random.default_rng(1), (3, 20_000))
    assert (drawn.shape, drawn.dtype) == ((3, 20_000, 2), np.float32)
    points = drawn.reshape(-1, 2).astype(float)
    squares = ((points[:, None] - law.modes) ** 2).sum(-1)
    nearest = squares.argmin(-1)
    shares = np.bincount(nearest, minlength=len(law.modes)) / len(points)
    np.testing.assert_allclose(shares, 1 / len(law.modes), atol=0.006)
    for k, mode in enumerate(law.modes):
        own = points[nearest == k]
        np.testing.assert_allclose(own.mean(0), mode, atol=5 * law.std / math.sqrt(len(own)))
        np.testing.assert_allclose(np.cov(own.T), law.std**2 * np.eye(2), atol=0.05 * law.std**2)
    assert math.sqrt((points**2).sum(-1).mean()) == pytest.approx(law.root_mean_square, rel=0.01)
    if radii:
        np.testing.assert_allclose(np.hypot(*law.modes.T), radii)
        angles = np.sort(np.arctan2(*law.modes.T[::-1]) % (2 * math.pi))
        np.testing.assert_allclose(np.diff(angles), math.pi / 4)
        np.testing.assert_allclose(law.modes[0], [2.0, 0.0], atol=1e-12)
    else:
        assert sorted(map(tuple, law.modes)) == sorted(itertools.product((-1.5, 0.0, 1.5), repeat=2))


@pytest.mark.parametrize(
    ("name", "modes", "reach", "std"),
    [
        ("ring", 8, 2.0, 0.02),
        ("ring_pacgan", 8, 1.0, 0.01),
        ("ring_wgan_gp", 8, 2.0 / 1.414, 0.02 / 1.414),
        ("grid", 25, 4.0, 0.05),
        ("grid_wgan_gp", 25, 4.0 / 2.828, 0.05 / 2.828),
    ],
)
def test_rings_and_grids_are_those_of_their_papers(name, modes, reach, std):
    """All modes are there, once each: the ring of one paper's script counts one twice."""
    law = instantiate(composed(f"data={name}", "model=mlp_plane")["data"])
    assert len(np.unique(law.modes.round(6), axis=0)) == len(law.modes) == modes
    assert law.modes.max() == pytest.approx(reach, rel=1e-6)
    assert law.std == pytest.approx(std, rel=1e-6)


def test_modes_are_where_one_wants_them():
    law = instantiate(composed("data=custom", "data.modes=[[0,1],[2,3],[4,5]]", "model=mlp_plane")["data"])
    assert law.modes.tolist() == [[0, 1], [2, 3], [4, 5]]
    for wrong in ("[[0,1],[2]]", "[]", "[1,2]", "[[0,a]]"):
        with pytest.raises(ConfigError, match=r"data\.modes"):
            check(composed("data=custom", f"data.modes={wrong}", "model=mlp_plane"))


# Metrics --------------------------------------------------------------------------------------------------------------


def test_a_mode_is_covered_by_one_sample_of_high_quality():
    """Within three standard deviations, and not at them."""
    assert plane.modes_covered(at(0, 0, 2), FOUR, 0.1).tolist() == [2]
    assert plane.modes_covered(at(0, 1, 2, 3, off=2.999), FOUR, 0.1).tolist() == [4]
    assert plane.modes_covered(at(0, 1, 2, 3, off=3.001), FOUR, 0.1).tolist() == [0]
    mixed = np.concatenate([at(0, 0, 0), at(1, off=4.0)], axis=1)
    assert plane.modes_covered(mixed, FOUR, 0.1).tolist() == [1]
    assert plane.high_quality(mixed, FOUR, 0.1).tolist() == [0.75]


def test_real_samples_are_of_high_quality_as_often_as_the_law_says():
    law = Ring(count=8, radius=1.0, std=0.01)
    real = law.draw(np.random.default_rng(2), (4, 25_000)).astype(float)
    np.testing.assert_allclose(plane.high_quality(real, law.modes, law.std), 1 - math.exp(-4.5), atol=0.003)
    assert plane.modes_covered(real, law.modes, law.std).tolist() == [8] * 4
    assert (plane.reverse_kl(real, law.modes, law.std) < 1e-3).all()


def test_shares_of_modes_by_hand():
    """1/2, 1/4, 1/4 and none of four: KL = log 4 - H, total variation a quarter. Poor samples have no share."""
    samples = np.concatenate([at(0, 0, 1, 2), at(3, 3, 3, 3, off=5.0)], axis=1)
    entropy = 0.5 * math.log(2) + 0.5 * math.log(4)
    np.testing.assert_allclose(plane.reverse_kl(samples, FOUR, 0.1), [math.log(4) - entropy])
    np.testing.assert_allclose(plane.total_variation(samples, FOUR, 0.1), [0.25])
    np.testing.assert_allclose(plane.reverse_kl(at(1, 1), FOUR, 0.1), [math.log(4)])
    np.testing.assert_allclose(plane.total_variation(at(1, 1), FOUR, 0.1), [0.75])
    assert plane.reverse_kl(at(0, 1, 2, 3), FOUR, 0.1).tolist() == [0]
    nowhere = at(0, 1, off=9.0)
    assert plane.modes_covered(nowhere, FOUR, 0.1).tolist() == [0]
    assert np.isnan([plane.reverse_kl(nowhere, FOUR, 0.1), plane.total_variation(nowhere, FOUR, 0.1)]).all()


def test_w1_is_the_least_mean_distance_over_all_assignments():
    fake, real = RNG.normal(size=(2, 6, 2)), RNG.normal(size=(2, 6, 2))
    expected = [
        min(np.linalg.norm(one[list(order)] - other, axis=-1).mean() for order in itertools.permutations(range(6)))
        for one, other in zip(fake, real, strict=True)
    ]
    np.testing.assert_allclose(plane.wasserstein_1(fake, real), expected)
    np.testing.assert_allclose(plane.wasserstein_1(real + np.array([3.0, 4.0]), real), [5.0, 5.0])
    np.testing.assert_allclose(plane.wasserstein_1(fake, real, most=1), np.linalg.norm(fake - real, axis=-1)[:, 0])


def test_a_seed_that_is_not_finite_is_nan_and_touches_no_other():
    samples = np.concatenate([at(0, 1, 2, 3)] * 2)
    samples[1, 2, 0] = np.nan
    real = np.concatenate([at(0, 1, 2, 3)] * 2)
    scores = [plane.wasserstein_1(samples, real)]
    for score in (plane.modes_covered, plane.high_quality, plane.reverse_kl, plane.total_variation):
        scores.append(score(samples, FOUR, 0.1))
    assert np.isnan([found[1] for found in scores]).all()
    assert [found[0] for found in scores] == [0, 4, 1, 0, 0]


# Runs -----------------------------------------------------------------------------------------------------------------

RUN = ("data=ring", "model=mlp_plane", "model.generator.widths=[8]", "model.discriminator.widths=[8]")


def test_a_run_leaves_numbers_and_pictures_and_goes_on_to_the_same(saddlegan, tmp_path):
    settings = (*RUN, "iterations=20", "evaluation.figures=2", "checkpoint_seconds=1e-9")
    assert saddlegan(*settings, f"hydra.run.dir={tmp_path / 'whole'}")[0] == 0
    with interrupted_at(13) as broken:
        assert saddlegan(*settings, broken, f"hydra.run.dir={tmp_path / 'broken'}")[0] == 130
        assert saddlegan(*settings, broken, f"hydra.run.dir={tmp_path / 'broken'}")[0] == 0
    found = results(tmp_path)
    assert found["whole"]["final"] == found["broken"]["final"]
    names = {"w1", "modes_covered", "high_quality", "reverse_kl", "total_variation"}
    assert names <= found["whole"]["final"].keys()
    floors = found["whole"]["floors"]
    assert floors.keys() == names
    assert floors["modes_covered"] == 8
    assert floors["high_quality"] > 0.95
    assert floors["w1"] < 0.5 < min(found["whole"]["final"]["w1"])
    one, other = (np.load(tmp_path / name / "samples.npz") for name in ("whole", "broken"))
    assert all((one[name] == other[name]).all() for name in one)
    assert one["points"].shape == (3, 64, 2)
    assert one["through"].shape == (5, 3, 64, 2)
    assert one["iterations"].tolist() == [0, 5, 10, 15, 20]
    np.testing.assert_allclose(one["through"][-1], one["points"], rtol=1e-3, atol=1e-4)
    module = load(tmp_path / "whole")
    np.testing.assert_allclose(module.sample(64).numpy(), one["points"], rtol=1e-5)
    corner = torch.tensor([one["axis"][-1], one["axis"][0]]).float().expand(3, 1, 2)
    with torch.no_grad():
        np.testing.assert_allclose(module.score({"x": corner})[:, 0], one["field"][:, 0, -1], rtol=1e-4)
    state = torch.load(tmp_path / "whole" / CHECKPOINT, weights_only=True)
    assert "callbacks" in state


def test_a_report_shows_the_median_seed_beside_real_data(saddlegan, tmp_path):
    """Of the seeds of both runs of a setting; of an even number the better one in the middle."""
    assert saddlegan("-m", *RUN, "method=gan,wgan_gp", "num_seeds=3", "seed=0,3")[0] == 0
    report = next(tmp_path.rglob("report.md"))
    text = report.read_text()
    assert "| real data | – |" in text
    assert "modes covered ↑" in text
    gan = [result for name, result in results(tmp_path).items() if "method=gan" in name]
    middle = sorted((w1, seed) for of in gan for w1, seed in zip(of["last_fifth"]["w1"], of["seeds"], strict=True))[2][
        1
    ]
    assert f"Shown: seeds {middle}, " in text
    for name in ("plane.png", "plane-through.png", "plane-through.gif"):
        (picture,) = report.parent.glob(f"figures/*-{name}")
        with Image.open(picture) as file:
            assert file.size[0] > 200
    assert not list(report.parent.glob("figures/*density*"))


@pytest.mark.parametrize("words", [("data=ring", "evaluation=line"), ("data=gaussian_1d", "evaluation=plane")])
def test_another_evaluation_than_that_of_the_data_is_refused(saddlegan, words):
    status, output = saddlegan(*words)
    assert status == 2
    assert "vectors of 2 coordinates" in output
    assert "vectors of 1 coordinate" in output


def test_samples_of_a_run_are_drawn_as_a_picture(saddlegan, tmp_path):
    from saddlegan.interface import save_samples

    assert saddlegan(*RUN, f"hydra.run.dir={tmp_path / 'run'}")[0] == 0
    save_samples(load(tmp_path / "run"), 20, tmp_path / "some.png")
    with Image.open(tmp_path / "some.png") as file:
        assert file.size[0] > 300


# Figures --------------------------------------------------------------------------------------------------------------


def test_the_figure_shows_every_sample_and_a_circle_around_each_mode():
    points = np.array([[0.0, 0.1], [4.0, 4.0], [np.nan, 0.0], [99.0, 0.0]])
    axis = np.linspace(-6, 6, 5)
    figure = figures.plane_figure([PlanePanel("a", points, FOUR, 0.5, axis, np.arange(25.0).reshape(5, 5))])
    (ax,) = figure.axes
    assert [tuple(circle.center) for circle in ax.patches] == list(map(tuple, FOUR))
    assert {circle.radius for circle in ax.patches} == {1.5}
    np.testing.assert_array_equal(np.stack(ax.lines[0].get_data(), -1), points[[0, 1, 3]])
    (image,) = ax.images
    assert (image.origin, list(image.get_extent())) == ("lower", [-6, 6, -6, 6])
    assert [text.get_text() for text in ax.texts] == ["50.0% of the samples outside"]


def test_rasters_have_points_where_they_are_and_right_is_right_and_up_is_up():
    points = np.array([[[1.91, 1.91]], [[-1.91, -0.11]]])
    pictures = figures.rasters(np.repeat(points, 50, axis=1), np.array([[0.0, 0.0]]), 0.01, 2.0)
    assert pictures.shape == (2, 1, PIXELS, PIXELS, 3)
    pixel = 4.0 / PIXELS
    for picture, (x, y) in zip(pictures[:, 0], points[:, 0], strict=True):
        dark = np.argwhere(picture[..., 0] < 100)
        assert dark.tolist() == [[math.floor((2 - y) / pixel), math.floor((x + 2) / pixel)]]
        reddish = np.argwhere(picture[..., 0].astype(int) - picture[..., 2] > 100)
        distance = np.hypot(*((reddish - (PIXELS - 1) / 2).T))
        assert np.allclose(distance, LEAST, atol=0.8)
        assert len(reddish) > 10
