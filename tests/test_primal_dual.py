"""Algorithm 1: its gradient, its limits, and the ways in which an implementation silently becomes the standard GAN."""

import math

import oracles
import pytest
import torch
from conftest import IMAGES, SMALL, composed
from oracles import gradient_identity_error, optimal_discriminator_error
from test_adversarial import fitted, weights

from saddlegan import objectives
from saddlegan.engine.build import build
from saddlegan.methods.gan import GAN
from saddlegan.methods.primal_dual import PrimalDual


def method(*overrides: str) -> PrimalDual:
    module, _ = build(composed(*SMALL, "method=primal_dual", *overrides))
    return module.double()


def batch(module: PrimalDual) -> tuple[torch.Tensor, torch.Tensor]:
    real, latent = (x.double() for x in draws((3, 8, 1), (3, 8, 1)))
    return 0.5 * real, module.generator(latent)


def draws(*shapes: tuple[int, ...]) -> list[torch.Tensor]:
    """Normal numbers of these shapes, always the same."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def x(samples: torch.Tensor) -> dict[str, torch.Tensor]:
    """A batch of nothing but samples."""
    return {"x": samples}


def slopes(loss: torch.Tensor, module: PrimalDual) -> torch.Tensor:
    found = torch.autograd.grad(loss.sum(), list(module.generator.parameters()), retain_graph=True)
    return torch.cat([slope.flatten() for slope in found])


@pytest.mark.parametrize("kernel", ["unnormalised", "normalised"])
@pytest.mark.parametrize("first_term", ["saturating", "non_saturating"])
def test_generators_gradient_is_that_of_the_identity(kernel, first_term):
    """grad = grad(first term) + (2 alpha / m1) sum_i f1(D(x_i)) grad p_g(x_i), p_g written out (FACTS, 1.7)."""
    module = method("method.sigma=0.7", "method.alpha=3", f"method.kernel={kernel}", f"method.first_term={first_term}")
    real, fake = batch(module)
    kernels = torch.exp(-((fake - real.mT) ** 2) / 0.7**2) / (math.sqrt(math.pi) * 0.7 if kernel == "normalised" else 1)
    constraint = (math.log(2) + torch.nn.functional.logsigmoid(-module.discriminator(real))).detach()
    logits = module.discriminator(fake)
    logsigmoid = torch.nn.functional.logsigmoid
    first = (logsigmoid(-logits) if first_term == "saturating" else -logsigmoid(logits)).mean(-1)
    second = 2 * 3 * (constraint * kernels.mean(-2)).mean(-1)
    expected = slopes(first + second, module)
    torch.testing.assert_close(
        slopes(module.generator_loss(x(real), x(fake)), module), expected, rtol=1e-10, atol=1e-13
    )
    assert (expected - slopes(first, module)).abs().max() > 1e-3, (
        "the second term must matter for the test to mean anything"
    )


def test_alpha_zero_is_the_standard_gan_to_the_bit():
    shared = ("method.minibatch=reused", "iterations=60")
    standard = weights(fitted("method=gan", *shared))
    primal_dual = weights(fitted("method=primal_dual", "method.alpha=0", *shared))
    assert all(torch.equal(standard[name], primal_dual[name]) for name in standard)
    other = weights(fitted("method=primal_dual", "method.alpha=1", *shared))
    assert not torch.equal(standard["generator.weights.0"], other["generator.weights.0"])


def test_without_detaching_the_second_term_has_no_gradient():
    class Undetached(PrimalDual):
        def generator_loss(self, real, fake):
            from saddlegan.kernels import kernel_density

            density = kernel_density(fake["x"], real["x"], self.sigma)
            target = density - self.alpha * self.pair.f1(self.logits(real))
            return GAN.objective.generator(self.logits(fake)) + (target - density).square().mean(-1)

    module = method("method.alpha=3")
    real, fake = batch(module)
    right = slopes(module.generator_loss(x(real), x(fake)), module)
    module.__class__ = Undetached
    wrong = slopes(module.generator_loss(x(real), x(fake)), module)
    standard = slopes(GAN.objective.generator(module.discriminator(fake)), module)
    torch.testing.assert_close(wrong, standard)
    assert (right - standard).abs().max() > 1e-3


def test_the_discriminator_is_not_moved_by_the_target():
    module = method()
    real, fake = batch(module)
    loss = module.generator_loss(x(real), x(fake.detach())) - GAN.objective.generator(
        module.discriminator(fake.detach())
    )
    found = torch.autograd.grad(loss.sum(), list(module.discriminator.parameters()), allow_unused=True)
    assert all(slope is None or slope.abs().max() < 1e-12 for slope in found)


def test_second_term_pulls_to_uncovered_data_and_pushes_from_crowded():
    """f1(D(x)) < 0 where D > 1/2: descending moves the sample towards x; D < 1/2 moves it away."""
    module = method("method.sigma=1", "method.alpha=1", "num_seeds=1")
    real = torch.tensor([[[1.0]]], dtype=torch.float64)
    for logit, direction in ((2.0, +1), (-2.0, -1)):
        fake = torch.tensor([[[0.3]]], dtype=torch.float64, requires_grad=True)
        module.discriminator.forward = lambda x, logit=logit: torch.full(x.shape[:-1], logit, dtype=x.dtype)
        (slope,) = torch.autograd.grad(module.generator_loss(x(real), x(fake)).sum(), fake)
        assert -slope.item() * direction > 0


def test_second_term_vanishes_at_equilibrium():
    module = method()
    real, fake = batch(module)
    module.discriminator.forward = lambda x: torch.zeros(x.shape[:-1], dtype=x.dtype)  # D = 1/2
    assert module.generator_loss(x(real), x(fake)).abs().max() < 1e-15  # f1(1/2) = 0 in the first term too


def test_the_probe_passes_here_and_fails_for_another_gradient():
    fake, real, constraint = draws((3, 8, 1), (3, 6, 1), (3, 6))
    error = gradient_identity_error(fake, real, constraint, 0.7, 2.0, True)
    assert error.max() < 1e-12


def test_the_probes_error_is_relative_to_the_gradient(monkeypatch):
    """A thousand times the constraint and alpha is a million times the gradient, and the same error."""
    right = oracles.kernel_density
    monkeypatch.setattr(oracles, "kernel_density", lambda fake, *rest: right(fake * 1.01, *rest))
    fake, real, constraint = draws((3, 8, 1), (3, 6, 1), (3, 6))
    one = gradient_identity_error(fake, real, constraint, 0.7, 2.0, False)
    other = gradient_identity_error(fake, real, 1000 * constraint, 0.7, 2000.0, False)
    torch.testing.assert_close(one, other, rtol=1e-6, atol=0)
    assert one.min() > 1e-4


def test_the_discriminators_probe_sees_a_single_wrong_bin():
    """Pearson's optimum, 2 (p / q - 1), made 1 too large in the bin that has most of the real samples: the error is
    that bin's, 1 / (1 + |D*|), and not the mean over the bins."""
    objective = objectives.saturating(objectives.pearson())
    real = torch.tensor([0.0] * 6 + [1.0] * 2, dtype=torch.float64)[None, :, None]
    fake = torch.tensor([0.0] * 2 + [1.0] * 6, dtype=torch.float64)[None, :, None]
    assert optimal_discriminator_error(objective, real, fake, bins=2).item() < 1e-9
    wrong = objective._replace(optimum=lambda p, q: objective.optimum(p, q) + (p > q))
    best = 2 * (7 / 3 - 1) + 1  # with one more real and fake sample in each bin
    assert optimal_discriminator_error(wrong, real, fake, bins=2).item() == pytest.approx(1 / (1 + best))


