"""StackGAN: its losses, how captions enter its networks, and a second stage on a first one that stays as it is."""

import math
from types import SimpleNamespace

import pytest
import torch
from conftest import ROOT, composed
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import interpolate, softplus

from saddlegan.checks import ConfigError
from saddlegan.config.schema import check
from saddlegan.evaluation.images import EvaluateImages
from saddlegan.methods.stackgan import StackGAN, normal_divergence
from saddlegan.networks.captions import Augmentation, MatchingDiscriminator
from saddlegan.networks.single import Single
from saddlegan.networks.stackgan import StageOneGenerator, StageTwoGenerator
from saddlegan.random import Latent

pytestmark = pytest.mark.usefixtures("own_draws")

TEXT = {"text": (6,)}


def first(side=16, **settings):
    given = {"in_features": 9, "shape": (3, side, side), "conditions": TEXT, "width": 4, "condition_width": 4,
             "augmented": True, "initial_std": 0.2}  # fmt: skip
    return StageOneGenerator(**given | settings)


def second(stage, side=32, **settings):
    given = {"in_features": 13, "shape": (3, side, side), "conditions": TEXT, "first": stage, "width": 4,
             "condition_width": 4, "augmented": True, "blocks": 1, "initial_std": 0.2}  # fmt: skip
    return StageTwoGenerator(**given | settings)


def judge(side=16):
    return MatchingDiscriminator(
        shape=(3, side, side), conditions=TEXT, width=4, text_width=4, slope=0.2, initial_std=0.2
    )


def module(generator=None, discriminator=None, **settings):
    """A module of StackGAN around two networks."""
    players = {"generator": Single(generator or first()), "discriminator": Single(discriminator or judge())}
    shared = {"players": players, "latent": Latent(dim=9, law="normal"), "seeds": [0], "shape": (3, 16, 16),
              "optimizers": {}, "num_critic_steps": 1, "minibatch": "fresh"}  # fmt: skip
    return StackGAN(**shared | {"mismatched": True, "divergence_weight": 2.0} | settings)


class Words(nn.Module):
    """Judges by the first number of the caption, plus the mean of the image."""

    def forward(self, images, text):
        return text[:, 0] + images.mean((1, 2, 3))


@torch.no_grad()
def test_both_stages_end_in_a_tanh_and_the_discriminator_takes_its_range():
    """Images are (1 + tanh x) / 2 of the last layer; of [0, 1] the discriminator makes [-1, 1], as tanh gives."""
    for network, latent in ((first(), 9), (second(first().eval()), 13)):
        network.last.weight.zero_()
        network.last.bias.fill_(0.7)
        made = network(torch.randn(4, latent), torch.randn(4, 6))["x"]
        torch.testing.assert_close(made, torch.full_like(made, (1 + math.tanh(0.7)) / 2))
    network, seen = judge(), []
    network.body.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    images = torch.rand(4, 3, 16, 16)
    network(images, torch.randn(4, 6))
    torch.testing.assert_close(seen[0], 2 * images - 1)


@torch.no_grad()
def test_the_first_stages_images_are_enlarged_by_bilinear_interpolation():
    coarse = torch.rand(1, 2, 3, 8, 8)
    found = EvaluateImages.first_stage(
        SimpleNamespace(images=SimpleNamespace(shape=(3, 16, 16))), SimpleNamespace(coarse=lambda given: coarse), {}
    )
    torch.testing.assert_close(found, interpolate(coarse[0], (16, 16), mode="bilinear"))


# Losses ---------------------------------------------------------------------------------------------------------------


def test_the_divergence_is_that_of_torchs_distributions():
    mean, log_variance = torch.randn(2, 5, 7), torch.randn(2, 5, 7)
    exact = kl_divergence(Normal(mean, torch.exp(log_variance / 2)), Normal(0.0, 1.0)).mean((-2, -1))
    assert torch.allclose(normal_divergence(mean, log_variance), exact, atol=1e-6)


def batches():
    """Real images whose captions begin with 1, 2, 2, and fake ones whose captions begin with 0."""
    captions = torch.zeros(1, 3, 6)
    captions[0, :, 0] = torch.tensor([1.0, 2.0, 2.0])
    real = {"x": torch.zeros(1, 3, 3, 16, 16), "text": captions}
    return real, {"x": torch.ones(1, 3, 3, 16, 16), "text": torch.zeros(1, 3, 6)}


def test_the_discriminator_rejects_real_images_with_captions_of_others():
    """Each image is given the caption of the one before it in the minibatch; the third one's is its own, which does not
    count: what is rejected is a caption of 2 beside the first image and one of 1 beside the second."""
    terms = module(discriminator=Words()).discriminator_loss(*batches())
    of = {v: softplus(torch.tensor(v)).item() for v in (-1.0, -2.0, 1.0, 2.0)}
    assert terms["real"].item() == pytest.approx((of[-1.0] + 2 * of[-2.0]) / 3)
    assert terms["fake"].item() == pytest.approx(of[1.0] / 2)
    assert terms["mismatched"].item() == pytest.approx((of[2.0] + of[1.0]) / 4)


def test_without_mismatched_captions_it_is_the_plain_loss():
    terms = module(discriminator=Words(), mismatched=False).discriminator_loss(*batches())
    assert terms.keys() == {"real", "fake"}
    assert terms["fake"].item() == pytest.approx(softplus(torch.tensor(1.0)).item())


def test_captions_that_are_all_alike_reject_nothing():
    real, fake = batches()
    terms = module(discriminator=Words()).discriminator_loss({**real, "text": torch.ones(1, 3, 6)}, fake)
    assert terms["mismatched"].item() == 0.0


