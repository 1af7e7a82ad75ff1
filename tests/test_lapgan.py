"""LAPGAN: the pyramid, a level's networks, and samples that are chained through the levels."""

import json

import numpy as np
import pytest
import torch
from conftest import SMALL, composed
from torch import nn
from torch.nn.functional import interpolate

from saddlegan.checks import ConfigError
from saddlegan.config.earlier import check_stage
from saddlegan.config.schema import check
from saddlegan.data.images import ImageSet, unit
from saddlegan.data.pyramid import PyramidImages
from saddlegan.engine.build import build, evaluation
from saddlegan.folder import RESULT, write_json
from saddlegan.frozen import Frozen, FrozenRun
from saddlegan.interface import load, save_generator
from saddlegan.metrics.sharpness import chained_sharpness, enlarged_sharpness, gradient_energy, sharpness
from saddlegan.networks.lapgan import LevelDiscriminator, LevelGenerator
from saddlegan.pyramid import doubled, halved

pytestmark = pytest.mark.usefixtures("own_draws")

DIGITS = {"name": "digits", "root": "", "download": False, "train_images": 0}
LEVEL = ("method=lapgan", "data=pyramid_digits", "data.size=14", "model=lapgan_14", "num_seeds=1",
         "evaluation.samples=128", "model.generator.width=4", "model.discriminator.width=4")  # fmt: skip


class Below(nn.Module):
    """A level that makes images of one grey, by their number."""

    def __init__(self, side):
        super().__init__()
        self.side = side

    def sample(self, count):
        return (torch.arange(count) / 100.0)[None, :, None, None, None].expand(1, count, 1, self.side, self.side)


@pytest.fixture
def level():
    config = composed(*SMALL, *LEVEL)
    return build(config), config


# The pyramid ----------------------------------------------------------------------------------------------------------


def test_halving_and_doubling_are_bilinear_interpolation():
    images = torch.rand(5, 1, 28, 28)
    expected = interpolate(images, scale_factor=0.5, mode="bilinear", align_corners=False)
    assert torch.allclose(halved(images), expected, atol=1e-6)
    assert doubled(halved(images)).shape == images.shape
    flat = torch.full((1, 1, 8, 8), 0.3)
    assert torch.allclose(doubled(halved(flat)), flat)


@pytest.mark.parametrize("size", [28, 14])
def test_an_image_is_its_coarse_version_and_a_residual(size):
    """The coarse version is that of the image of this level, whose pixels are means of the whole one's."""
    images, whole = PyramidImages(size=size, **DIGITS), ImageSet(**DIGITS)
    assert images.train.shape == (len(whole.train), 1, size, size)
    x, coarse = unit(images.train), unit(images.train_along["coarse"])
    assert (coarse - doubled(halved(x))).abs().max() < 0.51 / 255
    expected = unit(whole.train) if size == 28 else halved(unit(whole.train))
    assert (x - expected).abs().max() < 0.51 / 255
    assert torch.equal(images.test_labels, whole.test_labels)


def test_the_coarsest_level_has_nothing_below():
    images = PyramidImages(size=7, **DIGITS)
    assert images.shape == images.train.shape[1:] == (1, 7, 7)
    assert not images.train_along
    with pytest.raises(ConfigError, match="lapgan"):
        build(composed(*SMALL, *LEVEL, "data.size=7", "model.latent.dim=49"))


# A level's networks ---------------------------------------------------------------------------------------------------


def generator(**settings):
    given = {"in_features": 196, "shape": (1, 14, 14), "conditions": {"coarse": (1, 14, 14)}, "width": 8}
    return LevelGenerator(**given | settings)


def test_the_generator_adds_to_the_coarse_image_what_its_latent_decides():
    network, coarse = generator(), torch.rand(3, 1, 14, 14)
    one, other = network(torch.rand(3, 196), coarse), network(torch.rand(3, 196), coarse)
    assert not torch.equal(one, other)
    nn.init.zeros_(network.layers[-1].weight)
    nn.init.zeros_(network.layers[-1].bias)
    assert torch.equal(network(torch.rand(3, 196), coarse), coarse)
    assert [layer.kernel_size[0] for layer in network.layers if isinstance(layer, nn.Conv2d)] == [7, 7, 5]


def test_a_latent_that_is_no_map_of_the_image_is_refused():
    with pytest.raises(ConfigError, match=r"model.latent.dim=100: got another number.*model.latent.dim=196"):
        generator(in_features=100)


def test_the_discriminator_sees_the_sum_alone():
    network = LevelDiscriminator(shape=(1, 28, 28), conditions={"coarse": (1, 28, 28)}, width=8, dropout=0.0)
    residual, coarse = torch.randn(4, 1, 28, 28), torch.rand(4, 1, 28, 28)
    one, other = network(residual, coarse), network(residual + 0.25, coarse - 0.25)
    assert one.shape == (4,)
    assert torch.allclose(one, other, atol=1e-5)
    assert not torch.allclose(one, network(residual, coarse - 0.25), atol=1e-3)


