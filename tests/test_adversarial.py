"""The alternation: who moves when, how often, on what; and that seeds do not touch each other."""

import lightning as L
import pytest
import torch
from conftest import METHODS, SMALL, composed, fitting, quick
from interventions import WATCHED, calling
from lightning.pytorch.plugins import MixedPrecision
from oracles import optimal_discriminator_error

from saddlegan.checks import ConfigError
from saddlegan.config.schema import check
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.engine.build import build
from saddlegan.engine.compiling import compiled
from saddlegan.methods.gan import GAN


def fitted(*overrides: str, precision: str = "32-true") -> AdversarialModule:
    """A module after its iterations, without callbacks."""
    module, data = build(composed(*SMALL, *overrides))
    L.Trainer(barebones=True, accelerator="cpu", precision=precision, max_epochs=-1).fit(module, datamodule=data)
    return module


def stacked(method: str) -> tuple[str, ...]:
    """Overrides of a method where it carries several seeds; else the test is skipped."""
    return fitting(f"method={method}", data=("gaussian_1d",))


def weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in module.named_parameters()}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_moves_both_players_and_counts_iterations(method):
    settings = fitting(f"method={method}")
    before = weights(build(composed(*SMALL, *settings))[0])
    module = fitted(*settings)
    after = weights(module)
    assert int(module.iteration) == 12
    for name in before:
        # A critic that judges by differences has a last bias whose gradient is 0.
        still = name == "discriminator.biases.1" and method.startswith("wgan")
        still |= method == "cross_entropy" and name.startswith("discriminator")  # it trains no discriminator
        assert still or not torch.equal(before[name], after[name]), name
        assert torch.isfinite(after[name]).all(), name


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("minibatch", ["fresh", "reused"])
def test_a_step_moves_its_player_alone_and_k_steps_make_an_iteration(method, minibatch):
    """By the weights as each step begins, and by the player whose optimizer it is."""
    settings = ("method.num_critic_steps=3", "method.updates=alternating", f"method.minibatch={minibatch}")
    settings = (*settings, "iterations=4", *WATCHED.values())
    module, data = build(composed(*SMALL, *fitting(f"method={method}"), *settings))
    owners = {id(parameter): name.split(".")[0] for name, parameter in module.named_parameters()}
    begun = []
    with calling(lambda optimizer: begun.append((owners[id(optimizer.param_groups[0]["params"][0])], weights(module)))):
        L.Trainer(barebones=True, accelerator="cpu", max_epochs=-1).fit(module, datamodule=data)
    judged = [] if method == "cross_entropy" else ["discriminator"] * 3
    assert [player for player, _ in begun] == [*judged, "generator"] * 4
    after = [*(before for _, before in begun[1:]), weights(module)]
    for (player, before), moved in zip(begun, after, strict=True):
        names = {name.split(".")[0] for name in before if not torch.equal(before[name], moved[name])}
        assert names == {player}, f"the {player}'s step moved {names or 'nothing'}"


@pytest.mark.parametrize("method", ["gan", "primal_dual"])
def test_simultaneous_updates_take_all_gradients_at_the_same_weights(method):
    """The discriminator's first step is that of alternating updates; the generator's is the one it would make with a
    discriminator that stays where it was."""
    one = (f"method={method}", "method.minibatch=reused", "iterations=1", "optimizer=sgd_2014")
    at_once = weights(fitted(*one, "method.updates=simultaneous"))
    in_turn = weights(fitted(*one))
    standing = weights(fitted(*one, "optimizer.discriminator.lr=1e-30"))
    for name, weight in at_once.items():
        assert torch.equal(weight, in_turn[name]) == name.startswith("discriminator"), name
        assert torch.equal(weight, standing[name]) == name.startswith("generator"), name