def test_the_generator_pays_for_its_augmentation():
    made = {"mean": torch.full((1, 3, 4), 2.0), "log_variance": torch.zeros(1, 3, 4)}
    of = module(discriminator=Words())
    _, fake = batches()
    terms = of.generator_loss(*batches()[:1], {**fake, **made})
    assert terms["divergence"].item() == pytest.approx(2.0 * 2.0)  # weight 2, mean^2 / 2 = 2
    assert terms["judged"].item() == pytest.approx(softplus(torch.tensor(-1.0)).item())
    assert of.generator_loss(*batches()).keys() == {"judged"}


# Networks -------------------------------------------------------------------------------------------------------------


def test_augmentation_draws_about_a_mean():
    """With all weights 0 mean and log variance are 0, so that the condition is the noise; without it, none enters."""
    text, noise = torch.randn(5, 6), torch.randn(5, 4)
    plain, drawn = Augmentation(6, 4, False), Augmentation(6, 4, True)
    assert torch.equal(plain(text, noise)[0], plain(text, -noise)[0])
    assert plain(text, noise)[1] == {}
    nn.init.zeros_(drawn.layer.weight)
    drawn.layer.bias.data = torch.tensor([3.0] * 4 + [2.0 * torch.log(torch.tensor(5.0)).item()] * 4)
    condition, about = drawn(text, noise)
    assert torch.allclose(condition, 3.0 + 5.0 * noise)
    assert about["mean"].eq(3.0).all()


@pytest.mark.parametrize("side", [8, 16, 32, 64])
def test_both_players_take_squares_of_powers_of_two(side):
    made = first(side)(torch.randn(2, 9), torch.randn(2, 6))
    assert made["x"].shape == (2, 3, side, side)
    assert 0 <= made["x"].min() <= made["x"].max() <= 1
    assert judge(side)(made["x"], torch.randn(2, 6)).shape == (2,)


@pytest.mark.parametrize("side", [28, 4, 48])
def test_other_images_are_refused(side):
    for network in (first, judge):
        with pytest.raises(ConfigError, match=f"got images of {side} x {side}, expected squares of 8, 16"):
            network(side)


def test_a_latent_without_room_for_the_noise_is_refused():
    with pytest.raises(ConfigError, match=r"model.latent.dim=4: got no more than condition_width=4"):
        first(in_features=4)


def test_the_caption_reaches_both_players():
    text = torch.randn(3, 6, requires_grad=True)
    judge()(torch.rand(3, 3, 16, 16), text).square().sum().backward()
    assert text.grad.abs().min() > 0
    text.grad = None
    first()(torch.randn(3, 9), text)["x"].square().sum().backward()
    assert text.grad.abs().sum() > 0


def test_what_is_said_of_real_images_does_not_depend_on_the_fakes():
    real, fake = batches()
    of = module()
    with torch.no_grad():
        one = of.discriminator_loss(real, fake)["real"]
        other = of.discriminator_loss(real, {**fake, "x": 0.3 * fake["x"]})["real"]
    assert torch.equal(one, other)


# The second stage -----------------------------------------------------------------------------------------------------


def test_the_second_stage_sees_the_first_ones_images_and_the_caption():
    stage = first().eval().requires_grad_(False)
    network, latent, text = second(stage), torch.randn(4, 13), torch.randn(4, 6)
    made = network(latent, text)
    assert made["x"].shape == (4, 3, 32, 32)
    assert torch.equal(made["coarse"], stage(latent[:, :9], text)["x"])
    assert not torch.equal(made["x"], network(torch.cat([latent[:, :9], -latent[:, 9:]], 1), text)["x"])
    made["x"].sum().backward()
    assert all(parameter.grad is None for parameter in stage.parameters())
    assert all(p.grad is not None for name, p in network.named_parameters() if not name.startswith("first."))


def test_the_first_stages_weights_are_not_started_anew():
    stage = first()
    before = {name: value.clone() for name, value in stage.state_dict().items() if "num_batches" not in name}
    second(stage.eval())
    assert all(torch.equal(value, stage.state_dict()[name]) for name, value in before.items())


@pytest.mark.parametrize(
    ("side", "settings", "says"),
    [
        (32, {"in_features": 12}, "cannot be given latents of 8 numbers and captions of 6"),
        (32, {"conditions": {"text": (5,)}}, "cannot be given latents of 9 numbers and captions of 5"),
        (48, {}, "makes images of 3 channels and 16 x 16"),
        (8, {}, "makes images of 3 channels and 16 x 16"),
    ],
)
def test_a_first_stage_that_does_not_fit_is_refused(side, settings, says):
    with pytest.raises(ConfigError, match=says):
        second(first().eval(), side, **settings)


def test_a_second_stage_of_grey_images_on_a_first_one_in_colour_is_refused():
    with pytest.raises(ConfigError, match="images of 3 channels and 16 x 16, expected images of 1 channels"):
        second(first().eval(), shape=(1, 32, 32))


def test_a_network_that_says_not_which_conditions_it_takes_is_refused_where_there_are_none():
    searched = f"hydra.searchpath=[{ROOT / 'tests' / 'conf'}]"
    with pytest.raises(ConfigError, match="no label, which it needs"):
        check(composed(searched, "data=digits", "method=gan", "model=captioned"))


def test_a_network_for_other_conditions_is_refused():
    with pytest.raises(ConfigError, match=r"gives it label, which it does not take. Remedy: model=mnist_cgan"):
        check(composed("data=digits", "method=cgan", "model=lapgan_28"))
