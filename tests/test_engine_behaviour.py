"""What the engine does in which order, from which streams, with which weights: seen through documented hooks."""

import csv

import lightning as L
import numpy as np
import pytest
import torch
from conftest import IMAGES, MODELS, SMALL, alone, composed, fitting
from torch.nn import functional

from saddlegan.batch import split
from saddlegan.engine.build import build, evaluation
from saddlegan.evaluation.evaluate import watched
from saddlegan.methods.gan import GAN
from saddlegan.networks.dropout import dropout
from saddlegan.random import Latent, Purpose, draw_block, draw_evaluation, stream, torch_stream


class Recorder(GAN):
    """Keeps what the hooks are given, and the generator's weights as each generator step begins."""

    def watch(self):
        self.seen: list[tuple[str, torch.Tensor]] = []
        self.weights: list[torch.Tensor] = []
        return self

    def discriminator_loss(self, real, fake):
        self.seen.append(("discriminator", real["x"].clone()))
        return super().discriminator_loss(real, fake)

    def generator_loss(self, real, fake):
        self.seen.append(("generator", real["x"].clone()))
        self.weights.append(flat(self.generator))
        return super().generator_loss(real, fake)


def flat(network):
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def recorded(*overrides):
    module, data = build(composed(*SMALL, *overrides))
    module.__class__ = Recorder
    module.watch()
    L.Trainer(barebones=True, accelerator="cpu", max_epochs=-1).fit(module, datamodule=data)
    return module


@pytest.mark.parametrize("minibatch", ["fresh", "reused"])
def test_the_generator_is_given_the_minibatch_that_the_discriminator_saw_last(minibatch):
    seen = recorded("method.num_critic_steps=3", f"method.minibatch={minibatch}", "iterations=4").seen
    assert [player for player, _ in seen] == ["discriminator", "discriminator", "discriminator", "generator"] * 4
    for last in range(2, len(seen), 4):
        assert torch.equal(seen[last][1], seen[last + 1][1])
        assert torch.equal(seen[last - 2][1], seen[last][1]) == (minibatch == "reused")


@pytest.mark.parametrize("minibatch", ["fresh", "reused"])
def test_a_generator_that_makes_several_steps_is_given_other_latents_for_each(minibatch):
    overrides = ("method.num_generator_steps=3", f"method.minibatch={minibatch}", "iterations=4")
    module, data = build(composed(*SMALL, *overrides))
    made, make = [], module.make
    module.make = lambda generator, given: made.append(given["latent"]) or make(generator, given)
    moved, after = [], module.after_step
    module.after_step = lambda player, terms: moved.append(player) or after(player, terms)
    L.Trainer(barebones=True, accelerator="cpu", max_epochs=-1).fit(module, datamodule=data)
    assert moved == ["discriminator", *["generator"] * 3] * 4
    assert data.draws == 1
    same = torch.equal(made[-1], made[-2])
    assert same == (minibatch == "reused")


@pytest.mark.parametrize("every", [3, 5, 100])
def test_the_average_follows_the_generator_after_each_iteration(every):
    """Held against the recursion a <- d a + (1 - d) w over the weights after each iteration, a beginning with w_1."""
    module = recorded("ema_decay=0.8", f"evaluation.every={every}")
    after = [*module.weights[1:], flat(module.generator)]
    expected = after[0]
    for weights in after[1:]:
        expected = 0.8 * expected + 0.2 * weights
    torch.testing.assert_close(flat(module.average.module), expected, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(flat(module.average.module), flat(module.generator), rtol=1e-4)


@pytest.mark.parametrize("ema_decay", [0.0, 0.5])
def test_samples_are_those_of_the_network_without_dropout(ema_decay):
    module, _ = build(composed(*SMALL, *IMAGES, f"ema_decay={ema_decay}"))
    module.train()
    drawn = module.sample(3)
    network = module.generator.network.eval()
    latent = draw_evaluation(module.latent.draw, module.seeds, 3, part=0)
    with torch.no_grad():
        torch.testing.assert_close(drawn[0], network(latent[0]))
    module.train()
    module(latent)
    assert module.generator.network.training, "training goes on with dropout"


def test_each_player_has_latents_of_its_own():
    module, data = build(composed(*SMALL, "method.num_critic_steps=2", "iterations=3"))
    given = []
    module.generator.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].clone()))
    L.Trainer(barebones=True, accelerator="cpu", max_epochs=-1).fit(module, datamodule=data)
    law, batch = module.latent.draw, 8
    critic = draw_block(law, module.seeds, Purpose.LATENT_DISCRIMINATOR, 0, 2, batch)
    own = draw_block(law, module.seeds, Purpose.LATENT_GENERATOR, 0, 1, batch)
    expected = [x for at in range(3) for x in (critic[at, 0], critic[at, 1], own[at, 0])]
    assert len(given) == len(expected)
    assert all(torch.equal(one, other) for one, other in zip(given, expected, strict=True))
    assert len({tuple(x.flatten().tolist()) for x in given}) == 9


