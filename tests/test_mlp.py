"""Stacked networks against `nn.Linear`, one seed at a time, and their layers against the matrix product."""

import pytest
import torch
from conftest import composed
from torch import nn

from saddlegan.networks.mlp import MLPDiscriminator, MLPGenerator, affine
from saddlegan.networks.mlp_pacgan import BatchNormGenerator, MaxoutMLP
from saddlegan.random import Purpose, torch_stream

pytestmark = pytest.mark.usefixtures("own_draws")

SHAPE = {"in_features": 2, "widths": [5, 4], "activation": "relu"}


def test_each_seed_is_the_network_that_nn_linear_makes():
    stacked = MLPGenerator(**SHAPE, out_features=3, seeds=[7, 8])
    with torch_stream(8, Purpose.INIT_GENERATOR):
        alone = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
    x = torch.randn(2, 6, 2)
    torch.testing.assert_close(stacked(x)[1], alone(x[1]))


@pytest.mark.parametrize(("n", "m"), [(1, 5), (5, 1), (1, 1), (5, 3)])
def test_a_layer_is_its_matrix_product_at_any_width(n, m):
    """One input or one output is written in another way."""
    x, weight, bias = (torch.randn(shape, dtype=torch.float64) for shape in ((2, 6, n), (2, n, m), (2, 1, m)))
    torch.testing.assert_close(affine(x, weight, bias), torch.einsum("sbn,snm->sbm", x, weight) + bias)


def test_a_seed_starts_the_same_in_any_block_and_the_players_differ():
    block = MLPDiscriminator(**SHAPE, seeds=[3, 4, 5])
    alone = MLPDiscriminator(**SHAPE, seeds=[4])
    assert torch.equal(block.weights[0][1:2], alone.weights[0])
    generator = MLPGenerator(**SHAPE, out_features=1, seeds=[4])
    assert not torch.equal(alone.weights[0], generator.weights[0])


def test_a_discriminator_returns_logits_without_a_last_axis():
    assert MLPDiscriminator(**SHAPE, seeds=[0, 1])(torch.randn(2, 6, 2)).shape == (2, 6)


def test_gradients_of_seeds_stay_apart():
    network = MLPDiscriminator(**SHAPE, seeds=[0, 1])
    loss = network(torch.randn(2, 6, 2)).mean(-1)
    loss[0].backward()
    assert all((p.grad[1] == 0).all() and (p.grad[0] != 0).any() for p in network.parameters())


def test_orthogonal_weights_have_their_gain_and_biases_are_zero():
    network = MLPGenerator(**SHAPE | {"widths": [6, 6]}, out_features=2, seeds=[3, 4], orthogonal_gain=0.8)
    for seed in range(2):
        square = network.weights[1][seed]
        torch.testing.assert_close(square @ square.T, 0.64 * torch.eye(6))
    assert not torch.equal(network.weights[1][0], network.weights[1][1])
    assert all((bias == 0).all() for bias in network.biases)


def test_what_comes_in_is_scaled_once():
    plain, scaled = (MLPDiscriminator(**SHAPE, seeds=[0, 1], input_scale=scale) for scale in (1.0, 0.25))
    x = torch.randn(2, 6, 2)
    torch.testing.assert_close(scaled(x), plain(0.25 * x))
    assert not torch.allclose(scaled(x), plain(x))


# Batch normalisation and maxout ---------------------------------------------------------------------------------------


def pacgan(seeds):
    return BatchNormGenerator(in_features=2, out_features=3, widths=[5, 4], std=0.5, seeds=seeds)


