"""Correlations, spreads, budgets against scipy and enumeration; the stacked search against plain torch; verdicts."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from run_folders import write_image_run
from scipy import stats

from saddlegan.checks import ConfigError
from saddlegan.reporting.statistics import Estimate
from saddlegan.theory import loss_and_quality as lab
from saddlegan.theory.loss_and_quality import random_search as searching
from saddlegan.theory.loss_and_quality import rules
from saddlegan.theory.loss_and_quality.loss_tracks import image_tracks, toy_correlations
from saddlegan.theory.loss_and_quality.search_statistics import between_share, expected_best, rank_correlation

TIMES = np.arange(0, 1405, 156)


def write_losses(folder, method, seed, generator, discriminator, frechet=None, experiment="mnist", **config):
    """An image run whose losses at `TIMES` after 0 are given; the Frechet distance falls."""
    write_image_run(folder, method, seed, experiment=experiment, iterations=1404, **config)
    frechet = 1000.0 - TIMES[1:] if frechet is None else frechet
    rows = [
        f"{at},{seed},{f},{g},{d}" for at, f, g, d in zip(TIMES[1:], frechet, generator, discriminator, strict=True)
    ]
    lines = ["iteration,seed,frechet,generator_loss,discriminator_loss", f"0,{seed},1e9,,", *rows]
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_comparison(top, slope, **options):
    """Three seeds each of two non-saturating settings, whose generator's loss has `slope`, and of a saturating one."""
    rng, steps = np.random.default_rng(0), np.arange(9)
    for method, config in (
        ("gan", {}),
        ("gan_non_saturating", {}),
        ("primal_dual", {"first_term": "non_saturating"}),
    ):
        for seed in range(3):
            generator = (-1 if method == "gan" else slope) * steps + 0.3 * rng.standard_normal(9)
            discriminator = (1 if seed else -1) * steps
            write_losses(top / f"{method}{seed}", method, seed, generator, discriminator, **config, **options)
    return top


def verdicts(tracks):
    return [verdict for _, verdict in rules.image_findings(tracks)]


def test_rank_correlation_is_spearmans_where_both_are_known():
    a, b = np.random.default_rng(0).standard_normal((2, 12)).round(1)
    assert rank_correlation(a, b) == pytest.approx(stats.spearmanr(a, b)[0])
    assert rank_correlation(np.exp(a), b**3) == pytest.approx(rank_correlation(a, b))
    holed = np.where(np.arange(12) == 4, np.nan, a)
    assert rank_correlation(holed, b) == pytest.approx(stats.spearmanr(np.delete(a, 4), np.delete(b, 4))[0])
    assert np.isnan(rank_correlation(a[:3], b[:3]))
    assert np.isnan(rank_correlation(np.ones(12), b))


def test_the_share_between_settings_is_that_of_the_analysis_of_variance():
    rng = np.random.default_rng(0)
    values = 2.0 * rng.standard_normal((400, 1)) + rng.standard_normal((400, 3))
    found = between_share(values)
    f = stats.f_oneway(*values)[0]
    assert found.value == pytest.approx((f - 1) / (f - 1 + 3))  # three seeds
    assert found.low < 0.8 < found.high
    assert found.high - found.low < 0.1
    assert between_share(rng.standard_normal((400, 3))).high < 0.15
    assert between_share(7 + 3 * values).value == pytest.approx(found.value)


def test_the_expected_best_is_the_mean_over_all_draws():
    values = np.array([3.0, 1.0, 2.0, 7.0])
    for budget, found in zip((1, 2, 3), expected_best(values, (1, 2, 3)), strict=True):
        assert found.value == pytest.approx(np.mean([min(draw) for draw in product(values, repeat=budget)]))
        assert found.low <= found.value <= found.high
    uniform = np.random.default_rng(0).random(2000)
    assert expected_best(uniform, (9,))[0].value == pytest.approx(0.1, rel=0.05)