@pytest.mark.parametrize("epsilon", [0.01, 0.3])
def test_epsilon_is_that_of_the_pair(epsilon):
    module = method("method.pair=approximate_wasserstein", f"method.epsilon={epsilon}")
    logits = torch.tensor([[-2.0, 0.5, 3.0]], dtype=torch.float64)
    torch.testing.assert_close(module.pair.f1(logits), -logits - epsilon * logits**2)
    real, fake = batch(module)
    output = module.discriminator(fake)
    expected = -(module.discriminator(real) - epsilon * module.discriminator(real) ** 2).mean(-1)
    expected -= (-output - epsilon * output**2).mean(-1)
    torch.testing.assert_close(module.discriminator_loss(x(real), x(fake)), expected)


@pytest.mark.parametrize("pair", ["js", "kl", "reverse_kl", "pearson", "hellinger", "approximate_wasserstein"])
def test_every_pair_trains_and_its_discriminator_finds_its_optimum(pair):
    module = fitted("method=primal_dual", f"method.pair={pair}", "optimizer.lr=1e-3")
    real, fake = draws((3, 200, 1), (3, 200, 1))
    assert optimal_discriminator_error(module.objective, real, 0.3 + fake).max() < 1e-9


def test_small_sigma_is_the_standard_gan():
    """Every kernel value underflows: the second term is alpha^2 mean f1^2, without a gradient."""
    module = method("method.sigma=1e-6", "method.alpha=100")
    real, fake = batch(module)
    standard = slopes(GAN.objective.generator(module.discriminator(fake)), module)
    assert torch.equal(slopes(module.generator_loss(x(real), x(fake)), module), standard)


@pytest.mark.parametrize("alpha", [0.0, 3.0, 6.0])
def test_pull_ratio_is_that_of_the_two_gradients_of_each_seed(alpha):
    module = method("method.sigma=0.7", f"method.alpha={alpha}")
    real, fake = batch(module)
    logits, kernels = module.discriminator(fake), torch.exp(-((fake - real.mT) ** 2) / 0.7**2)
    constraint = math.log(2) + torch.nn.functional.logsigmoid(-module.discriminator(real)).detach()
    first = torch.nn.functional.logsigmoid(-logits).mean(-1)
    second = 2 * alpha * (constraint * kernels.mean(-2)).mean(-1)
    expected = [slopes(second[seed], module).norm() / slopes(first[seed], module).norm() for seed in range(3)]
    torch.testing.assert_close(module.watch(x(real), x(fake))["pull_ratio"], torch.stack(expected))


def test_a_method_is_watched_at_each_evaluation_without_being_moved(run, tmp_path):
    """Its column beside the metrics; training, whose losses draw masks for dropout, is that of an unwatched one."""
    small = (*IMAGES, "evaluation.every=3")
    run(*small, "method=primal_dual", "method.alpha=0", "method.sigma=10", folder="watched")
    header, *rows = (tmp_path / "watched" / "metrics.csv").read_text().splitlines()
    assert header.endswith(",pull_ratio")
    assert [row.rsplit(",", 1)[1] for row in rows] == ["0"] * 5
    run(*small, "method=gan", "method.minibatch=reused", folder="plain")
    plain = (tmp_path / "plain" / "metrics.csv").read_text().splitlines()
    assert [row.rsplit(",", 1)[0] for row in (header, *rows)] == plain