@pytest.mark.parametrize("law", ["normal", "uniform"])
def test_a_latent_has_its_scale(law):
    plain, scaled = (Latent(dim=2, law=law, scale=scale).draw(stream(0, Purpose.DATA), (500,)) for scale in (1.0, 3.0))
    np.testing.assert_allclose(scaled, 3.0 * plain, rtol=1e-6)
    assert np.abs(plain).max() > 0.9


def test_blocks_parts_purposes_and_seeds_are_streams_of_their_own():
    law = Latent(dim=1, law="normal").draw
    draws = [draw_block(law, [seed], purpose, block, 1, 4) for seed in (0, 1) for purpose in (0, 1) for block in (0, 1)]
    draws += [draw_evaluation(law, [seed], 200, part) for seed in (0, 1) for part in (0, 1)]
    assert len({tuple(draw.flatten().tolist()[:8]) for draw in draws}) == len(draws)
    numbers = []
    for seed, purpose, block in ((0, Purpose.DROPOUT, 0), (0, Purpose.DROPOUT, 1), (1, Purpose.DROPOUT, 0)):
        with torch_stream(seed, purpose, block):
            numbers.append(float(torch.rand(())))
    assert len(set(numbers)) == 3


def test_the_first_draws_of_an_evaluation_do_not_depend_on_their_number():
    law = Latent(dim=3, law="normal").draw
    assert torch.equal(draw_evaluation(law, [0, 4], 10, 0), draw_evaluation(law, [0, 4], 1000, 0)[:, :10])


# One pass of the discriminator for real and fake samples -------------------------------------------------------------


@pytest.mark.parametrize(("per_sample", "passes"), [(True, [16]), (False, [8, 8]), (None, [8, 8])])
def test_real_and_fake_samples_share_a_pass_where_the_discriminator_allows_it(per_sample, passes):
    module, _ = build(composed(*SMALL))
    if per_sample is None:  # it says nothing
        module.discriminator = torch.nn.Sequential(module.discriminator)
    else:
        module.discriminator.per_sample = per_sample
    draws = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(3, 8, 1, generator=draws) for _ in range(2))
    expected = module.discriminator(real), module.discriminator(fake)
    seen = []
    module.discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    torch.testing.assert_close(module.judge({"x": real}, {"x": fake}), expected)
    assert seen == passes


@pytest.mark.parametrize("kept", [False, True])
def test_a_variant_is_watched_without_dropout_or_always_with_the_same_and_trained_with_it_afterwards(kept):
    own = ("method=primal_dual", "method.sigma=10", f"model.generator.dropout_at_sampling={kept}")
    module, _ = build(composed(*SMALL, *IMAGES, *own))
    module.train()
    seen = []
    module.discriminator.network.register_forward_hook(lambda network, *_: seen.append(network.training))
    draws = torch.Generator().manual_seed(0)
    real, latent = torch.rand(1, 8, 1, 28, 28, generator=draws), torch.randn(1, 8, 4, generator=draws)
    first, second = (watched(module, {"x": real}, {"latent": latent})["pull_ratio"] for _ in range(2))
    assert torch.equal(first, second)
    assert first.isfinite().all()
    assert not first.requires_grad
    assert seen
    assert not any(seen)
    assert module.generator.network.training
    assert module.discriminator.network.training


