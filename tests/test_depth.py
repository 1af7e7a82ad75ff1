"""How a discriminator's gradient fares through its layers: by hand, in runs, and in the report's picture."""

import numpy as np
import pytest
import torch
from conftest import SMALL, composed, fitting, results

from saddlegan.checks import ConfigError
from saddlegan.engine.build import build
from saddlegan.evaluation.gradients import layer_gradients
from saddlegan.metrics.depth import depth

LISTED = "+evaluation.metrics.depth=saddlegan.metrics.depth.depth"


def test_a_gradient_that_loses_a_factor_at_each_layer():
    norms = 7.0 * 10.0 ** np.array([[-3.0, -2.0, -1.0, 0.0], [0.0, 0.0, 0.0, 0.0], [6.0, 9.0, -9.0, 0.0]])
    found = depth(norms)
    np.testing.assert_allclose(found["depth_slope"], [-1.0, 0.0, 2.0], atol=1e-12)
    np.testing.assert_allclose(found["depth_change"], [1.0, 0.0, 2.0], atol=1e-12)


def test_a_gradient_of_zero_is_the_least_there_is_and_one_layer_changes_nothing():
    assert np.isfinite(depth(np.array([[0.0, 1.0]]))["depth_slope"]).all()
    assert depth(np.array([[0.0, 1.0]]))["depth_slope"] < -20
    assert depth(np.array([[3.0]]))["depth_change"].tolist() == [0.0]
    assert np.isnan(depth(np.array([[np.nan, 1.0]]))["depth_change"]).all()


@pytest.mark.parametrize(
    "settings", [("data=ring", "model=mlp_plane"), ("method=wgan_gp",), ("method=gan", "data=digits")]
)
def test_norms_are_those_of_each_layers_weights(settings):
    """Against finite differences along the gradient: where a layer moves by h g / |g|, the value moves by h |g|."""
    module, data = build(composed(*SMALL, *fitting(*settings), "trainer.precision=64-true"))
    module = module.double()
    seeds, shape = (
        len(module.seeds),
        (1, 28, 28) if "data=digits" in settings else next(iter(data.span(0, 1).values())).shape[4:],
    )
    real, fake = ({"x": torch.rand(seeds, 16, *shape, dtype=torch.float64) + of} for of in (0.0, 0.5))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    norms = layer_gradients(module, real, fake)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())
    module.eval()

    def value():
        of_real, of_fake = module.judge(real, fake)
        return of_real.flatten(1).mean(1) - of_fake.flatten(1).mean(1)

    layers = [p for n, p in module.discriminator.named_parameters() if "weight" in n and p.dim() >= 2 + module.stacked]
    assert norms.shape == (seeds, len(layers))
    for place, layer in enumerate(layers):
        (slope,) = torch.autograd.grad(value().sum(), layer)
        each = slope.reshape(seeds, -1).norm(dim=1)
        step = 1e-6 * slope / each.reshape(-1, *[1] * (slope.dim() - 1)) if seeds > 1 else 1e-6 * slope / each
        with torch.no_grad():
            ends = []
            for sign in (1.0, -1.0):
                layer += sign * step
                ends.append(value())
                layer -= sign * step
        moved = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(norms[:, place], moved.numpy(), rtol=1e-4, atol=1e-9)


def test_a_run_measures_depth_where_it_is_listed_and_its_report_draws_it(saddlegan, tmp_path):
    plane = ("data=ring", "model=mlp_plane", "model.discriminator.widths=[8,8,8]")
    status, output = saddlegan("-m", "method=wgan,wgan_gp", *plane, LISTED)
    assert status == 0, output
    for result in results(tmp_path).values():
        change, slope = (np.array(result["last_fifth"][f"depth_{name}"]) for name in ("change", "slope"))
        assert change.shape == (3,)
        assert (change >= np.abs(slope) - 1e-6).all()
        assert (change > 0).all()
    arrays = [np.load(path)["layer_gradients"] for path in tmp_path.rglob("samples.npz")]
    assert [array.shape for array in arrays] == [(3, 4), (3, 4)]
    assert all((array > 0).all() for array in arrays)
    assert list(tmp_path.rglob("report/figures/*-depth.png"))
    assert "change of the gradient per layer" in next(tmp_path.rglob("report/report.md")).read_text()


def test_depth_is_not_measured_where_nobody_asks(run):
    assert not [name for name in run("data=ring", "model=mlp_plane")["final"] if name.startswith("depth")]


def test_a_run_that_goes_on_from_its_last_checkpoint_still_has_its_layers(saddlegan, tmp_path):
    plane = ("data=ring", "model=mlp_plane", LISTED, "checkpoint_seconds=1e-9")
    assert saddlegan(*plane)[0] == 0
    (samples,) = tmp_path.rglob("samples.npz")
    first = np.load(samples)["layer_gradients"]
    assert list(samples.parent.rglob("*.ckpt"))
    for name in ("samples.npz", "result.json"):
        (samples.parent / name).unlink()
    status, output = saddlegan(*plane)
    assert status == 0, output
    assert np.array_equal(np.load(samples)["layer_gradients"], first)


def test_frozen_layers_are_left_out_and_one_must_be_there():
    module, _ = build(composed(*SMALL, "data=ring", "model=mlp_plane"))
    batch = {"x": torch.randn(3, 8, 2)}
    first, *others = module.discriminator.weights
    first.requires_grad_(False)
    whole = layer_gradients(module, batch, batch)
    assert whole.shape == (3, len(others))
    for other in others:
        other.requires_grad_(False)
    with pytest.raises(ConfigError, match="without a layer that is trained"):
        layer_gradients(module, batch, batch)
