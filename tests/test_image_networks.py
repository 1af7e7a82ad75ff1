"""The image networks against the tables that they come from, and the fixed extractor."""

import math

import numpy as np
import pytest
import torch
from conftest import MNIST_ROOT, composed, needs_mnist
from safetensors.torch import save_file
from torch import nn

from saddlegan import extractor
from saddlegan.checks import ConfigError
from saddlegan.data.images import ImageSet, unit
from saddlegan.engine.build import build
from saddlegan.extractor import Extractor
from saddlegan.networks.infogan import InfoGANDiscriminator, InfoGANGenerator
from saddlegan.networks.maxout import MaxoutDiscriminator, ReLUGenerator
from saddlegan.networks.mnist_conv import ConvDiscriminator, ConvGenerator
from saddlegan.networks.single import Single

pytestmark = pytest.mark.usefixtures("own_draws")

OPEN = {"slope": 0.2, "dropout": 0.3, "kernel_size": 3, "initialisation": "torch"}
GENERATOR = {"in_features": 4, "shape": (1, 28, 28), "widths": [64, 64, 32], "activation": "leaky_relu",
             "dropout_at_sampling": False, "upsampling": "nearest", "output": "sigmoid"} | OPEN  # fmt: skip
DISCRIMINATOR = {"shape": (1, 28, 28), "widths": [128, 128], "rescale": False} | OPEN
MAXOUT = {"shape": (1, 28, 28), "widths": [240, 240], "pieces": 5, "input_dropout": 0.2, "dropout": 0.5,
          "irange": 0.005}  # fmt: skip


def shapes(network: nn.Module, x: torch.Tensor, kinds: tuple[type, ...]) -> list[tuple[int, ...]]:
    """What the layers of these kinds put out, in the order in which they run; without the batch."""
    seen: list[tuple[int, ...]] = []
    for layer in network.modules():
        if isinstance(layer, kinds):
            layer.register_forward_hook(lambda _, __, out: seen.append(tuple(out.shape[1:])))
    network(x)
    return seen


def test_the_generator_has_the_shapes_of_table_2():
    found = shapes(ConvGenerator(**GENERATOR), torch.randn(2, 4), (nn.Linear, nn.Conv2d, nn.Upsample))
    assert found == [(3136,), (64, 14, 14), (64, 14, 14), (32, 14, 14), (32, 28, 28), (1, 28, 28)]


def test_the_discriminator_has_the_shapes_of_table_2():
    kinds = (nn.Conv2d, nn.MaxPool2d, nn.Flatten, nn.Linear)
    found = shapes(ConvDiscriminator(**DISCRIMINATOR), torch.rand(2, 1, 28, 28), kinds)
    assert found == [(128, 14, 14), (128, 7, 7), (128, 7, 7), (6272,), (1,)]


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
def test_the_generator_doubles_the_sides_as_it_is_told(upsampling):
    """Where every convolution copies its input, the image's logit is its 7 x 7 start, doubled twice."""
    settings = {
        "in_features": 49,
        "widths": [1, 1, 1],
        "kernel_size": 1,
        "activation": "none",
        "upsampling": upsampling,
    }
    network = ConvGenerator(**GENERATOR | settings).double().eval()
    with torch.no_grad():
        network.dense.weight.copy_(torch.eye(49))
        for layer in (network.second, network.third, network.last):
            layer.weight.fill_(1.0)
        for layer in (network.dense, network.second, network.third, network.last):
            layer.bias.zero_()
        rows, columns = np.arange(7.0), np.arange(7.0) ** 2 / 10
        found = network(torch.from_numpy(rows[:, None] + columns).reshape(1, 49) / 4)[0, 0].logit().numpy() * 4

    def doubled(values: np.ndarray) -> np.ndarray:
        if upsampling == "nearest":
            return np.repeat(values, 2)
        return np.interp((np.arange(2 * len(values)) + 0.5) / 2 - 0.5, np.arange(len(values)), values)

    np.testing.assert_allclose(found, doubled(doubled(rows))[:, None] + doubled(doubled(columns)), rtol=1e-9)


