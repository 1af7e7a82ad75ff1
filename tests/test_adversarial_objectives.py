"""f-GAN, least squares, unrolled steps: against integrals, conjugates, finite differences and torch's optimizers."""

import functools

import numpy as np
import pytest
import torch
from conftest import SMALL, composed
from scipy import integrate, optimize, stats
from test_methods import built, trained

from saddlegan.checks import ConfigError
from saddlegan.config.schema import check
from saddlegan.divergences import DIVERGENCES, variational
from saddlegan.engine.draws import Draws, meant_for
from saddlegan.methods.unrolled import UnrolledGAN
from saddlegan.objectives import least_squares
from saddlegan.penalties import perturbed
from saddlegan.random import Latent, Uniform, law_of
from saddlegan.steps import steps_ahead

#: f(u) of each divergence, of which D_f = integral of q f(p/q), as Table 1 of f-GAN writes them.
F = {
    "kl": lambda u: u * np.log(u),
    "reverse_kl": lambda u: -np.log(u),
    "pearson": lambda u: (u - 1) ** 2,
    "squared_hellinger": lambda u: (np.sqrt(u) - 1) ** 2,
    "jensen_shannon": lambda u: u * np.log(u) - (u + 1) * np.log((1 + u) / 2),
    "gan": lambda u: u * np.log(u) - (u + 1) * np.log(1 + u),
}
P, Q = stats.norm(0.0, 1.0), stats.norm(0.5, 1.1)


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


# f-GAN ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DIVERGENCES)
@pytest.mark.parametrize("v", [-1.5, -0.2, 0.4, 1.8])
def test_the_conjugate_is_that_of_fenchel(name, v):
    divergence = DIVERGENCES[name]
    t = float(divergence.output(numbers(v)))
    best = optimize.minimize_scalar(
        lambda log_u: F[name](np.exp(log_u)) - t * np.exp(log_u), bounds=(-12, 12), method="bounded"
    )
    assert float(divergence.conjugate(numbers(v))) == pytest.approx(-best.fun, abs=1e-4)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_the_optimal_critic_estimates_the_divergence(name):
    """E_p[T] - E_q[f*(T)] at T = f'(p/q), by its output v, is the integral of q f(p/q)."""
    divergence = DIVERGENCES[name]

    def raw(x):
        """The v of the optimal T."""
        t = float(divergence.optimum(numbers(P.pdf(x)), numbers(Q.pdf(x))))
        return optimize.brentq(lambda v: float(divergence.output(numbers(v))) - t, -60, 60)

    def estimated(x):
        v = numbers(raw(x))
        return P.pdf(x) * float(divergence.output(v)) - Q.pdf(x) * float(divergence.conjugate(v))

    points = np.linspace(-6, 7, 801)
    expected = integrate.quad(lambda x: Q.pdf(x) * F[name](P.pdf(x) / Q.pdf(x)), -6, 7)[0]
    assert integrate.simpson([estimated(x) for x in points], x=points) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_the_generator_descends_the_divergence_or_ascends_the_critic(name):
    divergence, fake = DIVERGENCES[name], numbers(-1.0, 0.5)
    saddle, heuristic = (variational(divergence, heuristic=on) for on in (False, True))
    assert float(saddle.generator(fake)) == pytest.approx(-float(divergence.conjugate(fake).mean()))
    assert float(heuristic.generator(fake)) == pytest.approx(-float(divergence.output(fake).mean()))
    real = numbers(0.3, 2.0, 1.0)
    expected = float(divergence.conjugate(fake).mean() - divergence.output(real).mean())
    assert float(saddle.discriminator(real, fake)) == pytest.approx(expected)
    assert float(heuristic.discriminator(real, fake)) == pytest.approx(expected)


def test_far_outputs_stay_finite():
    for name, divergence in DIVERGENCES.items():
        for v in (-40.0, 40.0):
            raw = numbers(v).requires_grad_()
            values = divergence.output(raw), divergence.conjugate(raw)
            slopes = [torch.autograd.grad(value.sum(), raw, retain_graph=True)[0] for value in values]
            assert all(bool(x.isfinite().all()) for x in (*values, *slopes)), (name, v)


