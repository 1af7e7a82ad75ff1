"""A user's own folder of pictures: what is read of it, and what is refused before torch is imported."""

import csv
import json
import shutil
import unicodedata

import numpy as np
import pytest
import torch
from conftest import ROOT, composed, results
from PIL import Image

from saddlegan.checks import ConfigError
from saddlegan.commands import sample
from saddlegan.config.schema import check
from saddlegan.data import listing
from saddlegan.data.folder import ImagesFolder, pixels
from saddlegan.data.images import check_images
from saddlegan.resources import check_resources

CONF = f"--config-dir={ROOT / 'tests' / 'conf'}"
SEARCHED = f"hydra.searchpath=[{ROOT / 'tests' / 'conf'}]"
SETTINGS = {"size": 16, "channels": 3, "held_out": 3, "text_dim": 8, "vectors": None}
CLASSES = {"apples": (200, 40, 40), "leaves": (40, 160, 60), "skies": (60, 90, 220)}
EACH = 140
LOOKS = ("dark", "bright", "pale", "old", "new")
RUN = ("num_seeds=1", "iterations=3", "batch_size=8", "evaluation.every=3", "evaluation.samples=128",
       "evaluation.figures=0", "data.held_out=3", "data.text_dim=8")  # fmt: skip


def painted(folder, classes=CLASSES, each=EACH, captions=True):
    """Pictures of a colour with noise, 24 x 20, in a folder for each class; their captions."""
    rng, rows = np.random.default_rng(0), []
    for name, colour in classes.items():
        (folder / name).mkdir(parents=True)
        for number in range(each):
            noise = rng.integers(-30, 30, (20, 24, 3))
            path = folder / name / f"{number:03}.png"
            Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8)).save(path)
            rows.append((f"{name}/{path.name}", f"{LOOKS[number % 5]} {name} outside"))
    if captions:
        write(folder, rows)
    return folder


def write(folder, rows, head=("file", "caption")):
    with (folder / "captions.csv").open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return painted(tmp_path_factory.mktemp("own") / "garden")


@pytest.fixture(scope="module")
def images(folder):
    return ImagesFolder(folder=str(folder), **SETTINGS)


@pytest.fixture
def copy(folder, tmp_path):
    """The same files, to spoil, and what is said of them."""
    import shutil

    listing._listing.cache_clear()
    return shutil.copytree(folder, tmp_path / "garden")


def refused(folder, **changed):
    listing._listing.cache_clear()
    config = composed("data=images_folder", f"data.folder={folder}", *RUN, "data.size=16",
                      *(f"data.{key}={value}" for key, value in changed.items()))  # fmt: skip
    try:
        check(config)
        check_resources(config)
    except ConfigError as error:
        return str(error)
    pytest.fail("it is not refused")


# What is read ---------------------------------------------------------------------------------------------------------


