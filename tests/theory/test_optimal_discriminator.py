"""Optimal discriminators: optima, conjugates, closed forms, gradients against differences, every rule both ways."""

import math

import numpy as np
import pytest
import torch

from saddlegan.checks import ConfigError
from saddlegan.reporting.statistics import Estimate, average
from saddlegan.theory import optimal_discriminator as experiment
from saddlegan.theory.optimal_discriminator import f_divergences, newton, rules
from saddlegan.theory.optimal_discriminator.discriminator_training import batch, draw, train
from saddlegan.theory.optimal_discriminator.f_divergences import ROWS, closed_forms
from saddlegan.theory.optimal_discriminator.generator_cost import descend, generator_cost
from saddlegan.theory.shared.densities import LOG2, Mixture, gaussian, gaussian_js, log_normal
from saddlegan.theory.shared.players import one_thread

X = np.arange(-17.0, 17.0, 0.1)
#: f(r) of each row with D_f(p||q) = E_q[f(p/q)], as Nowozin et al. write them.
GENERATORS = {
    "GAN": lambda r: r * math.log(r) - (r + 1) * math.log(r + 1),
    "JS": lambda r: r * math.log(r) - (r + 1) * math.log((r + 1) / 2),
    "KL(p||q)": lambda r: r * math.log(r),
    "KL(q||p)": lambda r: -math.log(r),
    "Pearson": lambda r: (r - 1) ** 2,
    "squared Hellinger": lambda r: (math.sqrt(r) - 1) ** 2,
}


@pytest.fixture(scope="module")
def section():
    return experiment.section()


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_every_optimised_discriminator_is_its_pairs_optimum():
    x = np.arange(-8.0, 9.0, 0.1)
    found = experiment.pair_optima(x, gaussian(0.0, 1.0), gaussian(1.0, 1.1))
    assert set(found) == set(experiment.PAIRS)
    for name, pair in found.items():
        assert newton.error(*pair) < 1e-9, name
    p, q = np.exp(log_normal(x, 0.0, 1.0)), np.exp(log_normal(x, 1.0, 1.1))
    np.testing.assert_allclose(found["js"][0], p / (p + q), atol=1e-12)
    np.testing.assert_allclose(found["pearson"][0], 2 * (p / q - 1), atol=1e-9)


def test_newton_finds_optima_far_from_its_start():
    p, q = tensor(1.0, 1e-12, 0.3), tensor(1e-12, 1.0, 0.3)
    found = newton.maximise(lambda logits: logits, lambda logits: -logits.exp(), p, q)  # exp(logit) = p/q
    np.testing.assert_allclose(found.numpy(), np.log([1e12, 1e-12, 1.0]), atol=1e-9)


def test_error_is_relative_for_large_values_and_absolute_for_small_ones():
    assert newton.error(tensor(1e6 + 1.0, 0.0), tensor(1e6, 0.0)) == pytest.approx(1e-6, rel=1e-3)
    assert newton.error(tensor(0.1), tensor(0.0)) == pytest.approx(0.1)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("ratio", [0.05, 0.7, 1.0, 3.0])
def test_rows_are_derivative_and_conjugate_of_their_f(name, ratio):
    f, row = GENERATORS[name], ROWS[name]
    slope = (f(ratio + 1e-6) - f(ratio - 1e-6)) / 2e-6
    t = row.slope(tensor(ratio))
    assert float(t) == pytest.approx(slope, abs=1e-6)
    # f*(f'(r)) = r f'(r) - f(r), and no other r does better.
    assert float(row.conjugate(t)) == pytest.approx(ratio * float(t) - f(ratio), abs=1e-12)
    others = np.linspace(0.01, 8.0, 800)
    assert max(r * float(t) - f(r) for r in others) <= float(row.conjugate(t)) + 1e-12
    raw = tensor(0.0 if ratio == 1.0 else math.log(ratio))
    if name != "Pearson":  # the other outputs are chosen so that the best F is log(p/q)
        assert float(row.nu(raw)) == pytest.approx(float(t), abs=1e-12)


def test_closed_forms_at_equal_widths():
    found = closed_forms(0.8, 1.0)
    jsd = gaussian_js(np.array([0.8]), 1.0)[0][0]
    assert found["Pearson"] == pytest.approx(math.exp(0.64) - 1)
    assert found["squared Hellinger"] == pytest.approx(2 * (1 - math.exp(-0.08)))
    assert found["KL(p||q)"] == found["KL(q||p)"] == pytest.approx(0.32)
    assert found["JS"] == pytest.approx(2 * jsd, abs=1e-11)
    assert found["GAN"] == pytest.approx(2 * jsd - math.log(4), abs=1e-11)
    assert closed_forms(0.8, 0.5)["Pearson"] == math.inf