def test_the_gan_divergence_is_the_minimax_gan_and_pearson_is_least_squares_of_the_critic():
    ours, theirs = (built(*words)[0].objective for words in (("method=fgan", "method.divergence=gan"), ("method=gan",)))
    real, fake = torch.randn(2, 3, 8)
    torch.testing.assert_close(ours.discriminator(real, fake), theirs.discriminator(real, fake) + np.log(2.0))
    torch.testing.assert_close(ours.generator(fake), theirs.generator(fake) - np.log(2.0))


def test_an_unknown_divergence_is_refused():
    with pytest.raises(ConfigError, match=r"method\.divergence=hellinger"):
        check(composed(*SMALL, "method=fgan", "method.divergence=hellinger"))


# Least squares --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("coding", "a", "b", "c"), [("zero_one", 0, 1, 1), ("pearson", -1, 1, 0)])
def test_least_squares_go_to_their_targets(coding, a, b, c):
    objective = built("method=lsgan", f"method.coding={coding}")[0].objective
    real, fake = numbers(0.5, 2.0), numbers(-0.25)
    expected = 0.5 * ((0.5 - b) ** 2 + (2.0 - b) ** 2) / 2 + 0.5 * (-0.25 - a) ** 2
    assert float(objective.discriminator(real, fake)) == pytest.approx(expected)
    assert float(objective.generator(fake)) == pytest.approx(0.5 * (-0.25 - c) ** 2)
    p, q = numbers(0.2), numbers(0.6)
    assert float(objective.optimum(p, q)) == pytest.approx((b * 0.2 + a * 0.6) / 0.8)


def test_at_its_optimum_the_pearson_coding_gives_the_pearson_divergence():
    """Half of chi^2(p + q || 2 q) where the generator's term also has the real samples': Mao et al., Theorem 1."""
    p, q = numbers(0.1, 0.4, 0.5), numbers(0.3, 0.3, 0.4)
    d = least_squares(-1.0, 1.0, 0.0).optimum(p, q)
    found = 0.5 * float((p * d**2 + q * d**2).sum())
    assert found == pytest.approx(0.5 * float(((p + q - 2 * q) ** 2 / (p + q)).sum()))


# DRAGAN ---------------------------------------------------------------------------------------------------------------


def test_points_around_real_samples_are_up_to_half_of_a_standard_deviation_away():
    """Of all values of a minibatch at once, per seed; the noise has a number for each of a sample's values."""
    real = torch.randn(2, 5, 3, 4, 4, dtype=torch.float64) * torch.tensor([1.0, 7.0])[:, None, None, None, None]
    weight = torch.rand(2, 5, 48, dtype=torch.float64)
    found = perturbed(real, weight)
    for seed in range(2):
        expected = real[seed].numpy() + 0.5 * real[seed].numpy().std() * weight[seed].reshape(5, 3, 4, 4).numpy()
        np.testing.assert_allclose(found[seed].numpy(), expected)


def test_the_penalty_of_dragan_is_that_of_the_critics_slope_around_real_samples():
    """A linear critic has one slope everywhere; the loss is that of the non-saturating GAN and the penalty."""
    module, _ = built("method=dragan", "method.penalty=3", "model=mlp_plane", "data=ring")
    slope = torch.tensor([3.0, 4.0])
    module.logits = lambda batch: batch["x"] @ slope
    batch = {"x": torch.randn(3, 8, 2)}
    fake = {"x": torch.randn(3, 8, 2), "perturbation": torch.rand(3, 8, 2)}
    terms = module.discriminator_loss(batch, fake)
    torch.testing.assert_close(terms["gradient_penalty"], torch.full((3,), 3.0 * (5.0 - 1.0) ** 2))
    plain, _ = built("method=gan_non_saturating", "model=mlp_plane", "data=ring")
    expected = plain.objective.discriminator(batch["x"] @ slope, fake["x"] @ slope)
    torch.testing.assert_close(terms["adversarial"], expected)
    torch.testing.assert_close(
        module.objective.generator(fake["x"] @ slope), plain.objective.generator(fake["x"] @ slope)
    )