def test_classes_are_the_subfolders_and_every_third_picture_is_for_test(images, folder):
    check_images(images)
    assert ImagesFolder.class_names_of(SETTINGS | {"folder": str(folder)}) == list(CLASSES)
    assert len(images.test) == 3 * (EACH // 3)
    assert len(images.train) + len(images.test) == 3 * EACH
    assert images.train_labels.bincount().tolist() == [EACH - EACH // 3] * 3
    for pictures, labels in ((images.train, images.train_labels), (images.test, images.test_labels)):
        means = pictures.float().mean((2, 3))
        for label, colour in enumerate(CLASSES.values()):
            assert (means[labels == label] - torch.tensor(colour)).abs().max() < 15
    expected = pixels(folder / "apples" / "002.png", 16, 3)
    assert any(np.array_equal(image.movedim(0, -1).numpy(), expected) for image in images.test)


def test_the_first_pictures_are_of_all_classes(images):
    """What looks at the first ones (floors, samples that are asked for, pictures that are shown) sees all of them."""
    for labels in (images.train_labels, images.test_labels):
        assert labels[:64].bincount(minlength=3).min() > 10


def test_captions_come_along_as_vectors_of_their_pictures(images):
    assert images.captions.count("dark apples outside") == images.captions.count("dark skies outside") > 10
    for captions, labels, along in (
        (images.captions, images.train_labels, images.train_along),
        (images.test_captions, images.test_labels, images.test_along),
    ):
        assert [caption.split()[1] for caption in captions] == [list(CLASSES)[label] for label in labels]
        torch.testing.assert_close(along["text"], torch.from_numpy(images.encoder(captions)))
        torch.testing.assert_close(along["text"].square().mean(1), torch.ones(len(captions)))


def test_captions_of_rare_words_say_nothing_and_it_is_told(tmp_path):
    """A test picture's word that no training picture has, and one that few numbers do not hold, stop no training."""
    folder = painted(tmp_path / "rare", captions=False)
    names = [f"{name}/{number:03}.png" for name in CLASSES for number in range(EACH)]
    said = {name: f"{LOOKS[place % 5]} {name.split('/')[0]}" for place, name in enumerate(names)}
    alone, unseen = names[0], names[2]  # the third of a class is a test picture
    write(folder, [*(said | {alone: "gorilla", unseen: "firecracker"}).items()])
    images = ImagesFolder(folder=str(folder), **SETTINGS | {"text_dim": 6})
    silent = [
        [caption for caption, vector in zip(captions, along["text"], strict=True) if not vector.any()]
        for captions, along in ((images.captions, images.train_along), (images.test_captions, images.test_along))
    ]
    assert silent == [["gorilla"], ["firecracker"]]
    train, test = len(images.train), len(images.test)
    (told,) = images.advice(("text",))
    assert f"captions of 1 of {train} training pictures and of 1 of {test} test pictures say nothing" in told
    assert images.advice(("label",)) == [], "to a method that is given no captions it is no matter"
    with pytest.raises(ConfigError, match="only words that no training caption has"):
        images.encoder.asked("firecracker")
    with pytest.raises(ConfigError, match=r"words that are too rare for \d+ numbers \(gorilla\)"):
        images.encoder.asked("gorilla")
    assert images.encoder.asked("bright apples").any()


def test_sizes_and_shapes_are_known_without_decoding_pictures(folder, monkeypatch):
    def refused(*_):
        raise AssertionError("a picture is decoded")

    monkeypatch.setattr(Image.Image, "load", refused)
    data = SETTINGS | {"folder": str(folder), "channels": 1}
    assert ImagesFolder.sizes_of(data) == {"label": 3}
    assert ImagesFolder.along_of(data) == {"text": (8,)}
    assert ImagesFolder.shape_of(data) == (1, 16, 16)


def test_pictures_without_subfolders_have_no_labels(tmp_path):
    painted(tmp_path, {"all": (9, 99, 200)}, each=300, captions=False)
    images = ImagesFolder(folder=str(tmp_path / "all"), **SETTINGS | {"held_out": 2, "channels": 1})
    check_images(images)
    assert images.train.shape == (150, 1, 16, 16)
    assert (images.sizes, images.along, images.classes, images.train_labels) == ({}, {}, None, None)
    lacks = {
        "cgan": ("no label (its folder has no subfolders", "into a subfolder"),
        "captioned": ("no text", "captions.csv"),
    }
    for method, missing in lacks.items():
        config = composed(SEARCHED, "data=images_folder", f"data.folder={tmp_path / 'all'}", f"method={method}", *RUN,
                          "data.held_out=2", "data.size=16")  # fmt: skip
        with pytest.raises(ConfigError) as error:
            check(config)
        assert all(words in str(error.value) for words in missing)


def test_a_picture_is_cut_in_its_middle_and_averaged(tmp_path):
    """Red at both ends, a square of stripes between: they are averaged to grey; what is transparent is on white."""
    wide = np.zeros((64, 128, 3), dtype=np.uint8)
    wide[:, :, 0] = 255
    wide[:, 32:96] = np.where(np.arange(64) % 2, 255, 0)[:, None]
    Image.fromarray(wide).save(tmp_path / "wide.png")
    found = pixels(tmp_path / "wide.png", 16, 3).astype(int)
    assert np.abs(found[2:-2, 2:-2] - 127.5).max() < 12
    assert np.abs(found[..., 0] - found[..., 1]).max() <= 1, "nothing of the red ends"
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (pixels(tmp_path / "clear.png", 8, 3) == 255).all()
    Image.fromarray(wide[..., 0]).save(tmp_path / "grey.webp", lossless=True)
    assert pixels(tmp_path / "grey.webp", 16, 1).shape == (16, 16, 1)
    turned = Image.new("RGB", (20, 10), "black")
    turned.paste("white", (10, 0, 20, 10))
    exif = turned.getexif()
    exif[0x0112] = 6  # the camera was turned: the right end is the lower one
    turned.save(tmp_path / "turned.png", exif=exif)
    upright = pixels(tmp_path / "turned.png", 10, 1)[..., 0]
    assert upright[:3].max() < 50 < 200 < upright[-3:].min()


def test_a_picture_of_more_than_8_bits_is_refused(copy):
    """Pillow would make nearly all of it white."""
    deep = np.linspace(0, 65535, 400).astype(np.uint16).reshape(20, 20)
    Image.fromarray(deep).save(copy / "leaves" / "000.png")
    with pytest.raises(ConfigError, match=r"got 000.png, which cannot be read .*I;16.*save it with 8"):
        ImagesFolder(folder=str(copy), **SETTINGS)


# What is refused ------------------------------------------------------------------------------------------------------


def test_what_a_run_began_with_is_not_for_the_user_to_say(folder):
    with pytest.raises(ConfigError, match=r"data\.found="):
        listing.found({"folder": str(folder), "found": {"cats": 3}})


def test_a_folder_that_is_not_there_is_named(tmp_path):
    assert "got No such file or directory, expected a folder of pictures" in refused(tmp_path / "nowhere")


def test_a_file_that_is_no_picture_is_named(copy):
    (copy / "leaves" / "notes.txt").write_text("no picture")
    assert "got notes.txt, which is no picture" in refused(copy)
    (copy / "leaves" / "notes.txt").rename(copy / "leaves" / "zz.jpg")
    assert "got zz.jpg, which cannot be opened" in refused(copy)
    (copy / "leaves" / "zz.jpg").unlink()
    (copy / "leaves" / ".hidden").write_text("left alone")
    assert "data.size=20" in refused(copy, size=32), "and the first picture is smaller"
    (copy / "one.png").write_bytes((copy / "leaves" / "000.png").read_bytes())
    assert "got one.png beside 3 subfolders" in refused(copy)


def test_a_picture_that_is_cut_off_is_named(copy):
    path = copy / "skies" / "050.png"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ConfigError, match=r"got 050.png, which cannot be read .*expected whole pictures"):
        ImagesFolder(folder=str(copy), **SETTINGS)


def test_an_empty_class_and_too_few_pictures_are_refused(copy):
    (copy / "stones").mkdir()
    assert "got 0 pictures in the class stones, expected 3 or more" in refused(copy)
    (copy / "stones").rmdir()
    said = refused(copy, held_out=10)
    assert "378 training pictures and 42 test pictures" in said
    assert "data.held_out=3 holds more out" in said
    assert "more pictures" in refused(painted(copy / "few", each=20, captions=False))
    said = refused(painted(copy / "many", dict.fromkeys("abcdefghij", (9, 9, 9)), each=64, captions=False), held_out=10)
    assert "data.held_out=4 holds more out" in said, "of 64 pictures every fifth are 12"


def test_captions_and_pictures_that_do_not_fit_are_refused(copy):
    rows = list(csv.reader((copy / "captions.csv").open()))[1:]
    write(copy, rows[:-2])
    assert "got no caption of skies/138.png, as of 2 pictures" in refused(copy)
    write(copy, [*rows, ("skies/none.png", "a sky")])
    assert "got a caption of skies/none.png, which is not there" in refused(copy)
    write(copy, [*rows[:-1], (rows[-1][0], " ")])
    assert "got no caption of skies/139.png, as of 1 pictures" in refused(copy)
    write(copy, rows, head=("picture", "text"))
    assert "got captions.csv with picture, text, expected file,caption" in refused(copy)
    write(copy, [*rows, (rows[0][0], "another")])
    assert f"got 2 captions of {rows[0][0]}, expected one for each picture" in refused(copy)
    write(copy, [*rows, ("/elsewhere/1.png", "another")])
    assert "got a caption of /elsewhere/1.png, which is not there" in refused(copy)
    write(copy, rows)
    (copy / "captions.csv").write_bytes(b"\xef\xbb\xbf" + (copy / "captions.csv").read_bytes())
    assert len(ImagesFolder(folder=str(copy), **SETTINGS).captions) > 0, "as Excel writes UTF-8"
    (copy / "captions.csv").write_bytes(b"file,caption\n\xff\xfe")
    assert "got captions.csv that cannot be read" in refused(copy)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_captions_are_read_as_spreadsheets_write_them(copy, separator):
    """Semicolons, capitals and spaces in the head, backslashes in paths, empty rows, and letters of two characters."""
    (copy / "apples").rename(copy / unicodedata.normalize("NFD", "äpfel"))
    rows = list(csv.reader((copy / "captions.csv").read_text().splitlines()))[1:]
    rows = [[name.replace("apples", "äpfel").replace("/", "\\"), f"{said}, too"] for name, said in rows]
    with (copy / "captions.csv").open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=separator).writerows([["File ", " Caption"], *rows, ["", ""]])
    listing._listing.cache_clear()
    images = ImagesFolder(folder=str(copy), **SETTINGS)
    assert images.captions.count("dark apples outside, too") > 10
    assert len(images.captions) == len(images.train)


