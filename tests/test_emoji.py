"""Scenes of emoji: which drawings they hold, what their captions say, and what their evaluation measures."""

import io
import json

import emoji_files
import numpy as np
import prepare_emoji
import pytest
import torch
from conftest import ROOT, composed, results
from PIL import Image

from saddlegan import commands
from saddlegan.checks import ConfigError
from saddlegan.config.schema import check
from saddlegan.data import drawings, files
from saddlegan.data.captions import FittedVectors, words_of
from saddlegan.data.discrete import QuantizedEmoji
from saddlegan.data.emoji import EmojiScenes
from saddlegan.data.images import check_images, unit
from saddlegan.engine.build import build
from saddlegan.extractor import SHA256, Extractor
from saddlegan.metrics.grounds import ground_accuracy, grounds, right_spread
from saddlegan.resources import SHIPPED, check_resources

CONF = f"--config-dir={ROOT / 'tests' / 'conf'}"
SEARCHED = f"hydra.searchpath=[{ROOT / 'tests' / 'conf'}]"
RUN = ("num_seeds=1", "iterations=3", "batch_size=8", "evaluation.every=3", "evaluation.samples=128",
       "evaluation.figures=1", "data.size=16", "data.train_images=300")  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return str(emoji_files.root(tmp_path_factory.mktemp("drawings")))


@pytest.fixture(scope="module")
def settings(root):
    return {"name": "emoji", "root": root, "size": 16, "grounds": "all", "train_images": 0, "text_dim": 64,
            "vectors": None}  # fmt: skip


@pytest.fixture(scope="module")
def scenes(settings):
    return EmojiScenes(**settings)


# Scenes ---------------------------------------------------------------------------------------------------------------


def test_no_drawing_is_on_both_sides_and_each_group_gives_a_fifth(scenes, root):
    drawn = drawings.read(root)
    train, test = (set(part.tolist()) for part in (scenes.train_drawings, scenes.test_drawings))
    assert not train & test
    assert train | test == set(range(len(drawn.images)))
    for group in range(9):
        own = {int(number) for number in np.flatnonzero(drawn.groups == group)}
        assert len(own & test) == max(round(len(own) / 5), 1)
    assert drawings.training_scenes({"root": root, "grounds": "all"}) == len(scenes.train)


def test_every_drawing_is_on_every_ground_once_each_way(scenes):
    pairs = torch.stack([scenes.test_drawings, scenes.test_grounds])
    assert (torch.unique(pairs, dim=1, return_counts=True)[1] == 2).all()
    assert len(scenes.test) == 16 * len(scenes.test_drawings.unique())
    for number in scenes.test_drawings[:20]:
        one, other = scenes.test[(scenes.test_drawings == number) & (scenes.test_grounds == 3)]
        assert torch.equal(one, other.flip(-1))


def test_scenes_come_in_an_order_without_meaning(scenes):
    """The first ones, which are shown and searched, and which `train_images` keeps, are of all groups and grounds."""
    assert set(scenes.test_grounds[:128].tolist()) == set(range(8))
    assert len(set(scenes.train_labels[:200].tolist())) >= 8
    assert len(set(scenes.train_drawings[:128].tolist())) > 100


def test_captions_name_the_drawing_and_the_ground(scenes, root):
    drawn = drawings.read(root)
    said = zip(scenes.captions, scenes.train_drawings, scenes.train_grounds, scenes.train_labels, strict=True)
    for caption, drawing, ground, label in said:
        assert caption == f"{drawn.names[drawing]} on a {list(drawings.GROUNDS)[ground]} ground"
        assert drawn.groups[drawing] == label
    assert len(scenes.test_captions) == len(scenes.test)


@pytest.mark.parametrize("size", [16, *(pytest.param(size, marks=pytest.mark.thorough) for size in (32, 64))])
def test_the_corners_have_the_captions_ground(settings, scenes, size):
    """Of every scene."""
    found = scenes if size == 16 else EmojiScenes(**settings | {"size": size})
    for images, asked in ((found.train, found.train_grounds), (found.test, found.test_grounds)):
        for part, own in zip(images.split(1000), asked.split(1000), strict=True):
            assert ground_accuracy(unit(part), own, found.ground_colours) == 1
            assert ground_accuracy(unit(part), (own + 1) % 8, found.ground_colours) == 0


