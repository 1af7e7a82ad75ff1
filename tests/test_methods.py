"""What each method says in its paper, held against numbers that are written out here."""

import csv
import math

import lightning as L
import pytest
import torch
from conftest import SMALL, alone, composed, fitting
from interventions import interrupted_at
from torch import nn

from saddlegan.checks import ConfigError
from saddlegan.engine.build import build, evaluation
from saddlegan.engine.train import compile_players
from saddlegan.penalties import gradient_norms, interpolated, one_lipschitz


def built(*overrides):
    return build(composed(*SMALL, *fitting(*overrides)))


def trained(*overrides):
    module, data = built(*overrides)
    L.Trainer(barebones=True, accelerator="cpu", max_epochs=-1).fit(module, datamodule=data)
    return module


def rows(folder):
    return list(csv.DictReader((folder / "metrics.csv").open()))


# Wasserstein ----------------------------------------------------------------------------------------------------------


def test_the_critic_of_a_wasserstein_gan_rises_on_real_samples_and_the_generator_on_its_own():
    module, _ = built("method=wgan")
    real, fake = torch.tensor([[3.0, 1.0]]), torch.tensor([[0.5, 0.0]])
    assert module.objective.discriminator(real, fake).tolist() == [-1.75]
    assert module.objective.generator(fake).tolist() == [-0.25]
    assert module.objective.output(real).tolist() == [[3.0, 1.0]]


@pytest.mark.parametrize("clip", [0.01, 0.05])
def test_the_weights_of_the_critic_alone_are_clipped_at_every_step(clip):
    module = trained("method=wgan", f"method.clip={clip}")
    largest = {
        player: max(weight.abs().max().item() for weight in weights) for player, weights in module.players.items()
    }
    assert largest["discriminator"] == pytest.approx(clip)
    assert largest["generator"] > 5 * clip


@pytest.mark.parametrize(("early", "steps"), [(0, 5), (5, 5), (100, 5), (100, 1), (6, 2)])
def test_the_generator_waits_for_the_critic_as_in_the_authors_script(early, steps):
    """Their loop: 100 steps of the critic, in place of 5, before the first 25 of the generator and each 500th."""
    module, _ = built("method=wgan", f"method.num_critic_steps={steps}", f"method.early_critic_steps={early}")
    assert not any(module.waits("discriminator", iteration) for iteration in range(9000))
    found, taken = [], 0
    for iteration in range(9000):
        taken += steps
        if not module.waits("generator", iteration):
            found.append(taken)
            taken = 0
    expected = [(early or steps) if move < 25 or move % 500 == 0 else steps for move in range(len(found))]
    assert found == expected
    assert len(found) > 500


def test_a_generator_that_waits_stays_what_it_is_while_the_critic_moves():
    counts = {}
    for early in (0, 10):
        module, data = built("method=wgan", f"method.early_critic_steps={early}")
        moves = []
        after, start = module.after_step, [weight.clone() for weight in module.players["generator"]]
        module.after_step = lambda player, terms, after=after, moves=moves: (after(player, terms), moves.append(player))
        L.Trainer(barebones=True, accelerator="cpu", max_epochs=-1).fit(module, datamodule=data)
        counts[early] = moves
        assert not all(map(torch.equal, start, module.players["generator"]))
    assert counts[0] == ([*["discriminator"] * 5, "generator"]) * 12
    assert counts[10] == ([*["discriminator"] * 10, "generator"]) * 6


def test_early_steps_that_no_iteration_ends_with_are_refused():
    with pytest.raises(ConfigError, match=r"early_critic_steps=12: got no multiple .*=5. Remedy: 15"):
        built("method=wgan", "method.early_critic_steps=12")


def test_interpolation_weighs_each_sample_by_its_own_number():
    real, fake = torch.ones(2, 3, 1, 4, 4), torch.zeros(2, 3, 1, 4, 4)
    weight = torch.tensor([[0.0, 0.25, 1.0], [0.5, 0.75, 0.1]])[..., None]
    assert torch.equal(interpolated(real, fake, weight), weight[..., None, None].expand_as(real))