def test_after_step_follows_each_step_of_simultaneous_updates():
    seen = []

    class Noted(GAN):
        def after_step(self, player, terms):
            seen.append((player, list(terms), weights(self)))

    module, data = build(composed(*SMALL, "method.minibatch=reused", "method.updates=simultaneous", "iterations=1"))
    before = weights(module)
    module.__class__ = Noted
    L.Trainer(barebones=True, accelerator="cpu", max_epochs=-1).fit(module, datamodule=data)
    assert [(player, terms) for player, terms, _ in seen] == [("discriminator", ["loss"]), ("generator", ["loss"])]
    moved = [{name.split(".")[0] for name in before if not torch.equal(at[name], before[name])} for _, _, at in seen]
    assert moved == [{"discriminator"}, {"discriminator", "generator"}]


@pytest.mark.parametrize(
    "overrides", [("method.minibatch=fresh",), ("method.num_critic_steps=2",), ("method.num_generator_steps=2",)]
)
def test_simultaneous_updates_are_refused_without_shared_samples_and_for_several_steps(overrides):
    shared = ("method.updates=simultaneous", "method.minibatch=reused", *overrides)
    with pytest.raises(ConfigError, match="on the same samples"):
        check(composed(*shared))
    with pytest.raises(ConfigError, match="one step of each player"):
        build(composed(*shared))


def test_simultaneous_updates_refuse_a_gradient_scaler():
    """Its scale moves with the first player's step, between the gradient and the step of the second."""
    scaled = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu"))
    module, data = build(composed(*SMALL, "method.updates=simultaneous", "method.minibatch=reused"))
    trainer = L.Trainer(barebones=True, accelerator="cpu", plugins=[scaled], max_epochs=-1)
    with pytest.raises(ConfigError, match="scales gradients"):
        trainer.fit(module, datamodule=data)


def test_a_variant_may_fix_its_own_steps():
    config = composed("~method.minibatch", "~method.num_critic_steps", "method._target_=variants.OneStep")
    check(config)
    assert build(config)[0].num_critic_steps == 1


def test_compiling_what_is_differentiated_twice_is_refused():
    check(composed("method=wgan_gp"))
    with pytest.raises(ConfigError, match="differentiated twice"):
        check(composed("method=wgan_gp", "trainer.compile=true"))


def test_compiling_stacked_networks_in_mixed_precision_is_refused():
    mixed = ("trainer.compile=true", "trainer.precision=bf16-mixed")
    check(composed(*mixed, "data=digits", "model=mnist_mlp"))
    with pytest.raises(ConfigError, match="precision=bf16-mixed, expected 32-true"):
        check(composed(*mixed))