@pytest.mark.thorough
def test_a_small_scene_is_the_average_of_the_large_one(settings, scenes):
    large = EmojiScenes(**settings | {"size": 64}).test[:300]
    averages = large.double().unfold(2, 4, 4).unfold(3, 4, 4).mean((-1, -2))
    assert (averages - scenes.test[:300]).abs().max() <= 1  # both are rounded


def test_what_is_transparent_has_no_colour():
    """A drawing of two halves, of which one is red and opaque, and the other green and transparent."""
    drawing = np.zeros((1, 64, 64, 4), dtype=np.uint8)
    drawing[:, :, :30, 0] = drawing[:, :, :30, 3] = 255
    drawing[:, :, 30:, 1] = 255
    found = drawings.scene(drawings.shrunk(drawing, 16), "white", mirrored=False)[0]
    assert found[:, 0, 0].tolist() == [255, 0, 0]
    assert found[:, 0, 7].tolist() == [255, 128, 128]  # half of it is transparent
    assert found[:, 0, 15].tolist() == [255, 255, 255]


def test_white_grounds_alone_and_a_part_of_the_scenes(settings, scenes):
    white = EmojiScenes(**settings | {"grounds": "white", "train_images": 200})
    assert len(white.train) == len(white.captions) == len(white.train_along["text"]) == 200
    assert all(caption.endswith(" on a white ground") for caption in white.test_captions)
    assert 8 * len(white.test) == len(scenes.test)
    again = EmojiScenes(**settings)
    assert torch.equal(again.train, scenes.train)
    check_images(white)
    with pytest.raises(ConfigError, match=r"train_images=100: expected 0 \(all\) or 128 to"):
        EmojiScenes(**settings | {"train_images": 100})


# Captions -------------------------------------------------------------------------------------------------------------


def test_vectors_have_length_one_and_are_the_captions_alone(scenes):
    vectors = scenes.train_along["text"]
    assert vectors.shape == (len(scenes.train), 64)
    torch.testing.assert_close(vectors.square().mean(1), torch.ones(len(vectors)))
    again = torch.from_numpy(scenes.encoder([scenes.captions[5], scenes.captions[9]]))
    torch.testing.assert_close(again, vectors[[5, 9]])
    one = next(k for k, caption in enumerate(scenes.captions[1:], 1) if caption == scenes.captions[0])
    assert torch.equal(vectors[0], vectors[one]), "both ways round"
    assert vectors.dtype == torch.float32


def test_vectors_are_fitted_on_the_training_part(scenes):
    fitted = FittedVectors(scenes.captions, 64)
    np.testing.assert_allclose(fitted(scenes.test_captions[:50]), scenes.test_along["text"][:50], atol=1e-5)
    train, test = (
        {word for caption in part for word in words_of(caption)} for part in (scenes.captions, scenes.test_captions)
    )
    assert set(fitted.words) == train
    assert test - train, "of which test captions have others"


def test_the_ground_is_told_apart_from_the_drawings_colour(scenes):
    """A bag of words would give both captions one vector."""
    name = scenes.captions[0].split(" on a ")[0]
    one, other = scenes.encoder([f"red {name} on a blue ground", f"blue {name} on a red ground"])
    assert one @ other < 0.95 * len(one)
    blue = scenes.test_along["text"][scenes.test_grounds == 5].mean(0)
    red = scenes.test_along["text"][scenes.test_grounds == 3].mean(0)
    for vector, own, foreign in ((one, blue, red), (other, red, blue)):
        assert torch.from_numpy(vector) @ own > torch.from_numpy(vector) @ foreign


@pytest.mark.parametrize(("caption", "said"), [("zzground qqq", "Did you mean 'ground'"), ("", "got no word")])
def test_a_caption_of_unknown_words_is_refused_with_the_nearest_known_one(scenes, caption, said):
    with pytest.raises(ConfigError, match=said):
        scenes.encoder.asked(caption)
    assert not scenes.encoder([caption]).any(), "of data, it says nothing"
    assert np.square(scenes.encoder.asked("qqq blue ground")).mean() == pytest.approx(1), "one known word is enough"


