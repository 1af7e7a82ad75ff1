"""Whole runs on images: what they leave, that interruptions do not show, what training aids change and what not."""

import errno
import json
import math
import re

import numpy as np
import pytest
import torch
from conftest import IMAGES, METHODS, SMALL, composed, fitting, quick, results
from interventions import WATCHED, calling, interrupted_at

from saddlegan.checks import ConfigError
from saddlegan.config.signatures import class_attribute
from saddlegan.data.images import ImageSet, unit
from saddlegan.engine.build import build
from saddlegan.evaluation.images import digest

pytestmark = pytest.mark.usefixtures("own_draws")


def weights(folder, network="generator"):
    state = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return {name: value for name, value in state.items() if name.startswith(f"{network}.")}


def same(one, other) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.thorough
@pytest.mark.parametrize("method", quick(METHODS, "cgan", "wgan_gp"))
def test_every_method_trains_on_images_and_leaves_numbers_and_pictures(run, tmp_path, method):
    result = run(*fitting(f"method={method}", data=("digits",)), "iterations=6")
    assert result["status"] == "finished"
    json.dumps(result)
    watched = {"frechet", "kernel_distance", "classifier_score", "classes_covered", "class_kl"}
    at_the_end = {"precision", "recall", "density", "coverage"}
    labels = "label" in (class_attribute(result["config"]["method"]["_target_"], "conditions") or ())
    if labels:
        watched |= {"class_accuracy", "class_variety", "right_variety"}
        at_the_end |= {"nearest_class_accuracy"}
    assert watched | at_the_end | {"memorisation"} <= result["final"].keys()
    assert all(len(column) == 1 and math.isfinite(column[0]) for column in result["final"].values())
    assert result["floors"].keys() == watched | at_the_end
    assert result["floors"]["frechet"] < result["final"]["frechet"][0]
    assert result["extractor"]["dataset"] == "mnist"
    assert result["weights"].keys() == {"generator", "discriminator"}
    arrays = np.load(tmp_path / "run" / "samples.npz")
    expected = {"images": (64, 28, 28), "real": (64, 28, 28), "through": (3, 16, 28, 28), "iterations": (3,),
                "interpolation": (6, 10, 28, 28), "neighbours": (2, 10, 28, 28)}  # fmt: skip
    if labels:
        expected |= {"classes": (8, 10, 28, 28), "classes_through": (3, 10, 28, 28), "between_classes": (5, 10, 28, 28)}
    assert {name: arrays[name].shape for name in arrays} == expected
    assert arrays["iterations"].tolist() == [0, 5, 6]
    assert (arrays["through"][-1] == arrays["images"][:16]).all()


@pytest.mark.parametrize("at", quick([1, 6, 7, 12], 1, 7))
def test_a_run_interrupted_anywhere_goes_on_to_the_same_weights(run, tmp_path, at):
    """Bit for bit, with dropout in both players, an average of the generator, and k = 2."""
    settings = (*IMAGES, "method=primal_dual", "method.num_critic_steps=2", "ema_decay=0.9", "checkpoint_seconds=1e-9")
    whole = run(*settings, folder="whole")
    with interrupted_at(at) as broken, pytest.raises(KeyboardInterrupt):
        run(*settings, broken, folder="broken")
    again = run(*settings, broken, folder="broken")
    for network in ("generator", "discriminator", "average"):
        assert same(weights(tmp_path / "whole", network), weights(tmp_path / "broken", network))
    assert (tmp_path / "whole" / "metrics.csv").read_text() == (tmp_path / "broken" / "metrics.csv").read_text()
    for key in ("final", "last_fifth", "best", "iterations", "evaluations", "weights", "floors"):
        assert json.dumps(again[key]) == json.dumps(whole[key]), key
    one, other = (np.load(tmp_path / name / "samples.npz") for name in ("whole", "broken"))
    assert all((one[name] == other[name]).all() for name in one)


@pytest.mark.thorough
def test_watching_does_not_change_what_is_trained(run):
    settings = (*IMAGES, "method=primal_dual")
    often = run(*settings, "evaluation.every=1", "evaluation.samples=200", "evaluation.figures=3", folder="often")
    assert often["weights"] == run(*settings, folder="seldom")["weights"]


