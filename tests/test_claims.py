"""Each rule of the ledger, on results made to satisfy it, to refute it, and to decide nothing."""

import itertools

import numpy as np
import pytest
from run_folders import FLOORS, spread, write_image_run, write_run

from saddlegan import claims
from saddlegan.claims import budget
from saddlegan.reporting.results import load_results

BY_ID = {claim.id: claim for claim in claims.CLAIMS}
LEARNS, FAR = spread(0.2), spread(6.0, seed=1)
LOST = np.full(32, np.nan)


def figure_1(tmp_path, gan, primal_dual):
    write_run(tmp_path / "gan", "gan", gan, files=False)
    write_run(tmp_path / "pd", "primal_dual", primal_dual, files=False, sigma=1.0)
    return claims.figure_1(load_results([tmp_path]))


@pytest.mark.parametrize(
    ("gan", "primal_dual", "outcome"),
    [
        (LEARNS, FAR, "reproduced"),
        (LEARNS, LOST, "reproduced"),  # diverged is far
        (LEARNS, LEARNS, "contradicted"),
        (LEARNS, 1.5 * LEARNS, "contradicted"),  # worse, yet it learns
        (FAR, LEARNS, "contradicted"),
        (FAR, FAR, "inconclusive"),  # there is no standard that learns
        (LOST, FAR, "inconclusive"),
        (LEARNS, np.where(np.arange(32) % 2, 0.2, 6.0), "inconclusive"),  # half of the seeds are far
        (LEARNS, np.where(np.arange(32) < 12, 0.5 * LEARNS, np.nan), "inconclusive"),  # survivors alone are better
        (LEARNS[:15], FAR[:15], "inconclusive"),  # too few seeds
    ],
)
def test_figure_1(tmp_path, gan, primal_dual, outcome):
    assert figure_1(tmp_path, gan, primal_dual).verdict == outcome


def test_figure_1_reports_its_effect_and_interval(tmp_path):
    verdict = figure_1(tmp_path, LEARNS, 30 * LEARNS * spread(1, seed=3, width=0.01))
    assert verdict.effect == pytest.approx(30, rel=0.02)
    assert verdict.interval is not None
    assert verdict.interval[0] < 30 < verdict.interval[1]
    assert verdict.seeds == 32
    assert "32 of 32 seeds of gan and 0 of 32 of primal_dual" in verdict.text


def test_a_figure_without_its_reference_is_not_run(tmp_path):
    write_run(tmp_path / "pd", "primal_dual", FAR, files=False)
    assert claims.figure_1(load_results([tmp_path])).verdict == "not_run"


def sweep(tmp_path, outcomes):
    """A sweep in which primal_dual ends as `outcomes` say, along sigma and then optimizer."""
    for lr in (0.001, 0.01):
        write_run(tmp_path / f"gan{lr}", "gan", LEARNS, lr=lr, experiment="gaussian_1d_sweep", files=False,
                  stops={1000: FAR})  # fmt: skip
    for values, (lr, sigma) in zip(outcomes, itertools.product((0.001, 0.01), (0.1, 1, 3)), strict=True):
        write_run(tmp_path / f"pd{lr}{sigma}", "primal_dual", values, lr=lr, sigma=sigma, files=False,
                  experiment="gaussian_1d_sweep", stops={1000: FAR})  # fmt: skip
    return claims.figure_1_map(load_results([tmp_path]))


@pytest.mark.parametrize(
    ("far", "outcome"),
    [(6, "reproduced"), (4, "reproduced"), (3, "inconclusive"), (2, "contradicted"), (0, "contradicted")],
)
def test_the_map_goes_by_most_of_the_settings_that_can_be_judged(tmp_path, far, outcome):
    verdict = sweep(tmp_path, [FAR] * far + [LEARNS] * (6 - far))
    assert verdict.verdict == outcome
    assert verdict.effect == pytest.approx(far / 6)  # at 1000 iterations nothing learns: not judged
    assert f"it holds in {far}, it fails in {6 - far}, undecided in 0." in verdict.text
    assert (
        "At 1000 iterations, of 6 settings: it holds in 0, it fails in 0, undecided in 0, not to be judged in 6"
        in verdict.text
    )


@pytest.mark.parametrize(
    ("adam", "sgd", "outcome"),
    [
        (LEARNS, LEARNS, "reproduced"),
        (LEARNS, FAR, "reproduced"),
        (FAR, LEARNS, "inconclusive"),
        (FAR, FAR, "inconclusive"),
    ],
)
def test_the_map_decides_nothing_where_the_sources_optimizer_does_not_learn(tmp_path, adam, sgd, outcome):
    for optimizer, values in (("adam", adam), ("sgd", sgd)):
        own = {"optimizer": optimizer, "experiment": "gaussian_1d_sweep", "files": False}
        write_run(tmp_path / f"gan-{optimizer}", "gan", values, **own)
        write_run(tmp_path / f"pd-{optimizer}", "primal_dual", FAR, **own)
    verdict = claims.figure_1_map(load_results([tmp_path]))
    assert verdict.verdict == outcome
    assert ("Not under Adam, which the source names." in verdict.text) == (adam is FAR)