@pytest.mark.parametrize("model", MODELS)
def test_a_discriminator_that_says_per_sample_judges_each_sample_by_itself(model):
    """Under whatever method goes with the model."""
    methods = (("method=gan",), ("method=began",), ("method=cgan",))
    own = {"mlp_autoencoder": methods[1], "mnist_autoencoder": methods[1], "mnist_cgan": methods[2]}
    own["mnist_infogan_autoencoder"] = methods[1]
    module, _ = build(composed(*SMALL, *fitting(*own.get(model, methods[0]), f"model={model}")))
    module.eval()
    with torch.no_grad():
        given = module.complete({"latent": draw_evaluation(module.latent.draw, module.seeds, 6, part=0)})
        fake = {**given, **module.make(module.generator, given)}
        together = module.logits(fake)
        parts = torch.cat([module.logits(part) for part in split(fake, 2)], dim=1)
    assert not module.discriminator.per_sample or torch.allclose(together, parts, rtol=1e-4, atol=1e-6)
    normalised = any(isinstance(layer, torch.nn.BatchNorm2d) for layer in module.discriminator.modules())
    assert module.discriminator.per_sample is not normalised, "every other discriminator of today does"


# Images ---------------------------------------------------------------------------------------------------------------


def test_image_networks_start_under_streams_of_their_own():
    config = composed(*SMALL, *IMAGES, "seed=3")
    module, _ = build(config)
    from hydra.utils import instantiate

    model = instantiate(config["model"], _convert_="all")
    with torch_stream(3, Purpose.INIT_DISCRIMINATOR):
        discriminator = model["discriminator"](shape=(1, 28, 28))
    with torch_stream(3, Purpose.INIT_GENERATOR):
        generator = model["generator"](in_features=4, shape=(1, 28, 28))
    assert torch.equal(flat(module.discriminator), flat(discriminator))
    assert torch.equal(flat(module.generator), flat(generator))


def test_the_2014_generator_begins_with_the_mean_of_the_training_images():
    module, data = build(composed(*SMALL, "data=digits", "model=mnist_mlp", "num_seeds=1", "evaluation.samples=128"))
    with torch.no_grad():
        start = module.generator(torch.zeros(1, 1, 100))[0, 0]
    mean = (data.examples.train.float() / 255).mean(0).clamp(1e-3, 1 - 1e-3)
    torch.testing.assert_close(start, mean, atol=1e-5, rtol=1e-4)
    assert mean.max() > 0.3