def test_sigma_of_toy_size_is_the_standard_gan_exactly(run, capsys):
    """In pixel space every kernel value underflows at a sigma far below the distances of images."""
    reused = (*IMAGES, "method.minibatch=reused")
    standard = run(*reused, "method=gan", folder="gan")["weights"]
    toy = run(*reused, "method=primal_dual", "method.sigma=0.1", folder="toy")["weights"]
    assert toy == standard
    warning = capsys.readouterr().err
    assert "the kernel underflows" in warning
    said = re.search(r"nearest neighbour, (\S+), .*a sigma from (\S+) up to the median distance, (\S+)\.\n", warning)
    between = torch.cdist(*[unit(ImageSet(name="digits", root="", download=False, train_images=0).test).flatten(1)] * 2)
    near, median = (between + 1e9 * torch.eye(len(between))).amin(1).median(), between.median()
    assert list(map(float, said.groups())) == pytest.approx([float(near), float(near) / 2, float(median)], rel=0.02)
    alive = run(*reused, "method=primal_dual", "method.sigma=6", folder="alive")["weights"]
    assert alive["generator"] != standard["generator"]
    assert "underflows" not in capsys.readouterr().err


def test_the_kernel_on_features_reaches_the_generator_and_not_the_extractor(run):
    reused = (*IMAGES, "method.minibatch=reused", "iterations=3")
    standard = run(*reused, "method=gan", folder="gan")
    features = run(*reused, "method=primal_dual", "method.space=features", "method.sigma=30", folder="features")
    assert features["weights"]["generator"] != standard["weights"]["generator"]
    assert features["floors"] == standard["floors"]  # measured by the same extractor as before


# Training aids -------------------------------------------------------------------------------------------------------


def test_the_average_follows_the_generator_alone_and_training_does_not_see_it(run, tmp_path):
    plain = run(*IMAGES, folder="plain")
    averaged = run(*IMAGES, "ema_decay=0.5", folder="averaged")
    assert averaged["weights"] == plain["weights"]
    assert averaged["final"]["frechet"] != plain["final"]["frechet"]
    module, _ = build(composed(*SMALL, *IMAGES, "ema_decay=0.5"))
    before = next(module.generator.parameters()).detach().clone()
    with torch.no_grad():
        next(module.generator.parameters()).zero_()
    module.average.update_parameters(module.generator)  # the first update copies
    assert not next(module.average.parameters()).any()
    with torch.no_grad():
        next(module.generator.parameters()).copy_(before)
    module.average.update_parameters(module.generator)
    torch.testing.assert_close(next(module.average.parameters()), 0.5 * before)


def test_the_layout_of_memory_changes_rounding_alone(run, tmp_path):
    """Without dropout, whose masks are drawn in the order in which values lie."""
    few = (*IMAGES, "iterations=2", "optimizer=sgd", "optimizer.lr=0.01", "model.generator.dropout=0",
           "model.discriminator.dropout=0")  # fmt: skip
    run(*few, folder="plain")
    run(*few, "trainer.channels_last=true", folder="last")
    for name, value in weights(tmp_path / "plain").items():
        torch.testing.assert_close(weights(tmp_path / "last")[name], value, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("decay", ["0", "0.999", "0.999999"])
def test_usual_decays_are_taken(decay):
    assert build(composed(*SMALL, *IMAGES, f"ema_decay={decay}"))[0].average is None or float(decay) > 0


def test_double_precision_is_measured_too(run):
    result = run(*IMAGES, "method=primal_dual", "method.space=features", "trainer.precision=64-true")
    assert result["status"] == "finished"


def test_half_precision_keeps_the_weights_whole(run, tmp_path):
    result = run(*IMAGES, "method=primal_dual", "method.sigma=8", "trainer.precision=bf16-mixed", folder="half")
    assert result["status"] == "finished"
    assert all(value.dtype is torch.float32 for value in weights(tmp_path / "half").values())


@pytest.mark.parametrize("space", ["pixels", "features"])
def test_the_kernel_is_exact_under_half_precision(space):
    settings = ("method=primal_dual", "method.sigma=8", "method.alpha=50", f"method.space={space}")
    module, _ = build(composed(*SMALL, *IMAGES, *settings))
    real, fake = torch.rand(1, 8, 1, 28, 28), torch.rand(1, 8, 1, 28, 28, requires_grad=True)
    module.discriminator.forward = lambda x: x.flatten(2).sum(-1) / 784 * 0 + 1.0  # the kernel's term alone
    gradients = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            loss = module.generator_loss({"x": real}, {"x": fake}).sum()
        gradients += torch.autograd.grad(loss, fake)  # outside, as the engine does
    torch.testing.assert_close(gradients[1], gradients[0])


@pytest.mark.slow
def test_compiled_networks_agree_with_eager_ones_and_are_evaluated_as_they_are(run, tmp_path, recwarn):
    still = (*IMAGES, "model.generator.dropout=0", "model.discriminator.dropout=0", "optimizer=sgd", "iterations=5")
    run(*still, "trainer.compile=false", folder="eager")
    run(*still, "trainer.compile=true", folder="compiled")
    for name, value in weights(tmp_path / "eager").items():
        found = weights(tmp_path / "compiled")
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-4)
    assert not [w for w in recwarn if "recompile_limit" in str(w.message)]