@pytest.mark.parametrize("scale", [0.8, 1.6])
def test_closed_forms_are_integrals_of_f(scale):
    x, step = np.linspace(-25.0, 25.0, 20_001, retstep=True)
    p, q = np.exp(log_normal(x, 0.0, 1.0)), np.exp(log_normal(x, 0.5, scale))
    keep = (p > 1e-200) & (q > 1e-200)
    for name, value in closed_forms(0.5, scale).items():
        terms = [b * GENERATORS[name](a / b) for a, b in zip(p[keep], q[keep], strict=True)]
        assert value == pytest.approx(math.fsum(terms) * step, abs=1e-8), name


def test_values_found_by_optimising_t_are_the_divergences():
    for name, (found, exact, wrong) in f_divergences.table_rows(np.arange(-9.0, 10.0, 0.05), 0.5, 1.2).items():
        assert found == pytest.approx(exact, abs=1e-7), name
        assert wrong < 1e-7, name


def test_generators_cost_and_its_gradient_through_the_optimal_discriminator():
    mu, log_scale = np.array([0.4, -1.5, 2.0]), np.log([0.7, 1.3, 2.0])
    cost, gradient = generator_cost(X, mu, log_scale)
    for index, (at, log) in enumerate(zip(mu, log_scale, strict=True)):
        value, slope = gaussian_js(np.array([at]), math.exp(log))
        assert cost[index] == pytest.approx(2 * value[0] - math.log(4), abs=1e-8)
        assert gradient[index, 0] == pytest.approx(2 * slope[0], abs=1e-8)
    step = 1e-4
    sides = [generator_cost(X, mu, log_scale + by)[0] for by in (step, -step)]
    np.testing.assert_allclose(gradient[:, 1], (sides[0] - sides[1]) / (2 * step), atol=1e-7)


def test_descent_ends_at_the_data_and_starts_where_it_was_told():
    lowest, path = descend(X, 1.5, -0.5)
    np.testing.assert_array_equal(path[0], [1.5, -0.5])
    np.testing.assert_allclose(path[-1], 0.0, atol=1e-6)
    assert lowest == pytest.approx(-2 * LOG2, abs=1e-12)


def test_draws_have_the_moments_of_their_law():
    law = Mixture((0.25, 0.75), (-1.0, 3.0), (0.5, 1.0))
    drawn = draw(law, np.random.default_rng(0), 100_000)
    assert drawn.mean() == pytest.approx(2.0, abs=0.03)
    assert drawn.var() == pytest.approx(0.25 * 0.25 + 0.75 + 3.0, abs=0.05)


def test_a_network_sees_its_own_samples_and_all_of_them():
    data, limits = torch.arange(10.0).expand(2, -1), torch.tensor([[2], [10]])
    few, all_of_them = batch(data, limits, torch.Generator().manual_seed(0)).squeeze(-1)
    assert set(few.tolist()) == {0.0, 1.0}
    assert set(all_of_them.tolist()) == set(range(10))


def test_networks_learn_p_over_p_plus_q_and_one_half_where_both_are_the_same():
    p, q, x = gaussian(1.0, 1.0), gaussian(-1.0, 1.0), np.linspace(-1.5, 1.5, 13)

    def trained(fake, **sizes):
        with one_thread():
            return train(p, fake, x, **({"samples": (50, 5000), "seeds": 3, "steps": 80, "marks": (1, 80)} | sizes))

    found = trained(q)
    assert found.shape == (2, 2, 3, 13)
    distance = np.abs(found - 1 / (1 + np.exp(-2 * x))).mean((-1, -2))  # D* is the logistic function of 2x
    assert distance[1, 1] < 0.05 < distance[0, 1]
    assert distance[1, 1] < distance[1, 0], "fewer samples leave it further off"
    np.testing.assert_array_equal(found, trained(q))
    assert np.abs(trained(p, samples=(5000,))[-1] - 0.5).mean() < 0.05
    assert (found[0, :, 0] != found[0, :, 1]).any(), "seeds differ"


