"""DCGAN's networks against the rules of their source, each of which can be taken away alone; and labels in them."""

import pytest
import torch
from conftest import SMALL, composed
from omegaconf import OmegaConf
from torch import nn

from saddlegan.checks import ConfigError
from saddlegan.engine.build import build, check_rows
from saddlegan.files import conf_folder
from saddlegan.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from saddlegan.networks.dcgan_conditional import (
    ConditionalDCGANDiscriminator,
    ConditionalDCGANGenerator,
    DCGANClassifier,
)
from saddlegan.random import Latent, Purpose, stream

pytestmark = pytest.mark.usefixtures("own_draws")

MODEL = OmegaConf.to_container(
    OmegaConf.create({"model": OmegaConf.load(conf_folder() / "model" / "dcgan.yaml")}), resolve=True
)["model"]
USUAL = {
    player: {key: value for key, value in MODEL[player].items() if not key.startswith("_")} | {"width": 4}
    for player in ("generator", "discriminator")
}
CLASSES = {"conditions": {"label": 10}}
TEN = ("data=digits", "num_seeds=1", "evaluation.samples=128", "batch_size=16", "model.generator.width=4")


def generator(shape=(1, 28, 28), kind=DCGANGenerator, **changes):
    return kind(in_features=6, shape=shape, **(USUAL["generator"] | changes))


def discriminator(shape=(1, 28, 28), kind=DCGANDiscriminator, **changes):
    return kind(shape=shape, **(USUAL["discriminator"] | changes))


def kinds(network, *wanted):
    """The layers of these kinds, in their order, by the names of their classes."""
    return [type(layer).__name__ for layer in network.modules() if isinstance(layer, wanted)]


def count(network, *wanted):
    return len(kinds(network, *wanted))


NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm)
POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.Upsample)