# What can go wrong ---------------------------------------------------------------------------------------------------


def test_a_disk_that_fills_while_samples_are_written_costs_no_training(saddlegan, tmp_path, monkeypatch):
    write, steps = np.savez_compressed, []

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "samples.npz")

    monkeypatch.setattr(np, "savez_compressed", full)
    with calling(steps.append):
        status, output = saddlegan(*IMAGES, WATCHED["generator"])
    assert status == 2
    assert "No space left on device: 'samples.npz'. Remedy: make room" in output
    assert not results(tmp_path)
    monkeypatch.setattr(np, "savez_compressed", write)
    with calling(steps.append):
        status, output = saddlegan(*IMAGES, WATCHED["generator"])
    assert status == 0, output
    assert len(steps) == 12, "training was repeated"
    (result,) = results(tmp_path).values()
    assert result["iterations"] == 12


def test_in_a_sweep_a_full_disk_fails_a_run_and_the_others_go_on(saddlegan, tmp_path, monkeypatch):
    write, calls = np.savez_compressed, []

    def once(*arguments, **arrays):
        calls.append(1)
        if len(calls) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*arguments, **arrays)

    monkeypatch.setattr(np, "savez_compressed", once)
    status, output = saddlegan("-m", *IMAGES, "seed=0,1")
    assert status == 1
    assert ": [Errno 28] No space left on device. Remedy: make room" in output
    assert len(results(tmp_path)) == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_named(run):
    with pytest.raises(ConfigError, match=r"got a machine without CUDA .*Remedy: trainer=cpu"):
        run(*IMAGES, "trainer=gpu")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("data.train_images=1349",), "got int 1349, expected a finite number >= 128 and <= 1348"),
        (("data.train_images=5",), "got int 5, expected a finite number >= 128 and <= 1348"),
        (("data.train_images=200", "batch_size=512"), "got int 512, expected a finite number > 0 and <= 200"),
        (("method=primal_dual", "method.kernel=normalised", "method.sigma=6"), "got 784 dimensions"),
        (("method=primal_dual", "method.kernel=normalised", "method.sigma=0.1"), "method.kernel=unnormalised"),
        (("evaluation.extractor=absent",), "got a file that cannot be used"),
    ],
)
def test_what_is_found_out_late_is_still_one_sentence_and_leaves_no_run(saddlegan, tmp_path, settings, words):
    status, output = saddlegan(*IMAGES, *settings)
    assert status == 2, output
    assert words in output
    assert "Traceback" not in output
    assert not list(tmp_path.iterdir())


def test_features_of_a_toy_are_refused(saddlegan):
    status, output = saddlegan("method=primal_dual", "method.space=features")
    assert (status, "got vectors, expected images" in output, "Traceback" in output) == (2, True, False)


def test_a_run_goes_on_with_the_extractor_that_it_began_with(run, tmp_path, monkeypatch):
    run(*IMAGES)
    path = tmp_path / "run" / "checkpoints" / "last.ckpt"
    content = torch.load(path, weights_only=True)
    (key,) = [name for name in content["callbacks"] if "Evaluate" in name]
    content["callbacks"][key]["extractor"] = "0" * 64
    torch.save(content, path)
    with pytest.raises(ConfigError, match="expected those that the run"):
        run(*IMAGES)


def test_images_that_are_lost_are_a_diverged_run_not_a_crash(run):
    result = run(*IMAGES, "optimizer=sgd", "optimizer.lr=1e30")
    assert result["status"] == "diverged"
    assert result["final"]["diverged"] == [1.0]


def test_the_digest_names_weights():
    one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    assert digest(one) != digest(other)
    other.load_state_dict(one.state_dict())
    assert digest(one) == digest(other)


def test_the_engine_differentiates_outside_of_autocast(run, monkeypatch):
    seen, backward = [], torch.Tensor.backward

    def watched(self, *arguments, **keywords):
        seen.append(torch.is_autocast_enabled("cpu"))
        backward(self, *arguments, **keywords)

    monkeypatch.setattr(torch.Tensor, "backward", watched)
    run(*IMAGES, "trainer.precision=bf16-mixed")
    assert seen
    assert not any(seen)