def test_the_slope_that_dragan_penalises_is_the_one_around_real_samples():
    """The critic |x|^2 / 2 has the slope x."""
    module, _ = built("method=dragan", "model=mlp_plane", "data=ring")
    module.logits = lambda batch: 0.5 * batch["x"].square().sum(-1)
    real, fake = torch.randn(3, 8, 2), {"x": 9 + torch.randn(3, 8, 2), "perturbation": torch.rand(3, 8, 2)}
    around = perturbed(real, fake["perturbation"])
    assert not torch.allclose(around, real)
    expected = 10.0 * (around.norm(dim=-1) - 1.0).square().mean(-1)  # lambda is that of the YAML
    torch.testing.assert_close(module.discriminator_loss({"x": real}, fake)["gradient_penalty"], expected)


@pytest.mark.parametrize(("data", "model", "size"), [("ring", "mlp_plane", 2), ("digits", "mnist_conv", 784)])
def test_noise_of_a_class_of_laws_has_as_many_numbers_as_a_sample(data, model, size):
    module, _ = built("method=dragan", f"data={data}", f"model={model}", "num_seeds=1", "evaluation.samples=128")
    (drawn,) = module.drawn.iterations(0, 1, 8)
    assert drawn["discriminator"][0]["perturbation"].shape == (1, 8, size)
    assert "perturbation" not in drawn["generator"][0]  # nor where samples are made to be looked at
    assert module.complete({"latent": torch.zeros(1, 4, module.latent.dim)}).keys() == {"latent"}


@pytest.mark.parametrize("reuse", [False, True])
def test_noise_is_drawn_for_those_whom_it_is_meant_for(reuse):
    """Steps that share their draws are all given all of it."""
    laws = {"a": Uniform(2), "generator/b": Uniform(3), "discriminator/c": Uniform(4)}
    steps = {"discriminator": 1} if reuse else {"discriminator": 2, "generator": 1}
    (drawn,) = Draws(laws, steps, [0, 1], lambda x: x).iterations(0, 1, 5)
    shapes = {player: {name: tuple(x.shape) for name, x in draws[-1].items()} for player, draws in drawn.items()}
    a, b, c = {"a": (2, 5, 2)}, {"b": (2, 5, 3)}, {"c": (2, 5, 4)}
    assert shapes == ({"discriminator": a | b | c} if reuse else {"discriminator": a | c, "generator": a | b})
    assert meant_for("generator", laws).keys() == {"a", "b"}


def test_a_law_may_be_made_for_the_size_of_a_sample():
    for noise in (Uniform, functools.partial(Latent, law="normal"), lambda dim: Uniform(dim)):
        assert law_of(noise, 6).dim == 6
    given = Uniform(2)
    assert law_of(given, 6) is given


def test_a_minibatch_of_another_size_is_drawn_anew():
    draws = Draws({"latent": Uniform(2)}, {"generator": 1}, [0], lambda x: x)
    for batch in (8, 5, 8):
        (drawn,) = draws.iterations(0, 1, batch)
        assert drawn["generator"][0]["latent"].shape == (1, batch, 2)


# Boundary-seeking -----------------------------------------------------------------------------------------------------


def test_the_generator_seeks_weights_of_one_times_z():
    module, _ = built("method=bgan", "method.log_z_decay=0.9")
    module.log_z.copy_(torch.tensor([0.0, 1.0, -2.0]))
    logits = torch.randn(3, 8, dtype=torch.float64)
    module.logits = lambda batch: batch["x"]
    weights = torch.sigmoid(logits) / (1.0 - torch.sigmoid(logits))
    expected = 0.5 * ((weights / module.log_z.exp()[:, None]).log() ** 2).mean(-1)
    terms = module.generator_loss({}, {"x": logits})
    torch.testing.assert_close(terms["loss"], expected)
    module.after_step("discriminator", {})
    module.after_step("generator", {name: term.float() for name, term in terms.items()})
    moved = 0.9 * torch.tensor([0.0, 1.0, -2.0]) + 0.1 * weights.mean(-1).log().float()
    torch.testing.assert_close(module.log_z, moved)