# The rules of section 3 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "levels"), [(16, 2), (28, 2), (32, 3), (64, 4)])
@pytest.mark.parametrize("channels", [1, 3])
def test_sides_are_doubled_and_halved_down_to_four_or_seven(side, levels, channels):
    shape = (channels, side, side)
    makes, judges = generator(shape), discriminator(shape)
    images = makes(torch.rand(5, 6))
    assert images.shape == (5, *shape)
    assert 0 <= images.min() < images.max() <= 1
    assert judges(images).shape == (5,)
    least = 7 if side == 28 else 4
    assert makes.start == (4 * 2 ** (levels - 1), least, least)
    shapes = [tuple(x.shape[1:]) for x in judges.activations(images)]
    assert shapes == [(4 * 2**k, side // 2 ** (k + 1), side // 2 ** (k + 1)) for k in range(levels)]
    assert shapes[-1][1] == least


@pytest.mark.parametrize("side", [4, 27])
def test_sides_that_cannot_be_halved_are_refused(side):
    for make in (generator, discriminator):
        with pytest.raises(ConfigError, match=f"got images of {side} x {side}, expected even sides above 4"):
            make((1, side, side))


def test_rule_1_sides_change_by_strides_and_nothing_is_pooled():
    assert all(layer.stride == (2, 2) for layer in generator().modules() if isinstance(layer, nn.ConvTranspose2d))
    assert all(layer.stride == (2, 2) for layer in discriminator().modules() if isinstance(layer, nn.Conv2d))
    assert kinds(generator(), nn.ConvTranspose2d, nn.Conv2d, *POOLS) == ["ConvTranspose2d"] * 2
    assert kinds(discriminator(), nn.Conv2d, *POOLS) == ["Conv2d"] * 2
    without = generator(pooling=True), discriminator(pooling=True)
    assert kinds(without[0], nn.ConvTranspose2d, nn.Conv2d, *POOLS) == ["Upsample", "Conv2d"] * 2
    assert kinds(without[1], nn.Conv2d, *POOLS) == ["Conv2d", "MaxPool2d"] * 2
    assert all(layer.stride == (1, 1) for one in without for layer in one.modules() if isinstance(layer, nn.Conv2d))
    assert without[1](without[0](torch.rand(5, 6))).shape == (5,)


def test_rule_2_all_is_normalised_but_what_the_generator_gives_and_the_discriminator_is_given():
    shape = (3, 64, 64)
    expected = {"batch": (4, 3), "layer": (4, 3), "none": (0, 0), "everywhere": (5, 4)}
    for normalisation, counts in expected.items():
        makes = generator(shape, normalisation=normalisation)
        judges = discriminator(shape, normalisation=normalisation)
        assert (count(makes, *NORMS), count(judges, *NORMS)) == counts
        last, first = makes.convolutions[-1], judges.convolutions[0]
        assert (count(last, *NORMS), count(first, *NORMS)) == ((1, 1) if normalisation == "everywhere" else (0, 0))
        assert judges.per_sample == (normalisation in ("layer", "none"))
        assert (count(judges, nn.GroupNorm) > 0) == (normalisation == "layer")


@pytest.mark.parametrize("normalisation", ["batch", "layer"])
def test_a_normalised_layer_has_mean_zero_and_variance_one_before_gain(normalisation):
    """By each map over batch and places, or by each sample over maps and places: another implementation."""
    judges = discriminator((1, 32, 32), normalisation=normalisation).double()
    (layer,) = (one for one in judges.convolutions[1] if isinstance(one, NORMS))
    x = torch.randn(6, 8, 8, 8, dtype=torch.float64)
    over = (0, 2, 3) if normalisation == "batch" else (1, 2, 3)
    scaled = (x - x.mean(over, keepdim=True)) / (x.var(over, correction=0, keepdim=True) + layer.eps).sqrt()
    torch.testing.assert_close(layer(x), scaled * layer.weight[:, None, None] + layer.bias[:, None, None])


def test_rule_3_there_is_no_hidden_dense_layer():
    """The generator's first one puts latents on maps, the discriminator's last one gives the logit."""
    assert [(layer.in_features, layer.out_features) for layer in linear(generator())] == [(6, 8 * 49)]
    assert [(layer.in_features, layer.out_features) for layer in linear(discriminator())] == [(8 * 49, 1)]
    without = generator(hidden_dense=5), discriminator(hidden_dense=5)
    assert [(layer.in_features, layer.out_features) for layer in linear(without[0])] == [(6, 5), (5, 8 * 49)]
    assert sorted((layer.in_features, layer.out_features) for layer in linear(without[1])) == [(5, 1), (8 * 49, 5)]
    assert without[1](without[0](torch.rand(5, 6))).shape == (5,)


def linear(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)]


def test_rules_4_and_5_relu_and_tanh_in_the_generator_and_leaky_relu_in_the_discriminator():
    own = (nn.ReLU, nn.LeakyReLU)
    makes, judges = generator((1, 64, 64)), discriminator((1, 64, 64))
    assert set(kinds(makes, *own)) == {"ReLU"}
    assert [count(layer, *own) for layer in (*makes.dense, *makes.convolutions)] == [1, 1, 1, 1, 0]
    assert {layer.negative_slope for layer in judges.modules() if isinstance(layer, nn.LeakyReLU)} == {0.2}
    assert [count(layer, nn.LeakyReLU) for layer in judges.convolutions] == [1] * 4
    assert set(kinds(generator(activation="leaky_relu"), *own)) == {"LeakyReLU"}
    assert set(kinds(discriminator(activation="relu"), *own)) == {"ReLU"}


def test_what_a_tanh_gives_is_brought_to_images_and_images_to_what_it_gives():
    makes, other = generator().double().eval(), generator(output="sigmoid").double().eval()
    other.load_state_dict(makes.state_dict())
    latent = torch.randn(5, 6, dtype=torch.float64)
    raw = other(latent).logit()
    torch.testing.assert_close(2 * makes(latent) - 1, torch.tanh(raw))
    judges, plain = discriminator().double().eval(), discriminator(rescale=False).double().eval()
    plain.load_state_dict(judges.state_dict())
    torch.testing.assert_close(judges(makes(latent)), plain(torch.tanh(raw)))


def test_weights_start_normal_and_gains_around_one():
    for network in (generator((3, 64, 64), width=16), discriminator((3, 64, 64), width=16)):
        for layer in network.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                assert layer.weight.std().item() == pytest.approx(0.02, rel=0.15)
                assert layer.weight.mean().abs() < 0.002
            elif isinstance(layer, NORMS):
                assert layer.weight.mean().item() == pytest.approx(1, abs=0.02)
                assert 0.01 < layer.weight.std() < 0.03
            else:
                continue
            assert layer.bias is None or not layer.bias.any()
    uniform = discriminator((3, 64, 64), width=16, initialisation="torch").convolutions[1][0].weight
    assert uniform.abs().max() <= (16 * 25) ** -0.5 + 1e-6
    assert uniform.std() > 0.025


def test_latents_are_uniform_and_the_optimizer_is_that_of_section_4():
    config = composed(*SMALL, *TEN, "model=dcgan", "optimizer=dcgan", "model.generator.width=128")
    assert (config["model"]["latent"]["law"], config["model"]["latent"]["dim"]) == ("uniform", 100)
    module, _ = build(config)
    (optimizer, other), _ = module.configure_optimizers()
    for one in (optimizer, other):
        assert (one.defaults["lr"], one.defaults["betas"]) == (2e-4, (0.5, 0.999))
    assert module.discriminator.network.convolutions[0][0].weight.shape == (128, 1, 5, 5)


def test_a_latent_on_the_sphere_has_its_radius_and_no_direction():
    drawn = Latent(dim=9, law="sphere", scale=2.0).draw(stream(0, Purpose.DATA), (20_000,))
    assert drawn.shape == (20_000, 9)
    torch.testing.assert_close(torch.from_numpy(drawn).norm(dim=1), torch.full((20_000,), 6.0))
    covariance = drawn.T @ drawn / len(drawn)
    assert abs(covariance - 4 * torch.eye(9).numpy()).max() < 0.15
    assert abs(drawn.mean(0)).max() < 0.07


# Labels ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [0, 5])
def test_every_layer_of_a_conditional_network_sees_the_label(hidden):
    """The gradient with respect to the weights of a label's own map is there for the labels of the batch alone."""
    label = torch.tensor([3, 3, 7, 7])
    makes = generator(kind=ConditionalDCGANGenerator, hidden_dense=hidden, **CLASSES).eval()
    judges = discriminator(kind=ConditionalDCGANDiscriminator, hidden_dense=hidden, **CLASSES).eval()
    for network, given in ((makes, torch.rand(4, 6)), (judges, torch.rand(4, 1, 28, 28))):
        network(given, label).square().sum().backward()
        layers = [one for one in network.modules() if isinstance(one, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]
        assert len(layers) == 3 + bool(hidden)
        for layer in layers:
            axis = 0 if isinstance(layer, nn.ConvTranspose2d) else 1
            of_label = layer.weight.grad.movedim(axis, 0)[-10:].flatten(1).abs().sum(1)
            assert sorted(of_label.nonzero().flatten().tolist()) == [3, 7]


def test_labels_may_be_shares_of_classes():
    """Whole shares are labels; half of each is neither."""
    makes = generator(kind=ConditionalDCGANGenerator, **CLASSES).eval()
    latent, label = torch.rand(4, 6), torch.tensor([3, 3, 7, 7])
    shares = nn.functional.one_hot(label, 10).float()
    assert torch.equal(makes(latent, label), makes(latent, shares))
    between = makes(latent, 0.5 * shares + 0.5 * shares.flip(0))
    assert not torch.allclose(between, makes(latent, label))


def test_a_classifier_names_the_class_without_being_given_it():
    judges = discriminator(kind=DCGANClassifier, **CLASSES).eval()
    images = torch.rand(4, 1, 28, 28)
    said = judges(images)
    assert said["logits"].shape == (4,)
    assert said["classes"].shape == (4, 10)
    assert judges.head.weight.std().item() == pytest.approx(0.02, rel=0.1)
    seen = judges.activations(images)[-1].flatten(1)
    torch.testing.assert_close(said["classes"], seen @ judges.head.weight.T + judges.head.bias)
    torch.testing.assert_close(said["logits"], (seen @ judges.last.weight.T + judges.last.bias)[:, 0])


@pytest.mark.parametrize(
    ("method", "model"),
    [("gan_non_saturating", "dcgan"), ("cgan", "dcgan_conditional"), ("acgan", "dcgan_classes")],
)
def test_what_the_discriminator_says_of_real_images_does_not_hang_on_the_fakes(method, model):
    module, _ = build(composed(*SMALL, *TEN, f"method={method}", f"model={model}"))
    batches = [{"x": torch.rand(1, 8, 1, 28, 28), "label": torch.arange(8)[None]} for _ in range(3)]
    real, one, other = batches
    first, second = module.judge(real, one)[0], module.judge(real, other)[0]
    assert torch.equal(first, second)
    assert not torch.equal(module.judge(real, one)[1], module.judge(real, other)[1])
    together = module.logits({name: torch.cat([real[name], one[name]], dim=1) for name in real})[:, :8]
    assert not torch.allclose(first, together), "batch normalisation would mix them"


def test_a_row_alone_is_refused_where_it_would_be_normalised():
    words = ("method=gan_non_saturating", "model=dcgan", *TEN, "batch_size=1")
    with pytest.raises(ConfigError, match="got 1 row on each device"):
        build(composed(*words))
    _, data = build(composed(*words, "model.generator.normalisation=none", "model.discriminator.normalisation=none"))
    assert data.batch_size == 1
    check_rows(
        nn.ModuleList([nn.BatchNorm1d(3).eval(), nn.BatchNorm2d(3)]), 1
    )  # a frozen stage, and places of an image
    with pytest.raises(ConfigError):
        check_rows(nn.ModuleList([nn.BatchNorm1d(3)]), 1)
