"""Gradients per objective: closed forms, the optimal discriminators of the pairs, and the rule both ways."""

import numpy as np
import pytest
import torch
from conftest import SMALL, composed
from scipy import integrate, special, stats

from saddlegan import objectives
from saddlegan.checks import ConfigError
from saddlegan.engine.build import build
from saddlegan.theory import objective_gradients as lab
from saddlegan.theory.objective_gradients import maths, rules
from saddlegan.theory.objective_gradients.maths import OBJECTIVES, Pull, pull
from saddlegan.theory.shared.densities import gaussian_js

MU = np.array([0.25, 1.0, 3.0, 6.0, 12.0])
#: What the generator descends, differentiated by mu: KL(p||q), KL(q||p), 2 JS, squared Hellinger, chi squared, W1, and
#: the mean of (log p/q)^2 / 2 at a log p/q that stays.
CLOSED = {
    "log(1 - D)": lambda mu: 2.0 * gaussian_js(mu, 1.0)[1],
    "f-GAN, KL": lambda mu: mu,
    "f-GAN, reverse KL": lambda mu: mu,
    "f-GAN, Pearson": lambda mu: 2.0 * mu * np.exp(mu**2),
    "f-GAN, Hellinger": lambda mu: mu / 2.0 * np.exp(-(mu**2) / 8.0),
    "WGAN": np.ones_like,
    "BGAN": lambda mu: mu**3 / 2.0,
}
PAIRS = {
    "log(1 - D)": objectives.js(),
    "-log D": objectives.js(),
    "f-GAN, KL": objectives.kl(),
    "f-GAN, reverse KL": objectives.reverse_kl(),
    "f-GAN, Pearson": objectives.pearson(),
    "f-GAN, Hellinger": objectives.hellinger(),
    "LSGAN": objectives.least_squares(0.0, 1.0, 1.0),
}


@pytest.mark.parametrize("name", CLOSED)
def test_the_gradient_is_that_of_the_divergence(name):
    np.testing.assert_allclose(pull(OBJECTIVES[name], MU).mean, CLOSED[name](MU), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "slope"),
    [
        ("-log D", lambda share, mu: mu * (1.0 - share)),
        ("LSGAN", lambda share, mu: mu * (1.0 - share) * share * (1.0 - share)),
    ],
)
@pytest.mark.parametrize("mu", [0.5, 2.0, 5.0])
def test_gradient_and_noise_are_what_quadrature_finds(name, slope, mu):
    """At D = p / (p + q) = sigmoid(mu^2 / 2 - mu x), whose slope is -mu D (1 - D)."""

    def moment(power):
        def integrand(x):
            return stats.norm(mu, 1.0).pdf(x) * slope(special.expit(mu**2 / 2.0 - mu * x), mu) ** power

        return integrate.quad(integrand, mu - 12.0, mu + 12.0, epsabs=1e-13, limit=300)[0]

    found = pull(OBJECTIVES[name], np.array([mu]))
    assert found.mean[0] == pytest.approx(moment(1), rel=1e-6)
    assert found.noise[0] == pytest.approx(np.sqrt(moment(2) - moment(1) ** 2) / moment(1), rel=1e-5)


@pytest.mark.parametrize("name", PAIRS)
def test_each_logit_is_that_of_the_optimal_discriminator(name):
    p, q = torch.rand(2, 50, dtype=torch.float64) + 0.01
    logits = OBJECTIVES[name].logit(torch.zeros_like(p), (p / q).log())
    torch.testing.assert_close(PAIRS[name].output(logits), PAIRS[name].optimum(p, q))


def test_losses_are_those_of_the_methods():
    for name, method in (("BGAN", "bgan"), ("LSGAN", "lsgan"), ("WGAN", "wgan"), ("-log D", "gan_non_saturating")):
        module, _ = build(composed(*SMALL, f"method={method}", "data=gaussian_1d"))
        logits = torch.linspace(-3.0, 3.0, 24).reshape(3, 8)
        module.logits = lambda batch, logits=logits: logits
        loss = module.generator_loss({"x": logits}, {"x": logits})
        loss = loss["loss"] if isinstance(loss, dict) else loss
        torch.testing.assert_close(OBJECTIVES[name].loss(logits), loss, msg=name)


@pytest.mark.parametrize("mu", [0.0, -1.0, maths.WIDEST + 1.0, np.nan])
def test_a_distance_out_of_reach_is_refused(mu):
    with pytest.raises(ConfigError, match="expected distances above 0"):
        pull(OBJECTIVES["WGAN"], np.array([mu]))


def falling(last):
    return Pull(np.array([0.5, 2.0, last]), np.ones(3))


def test_the_rule_both_ways():
    for last, verdict in (
        (0.03, "reproduced"),
        (-0.03, "reproduced"),
        (0.01, "contradicted"),
        (np.nan, "inconclusive"),
    ):
        for name in rules.PROPOSED:
            pulls = {other: falling(1.0) for other in rules.PROPOSED} | {name: falling(last), "log D": falling(0.0)}
            assert rules.judge(pulls).verdict == verdict, (name, last)


def test_the_section_says_who_vanishes():
    section = lab.section()
    assert [verdict.verdict for _, verdict in section.findings] == ["contradicted"]
    (table,) = section.tables
    shares = {row[0]: float(row[5]) for row in table.rows}
    assert {name for name, share in shares.items() if share < 0.01} == {"log(1 - D)", "f-GAN, Hellinger", "LSGAN"}
    for row in table.rows:
        assert float(row[1]) == pytest.approx(abs(pull(OBJECTIVES[row[0]], np.array([1.0])).mean[0]), rel=0.006)