def toy(tmp_path, gan, primal_dual, experiment, metric):
    for method, values in (("gan", gan), ("primal_dual", primal_dual)):
        write_run(tmp_path / method, method, np.ones(len(values)), experiment=experiment, files=False,
                  means={} if metric == "converged" else {metric: values},
                  final={metric: values} if metric == "converged" else {})  # fmt: skip
    return load_results([tmp_path])


@pytest.mark.parametrize(
    ("gan", "primal_dual", "outcome"),
    [
        ([0] * 32, [1] * 32, "reproduced"),
        ([1] * 32, [1] * 32, "contradicted"),  # the standard GAN avoids it too
        ([0] * 32, [0] * 32, "contradicted"),  # and so does nobody
        ([1] * 32, [0] * 32, "contradicted"),
        ([1] * 24 + [0] * 8, [1] * 32, "inconclusive"),  # better, but the standard GAN mostly avoids it
        ([0] * 32, [1] * 16 + [0] * 16, "inconclusive"),  # helps, does not resolve
        ([0] * 10, [1] * 10, "inconclusive"),
    ],
)
def test_mode_collapse(tmp_path, gan, primal_dual, outcome):
    point = claims.collapse_point_mass(toy(tmp_path / "p", gan, primal_dual, "point_mass", "converged"))
    modes = [[1.0 + value for value in values] for values in (gan, primal_dual)]
    two = claims.collapse_two_point(toy(tmp_path / "t", *modes, "two_point", "modes_covered"))
    assert (point.verdict, two.verdict) == (outcome, outcome)
    assert point.effect == two.effect == np.mean(primal_dual) - np.mean(gan)
    assert "WGAN, was not run" in point.text


def ring(tmp_path, real=8.0, **modes):
    """Runs in which each seed covers so many modes, by method."""
    for method, values in modes.items():
        write_run(tmp_path / method, method, np.where(np.isnan(values), np.nan, 1.0), experiment="ring", files=False,
                  means={"modes_covered": [None if np.isnan(v) else float(v) for v in values]},
                  floors={"modes_covered": real})  # fmt: skip
    return load_results([tmp_path])


ALL, FEW = np.full(16, 8.0), np.full(16, 2.0)


@pytest.mark.parametrize(
    ("gan", "unrolled", "outcome"),
    [
        (FEW, ALL, "reproduced"),
        (FEW, np.full(16, 7.6), "reproduced"),  # all of them through most of the last fifth
        (FEW, np.full(16, 7.4), "contradicted"),
        (ALL, ALL, "contradicted"),
        (FEW, np.full(16, np.nan), "contradicted"),
        (FEW, np.where(np.arange(16) % 2, 8.0, 2.0), "inconclusive"),
        (FEW[:15], ALL[:15], "inconclusive"),
    ],
)
def test_unrolling_covers_the_ring(tmp_path, gan, unrolled, outcome):
    verdict = BY_ID["ring-unrolled-covers"].decide(ring(tmp_path, gan=gan, unrolled=unrolled))
    assert verdict.verdict == outcome
    assert f"of {len(gan)} of gan" in verdict.text or "seeds of gan" in verdict.text
    assert "of unrolled cover all modes" in verdict.text
    assert "primal_dual" not in verdict.text


def test_all_modes_are_as_many_as_real_data_have(tmp_path):
    decide = BY_ID["ring-unrolled-covers"].decide
    assert decide(ring(tmp_path / "few", real=2.0, gan=ALL - 7, unrolled=FEW)).verdict == "reproduced"
    assert decide(ring(tmp_path / "many", real=25.0, gan=FEW, unrolled=ALL)).verdict == "contradicted"


@pytest.mark.parametrize(
    ("wgan", "outcome", "told"),
    [
        (FEW, "reproduced", "wgan: 0 of 16 cover all modes."),
        (ALL, "contradicted", "wgan: 16 of 16 cover all modes."),
        (np.where(np.arange(16) % 2, 8.0, 2.0), "reproduced", "wgan: 8 of 16 cover all modes."),
        (None, "reproduced", "WGAN was not run."),
    ],
)
def test_the_primal_dual_method_covers_what_gan_and_wgan_lose(tmp_path, wgan, outcome, told):
    runs = {"gan": FEW, "primal_dual": ALL} | ({} if wgan is None else {"wgan": wgan})
    verdict = BY_ID["ring-primal-dual-covers"].decide(ring(tmp_path, **runs))
    assert (verdict.verdict, told in verdict.text) == (outcome, True), verdict.text


def test_claims_about_the_ring_need_its_runs(tmp_path):
    results = ring(tmp_path, gan=FEW)
    for claim in ("ring-unrolled-covers", "ring-primal-dual-covers"):
        assert BY_ID[claim].decide(results).verdict == "not_run"


