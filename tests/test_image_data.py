"""Image sets: what is in memory, in which order it comes, and what is said where files are missing or damaged."""

import pickle

import numpy as np
import pytest
import torch
from conftest import MNIST_ROOT, needs_mnist
from torchvision import datasets

from saddlegan.checks import ConfigError
from saddlegan.data import files
from saddlegan.data.images import Cifar10, ImageSet, check_images, unit
from saddlegan.data.sets import SetData

#: What torchvision and the suite say of CIFAR-10's files.
KNOWN_CIFAR10, CIFAR10_SUMS = datasets.CIFAR10.__dict__.copy(), dict(files.CIFAR10_MD5)

DIGITS = {"name": "digits", "root": "", "download": False, "train_images": 0}
SPANS = {"batch_size": 100, "draws": 2, "iterations": 100, "evaluate_every": 50}


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return ImageSet(**DIGITS)


def indices(images: ImageSet, seed: int, first: int, last: int) -> list[list[int]]:
    return [list(batch) for batch in SetData(images, seeds=[seed], **SPANS).indices(first, last)]


def test_digits_are_real_apart_and_in_range(digits):
    assert digits.train.shape == (1348, 1, 28, 28)
    assert digits.test.shape == (449, 1, 28, 28)
    pixels = unit(torch.cat([digits.train, digits.test]))
    assert (float(pixels.min()), float(pixels.max())) == (0.0, 1.0)
    both = {image.numpy().tobytes() for image in digits.train} & {image.numpy().tobytes() for image in digits.test}
    assert not both


def test_an_epoch_is_a_permutation_and_minibatches_do_not_overlap(digits):
    batches = indices(digits, 0, 0, 13)  # 1348 images: 13 whole minibatches of 100
    assert len({index for batch in batches for index in batch}) == 1300
    assert batches != indices(digits, 0, 13, 26)
    assert batches != indices(digits, 1, 0, 13)


def test_minibatches_are_a_function_of_seed_and_place_not_of_history(digits):
    """Starting anywhere gives what a run from the start gives there, across the border of an epoch."""
    whole = indices(digits, 3, 0, 40)
    assert indices(digits, 3, 12, 15) == whole[12:15]
    assert indices(digits, 3, 39, 40) == whole[39:40]


def test_a_subset_is_the_first_images(digits):
    few = ImageSet(**DIGITS | {"train_images": 200})
    assert torch.equal(few.train, digits.train[:200])
    with pytest.raises(ConfigError, match="more than the 1348 images"):
        ImageSet(**DIGITS | {"train_images": 1349})
    assert torch.equal(ImageSet(**DIGITS | {"train_images": 1348}).train, digits.train)


def test_a_minibatch_larger_than_the_data_is_refused(digits):
    with pytest.raises(ConfigError, match="Remedy: batch_size=1348 or less"):
        SetData(digits, seeds=[0], **SPANS | {"batch_size": 1349})


@needs_mnist
def test_mnist_is_whole_and_its_pixels_have_the_known_distances():
    mnist = ImageSet(name="mnist", root=str(MNIST_ROOT), download=False, train_images=50_000)
    assert (len(mnist.train), len(mnist.validation), len(mnist.test)) == (50_000, 10_000, 10_000)
    assert not torch.equal(mnist.train[-1], mnist.validation[-1])
    points = unit(mnist.test[:1000]).flatten(1)
    assert float(torch.pdist(points).median()) == pytest.approx(9.9, abs=0.3)


# Files ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """Files of the right sizes for KMNIST, whose content is not checked."""
    files._check_set.cache_clear()
    raw = tmp_path / "KMNIST" / "raw"
    raw.mkdir(parents=True)
    for name, size in files.SIZES.items():
        with (raw / name).open("wb") as file:
            file.truncate(size)
    return raw


def check(root, name="kmnist", download=False):
    files.check_files({"name": name, "root": str(root), "download": download})


