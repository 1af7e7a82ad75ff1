"""A discrete space whose outcomes are all gone through: what is measured there is what can be written out."""

import json
import math

import numpy as np
import pytest
import torch
from conftest import SMALL, composed
from scipy.special import expit

from saddlegan import commands
from saddlegan.checks import ConfigError
from saddlegan.config.schema import check
from saddlegan.data.tables import JointTable
from saddlegan.engine.build import build, evaluation
from saddlegan.folder import RESULT, write_json
from saddlegan.metrics import tables as metrics
from saddlegan.report import write_report

pytestmark = pytest.mark.usefixtures("own_draws")

BITS = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], dtype=float)


# Data -----------------------------------------------------------------------------------------------------------------


def test_samples_follow_the_table():
    table = JointTable(places=2, levels=2, probabilities=[4, 1, 2, 1])
    drawn = table.draw(np.random.default_rng(0), (3, 20_000))
    assert drawn.shape == (3, 20_000, 1, 2)
    np.testing.assert_allclose(table.shares(drawn), np.tile([0.5, 0.125, 0.25, 0.125], (3, 1)), atol=0.02)
    assert table.names == ["00", "01", "10", "11"]


def test_more_levels_are_one_hot():
    table = JointTable(places=2, levels=3, probabilities=list(range(1, 10)))
    assert table.outcomes.shape == (9, 3, 2)
    assert (table.outcomes.sum(1) == 1).all()
    assert table.names[:4] == ["00", "01", "02", "10"]
    assert JointTable.shape_of({"levels": 3, "places": 2}) == (3, 2)
    drawn = table.draw(np.random.default_rng(0), (1, 50_000))
    np.testing.assert_allclose(table.shares(drawn)[0], np.arange(1, 10) / 45, atol=0.01)


@pytest.mark.parametrize(("places", "levels", "count"), [(3, 2, 7), (8, 8, 5)])
def test_a_table_of_another_size_is_refused(places, levels, count):
    with pytest.raises(ConfigError, match=f"got {count} of {places} places"):
        JointTable(places=places, levels=levels, probabilities=[1.0] * count)


def test_a_table_of_another_size_is_refused_before_training():
    with pytest.raises(ConfigError, match="got 8, expected one for each outcome"):
        check(composed(*SMALL, "data=bits", "method=bgan_discrete", "data.places=2"))


# Metrics --------------------------------------------------------------------------------------------------------------


def test_distances_by_hand():
    shares, p = np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0.25, 0.75])
    np.testing.assert_allclose(metrics.outcome_variation(shares, p), [0.25, 0.75])
    expected = 0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    np.testing.assert_allclose(metrics.outcome_kl(shares, p), [expected, math.inf])
    back = 0.5 * math.log(2) + 0.5 * math.log(0.5 / 0.75)
    np.testing.assert_allclose(metrics.outcome_reverse_kl(shares, p), [back, math.log(4)])


def test_bias_and_noise_are_those_that_were_put_in():
    """Estimates that are off by 0.3 in one coordinate and spread by 0.5 in each of four, about a gradient of norm 2."""
    rng, exact = np.random.default_rng(0), np.tile([2.0, 0.0, 0.0, 0.0], (3, 50, 1))
    estimates = exact[:, None] + 0.5 * rng.standard_normal((3, 64, 50, 4))
    estimates[0, ..., 1] += 0.3
    found = metrics.gradient(estimates, exact)
    np.testing.assert_allclose(found["noise_normalised"].mean(), 0.5, rtol=0.02)
    squares = {name: (found[f"bias_{name}"] ** 2).mean() for name in ("normalised", "basic")}
    assert math.sqrt(squares["normalised"]) == pytest.approx(0.15, rel=0.1)
    assert squares["basic"] < 0.1 * (0.5 / 8) ** 2 * 4, "what the mean of 64 repeats is off by chance is taken off"


# Evaluation -----------------------------------------------------------------------------------------------------------


def evaluated(*words):
    config = composed(*SMALL, "data=bits", "evaluation.samples=400", *words)
    module, data = build(config)
    found = evaluation(data, config)
    return module, found, found.fakes(module)


def test_shares_are_means_over_latents_of_products_of_probabilities():
    module, found, fake = evaluated("method=bgan_discrete", "method.num_samples=4")
    logits = module.generator(found.given["latent"]).detach().numpy()
    p = expit(logits)[:, :, None]
    expected = np.prod(np.where(BITS == 1, p, 1 - p), axis=-1).mean(1)
    np.testing.assert_allclose(found.beside["shares"], expected, rtol=1e-5)
    assert np.abs(found.table.shares(fake.numpy()) - expected).max() < 5 * 0.5 / math.sqrt(400)


def test_the_exact_gradient_is_written_out_and_estimates_scatter_about_it():
    module, found, _ = evaluated("method=bgan_discrete", "method.num_samples=50")
    latent = found.given["latent"][:, :64]
    p = expit(module.generator(latent).detach().double().numpy())
    score = module.logits({"x": torch.from_numpy(BITS[:, None]).float().expand(3, 8, 1, 3)}).detach().double().numpy()
    g = np.prod(np.where(BITS == 1, p[:, :, None], 1 - p[:, :, None]), axis=-1)  # seeds, latents, outcomes
    weight = np.exp(score)[:, None]
    normal = g * weight / (g * weight).sum(-1, keepdims=True)
    basic = g * weight / (g * weight).sum(-1).mean(1)[:, None, None]
    reward = g * (score[:, None] - np.log((g * weight).sum(-1).mean(1))[:, None, None])
    for place, count in enumerate((normal, basic, reward)):
        away = BITS[None, None] - p[:, :, None]
        expected = -(count[..., None] * away).sum(2).reshape(3, -1) / 64
        np.testing.assert_allclose(found.beside["exact"][place], expected, rtol=1e-3, atol=1e-6)
        estimates = found.beside["estimates"][place]
        off = estimates.mean(0) - found.beside["exact"][place]
        assert np.abs(off).max() < 6 * estimates.std(0).max() / 8


def test_other_variants_have_no_such_gradient(run):
    result = run("data=bits", "method=wgan_soft")
    assert "outcome_variation" in result["final"]
    assert "noise_basic" not in result["final"]


def test_samples_are_shown_as_shares(run, tmp_path, capsys):
    write_json(tmp_path / "run" / RESULT, run("data=bits", "method=bgan_discrete"))
    assert commands.sample([str(tmp_path / "run"), "n=20"]) == 0
    assert (tmp_path / "run" / "figures" / "sample-20.png").is_file()
    assert commands.sample([str(tmp_path / "run"), f"output={tmp_path / 'some.txt'}"]) == 2
    assert "expected .png or .npz" in capsys.readouterr().err


def test_a_report_shows_shares(run, tmp_path):
    for method in ("bgan_discrete", "gumbel_softmax"):
        result = run("data=bits", f"method={method}", folder=method)
        content = result | {"choices": {"method": method, "data": "bits"}}
        (tmp_path / method / "result.json").write_text(json.dumps(content))
    write_report([tmp_path / "bgan_discrete", tmp_path / "gumbel_softmax"], tmp_path / "report")
    text = (tmp_path / "report" / "report.md").read_text()
    assert "The share of each outcome" in text
    assert "None: no run failed" in text
    assert len(list((tmp_path / "report" / "figures").glob("*-shares.png"))) == 1
