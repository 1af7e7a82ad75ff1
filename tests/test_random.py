"""Streams: pure, apart, and the same however they are asked for."""

import numpy as np
import torch

from saddlegan.random import BLOCK, Latent, Purpose, draw_block, stream, torch_stream


def test_a_stream_is_a_function_of_its_name():
    first = stream(3, Purpose.DATA, 7).standard_normal(5)
    stream(3, Purpose.EVALUATION, 7).standard_normal(1000)
    assert np.array_equal(first, stream(3, Purpose.DATA, 7).standard_normal(5))


def test_streams_differ_in_each_part_of_their_name():
    names = [(s, p, b) for s in (0, 1, 2**32) for p in Purpose for b in (0, 1, 2**31)]
    draws = {tuple(stream(*name).integers(2**63, size=2)) for name in names}
    assert len(draws) == len(names)


def test_purposes_keep_their_numbers():
    assert [int(p) for p in Purpose] == list(range(7)), "reordering purposes changes every result"


def test_the_draw_is_the_one_that_results_were_made_with():
    """A golden value: whoever changes the streams makes every stored result incomparable."""
    assert stream(0, Purpose.DATA, 0).standard_normal(2).round(6).tolist() == [1.291869, -0.22764]


def test_a_seed_draws_the_same_alone_and_in_a_block():
    law = Latent(dim=2, law="normal")
    block = draw_block(law.draw, [4, 5, 6], Purpose.DATA, 9, draws=3, batch=8)
    assert block.shape == (BLOCK, 3, 3, 8, 2)
    assert torch.equal(block[:, :, 1:2], draw_block(law.draw, [5], Purpose.DATA, 9, draws=3, batch=8))


def test_torch_stream_leaves_the_global_generator_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with torch_stream(0, Purpose.INIT_GENERATOR):
        torch.rand(100)
    assert torch.equal(torch.rand(3), expected)


def test_latent_laws():
    rng = stream(0, Purpose.EVALUATION)
    normal, uniform = (Latent(dim=1, law=law).draw(rng, (20_000,)) for law in ("normal", "uniform"))
    assert abs(normal.std() - 1) < 0.03
    assert abs(normal.mean()) < 0.03
    assert uniform.min() >= -1
    assert uniform.max() <= 1
    assert abs(uniform.std() - 3**-0.5) < 0.02
