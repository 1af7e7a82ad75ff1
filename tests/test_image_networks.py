"""The image networks against the tables that they come from, and the fixed extractor."""

import math

import pytest
import torch
from conftest import MNIST_ROOT, composed, needs_mnist
from safetensors.torch import save_file
from torch import nn

from saddlegan import extractor
from saddlegan.build import build
from saddlegan.checks import ConfigError
from saddlegan.data.images import ImageSet, unit
from saddlegan.extractor import Extractor
from saddlegan.networks.maxout import MaxoutDiscriminator, ReLUGenerator
from saddlegan.networks.mnist_conv import ConvDiscriminator, ConvGenerator

OPEN = {"slope": 0.2, "dropout": 0.3, "kernel_size": 3}
GENERATOR = {"in_features": 4, "shape": (1, 28, 28), "widths": [64, 64, 32], "activation": "leaky_relu",
             "dropout_at_sampling": False, "upsampling": "nearest"} | OPEN  # fmt: skip
DISCRIMINATOR = {"shape": (1, 28, 28), "widths": [128, 128]} | OPEN
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


def test_without_activations_the_generator_is_linear_up_to_its_sigmoid():
    """Table 2 to the letter: the logit of the pixels is an affine map of the latent."""

    def bend(activation: str) -> float:
        network = ConvGenerator(**GENERATOR | {"activation": activation}).double().eval()
        a, b = torch.randn(2, 5, 4, dtype=torch.float64)
        straight = (network(a).logit() + network(b).logit()) / 2
        return float((network((a + b) / 2).logit() - straight).detach().abs().max())

    assert bend("none") < 1e-9
    assert bend("leaky_relu") > 1e-3


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


def test_the_2014_generator_starts_in_range_at_the_mean_image():
    network = ReLUGenerator(in_features=100, shape=(1, 28, 28), widths=[1200, 1200], irange=0.05)
    mean = torch.rand(1, 28, 28) * 0.8 + 0.1
    network.start_from(mean)
    weights = [layer.weight for layer in network.layers]
    assert [tuple(w.shape) for w in weights] == [(1200, 100), (1200, 1200), (784, 1200)]
    most = torch.tensor(0.05)  # as float32, which a uniform draw may return, is above 0.05 as a double
    assert all(0.049 < w.detach().abs().max() <= most for w in weights)
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
    assert extractor.SHIPPED.stat().st_size < 1_000_000
    assert network.sha256 == extractor.SHA256
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
    assert own.sha256 != extractor.SHA256
    monkeypatch.setattr(extractor, "SHIPPED", altered)
    with pytest.raises(ConfigError, match="these are not the shipped weights"):
        Extractor()
    (tmp_path / "text").write_text("no weights")
    for path in ("text", "absent"):
        with pytest.raises(ConfigError, match="got a file that cannot be used"):
            Extractor(str(tmp_path / path))
