"""The ring's games against closed forms and against eq. (7) by hand; each verdict on both sides of its rule."""

import math

import numpy as np
import pytest
import torch

from saddlegan.checks import ConfigError
from saddlegan.kernels import kernel_density
from saddlegan.reporting.statistics import Estimate
from saddlegan.theory import mode_collapse as lab
from saddlegan.theory.mode_collapse import rules
from saddlegan.theory.mode_collapse.ring import PAIR, Look, Method, Ring, highest, look, shares
from saddlegan.theory.shared.players import merged

SIZES = {"modes": 8, "radius": 2.0, "std": 0.2, "seeds": 2, "batch": 16, "step": 5e-3}
STANDARD = Method("standard")


@pytest.fixture(scope="module")
def section():
    """The whole section at a small size."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"FROZEN_SEEDS": 6, "SEEDS": 3, "LONG": 60, "ROUNDS": 3, "TURN": 20, "FIRST": 20}.items():
            patch.setattr(lab, name, value)
        yield lab.section()


def ring(*methods, **sizes):
    return Ring(methods or (STANDARD,), **SIZES | sizes)


def gradients(game):
    return torch.cat([parameter.grad.flatten(1) for parameter in game.generator.parameters()], 1)


def by_hand(game, latent, real, alpha, sigma):
    """Gradient of mean f1(D(G(z))) + 2 alpha mean f1(D(x)) p_g(x), written out for the first game."""
    generator = merged([game.generator])
    fake = generator(latent)
    pull = 2.0 * alpha * PAIR.f1(game.logits(real)).detach() * kernel_density(fake, real, sigma)
    (PAIR.f1(game.logits(fake)).mean(-1) + pull.mean(-1)).sum().backward()
    return torch.cat([parameter.grad.flatten(1) for parameter in generator.parameters()], 1)


@pytest.mark.parametrize("held", [True, False])
def test_the_first_step_of_a_turn_descends_the_loss_that_is_linear_in_the_generated_distribution(held):
    game = ring(Method("primal-dual", alpha=3.0, sigma=1.5, held=held))
    game.train_discriminator(3)
    state = game.random.get_state()
    real, latent = game.real(16), game.latent(16)
    expected = by_hand(game, latent, real, 3.0, 1.5)
    game.random.set_state(state)
    game.train_generator(1)
    torch.testing.assert_close(gradients(game), expected, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(expected, by_hand(game, latent, real, 0.0, 1.5), rtol=1e-2)


def test_a_target_held_over_the_round_is_another_method_from_the_second_step_on():
    pair = ring(Method("round", 3.0, 1.5, held=True), Method("step", 3.0, 1.5))
    pair.train_discriminator(3)
    pair.train_generator(1)
    held, each = gradients(pair).chunk(2)
    torch.testing.assert_close(held, each)
    pair.train_generator(5)
    held, each = gradients(pair).chunk(2)
    assert not torch.allclose(held, each, rtol=1e-3)


def test_a_game_does_not_depend_on_what_is_played_beside_it():
    alone, beside = ring(), ring(Method("primal-dual", 1.0, 1.5), STANDARD)
    for game in (alone, beside):
        game.train_discriminator(5)
        game.train_generator(5)
    np.testing.assert_allclose(look(beside, 32).samples[1], look(alone, 32).samples[0], rtol=1e-3, atol=1e-4)
    assert not np.allclose(look(beside, 32).samples[0], look(alone, 32).samples[0], atol=1e-3)


def test_a_generator_alone_goes_to_the_top_of_a_hill_whatever_its_latent(monkeypatch):
    game, top = ring(), torch.tensor([0.7, -0.4])
    monkeypatch.setattr(game, "logits", lambda x: -(x - top).square().sum(-1))
    before = lab.spread(look(game, 256).samples, game.unit)
    game.train_generator(400)
    samples = look(game, 256).samples[0]
    np.testing.assert_allclose(samples.mean(-2), np.tile(top, (2, 1)), atol=0.05)
    assert (lab.spread(samples, game.unit) < 0.05).all()
    assert (before > 0.9).all()


def test_data_and_untrained_samples_have_the_same_mean_and_spread():
    game = ring()
    real, fake = game.real(20_000), game.generator(game.latent(20_000)).detach()
    for samples in (real, fake):
        np.testing.assert_allclose(samples.mean(1), 0.0, atol=0.2)
        np.testing.assert_allclose(lab.spread(samples.numpy(), game.unit), 1.0, atol=0.1)
    assert game.unit == pytest.approx(math.sqrt(4.08))
    np.testing.assert_allclose(shares(real.numpy(), game.modes.numpy(), 0.6), (1 - math.exp(-4.5)) / 8, atol=0.01)


def test_the_discriminator_is_the_same_everywhere_far_away():
    game = ring()
    game.train_discriminator(5)
    far = game.logits(torch.tensor([[[50.0, 0.0], [-70.0, 90.0], [0.0, 1e4]]]).expand(2, -1, -1))
    torch.testing.assert_close(far, far[:, :1].expand(-1, 3), rtol=0, atol=0)
    assert not torch.allclose(far[:, :1], game.logits(torch.zeros(2, 1, 2)))


def test_singular_values_are_those_of_a_linear_generator():
    game = ring()
    factors = [torch.tensor([[2.0, 1.0], [0.0, 3.0]]), torch.tensor([[1.0, -1.0], [0.5, 2.0]]), torch.eye(2)]
    with torch.no_grad():
        for (weight, bias), factor in zip(game.generator.layers, factors, strict=True):
            weight.zero_()
            weight[:, :2, :2] = factor
            bias.fill_(100.0)  # every unit is active
    product = factors[0] @ factors[1]
    expected = np.sort(np.sqrt(np.linalg.eigvalsh((product @ product.T).numpy())))[::-1]
    np.testing.assert_allclose(look(game, 8).singular, np.broadcast_to(expected, (1, 2, 8, 2)), rtol=1e-5)


def test_the_highest_point_is_that_of_the_higher_hill_or_infinity():
    tops, low, high = torch.tensor([[1.234, -2.5], [-3.1, 0.02]]), 1.0, 2.0

    def hills(x):
        return torch.stack(
            [h * torch.exp(-(x - t).square().sum(-1)) for h, t in zip((low, high), tops, strict=True)]
        ).sum(0)

    found = highest(hills, torch.zeros(3, 2), (4.0, 0.4, 0.04, 0.004))
    torch.testing.assert_close(found, tops[1].expand(3, 2), rtol=0, atol=1e-3)
    assert highest(lambda x: -hills(x), torch.zeros(1, 2), (4.0,)).isinf().all()


def test_shares_turn_with_the_ring_and_count_what_is_near():
    modes = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    samples = np.array([[1.1, 0.0], [3.0, 0.0], [0.0, 0.9], [-1.0, 0.05]])
    np.testing.assert_allclose(shares(samples, modes), [0.5, 0.25, 0.25, 0.0])
    np.testing.assert_allclose(shares(samples, modes, 0.5), [0.25, 0.25, 0.25, 0.0])
    quarter = np.array([[0.0, 1.0], [-1.0, 0.0]])
    np.testing.assert_allclose(shares(samples @ quarter, modes), [0.0, 0.5, 0.25, 0.25])
    assert rules.covered(samples, modes, 0.2) == 3
    assert rules.covered(np.full((40, 2), 9.0), modes, 0.2) == 1
    crowd = np.concatenate([np.tile(modes[0], (62, 1)), modes[1:3]])
    assert rules.covered(crowd, modes, 0.2) == 1  # one of 64 is too few
    assert rules.covered(np.concatenate([crowd[:31], modes[1:2]]), modes, 0.2) == 2


def test_hops_are_changes_of_the_occupied_mode():
    occupied = np.array([[0, 1], [0, 2], [3, 2], [3, 1]])
    np.testing.assert_allclose(rules.hop_shares(occupied), [1 / 3, 2 / 3])


def estimate(low, high):
    return Estimate((low + high) / 2, low, high, 8)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.6, 0.9, "reproduced"),
        (0.1, 0.4, "contradicted"),
        (0.4, 0.6, "inconclusive"),
        (np.nan, np.nan, "inconclusive"),
    ],
)
def test_rule_of_hops(low, high, verdict):
    others = {"another": estimate(0.1, 0.2)}
    assert rules.hopping({STANDARD.name: estimate(low, high)} | others).verdict == verdict


@pytest.mark.parametrize(
    ("collapsed", "there", "verdict"),
    [(10, 10, "reproduced"), (0, 10, "contradicted"), (10, 0, "contradicted"), (6, 6, "inconclusive")],
)
def test_rule_of_collapse(collapsed, there, verdict):
    spreads, misses = (np.where(np.arange(10) < count, 0.01, 0.2) for count in (collapsed, there))
    seen = Look(np.zeros((1, 10, 4, 2)), np.ones((1, 10, 4, 2)))
    found = rules.collapse(spreads, misses, seen, seen)
    assert (found.verdict, found.effect, found.seeds) == (verdict, min(collapsed, there) / 10, 10)


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ([(0.6, 2.0), (1.0, 3.0)], "reproduced"),
        ([(-0.2, 0.4), (0.1, 0.3)], "contradicted"),
        ([(0.6, 2.0), (0.1, 0.3)], "inconclusive"),
        ([(0.2, 2.0), (0.2, 2.0)], "inconclusive"),
    ],
)
def test_rule_of_resolution(gains, verdict):
    found = {str(place): estimate(*ends) for place, ends in enumerate(gains)}
    result = rules.resolution(found, {STANDARD.name: estimate(1, 1)})
    assert result.verdict == verdict
    assert result.effect == max(gain.value for gain in found.values())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ring(modes=1), "modes=1: got one mode"),
        (lambda: ring(seeds=0), "seeds=0"),
        (lambda: ring(batch=0), "batch=0"),
        (lambda: ring(step=0.0), "step=0.0"),
        (lambda: ring(step=math.nan), "step=nan"),
        (lambda: ring(std=-1.0), "std=-1.0"),
        (lambda: Method("x", sigma=0.0), "sigma=0.0"),
        (lambda: Method("x", alpha=-1.0), "alpha=-1.0"),
        (lambda: ring().train_generator(0), "steps=0"),
        (lambda: lab.play(ring(), 0), "rounds=0"),
    ],
)
def test_bad_input_is_refused(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


def test_the_section_is_whole_and_its_numbers_agree(section):
    assert [statement.id for statement, _ in section.findings] == [
        "generator-alone-collapses",
        "collapsed-generator-hops",
        "primal-dual-resolves-collapse",
    ]
    assert [verdict.seeds for _, verdict in section.findings] == [6, 3, 3]
    rows = section.tables[0].rows
    assert [row[0] for row in rows] == [method.name for method in rules.METHODS]
    covered, gained = ([float(str(row[column]).split()[0]) for row in rows[1:]] for column in (1, 2))
    standard = float(str(rows[0][1]).split()[0])
    np.testing.assert_allclose(np.array(covered) - standard, gained, atol=0.02)
    assert section.findings[2][1].effect == pytest.approx(max(gained), abs=0.01)
    assert [picture.name for picture in section.pictures] == ["landscapes", "rounds"]
    neighbours = ring().modes[:2].numpy()
    assert np.linalg.norm(neighbours[1] - neighbours[0]) == pytest.approx(rules.SPACING)