def test_ones_own_vectors_are_taken_by_caption(scenes, settings, tmp_path):
    captions = sorted({*scenes.captions, *scenes.test_captions})
    vectors = np.random.default_rng(0).normal(size=(len(captions), 7)).astype(np.float32)
    np.savez(tmp_path / "own.npz", captions=np.array(captions), vectors=vectors)
    own = EmojiScenes(**settings | {"vectors": str(tmp_path / "own.npz"), "text_dim": 7})
    place = captions.index(own.captions[3])
    expected = vectors[place] / np.sqrt(np.square(vectors[place]).mean())
    np.testing.assert_allclose(own.train_along["text"][3], expected, rtol=1e-5)
    assert EmojiScenes.along_of(settings | {"text_dim": 7}) == {"text": (7,)} == own.along
    np.savez(tmp_path / "few.npz", captions=np.array(captions[1:]), vectors=vectors[1:])
    with pytest.raises(ConfigError, match="got no vector for 1 captions") as error:
        EmojiScenes(**settings | {"vectors": str(tmp_path / "few.npz"), "text_dim": 7})
    assert captions[0] in str(error.value)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"captions": np.array(["a"]), "vectors": np.ones((1, 5))}, "data.text_dim=5"),
        ({"captions": np.array(["a", "b"]), "vectors": np.ones((1, 7))}, "captions <U1 (2,), vectors float64 (1, 7)"),
        ({"captions": np.array(["a"]), "vectors": np.full((1, 7), np.nan)}, "not finite"),
        ({"captions": np.array(["a"]), "vectors": np.zeros((1, 7))}, "that are 0"),
        ({"words": np.array(["a"])}, "cannot be read"),
    ],
)
def test_a_file_of_vectors_that_cannot_be_used_is_refused(tmp_path, arrays, said):
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(ConfigError) as error:
        files.check_files({"vectors": str(tmp_path / "own.npz"), "text_dim": 7})
    assert said in str(error.value)


# The file -------------------------------------------------------------------------------------------------------------


def changed(name, value):
    arrays = emoji_files.drawn()
    return {**arrays, name: value(arrays[name])}


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (lambda: changed("images", lambda x: x[:, :32, :32]), "images as uint8 (360, 32, 32, 4)"),
        (lambda: changed("images", lambda x: x.astype(float)), "images as float64"),
        (lambda: changed("name", lambda x: x[:-1]), "name <U13 (359,)"),
        (lambda: changed("group", lambda x: np.where(x == "group 8", "group 7", x)), "got 8 groups, expected 9"),
        (lambda: {name: x[:90] for name, x in emoji_files.drawn().items()}, "got 90 drawings, expected 320"),
        (lambda: {"images": emoji_files.drawn()["images"]}, "cannot be read"),
    ],
)
def test_a_file_of_something_else_is_refused_before_torch(tmp_path, arrays, said):
    (tmp_path / "emoji").mkdir()
    np.savez(tmp_path / drawings.FILE, **arrays())
    with pytest.raises(ConfigError) as error:
        files.check_files({"name": "emoji", "root": str(tmp_path)})
    assert said in str(error.value)
    assert "prepare_emoji.py" in str(error.value)


def test_a_file_that_is_missing_or_cut_off_is_refused_with_the_remedy(tmp_path):
    config = composed("data=emoji", f"data.root={tmp_path}", "num_seeds=1")
    check(config)
    with pytest.raises(ConfigError, match=r"got no emoji/emoji64.npz.*prepare_emoji.py.*data.root=DIR"):
        check_resources(config)
    (tmp_path / "emoji").mkdir()
    np.savez(tmp_path / drawings.FILE, **emoji_files.drawn())
    whole = (tmp_path / drawings.FILE).read_bytes()
    (tmp_path / drawings.FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match="cannot be read"):
        check_resources(config)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("data.size=28", "expected one of: 16, 32, 64"),
        ("data.grounds=pink", "expected one of: all, white"),
        ("data.train_images=100", "data.train_images=100"),
        ("data.train_images=1000000", "data.train_images=1000000"),
        ("batch_size=100000", "batch_size=100000"),
        ("data.text_dim=1", "data.text_dim=1"),
    ],
)
def test_what_cannot_be_is_refused_before_torch(root, setting, said):
    with pytest.raises(ConfigError, match=said):
        check(composed("data=emoji", f"data.root={root}", "num_seeds=1", setting))


def test_more_numbers_than_words_give_are_refused():
    with pytest.raises(ConfigError, match=r"data.text_dim=64: got 2 different captions of 4 words"):
        FittedVectors(["red star", "blue moon", "red star"], 64)