def test_the_penalty_is_that_of_each_samples_gradient():
    """A linear critic's gradient is its weight, whatever the sample; one with w = 0 has none, and no NaN either."""
    weights = torch.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    points = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(0))
    norms = gradient_norms(lambda x: (x * weights[:, None]).sum(-1) + (x * 0.0).sum(), points)
    torch.testing.assert_close(norms[0], torch.full((5,), 5.0))
    torch.testing.assert_close(norms[1], torch.zeros(5), atol=1e-5, rtol=0)
    penalty = one_lipschitz(norms)
    torch.testing.assert_close(penalty, torch.tensor([16.0, 1.0]), atol=1e-4, rtol=0)
    (slope,) = torch.autograd.grad(penalty.sum(), weights)
    torch.testing.assert_close(slope[0], 2 * 4.0 * torch.tensor([3.0, 4.0]) / 5.0)
    assert slope.isfinite().all()


def test_the_terms_of_a_loss_are_logged_and_sum_to_it(run, tmp_path):
    run("method=wgan_gp", "method.penalty=3")
    found = rows(tmp_path / "run")
    for row in found[:3]:
        assert row["discriminator_loss/wasserstein"] == row["discriminator_loss/gradient_penalty"] == "nan"
    for row in found[3:]:
        terms = [float(row[f"discriminator_loss/{name}"]) for name in ("wasserstein", "gradient_penalty")]
        assert sum(terms) == pytest.approx(float(row["discriminator_loss"]), rel=1e-4, abs=1e-6)
        assert terms[1] > 0
    assert len(found) == 12, "a row per seed and evaluation"