def test_missing_files_are_named_with_both_remedies(tmp_path):
    with pytest.raises(ConfigError) as error:
        check(tmp_path, "mnist")
    for words in ("train-images-idx3-ubyte", "data.root=DIR", "data.download=true", "data=digits"):
        assert words in str(error.value)


def test_without_network_a_download_fails_with_the_same_remedies(tmp_path, monkeypatch):
    def no_network(*_, **__):
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")

    monkeypatch.setattr("torchvision.datasets.MNIST.download", no_network)
    with pytest.raises(ConfigError, match=r"the download failed: Error downloading.*data=digits needs neither"):
        ImageSet(name="mnist", root=str(tmp_path), download=True, train_images=0)


def test_a_truncated_file_is_named(folder):
    check(folder.parents[1])
    files._check_set.cache_clear()
    with (folder / "t10k-images-idx3-ubyte").open("rb+") as file:
        file.truncate(1000)
    with pytest.raises(ConfigError, match="t10k-images-idx3-ubyte: got 1000 bytes, expected 7840016"):
        check(folder.parents[1])


@pytest.mark.parametrize("name", files.SIZES)
@pytest.mark.parametrize("difference", [-1, 1])
def test_each_file_has_its_size_to_the_byte(folder, name, difference):
    with (folder / name).open("rb+") as file:
        file.truncate(files.SIZES[name] + difference)
    with pytest.raises(ConfigError, match=f"{name}: got {files.SIZES[name] + difference} bytes"):
        check(folder.parents[1])


def test_a_tilde_in_the_root_is_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parents[2]))
    check(f"~/{folder.parents[1].name}")
    with_headers(folder)
    images = ImageSet(name="kmnist", root=f"~/{folder.parents[1].name}", download=False, train_images=0)
    assert len(images.train) == 60_000


def test_an_altered_file_is_named(folder):
    folder.parent.rename(folder.parents[1] / "MNIST")
    with pytest.raises(ConfigError, match=r"train-images-idx3-ubyte: got MD5 .*it was altered"):
        check(folder.parents[1], "mnist")


def test_mnist_under_another_name_is_named(folder, monkeypatch):
    own = {name: files.hashlib.md5((folder / name).read_bytes()).hexdigest() for name in files.SIZES}
    monkeypatch.setattr(files, "MNIST_MD5", own)
    with pytest.raises(ConfigError, match="got the file of MNIST, expected that of KMNIST"):
        check(folder.parents[1])