def test_a_stack_with_batch_normalisation_is_torchs_layers_per_seed():
    """In training, and later by the running means; shifts and scales count."""
    network, x = pacgan([7, 8]), torch.randn(2, 16, 2)
    for norm in network.norms:
        torch.nn.init.normal_(norm.scale)
        torch.nn.init.normal_(norm.shift)
    layers = []
    for weight, norm in zip(network.weights, network.norms, strict=False):
        linear, batch = nn.Linear(*weight.shape[1:], bias=False), nn.BatchNorm1d(weight.shape[-1])
        linear.weight.data, batch.weight.data, batch.bias.data = weight[1].T, norm.scale[1, 0], norm.shift[1, 0]
        layers += [linear, batch, nn.ReLU()]
    last = nn.Linear(4, 3)
    last.weight.data, last.bias.data = network.weights[-1][1].T, network.bias[1, 0]
    alone = nn.Sequential(*layers, last)
    torch.testing.assert_close(network(x)[1], alone(x[1]))
    for norm, batch in zip(network.norms, [layer for layer in alone if isinstance(layer, nn.BatchNorm1d)], strict=True):
        torch.testing.assert_close(norm.mean[1, 0], batch.running_mean)
        unbiased = (norm.variance[1, 0] - 0.9) * 16 / 15 + 0.9  # torch's running variance divides by n - 1
        torch.testing.assert_close(unbiased, batch.running_var)
        batch.running_mean, batch.running_var = norm.mean[1, 0], norm.variance[1, 0]
    torch.testing.assert_close(network.eval()(x)[1], alone.eval()(x[1]))
    assert not network.state_dict().keys().isdisjoint({"norms.0.mean", "norms.0.variance"})


def test_a_unit_of_maxout_is_the_largest_of_its_maps():
    network, x = MaxoutMLP(in_features=2, widths=[3], pieces=4, std=1.0, seeds=[1, 2]), torch.randn(2, 6, 2)
    torch.nn.init.normal_(network.biases[0])
    torch.nn.init.normal_(network.biases[1])
    weight, bias = network.weights[0][1], network.biases[0][1, 0]
    units = [
        torch.stack([x[1] @ weight[:, 4 * unit + k] + bias[4 * unit + k] for k in range(4)]).max(0).values
        for unit in range(3)
    ]
    expected = torch.stack(units, -1) @ network.weights[1][1] + network.biases[1][1]
    torch.testing.assert_close(network(x)[1], expected[:, 0])


@pytest.mark.parametrize(
    ("make", "purpose"),
    [
        (pacgan, Purpose.INIT_GENERATOR),
        (
            lambda seeds: MaxoutMLP(in_features=2, widths=[5], pieces=2, std=0.5, seeds=seeds),
            Purpose.INIT_DISCRIMINATOR,
        ),
    ],
)
def test_their_seeds_start_the_same_in_any_block_and_have_the_spread_they_say(make, purpose):
    block, alone = make([3, 4, 5]), make([4])
    for whole, one in zip(block.parameters(), alone.parameters(), strict=True):
        assert torch.equal(whole[1:2], one)
    with torch_stream(4, purpose):
        assert torch.equal(alone.weights[0][0], 0.5 * torch.randn(alone.weights[0][0].shape))
    wide = BatchNormGenerator(in_features=50, out_features=1, widths=[80], std=0.02, seeds=[0])
    assert float(wide.weights[0].detach().std()) == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize(
    ("model", "generator", "discriminator", "latent"),
    [
        ("mlp_unrolled", {"widths": [128, 128], "orthogonal_gain": 0.8},
         {"widths": [128], "orthogonal_gain": 0.8, "input_scale": 0.25}, 256),
        ("mlp_wgan_gp", {"widths": [512] * 3}, {"widths": [512] * 3}, 2),
        ("mlp_pacgan", {"widths": [400] * 4, "std": 0.02}, {"widths": [200] * 3, "pieces": 5, "std": 0.02}, 2),
    ],
)  # fmt: skip
def test_perceptrons_are_those_of_their_papers(model, generator, discriminator, latent):
    config = composed("data=ring", f"model={model}")["model"]
    assert generator.items() <= config["generator"].items()
    assert discriminator.items() <= config["discriminator"].items()
    assert (config["latent"]["dim"], config["latent"]["law"]) == (latent, "normal")
    assert {config[player].get("activation", "relu") for player in ("generator", "discriminator")} == {"relu"}


def test_batch_normalisation_keeps_its_means_whole_in_mixed_precision(run):
    small = ("model.generator.widths=[6]", "model.discriminator.widths=[6]")
    result = run("data=ring", "model=mlp_pacgan", *small, "trainer.precision=bf16-mixed")
    assert result["status"] == "finished"
    assert result["final"]["diverged"] == [0, 0, 0]


def test_networks_that_keep_something_run_uncompiled_and_say_so(run, capfd):
    small = ("model.generator.widths=[6]", "model.discriminator.widths=[6]")
    result = run("data=ring", "model=mlp_pacgan", *small, "trainer.compile=true")
    assert result["compiled"] is False
    assert capfd.readouterr().err.count("got networks that keep norms.0.mean") == 1
