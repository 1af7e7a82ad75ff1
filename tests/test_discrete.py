"""Samples of discrete values: their law, their log-probabilities, and the gradients that a boundary-seeking GAN
takes."""

import math

import numpy as np
import pytest
import torch
from conftest import DISCRETE, SMALL, composed

from saddlegan.checks import ConfigError
from saddlegan.config.schema import check
from saddlegan.discrete import ESTIMATORS, basic, drawn, law_of, log_probability, means, normalised, reinforce
from saddlegan.divergences import BOUNDARY_SEEKING, DIVERGENCES, LEAST_WEIGHT
from saddlegan.engine.build import build, evaluation

pytestmark = pytest.mark.usefixtures("own_draws")

TABLES = {"of f-GAN": DIVERGENCES, "of the boundary-seeking GAN": BOUNDARY_SEEKING}
CASES = [(table, name) for table, divergences in TABLES.items() for name in divergences]


# Weights --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("table", "name"), CASES)
def test_a_weight_is_the_derivative_of_the_conjugate(table, name):
    """d conjugate / d output, both on the raw output: (f*)'(T)."""
    divergence = TABLES[table][name]
    raw = torch.linspace(-1.5, 3.0, 31, dtype=torch.float64, requires_grad=True)
    (of_conjugate,) = torch.autograd.grad(divergence.conjugate(raw).sum(), raw, retain_graph=True)
    (of_output,) = torch.autograd.grad(divergence.output(raw).sum(), raw)
    torch.testing.assert_close(divergence.log_weight(raw.detach()).exp(), of_conjugate / of_output)


@pytest.mark.parametrize(("table", "name"), CASES)
def test_at_the_best_discriminator_the_weight_is_the_ratio_of_densities(table, name):
    """Found by maximising p T - q f*(T) on a finite space: Theorem 1."""
    divergence = TABLES[table][name]
    p, q = torch.tensor([0.5, 0.3, 0.15, 0.05]).double(), torch.tensor([0.2, 0.2, 0.2, 0.4]).double()
    raw = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([raw], max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-16)

    def loss():
        optimizer.zero_grad()
        value = (q * divergence.conjugate(raw) - p * divergence.output(raw)).sum()
        value.backward()
        return value

    optimizer.step(loss)
    torch.testing.assert_close(divergence.log_weight(raw.detach()).exp(), p / q, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(divergence.output(raw.detach()), divergence.optimum(p, q), rtol=1e-5, atol=1e-6)


def test_the_raw_output_is_the_log_ratio_but_for_pearson():
    raw = torch.linspace(-3, 3, 13)
    for name, divergence in BOUNDARY_SEEKING.items():
        assert torch.equal(divergence.log_weight(raw), raw) == (name != "pearson")


def test_pearsons_weights_stay_positive():
    found = BOUNDARY_SEEKING["pearson"].log_weight(torch.tensor([-50.0, -2.0, 0.0, 2.0])).exp()
    torch.testing.assert_close(found, torch.tensor([LEAST_WEIGHT, LEAST_WEIGHT, 1.0, 2.0]))


# Laws -----------------------------------------------------------------------------------------------------------------


def test_log_probabilities_of_bits_by_hand():
    chance = torch.tensor([[0.9, 0.2], [0.5, 0.5]]).double()  # of a 1 at each of 2 x 2 places
    law = law_of(torch.logit(chance)[None, None, None])
    x = torch.tensor([[1.0, 1.0], [0.0, 1.0]]).double()
    expected = math.log(0.9 * 0.2 * 0.5 * 0.5)
    assert log_probability(law, x[None, None, None, None]).item() == pytest.approx(expected)
    torch.testing.assert_close(means(law)[0, 0, 0], chance)


def test_log_probabilities_of_a_string_by_hand():
    """Characters a, b, c at two places; the levels come before the places, for draws as for what is judged."""
    chance = torch.tensor([[0.5, 0.1], [0.3, 0.2], [0.2, 0.7]]).double()  # characters, places
    law = law_of(chance.log()[None, None])
    ca = torch.tensor([[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]).double()
    assert log_probability(law, ca[None, None, None]).item() == pytest.approx(math.log(0.2 * 0.1))
    torch.testing.assert_close(means(law)[0, 0], chance)


@pytest.mark.parametrize("levels", [1, 4])
def test_draws_follow_the_law_and_are_a_function_of_the_numbers(levels):
    logits = torch.randn(2, 3, levels, 5)
    law, numbers = law_of(logits), torch.rand(20_000, 2, 3, 5)
    x = drawn(law, numbers)
    assert x.shape == (20_000, 2, 3, levels, 5)
    assert set(x.unique().tolist()) == {0.0, 1.0}
    if levels > 1:
        assert (x.sum(3) == 1).all()
    assert torch.equal(drawn(law, numbers), x)
    assert (x.mean(0) - means(law)).abs().max() < 5 * 0.5 / math.sqrt(20_000)


def test_draws_at_the_ends_of_the_numbers_are_whole():
    """0 is the first level that has any chance, and a number next to 1 the last."""
    law = law_of(torch.tensor([0.2, 0.3, 0.5]).log()[None, None, :, None])
    for number, level in ((0.0, 0), (0.19, 0), (0.21, 1), (0.49, 1), (0.51, 2), (1.0 - 2.0**-24, 2)):
        assert drawn(law, torch.full((1, 1, 1, 1), number)).argmax(3).item() == level
    never = law_of(torch.tensor([-200.0, 0.0, 0.0])[None, None, :, None])
    assert drawn(never, torch.zeros(1, 1, 1, 1)).argmax(3).item() == 1  # the first level has no chance
    impossible, certain = law_of(torch.full((1, 1, 1, 1), -200.0)), law_of(torch.full((1, 1, 1, 1), 200.0))
    assert drawn(impossible, torch.zeros(1, 1, 1, 1)).item() == 0.0
    assert drawn(certain, torch.full((1, 1, 1, 1), 1.0 - 2.0**-24)).item() == 1.0


# Gradients ------------------------------------------------------------------------------------------------------------

BITS = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], dtype=float)