@pytest.mark.thorough
def test_a_run_goes_on_and_is_asked_with_the_pictures_that_it_began_with(saddlegan, tmp_path, copy, capfd):
    """Classes by another name are other numbers, and other captions other vectors."""
    words = ("-m", CONF, "data=images_folder", f"data.folder={copy}", "method=cgan", *RUN, "data.size=16")
    assert saddlegan(*words)[0] == 0
    (run,) = (path.parent for path in tmp_path.rglob("result.json"))
    assert sample([str(run), "label=leaves", "n=2", f"output={tmp_path / 'a.npz'}"]) == 0
    assert sample([str(run), "label=1", "n=2", f"output={tmp_path / 'b.npz'}"]) == 0
    with np.load(tmp_path / "a.npz") as one, np.load(tmp_path / "b.npz") as other:
        assert np.array_equal(one["samples"], other["samples"])
    assert sample([str(run), "label=leaf", "n=2"]) == 2
    assert "expected 0 to 2, 0 apples, 1 leaves, 2 skies. Did you mean 'leaves'?" in capfd.readouterr().err
    (run / "result.json").unlink()
    (copy / "apples").rename(copy / "zebras")
    write(
        copy,
        [(f"{name}/{n:03}.png", "dark apples outside") for name in ("leaves", "skies", "zebras") for n in range(EACH)],
    )
    listing._listing.cache_clear()
    status, output = saddlegan(*words)
    assert status != 0
    assert "data.found.digest" in output
    config = json.loads((run / "config.json").read_text())["data"]
    with pytest.raises(ConfigError, match="other names, classes or captions"):
        ImagesFolder(**{key: value for key, value in config.items() if not key.startswith("_")})