def test_log_z_runs_along_only_where_it_is_asked_for_and_is_no_part_of_the_loss():
    with_z, without = (trained("method=bgan", f"method.log_z_decay={decay}") for decay in (0.9, 0))
    assert with_z.log_z.abs().min() > 0
    assert without.log_z.tolist() == [0.0, 0.0, 0.0]
    assert not torch.equal(with_z.generator.weights[0], without.generator.weights[0])
    assert set(with_z.losses.take(3)) == {"generator", "discriminator"}


def test_at_the_boundary_the_generator_stands_still():
    module, _ = built("method=bgan")
    fake = torch.zeros(3, 8, requires_grad=True)
    module.logits = lambda batch: batch["x"]
    module.generator_loss({}, {"x": fake})["loss"].sum().backward()
    assert fake.grad.abs().max() == 0


# Unrolled -------------------------------------------------------------------------------------------------------------


def test_no_step_ahead_is_the_minimax_gan_to_the_bit():
    unrolled, plain = (trained(*words) for words in (("method=unrolled", "method.unrolled=0"), ("method=gan",)))
    for ours, theirs in zip(unrolled.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_steps_ahead_are_those_that_the_optimizer_takes(name):
    make = {"adam": functools.partial(torch.optim.Adam, betas=(0.5, 0.9)), "sgd": torch.optim.SGD}
    parameters = [torch.randn(3, 2, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    optimizer = make[name](parameters, lr=0.1)

    def slopes(weights):
        return torch.autograd.grad(sum((w**4 / 4 - w).sum() for w in weights), list(weights), create_graph=True)

    def step():
        for parameter, slope in zip(parameters, slopes(parameters), strict=True):
            parameter.grad = slope.detach()
        optimizer.step()

    for _ in range(3):
        step()
    ahead, found = steps_ahead(optimizer, parameters), list(parameters)
    before = [parameter.detach().clone() for parameter in parameters]
    for _ in range(4):
        found = ahead(found, slopes(found))
    assert all(torch.equal(parameter, old) for parameter, old in zip(parameters, before, strict=True))
    for _ in range(4):
        step()
    for ours, theirs in zip(found, parameters, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_the_generators_gradient_is_that_of_finite_differences_through_the_steps(optimizer):
    settings = ("method=unrolled", "method.unrolled=3", "trainer.precision=64-true", f"optimizer={optimizer}")
    module = trained(*settings, "num_seeds=2", "model.generator.activation=tanh", "model.discriminator.activation=tanh")
    module = module.double()
    draws = torch.Generator().manual_seed(0)
    real, latent = ({"x": torch.randn(2, 6, 1, generator=draws, dtype=torch.float64)} for _ in range(2))
    weight = module.generator.weights[0]

    def loss():
        return module.generator_loss(real, module.fake({"latent": latent["x"]}, real))

    total = loss()
    assert total.shape == (2,)
    (slope,) = torch.autograd.grad(total.sum(), weight)
    change = torch.zeros_like(weight)
    change[1, 0, 2] = 1e-5
    ends = []
    for sign in (1, -1):
        with torch.no_grad():
            weight += sign * change
        ends.append(loss().detach())
        with torch.no_grad():
            weight -= sign * change
    difference = (ends[0] - ends[1]) / 2e-5
    assert float(difference[1]) == pytest.approx(float(slope[1, 0, 2]), rel=1e-5)
    assert float(difference[0]) == 0.0  # the other seed
    assert abs(float(slope[1, 0, 2])) > 1e-6


def test_an_optimizer_whose_steps_are_not_known_is_refused():
    assert UnrolledGAN.second_order
    with pytest.raises(ConfigError, match="got RMSprop, expected Adam or SGD"):
        trained("method=unrolled", "optimizer=rmsprop")
