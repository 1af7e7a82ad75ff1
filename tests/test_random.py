"""Streams: pure, apart, and the same however they are asked for."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch

from saddlegan.random import BLOCK, Blocks, Latent, Purpose, draw_block, draw_evaluation, stream, torch_stream

NORMAL = Latent(dim=2, law="normal")


def test_a_stream_is_a_function_of_its_name():
    first = stream(3, Purpose.DATA, 7).standard_normal(5)
    stream(3, Purpose.EVALUATION, 7).standard_normal(1000)
    assert np.array_equal(first, stream(3, Purpose.DATA, 7).standard_normal(5))


def test_streams_differ_in_each_part_of_their_name():
    names = [(s, p, b) for s in (0, 1, 2**32) for p in Purpose for b in (0, 1, 2**31)]
    draws = {tuple(stream(*name).integers(2**63, size=2)) for name in names}
    assert len(draws) == len(names)


def test_purposes_keep_their_numbers():
    assert [int(p) for p in Purpose] == list(range(8)), "reordering purposes changes every result"


def test_a_seed_draws_the_same_alone_and_in_a_block():
    law = Latent(dim=2, law="normal")
    block = draw_block(law.draw, [4, 5, 6], Purpose.DATA, 9, draws=3, batch=8)
    assert block.shape == (BLOCK, 3, 3, 8, 2)
    assert torch.equal(block[:, :, 1:2], draw_block(law.draw, [5], Purpose.DATA, 9, draws=3, batch=8))


def test_blocks_are_drawn_once_in_any_order_and_ahead_only_from_the_second_on():
    drawn = []

    def draw(block):
        drawn.append(block)
        return [block]

    blocks = Blocks(draw)
    assert [blocks(0), blocks(0)] == [[0], [0]]
    assert (drawn, blocks.ahead) == ([0], None)  # a short run draws nothing that it does not use
    assert [blocks(block) for block in (1, 1, 2, 3, 7, 7, 8, 3)] == [[1], [1], [2], [3], [7], [7], [8], [3]]
    assert [drawn.count(block) for block in (0, 1, 2, 3, 7, 8)] == [1, 1, 1, 2, 1, 1]
    blocks.forget()
    assert blocks(3) == [3]
    assert drawn.count(3) == 3


def test_what_goes_wrong_while_a_block_is_drawn_ahead_is_raised_where_it_is_used():
    def draw(block):
        return 1 / (2 - block)

    blocks = Blocks(draw)
    assert [blocks(0), blocks(1)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        blocks(2)


def test_no_block_is_drawn_behind_the_last_one_and_an_error_is_raised_once():
    blocks = Blocks(lambda block: block, last=1)
    assert [blocks(0), blocks(1)] == [0, 1]
    assert blocks.ahead is None
    broken = {2}
    blocks = Blocks(lambda block: 1 / (block not in broken))
    assert [blocks(0), blocks(1)] == [1.0, 1.0]
    with pytest.raises(ZeroDivisionError):
        blocks(2)
    broken.clear()
    assert blocks(2) == 1.0


def test_a_copy_of_blocks_draws_anew():
    blocks = Blocks(np.sqrt)
    assert [blocks(0), blocks(1)] == [0.0, 1.0]
    for other in (copy.deepcopy(blocks), pickle.loads(pickle.dumps(blocks))):
        assert (other.ahead, other(4)) == (None, 2.0)
    assert blocks.ahead


def test_torch_stream_leaves_the_global_generator_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with torch_stream(0, Purpose.INIT_GENERATOR):
        torch.rand(100)
    assert torch.equal(torch.rand(3), expected)


def test_the_draws_are_those_that_results_were_made_with():
    """Golden values: whoever changes the streams makes every stored result incomparable."""
    assert stream(0, Purpose.DATA, 0).standard_normal(2).round(6).tolist() == [1.291869, -0.22764]
    assert stream(3, Purpose.EVALUATION, 7).standard_normal(2).round(6).tolist() == [0.651963, 0.394252]
    block = draw_block(NORMAL.draw, [3], Purpose.LATENT_GENERATOR, 2, draws=1, batch=1)
    assert block.shape == (50, 1, 1, 1, 2), "blocks of another length give other draws"
    np.testing.assert_allclose(block[49].flatten(), [0.527004, -0.843968], atol=1e-6)
    with torch_stream(3, Purpose.DROPOUT, 5):
        np.testing.assert_allclose(torch.rand(2), [0.718029, 0.825809], atol=1e-6)


@pytest.mark.parametrize("other", [{"seeds": [5]}, {"purpose": Purpose.LATENT_GENERATOR}, {"block": 8}], ids=str)
def test_blocks_differ_in_each_part_of_their_name(other):
    name = {"seeds": [4], "purpose": Purpose.LATENT_DISCRIMINATOR, "block": 9}
    blocks = [draw_block(NORMAL.draw, **named, draws=2, batch=3) for named in (name, name | other)]
    assert not torch.isclose(*blocks).all()
    assert torch.isclose(*blocks).float().mean() < 0.01


def test_evaluation_draws_the_same_again_and_apart_for_latents_data_and_seeds():
    latents, data = (draw_evaluation(NORMAL.draw, [4, 5, 6], 100, part) for part in (0, 1))
    assert latents.shape == (3, 100, 2)
    assert torch.equal(latents[1:2], draw_evaluation(NORMAL.draw, [5], 100, 0))
    numbers = torch.cat([latents, data]).flatten().tolist()
    assert len(set(numbers)) > 0.99 * len(numbers), "parts and seeds repeat each other's draws"


@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_latent_laws(scale):
    rng = stream(0, Purpose.EVALUATION)
    draws = {law: Latent(dim=2, law=law, scale=scale).draw(rng, (20_000,)) for law in ("normal", "uniform")}
    for law, deviation in (("normal", scale), ("uniform", scale / math.sqrt(3))):
        np.testing.assert_allclose(draws[law].mean(0), 0.0, atol=0.03 * scale)
        np.testing.assert_allclose(draws[law].std(0), deviation, rtol=0.03)
    assert 0.99 * scale < np.abs(draws["uniform"]).max() <= scale
