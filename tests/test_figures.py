"""What the figures of numbers show: axes, lines, bands, bars and cells against the arrays that went in."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

from saddlegan import figures
from saddlegan.figures import Curve, DensityPanel, Heatmap
from saddlegan.figures.canvas import log_colors

SUPPORT = np.linspace(0.5, 1.5, 401)
DENSITY = np.exp(-((SUPPORT - 1) ** 2) / 2e-3) / np.sqrt(2 * np.pi * 1e-3)


def panel(centre, width, title="gan", **more):
    samples = np.random.default_rng(0).normal(centre, width, (8, 256))
    return DensityPanel(title, samples, SUPPORT, DENSITY, **more)


def words(ax):
    return "\n".join(text.get_text() for text in ax.texts)


def band(ax):
    """The lower and the upper edge `(x,)` of the one filled band, in the order of x."""
    (filled,) = (each for each in ax.collections if not isinstance(each, LineCollection))
    x, y = np.concatenate([path.vertices for path in filled.get_paths()]).T
    return tuple(np.array([edge(y[x == at]) for at in np.unique(x)]) for edge in (np.min, np.max))


def lines(ax, name):
    """The single lines, each `(n, 2)`, of `name`: the true atoms, or the seeds."""
    (found,) = (each for each in ax.collections if isinstance(each, LineCollection) and each.get_label() == name)
    return np.array(found.get_segments())


def line(ax, name):
    """The one line `(n, 2)` that is called `name`."""
    (found,) = (each for each in ax.lines if each.get_label() == name)
    return found.get_xydata()


def colours_at(ax, places):
    """What is drawn at data coordinates `(n, 2)`: red, green, blue from 0 to 1."""
    ax.figure.canvas.draw()
    pixels = np.asarray(ax.figure.canvas.buffer_rgba())
    columns, rows = ax.transData.transform(places).astype(int).T
    return pixels[pixels.shape[0] - 1 - rows, columns, :3] / 255


def test_each_seed_is_a_density_beside_the_truth():
    (ax,) = figures.density_figure([panel(1, 0.03)]).axes
    np.testing.assert_array_equal(line(ax, "true"), np.column_stack([SUPPORT, DENSITY]))
    seeds = lines(ax, "seeds")
    assert len(seeds) == 8
    for x, y in seeds.transpose(0, 2, 1):
        step = x[1] - x[0]
        mean = np.sum(x * y) * step
        assert np.sum(y) * step == pytest.approx(1, abs=1e-3)
        assert mean == pytest.approx(1, abs=0.01)
        # a fifth of the true deviation, 0.0063, is the kernel's: it hardly widens
        assert np.sqrt(np.sum((x - mean) ** 2 * y) * step) == pytest.approx(0.0306, abs=0.004)


def test_the_median_and_the_band_are_those_of_all_seeds_at_each_x():
    samples = np.random.default_rng(1).normal(1, 0.03, (40, 64))
    (ax,) = figures.density_figure([DensityPanel("a", samples, SUPPORT, DENSITY)]).axes
    assert len(lines(ax, "seeds")) == 32  # more would hide each other
    width = 0.08 / DENSITY.max()
    for at in (100, 160, 200):
        x = line(ax, "median")[at, 0]
        each = np.exp(-(((x - samples) / width) ** 2) / 2).mean(1) / (width * np.sqrt(2 * np.pi))
        low, median, high = np.quantile(each, (0.25, 0.5, 0.75))
        assert line(ax, "median")[at, 1] == pytest.approx(median)
        assert [edge[at] for edge in band(ax)] == pytest.approx([low, high])


def test_panels_share_both_axes_which_hold_all_distributions():
    near, far = figures.density_figure([panel(1, 0.03), panel(0.2, 0.1, "primal_dual")]).axes
    assert near.get_xlim() == far.get_xlim()
    assert near.get_ylim() == far.get_ylim()
    assert near.get_yscale() == "linear"
    low, high = near.get_xlim()
    assert low < 0.0
    assert high > 1.15
    assert near.get_ylim()[0] == 0
    assert DENSITY.max() < near.get_ylim()[1] < 2 * DENSITY.max()
    assert [ax.get_title() for ax in (near, far)] == ["gan", "primal_dual"]


def test_seeds_that_collapse_leave_the_axis_and_are_counted():
    spread = panel(1, 0.03).samples
    spikes = 1 + 0.001 * np.random.default_rng(0).normal(size=(6, 256))
    for samples, above in ((np.vstack([spread, spikes]), 6), (np.vstack([spread[:3], spikes]), 6)):
        (ax,) = figures.density_figure([DensityPanel("a", samples, SUPPORT, DENSITY)]).axes
        assert ax.get_ylim()[1] <= 3.61 * DENSITY.max()
        assert f"{above} of {len(samples)} seeds reach above the axis" in words(ax)
    (ax,) = figures.density_figure([panel(1, 0.03)]).axes
    assert "above the axis" not in words(ax)


@pytest.mark.parametrize("centre", [-1000, 1000])
def test_mass_far_away_is_said_and_does_not_flatten_the_truth(centre):
    (ax,) = figures.density_figure([panel(centre, 0.03)]).axes
    low, high = ax.get_xlim()
    assert -3 < low < 1 < high < 5
    assert "100.0% of the samples outside" in words(ax)


def test_diverged_seeds_are_left_out_and_counted():
    some = panel(1, 0.03)
    some.samples[3, 7] = np.nan
    none = DensityPanel("lost", np.full((2, 8), np.nan), SUPPORT, DENSITY)
    first, second = figures.density_figure([some, none]).axes
    assert len(lines(first, "seeds")) == 7
    assert "1 of 8 seeds diverged" in words(first)
    assert "every seed diverged" in words(second)
    assert "diverged" not in words(figures.density_figure([panel(1, 0.03)]).axes[0])


def test_atoms_stand_at_their_places_and_seeds_have_probabilities():
    atoms = np.array([[-1.0, 0.25], [1.0, 0.75]])
    samples = np.repeat([[-1.0, 1.0, 1.0, 1.0]], 5, axis=0)
    (ax,) = figures.density_figure([DensityPanel("two", samples, SUPPORT, None, atoms)]).axes
    np.testing.assert_array_equal(line(ax, "true"), atoms)
    np.testing.assert_array_equal(lines(ax, "true"), [[[-1, 0], [-1, 0.25]], [[1, 0], [1, 0.75]]])
    for seed in lines(ax, "seeds"):
        found = seed[seed[:, 1] > 0]
        np.testing.assert_allclose(found, atoms, atol=0.02)
    assert ax.get_ylim()[1] >= 1
    assert ax.get_ylabel() == "probability"
    assert figures.density_figure([panel(1, 0.03)]).axes[0].get_ylabel() == "density"


def test_the_mean_and_the_deviation_are_those_of_the_median_seed_not_of_the_pool():
    centres = np.array([0.8, 1.05, 1.6])
    samples = centres[:, None] + 0.01 * np.array([1, 2, 9])[:, None] * np.array([-1.0, 1.0] * 20)
    (ax,) = figures.density_figure([DensityPanel("a", samples, SUPPORT, DENSITY)]).axes
    assert "median seed: mean 1.05, std 0.02" in words(ax).split("\n")
    samples[0, :18] = -1e6
    (ax,) = figures.density_figure([DensityPanel("a", samples, SUPPORT, DENSITY)]).axes
    assert "15.0% of the samples outside" in words(ax)


CURVES = np.array([[0.1, 0.8], [0.2, 0.6], [0.3, 0.5], [0.7, 0.45], [0.9, 0.41]])  # quartiles .2 .3 .7 and .45 .5 .6


def test_discriminator_is_the_median_over_seeds_in_the_band_of_the_quartiles():
    curves = np.vstack([CURVES, [np.nan, np.nan]])
    ends = np.array([0.0, 3.0])
    (ax,) = figures.discriminator_figure([Curve("gan", ends, curves)]).axes
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[0, 0.3], [3, 0.5]])
    np.testing.assert_allclose(band(ax), [[0.2, 0.45], [0.7, 0.6]])
    assert set(ax.lines[1].get_ydata()) == {0.5}  # where D cannot tell
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["gan"]
    lost = np.where([True, False], CURVES, np.nan)
    (ax,) = figures.discriminator_figure([Curve("gan", ends, lost), Curve("pd", ends + 1, 5 * CURVES)]).axes
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.3, np.nan])
    np.testing.assert_allclose(ax.lines[1].get_xydata(), [[1, 1.5], [4, 2.5]])
    assert ax.get_ylim()[1] > 3  # of a pair whose D is no probability all is seen
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["gan", "pd"]


def test_a_timeline_has_a_row_per_panel_a_column_per_stop_and_one_scale():
    values = np.array([[[[0.5, 2.0], [1.0, np.nan]], [[4.0, 1.0], [np.inf, 0.25]]],
                       [[[1.0, 1.0], [3.0, 0.5]], [[10.0, 0.1], [2.0, 1.0]]]])  # fmt: skip
    titles = ("adam · lr=0.1", "sgd")
    rows = [[Heatmap(name, [0.1, 1.0], [1, 10], values[k, stop]) for stop in (0, 1)] for k, name in enumerate(titles)]
    figure = figures.timeline_figure(rows, [1000, 5000], "sigma", "alpha", "ratio")
    figure.canvas.draw()
    colours = log_colors([panel.values for row in rows for panel in row], True, False, 5.0)
    grid = sorted(figure.axes[:4], key=lambda ax: (-ax.get_position().y0, ax.get_position().x0))
    for ax, expected in zip(grid, values.reshape(4, 2, 2), strict=True):
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(ax.images[0].get_array(), colours.to_rgba(np.log10(expected)))
        assert ax.images[0].origin == "lower"
    assert [ax.get_title() for ax in grid] == ["1000 iterations", "5000 iterations", "", ""]
    assert [ax.get_ylabel() for ax in grid] == ["adam\nlr=0.1\nalpha", "", "sgd\nalpha", ""]
    assert [[text.get_text() for text in ax.get_xticklabels()] for ax in grid[2:]] == [["0.1", "1"]] * 2
    (bar,) = figure.axes[4:]
    assert [text.get_text() for text in bar.get_yticklabels()] == ["0.2", "0.5", "1", "2", "5"]


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
    colors = [handle.get_color() for handle in ax.get_legend().legend_handles]
    assert colors == [ax.lines[at].get_color() for at in (2, 1, 0)]
    assert len(set(colors)) == 3


def test_long_names_leave_the_axes_their_room():
    at, values = np.array([0.0, 1.0]), np.array([[2.0, 1.0]])
    shapes = {}
    for words in (1, 12):
        name = " ".join(["num_critic_steps=5"] * words)
        figure = figures.training_figure([Curve(f"{place} {name}", at, values) for place in range(6)], "W1")
        figure.canvas.draw()
        (ax,) = figure.axes
        shapes[words] = ax.get_window_extent().size
        lines = [text.get_text() for text in ax.get_legend().get_texts()]
        assert sorted(" ".join(line.split()) for line in lines) == [f"{place} {name}" for place in range(6)]
    assert (shapes[12] >= 0.9 * shapes[1]).all()


@pytest.mark.parametrize("level", [0.03, 7.0, None])
def test_training_is_the_median_in_the_band_of_the_quartiles_with_the_level_dotted(level):
    at = np.array([0.0, 10.0, 1000.0])
    values = np.array([[1, 3, 0.1], [2, 5, 0.2], [4, 9, 0.9], [8, 11, 7], [100, 90, np.nan], [0.0, np.inf, -1.0]])
    (ax,) = figures.training_figure([Curve("gan", at, values)], "Fréchet distance", level).axes
    lower, median, upper = [2, 5, 0.175], [4, 9, 0.55], [8, 11, 2.425]  # what is not positive has no logarithm
    np.testing.assert_allclose(ax.lines[0].get_xydata(), np.transpose([at, median]))
    np.testing.assert_allclose(band(ax), [lower, upper])
    assert [set(line.get_ydata()) for line in ax.lines[1:]] == ([] if level is None else [{level}])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("iteration", "Fréchet distance")


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


MAP = np.array([[0.01, 1.0, 20.0], [0.1, 2.0, np.nan]])  # alpha 3 and 50 by sigma 0.1, 1 and 7


def shades_of(values, **options):
    """The colours `(len(y), len(x), 3)` that a map of `values` draws, by what is seen at the place of each cell."""
    rows, columns = values.shape
    heatmap = Heatmap("a", [f"x{i}" for i in range(columns)], [f"y{i}" for i in range(rows)], values)
    (ax,) = figures.heatmap_figure([heatmap], "x", "y", "v", **options).axes
    corners = [(column - 0.45, row - 0.4) for row in range(rows) for column in range(columns)]
    return colours_at(ax, corners).reshape(rows, columns, 3)


def test_a_map_has_x_to_the_right_and_y_upwards_and_says_so():
    figure = figures.heatmap_figure([Heatmap("adam", [0.1, 1, 7], [3, 50], MAP)], "sigma", "alpha", "W1 / true std")
    (ax,) = figure.axes
    figure.canvas.draw()
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("sigma", "alpha", "adam")
    assert figure.get_suptitle() == "W1 / true std"
    places = {text.get_text(): ax.transData.transform(text.get_position()) for text in ax.texts}
    left, low = places["0.01"]
    assert places["0.1"][0] == pytest.approx(left)
    assert places["0.1"][1] > low + 10  # pixels from below
    assert places["20"][0] > places["1"][0] + 10 > left + 20
    assert places["20"][1] == pytest.approx(low)
    for axis, names, at in ((ax.xaxis, ["0.1", "1", "7"], 0), (ax.yaxis, ["3", "50"], 1)):
        assert [tick.label1.get_text() for tick in axis.get_major_ticks()] == names
        ends = [ax.transData.transform((place, place))[at] for place in axis.get_majorticklocs()]
        assert ends == sorted({round(place[at], 6): place[at] for place in places.values()}.values())


def test_each_cell_of_a_map_has_the_colour_of_its_own_number():
    shades = shades_of(MAP)
    blueness = shades[..., 2] - shades[..., 0]
    assert blueness[0, 0] > blueness[1, 0] > 0.05 > abs(blueness[0, 1])
    assert blueness[0, 2] < blueness[1, 1] < 0
    np.testing.assert_allclose(shades[1, 2], to_rgb("#d8dee4"), atol=0.01)  # grey: no number


def test_colours_of_a_ratio_are_as_far_to_either_side_of_1():
    for values in (MAP, 1 / MAP):  # the largest distance is that of the least value, and then that of the greatest
        shades, mirrored = shades_of(values), shades_of(1 / values, higher_is_better=True)
        np.testing.assert_allclose(shades, mirrored, atol=0.01)
        assert abs(shades - shades_of(1 / values)).max() > 0.3
        assert abs(shades[0, 0] - shades[1, 0]).max() > 0.1  # two numbers on one side are told apart
    small = shades_of(np.array([[1.05, 1.0, 0.95]]))
    assert abs(small - small[0, 1]).max() < 0.15  # a difference of 5 % is pale
    large = shades_of(np.array([[1e6, 100.0, 10.0]]))
    np.testing.assert_allclose(large[0, 0], large[0, 1], atol=0.01)
    assert abs(large[0, 1] - large[0, 2]).max() > 0.1


@pytest.mark.parametrize("ratio", [True, False])
@pytest.mark.parametrize("higher_is_better", [True, False])
def test_where_every_seed_diverged_a_map_has_the_colour_of_the_worst(ratio, higher_is_better):
    values = np.array([[0.01, 1.0, 100.0, np.inf]])
    shades = shades_of(values, ratio=ratio, higher_is_better=higher_is_better)
    worst, best = (0, 2) if higher_is_better else (2, 0)
    np.testing.assert_allclose(shades[0, 3], shades[0, worst], atol=0.01)
    assert abs(shades[0, 3] - shades[0, best]).max() > 0.3


def test_a_map_of_values_is_darker_for_the_greater_ones_over_all_panels():
    first, second = (
        Heatmap(name, [1, 2], [1], np.array([values])) for name, values in (("a", [3, 9]), ("b", [27, 81]))
    )
    figure = figures.heatmap_figure([first, second], "x", "y", "v", ratio=False)
    light = [shade.sum() for ax in figure.axes for shade in colours_at(ax, [(-0.4, -0.4), (0.6, -0.4)])]
    assert light == sorted(set(light), reverse=True)
    assert np.diff(light[:2]) == pytest.approx(-0.6, abs=0.35)


def test_numbers_on_dark_cells_are_white():
    (ax,) = figures.heatmap_figure([Heatmap("a", [1, 2], [1], np.array([[0.01, 1.0]]))], "x", "y", "v").axes
    dark, pale = ax.texts
    assert to_rgb(dark.get_color()) == (1, 1, 1)
    assert max(to_rgb(pale.get_color())) < 0.3


@pytest.mark.parametrize("count", [1, 2, 5])
def test_panels_stand_two_in_a_row_in_reading_order(count):
    panels = [Heatmap(f"{k}", [1, 2], [1], np.full((1, 2), k + 1.0)) for k in range(count)]
    figure = figures.heatmap_figure(panels, "x", "y", "v")
    figure.canvas.draw()
    places = [(-round(ax.get_position().y0, 2), round(ax.get_position().x0, 2)) for ax in figure.axes]
    assert places == sorted(set(places))
    assert [ax.get_title() for ax in figure.axes] == [f"{k}" for k in range(count)]
    assert len({x for _, x in places}) == min(count, 2)


def test_save_png_leaves_a_whole_file_and_nothing_else(tmp_path):
    path = figures.save_png(figures.density_figure([panel(1, 0.03)]), tmp_path / "new" / "a.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]


def test_panels_of_different_sizes_are_all_given_room():
    small, large = Heatmap("a", [1], [1], np.ones((1, 1))), Heatmap("b", [1, 2], range(9), np.ones((9, 2)))
    heights = [
        figures.heatmap_figure(panels, "x", "y", "v").get_figheight() for panels in ([small, large], [large, small])
    ]
    assert heights[0] == heights[1]