def module_of(*words, samples=4):
    many = (
        (f"method.num_samples={samples}",)
        if "method=bgan_discrete" in words or "method=bgan_reinforce" in words
        else ()
    )
    module, _ = build(composed(*SMALL, "data=bits", *words, *many))
    return module.double()


def chances_of(p):
    """g(x|z) of all outcomes, for bits that are 1 with probabilities p."""
    return np.prod(np.where(BITS == 1, p, 1 - p), axis=1)


def exact(kind, p, score, log_beta=0.0):
    """The gradient with respect to the three logits with infinitely many samples of one latent, written out."""
    g, weight = chances_of(p), np.exp(score)
    count = g * (score - log_beta) if kind == "reinforce" else g * weight / (g * weight).sum()
    return -(count[:, None] * (BITS - p)).sum(0)


def expected(counts, p, score, samples):
    """The mean, over all tuples of samples, of the gradient that an estimator makes of one."""
    tuples = np.stack(np.meshgrid(*[np.arange(8)] * samples, indexing="ij"), -1).reshape(-1, samples)
    chance = chances_of(p)[tuples].prod(1)
    log_weight = torch.from_numpy(score[tuples])[:, :, None]  # each tuple as a seed of its own, with one latent
    count = counts(log_weight, -math.log(samples))[..., 0].numpy()
    return -(chance[:, None] * (count[:, :, None] * (BITS[tuples] - p)).sum(1)).sum(0)


P, SCORE = np.array([0.3, 0.6, 0.45]), np.array([0.4, -1.2, 0.9, 0.1, -0.5, 1.3, -0.2, 0.7])


def with_baseline(log_weight, log_chance):
    return reinforce(log_weight, log_chance, torch.full((len(log_weight),), 0.3).double())


