"""Dropout by bytes: its law against the binomial one, its gradient, its order in memory."""

import pytest
import torch
from scipy import stats

from saddlegan.networks.dropout import Dropout, dropout
from saddlegan.random import Purpose, torch_stream


def masked(*shape, rate=0.3, iteration=0, **keywords):
    with torch_stream(0, Purpose.DROPOUT, iteration):
        return dropout(torch.ones(shape, **keywords), rate)


@pytest.mark.parametrize(("rate", "dropped"), [(0.1, 26), (0.3, 77), (0.5, 128), (0.99, 253)])
def test_values_are_dropped_at_the_rate_and_the_others_make_up_for_it(rate, dropped):
    values = masked(200_000, rate=rate)
    count = int((values == 0).sum())
    assert stats.binomtest(count, 200_000, dropped / 256).pvalue > 1e-4
    torch.testing.assert_close(values[values != 0], torch.full((200_000 - count,), 256 / (256 - dropped)))


def test_all_eight_bytes_of_a_word_have_the_same_law_and_are_independent():
    """A 64-bit number drawn without a sign has a last byte below 128."""
    words = (masked(80_000, rate=0.5).view(-1, 8) == 0).double()
    assert (words.mean(0) - 0.5).abs().max() < 0.025
    assert (torch.corrcoef(words.T) - torch.eye(8)).abs().max() < 0.05
    assert abs(float(torch.corrcoef(torch.stack([words[1:, 0], words[:-1, 7]]))[0, 1])) < 0.05


@pytest.mark.parametrize("count", [1, 7, 8, 9, 1001])
def test_any_number_of_values(count):
    dropped = [(masked(count, iteration=iteration) == 0).double() for iteration in range(400)]
    assert dropped[0].shape == (count,)
    assert ((torch.stack(dropped).mean(0) - 77 / 256).abs() < 0.15).all()


def test_gradients_pass_where_values_do():
    x = torch.ones(50, 3, requires_grad=True)
    with torch_stream(0, Purpose.DROPOUT):
        y = dropout(x, 0.5)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())
    assert set(y.detach().unique().tolist()) == {0.0, 2.0}


def test_masks_come_from_the_stream_and_are_new_in_each():
    assert torch.equal(masked(500), masked(500))
    assert not torch.equal(masked(500), masked(500, iteration=1))


def test_images_in_the_order_of_their_channels():
    """Drawn where the values lie: the same masks, and the layout that the next layer wants."""
    plain = masked(4, 8, 6, 6)
    with torch_stream(0, Purpose.DROPOUT):
        last = dropout(torch.ones(4, 8, 6, 6).to(memory_format=torch.channels_last), 0.3)
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(last.permute(0, 2, 3, 1).flatten(), plain.flatten())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_type_stays(dtype):
    assert masked(10, dtype=dtype).dtype == dtype


def test_nothing_is_dropped_or_drawn_after_training_or_at_rate_zero():
    x = torch.rand(20, generator=torch.Generator().manual_seed(0))
    before = torch.get_rng_state()
    layer = Dropout(0.5)
    assert torch.equal(layer.eval()(x), x)
    assert torch.equal(dropout(x, 0.0), x)
    assert torch.equal(before, torch.get_rng_state())
    with torch_stream(0, Purpose.DROPOUT):
        assert not torch.equal(layer.train()(x), x)
