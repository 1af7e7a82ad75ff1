"""What became of a setting beside its reference over the stops: a delay, an end state, or neither."""

import numpy as np
import pytest
from run_folders import spread, write_run

from saddlegan import claims
from saddlegan.reporting.fates import counted, fates
from saddlegan.reporting.results import load_results

GAN, WORSE, BETTER = spread(0.3), 2 * spread(0.3, seed=1), 0.5 * spread(0.3, seed=2)
LEVEL = GAN * np.tile([1.02, 1 / 1.02], 16)
OPTIONS = {"metric": "w1_std", "reference": "gan", "map": None, "claims": []}
CASES = {  # alpha: W1 at 1000, at 2000, at the end
    1.0: (LEVEL, LEVEL, WORSE),
    2.0: (BETTER, WORSE, BETTER),
    3.0: (WORSE, WORSE, LEVEL),
    4.0: (WORSE, LEVEL, BETTER),
    5.0: (WORSE, LEVEL, WORSE),
    6.0: (BETTER, BETTER, LEVEL),
    7.0: (LEVEL, LEVEL, BETTER),
    8.0: (LEVEL, LEVEL, np.full(32, np.nan)),
}
EXPECTED = {
    1.0: "worse at the end",
    2.0: "worse before the end only",
    3.0: "worse before the end only",
    4.0: "worse before the end only",
    5.0: "worse at the end",
    6.0: "no difference shown",
    7.0: "better at the end",
    8.0: "worse at the end",
}


@pytest.fixture
def results(tmp_path):
    shared = {"experiment": "gaussian_1d_sweep", "report": OPTIONS, "files": False}
    write_run(tmp_path / "gan", "gan", GAN, stops={1000: GAN, 2000: GAN}, **shared)
    for alpha, (first, second, last) in CASES.items():
        pull = {"means": {"pull_ratio": np.full(32, 10 * alpha).tolist()}}
        write_run(tmp_path / f"pd{alpha}", "primal_dual", last, stops={1000: first, 2000: second}, alpha=alpha,
                  **pull, **shared)  # fmt: skip
    for method, values in (("gan", 5 * GAN), ("primal_dual", 50 * GAN)):  # under which gan does not learn
        own = {"alpha": 1.0, "means": {"pull_ratio": [1e4] * 32}} if method == "primal_dual" else {}
        write_run(tmp_path / f"sgd-{method}", method, values, optimizer="sgd", stops={1000: values, 2000: values},
                  **own, **shared)  # fmt: skip
    return load_results([tmp_path])


def test_each_setting_has_the_fate_of_its_stops(results):
    experiment = results.experiments["gaussian_1d_sweep"]
    table = fates(experiment).query("reference == 'gan · adam'")
    found = {experiment.settings[row.setting]["method.alpha"]: row.fate for row in table.itertuples()}
    assert found == EXPECTED
    assert counted(table) == (
        "8 settings: 3 worse at the end, 3 worse before the end only, 1 better at the end, 1 no difference shown"
    )


def test_a_difference_that_the_correction_for_many_stops_takes_away_is_none(tmp_path):
    """p = 0.03 of each pair: one alone is a difference, one of many is not."""
    values = GAN * np.where(np.arange(32) < 23, 1.1, 1 / 1.1)
    for count, fate in ((1, "worse at the end"), (12, "no difference shown")):
        shared = {"experiment": "gaussian_1d_sweep", "report": OPTIONS, "files": False}
        write_run(tmp_path / f"{count}" / "gan", "gan", GAN, **shared)
        for alpha in range(count):
            write_run(tmp_path / f"{count}" / f"pd{alpha}", "primal_dual", values, alpha=float(alpha), **shared)
        experiment = load_results([tmp_path / f"{count}"]).experiments["gaussian_1d_sweep"]
        assert set(fates(experiment)["fate"]) == {fate}


def test_the_claim_answers_where_and_how_large_the_second_term_was(results):
    text = claims.figure_1_map(results).text
    assert "There, of 8 settings: 3 worse at the end, 3 worse before the end only, 1 better at the end" in text
    assert "Worse at the end by alpha: 1 of 1 at 1, 0 of 1 at 2, 0 of 1 at 3," in text
    assert "Gradient of the second term over that of the first, median: 30 there, 40 elsewhere." in text