@pytest.mark.parametrize("weights", ESTIMATORS)
def test_the_bias_of_the_weights_falls_as_samples_become_more(weights):
    """Exactly, by all tuples: like 1/M, and without noise."""
    bias = {}
    for samples in (2, 3, 4):
        found = expected(ESTIMATORS[weights], P, SCORE, samples)
        bias[samples] = np.linalg.norm(found - exact(weights, P, SCORE))
    assert bias[2] > bias[3] > bias[4] > 0
    slope = math.log(bias[4] / bias[2]) / math.log(2)
    assert -1.4 < slope < -0.8
    assert bias[4] < 0.5 * np.linalg.norm(exact(weights, P, SCORE))


@pytest.mark.parametrize("weights", [*ESTIMATORS, "reinforce"])
def test_where_all_outcomes_are_gone_through_there_is_no_noise_and_no_bias(weights):
    counts = ESTIMATORS.get(weights, with_baseline)
    chance = torch.from_numpy(chances_of(P))[None, :, None]
    count = counts(torch.from_numpy(SCORE)[None, :, None], chance.log())[0, :, 0].numpy()
    found = -(count[:, None] * (BITS - P)).sum(0)
    np.testing.assert_allclose(found, exact(weights, P, SCORE, log_beta=0.3), atol=1e-12)


def test_basic_weights_are_over_the_mean_of_the_whole_minibatch():
    log_weight = torch.randn(2, 4, 5).double()
    weight = log_weight.exp()
    torch.testing.assert_close(basic(log_weight, -math.log(4)), weight / weight.mean((1, 2), keepdim=True) / 4)


def test_one_sample_of_a_latent_has_a_weight_of_one_and_no_signal():
    assert np.allclose(expected(normalised, P, SCORE, 1), 0)
    with pytest.raises(ConfigError, match="two or more"):
        module_of("method=bgan_discrete", samples=1)
    with pytest.raises(ConfigError, match="two or more"):
        check(composed(*SMALL, "data=bits", "method=bgan_discrete", "method.num_samples=1"))
    module_of("method=bgan_discrete", "method.weights=basic", samples=1)


@pytest.mark.parametrize("word", ["method.divergence=wasserstein", "method.weights=some", "method.num_samples=0"])
def test_what_a_boundary_seeking_gan_cannot_do_is_refused_before_training(word):
    with pytest.raises(ConfigError, match=f"^{word}: got"):
        check(composed(*SMALL, "data=bits", "method=bgan_discrete", word))


@pytest.mark.parametrize("samples", [1, 3])
def test_reinforce_is_unbiased_for_any_number_of_samples(samples):
    found = expected(with_baseline, P, SCORE, samples)
    np.testing.assert_allclose(found, exact("reinforce", P, SCORE, log_beta=0.3), atol=1e-12)


def test_reinforce_and_importance_weights_agree_where_weights_are_near_one():
    """To first order in log w, as the discriminator comes to say that the samples are the data's."""
    away = {}
    for scale in (1e-2, 5e-3):
        chance = torch.from_numpy(chances_of(P))[None, :, None].log()
        log_weight = scale * torch.from_numpy(SCORE)[None, :, None]
        both = (normalised(log_weight, chance), with_baseline(log_weight, chance))
        one, other = (-(count[0] * torch.from_numpy(BITS - P)).sum(0).numpy() for count in both)
        away[scale] = np.linalg.norm(one - other) / np.linalg.norm(other)
    assert away[1e-2] < 0.02
    assert away[5e-3] == pytest.approx(away[1e-2] / 2, rel=0.05)