# Measured -------------------------------------------------------------------------------------------------------------


def test_grounds_are_read_from_the_median_of_four_corners():
    colours = torch.tensor([[1.0, 1, 1], [1, 0, 0], [0, 0, 1]])
    pictures = colours[[0, 1, 2, 2]][:, :, None, None].expand(-1, 3, 32, 32).clone()
    pictures[:, :, 4:-4, 4:-4] = 0.5
    pictures[:, :, :2, :2] = 0  # one corner is something else
    assert grounds(pictures, colours).tolist() == [0, 1, 2, 2]
    assert ground_accuracy(pictures, torch.tensor([0, 1, 2, 0]), colours) == 0.75
    pictures[0, 0, 0, 0] = torch.nan
    assert np.isnan(ground_accuracy(pictures, torch.tensor([0, 1, 2, 0]), colours))


def test_a_frame_at_one_corner_does_not_hide_the_ground():
    """The median of all four corners is the ground where the mean is not."""
    colours = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.9, 0.0, 0.3]])
    picture = colours[0][:, None, None].expand(3, 32, 32).clone()
    picture[:, :2, :2] = colours[1][:, None, None]  # a drawing that reaches into a corner
    assert grounds(picture[None], colours).tolist() == [0]
    assert torch.cdist(0.75 * colours[:1] + 0.25 * colours[1:2], colours).argmin() == 2, "the mean's answer"


def test_the_spread_of_one_caption_leaves_wrong_grounds_out():
    colours = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    draws = torch.Generator().manual_seed(0)
    same = torch.rand(2, 6, 3, 32, 32, generator=draws)
    for ground in (0, 1):  # what the corners say
        for corner in (slice(2), slice(-2, None)):
            same[ground, :, :, corner] = colours[ground][:, None, None]
    same[0, 4:] = colours[1][:, None, None]  # two samples of the first caption have the other one's ground
    real = torch.rand(50, 3, 32, 32, generator=draws)
    asked = torch.tensor([0, 1])
    own = [images.double().var(0).mean() for images in (same[0, :4], same[1])]
    expected = ((own[0] + own[1]) / 2 / real.double().var(0).mean()).sqrt()
    assert right_spread(same, asked, colours, real) == pytest.approx(float(expected))
    same[0, 1:4] = colours[1][:, None, None]  # one sample of the first caption is left
    assert right_spread(same, asked, colours, real) == pytest.approx(
        float((own[1] / real.double().var(0).mean()).sqrt())
    )
    assert np.isnan(right_spread(same[:1, :1], asked[:1], colours, real)), "of one sample there is no spread"
    assert np.isnan(right_spread(same.log() * torch.nan, asked, colours, real))


def test_the_judge_is_that_of_the_datas_classes(root):
    """And MNIST's is what it was, whichever data are measured beside it."""
    own = {data: composed(f"data={data}")["evaluation"]["extractor"] for data in ("emoji", "digits", "quantized_emoji")}
    assert own == {"emoji": "emoji_groups", "digits": None, "quantized_emoji": "emoji_groups"}
    kernel = composed("data=emoji", "method=primal_dual", "method.space=features")
    assert kernel["method"]["extractor"] == "emoji_groups"
    assert composed("data=emoji", "evaluation.extractor=null")["evaluation"]["extractor"] is None
    judge = Extractor("emoji_groups")
    assert (judge.dataset, judge.shape, judge.head.out_features) == ("emoji_groups", (3, 32, 32), 9)
    assert judge.sha256 == SHA256["emoji_groups"]
    assert SHIPPED["emoji_groups"].stat().st_size < 700_000
    assert Extractor().sha256 == SHA256["mnist"] == Extractor("mnist").sha256


@pytest.mark.skipif(emoji_files.REAL is None, reason="the real emoji are not at hand (SADDLEGAN_DATA)")
def test_the_judge_reads_held_out_drawings_as_often_as_it_says(settings):
    """At its own size; of 9 groups the largest one has 19 % of the drawings."""
    scenes = EmojiScenes(**settings | {"size": 32})
    judge = Extractor("emoji_groups")
    found = float((judge.see(unit(scenes.test))[1].argmax(-1) == scenes.test_labels).float().mean())
    assert judge.accuracy is not None
    assert found == pytest.approx(judge.accuracy, abs=2e-3)
    assert found > 0.55