@pytest.mark.parametrize(("minibatch", "distinct"), [("fresh", 3), ("reused", 1)])
def test_fresh_and_reused_minibatches(minibatch, distinct):
    seen = []

    class Noted(GAN):
        def discriminator_loss(self, real, fake):
            seen.append((real["x"].clone(), fake["x"].clone()))
            return super().discriminator_loss(real, fake)

    module, data = build(composed(*SMALL, "method.num_critic_steps=3", f"method.minibatch={minibatch}", "iterations=1"))
    module.__class__ = Noted
    L.Trainer(barebones=True, accelerator="cpu", max_epochs=-1).fit(module, datamodule=data)
    assert len({tuple(real.flatten().tolist()) for real, _ in seen}) == distinct
    assert len({tuple(fake.flatten().tolist()) for _, fake in seen}) == distinct


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_in_a_block_is_the_run_of_that_seed_alone(method):
    """Float64, 50 iterations: equal to 1e-10 (a batched product may round otherwise than a single one)."""
    few = {"wgan": "method.num_critic_steps=2", "wgan_gp": "method.num_critic_steps=2", "unrolled": "method.unrolled=3"}
    long = (*stacked(method), "iterations=50", *filter(None, [few.get(method)]))
    block = weights(fitted(*long, "seed=3", "num_seeds=4", precision="64-true"))
    alone = weights(fitted(*long, "seed=5", "num_seeds=1", precision="64-true"))
    for name, value in alone.items():
        torch.testing.assert_close(block[name][2:3], value, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_in_a_block_takes_the_same_first_step_in_float32(method):
    """One step of SGD: Adam's first step is the gradient's sign, which hides its size and shows its rounding."""
    first = (*stacked(method), "iterations=1", "optimizer=sgd")
    block = weights(fitted(*first, "seed=3", "num_seeds=64"))
    alone = weights(fitted(*first, "seed=5", "num_seeds=1"))
    for name, value in alone.items():
        torch.testing.assert_close(block[name][2:3], value, rtol=1e-5, atol=1e-5)


def test_float32_seeds_agree_statistically_with_runs_alone():
    """After 100 iterations rounding has grown; over 6 seeds the mean distance stays far below the spread of seeds."""
    long = ("method=primal_dual", "iterations=100")
    block = weights(fitted(*long, "num_seeds=6"))["generator.weights.0"]
    alone = torch.cat([weights(fitted(*long, f"seed={s}", "num_seeds=1"))["generator.weights.0"] for s in range(6)])
    assert (block - alone).abs().mean() < 0.01 * alone.std()


def test_a_seed_that_is_lost_leaves_the_others_untouched():
    whole = fitted("num_seeds=3", "iterations=20")
    module, data = build(composed(*SMALL, "num_seeds=3", "iterations=20"))
    with torch.no_grad():
        module.generator.weights[0][1] = float("nan")
    L.Trainer(barebones=True, accelerator="cpu", max_epochs=-1).fit(module, datamodule=data)
    for expected, found in zip(whole.parameters(), module.parameters(), strict=True):
        assert torch.equal(expected[0], found[0])
        assert torch.equal(expected[2], found[2])
        assert torch.isnan(found[1]).any()


@pytest.mark.thorough
@pytest.mark.parametrize(
    "settings",
    [
        *quick([(f"method={method}",) for method in METHODS], ("method=began",)),
        ("method=primal_dual", "method.alpha=10", "method.num_critic_steps=2", "method.minibatch=fresh"),
        ("method=primal_dual", "method.alpha=10", "method.sigma=0.5", "data=ring"),
        ("method=gan", "method.updates=simultaneous", "method.minibatch=reused"),
    ],
    ids=" ".join,
)
def test_compiled_steps_do_what_uncompiled_ones_do(settings, compiler):
    """In float64, where only what is computed differs, not how it is rounded: weights, losses and buffers."""
    module, _ = build(composed(*SMALL, *fitting(*settings)))
    if not module.stacked or module.second_order:
        pytest.skip("its step is not compiled as a whole")
    found = {}
    for compiles in (False, True):
        module, data = build(composed(*SMALL, *fitting(*settings), "trainer.precision=64-true"))
        if compiles:
            module.compiled = {player: compiled(module, player, backend="aot_eager") for player in module.players}
        L.Trainer(barebones=True, accelerator="cpu", precision="64-true", max_epochs=-1).fit(module, datamodule=data)
        assert sorted(module.compiled) == sorted(module.players) * compiles  # none was given up
        found[compiles] = module.state_dict() | module.losses.take(len(module.seeds))
    assert found[True].keys() == found[False].keys()
    for name, value in found[False].items():
        torch.testing.assert_close(found[True][name], value, rtol=1e-9, atol=1e-12, msg=name, equal_nan=True)


@pytest.mark.parametrize("method", METHODS)
def test_an_objective_meets_its_own_optimum(method):
    """A discriminator that is free in each bin of a histogram, fitted to the objective by Newton's method."""
    module, _ = build(composed(*SMALL, *fitting(f"method={method}")))
    objective = getattr(module, "objective", None)
    if objective is None or objective.optimum is None:
        pytest.skip(f"{method} has no optimum that is finite")
    real, fake = (torch.randn(2, 200, 1, generator=torch.Generator().manual_seed(seed)) for seed in range(2))
    assert optimal_discriminator_error(objective, real, 0.3 + fake).max() < 1e-9
