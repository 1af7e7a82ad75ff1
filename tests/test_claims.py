"""Each rule of the ledger, on results made to satisfy it, to refute it, and to decide nothing."""

import itertools

import numpy as np
import pytest
from run_folders import spread, write_run

from saddlegan import claims
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


@pytest.mark.parametrize(
    ("claim", "metric", "good", "bad"),
    [
        ("optimal-discriminator", "optimal_discriminator_error", 9e-4, 2e-3),
        ("gradient-identity", "gradient_identity_error", 1e-13, 1e-5),
    ],
)
def test_oracles_go_by_the_worst_seed(tmp_path, claim, metric, good, bad):
    decide = BY_ID[claim].decide
    write_run(tmp_path / "a", "gan", [0.1, 0.2], final={metric: [0.0, good]}, files=False)
    verdict = decide(load_results([tmp_path]))
    assert (verdict.verdict, verdict.effect, verdict.seeds) == ("reproduced", good, 2)
    write_run(tmp_path / "b", "primal_dual", [0.1, 0.2], final={metric: [0.0, bad]}, files=False)
    assert decide(load_results([tmp_path])).verdict == "contradicted"


def test_the_ledger_decides_what_was_run_and_names_what_does_not_exist(tmp_path):
    report = {"metric": "w1_std", "reference": "gan", "claims": ["gradient-identity", "no-such-claim"]}
    write_run(tmp_path / "a", "gan", LEARNS, report=report, files=False)
    ledger, unknown = claims.decide(load_results([tmp_path]))
    assert {claim.id: verdict.verdict for claim, verdict in ledger} == {
        "gaussian-1d-primal-dual-worse": "not_run", "gradient-identity": "not_run",
    }  # fmt: skip
    assert unknown == ["no-such-claim"]
    assert len(BY_ID) == len(claims.CLAIMS)