def covering(folder, method, values, experiment, real=25.0, **own):
    """A run in which each seed covers so many modes; NaN diverged."""
    means = {"modes_covered": [None if np.isnan(value) else float(value) for value in values]}
    floors = {} if real is None else {"modes_covered": real}
    write_run(folder, method, np.where(np.isnan(values), np.nan, 1.0), experiment=experiment, files=False, means=means,
              floors=floors, **own)  # fmt: skip


GRID, HALF = np.full(16, 25.0), np.where(np.arange(16) % 2, 25.0, 20.0)


@pytest.mark.parametrize(
    ("penalties", "outcome", "told"),
    [
        ([GRID], "reproduced", "16 of 16 of wgan_gp"),
        ([GRID - 0.4], "reproduced", "16 of 16"),  # all of them through most of the last fifth
        ([GRID - 1], "contradicted", "0 of 16"),
        ([np.full(16, np.nan)], "contradicted", "0 of 16"),
        ([HALF], "inconclusive", "8 of 16"),
        ([GRID, GRID - 1], "inconclusive", "16 of 16"),
        ([GRID, GRID, GRID - 1], "reproduced", "0 of 16"),
        ([GRID[:15]], "inconclusive", "15 of 15"),
    ],
)
def test_wgan_gp_covers_the_grid_whatever_gan_does(tmp_path, penalties, outcome, told):
    covering(tmp_path / "gan", "gan", GRID, "grid")
    for place, values in enumerate(penalties):
        covering(tmp_path / f"gp{place}", "wgan_gp", values, "grid", penalty=float(place))
    verdict = BY_ID["wgan-gp-covers-grid"].decide(load_results([tmp_path]))
    assert (verdict.verdict, told in verdict.text) == (outcome, True), verdict.text
    assert verdict.seeds == min(map(len, penalties))


@pytest.mark.parametrize(
    ("covered", "outcome"),
    [
        ({1: 3.0, 5: 1.0, 10: 7.0}, "reproduced"),  # the most against the fewest, whatever is between
        ({1: 7.0, 10: 3.0}, "contradicted"),
        ({1: 7.0, 10: np.nan}, "contradicted"),  # a seed that is lost covers none
        ({1: 4.0, 10: 4.0}, "inconclusive"),
    ],
)
def test_more_unrolled_steps_cover_more(tmp_path, covered, outcome):
    noise = np.random.default_rng(0).normal(0, 0.3, 16)
    covering(tmp_path / "gan", "gan", np.full(16, 8.0), "unrolled_ring", real=8.0)
    for steps, value in covered.items():
        covering(tmp_path / str(steps), "unrolled", value + noise, "unrolled_ring", real=8.0, unrolled=steps)
    verdict = BY_ID["unrolled-more-steps"].decide(load_results([tmp_path]))
    assert verdict.verdict == outcome, verdict.text
    assert verdict.effect == pytest.approx(np.nan_to_num(covered[10] + noise).mean() - (covered[1] + noise).mean())
    assert f"{max(covered)} minus {min(covered)}" in verdict.text


@pytest.mark.parametrize(("seeds", "outcome"), [(16, "reproduced"), (15, "inconclusive")])
def test_more_steps_are_judged_by_sixteen_seeds_or_more(tmp_path, seeds, outcome):
    for steps, value in ((1, 2.0), (10, 8.0)):
        values = value + np.random.default_rng(steps).normal(0, 0.1, seeds)
        covering(tmp_path / str(steps), "unrolled", values, "unrolled_ring", real=8.0, unrolled=steps)
    assert BY_ID["unrolled-more-steps"].decide(load_results([tmp_path])).verdict == outcome


def test_more_steps_need_two_numbers_of_steps(tmp_path):
    covering(tmp_path / "1", "unrolled", ALL, "unrolled_ring", unrolled=1)
    assert BY_ID["unrolled-more-steps"].decide(load_results([tmp_path])).verdict == "not_run"


@pytest.mark.parametrize(
    ("proxy", "bgan", "outcome"),
    [
        ((8.0, 3.0), [(8.0, 7.0)], "reproduced"),
        ((8.0, 7.0), [(8.0, 3.0)], "contradicted"),
        ((8.0, np.nan), [(8.0, 7.0)], "reproduced"),  # a seed that is lost covers none
        ((8.0, 3.0), [(2.0, 1.0)], "contradicted"),  # it loses less, and has less
        ((8.0, 5.0), [(8.0, 5.0)], "inconclusive"),
        ((8.0, 3.0), [(8.0, 7.0), (8.0, 3.0)], "inconclusive"),
        ((8.0, 3.0), [(8.0, 7.0), (8.0, 1.0)], "contradicted"),
    ],
)
def test_bgan_is_steadier_where_it_keeps_more_modes_than_the_proxy(tmp_path, proxy, bgan, outcome):
    noise = iter(np.random.default_rng(0).normal(0, 0.2, (9, 16)))
    for name, method, pairs in (("proxy", "gan_non_saturating", [proxy]), ("bgan", "bgan", bgan)):
        for place, values in enumerate(pairs):
            for steps, value in zip((1, 5), values, strict=True):
                own = {"num_generator_steps": steps, "log_z_decay": place / 10}
                folder = tmp_path / f"{name}-{place}-{steps}"
                covering(folder, method, value + next(noise), "bgan_steadiness", real=8.0, **own)
    verdict = BY_ID["bgan-steadier"].decide(load_results([tmp_path]))
    assert verdict.verdict == outcome, verdict.text
    assert verdict.effect == pytest.approx(bgan[0][1] - np.nan_to_num(proxy[1]), abs=0.3)
    assert verdict.seeds == 16