def test_a_folder_without_read_rights_is_named(folder, monkeypatch):
    def refused(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.listdir", refused)
    with pytest.raises(ConfigError, match="got Permission denied, expected files that can be read"):
        check(folder.parents[1])


def with_headers(folder):
    """Give the four files the headers of their kinds; the first image's first pixels count up."""
    for name, magic, count in (
        ("train-images-idx3-ubyte", 2051, 60_000),
        ("t10k-images-idx3-ubyte", 2051, 10_000),
        ("train-labels-idx1-ubyte", 2049, 60_000),
        ("t10k-labels-idx1-ubyte", 2049, 10_000),
    ):
        with (folder / name).open("rb+") as file:
            file.write(np.array([magic, count] + [28, 28] * (magic == 2051), dtype=">i4").tobytes())
    with (folder / "train-images-idx3-ubyte").open("rb+") as file:
        file.seek(16)
        file.write(bytes(range(200)))
        for image in (49_999, 50_000, 59_999):
            file.seek(16 + image * 784)
            file.write(bytes([7, image % 251]))


def test_whole_files_are_read_as_torchvision_reads_them(folder):
    """The validation images are the last 10 000 for training, whatever is trained on."""
    with_headers(folder)
    for count, last in ((0, 59_999), (50_000, 49_999)):
        images = ImageSet(name="kmnist", root=str(folder.parents[1]), download=False, train_images=count)
        assert images.train[0].flatten()[:200].tolist() == list(range(200))
        assert images.train[-1].flatten()[:2].tolist() == [7, last % 251]
        assert images.validation is not None
        found = [images.validation[place].flatten()[:2].tolist() for place in (0, -1)]
        assert found == [[7, 50_000 % 251], [7, 59_999 % 251]]
        assert len(images.validation) == 10_000


# CIFAR-10 ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def cifar10(tmp_path, monkeypatch):
    """Its files with 40 images each, and their sums in the place of the real ones; the first pixel says which image."""
    files._check_set.cache_clear()
    folder = tmp_path / files.FOLDERS["cifar10"]
    folder.mkdir()
    sums = {}
    for at, name in enumerate(files.CIFAR10_MD5):
        pixels = np.zeros((40, 3, 32, 32), dtype=np.uint8)
        pixels[:, 1, 2, 3] = 40 * at + np.arange(40)
        content = {
            "data": pixels.reshape(40, -1),
            "labels": [(at + n) % 10 for n in range(40)],
            "label_names": [*"abcdefghij"],
        }
        (folder / name).write_bytes(pickle.dumps(content))
        sums[name] = files.hashlib.md5((folder / name).read_bytes()).hexdigest()
    monkeypatch.setattr(files, "CIFAR10_MD5", sums)
    *train, test, meta = sums.items()
    monkeypatch.setattr(datasets.CIFAR10, "train_list", train)
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [test])
    monkeypatch.setattr(datasets.CIFAR10, "meta", {"filename": meta[0], "key": "label_names", "md5": meta[1]})
    return tmp_path


def test_cifar10_has_torchvisions_sums_and_its_files_in_torchvisions_order(cifar10):
    known = dict([*KNOWN_CIFAR10["train_list"], *KNOWN_CIFAR10["test_list"]])
    assert known | {KNOWN_CIFAR10["meta"]["filename"]: KNOWN_CIFAR10["meta"]["md5"]} == CIFAR10_SUMS
    images = Cifar10(name="cifar10", root=str(cifar10), download=False, train_images=0)
    check_images(images)
    assert images.train[:, 1, 2, 3].tolist() == list(range(200))
    assert images.test[:, 1, 2, 3].tolist() == list(range(200, 240))
    assert images.train.flatten(1).count_nonzero(1).max() == 1
    assert images.train_labels is not None
    assert images.train_labels.tolist() == [(at + n) % 10 for at in range(5) for n in range(40)]
    assert len(Cifar10(name="cifar10", root=str(cifar10), download=False, train_images=150).train) == 150


def test_missing_and_altered_files_of_cifar10_are_named(cifar10):
    check(cifar10, "cifar10")
    files._check_set.cache_clear()
    batch = cifar10 / "cifar-10-batches-py" / "data_batch_3"
    batch.write_bytes(batch.read_bytes() + b"0")
    with pytest.raises(ConfigError, match=r"data_batch_3: got MD5 .*it was altered.*data.download=true"):
        check(cifar10, "cifar10")
    batch.unlink()
    with pytest.raises(ConfigError, match=r"got no CIFAR10 \(.*lacks data_batch_3;.*holds cifar-10-batches-py by"):
        check(cifar10, "cifar10")


def test_labels_of_cifar10_are_learned_and_its_images_made(cifar10, run):
    """As `experiment=adversarial_classification data=labels_of_cifar10` has it, and a GAN of images with labels."""
    words = (f"data.root={cifar10}", "iterations=2", "batch_size=8", "num_seeds=1", "evaluation.samples=200")
    narrow = ("model.generator.width=2", "model.discriminator.width=2")
    result = run("data=labels_of_cifar10", "method=bgan_discrete", *words, *narrow, folder="labels")
    assert 0 <= result["final"]["error_rate"][0] <= 1
    result = run("data=cifar10", "method=gan_non_saturating", *words, folder="images")
    assert np.isfinite(result["final"]["frechet"][0])
    assert "classes_covered" not in result["final"]
