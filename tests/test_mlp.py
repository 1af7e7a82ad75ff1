"""Stacked networks against `nn.Linear`, one seed at a time, and their layers against the matrix product."""

import pytest
import torch
from torch import nn

from saddlegan.networks.mlp import MLPDiscriminator, MLPGenerator, affine
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