def test_steadiness_needs_two_numbers_of_steps_and_enough_seeds(tmp_path):
    for method in ("gan_non_saturating", "bgan"):
        for steps, value in ((1, 8.0), (5, 8.0 if method == "bgan" else 2.0)):
            own = {"num_generator_steps": steps, "log_z_decay": 0.0}
            covering(tmp_path / f"{method}{steps}", method, np.full(15, value), "bgan_steadiness", real=8.0, **own)
        if method == "gan_non_saturating":
            assert BY_ID["bgan-steadier"].decide(load_results([tmp_path])).verdict == "not_run"
    assert BY_ID["bgan-steadier"].decide(load_results([tmp_path])).verdict == "inconclusive"


def test_a_map_of_two_data_is_judged_for_each(tmp_path):
    """All modes are those of the data: eight on the ring, where real samples were counted, and two atoms."""
    two = np.full(16, 2.0)
    for data, real, ours in (("ring", 8.0, FEW), ("two_point", None, two)):
        own = {"experiment": "primal_dual_modes", "data": data, "real": real}
        covering(tmp_path / f"{data}-gan", "gan", np.ones(16), **own)
        covering(tmp_path / f"{data}-wgan", "wgan", np.ones(16), **own)
        for sigma in (0.5, 1.0, 2.0):
            covering(tmp_path / f"{data}-{sigma}", "primal_dual", ours, sigma=sigma, **own)
    results = load_results([tmp_path])
    verdicts = [BY_ID[f"primal-dual-covers-{name}"].decide(results) for name in ("ring-map", "two-points")]
    assert [verdict.verdict for verdict in verdicts] == ["contradicted", "reproduced"]
    for verdict, data in zip(verdicts, ("ring", "two_point"), strict=True):
        assert "of 3 settings" in verdict.text
        assert verdict.text.count("wgan") == 1
        assert f"wgan · {data}: 0 of 16" in verdict.text


@pytest.mark.parametrize(
    ("clipped", "penalised", "outcome"),
    [
        ([-0.5, 0.3], 0.05, "reproduced"),  # vanish, explode
        ([-0.5, 0.05], 0.05, "inconclusive"),
        ([0.05, 0.05], 0.05, "contradicted"),
        ([-0.5, 0.3], -0.3, "inconclusive"),
        ([np.nan, 0.3], 0.05, "reproduced"),  # what diverged exploded
        ([-0.083, -0.0], 0.0, "contradicted"),  # a factor of ten over twelve steps is 0.0833 each
        ([-0.084, 0.084], 0.0, "reproduced"),
    ],
)
def test_clipped_critics_vanish_or_explode_with_depth(tmp_path, clipped, penalised, outcome):
    settings = [("wgan", {"clip": 0.1**place}, slope) for place, slope in enumerate(clipped)]
    for place, (method, own, slope) in enumerate([*settings, ("wgan_gp", {}, penalised)]):
        values = np.full(16, slope)
        means = {name: [None if np.isnan(v) else float(v) for v in of]
                 for name, of in {"depth_slope": values, "depth_change": np.abs(values)}.items()}  # fmt: skip
        write_run(tmp_path / str(place), method, np.where(np.isnan(values), np.nan, 1.0), experiment="critic_depth",
                  files=False, means=means, **own)  # fmt: skip
    verdict = BY_ID["critic-depth"].decide(load_results([tmp_path]))
    assert verdict.verdict == outcome, verdict.text


@pytest.mark.parametrize(("seeds", "outcome"), [(16, "reproduced"), (15, "inconclusive")])
def test_depth_is_judged_by_sixteen_seeds_or_more(tmp_path, seeds, outcome):
    for method, value in (("wgan", 1.0), ("wgan_gp", 0.0)):
        means = {"depth_change": [value] * seeds, "depth_slope": [value] * seeds}
        write_run(tmp_path / method, method, np.ones(seeds), experiment="critic_depth", files=False, means=means)
    assert BY_ID["critic-depth"].decide(load_results([tmp_path])).verdict == outcome


def test_depth_needs_both_kinds_of_critics(tmp_path):
    write_run(tmp_path, "wgan", np.ones(16), experiment="critic_depth", files=False, means={"depth_change": [1.0] * 16})
    assert BY_ID["critic-depth"].decide(load_results([tmp_path])).verdict == "not_run"