@pytest.mark.parametrize("method", ["bgan_discrete", "bgan_reinforce"])
def test_the_generators_loss_is_what_the_algorithm_writes(method):
    """Sample by sample, in loops, for each divergence; and it moves no discriminator."""
    for divergence in BOUNDARY_SEEKING:
        module = module_of(f"method={method}", f"method.divergence={divergence}")
        real = {"x": torch.zeros(3, 5, 1, 3).double()}
        given = {"latent": torch.randn(3, 5, 4).double(), "choice": torch.rand(3, 5, 12).double()}
        fake = {**given, **module.make(module.generator, given)}
        loss = module.generator_loss(real, fake)
        loss = loss["loss"] if isinstance(loss, dict) else loss
        said = module.divergence.log_weight(module.logits(fake)).detach().reshape(3, 4, 5)
        logits = module.generator(given["latent"])
        for seed in range(3):
            total = 0.0
            for latent in range(5):
                chance = torch.sigmoid(logits[seed, latent])
                weights = said[seed, :, latent].exp()
                for draw in range(4):
                    x = (given["choice"][seed, latent].reshape(4, 3)[draw] < chance).double()
                    assert torch.equal(fake["x"][seed, 5 * draw + latent, 0], x)
                    log_g = (x * chance.log() + (1 - x) * (1 - chance).log()).sum()
                    importance = weights[draw] / weights.sum()
                    count = importance if method == "bgan_discrete" else said[seed, draw, latent] / 4
                    total = total - count * log_g / 5
            torch.testing.assert_close(loss[seed], total)
        moved = torch.autograd.grad(loss.sum(), list(module.parameters()), allow_unused=True)
        names = [name for name, _ in module.named_parameters()]
        assert all(
            (slope is None) == name.startswith("discriminator") for name, slope in zip(names, moved, strict=True)
        )


def test_the_running_baseline_is_the_mean_weight_of_minibatches():
    module = module_of("method=bgan_reinforce", "method.log_beta_decay=0.9")
    real = {"x": torch.zeros(3, 5, 1, 3).double()}
    given = {"latent": torch.randn(3, 5, 4).double(), "choice": torch.rand(3, 5, 12).double()}
    fake = {**given, **module.make(module.generator, given)}
    mean = module.logits(fake).exp().mean(-1).log().detach()
    module.after_step("generator", {k: v.detach() for k, v in module.generator_loss(real, fake).items()})
    torch.testing.assert_close(module.log_beta, (0.1 * mean).to(module.log_beta))
    before = module.log_beta.clone()
    module.after_step("discriminator", {"_log_mean_weight": mean})
    assert torch.equal(module.log_beta, before)


class Steep(torch.nn.Module):
    """Says `scale` times the number that three bits are."""

    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, x):
        return self.scale * (x[:, :, 0] * torch.tensor([4.0, 2.0, 1.0]).to(x)).sum(-1)


def test_the_effective_sample_size_by_hand():
    module = module_of("method=bgan_discrete", samples=6)
    fake = {"latent": torch.randn(3, 5, 4).double()}
    module.discriminator = Steep(0.0)
    found = module.watch({}, fake)
    torch.testing.assert_close(found["ess"], torch.full((3,), 6.0).double())
    torch.testing.assert_close(found["log_weight_std"], torch.zeros(3).double())
    module.discriminator = Steep(1000.0)  # the largest outcome alone counts: as often as it was drawn
    ess = module.watch({}, fake)["ess"]
    module.discriminator = Steep(1.0)
    between = module.watch({}, fake)["ess"]
    assert ((ess >= 1) & (ess < between) & (between < 6)).all()
    module.log_weights = lambda _: torch.tensor([0.5, 0.3, 0.2]).log()[None, :, None]
    assert module.watch({}, fake)["ess"] == pytest.approx(1 / (0.25 + 0.09 + 0.04))


@pytest.mark.parametrize("method", DISCRETE)
def test_every_method_is_evaluated_on_several_levels(run, method):
    """As digits in greys and text are: two bits' worth of outcomes, at three levels and one place."""
    words = ("data=bits", "data.levels=3", "data.places=1", "data.probabilities=[0.5,0.3,0.2]")
    result = run(*words, f"method={method}", "iterations=3", "evaluation.samples=32")
    assert result["status"] == "finished"
    assert np.isfinite(result["final"]["outcome_variation"]).all()


