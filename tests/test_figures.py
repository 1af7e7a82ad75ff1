"""What the figures show: axes, lines, bars and cells against the arrays that went in."""

import numpy as np
import pytest
from matplotlib.patches import StepPatch
from PIL import Image

from saddlegan import figures
from saddlegan.figures import Curve, DensityPanel, Heatmap, ImagePanel, Progress
from saddlegan.figures.tiles import PAPER, enlarged, tile, wrapped

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


def test_panels_of_different_sizes_are_all_given_room():
    small, large = Heatmap("a", [1], [1], np.ones((1, 1))), Heatmap("b", [1, 2], range(9), np.ones((9, 2)))
    heights = [
        figures.heatmap_figure(panels, "x", "y", "v").get_figheight() for panels in ([small, large], [large, small])
    ]
    assert heights[0] == heights[1]


# Images --------------------------------------------------------------------------------------------------------------

DIGITS = np.random.default_rng(0).integers(0, 256, (64, 28, 28), dtype=np.uint8)


def rendered(figure):
    """The pixels `(y, x)` of a grey figure."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., 0]


def found_in(array, sheet):
    """The places `(y, x)` of `array` in `sheet`."""
    height, width = array.shape
    windows = np.lib.stride_tricks.sliding_window_view(sheet, (height, width))
    candidates = np.argwhere((windows[:, :, 0, :9] == array[0, :9]).all(-1))
    return [(y, x) for y, x in candidates.tolist() if (windows[y, x] == array).all()]


def test_tiles_keep_every_pixel_in_its_place():
    images = DIGITS[:6].reshape(2, 3, 28, 28)
    sheet = tile(images, gap=2)
    assert sheet.shape == (2 * 28 + 2, 3 * 28 + 2 * 2)
    for row in range(2):
        for column in range(3):
            np.testing.assert_array_equal(sheet[row * 30 :, column * 30 :][:28, :28], images[row, column])
    assert (sheet[28:30] == PAPER).all()
    assert (sheet[:, 28:30] == PAPER).all()
    np.testing.assert_array_equal(enlarged(images, 3)[..., 1::3, 2::3], images)


def test_an_image_figure_shows_each_panel_pixel_for_pixel_in_reading_order():
    panels = [ImagePanel(name, figures.square(np.roll(DIGITS, k, axis=0))) for k, name in enumerate("abcde")]
    figure = figures.image_figure(panels)
    sheet = rendered(figure)
    places = [found_in(tile(enlarged(panel.images, 2), gap=2), sheet) for panel in panels]
    assert [len(place) for place in places] == [1] * 5
    (rows, columns) = zip(*(place[0] for place in places), strict=True)
    assert rows[0] == rows[1] == rows[2] < rows[3] == rows[4]
    assert columns[0] == columns[3] < columns[1] == columns[4] < columns[2]
    assert [text.get_text() for text in figure.texts] == list("abcde")


def test_a_square_takes_the_first_images_that_fill_it():
    np.testing.assert_array_equal(figures.square(DIGITS)[1, 0], DIGITS[8])
    assert figures.square(DIGITS[:15]).shape == (3, 3, 28, 28)
    np.testing.assert_array_equal(figures.square(DIGITS[:15])[2, 2], DIGITS[8])


@pytest.mark.parametrize("columns", [1, 2])
def test_text_of_an_image_figure_overlaps_neither_images_nor_text(columns):
    title = "primal_dual · features · sigma=10 · alpha=100 · lr=0.0002"
    panels = [ImagePanel(title, DIGITS[:20].reshape(2, 10, 28, 28), ("generated", "nearest")) for _ in range(4)]
    figure = figures.image_figure(panels, columns=columns)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.texts] + [ax.get_window_extent() for ax in figure.axes]
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height for box in boxes)
    crossings = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :] if a.overlaps(b)]
    assert not crossings


def test_a_long_title_is_broken_between_its_parts():
    assert wrapped("gan · features · sigma=10", 16) == ["gan · features", "sigma=10"]
    assert wrapped("gan", 1) == ["gan"]


def progress(title="gan", frames=25, last=20000):
    through = np.linspace(0, 240, frames).round().astype(np.uint8)[:, None, None, None]
    return Progress(title, np.tile(through, (1, 16, 28, 28)), np.linspace(0, last, frames).astype(int))


def test_progress_shows_at_most_eight_moments_from_the_first_to_the_last():
    figure = figures.progress_figure([progress(), progress("primal_dual")])
    assert len(figure.axes) == 2 * 8
    shades = [int(ax.images[0].get_array().min()) for ax in figure.axes[:8]]
    assert shades == sorted(set(shades))
    assert (shades[0], shades[-1]) == (0, 240)
    names = [text.get_text() for text in figure.texts]
    assert names[:2] == ["gan", "iteration 0"]
    assert names[8:] == ["20000", "primal_dual"]  # the same moments: said once
    other = figures.progress_figure([progress(), progress("primal_dual", last=100)])
    assert [text.get_text() for text in other.texts][-1] == "100"
    assert len(figures.progress_figure([progress(frames=1)]).axes) == 1


def test_an_animation_holds_every_setting_at_every_moment(tmp_path):
    path = figures.save_gif([progress(), progress("slow", frames=5)], tmp_path / "new" / "a.gif")
    assert [file.name for file in path.parent.iterdir()] == ["a.gif"]
    with Image.open(path) as file:
        assert file.n_frames == 25
        assert file.info["loop"] == 0
        shown, stay = [], []
        for k in range(25):
            file.seek(k)
            frame = np.asarray(file.convert("L")).astype(int)
            shown.append((frame[-40, 40], frame[-40, -40]))  # within the last row of images
            stay.append(file.info["duration"])
    np.testing.assert_allclose([one for one, _ in shown], np.linspace(0, 240, 25), atol=9.5)  # 16 greys
    np.testing.assert_allclose([two for _, two in shown], [60 * np.ceil(k / 6 - 0.5) for k in range(25)], atol=9.5)
    assert stay[-1] >= 8 * max(stay[:-1])


def test_an_animation_of_noise_loses_frames_and_not_its_ends(tmp_path):
    through = np.random.default_rng(0).integers(0, 256, (25, 16, 28, 28), dtype=np.uint8)
    noise = Progress("gan", through, np.arange(25))
    path = figures.save_gif([noise], tmp_path / "a.gif", largest=300_000)
    assert path.stat().st_size <= 300_000
    with Image.open(path) as file:
        count = file.n_frames
    assert 2 <= count < 25
    frames = figures.animation_frames([noise], count)
    np.testing.assert_array_equal(frames[0], figures.animation_frames([noise])[0])
    np.testing.assert_array_equal(frames[-1], figures.animation_frames([noise])[-1])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
def test_an_animation_is_no_wider_than_a_page(count):
    height, width = figures.animation_frames([progress()] * count, most=1)[0].shape
    assert width <= 800
    assert height <= 800