@pytest.mark.parametrize(
    ("gan", "unrolled", "outcome"),
    [
        ([300.0, 320.0, 310.0], {1: [100.0] * 3, 5: [500.0, 540.0, 520.0]}, "reproduced"),  # the most steps count
        ([300.0, 320.0, 310.0], {1: [500.0] * 3, 5: [100.0, 120.0, 130.0]}, "contradicted"),
        ([300.0, 320.0, 310.0], {5: [310.0, 300.0, 325.0]}, "inconclusive"),
        ([300.0, 320.0], {5: [500.0, 540.0]}, "inconclusive"),
    ],
)
def test_unrolling_keeps_more_stacked_modes(tmp_path, gan, unrolled, outcome):
    runs = [("gan", {}, gan), *(("unrolled", {"unrolled": steps}, values) for steps, values in unrolled.items())]
    for method, own, values in runs:
        for seed, value in enumerate(values):
            write_run(tmp_path / f"{method}{own}{seed}", method, [1.0], experiment="stacked_mnist", files=False,
                      seeds=[seed], means={"stacked_modes": [value]}, **own)  # fmt: skip
    verdict = BY_ID["unrolled-stacked-modes"].decide(load_results([tmp_path]))
    assert verdict.verdict == outcome, verdict.text
    assert verdict.effect == pytest.approx(np.mean(unrolled[5]) - np.mean(gan))
    assert verdict.seeds == len(gan)


def test_stacked_modes_need_both_methods(tmp_path):
    write_run(tmp_path, "gan", [1.0], experiment="stacked_mnist", files=False, means={"stacked_modes": [3.0]})
    assert BY_ID["unrolled-stacked-modes"].decide(load_results([tmp_path])).verdict == "not_run"


def equal(tmp_path, **settings):
    """created_equal: of each method a setting with each of these distances; NaN diverged."""
    for method, distances in settings.items():
        for place, distance in enumerate(distances):
            write_image_run(tmp_path / f"{method}-{place}", method, frechet=distance, experiment="created_equal",
                            files=False, lr=0.1**place)  # fmt: skip
    return load_results([tmp_path])


STEADY = [20.0 + place for place in range(16)]
BETTER = [1.0 + place / 16 for place in range(16)]
FAR_WORSE = [100.0 + place for place in range(16)]


@pytest.mark.parametrize(
    ("others", "outcome", "of"),
    [
        ({"lsgan": FAR_WORSE}, "reproduced", "lsgan"),
        ({"lsgan": FAR_WORSE, "wgan": FAR_WORSE[::-1]}, "reproduced", "lsgan"),
        ({"lsgan": BETTER}, "contradicted", "lsgan"),
        ({"lsgan": BETTER, "wgan": FAR_WORSE}, "contradicted", "lsgan"),
        ({"lsgan": STEADY}, "inconclusive", "lsgan"),  # as good: sixteen settings do not tell it from better
        ({"lsgan": [5.0, *FAR_WORSE[1:]]}, "inconclusive", "lsgan"),  # one lucky setting
        ({"lsgan": BETTER[:15]}, "inconclusive", "lsgan"),
        ({"lsgan": [np.nan] * 16}, "reproduced", "lsgan"),
        ({"bgan": BETTER, "lsgan": FAR_WORSE}, "reproduced", "lsgan"),  # bgan is not part of the study
    ],
)
def test_no_objective_is_better_given_a_budget(tmp_path, others, outcome, of):
    verdict = BY_ID["none-better-than-non-saturating"].decide(equal(tmp_path, gan_non_saturating=STEADY, **others))
    assert verdict.verdict == outcome, verdict.text
    assert verdict.measure.endswith(of)
    assert verdict.seeds == 1
    assert all(f"{method} " in verdict.text for method in others)


def test_the_study_on_a_gpu_decides_where_it_was_run(tmp_path):
    write_image_run(tmp_path / "a", "gan", frechet=1.0, experiment="created_equal_gpu", files=False)
    write_image_run(tmp_path / "b", "gan_non_saturating", frechet=2.0, experiment="created_equal_gpu", files=False)
    assert "gan 1 and 1" in BY_ID["none-better-than-non-saturating"].decide(load_results([tmp_path])).text


def test_the_best_of_half_of_the_settings_by_all_ways_to_draw_them():
    ours, theirs = [1.0, 4.0, 4.0, 9.0], [2.0, 3.0, 4.0, 7.0]
    pairs = [list(map(min, itertools.combinations(values, 2))) for values in (ours, theirs)]
    wins = [(a < b) + 0.5 * (a == b) for a, b in itertools.product(*pairs)]
    assert budget.chance(ours, theirs) == pytest.approx(np.mean(wins))
    assert budget.chance(ours, theirs) + budget.chance(theirs, ours) == pytest.approx(1.0)
    assert budget.chance([1.0], [2.0]) == 1.0


