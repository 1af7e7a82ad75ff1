"""The engine carries the hardest kinds of GAN, each added by a class and a YAML outside of it: they train, go on to the
same weights when they were interrupted, and keep their seeds apart."""

import functools
import json
from contextlib import nullcontext
from pathlib import Path

import lightning as L
import pytest
import torch
from conftest import ROOT, SMALL, composed, results
from interventions import interrupted_at

from saddlegan.config.schema import check
from saddlegan.engine.build import build
from saddlegan.engine.compiling import compiled
from saddlegan.engine.train import run
from saddlegan.folder import CHECKPOINT, RESULT, DamagedRun, write_json
from saddlegan.frozen import Frozen
from saddlegan.interface import load

#: Where the variants' YAMLs are: for the command line, and for `composed`.
CONF = f"--config-dir={ROOT / 'tests' / 'conf'}"
SEARCHED = f"hydra.searchpath=[{ROOT / 'tests' / 'conf'}]"
RUN = ("iterations=30", "batch_size=8", "evaluation.every=10", "evaluation.samples=128", "evaluation.figures=0",
       "checkpoint_seconds=1e-9")  # fmt: skip
LINE, PICTURES = ("num_seeds=3",), ("data=digits", "num_seeds=1")
POOL = "two generators and two discriminators with a pool"
#: How each variant is run.
KINDS = {
    POOL: ("method=cycle", "model=cycle", *LINE),
    "a policy gradient": ("method=policy", "model=policy", *LINE),
    "two heads and labels": ("method=classifying", "model=classifying", *PICTURES),
    "a penalty with noise of its own": ("method=wgan_gp", *LINE),
    "an autoencoder with a gain per seed": ("method=began", "model=mlp_autoencoder", "method.gain=0.5", *LINE),
    "unrolled steps of Adam": ("method=unrolled", "method.unrolled=3", *LINE),
    "a generator that moves twice": ("method=twice", "method.minibatch=reused", *LINE),
    "an encoder as a third player": ("method=bidirectional", "model=bidirectional", *LINE),
    "labels": ("method=cgan", "model=mnist_cgan", "model.generator.width=20", *PICTURES),
}
#: Those whose networks carry several seeds; those whose losses are differentiated twice.
ALONG = [kind for kind, settings in KINDS.items() if "num_seeds=3" in settings]
TWICE = ("a penalty with noise of its own", "unrolled steps of Adam")


@pytest.fixture
def trained(tmp_path):
    """Train in a folder of its own, to the end or until it is interrupted; the state of its checkpoint."""

    def train(folder, *overrides, interrupted=False):
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        config = composed(SEARCHED, *SMALL, *RUN, *overrides)
        check(config)
        with pytest.raises(KeyboardInterrupt) if interrupted else nullcontext():
            write_json(path / RESULT, run(config, path) | {"choices": {}})
        return torch.load(path / CHECKPOINT, weights_only=True)["state_dict"]

    return train


def apart(one, other):
    """Names of what is not equal to the bit."""
    assert one.keys() == other.keys()
    return {name for name in one if not torch.equal(one[name], other[name])}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_trains_and_goes_on_to_the_same_weights(trained, kind):
    whole = trained("whole", *KINDS[kind])
    assert all(value.isfinite().all() for value in whole.values())
    with interrupted_at(25) as broken:
        before = trained("broken", *KINDS[kind], broken, interrupted=True)
    players = {"generator", "discriminator", "encoder"} & {name.split(".")[0] for name in whole}
    assert {name.split(".")[0] for name in apart(whole, before)} >= players
    assert not apart(trained("broken", *KINDS[kind], broken), whole)


@pytest.mark.parametrize("kind", ALONG)
def test_a_kind_keeps_its_seeds_apart(trained, kind):
    """Float64, 30 iterations: a batched product may round otherwise than a single one."""
    settings = (*KINDS[kind], "trainer.precision=64-true")
    block = trained("block", *settings, "seed=3", "num_seeds=4")
    alone = trained("alone", *settings, "seed=5", "num_seeds=1")
    for name, value in alone.items():
        if value.dim():
            torch.testing.assert_close(block[name][2:3], value, rtol=1e-9, atol=1e-9, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in ALONG if kind not in TWICE])
def test_a_kind_may_be_compiled(trained, tmp_path, compiler, kind):
    plain, fast = (trained(on, *KINDS[kind], f"trainer.compile={on}") for on in ("false", "true"))
    for name, value in plain.items():
        torch.testing.assert_close(fast[name], value, rtol=1e-2, atol=1e-3, msg=name)
    assert json.loads((tmp_path / "true" / RESULT).read_text())["compiled"] is (kind != POOL)


def test_a_loss_that_is_no_pure_function_is_not_compiled(saddlegan, tmp_path, compiler, monkeypatch):
    """The pool of earlier fakes changes where the loss is formed: that player's step runs as it is, and it is said."""
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    said = []
    for on in ("false", "true"):
        status, output = saddlegan(CONF, *RUN, *KINDS[POOL], f"trainer.compile={on}", f"hydra.run.dir={tmp_path / on}")
        assert status == 0, output
        said.append(output.count("Cycle.discriminator_loss cannot be compiled"))
    assert said == [0, 1]
    plain, fast = (torch.load(tmp_path / on / CHECKPOINT, weights_only=True) for on in ("false", "true"))
    for name, value in plain["state_dict"].items():
        torch.testing.assert_close(fast["state_dict"][name], value, rtol=1e-3, atol=1e-5, msg=name)