@pytest.mark.parametrize("draws", [1, 2, 3])
def test_a_span_of_images_is_a_part_of_the_whole_training(draws):
    settings = (f"method.num_critic_steps={draws}", "iterations=12", "batch_size=64")
    _, data = build(composed(*SMALL, *IMAGES, *settings))
    _, again = build(composed(*SMALL, *IMAGES, *settings))
    data.trainer = again.trainer = alone()
    whole = data.span(0, 12)["x"]
    assert whole.shape == (12, draws, 1, 64, 1, 28, 28)
    assert torch.equal(again.span(5, 9)["x"], whole[5:9])
    rows = whole[: 1348 // 64 // draws].reshape(-1, 784)
    assert len(torch.unique(rows, dim=0)) > 0.97 * len(rows), "an epoch shows no image twice, but for equal digits"


def table_2_generator(network, latent, rate, training):
    def drop(x):
        return dropout(x, rate, training)

    x = drop(functional.relu(network.dense(latent))).view(-1, 4, 7, 7)
    x = drop(functional.relu(network.second(functional.interpolate(x, scale_factor=2))))
    x = drop(functional.relu(network.third(x)))
    return torch.sigmoid(network.last(functional.interpolate(x, scale_factor=2)))


def table_2_discriminator(network, images, rate, training):
    def drop(x):
        return dropout(x, rate, training)

    first, second, last = network.layers[0], network.layers[4], network.layers[8]
    x = functional.conv2d(images, first.weight, first.bias, stride=2, padding=1)
    x = functional.max_pool2d(drop(functional.leaky_relu(x, 0.2)), 2)
    x = drop(functional.leaky_relu(functional.conv2d(x, second.weight, second.bias, padding=1), 0.2))
    return functional.linear(x.flatten(1), last.weight, last.bias)[:, 0]


@pytest.mark.parametrize("training", [True, False])
def test_table_2_layer_by_layer_with_its_dropout(training):
    """The same masks from the same seed: a layer of dropout that is missing, moved or of another rate is seen."""
    module, data = build(composed(*SMALL, *IMAGES))
    generator, discriminator = module.generator.network.train(training), module.discriminator.network.train(training)
    latent = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    images = data.examples.train[:5].float() / 255
    for network, inputs, oracle, rate in (
        (generator, latent, table_2_generator, 0.1),
        (discriminator, images, table_2_discriminator, 0.3),
    ):
        found = []
        for compute in (
            network,
            lambda x, network=network, oracle=oracle, rate=rate: oracle(network, x, rate, training),
        ):
            with torch_stream(0, Purpose.DROPOUT):
                found.append(compute(inputs))
        torch.testing.assert_close(*found)


def test_maxout_drops_pixels_and_hidden_values_at_rates_of_their_own():
    from saddlegan.networks.maxout import MaxoutDiscriminator

    network = MaxoutDiscriminator(
        shape=(1, 28, 28), widths=[24, 12], pieces=3, input_dropout=0.2, dropout=0.5, irange=0.05
    )
    images = torch.rand(6, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch_stream(0, Purpose.DROPOUT):
        found = network(images)
    with torch_stream(0, Purpose.DROPOUT):
        x = dropout(images.flatten(1), 0.2)
        for layer in network.layers:
            x = dropout(functional.linear(x, layer.weight, layer.bias).view(6, -1, 3).amax(-1), 0.5)
        torch.testing.assert_close(found, network.last(x)[:, 0])


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("relu", [-0.0, 2.0]), ("tanh", [-0.7616, 0.9640]), ("leaky_relu", [-0.2, 2.0])],
)
def test_activations_of_the_perceptron(activation, expected):
    from saddlegan.networks.mlp import MLPGenerator

    network = MLPGenerator(in_features=1, out_features=2, widths=[2], activation=activation, seeds=[0])
    with torch.no_grad():
        for weight, bias in zip(network.weights, network.biases, strict=True):
            weight.copy_(torch.eye(weight.shape[1], weight.shape[2])[None] if weight.shape[1] == 2 else 1.0)
            bias.zero_()
        network.biases[0].copy_(torch.tensor([[[-1.0, 2.0]]]))
        torch.testing.assert_close(network(torch.zeros(1, 1, 1))[0, 0], torch.tensor(expected), atol=1e-4, rtol=0)


# What is left behind --------------------------------------------------------------------------------------------------


def test_the_best_evaluation_of_a_seed_is_where_its_w1_is_least(run, tmp_path):
    result = run("iterations=60", "evaluation.every=10")
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").open()))
    for place, seed in enumerate(result["seeds"]):
        own = [row for row in rows if int(row["seed"]) == seed]
        best = min(own, key=lambda row: float(row["w1"]))
        assert result["best"]["w1"][place] == pytest.approx(float(best["w1"]), rel=1e-5)
        assert result["best"]["iteration"][place] == int(best["iteration"])
        assert result["best"]["mean_error"][place] == pytest.approx(float(best["mean_error"]), rel=1e-4)


def test_rows_after_the_checkpoint_are_dropped_when_a_run_goes_on(run, tmp_path):
    run("iterations=10", folder="run")
    with (tmp_path / "run" / "metrics.csv").open("a") as file:
        file.write("10,0,9,9,9\n")  # what a killed session wrote after its last checkpoint
    run("iterations=20", folder="run")
    run("iterations=20", folder="whole")
    assert (tmp_path / "run" / "metrics.csv").read_text() == (tmp_path / "whole" / "metrics.csv").read_text()


def test_floors_are_what_training_images_reach_against_test_images():
    from saddlegan.metrics.features import frechet_distance

    config = composed(*SMALL, *IMAGES, "evaluation.samples=200")
    _, data = build(config)
    evaluate = evaluation(data, config)
    train, test = ((x.float() / 255) for x in (data.examples.train[:200], data.examples.test))
    features = [evaluate.extractor.see(images)[0] for images in (train, test)]
    assert evaluate.floors()["frechet"] == pytest.approx(frechet_distance(*features), rel=1e-6)
    assert evaluate.floors()["frechet"] > 1.0