def test_settings_lie_in_their_ranges_evenly_on_a_logarithm():
    drawn = searching.draw_settings(4000)
    for name, (low, high) in searching.RANGES.items():
        values = getattr(drawn, name)
        assert low <= values.min() <= values.max() <= high
        assert np.log(values).mean() == pytest.approx(np.log(low * high) / 2, abs=0.15)
    assert 0 <= drawn.beta1.min() <= drawn.beta1.max() < 1
    assert set(drawn.critic_steps) == {1, 5}


def test_a_row_takes_the_steps_of_torchs_adam():
    network = searching.MLPGenerator(in_features=1, out_features=1, widths=[4], activation="tanh", seeds=[0, 1])
    alone = searching.MLPGenerator(in_features=1, out_features=1, widths=[4], activation="tanh", seeds=[1])
    ours = searching.RowAdam(network, np.array([0.3, 0.01]), np.array([0.0, 0.7]))
    theirs = torch.optim.Adam(alone.parameters(), lr=0.01, betas=(0.7, 0.999))
    x = torch.linspace(-1, 1, 8)[:, None]
    for _ in range(20):
        ours.descend((network(x.expand(2, -1, 1)) - 2).square().mean((-1, -2)))
        theirs.zero_grad()
        (alone(x[None]) - 2).square().mean().backward()
        theirs.step()
    for stacked, single in zip(network.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(stacked[1:], single, rtol=1e-4, atol=1e-5)


def still(count, **values):
    """Settings that are all equal: rates of 1e-9, one critic step, initial weights as they are drawn."""
    drawn = searching.draw_settings(count)
    fixed = {"generator_rate": 1e-9, "discriminator_rate": 1e-9, "scale": 1.0, "sigma": 1.0, "alpha": 0.0, "beta1": 0.5}
    fixed |= {"critic_steps": 1} | values
    return replace(drawn, **{name: np.full(count, value) for name, value in fixed.items()})


@pytest.mark.thorough
@pytest.mark.parametrize("critic_steps", [1, 5])
def test_without_learning_losses_are_those_of_the_first_networks(critic_steps):
    tracks = searching.search(still(3, critic_steps=critic_steps), seeds=2, iterations=200, evaluations=2)
    np.testing.assert_allclose(tracks.w1[..., 0], tracks.w1[..., 1], rtol=1e-3)
    noise = torch.Generator().manual_seed(critic_steps)
    players = [
        searching._stack(kind, np.ones(18), noise) for kind in (searching.MLPGenerator, searching.MLPDiscriminator)
    ]
    with torch.no_grad():
        latents, real = torch.randn(2, 18, 20000, 1, generator=noise)
        fake, true = players[1](players[0](latents)), players[1](real + 2)
    minus = lambda x: torch.nn.functional.softplus(-x).numpy()  # -log D  # noqa: E731
    expected = minus(true).mean(-1) + minus(-fake).mean(-1) - np.log(2)  # f1 = log(2 (1 - D))
    close = {"atol": 0.1}  # 2400 draws at least
    for at in (0, 1):  # means since the evaluation before
        np.testing.assert_allclose(tracks.discriminator_loss[..., at].ravel(), expected, **close)
    np.testing.assert_allclose(tracks.generator_loss[0, ..., 0].ravel(), np.log(2) - minus(-fake[:6]).mean(-1), **close)
    np.testing.assert_allclose(tracks.generator_loss[1, ..., 0].ravel(), minus(fake[6:12]).mean(-1), **close)
    np.testing.assert_allclose(tracks.generator_loss[2], tracks.generator_loss[0], rtol=1e-5)  # alpha = 0


def test_networks_start_as_torchs_own_times_their_scale():
    network = searching._stack(
        searching.MLPGenerator, np.repeat([1.0, 3.0, 1.0], 200), torch.Generator().manual_seed(0)
    )
    (first, first_bias), (second, second_bias) = network.layers
    for parameter, fan_in in ((first, 1), (first_bias, 1), (second, searching.WIDTH), (second_bias, searching.WIDTH)):
        one, other, _ = parameter.detach().flatten(1).chunk(3)
        assert one.abs().max() == pytest.approx(fan_in**-0.5, rel=0.02)
        assert one.std() == pytest.approx((3 * fan_in) ** -0.5, rel=0.1)
        torch.testing.assert_close(other, 3 * one)


@pytest.mark.thorough
def test_the_kernel_term_moves_the_third_method_alone_and_good_rates_learn():
    good = {"generator_rate": 0.01, "discriminator_rate": 0.03, "critic_steps": 5}
    with_term, without = (
        searching.search(still(2, **good, alpha=alpha), seeds=3, iterations=100, evaluations=1) for alpha in (3.0, 0.0)
    )
    np.testing.assert_array_equal(with_term.w1[:2], without.w1[:2])
    np.testing.assert_allclose(without.w1[2], without.w1[0], rtol=1e-3)
    assert (abs(with_term.w1[2] / without.w1[2] - 1) > 0.01).all()
    assert (
        np.median(without.w1[:2])
        < 1.0
        < 1.5
        < searching.search(still(2), seeds=3, iterations=1, evaluations=1).w1.mean()
    )


def test_a_run_that_diverges_counts_as_the_worst():
    wild = still(1, generator_rate=1e30, discriminator_rate=1e30)
    assert (searching.search(wild, seeds=1, iterations=10, evaluations=1).w1 == searching.WORST).all()


def test_w1_is_that_of_scipy():
    generator = searching._stack(searching.MLPGenerator, np.full(3, 2.0), torch.Generator().manual_seed(0))
    with torch.no_grad():
        samples = generator(
            torch.from_numpy(stats.norm.ppf((np.arange(4000) + 0.5) / 4000)).float()[None, :, None].expand(3, -1, 1)
        )
    true = stats.norm.ppf((np.arange(4000) + 0.5) / 4000, searching.MEAN)
    expected = [stats.wasserstein_distance(row.numpy().ravel(), true) for row in samples]
    np.testing.assert_allclose(searching._w1(generator), expected, rtol=0.02)


def test_correlations_of_toys_are_means_over_seeds():
    w1 = np.random.default_rng(0).random((3, 4, 2, 6))
    tracks = searching.Tracks(
        w1, -w1, w1 * [[[[1.0]], [[-1.0]], [[1.0]], [[1.0]]]] * np.where(np.arange(2), 1, 0)[:, None]
    )
    generator, discriminator = toy_correlations(tracks)
    np.testing.assert_allclose(generator, -1)
    np.testing.assert_allclose(discriminator, np.tile([1, -1, 1, 1], (3, 1)))  # the first seed's loss stands still


def test_image_runs_are_read_with_their_settings(tmp_path):
    tracks = image_tracks([tmp_path / "none", write_comparison(tmp_path / "runs", 1.0)])
    assert len(tracks) == 9
    assert {track.setting: track.non_saturating for track in tracks} == {
        "gan": False, "gan_non_saturating": True, "primal_dual": True,
    }  # fmt: skip
    assert all(track.quality.max() < 1000 for track in tracks)  # iteration 0 is left out
    cost, sign = verdicts(tracks)
    assert (cost.verdict, cost.seeds) == ("reproduced", 6)
    assert cost.effect < -0.9
    assert (sign.seeds, sign.effect) == (9, pytest.approx(1 / 3))
    table = lab.image_table(tracks)
    assert [row[:2] for row in table.rows] == [["gan", 3], ["gan_non_saturating", 3], ["primal_dual", 3]]
    assert table.rows[0][2].startswith("0.9") or table.rows[0][2].startswith("1")  # saturating, kept apart


def test_a_falling_cost_contradicts_and_none_is_inconclusive(tmp_path):
    assert verdicts(image_tracks([write_comparison(tmp_path / "down", -1.0)]))[0].verdict == "contradicted"
    assert rules.judge_cost(np.array([0.8, -0.7, 0.1]), "runs").verdict == "inconclusive"
    assert rules.judge_cost(np.array([-0.7, np.nan]), "runs").verdict == "inconclusive"


def test_the_first_experiment_with_losses_is_taken_and_others_are_not_run(tmp_path):
    write_image_run(tmp_path / "old" / "run", "gan")  # without losses
    assert image_tracks([]) == []
    assert image_tracks([tmp_path / "old"]) == []
    assert [verdict.verdict for verdict in verdicts([])] == ["not_run", "not_run"]
    assert "saddlegan experiment=mnist" in verdicts([])[0].text
    write_comparison(tmp_path / "gpu", 1.0, experiment="mnist_gpu")
    write_comparison(tmp_path / "mine", 1.0, experiment="of_my_own")
    assert len(image_tracks([tmp_path / "mine"])) == 9
    write_losses(tmp_path / "new" / "run", "gan_non_saturating", 7, np.arange(9), np.arange(9))
    assert len(image_tracks([tmp_path / "old", tmp_path / "gpu"])) == 9
    assert len(image_tracks([tmp_path / "gpu", tmp_path / "old", tmp_path / "new"])) == 1
    assert len(image_tracks([tmp_path / "mine", tmp_path / "new"])) == 1


def test_signs_are_judged_on_both_sides():
    judge = lambda share: rules.judge_sign(np.where(np.arange(100) < share, 0.5, -0.5), "settings").verdict  # noqa: E731
    assert [judge(share) for share in (2, 25, 50, 75, 98)] == [
        "contradicted", "inconclusive", "reproduced", "inconclusive", "contradicted",
    ]  # fmt: skip


def shares(*middles, half=0.1):
    return {str(k): Estimate(x, x - half, x + half, 50) for k, x in enumerate(middles)}


def test_spread_and_budget_are_judged_on_both_sides():
    judged = [rules.judge_spread(shares(*x)).verdict for x in ((0.7, 0.9), (0.3, 0.2), (0.7, 0.3), (0.55, 0.9))]
    assert judged == ["reproduced", "contradicted", "inconclusive", "inconclusive"]
    judged = [rules.judge_budget(shares(*x), 32).verdict for x in ((0.5, 0.6, 0.55), (0.2, 0.6, 0.9), (0.5, 0.6, 0.9))]
    assert judged == ["reproduced", "contradicted", "inconclusive"]
    assert rules.judge_budget(shares(0.5, 0.75), 32).effect == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: searching.draw_settings(0), "count"),
        (lambda: searching.draw_settings(3, {"scale": (2.0, 1.0)}), "scale: got the range 2 to 1"),
        (lambda: searching.draw_settings(3, {"scale": (0.0, 1.0)}), "0 < low <= high"),
        (lambda: searching.search(still(1), seeds=0, iterations=2, evaluations=1), "seeds"),
        (lambda: searching.search(still(1), seeds=1, iterations=0, evaluations=1), "iterations"),
        (lambda: searching.search(still(1), seeds=1, iterations=3, evaluations=2), "expected a multiple"),
        (lambda: between_share(np.ones((3, 1))), "two seeds"),
        (lambda: between_share(np.ones((3, 2))), "not all the same"),
        (lambda: expected_best(np.ones(3), (0,)), "budgets"),
        (lambda: expected_best(np.ones(0), (1,)), "0 settings"),
    ],
)
def test_bad_input_is_an_error_that_names_it(call, words):
    with pytest.raises(ConfigError, match=words):
        call()


@pytest.mark.thorough
def test_the_section_holds_images_and_toys(tmp_path, monkeypatch):
    monkeypatch.setattr(lab, "SETTINGS", 16)
    section = lab.section(runs=[tmp_path / "none", write_comparison(tmp_path / "runs", 1.0)])
    assert [statement.id for statement, _ in section.findings] == [
        "image-quality-against-losses", "image-losses-say-little",
        "toy-quality-against-losses", "toy-losses-say-little",
        "sensitive-to-hyperparameters", "no-method-better-at-equal-budget",
    ]  # fmt: skip
    assert section.findings[0][1].verdict == "reproduced"
    assert "Along 9 finished runs" in section.text
    assert [picture.name for picture in section.pictures] == ["loss-against-quality", "random-search"]
    assert len(section.tables) == 3
    quantiles = [float(cell) for cell in section.tables[2].rows[0][1:6]]
    assert quantiles == sorted(quantiles)