@pytest.mark.parametrize("levels", [1, 3])
def test_a_lost_seed_makes_samples_that_are_not_finite_and_leaves_the_others_alone(levels):
    logits = torch.randn(2, 50, levels, 4)
    whole = law_of(logits)
    logits[1] = torch.nan
    lost = law_of(logits)
    uniform = torch.rand(1, 2, 50, 4)
    x = drawn(lost, uniform)
    assert x[:, 1].isnan().all()
    assert torch.equal(x[:, 0], drawn(whole, uniform)[:, 0])
    torch.testing.assert_close(log_probability(lost, x)[:, 0], log_probability(whole, drawn(whole, uniform))[:, 0])


@pytest.mark.parametrize(
    "words",
    [
        ("data=bits", "num_seeds=1"),
        ("data=binarized_digits", "model.generator.width=2", "model.discriminator.width=2", "evaluation.samples=128"),
        ("data=quantized_digits", "model.generator.width=2", "model.discriminator.width=2", "evaluation.samples=128"),
        ("data=labels_of_digits", "model.generator.width=2", "model.discriminator.width=2"),
    ],
    ids=lambda words: words[0],
)
def test_a_generator_that_is_lost_counts_as_diverged(words):
    config = composed(*SMALL, *words, "num_seeds=1", "method=bgan_discrete", "method.num_samples=2")
    module, data = build(config)
    evaluate = evaluation(data, config)
    evaluate.path = None
    evaluate.evaluate(module)
    assert math.isfinite(evaluate.median(evaluate.headline))
    with torch.no_grad():
        for weight in module.generator.parameters():
            weight.fill_(math.nan)
    evaluate.evaluate(module)
    assert not math.isfinite(evaluate.history[-1][1][evaluate.headline][0])


# What training shows in place of samples ------------------------------------------------------------------------------


def made_by(method):
    module, _ = build(composed(*SMALL, "data=bits", f"method={method}"))
    size = module.laws["choice"].dim if "choice" in module.laws else 0
    given = {"latent": torch.randn(3, 400, 4), "choice": torch.rand(3, 400, size)}
    logits = module.generator(given["latent"])
    return module, logits, module.make(module.generator, given)["x"]


@pytest.mark.parametrize("method", ["wgan_soft", "wgan_gp_soft"])
def test_soft_samples_are_probabilities_in_training_and_bits_to_look_at(method):
    module, logits, x = made_by(method)
    torch.testing.assert_close(x[:, :, 0], torch.sigmoid(logits))
    assert x.requires_grad
    assert set(module(torch.randn(3, 50, 4)).unique().tolist()) == {0.0, 1.0}


def test_straight_through_samples_are_bits_with_the_gradient_of_probabilities():
    module, logits, x = made_by("straight_through")
    assert (((x - 0).abs() < 1e-6) | ((x - 1).abs() < 1e-6)).all()
    weight = torch.randn_like(x)
    parameters = list(module.generator.parameters())
    one = torch.autograd.grad((weight * x).sum(), parameters, retain_graph=True)
    other = torch.autograd.grad((weight[:, :, 0] * torch.sigmoid(logits)).sum(), parameters)
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("levels", [2, 3])
def test_gumbel_samples_become_those_of_the_law_as_the_temperature_falls(levels):
    table = () if levels == 2 else ("data.levels=3", f"data.probabilities={[1] * 27}")
    module, _ = build(composed(*SMALL, "data=bits", *table, "method=gumbel_softmax", "method.temperature=1e-3"))
    latent = torch.randn(3, 1, 4).expand(3, 20_000, 4)
    given = {"latent": latent, "choice": torch.rand(3, 20_000, module.laws["choice"].dim)}
    x = module.make(module.generator, given)["x"]
    if levels == 3:
        torch.testing.assert_close(x.sum(2), torch.ones_like(x.sum(2)))
    law = means(module.law(module.generator, {"latent": latent[:, :1]}))[:, 0]
    assert (x.mean(1) - law).abs().max() < 5 * 0.5 / math.sqrt(20_000)
    assert ((x < 0.01) | (x > 0.99)).float().mean() > 0.97
    module.temperature = 1.0
    soft = module.make(module.generator, given)["x"]
    assert ((soft > 0.01) & (soft < 0.99)).float().mean() > 0.5
    assert soft.requires_grad
