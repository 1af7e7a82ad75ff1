"""What the figures of images show: pixels and words in their places, frames of an animation and their times."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from saddlegan import figures
from saddlegan.figures import ImagePanel, Progress
from saddlegan.figures.animation import TEXT
from saddlegan.figures.tiles import PAPER, enlarged, tile, wrapped

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


def written(words, sheet):
    """The places of `words`, as an animation writes them, in a frame."""
    font = ImageFont.truetype(str(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), TEXT)
    paper = Image.new("L", (20 * len(words), 3 * TEXT), PAPER)
    ImageDraw.Draw(paper).text((5, 5), words, fill=33, font=font)
    ink = np.asarray(paper) < PAPER
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return found_in(np.asarray(paper)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], sheet)


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


def test_images_of_several_sizes_are_shown_at_one_size():
    """Those of the coarsest level of a pyramid are as large as those of the finest."""
    coarse = DIGITS[:, ::4, ::4]
    sheet = rendered(
        figures.image_figure([ImagePanel(name, figures.square(of)) for name, of in (("a", DIGITS), ("b", coarse))])
    )
    scales = [
        k
        for k in range(2, min(sheet.shape[:2]) // 231 + 1)
        if found_in(tile(enlarged(figures.square(DIGITS), k), gap=k), sheet)
    ]
    assert len(scales) == 1
    assert found_in(tile(enlarged(figures.square(coarse), 4 * scales[0]), gap=scales[0]), sheet)


def test_a_square_takes_the_first_images_that_fill_it():
    np.testing.assert_array_equal(figures.square(DIGITS)[1, 0], DIGITS[8])
    assert figures.square(DIGITS[:15]).shape == (3, 3, 28, 28)
    np.testing.assert_array_equal(figures.square(DIGITS[:15])[2, 2], DIGITS[8])


def test_each_row_of_a_panel_has_its_own_name_beside_it_and_each_panel_its_title_above():
    pairs = [ImagePanel(title, DIGITS[:20].reshape(2, 10, 28, 28), ("generated", "nearest")) for title in ("a", "b")]
    figure = figures.image_figure(pairs, columns=1)
    for panel, ax in zip(pairs, figure.axes, strict=True):
        box = ax.get_position()
        beside = {text.get_text(): text.get_position()[1] for text in figure.texts
                  if text.get_position()[0] < box.x0 - 0.01 and box.y0 < text.get_position()[1] < box.y1}  # fmt: skip
        heights = {name: (y - box.y0) / box.height for name, y in beside.items()}
        assert heights == {"generated": pytest.approx(0.75), "nearest": pytest.approx(0.25)}
        (title,) = (text for text in figure.texts if text.get_text() == panel.title)
        assert box.y1 < title.get_position()[1] < box.y1 + 0.1
        assert title.get_position()[0] == pytest.approx(box.x0)


def test_names_of_classes_follow_the_title_in_their_order():
    panel = figures.class_panel("cgan", DIGITS[:4].reshape(2, 2, 28, 28), np.array(["cats", "dogs"]))
    assert panel.title == "cgan · classes: cats, dogs"
    assert figures.class_panel("cgan", panel.images, ()).title == "cgan"


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (3, 3), (4, 2), (5, 3), (6, 3), (7, 4)])
def test_panels_make_about_a_square(count, columns):
    figure = figures.image_figure([ImagePanel("a", DIGITS[:4].reshape(2, 2, 28, 28))] * count)
    assert len({round(ax.get_position().x0, 3) for ax in figure.axes}) == columns


@pytest.mark.parametrize("columns", [1, 2, 4])
@pytest.mark.parametrize(
    "title", ["primal_dual · features · sigma=10 · alpha=100 · lr=0.0002", "left arrow curving right on a black ground"]
)
def test_text_of_an_image_figure_overlaps_neither_images_nor_text(columns, title):
    names = ("generated", "nearest") if columns <= 2 else ()
    panels = [ImagePanel(title, DIGITS[:20].reshape(2, 10, 28, 28), names) for _ in range(4)]
    figure = figures.image_figure(panels, columns=columns)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.texts] + [ax.get_window_extent() for ax in figure.axes]
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height for box in boxes)
    crossings = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :] if a.overlaps(b)]
    assert not crossings


def test_a_long_title_is_broken_between_its_parts():
    assert wrapped("gan · features · sigma=10", 16) == ["gan · features", "sigma=10"]
    assert wrapped("gan", 1) == ["gan"]
    assert wrapped("a · bc", 6) == ["a · bc"]  # as long as is allowed
    assert wrapped("a · bc", 5) == ["a", "bc"]
    assert wrapped("seven · a weary face", 7) == ["seven", "a weary", "face"], "and a longer part between its words"


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


def test_a_moment_of_progress_stands_below_its_iteration():
    """A cell's images are those of the moment whose number stands above them, also where they come irregularly."""
    at = np.array([0, 10, 20, 40, 50, 100, 500, 600, 700, 1000, 2000, 4000])
    through = np.tile((20 * np.arange(12, dtype=np.uint8))[:, None, None, None], (1, 16, 28, 28))
    figure = figures.progress_figure([Progress("gan", through, at)])
    numbers = {round(text.get_position()[0], 3): text.get_text() for text in figure.texts if text.get_text() != "gan"}
    shown = {round(ax.get_position().x0, 3): at[int(ax.images[0].get_array().min()) // 20] for ax in figure.axes}
    assert {x: int(name.removeprefix("iteration ")) for x, name in numbers.items()} == shown
    assert len(set(shown.values())) == len(figure.axes) > 6
    assert sum(one <= 100 for one in shown.values()) > 4  # denser where training is young


def test_a_frame_says_its_iteration_how_far_that_is_and_which_setting_is_which():
    at = np.array([0, 30, 4000])
    titles = ("cgan", "wgan · five critic steps each", "sngan", "began")
    rows = [Progress(title, progress(frames=3).through, at) for title in titles]
    for frame, iteration in zip(figures.animation_frames(rows), at, strict=True):
        (place,) = written(f"iteration {iteration}", frame)
        assert place[0] < 40
        places = {name: written(name, frame) for name in ("cgan", "wgan", "five critic steps each", "sngan", "began")}
        assert {name: len(found) for name, found in places.items()} == dict.fromkeys(places, 1)
        first, second, wrapped_line, third, below = (found[0] for found in places.values())
        assert first[1] + 200 < second[1] < third[1] - 200
        assert wrapped_line[0] > second[0] + 10
        assert wrapped_line[1] == pytest.approx(second[1], abs=3)
        assert below[1] == pytest.approx(first[1], abs=3)
        assert below[0] > first[0] + 200
        done, whole = ((np.isin(frame[20:60], shades)).sum(1).max() for shades in ((102,), (102, 221)))
        assert done / whole == pytest.approx(iteration / 4000, abs=0.01)


def test_an_animation_of_few_settings_is_enlarged_pixel_for_pixel():
    for count, scale in ((1, 4), (2, 3), (3, 2)):
        rows = [Progress(f"{k}", np.roll(DIGITS, 16 * k, axis=0)[None, :16], np.array([0])) for k in range(count)]
        (frame,) = figures.animation_frames(rows)
        places = [found_in(tile(enlarged(figures.square(row.through[0]), scale), scale), frame) for row in rows]
        assert [len(place) for place in places] == [1] * count
        assert [place[0][1] for place in places] == sorted({place[0][1] for place in places})


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
def test_an_animation_is_no_wider_than_a_page(count):
    height, width = figures.animation_frames([progress()] * count, most=1)[0].shape
    assert width <= 800
    assert height <= 800
