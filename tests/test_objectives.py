"""Objectives and (f0, f1) pairs: optima, equilibria, concavity, stability on logits."""

import math

import pytest
import torch

from saddlegan import objectives
from saddlegan.objectives import non_saturating, pair_named, saturating

pytestmark = pytest.mark.usefixtures("own_draws")

PAIRS = ("js", "kl", "reverse_kl", "pearson", "hellinger", "approximate_wasserstein")

#: f0 and f1 of each pair on D itself, as FACTS and the paper write them, with epsilon = 0.1.
WRITTEN = {
    "js": (torch.log, lambda d: torch.log(2 * (1 - d))),
    "kl": (torch.log, lambda d: 1 - d),
    "reverse_kl": (lambda d: -d, torch.log),
    "pearson": (lambda d: d, lambda d: -(d**2) / 4 - d),
    "hellinger": (lambda d: 1 - d, lambda d: 1 - 1 / d),
    "approximate_wasserstein": (lambda d: d - 0.1 * d**2, lambda d: -d - 0.1 * d**2),
}


@pytest.mark.parametrize("name", PAIRS)
def test_pair_is_what_the_paper_writes_on_d(name):
    pair = pair_named(name, epsilon=0.1)
    logits = torch.linspace(-3, 3, 41, dtype=torch.float64)
    d = pair.output(logits)
    f0, f1 = WRITTEN[name]
    torch.testing.assert_close(pair.f0(logits), f0(d))
    torch.testing.assert_close(pair.f1(logits), f1(d))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(("p", "q"), [(0.7, 0.2), (0.3, 0.3), (0.1, 0.6)])
def test_optimum_maximises_the_discriminators_objective(name, p, q):
    pair = pair_named(name, epsilon=0.1)
    logits = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], lr=0.5, max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-16)

    def loss():
        optimizer.zero_grad()
        value = -(p * pair.f0(logits) + q * pair.f1(logits))
        value.backward()
        return value

    optimizer.step(loss)
    expected = pair.optimum(torch.tensor(p, dtype=torch.float64), torch.tensor(q, dtype=torch.float64))
    torch.testing.assert_close(pair.output(logits.detach()), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", PAIRS)
def test_constraint_is_zero_at_equilibrium(name):
    pair = pair_named(name, epsilon=0.1)
    one = torch.ones((), dtype=torch.float64)
    equilibrium = pair.optimum(one, one)
    torch.testing.assert_close(WRITTEN[name][1](equilibrium), torch.zeros_like(one), atol=1e-12, rtol=0)


def test_js_is_finite_where_d_rounds_to_one():
    pair = objectives.js()
    logits = torch.tensor([200.0, -200.0])
    torch.testing.assert_close(pair.f1(logits), torch.tensor([math.log(2) - 200.0, math.log(2)]))
    torch.testing.assert_close(pair.f0(logits), torch.tensor([0.0, -200.0]))


def test_minimax_value_at_the_optimum_is_minus_log_4_where_p_equals_q():
    logits = torch.zeros(2, 5)  # D = 1/2
    loss = saturating(objectives.js()).discriminator(logits, logits)
    # f1 carries log 2 more than log(1 - D): -(log 1/2 + log 1/2 + log 2) = log 2, and C(G) = -log 4 = -(loss + log 2).
    torch.testing.assert_close(-(loss + math.log(2)), torch.full((2,), -math.log(4)))


def test_generators_agree_in_sign_and_differ_in_size_where_the_discriminator_wins():
    logits = torch.full((1, 4), -6.0, requires_grad=True)  # D(fake) near 0
    slopes = {}
    for name, objective in (
        ("saturating", saturating(objectives.js())),
        ("non_saturating", non_saturating(objectives.js())),
    ):
        (slopes[name],) = torch.autograd.grad(objective.generator(logits).sum(), logits)
    assert (slopes["saturating"] < 0).all(), "descending must raise D(fake)"
    assert (slopes["non_saturating"] < 0).all(), "descending must raise D(fake)"
    assert (slopes["non_saturating"] / slopes["saturating"] > 100).all()


@pytest.mark.parametrize("objective", [saturating, non_saturating])
def test_objectives_reduce_the_last_axis_only_and_sum_their_two_terms(objective):
    real, fake = torch.randn(3, 2, 6), torch.randn(3, 2, 4)
    pair = objectives.js()
    losses = objective(pair)
    assert losses.generator(fake).shape == (3, 2)
    expected = -(pair.f0(real).mean(-1) + pair.f1(fake).mean(-1))
    torch.testing.assert_close(losses.discriminator(real, fake), expected)