@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_every_convolution_has_the_kernel_size_that_is_asked_for(size):
    """By the number of weights, and by how far one live cell of the start reaches: 4 + 5 (size - 1) pixels."""
    widths = {"widths": [3, 5, 7], "kernel_size": size, "activation": "none"}
    network = ConvGenerator(**GENERATOR | widths).double().eval()
    dense, kernels = 4 * 3 * 49 + 3 * 49, size**2 * (3 * 5 + 5 * 7 + 7 * 1) + 5 + 7 + 1
    assert sum(weight.numel() for weight in network.parameters()) == dense + kernels
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
        network.dense.bias.view(3, 7, 7)[:, 3, 3] = 1.0
        for layer in (network.second, network.third, network.last):
            layer.weight.fill_(1e-4)
        alive = network(torch.zeros(1, 4, dtype=torch.float64))[0, 0].logit().abs() > 0
    assert sorted(set(alive.sum(0).tolist()) - {0}) == [min(4 + 5 * (size - 1), 28)]
    discriminator = ConvDiscriminator(**DISCRIMINATOR | {"widths": [3, 5], "kernel_size": size})
    kernels, dense = size**2 * (1 * 3 + 3 * 5) + 3 + 5, 5 * 49 + 1
    assert sum(weight.numel() for weight in discriminator.parameters()) == dense + kernels