@pytest.mark.thorough
@pytest.mark.parametrize(("method", "share"), [("cgan", False), ("captioned", True), ("gan", False)])
def test_a_run_measures_and_shows_scenes(saddlegan, tmp_path, root, settings, method, share):
    """Whether the ground, and the group of the drawing, are those of the caption is measured where captions are given;
    the group also where labels are."""
    words = ("model=flat",) if method == "gan" else ()
    status, output = saddlegan("-m", CONF, "data=emoji", f"data.root={root}", f"method={method}", *words, *RUN)
    assert status == 0, output
    (result,) = results(tmp_path).values()
    assert {"frechet", "classifier_score", "classes_covered"} <= result["final"].keys()
    assert ("ground_accuracy" in result["final"]) is share
    assert result["floors"]["ground_accuracy"] == 1
    assert result["extractor"]["dataset"] == "emoji_groups"
    if share:
        assert 0 <= result["final"]["ground_accuracy"][0] <= 1
    assert ("caption_spread" in result["final"]) is share
    of_groups = {"class_accuracy", "class_variety", "nearest_class_accuracy"}
    assert ("right_spread" in result["final"]) is share
    if "class_accuracy" in result["floors"]:
        assert result["floors"]["class_accuracy"] < 0.8, "of drawings that the judge has not seen"
    for measured in (result["final"], result["floors"]):
        assert of_groups & measured.keys() == (set() if method == "gan" else of_groups)
    folder = next(tmp_path.rglob("samples.npz")).parent
    arrays = np.load(folder / "samples.npz")
    assert arrays["images"].shape == (64, 16, 16, 3)
    assert ("captioned" in arrays) is share
    if share:
        scenes = EmojiScenes(**settings)
        assert arrays["captions"].tolist() == scenes.test_captions[:8]
        assert arrays["captioned"].shape == (8, 1, 7, 16, 16, 3)
        assert (arrays["captioned"][:, 0, 0] == scenes.test[:8].permute(0, 2, 3, 1).numpy()).all()
        assert (folder / "figures" / "captions.png").is_file()
    (report,) = tmp_path.rglob("report.md")
    assert f"it reads {result['extractor']['accuracy']:.1%} right" in report.read_text()


def test_captions_go_with_samples_and_the_asked_grounds_are_theirs(root):
    """What a generator that draws the ground of its caption would be given: the first test captions, in order."""
    from saddlegan.engine.build import evaluation

    config = composed(SEARCHED, "data=emoji", f"data.root={root}", "method=captioned", *RUN)
    check(config)
    module, data = build(config)
    evaluate = evaluation(data, config)
    evaluate.fakes(module)
    scenes = data.examples
    torch.testing.assert_close(evaluate.given["text"][0], scenes.test_along["text"][:128])
    assert torch.equal(evaluate.beside["asked_grounds"], scenes.test_grounds[:128])
    assert torch.equal(evaluate.offered(module(evaluate.given))["asked"], scenes.test_labels[:128])
    config = composed(SEARCHED, "data=emoji", f"data.root={root}", "method=captioned", *RUN, "evaluation.samples=2600")
    evaluate = evaluation(data, config)
    evaluate.fakes(module)
    count = len(scenes.test)
    at = 2590 % count  # beyond the scenes whose images are searched
    torch.testing.assert_close(evaluate.given["text"][0, 2590], scenes.test_along["text"][at])
    assert evaluate.beside["asked_grounds"][2590] == scenes.test_grounds[at]
    assert evaluate.offered(module(evaluate.given))["asked"][2590] == scenes.test_labels[at]


# Few colours ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quantized(settings):
    return QuantizedEmoji(**settings | {"grounds": "white"}, colours=8)


def test_pixels_have_the_nearest_of_few_colours(quantized, settings):
    full = EmojiScenes(**settings | {"grounds": "white"})
    assert len(quantized.train.movedim(1, -1).flatten(0, 2).unique(dim=0)) == 8
    shades = (quantized.palette * 255).round()
    pixels, found = (of.test[:50].movedim(1, -1).flatten(0, 2).double() for of in (full, quantized))
    least = (pixels[:, None] - shades).square().sum(-1).amin(-1)
    torch.testing.assert_close((pixels - found).square().sum(-1), least)  # of two that are as near it is either
    assert (full.test.float() - quantized.test.float()).abs().mean() < 20
    x = quantized.values(quantized.test[:50])
    assert x.shape == (50, 8, 16, 16)
    assert (x.sum(1) == 1).all()
    torch.testing.assert_close(quantized.pictures(x), unit(quantized.test[:50]))
    assert QuantizedEmoji.shape_of({"colours": 8, "size": 16}) == (8, 16, 16)