# Chains ---------------------------------------------------------------------------------------------------------------


def test_a_level_is_trained_and_measured_on_real_coarse_images(level):
    (module, data), config = level
    pairs = {"x": data.examples.train[:3], "coarse": data.examples.train_along["coarse"][:3]}
    batch = {name: unit(values)[None] for name, values in pairs.items()}
    module.eval()
    of_the_whole = module.discriminator.network.layers(batch["x"][0])[None, :, 0]
    assert torch.allclose(module.logits(batch), of_the_whole, atol=1e-5)
    evaluate = evaluation(data, config)
    evaluate.fakes(module)
    assert torch.equal(evaluate.given["coarse"][0], unit(data.examples.test_along["coarse"][:128]))
    assert not evaluate.beside
    with pytest.raises(ConfigError, match="coarse"):
        module.sample(3)


def test_samples_are_chained_through_the_level_below(level):
    (module, data), config = level
    module.below = Below(7)
    made, given = module.sample(5), module.complete({"latent": torch.zeros(1, 5, 196)})
    grey = (torch.arange(5) / 100.0)[:, None, None, None].expand(5, 1, 14, 14)
    assert torch.allclose(given["coarse"][0], grey)
    assert made.shape == (1, 5, 1, 14, 14)
    nn.init.zeros_(module.generator.network.layers[-1].weight)
    nn.init.zeros_(module.generator.network.layers[-1].bias)
    assert torch.allclose(module.sample(5)[0], grey)
    evaluate = evaluation(data, config)
    fake = evaluate.fakes(module)
    assert torch.allclose(fake[0], unit(data.examples.test_along["coarse"][:128]))
    assert torch.allclose(evaluate.beside["chained_pictures"][:5], grey)
    measured = evaluate.measure(fake)
    assert measured["chained_sharpness"] == pytest.approx(0.0, abs=1e-9)
    assert 0.1 < measured["sharpness"] < 1.0
    assert measured["chained_frechet"] > measured["frechet"]
    floors, train = evaluate.floors(), unit(data.examples.train_along["coarse"][:128])
    energies = [gradient_energy(images) for images in (train, evaluate.test)]
    assert floors["enlarged_sharpness"] == pytest.approx(energies[0] / energies[1])
    assert floors["frechet"] < floors["enlarged_frechet"] < measured["chained_frechet"], "between real images and grey"


@pytest.mark.thorough
def test_three_levels_of_runs_make_one_chain(run, tmp_path):
    """Each level's weights stay what they were while the next one trains, and samples come from all."""
    few = ("data=pyramid_digits", "num_seeds=1", "evaluation.samples=128", "iterations=3", "evaluation.every=3")

    def trained(*overrides, folder):
        result = run(*overrides, folder=folder)
        write_json(tmp_path / folder / RESULT, result | {"choices": {}})
        return result

    trained(*few, "data.size=7", "method=gan_non_saturating", "model=mnist_mlp", folder="7")
    before = FrozenRun(run=str(tmp_path / "7")).module.state_dict()
    trained(*LEVEL, *few, f"earlier={tmp_path / '7'}", folder="14")
    with pytest.raises(ConfigError, match=r"got a run whose images are 7 x 7, in 1 channels, expected 14 x 14 in 1"):
        build(composed(*SMALL, "method=lapgan", "data=pyramid_digits", "num_seeds=1", f"earlier={tmp_path / '7'}"))
    width = ("model.generator.width=4", "model.discriminator.width=4")
    found = trained("method=lapgan", "model=lapgan_28", *few, *width, f"earlier={tmp_path / '14'}", folder="28")
    assert {"chained_frechet", "chained_classes", "chained_sharpness"} <= found["last_fifth"].keys()
    chain = FrozenRun(run=str(tmp_path / "28"))
    after = chain.module.below.module.below.module.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert chain.sample(3).shape == (1, 3, 1, 28, 28)
    latent = torch.randn(1, 8, chain.module.latent.dim)
    small, middle, large = chain.module.chain(latent)
    assert torch.equal(small, FrozenRun(run=str(tmp_path / "7")).sample(8)[0])
    assert torch.equal(middle, FrozenRun(run=str(tmp_path / "14")).sample(8)[0])
    assert torch.equal(large, chain.module({"latent": latent})[0])
    with np.load(tmp_path / "28" / "samples.npz") as arrays:
        levels, images = arrays["levels"], arrays["images"]
    assert levels.shape == (8, 3, 28, 28)
    assert (levels[:, 0] == (small * 255).round().byte().numpy()[:, 0].repeat(4, 1).repeat(4, 2)).all()
    assert not (levels[:, 2] == images[:8]).all(), "those are of real coarse images"


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("method=lapgan", "data=digits"), "Remedy: data=pyramid or data=pyramid_digits"),
        (("method=stackgan", "model=stackgan_2", "data=emoji"), "expected the folder of one .*Remedy: earlier=RUN"),
    ],
)
def test_what_a_level_or_a_stage_lacks_is_said_with_the_words_that_give_it(words, remedy):
    with pytest.raises(ConfigError, match=remedy):
        check(composed(*SMALL, *words, "num_seeds=1", "evaluation.samples=128"))


