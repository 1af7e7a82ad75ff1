"""What the figures show: axes, lines, bars and cells against the arrays that went in."""

import numpy as np
import pytest
from matplotlib.patches import StepPatch

from saddlegan import figures
from saddlegan.figures import Curve, DensityPanel, Heatmap

SUPPORT = np.linspace(0.5, 1.5, 401)
DENSITY = np.exp(-((SUPPORT - 1) ** 2) / 2e-3) / np.sqrt(2 * np.pi * 1e-3)


def panel(centre, width, title="gan", **more):
    samples = np.random.default_rng(0).normal(centre, width, (8, 256))
    return DensityPanel(title, samples, SUPPORT, DENSITY, **more)


def bars(ax):
    return next(patch for patch in ax.patches if isinstance(patch, StepPatch)).get_data()


def test_density_shows_truth_and_all_generated_mass():
    (ax,) = figures.density_figure([panel(1, 0.03)]).axes
    heights, edges, _ = bars(ax)
    assert np.sum(heights * np.diff(edges)) == pytest.approx(1, abs=1e-6)
    assert np.average((edges[:-1] + edges[1:]) / 2, weights=heights) == pytest.approx(1, abs=0.005)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), DENSITY)
    assert not any("outside" in text.get_text() for text in ax.texts)


def test_panels_share_a_view_that_holds_both_distributions():
    near, far = figures.density_figure([panel(1, 0.03), panel(0.2, 0.1, "primal_dual")]).axes
    assert near.get_xlim() == far.get_xlim()
    low, high = near.get_xlim()
    assert low < 0.0
    assert high > 1.15
    assert [ax.get_title() for ax in (near, far)] == ["gan", "primal_dual"]


@pytest.mark.parametrize("centre", [-1000, 1000])
def test_mass_far_away_is_said_and_does_not_flatten_the_truth(centre):
    (ax,) = figures.density_figure([panel(centre, 0.03)]).axes
    low, high = ax.get_xlim()
    assert -3 < low < 1 < high < 5
    assert any("100.0% outside" in text.get_text() for text in ax.texts)


def test_diverged_seeds_are_left_out_and_all_diverged_is_said():
    some = panel(1, 0.03)
    some.samples[3] = np.nan
    none = DensityPanel("lost", np.full((2, 8), np.nan), SUPPORT, DENSITY)
    first, second = figures.density_figure([some, none]).axes
    heights, edges, _ = bars(first)
    assert np.sum(heights * np.diff(edges)) == pytest.approx(1, abs=1e-6)
    assert [text.get_text() for text in second.texts if "diverged" in text.get_text()]


def test_atoms_stand_at_their_places_and_bars_are_probabilities():
    atoms = np.array([[-1.0, 0.25], [1.0, 0.75]])
    samples = np.repeat([[-1.0, 1.0, 1.0, 1.0]], 5, axis=0)
    (ax,) = figures.density_figure([DensityPanel("two", samples, SUPPORT, None, atoms)]).axes
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), atoms)
    heights, _, _ = bars(ax)
    assert sorted(heights[heights > 0]) == [0.25, 0.75]


def test_density_with_the_discriminator_has_a_second_axis_from_0_to_1():
    ax, twin = figures.density_figure([panel(1, 0.03, discriminator=np.full((8, 401), 0.4))]).axes
    assert twin.get_ylim() == (0, 1)
    assert set(twin.lines[0].get_ydata()) == {0.4}
    assert ax.get_xlim() == twin.get_xlim()


def test_discriminator_is_the_median_over_seeds():
    curves = np.array([[0.1, 0.2], [0.3, 0.4], [0.9, np.nan]])
    (ax,) = figures.discriminator_figure(np.array([0.0, 1.0]), curves, "gan").axes
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.3, 0.3])


def test_training_has_a_line_per_run_named_from_the_top_down():
    at = np.array([0.0, 100.0, 200.0])
    curves = [
        Curve("low", at, np.array([[4, 2, 1], [4, 2, 1], [4, 4, np.nan]])),
        Curve("high", at, np.array([[9.0, 9.0, 9.0]])),
        Curve("lost", at, np.array([[5.0, np.nan, np.nan]])),
    ]
    (ax,) = figures.training_figure(curves, "W1", threshold=0.5).axes
    assert ax.get_yscale() == "log"
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [4, 2, 1])
    assert len(ax.lines) == 4  # and the threshold
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["lost (every seed diverged)", "high", "low"]


def test_heatmap_writes_every_cell_and_centres_its_colours_at_1():
    values = np.array([[0.05, 1.0, 100.0], [0.5, 2.0, np.nan], [np.inf, 1e5, 0.25]])
    first, second = figures.heatmap_figure(
        [Heatmap("adam", [0.1, 1, 3], [0.01, 1, 100], values), Heatmap("sgd", [0.1], [1], np.array([[3.0]]))],
        "sigma", "alpha", "ratio",
    ).axes  # fmt: skip
    written = [text.get_text() for text in first.texts]
    assert written == ["0.05", "1", "100", "0.5", "2", "–", "div.", "1e+05", "0.25"]
    assert [tick.get_text() for tick in first.get_yticklabels()] == ["0.01", "1", "100"]
    assert second.get_title() == "sgd"
    shades = first.images[0].get_array()
    blue, red = 2, 0
    assert shades[0, 0, blue] > shades[0, 0, red]  # better
    assert shades[0, 2, red] > shades[0, 2, blue]  # worse
    assert shades[0, 1, :3].min() > 0.9  # equal: white
    np.testing.assert_array_equal(shades[0, 2], shades[2, 1])  # saturated
    flipped = figures.heatmap_figure([Heatmap("a", [1], [1, 2], np.array([[0.1], [10.0]]))], "x", "y", "v",
                                     higher_is_better=True)  # fmt: skip
    shades = flipped.axes[0].images[0].get_array()
    assert shades[0, 0, red] > shades[0, 0, blue]


def test_save_png_leaves_a_whole_file_and_nothing_else(tmp_path):
    path = figures.save_png(figures.density_figure([panel(1, 0.03)]), tmp_path / "new" / "a.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]
