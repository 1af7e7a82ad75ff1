"""Gradients by hand, slopes and the identity in closed form; each verdict on both sides of its rule."""

import math

import numpy as np
import pytest
import torch
from conftest import MNIST_ROOT, needs_mnist
from scipy import integrate, stats

from saddlegan.checks import ConfigError
from saddlegan.reporting.statistics import Estimate
from saddlegan.theory import generator_gradients as lab
from saddlegan.theory.generator_gradients import fresh_discriminators as fresh
from saddlegan.theory.generator_gradients import rules
from saddlegan.theory.shared.players import merged

NORMAL = lab.gaussian(0.0, 1.0)


@pytest.fixture(scope="module")
def section(tmp_path_factory):
    """The whole section at a small size, without MNIST."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"SEEDS": 3, "EPOCHS": (1, 2), "ITERATIONS": 80, "EVERY": 10}.items():
            patch.setattr(lab, name, value)
        yield lab.section(data=tmp_path_factory.mktemp("empty"))


def images(count=40, **sizes):
    pixels = torch.rand(count, 9, generator=torch.Generator().manual_seed(1))
    return fresh.Images(pixels, torch.rand(8, 9), **{"seeds": 2, "batch": 8} | sizes)


def estimate(low, high):
    return Estimate((low + high) / 2, low, high, 6)


def test_a_slope_is_that_of_an_exponential():
    t = np.arange(0, 500, 25)
    values = np.array([3.0 * 10.0 ** (-0.004 * t), 0.1 * 10.0 ** (0.001 * t)])
    np.testing.assert_allclose(lab.slopes(t, values), [-4.0, 1.0], rtol=1e-10)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ([(0.1, 0.3), (0.2, 0.4)], "reproduced"),
        ([(0.1, 0.3), (-0.4, -0.1)], "contradicted"),
        ([(0.1, 0.3), (-0.1, 0.1)], "inconclusive"),
        ([(0.1, 0.3), (np.nan, np.nan)], "inconclusive"),
    ],
)
def test_rule_of_slopes(sign, ends, verdict):
    assert rules.direction([estimate(*sorted((sign * low, sign * high))) for low, high in ends], sign) == verdict


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ([(0.0, 0.0), (0.0, 0.009)], "reproduced"),
        ([(0.0, 0.0), (0.06, 0.2)], "contradicted"),
        ([(0.0, 0.0), (0.0, 0.06)], "inconclusive"),
    ],
)
def test_rule_of_the_error(ends, verdict):
    assert rules.separation([estimate(*one) for one in ends]) == verdict


def test_the_digits_decide_and_growth_needs_the_variance_too():
    def found(vanish, grow, variance):
        measures = {"norm, log(1 - D)": vanish, "norm, -log D": grow, "variance, -log D": variance, "error": (0, 0)}
        late = {f"{name}, late": ends for name, ends in measures.items()}
        rest = {"change, log(1 - D)": (0, 1), "change, -log D": (0, 1), "held out": (0, 0)}
        return {name: [estimate(*ends)] * 3 for name, ends in (measures | late | rest).items()}

    good, flat = found((-3, -2), (1, 2), (2, 3)), found((-3, 2), (1, 2), (-2, 3))
    assert [v.verdict for v in rules.judge({"digits": good, "MNIST": flat})] == ["reproduced"] * 3
    verdicts = rules.judge({"digits": flat, "MNIST": good})
    assert [v.verdict for v in verdicts] == ["inconclusive", "inconclusive", "reproduced"]
    assert (verdicts[1].effect, verdicts[1].interval, verdicts[1].seeds) == (1.5, (1, 2), 6)


@pytest.mark.parametrize(("mean", "scale"), [(0.7, 0.5), (3.0, 1.0), (-2.0, 1.7)])
def test_the_two_gradients_add_up_to_that_of_the_divergence_in_closed_form(mean, scale):
    kl = [mean, scale - 1.0 / scale]  # of KL(N(mean, scale^2) || N(0, 1))
    np.testing.assert_allclose(lab.pathwise(NORMAL, mean, scale).sum(0), kl, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(lab.differentiated(NORMAL, mean, scale).sum(0), kl, rtol=1e-7, atol=1e-8)


def test_at_the_equilibrium_there_is_no_gradient():
    np.testing.assert_allclose(lab.pathwise(NORMAL, 0.0, 1.0), 0.0, atol=1e-12)
    np.testing.assert_allclose(lab.differentiated(NORMAL, 0.0, 1.0), 0.0, atol=1e-8)


def test_the_saturating_gradient_is_that_of_an_adaptive_quadrature():
    p = lab.TARGETS["two modes"]

    def integrand(x):  # q'(x) by the mean, times log(q / (p + q)): the derivative of 2 JSD
        q, density = stats.norm.pdf(x, 1.2, 0.8), float(np.exp(p.log_density(np.array(x))))
        return (x - 1.2) / 0.64 * q * math.log(q / (density + q))

    expected = integrate.quad(integrand, -8.0, 10.0, epsabs=1e-12, limit=200)[0]
    for sides in (lab.pathwise, lab.differentiated):
        assert sides(p, 1.2, 0.8)[1, 0] == pytest.approx(expected, rel=1e-7)


def test_the_identity_fails_with_another_factor_of_the_divergence():
    measured, derived = (np.array([sides(NORMAL, 1.0, 0.8)]) for sides in (lab.pathwise, lab.differentiated))
    assert rules.identity(measured, derived).verdict == "reproduced"
    halved = derived.copy()
    halved[:, 0] += derived[:, 1] / 2.0  # KL - JSD
    halved[:, 1] /= 2.0
    assert rules.identity(measured, halved).verdict == "contradicted"
    assert rules.identity(measured, np.full_like(derived, np.nan)).verdict == "contradicted"


def test_merged_stacks_are_in_order_and_new():
    first, second = (images().networks(range(start, start + 2))[0] for start in (0, 2))
    stack = merged([first, second], copies=3)
    weights = [net.weights[0].detach() for net in (first, second)]
    torch.testing.assert_close(stack.weights[0].detach(), torch.cat(weights).repeat_interleave(3, 0), rtol=0, atol=0)
    stack.weights[0].data.zero_()
    assert first.weights[0].abs().sum() > 0
    assert stack.layers[0][0] is stack.weights[0]


@pytest.mark.parametrize("term", fresh.TERMS)
def test_norm_and_variance_are_those_of_one_minibatch_after_another(term):
    data = images()
    generator, discriminator = data.networks(range(2))
    latent = torch.randn(2, 5, 8, fresh.LATENT)
    copies = merged([generator], 5)
    fake = torch.sigmoid(copies(latent.flatten(0, 1))).unflatten(0, (2, 5))
    logits = discriminator(fake.flatten(1, 2)).unflatten(1, (5, -1))
    norm, variance = fresh.generator_gradients(copies, logits, term)
    rows = []
    for minibatch in latent.unbind(1):
        d = torch.sigmoid(discriminator(torch.sigmoid(generator(minibatch))))
        loss = (torch.log(1 - d) if term == "log(1 - D)" else -torch.log(d)).mean(-1).sum()
        parts = torch.autograd.grad(loss, list(generator.parameters()))
        rows.append(torch.cat([part.flatten(1) for part in parts], 1))
    by_hand = torch.stack(rows)
    torch.testing.assert_close(norm, by_hand.mean(0).norm(dim=-1), rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(variance, by_hand.var(0).sum(-1), rtol=1e-3, atol=1e-9)


def test_an_epoch_shows_every_image_once_in_another_order_to_each_seed():
    data = images(count=40, batch=8)
    seen = torch.cat(list(data.reals(2)), 1)
    for one in seen:
        assert {tuple(row.tolist()) for row in one} == {tuple(row.tolist()) for row in data.train}
    assert not torch.equal(seen[0], seen[1])
    assert sum(1 for _ in images(count=41, batch=8).reals(2)) == 5


def test_what_is_frozen_stays_as_it_was_at_its_epoch():
    early, late = fresh.frozen_generators(images(), (1, 2))
    (alone,) = fresh.frozen_generators(images(), (1,))
    torch.testing.assert_close(early.weights[0], alone.weights[0], rtol=0, atol=0)
    assert not torch.equal(early.weights[0], late.weights[0])


def test_a_course_starts_at_one_half_and_learns_what_differs():
    black = fresh.Images(torch.zeros(40, 9), torch.zeros(8, 9), seeds=2, batch=8)  # fakes are grey
    generators = [black.networks(range(2))[0]] * 3
    course = fresh.train_fresh(black, generators, 300, 50)
    first, second = course.norm.values()
    assert first.shape == course.error.shape == (3, 2, 7)
    np.testing.assert_allclose(first[..., 0], second[..., 0], rtol=0.3)  # D = 1/2: both gradients are the same
    assert (course.error[..., -1] == 0).all()
    assert (first[..., -1] < second[..., -1] / 10).all()


def test_digits_are_all_there_and_a_quarter_is_held_out():
    data = fresh.digits(seeds=1, batch=8)
    assert (data.train.shape, data.others.shape) == ((1348, 64), (449, 64))
    assert (data.train.min(), data.train.max()) == (0.0, 1.0)


@needs_mnist
def test_mnist_is_halved_in_resolution():
    data = fresh.mnist(MNIST_ROOT, train=20, held_out=10, seeds=1, batch=8)
    raw = (MNIST_ROOT / "MNIST" / "raw" / "train-images-idx3-ubyte").read_bytes()
    last = np.frombuffer(raw[16 + 29 * 784 : 16 + 30 * 784], np.uint8).reshape(28, 28) / 255.0
    assert (data.train.shape, data.others.shape) == ((20, 196), (10, 196))
    assert data.others[-1, 7 * 14 + 5].item() == pytest.approx(last[14:16, 10:12].mean(), abs=1e-6)
    assert data.others[-1].mean().item() == pytest.approx(last.mean(), abs=1e-6)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: images(seeds=0), "seeds=0"),
        (lambda: images(batch=1), "batch=1: expected from 2"),
        (lambda: images(count=4), "batch=8: expected from 2 to 4"),
        (lambda: fresh.train_fresh(images(), [], 0, 1), "iterations=0"),
        (lambda: fresh.train_fresh(images(), [], 1, 0), "every=0"),
        (lambda: fresh.frozen_generators(images(), (0, 2)), "epochs"),
        (lambda: fresh.frozen_generators(images(), ()), "at least one"),
        (lambda: fresh.frozen_generators(images(), (2, 1, 1)), "numbers that grow"),
        (lambda: lab.pathwise(NORMAL, 0.0, 0.0), "scale=0.0"),
        (lambda: lab.differentiated(NORMAL, 0.0, 1.0, step=0.0), "step=0.0"),
        (lambda: lab.differentiated(NORMAL, 0.0, -1.0), "scale=-1.0"),
        (lambda: lab.differentiated(NORMAL, 100.0, 1.0), "widen the grid"),
        (lambda: lab.differentiated(NORMAL, 0.0, 0.002), "smaller"),
    ],
)
def test_bad_input_is_refused(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


def test_mnist_that_is_damaged_is_an_error(tmp_path):
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name in lab.files.SIZES:
        (folder / name).write_bytes(b"short")
    with pytest.raises(ConfigError, match="truncated"):
        lab.section(data=tmp_path)


def test_the_section_is_whole_and_the_identity_holds(section):
    assert [statement.id for statement, _ in section.findings] == [
        "saturating-gradient-vanishes",
        "non-saturating-gradient-grows",
        "fresh-discriminator-wins",
        "gradient-at-optimal-discriminator",
    ]
    verdicts = [verdict for _, verdict in section.findings]
    assert [verdict.seeds for verdict in verdicts[:3]] == [3, 3, 3]
    assert verdicts[3].verdict == "reproduced"
    assert verdicts[3].effect < 1e-6
    assert [picture.name for picture in section.pictures] == ["fresh-digits", "identity"]
    assert "MNIST" not in section.text + "".join(verdict.text for verdict in verdicts)
    assert [len(table.rows) for table in section.tables] == [2, 2]