def test_samples_without_a_coarse_image_say_what_gives_one(level):
    (module, _), _ = level
    with pytest.raises(ConfigError, match="train with earlier=RUN, the level below"):
        module.sample(2)


def test_a_stage_is_the_averaged_generator_where_its_run_keeps_one(run, tmp_path):
    """As samples of that run are."""
    result = run("method=gan", "ema_decay=0.5", "num_seeds=1", folder="first")
    write_json(tmp_path / "first" / RESULT, result | {"choices": {}})
    first, module = Frozen(run=str(tmp_path / "first"), player="generator"), load(tmp_path / "first")
    latent = torch.randn(1, 50, module.latent.dim)
    assert torch.equal(first(latent), module(latent))
    assert not torch.equal(first(latent), module.generator(latent))


def test_a_generator_that_is_built_on_another_run_is_not_exported(tmp_path):
    module, _ = build(composed(*SMALL, "method=gan"))
    module.config["model"]["generator"]["first"] = {"_target_": "saddlegan.frozen.Frozen"}
    with pytest.raises(ConfigError, match=r"one that stands alone. Remedy: saddlegan-sample RUN"):
        save_generator(module, tmp_path / "export")


# Sharpness ------------------------------------------------------------------------------------------------------------


def test_gradient_energy_by_hand():
    """A step of height 2 between two columns, in an image of 2 x 2: across 4, down 0, so 2."""
    images = torch.tensor([[[[0.0, 2.0], [0.0, 2.0]]]])
    assert gradient_energy(images) == pytest.approx(2.0)
    assert sharpness(images / 2, images) == pytest.approx(0.25)


# The run below -------------------------------------------------------------------------------------------------------


@pytest.fixture
def below(tmp_path):
    """A run folder of the coarser level, as it was written, and its result."""
    from run_folders import write_image_run

    folder = write_image_run(tmp_path / "below", "gan_non_saturating", data="pyramid", files=False)
    result = json.loads((folder / RESULT).read_text())
    result["evaluations"] = 0
    result["config"]["data"] = {"_target_": "of.the.Pyramid", "name": "mnist", "size": 7, "root": "here"}
    write_json(folder / RESULT, result)
    (folder / "metrics.csv").write_text("iteration,seed\n")
    return folder, result


def stands_on(folder, **data):
    check_stage({"earlier": str(folder), "data": {"_target_": "of.the.Pyramid", "name": "mnist", "size": 14} | data})


def test_a_level_stands_on_a_finished_run_of_the_same_data(below):
    folder, result = below
    stands_on(folder, root="there")
    with pytest.raises(ConfigError, match=r"(?s)other data.*\n  name: mnist -> digits"):
        stands_on(folder, name="digits")
    write_json(folder / RESULT, result | {"status": "failed"})
    with pytest.raises(ConfigError, match="a run that has failed"):
        stands_on(folder)
    (folder / RESULT).write_text("{")
    with pytest.raises(ConfigError, match="a damaged run"):
        stands_on(folder)
    (folder / RESULT).unlink()
    with pytest.raises(ConfigError, match="got no run, expected a finished run on the same data, of any size"):
        stands_on(folder)
    (folder / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"has not ended.*its command once more"):
        stands_on(folder)


@pytest.mark.thorough
def test_a_run_below_that_has_not_ended_is_refused_on_the_command_line(saddlegan, tmp_path):
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "config.json").write_text("{}")
    words = ("data=pyramid_digits", "data.size=14", "method=lapgan", "model=lapgan_14", "num_seeds=1")
    status, output = saddlegan(*words, "evaluation.samples=128", f"earlier={tmp_path / 'half'}")
    assert status != 0
    assert "got a run that has not ended" in output


def test_the_run_below_is_kept_by_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("data=pyramid_digits", "data.size=14", "method=lapgan", "model=lapgan_14", "earlier=out/seven")
    config = composed(*SMALL, *words)
    assert config["earlier"] == config["method"]["below"] == str(tmp_path / "out" / "seven")


def test_sharpness_of_stages_is_theirs_over_that_of_real_images():
    """Twice the contrast is four times the energy."""
    real = torch.rand(5, 1, 8, 8)
    for metric in (sharpness, chained_sharpness, enlarged_sharpness):
        assert metric(2 * real, real) == pytest.approx(4)