@pytest.mark.thorough
@pytest.mark.parametrize("change", ["renamed", "another class", "gone"])
def test_a_run_knows_its_classes_whatever_became_of_its_pictures(saddlegan, tmp_path, copy, capfd, change):
    words = ("-m", CONF, "data=images_folder", f"data.folder={copy}", "method=cgan", *RUN, "data.size=16")
    assert saddlegan(*words)[0] == 0
    (run,) = (path.parent for path in tmp_path.rglob("result.json"))
    for name in ("before", "after"):
        assert sample([str(run), "label=leaves", "n=2", f"output={tmp_path / name}.npz"]) == 0, capfd.readouterr().err
        if name == "before" and change == "renamed":
            (copy / "apples").rename(copy / "zebras")
        elif name == "before" and change == "another class":
            shutil.copytree(copy / "apples", copy / "bees")
        elif name == "before":
            shutil.rmtree(copy)
        listing._listing.cache_clear()
    with np.load(tmp_path / "before.npz") as one, np.load(tmp_path / "after.npz") as other:
        assert np.array_equal(one["samples"], other["samples"])
    assert sample([str(run), "label=zebras", "n=2"]) == 2
    assert "0 apples, 1 leaves, 2 skies" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("setting", "said"),
    [("size=4", "data.size=4"), ("channels=2", "expected one of: 1, 3"), ("held_out=1", "data.held_out=1")],
)
def test_settings_out_of_their_range_are_refused(folder, setting, said):
    key, value = setting.split("=")
    assert said in refused(folder, **{key: value})


def test_a_minibatch_larger_than_the_folder_is_refused_before_torch(folder):
    with pytest.raises(ConfigError, match="batch_size=1000"):
        check(composed("data=images_folder", f"data.folder={folder}", *RUN, "data.size=16", "batch_size=1000"))


# Runs -----------------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize(("method", "size", "channels"), [("cgan", 20, 3), ("captioned", 16, 1), ("gan", 12, 1)])
def test_ones_own_pictures_train_with_one_command(saddlegan, tmp_path, folder, method, size, channels):
    """Given their classes, or their captions, or nothing; no judge knows their classes."""
    words = (
        f"method={method}",
        f"data.size={size}",
        f"data.channels={channels}",
        *(["model=flat"] * (method == "gan")),
    )
    status, output = saddlegan("-m", CONF, "data=images_folder", f"data.folder={folder}", *RUN, *words)
    assert status == 0, output
    (result,) = results(tmp_path).values()
    assert np.isfinite(result["final"]["frechet"]).all()
    assert not {"classes_covered", "classifier_score"} & result["final"].keys()
    assert result["extractor"]["dataset"] == "mnist"
    arrays = np.load(next(tmp_path.rglob("samples.npz")))
    assert arrays["images"].shape == (64, size, size) + (3,) * (channels == 3)
    assert list(arrays.get("class_names", ())) == (list(CLASSES) if method == "cgan" else [])


def test_runs_of_other_folders_are_other_runs(folder, copy):
    """The folder decides what a run computes, unlike `data.root`, where known files lie."""
    from saddlegan.identity import fingerprint

    one, other = (fingerprint(composed("data=images_folder", f"data.folder={path}")) for path in (folder, copy))
    assert one != other