@pytest.mark.parametrize(("network", "settings"), [(ConvGenerator, GENERATOR), (ConvDiscriminator, DISCRIMINATOR)])
def test_keras_starts_weights_uniform_in_a_range_by_fan_in_and_out_and_biases_at_0(network, settings):
    """Glorot and Bengio (2010): +-sqrt(6 / (inputs + outputs)), a kernel's cells counted in both."""
    layers = [
        layer
        for layer in network(**settings | {"initialisation": "keras"}).modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    assert len(layers) == (4 if network is ConvGenerator else 3)
    for layer in layers:
        cells = math.prod(layer.weight.shape[2:])
        end = math.sqrt(6 / (cells * (layer.weight.shape[0] + layer.weight.shape[1])))
        weight = layer.weight.detach()
        few = weight.numel() < 1000
        assert (0.9 if few else 0.98) * end < weight.max() <= end * (1 + 1e-6)
        assert -end * (1 + 1e-6) <= weight.min() < -(0.9 if few else 0.98) * end
        assert not layer.bias.any()


@pytest.mark.parametrize(
    ("inside", "outside"),
    [(torch.bfloat16, torch.float32), (torch.float32, torch.float32), (torch.float64, torch.float64)],
)
def test_an_image_network_has_one_seed_and_gives_at_least_float32(inside, outside):
    """Losses and distances are not computed in half precision, and double precision is not lost."""
    layer = nn.Linear(3, 2).to(inside)
    x = torch.randn(1, 5, 3, dtype=inside)
    out = Single(layer)(x)
    assert out.dtype == outside
    torch.testing.assert_close(out, layer(x[0])[None].to(outside))


def test_without_activations_the_generator_is_linear_up_to_its_sigmoid():
    """Table 2 to the letter: the logit of the pixels is an affine map of the latent."""

    def bend(activation: str) -> float:
        network = ConvGenerator(**GENERATOR | {"activation": activation}).double().eval()
        a, b = torch.randn(2, 5, 4, dtype=torch.float64)
        straight = (network(a).logit() + network(b).logit()) / 2
        return float((network((a + b) / 2).logit() - straight).detach().abs().max())

    assert bend("none") < 1e-9
    assert bend("leaky_relu") > 1e-3


def test_a_tanh_at_the_output_is_scaled_to_the_range_of_the_data():
    plain, other = (ConvGenerator(**GENERATOR | {"output": output}).eval() for output in ("sigmoid", "tanh"))
    other.load_state_dict(plain.state_dict())
    latent = torch.randn(3, 4)
    torch.testing.assert_close(other(latent), (torch.tanh(plain(latent).logit()) + 1) / 2)


def test_a_discriminator_may_see_images_from_minus_one_to_one():
    plain, other = (ConvDiscriminator(**DISCRIMINATOR | {"rescale": rescale}).eval() for rescale in (False, True))
    other.load_state_dict(plain.state_dict())
    images = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(other(images), plain(2 * images - 1))
    assert not torch.allclose(other(images), plain(images))


def test_dropout_at_sampling_is_a_choice():
    latent = torch.randn(3, 4)
    for wanted in (False, True):
        network = ConvGenerator(**GENERATOR | {"dropout_at_sampling": wanted}).eval()
        assert torch.equal(network(latent), network(latent)) != wanted


def test_samples_with_dropout_repeat_from_the_same_latents():
    small = ("data=digits", "model=mnist_conv", "model.generator.dropout_at_sampling=true")
    module, _ = build(composed(*small))
    latent = torch.randn(1, 3, 4)
    assert torch.equal(module(latent), module(latent))


@pytest.mark.parametrize(("network", "settings", "wrong"),
                         [(ConvGenerator, GENERATOR, [64, 64]), (ConvDiscriminator, DISCRIMINATOR, [128])])  # fmt: skip
def test_a_table_of_another_length_is_refused(network, settings, wrong):
    with pytest.raises(ConfigError, match=rf"got list .*expected a list of {len(wrong) + 1} items"):
        network(**settings | {"widths": wrong})


def starts_in(layer: nn.Linear, irange: float, without_bias: bool = True) -> bool:
    """Whether weights fill (-irange, irange), whose ends a uniform draw of float32 may reach, and biases are 0."""
    weight, end = layer.weight.detach(), float(torch.tensor(irange))
    least, most = float(weight.min()), float(weight.max())
    return (
        -end <= least < -0.98 * irange
        and 0.98 * irange < most <= end
        and abs(float(weight.mean())) < 0.1 * irange
        and (not without_bias or not layer.bias.any())
    )


def test_every_layer_of_the_2014_discriminator_starts_in_range():
    network = MaxoutDiscriminator(**MAXOUT)
    assert all(starts_in(layer, 0.005) for layer in (*network.layers, network.last))


def test_the_2014_generator_starts_in_range_at_the_mean_image():
    network = ReLUGenerator(in_features=100, shape=(1, 28, 28), widths=[1200, 1200], irange=0.05)
    mean = torch.rand(1, 28, 28) * 0.8 + 0.1
    network.start_from(mean)
    weights = [layer.weight for layer in network.layers]
    assert [tuple(w.shape) for w in weights] == [(1200, 100), (1200, 1200), (784, 1200)]
    assert all(map(starts_in, network.layers, [0.05] * 3, [True, True, False]))
    torch.testing.assert_close(network(torch.zeros(1, 100))[0], mean)


def test_maxout_is_the_largest_of_its_pieces_and_is_invariant_to_their_order():
    network = MaxoutDiscriminator(**MAXOUT).double().eval()
    x = torch.rand(3, 1, 28, 28, dtype=torch.float64)
    first, second, last = network.layers[0], network.layers[1], network.last
    hidden = (x.flatten(1) @ first.weight.T + first.bias).view(3, 240, 5).max(-1).values
    hidden = (hidden @ second.weight.T + second.bias).view(3, 240, 5).max(-1).values
    expected = (hidden @ last.weight.T + last.bias)[:, 0]
    torch.testing.assert_close(network(x), expected)
    with torch.no_grad():
        first.weight.copy_(first.weight.view(240, 5, 784).flip(1).reshape(1200, 784))
    torch.testing.assert_close(network(x), expected)


# The extractor -------------------------------------------------------------------------------------------------------


@needs_mnist
def test_the_shipped_classifier_reads_mnist():
    from torchvision.datasets import MNIST

    labels = MNIST(MNIST_ROOT, train=False).targets
    images = ImageSet(name="mnist", root=str(MNIST_ROOT), download=False, train_images=0)
    _, logits = Extractor().see(unit(images.test))
    accuracy = float((logits.argmax(-1) == labels).float().mean())
    print(f"accuracy of the extractor on the 10 000 test images: {accuracy:.4f}")
    assert accuracy >= 0.993


def test_the_shipped_classifier_reads_digits_that_it_was_not_trained_on():
    from sklearn.datasets import load_digits

    images = ImageSet(name="digits", root="", download=False, train_images=0)
    _, logits = Extractor().see(unit(images.test))
    right = torch.from_numpy(load_digits().target[3::4]) == logits.argmax(-1)
    assert float(right.float().mean()) > 0.9


def test_the_extractor_is_small_fixed_and_named_by_its_hash():
    network = Extractor()
    assert extractor.SHIPPED["mnist"].stat().st_size < 1_000_000
    assert network.sha256 == extractor.SHA256["mnist"]
    assert network.train() is network
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert math.isclose(sum(p.numel() for p in network.parameters()), 110_000, rel_tol=0.02)


def test_features_do_not_depend_on_how_many_are_seen_at_once(monkeypatch):
    images = torch.rand(7, 1, 28, 28)
    network = Extractor()
    features, logits = network.see(images)
    monkeypatch.setattr(extractor, "CHUNK", 2)
    for found, expected in zip(network.see(images), (features, logits), strict=True):
        torch.testing.assert_close(found, expected)


def test_altered_shipped_weights_and_files_of_other_kinds_are_refused(tmp_path, monkeypatch):
    weights = Extractor().state_dict()
    weights["head.bias"] = weights["head.bias"] + 1
    altered = tmp_path / "altered.safetensors"
    save_file(weights, altered, metadata={"dataset": "mine"})
    own = Extractor(str(altered))  # named: other weights are a choice
    assert own.dataset == "mine"
    assert own.sha256 != extractor.SHA256["mnist"]
    monkeypatch.setitem(extractor.SHIPPED, "mnist", altered)
    with pytest.raises(ConfigError, match="these are not the shipped weights"):
        Extractor()
    (tmp_path / "text").write_text("no weights")
    for path in ("text", "absent"):
        with pytest.raises(ConfigError, match="got a file that cannot be used"):
            Extractor(str(tmp_path / path))


# InfoGAN --------------------------------------------------------------------------------------------------------------


def infogan(batch_norm=True, shape=(1, 28, 28), width=8):
    start = {"width": width, "initial_std": 0.02}
    return (
        InfoGANGenerator(in_features=5, shape=shape, **start),
        InfoGANDiscriminator(shape=shape, batch_norm=batch_norm, **start),
    )


def test_infogan_has_the_layers_of_the_study():
    """At its width of 64: 1024 and 7 x 7 x 128 dense units, 64 channels, and back; parameters counted by hand."""
    generator, discriminator = infogan(width=64)
    norms = 2 * (1024 + 6272 + 64)
    dense = 5 * 1024 + 1024 + 1024 * 6272 + 6272
    assert sum(p.numel() for p in generator.parameters()) == dense + 128 * 64 * 16 + 64 + 64 * 16 + 1 + norms
    convolutions = 64 * 16 + 64 + 64 * 128 * 16 + 128
    judged = convolutions + 6272 * 1024 + 1024 + 1024 + 1 + 2 * (128 + 1024)
    assert sum(p.numel() for p in discriminator.parameters()) == judged
    weights = torch.cat([p.detach().flatten() for p in discriminator.parameters() if p.dim() > 1])
    assert float(weights.std()) == pytest.approx(0.02, rel=0.01)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 16, 24)])
def test_infogan_makes_and_judges_images_of_the_datas_shape(shape):
    generator, discriminator = infogan(shape=shape)
    made = generator(torch.randn(6, 5))
    assert made.shape == (6, *shape)
    assert made.min() >= 0
    assert made.max() <= 1
    assert discriminator(made).shape == (6,)


def test_with_batch_normalisation_real_and_generated_images_are_judged_apart():
    images = torch.rand(8, 1, 28, 28)
    for batch_norm in (True, False):
        _, discriminator = infogan(batch_norm)
        together, apart = discriminator(images)[:4], discriminator(images[:4])
        assert torch.allclose(together, apart, atol=1e-6) is not batch_norm
        assert discriminator.per_sample is not batch_norm


def test_sides_that_cannot_be_halved_twice_are_refused():
    with pytest.raises(ConfigError, match="30 x 28, expected sides that 4 divides"):
        infogan(shape=(1, 30, 28))