def test_chances_of_several_methods_have_wider_intervals():
    one, eight = (budget.chances(STEADY, BETTER + np.linspace(0, 40, 16), tests) for tests in (1, 8))
    assert eight.low <= one.low <= one.value <= one.high <= eight.high
    assert (one.low, one.high) != (eight.low, eight.high)


def test_a_budget_needs_the_non_saturating_gan(tmp_path):
    assert BY_ID["none-better-than-non-saturating"].decide(equal(tmp_path, gan=STEADY)).verdict == "not_run"


def mnist(tmp_path, gan, primal_dual, experiment="mnist", covered=(), **config):
    """One run per seed; NaN diverged; `covered`: classes that gan covers, a value per seed, where not all ten."""
    for seed, value in enumerate(gan):
        classes = {"classes_covered": covered[seed]} if covered else {}
        write_image_run(
            tmp_path / f"gan-{seed}", "gan", seed, experiment=experiment, frechet=value, files=False, **classes
        )
    for seed, value in enumerate(primal_dual):
        write_image_run(tmp_path / f"pd-{seed}{config}", "primal_dual", seed, experiment=experiment, frechet=value,
                        files=False, **config)  # fmt: skip
    return load_results([tmp_path])


def quality(results):
    return BY_ID["mnist-comparable-quality"].decide(results)


NAN = np.nan
FIVE = (5.0, 5.5, 4.5)
HALF = 2.4841  # t of two degrees of freedom over the root of three: half the interval of three logs of deviation 1


def around(ratio, width):
    """Three values whose ratios to `FIVE` have the geometric mean `ratio` and a log interval of +- `width`."""
    return [value * ratio * np.exp(step * width / HALF) for value, step in zip(FIVE, (-1, 0, 1), strict=True)]


@pytest.mark.parametrize(
    ("primal_dual", "outcome"),
    [
        (FIVE, "reproduced"),
        (around(1.0, np.log(1.25) - 1e-3), "reproduced"),  # [0.801, 1.249]
        (around(1.0, np.log(1.25) + 1e-3), "inconclusive"),
        (around(1.1, np.log(1.25 / 1.1) + 1e-3), "inconclusive"),  # over the upper end
        (around(0.9, np.log(0.9 / 0.8) + 1e-3), "inconclusive"),  # over the lower end
        (around(1.0, 1.0), "inconclusive"),  # no difference to be seen, and no equivalence either
        (around(2.0, np.log(2 / 1.25) - 1e-3), "contradicted"),  # [1.251, ...]
        (around(2.0, np.log(2 / 1.25) + 1e-3), "inconclusive"),
        (around(0.5, np.log(0.8 / 0.5) - 1e-3), "contradicted"),  # better is not comparable, either
        (FIVE[:2], "inconclusive"),  # too few seeds
        ((NAN, *FIVE[1:]), "inconclusive"),
        ((*FIVE, NAN), "reproduced"),  # of a seed that gan does not have nothing is asked
        ((NAN, NAN, NAN), "contradicted"),
    ],
)
def test_comparable_quality(tmp_path, primal_dual, outcome):
    assert quality(mnist(tmp_path, FIVE, primal_dual)).verdict == outcome


def test_comparable_quality_reports_its_effect_its_interval_and_what_it_rests_on(tmp_path):
    verdict = quality(mnist(tmp_path, FIVE, around(1.1, 0.05), sigma=3.0))
    assert verdict.effect == pytest.approx(1.1)
    assert verdict.interval == pytest.approx((1.1 * np.exp(-0.05), 1.1 * np.exp(0.05)), rel=1e-4)
    assert verdict.seeds == 3
    for part in ("5 of gan", "0.5 of real data", "3 common seeds", "at 20000 iterations", "10 and 10", "[0.8, 1.25]"):
        assert part in verdict.text


@pytest.mark.parametrize(
    ("covered", "outcome"),
    [((9.4, 9.4, 10), "inconclusive"), ((9.4, 9.6, 10), "reproduced"), ((NAN, NAN, NAN), "inconclusive")],
)
def test_a_standard_method_that_has_not_learned_is_no_standard(tmp_path, covered, outcome):
    verdict = quality(mnist(tmp_path, FIVE, FIVE, covered=covered))
    assert verdict.verdict == outcome
    assert ("has not learned" in verdict.text) == (outcome == "inconclusive")


def test_a_standard_method_that_diverged_is_no_standard(tmp_path):
    lost = quality(mnist(tmp_path / "a", (NAN, NAN, NAN, 5.0, 5.1, 4.9), (50.0, 51.0, 49.0) * 2))
    assert lost.verdict == "inconclusive"
    assert "has not learned" in lost.text
    assert quality(mnist(tmp_path / "b", (NAN, 5.0, 5.0, 5.0), (5.0, 5.0, 5.0, 5.0))).verdict == "inconclusive"