def test_the_weight_of_the_penalty_is_lambda():
    one, three = (built("method=wgan_gp", f"method.penalty={weight}")[0] for weight in (1, 3))
    draws = torch.Generator().manual_seed(0)
    real, fake = ({"x": torch.randn(3, 8, 1, generator=draws)} for _ in range(2))
    fake["interpolation"] = torch.rand(3, 8, 1, generator=draws)
    found = [module.discriminator_loss(real, fake)["gradient_penalty"] for module in (one, three)]
    torch.testing.assert_close(3 * found[0], found[1])
    between = interpolated(real["x"], fake["x"], fake["interpolation"]).requires_grad_()
    (slope,) = torch.autograd.grad(one.discriminator(between).sum(), between)
    torch.testing.assert_close(found[0], (slope.abs().squeeze(-1) - 1).square().mean(-1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("wanted", [True, "auto"])
def test_a_loss_that_is_differentiated_twice_is_never_compiled(wanted):
    module, _ = built("method=wgan_gp")
    config = {"trainer": {"compile": wanted}, "num_seeds": 1000, "iterations": 10**9}
    assert compile_players(module, config) is False
    assert not hasattr(module.discriminator_loss, "_torchdynamo_orig_callable")


# BEGAN ----------------------------------------------------------------------------------------------------------------


def test_the_gain_of_began_follows_both_errors_per_seed_and_stays_between_0_and_1():
    module, _ = built("method=began", "method.gamma=0.5", "method.gain=0.1")
    module.k.copy_(torch.tensor([0.2, 0.999, 0.001]))
    real, fake = torch.tensor([1.0, 2.0, 0.1]), torch.tensor([0.3, 0.1, 4.0])
    module.after_step("discriminator", {"real": real, "fake": -0.2 * fake})
    module.after_step("generator", {"loss": fake})
    assert module.k.tolist() == pytest.approx([0.2 + 0.1 * (0.5 * 1.0 - 0.3), 1.0, 0.0])


def test_the_losses_of_began_are_errors_of_reconstruction():
    module, _ = built("method=began")
    module.discriminator = nn.Identity()
    module.discriminator.forward = lambda x: 0.5 * x
    module.k.fill_(0.25)
    real, fake = {"x": torch.full((3, 4, 1), 2.0)}, {"x": torch.full((3, 4, 1), -3.0)}
    terms = module.discriminator_loss(real, fake)
    assert terms["real"].tolist() == [1.0] * 3
    assert terms["fake"].tolist() == [-0.25 * 1.5] * 3
    assert module.generator_loss(real, fake).tolist() == [1.5] * 3
    watched = module.watch(real, fake)
    assert watched["began_measure"].tolist() == pytest.approx([1.0 + abs(0.5 * 1.0 - 1.5)] * 3)
    assert watched["began_k"].tolist() == [0.25] * 3


def test_what_began_shows_of_itself_is_measured_through_training(run, tmp_path):
    run(*fitting("method=began", "method.gain=0.5"))
    found = [float(row["began_k"]) for row in rows(tmp_path / "run")]
    assert found[:3] == [0.0] * 3
    assert max(found) > 0


# Conditional ----------------------------------------------------------------------------------------------------------


def test_fake_and_real_samples_have_the_labels_of_the_same_images_and_both_networks_see_them():
    module, data = built("method=cgan")
    seen = []
    module.discriminator.register_forward_pre_hook(lambda _, given: seen.append(given[1].clone()))
    module.generator.register_forward_pre_hook(lambda _, given: seen.append(given[1].clone()))
    data.trainer = alone()
    span = data.span(0, 1)
    images, labels = data.examples.train, data.examples.train_labels
    for image, label in zip(span["x"][0, 0, 0], span["label"][0, 0, 0], strict=True):
        same = (images == (255 * image).round().to(torch.uint8)).flatten(1).all(1)
        assert label in labels[same], "a label is that of its image"
    real = {name: x[0, 0] for name, x in span.items()}
    fake = module.fake({"latent": torch.rand(1, 8, 100)}, real)
    module.discriminator_loss(real, fake)
    assert torch.equal(seen[0], real["label"]), "the generator's"
    assert torch.equal(seen[1], torch.cat([real["label"]] * 2, dim=1)), (
        "the discriminator's, of real and of fake samples"
    )


def test_a_label_changes_what_both_networks_say():
    module, _ = built("method=cgan")
    module.eval()
    latent, images = torch.rand(1, 3, 100), torch.rand(1, 3, 1, 28, 28)
    labels = [torch.full((1, 3), label) for label in (1, 7)]
    with torch.no_grad():
        assert not torch.equal(*(module.generator(latent, label) for label in labels))
        assert not torch.equal(*(module.discriminator(images, label) for label in labels))


def test_evaluation_asks_for_the_labels_of_the_test_images_and_sampling_for_each_class_in_turn():
    config = composed(*SMALL, *fitting("method=cgan"), "evaluation.samples=500")
    module, data = build(config)
    evaluate = evaluation(data, config)
    evaluate.fakes(module)
    tests = data.examples.test_labels
    assert torch.equal(evaluate.given["label"][0], tests[torch.arange(500) % len(tests)])
    assert torch.equal(module.complete({"latent": torch.zeros(1, 23, 100)})["label"][0], torch.arange(23) % 10)
    label = torch.tensor([[3, 3]])
    assert torch.equal(module.complete({"latent": torch.zeros(1, 2, 100), "label": label})["label"], label)


def test_the_networks_of_the_conditional_gan_have_the_sizes_of_the_paper():
    """200 units for the latent, 1000 for the label, then 1200; maxout 240 x 5, 50 x 5, 240 x 4."""
    module, _ = built("method=cgan", "model=mnist_cgan")
    shapes = {name: tuple(p.shape) for name, p in module.named_parameters() if name.endswith("weight")}
    layers = {f"generator.network.{name}": size for name, size in {
        "latent": (200, 100), "label": (1000, 10), "both": (1200, 1200), "last": (784, 1200)}.items()}  # fmt: skip
    layers |= {f"discriminator.network.{name}": size for name, size in {
        "image": (1200, 784), "label": (250, 10), "both": (960, 290), "last": (1, 240)}.items()}  # fmt: skip
    assert shapes == {f"{name}.weight": size for name, size in layers.items()}
    assert module.latent.law == "unit"


def test_a_law_on_the_unit_interval_has_its_mean_in_the_middle():
    from saddlegan.random import Latent, Purpose, Uniform, stream

    for law in (Latent(dim=2, law="unit"), Uniform(2)):
        drawn = law.draw(stream(0, Purpose.DATA), (4000,))
        assert drawn.shape == (4000, 2)
        assert 0 <= drawn.min() < 0.01
        assert 0.99 < drawn.max() < 1
        assert drawn.mean() == pytest.approx(0.5, abs=4 * math.sqrt(1 / 12 / 8000))


# What a run leaves ----------------------------------------------------------------------------------------------------


def test_a_run_with_terms_and_a_column_of_its_own_goes_on_to_the_same_file(run, tmp_path):
    """The terms of a loss come up after the first row; the file is written anew from rows before and after that."""
    settings = (*fitting("method=began", "method.gain=0.5"), "checkpoint_seconds=1e-9")
    run(*settings, folder="whole")
    with interrupted_at(12) as broken, pytest.raises(KeyboardInterrupt):
        run(*settings, broken, folder="broken")
    run(*settings, broken, folder="broken")
    whole, again = ((tmp_path / folder / "metrics.csv").read_text() for folder in ("whole", "broken"))
    assert again == whole
    assert 0 <= min(float(row["began_k"]) for row in rows(tmp_path / "whole")) <= 1