@pytest.mark.parametrize(("method", "given_up"), [("Falling", True), ("Looking", False)])
@pytest.mark.slow
def test_compiled_variants_move_as_uncompiled_ones_do(method, given_up, compiler, capsys):
    """A loss with a Python number that moves is given up; what `make` says of samples has no gradient for a player."""
    found = {}
    for compiles in (False, True):
        module, data = build(composed(*SMALL, f"method._target_=variants.{method}", "trainer.precision=64-true"))
        if compiles:
            module.compiled = {player: compiled(module, player, backend="aot_eager") for player in module.players}
        L.Trainer(barebones=True, accelerator="cpu", precision="64-true", max_epochs=-1).fit(module, datamodule=data)
        found[compiles] = module.state_dict()
    assert ("generator_loss cannot be compiled" in capsys.readouterr().err) is given_up
    for name, value in found[False].items():
        torch.testing.assert_close(found[True][name], value, rtol=1e-9, atol=1e-12, msg=name)


def test_a_second_stage_stands_on_a_frozen_first_one(trained, tmp_path):
    first = trained("first", "method=gan", *LINE)
    stage = ("model=refined", f"earlier={tmp_path / 'first'}", "method=gan", *LINE)
    second = trained("second", *stage)
    for name, value in first.items():
        if name.startswith("generator."):
            assert torch.equal(second[f"generator.first.network.{name.removeprefix('generator.')}"], value)
    begun = trained("begun", *stage, "iterations=1")
    moved = apart(second, begun)
    assert moved == {name for name in second if not name.startswith("generator.first.")}
    with interrupted_at(17) as broken:
        trained("broken", *stage, broken, interrupted=True)
    assert not apart(trained("broken", *stage, broken), second)


def test_a_frozen_player_of_images_is_never_in_training_mode(trained, tmp_path):
    trained("first", "method=gan", "model=mnist_conv", "model.generator.widths=[4,4,4]",
            "model.discriminator.widths=[4,4]", *PICTURES)  # fmt: skip
    frozen = Frozen(run=str(tmp_path / "first"), player="generator").train()
    latent = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(frozen(latent), frozen(latent)), "its dropout is off"
    assert not any(part.training for part in frozen.modules())
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    assert torch.equal(frozen(latent), load(tmp_path / "first")(latent[None])[0])
    with pytest.raises(DamagedRun, match="expected a run folder"):
        Frozen(run=str(tmp_path / "nowhere"), player="generator")


# Stages ---------------------------------------------------------------------------------------------------------------

STAGES = (CONF, "experiment=two_stages", "iterations=20", "num_seeds=2", "checkpoint_seconds=1e-9")


@pytest.mark.thorough
def test_an_experiment_of_two_stages_runs_goes_on_and_is_reported_whole(saddlegan, tmp_path):
    with interrupted_at(25) as broken:  # in the second run of the first stage
        status, _ = saddlegan(*STAGES, broken)
    assert status == 130
    status, output = saddlegan(*STAGES, broken)
    assert status == 0, output
    found = results(tmp_path)
    assert len(found) == 4
    for name, result in found.items():
        own = "first" in result["config"]["model"]["generator"]
        assert own == ("method=gan_non_saturating,model=refined" in name)
        assert "earlier" not in name
        if own:
            first = found[Path(result["config"]["model"]["generator"]["first"]["run"]).name]
            assert (first["choices"]["method"], first["choices"]["model"]) == ("gan", "mlp")
            assert first["seeds"] == result["seeds"]
    report = (tmp_path / "two_stages" / "report" / "report.md").read_text()
    assert "gan_non_saturating · refined" in report
    assert "gan · mlp" in report
    status, output = saddlegan(*STAGES, broken)
    assert output.count("finished already") == 4


@pytest.mark.parametrize(
    ("earlier", "said"), [("method=wgan", "got 0 runs of an earlier stage"), ("seed=0", "got 0 runs")]
)
def test_an_earlier_stage_that_is_not_there_is_said_before_training(saddlegan, tmp_path, earlier, said):
    grids = f"hydra.sweeper.grids=[{{method:gan,seed:'0'}},{{stage:'2',earlier:'{earlier}',method:gan,seed:'4'}}]"
    status, output = saddlegan("-m", grids)
    assert status == 2
    assert said in output
    assert not results(tmp_path)


@pytest.mark.thorough
def test_a_sweep_of_two_stages_goes_over_more_settings(saddlegan, tmp_path):
    """Each run of the second stage stands on the run of the first one that has its settings."""
    status, output = saddlegan(*STAGES, "seed=0", "ema_decay=0,0.9")
    assert status == 0, output
    found = results(tmp_path)
    assert len(found) == 4
    for result in found.values():
        if "first" in result["config"]["model"]["generator"]:
            first = found[Path(result["config"]["model"]["generator"]["first"]["run"]).name]
            assert first["config"]["ema_decay"] == result["config"]["ema_decay"]
    status, output = saddlegan(*STAGES, "method=gan_non_saturating", "seed=0")
    assert status == 2
    assert "in the command none that it does not have, or earlier=RUN" in output


def test_a_job_of_two_stages_runs_once_in_the_first(saddlegan, tmp_path):
    grids = "hydra.sweeper.grids=[{method:gan,seed:'0'},{stage:'2',method:gan,seed:'0'}]"
    status, output = saddlegan("-m", grids)
    assert status == 0, output
    assert len(results(tmp_path)) == 1
    assert "finished already" not in output