def test_numbers_of_two_extractors_decide_nothing(tmp_path):
    mnist(tmp_path, FIVE, FIVE[:2])
    write_image_run(tmp_path / "other", "primal_dual", 2, frechet=FIVE[2], extractor="cd" * 32, files=False)
    verdict = quality(load_results([tmp_path]))
    assert verdict.verdict == "inconclusive"
    assert "different extractors" in verdict.text


@pytest.mark.parametrize(("good", "outcome"), [(3, "reproduced"), (2, "reproduced"), (1, "contradicted")])
def test_comparable_quality_of_several_settings_goes_by_most(tmp_path, good, outcome):
    for k in range(3):
        mnist(tmp_path / f"{k}", FIVE if k == 0 else (), FIVE if k < good else around(3.0, 0.1), sigma=float(10**k))
    verdict = quality(load_results([tmp_path]))
    assert verdict.verdict == outcome
    assert verdict.effect == pytest.approx(good / 3)


@pytest.mark.parametrize(("experiment", "decided"), [("mnist", True), ("mnist_gpu", True), ("mnist_smoke", False)])
def test_quality_is_decided_by_the_experiments_of_the_source_alone(tmp_path, experiment, decided):
    results = mnist(tmp_path, FIVE, FIVE, experiment=experiment)
    assert quality(results).verdict == ("reproduced" if decided else "not_run")
    assert ("mnist-comparable-quality" in {claim.id for claim, _ in claims.decide(results)[0]}) == decided


@pytest.mark.parametrize(("short", "long", "outcome"), [(2.0, 1.0, "reproduced"), (1.0, 2.0, "contradicted")])
def test_of_a_shorter_and_a_longer_training_the_longer_one_decides(tmp_path, short, long, outcome):
    for experiment, ratio in (("mnist", short), ("mnist_gpu", long)):
        mnist(tmp_path / experiment, FIVE, around(ratio, 0.01), experiment=experiment)
    assert quality(load_results([tmp_path])).verdict == outcome


def sigmas(tmp_path, weights, frechet=FIVE, sigma=1.0, space="pixels"):
    """gan, and primal_dual with digests `weights` a seed and its Fréchet distances."""
    mnist(tmp_path, FIVE, (), experiment="mnist_sigma")
    for seed, (digest, value) in enumerate(zip(weights, frechet, strict=True)):
        write_image_run(tmp_path / f"{sigma}{space}{seed}", "primal_dual", seed, experiment="mnist_sigma",
                        frechet=value, sigma=sigma, space=space, files=False,
                        weights={"generator": digest, "discriminator": "1" * 64})  # fmt: skip
    return BY_ID["toy-sigma-is-standard-gan"].decide(load_results([tmp_path]))


SAME, OTHER = "0" * 64, "2" * 64


@pytest.mark.parametrize(
    ("weights", "frechet", "outcome", "share"),
    [
        ([SAME] * 3, FIVE, "reproduced", 1.0),
        ([SAME, SAME, OTHER], (5.0, 5.5, 4.5 * 1.0009), "reproduced", 2 / 3),  # to rounding
        ([SAME, SAME, OTHER], (5.0, 5.5, 4.5 * 1.0011), "contradicted", 2 / 3),
        ([SAME, SAME, OTHER], (5.0, 5.5, 4.5 / 1.0011), "contradicted", 2 / 3),
        ([OTHER] * 3, (5.0, 5.5, NAN), "contradicted", 0.0),
        ([SAME], FIVE[:1], "reproduced", 1.0),
    ],
)
def test_toy_sigma(tmp_path, weights, frechet, outcome, share):
    verdict = sigmas(tmp_path, weights, frechet)
    assert (verdict.verdict, verdict.effect) == (outcome, pytest.approx(share))
    assert verdict.seeds == len(weights)
    assert ("to rounding" in verdict.text) == (outcome == "reproduced" and share < 1)


def test_toy_sigma_is_about_small_sigmas_on_pixels_alone(tmp_path):
    assert sigmas(tmp_path / "a", [OTHER] * 3, sigma=1.5).verdict == "not_run"
    assert sigmas(tmp_path / "b", [OTHER] * 3, space="features").verdict == "not_run"
    folder = tmp_path / "c"
    sigmas(folder / "large", [OTHER] * 3, (1.0, 2.0, 3.0), sigma=3.0)
    for seed in range(3):
        write_image_run(folder / f"small{seed}", "primal_dual", seed, experiment="mnist_sigma", frechet=9.0,
                        sigma=0.5, space="pixels", files=False,
                        weights={"generator": SAME, "discriminator": "1" * 64})  # fmt: skip
    verdict = BY_ID["toy-sigma-is-standard-gan"].decide(load_results([folder]))
    assert (verdict.verdict, verdict.text[:15]) == ("reproduced", "Of 1 settings: ")