def test_expectations_of_colours_are_their_mixtures(quantized):
    x = torch.zeros(2, 8, 16, 16)
    x[:, 1], x[:, 7] = 0.25, 0.75
    expected = 0.25 * quantized.palette[1] + 0.75 * quantized.palette[7]
    torch.testing.assert_close(quantized.pictures(x)[1, :, 3, 4], expected)
    assert quantized.pictures(x[None]).shape == (1, 2, 3, 16, 16)


@pytest.mark.thorough
def test_a_discrete_method_draws_emoji_in_few_colours(saddlegan, tmp_path, root):
    words = ("data=quantized_emoji", f"data.root={root}", "method=bgan_discrete", "method.num_samples=3",
             "model.generator.width=4", "model.discriminator.width=4", "evaluation.metrics.fresh=null")  # fmt: skip
    status, output = saddlegan(*words, *RUN)
    assert status == 0, output
    (result,) = results(tmp_path).values()
    assert {"frechet", "expected_frechet", "expected_classes"} <= result["final"].keys()
    (folder,) = (path.parent for path in tmp_path.rglob("result.json"))
    shown = np.load(folder / "samples.npz")["images"]
    assert shown.shape == (64, 16, 16, 3)
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) <= 16
    assert commands.sample([str(folder), "n=9"]) == 0
    with Image.open(folder / "figures" / "sample-9.png") as picture:
        seen = np.asarray(picture.convert("RGB")).astype(int)
    assert (seen.max(-1) - seen.min(-1) > 60).any(), "in colour"
    assert json.loads((folder / "result.json").read_text())["extractor"]["dataset"] == "emoji_groups"


# The file is made -----------------------------------------------------------------------------------------------------

NAMES = """
# group: Smileys & Emotion
# subgroup: face-smiling
1F600                                                  ; fully-qualified     # 😀 E1.0 grinning face
263A FE0F                                              ; fully-qualified     # ☺️ E0.6 smiling face
263A                                                   ; unqualified         # ☺ E0.6 smiling face
1F44B 1F3FB                                            ; fully-qualified     # 👋🏻 E1.0 waving hand: light skin tone
# group: Flags
# subgroup: flag
1F3C1                                                  ; fully-qualified     # 🏁 E0.6 chequered flag
1F6A9                                                  ; fully-qualified     # 🚩 E0.6 triangular flag
"""


def test_names_of_one_code_point_are_listed_with_their_groups():
    found = list(prepare_emoji.listed(NAMES))
    assert [emoji.codepoint for emoji in found] == [0x1F600, 0x263A, 0x1F3C1, 0x1F6A9]
    assert found[1] == (0x263A, "smiling face", "Smileys & Emotion", "face-smiling")
    assert found[2].group == "Flags"


METRICS = "".join(f'<{name} value="{value}"/>' for name, value in
                  {"height": 8, "width": 8, "BearingX": 0, "BearingY": 0, "Advance": 8}.items())  # fmt: skip
LINES = "".join(
    f'<sbitLineMetrics direction="{way}">'
    + "".join(
        f'<{name} value="0"/>'
        for name in (
            *("ascender", "descender", "widthMax", "caretSlopeNumerator", "caretSlopeDenominator", "caretOffset"),
            *("minOriginSB", "minAdvanceSB", "maxBeforeBL", "minAfterBL", "pad1", "pad2"),
        )
    )
    + "</sbitLineMetrics>"
    for way in ("hori", "vert")
)
SIZES = {"colorRef": 0, "startGlyphIndex": 1, "endGlyphIndex": 2, "ppemX": 8, "ppemY": 8, "bitDepth": 32, "flags": 1}