def test_errors_both_ways():
    assert rules.judge_errors({"a": 1e-9, "b": 1e-7}, "error").verdict == "reproduced"
    assert rules.judge_errors({"a": 1e-9, "b": 1e-2}, "error").verdict == "contradicted"
    assert rules.judge_errors({"a": 1e-5, "b": 1e-9}, "error").verdict == "inconclusive"
    assert rules.judge_errors({"a": 1e-9, "b": math.nan}, "error").verdict == "inconclusive"
    assert rules.judge_errors({"a": 1e-9, "b": 1e-7}, "error").effect == 1e-7


def test_a_wrong_optimum_is_contradicted():
    x = np.arange(-8.0, 9.0, 0.1)
    found = experiment.pair_optima(x, gaussian(0.0, 1.0), gaussian(1.0, 1.1))
    crossed = {name: newton.error(found[name][0], found["js"][1]) for name in experiment.PAIRS[1:]}
    assert rules.judge_errors(crossed, "error").verdict == "contradicted"


def test_network_both_ways():
    tail = Estimate(0.1, 0.05, 0.15, 8)

    def judged(*values):
        return rules.judge_network(average(values), tail, (0.2, 0.25)).verdict

    assert judged(0.010, 0.011, 0.012, 0.013) == "reproduced"
    assert judged(0.030, 0.031, 0.032, 0.033) == "contradicted"
    assert judged(0.010, 0.030, 0.015, 0.025) == "inconclusive"


def test_minimum_all_ways():
    good, least = [-2 * LOG2, 1e-6, 1e-6], -2 * LOG2

    def judged(*ends):
        return rules.judge_minimum(np.array(ends)).verdict

    assert judged(good, good, [-1.0, 3.0, 0.0]) == "reproduced", "a start may stall on a plateau"
    assert judged(good, [-1.0, 3.0, 0.0]) == "inconclusive"
    assert judged(good, good, [least - 1e-6, 0.0, 0.0]) == "contradicted"
    assert judged(good, good, [least, 0.5, 0.0]) == "contradicted", "another minimum of the same value"


@pytest.mark.thorough
def test_section_says_what_was_found(section):
    verdicts = {statement.id: verdict for statement, verdict in section.findings}
    assert list(verdicts) == [
        "grid-reaches-the-optimal-discriminator",
        "every-pair-has-its-optimal-discriminator",
        "network-reaches-the-optimal-discriminator",
        "generator-cost-is-js",
        "generator-cost-is-least-at-the-data",
        "f-gan-table",
    ]
    assert {verdict.verdict for verdict in verdicts.values()} == {"reproduced"}
    network = verdicts["network-reaches-the-optimal-discriminator"]
    assert network.seeds == rules.SEEDS
    assert network.interval[0] < network.effect < network.interval[1] < rules.REACHED
    networks, rows = section.tables
    assert [row[0] for row in networks.rows] == list(rules.SAMPLES)
    assert {len(row) for row in networks.rows} == {len(networks.headers)}
    exact = closed_forms(*experiment.MOVED)
    assert {row[0]: float(row[1]) for row in rows.rows} == pytest.approx(exact, abs=1e-6)
    assert [picture.name for picture in section.pictures] == ["discriminator", "generator-cost"]


LOG_P = log_normal(X, 0.0, 1.0)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: newton.densities_on(X[:1], LOG_P[:1], LOG_P[:1]), "got 1 points"),
        (lambda: newton.densities_on(X, LOG_P, LOG_P[:-1]), "use one grid"),
        (lambda: newton.densities_on(X, LOG_P, LOG_P + 0.1), "mass 1.1"),
        (lambda: newton.densities_on(X, np.full_like(X, -np.inf), LOG_P), "mass 0"),
        (lambda: closed_forms(1.0, 0.0), "expected a finite number > 0"),
        (lambda: f_divergences.table_rows(X, 1.0, 0.5), "infinite else"),
        (lambda: generator_cost(X, np.array([15.0]), np.array([0.0])), "widen the grid"),
        (lambda: train(gaussian(0, 1), gaussian(0, 1), X, samples=(0,), seeds=1, steps=1, marks=(1,)), "expected >= 1"),
        (
            lambda: train(gaussian(0, 1), gaussian(0, 1), X, samples=(9,), seeds=1, steps=1, marks=(2,)),
            "marks <= steps",
        ),
    ],
)
def test_bad_input_is_refused_with_words(wrong, says):
    with pytest.raises(ConfigError, match=says):
        wrong()