def parzen(tmp_path, values, method="gan_non_saturating", **config):
    for seed, value in enumerate(values):
        lost = {"frechet": NAN} if np.isnan(value) else {}
        write_image_run(tmp_path / f"{method}{config}{seed}", method, seed, experiment="mnist_parzen", parzen=value,
                        files=False, **lost, **config)  # fmt: skip
    return BY_ID["parzen-2014"].decide(load_results([tmp_path]))


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ([225, 226, 224], "reproduced"),
        ([300, 301, 299], "reproduced"),  # a level that is reached
        ([220.5, 221, 221.5], "reproduced"),
        ([220.4, 220.9, 221.4], "inconclusive"),
        ([225, 230, 220], "inconclusive"),  # [212.6, 237.4] holds the next best of the table
        ([225, 228, 222], "reproduced"),  # [217.5, 232.5] does not
        ([150, 151, 149], "inconclusive"),  # below, maybe for want of training
        ([225, 226], "inconclusive"),  # too few seeds
        ([225, 226, 224, NAN], "inconclusive"),
    ],
)
def test_the_likelihood_of_2014(tmp_path, values, outcome):
    verdict = parzen(tmp_path, values)
    assert verdict.verdict == outcome
    assert verdict.effect == pytest.approx(np.nanmean(values))
    for part in (
        f"By seed: {', '.join(f'{v:.3g}' for v in values if v == v)}; classes",
        "after 20000 iterations",
        f"{FLOORS['parzen']:g} of real data",
        "225 ± 2",
    ):
        assert part in verdict.text


def test_the_likelihood_is_that_of_the_method_of_the_source(tmp_path):
    assert parzen(tmp_path / "a", [300, 301, 302], method="primal_dual").verdict == "not_run"
    parzen(tmp_path / "b", [100, 101, 102], num_critic_steps=1)
    verdict = parzen(tmp_path / "b", [225, 226, 224], num_critic_steps=2)
    assert verdict.verdict == "reproduced"
    assert "The best of 2 settings: gan_non_saturating · num_critic_steps=2" in verdict.text


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ([128.5, 128.4, 128.6], "reproduced"),
        ([128.3, 128.2, 128.4], "inconclusive"),
        ([132, 139, 125], "inconclusive"),  # [114.6, 149.4] holds the next best of the table
    ],
)
def test_the_likelihood_of_the_conditional_gan(tmp_path, values, outcome):
    for seed, value in enumerate(values):
        write_image_run(tmp_path / str(seed), "cgan", seed, experiment="cgan_parzen", parzen=value, files=False)
    verdict = BY_ID["parzen-conditional"].decide(load_results([tmp_path]))
    assert verdict.verdict == outcome
    assert "132 ± 1.8, the next best 121" in verdict.text


def near(folder, *errors, seeds=16):
    for number, (method, error) in enumerate(zip(("gan", "gan_non_saturating"), errors, strict=False)):
        write_run(
            folder / str(number), method, [0.1] * seeds, final={"discriminator_error": [error] * seeds}, files=False
        )
    return BY_ID["discriminator-near-its-best"].decide(load_results([folder]))


@pytest.mark.parametrize(
    ("errors", "expected"),
    [((0.04,), "reproduced"), ((0.06,), "contradicted"), ((0.04, 0.04), "reproduced"), ((0.04, 0.06), "inconclusive")],
)
def test_a_discriminator_is_near_its_best_in_all_settings_or_in_none(tmp_path, errors, expected):
    verdict = near(tmp_path, *errors)
    assert (verdict.verdict, verdict.effect, verdict.seeds) == (expected, errors[0], 16)


def test_few_seeds_do_not_say_whether_a_discriminator_is_near_its_best(tmp_path):
    assert near(tmp_path / "few", 0.01, seeds=15).verdict == "inconclusive"
    write_run(tmp_path / "pd" / "a", "primal_dual", [0.1] * 16, final={"discriminator_error": [0.01] * 16}, files=False)
    assert BY_ID["discriminator-near-its-best"].decide(load_results([tmp_path / "pd"])).verdict == "not_run"


def test_the_ledger_decides_what_was_run_and_names_what_does_not_exist(tmp_path):
    report = {"metric": "w1_std", "reference": "gan", "claims": ["parzen-2014", "no-such-claim"]}
    write_run(tmp_path / "a", "gan", LEARNS, report=report, files=False)
    ledger, unknown = claims.decide(load_results([tmp_path]))
    assert {claim.id: verdict.verdict for claim, verdict in ledger} == {
        "gaussian-1d-primal-dual-worse": "not_run", "discriminator-near-its-best": "not_run", "parzen-2014": "not_run",
    }  # fmt: skip
    assert unknown == ["no-such-claim"]
    assert len(BY_ID) == len(claims.CLAIMS)


def test_a_claim_of_convergence_is_not_judged_where_convergence_is_blank(tmp_path):
    values = spread(0.2)
    for name, method in (("a", "gan"), ("b", "primal_dual")):
        blank = {"converged": [None] * 32}
        write_run(tmp_path / name, method, values, experiment="point_mass", files=False, means=blank, final=blank)
    verdict = claims.collapse_point_mass(load_results([tmp_path]))
    assert verdict.verdict == "inconclusive"
    assert "blank" in verdict.text