def tiny_font(path, pictures):
    """A font with bitmaps of some code points, from fontTools' own description."""
    from fontTools.fontBuilder import FontBuilder

    names = {f"u{point:X}": picture for point, picture in sorted(pictures.items())}
    sizes = "".join(f'<{name} value="{value}"/>' for name, value in SIZES.items())
    places = "".join(f'<glyphLoc id="{place}" name="{name}"/>' for place, name in enumerate(names, 1))
    data = ""
    for name, picture in names.items():
        png = io.BytesIO()
        picture.save(png, "PNG")
        data += (
            f'<cbdt_bitmap_format_17 name="{name}"><SmallGlyphMetrics>{METRICS}</SmallGlyphMetrics>'
            f"<rawimagedata>{png.getvalue().hex()}</rawimagedata></cbdt_bitmap_format_17>"
        )
    text = (
        '<ttFont sfntVersion="\\x00\\x01\\x00\\x00"><CBLC><header version="3.0"/><strike index="0">'
        f"<bitmapSizeTable>{LINES}{sizes}</bitmapSizeTable>"
        f'<eblc_index_sub_table_1 imageFormat="17" firstGlyphIndex="1" lastGlyphIndex="{len(names)}">{places}'
        '</eblc_index_sub_table_1></strike></CBLC><CBDT><header version="3.0"/><strikedata index="0">'
        f"{data}</strikedata></CBDT></ttFont>"
    )
    builder = FontBuilder(1024, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names])
    builder.setupCharacterMap({int(name[1:], 16): name for name in names})
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names], (1024, 0)))
    builder.setupHorizontalHeader()
    builder.setupPost()
    builder.setupMaxp()
    builder.font.importXML(io.StringIO(text))
    builder.save(path)
    return path


def test_drawings_are_read_from_a_font_with_bitmaps(tmp_path, capsys):
    """Padded to a square, and resized: a red one of 136 x 128 as in the real font, and one that nobody names."""
    pytest.importorskip("fontTools", reason="fontTools is not at hand (pip install saddlegan[zoo])")
    font = tiny_font(tmp_path / "tiny.ttf", {0x1F600: Image.new("RGBA", (136, 128), (200, 30, 30, 255)),
                                             0x1F603: Image.new("RGBA", (136, 128))})  # fmt: skip
    (tmp_path / "names.txt").write_text(NAMES)
    words = ["--font", str(font), "--names", str(tmp_path / "names.txt"), str(tmp_path / "made" / "emoji64.npz")]
    assert prepare_emoji.main(words) == 0
    made = np.load(tmp_path / "made" / "emoji64.npz")
    assert {name: made[name].tolist() for name in ("codepoint", "name", "group", "subgroup")} == {
        "codepoint": [0x1F600], "name": ["grinning face"], "group": ["Smileys & Emotion"], "subgroup": ["face-smiling"],
    }  # fmt: skip
    (image,) = made["images"]
    assert image.shape == (64, 64, 4)
    assert image.dtype == np.uint8
    assert (image[4:-4, 4:-4] == (200, 30, 30, 255)).all()
    assert (image[0, :, 3] < 10).all(), "a row of padding above"
    assert (image[:, 0, 3][4:-4] == 255).all(), "and none at the sides"
    seen = image[image[..., 3] > 20].astype(int)
    assert np.abs(seen[:, :3] - (200, 30, 30)).max() <= 2, "no black fringe where the padding begins"
    (tmp_path / "names.txt").write_text("nothing")
    for changed, said in (
        (words, "no emoji of"),
        ([*words[:-1], "a.txt"], "expected .npz"),
        (["--font", "nowhere.ttf", words[-1]], "apt-get install fonts-noto-color-emoji"),
    ):
        assert prepare_emoji.main(changed) == 2
        assert said in capsys.readouterr().err


@pytest.mark.thorough
@pytest.mark.skipif(
    emoji_files.REAL is None or not prepare_emoji.FONT.is_file() or not prepare_emoji.NAMES.is_file(),
    reason="the real emoji, or Debian's packages fonts-noto-color-emoji and unicode-data, are not at hand",
)
def test_the_real_font_gives_the_real_file(tmp_path):
    pytest.importorskip("fontTools", reason="fontTools is not at hand (pip install saddlegan[zoo])")
    made, real = (
        prepare_emoji.arrays_of(prepare_emoji.FONT, prepare_emoji.NAMES),
        np.load(emoji_files.REAL / drawings.FILE),
    )
    assert len(made["name"]) >= 1300  # another release of the font has others
    same = np.intersect1d(made["codepoint"], real["codepoint"], return_indices=True)[1:]
    assert (made["name"][same[0]] == real["name"][same[1]]).all()
    assert np.abs(made["images"][same[0]].astype(int) - real["images"][same[1]]).mean() < 5
