"""The conditional methods: which labels reach which player, and what the losses are, written out here."""

import json

import numpy as np
import pytest
import torch
from conftest import SMALL, composed
from interventions import interrupted_at
from torch.nn.functional import softplus

from saddlegan.checks import ConfigError
from saddlegan.config.schema import check
from saddlegan.engine.build import build
from saddlegan.networks.cgan import ConditionalGenerator

pytestmark = pytest.mark.usefixtures("own_draws")

FEW = ("data=digits", "num_seeds=1", "evaluation.samples=128", "batch_size=16", "model.generator.width=4")
AC = (*FEW, "method=acgan", "model=dcgan_classes")


def made(*overrides):
    module, _ = build(composed(*SMALL, *overrides))
    return module


def batches(module):
    label = torch.arange(16)[None] % 10
    real = {"x": torch.rand(1, 16, 1, 28, 28), "label": label}
    return real, module.fake({"latent": torch.rand(1, 16, 100)}, real)


class Said(torch.nn.Module):
    """A discriminator that says what it is told: of the n-th call the n-th of `answers`."""

    def __init__(self, *answers):
        super().__init__()
        self.answers = list(answers)

    def forward(self, x):
        logits, classes = self.answers.pop(0)
        return {"logits": logits, "classes": classes}


def right(classes, label):
    """-E log P(right class), by exponentials."""
    chances = classes.exp() / classes.exp().sum(-1, keepdim=True)
    return -np.mean([np.log(float(row[at])) for row, at in zip(chances[0], label[0], strict=True)])


@pytest.mark.parametrize("weight", [1.0, 0.25])
@pytest.mark.parametrize("class_loss", ["real_and_fake", "real"])
def test_both_players_losses_are_those_of_the_paper(class_loss, weight):
    module = made(*AC, f"method.class_loss={class_loss}", f"method.class_weight={weight}")
    label = torch.tensor([[4, 0, 9]])
    other = torch.tensor([[1, 1, 2]])
    images = torch.zeros(1, 3, 1)
    of_real, of_fake = ((torch.randn(1, 3), torch.randn(1, 3, 10)) for _ in range(2))
    module.discriminator = Said(of_real, of_fake, of_fake)
    terms = module.discriminator_loss({"x": images, "label": label}, {"x": images, "label": other})
    source = softplus(-of_real[0]).mean(-1) + softplus(of_fake[0]).mean(-1) - np.log(2)  # a constant of the objective
    torch.testing.assert_close(terms["source"], source)
    of_class = right(of_real[1], label) + (right(of_fake[1], other) if class_loss == "real_and_fake" else 0.0)
    assert terms["class"].item() == pytest.approx(weight * of_class, rel=1e-5)
    terms = module.generator_loss({}, {"x": images, "label": other})
    torch.testing.assert_close(terms["source"], softplus(-of_fake[0]).mean(-1))
    assert terms["class"].item() == pytest.approx(weight * right(of_fake[1], other), rel=1e-5)


def test_the_discriminator_is_not_given_the_label_and_its_loss_is():
    module = made(*AC)
    real, fake = batches(module)
    shuffled = {**real, "label": real["label"].roll(3, 1)}
    assert torch.equal(module.logits(real), module.logits(shuffled))
    one, other = (module.discriminator_loss(batch, fake) for batch in (real, shuffled))
    assert torch.equal(one["source"], other["source"])
    assert not torch.equal(one["class"], other["class"])
    lying = {**fake, "label": fake["label"].roll(3, 1)}
    assert not torch.equal(one["class"], module.discriminator_loss(real, lying)["class"])


def test_the_class_of_fakes_teaches_the_generator_and_of_both_the_head():
    """The generator's class term reaches its weights of the labels; the head has a gradient unless the weight is 0."""
    for weight, taught in ((1.0, True), (0.0, False)):
        module = made(*AC, f"method.class_weight={weight}")
        real, fake = batches(module)
        terms = module.generator_loss(real, fake)
        first = module.generator.network.dense[0][0].weight
        (slope,) = torch.autograd.grad(terms["class"].sum(), first, retain_graph=True)
        assert bool(slope[:, 100:].any()) == taught
        detached = {name: value.detach() for name, value in fake.items()}
        head = module.discriminator.network.head.weight
        (slope,) = torch.autograd.grad(module.discriminator_loss(real, detached)["class"].sum(), head)
        assert bool(slope.any()) == taught


def test_a_condition_reaches_the_discriminator_for_real_and_for_fake():
    """Other labels for either batch change the loss; the gradient reaches the weights of the labels' maps from both."""
    module = made(*FEW, "method=cgan", "model=dcgan_conditional").eval()
    real, fake = batches(module)
    fake = {name: value.detach() for name, value in fake.items()}
    loss = module.discriminator_loss(real, fake)
    for batch in ("real", "fake"):
        changed = {"real": real, "fake": fake}
        changed[batch] = {**changed[batch], "label": changed[batch]["label"].roll(3, 1)}
        assert not torch.equal(loss, module.discriminator_loss(*changed.values()))
        (slope,) = torch.autograd.grad(
            module.logits({"real": real, "fake": fake}[batch]).sum(), module.discriminator.network.last.weight
        )
        assert (slope[0, -10:] > 0).all()


def test_shuffled_labels_say_nothing_of_their_image():
    """Each sample is judged with the label of the one before it; the generator is given its own."""
    own, shuffled = (made(*FEW, "method=cgan", "model=dcgan_conditional", f"method.labels={labels}").eval()
                     for labels in ("own", "shuffled"))  # fmt: skip
    shuffled.load_state_dict(own.state_dict())
    real, fake = batches(own)
    moved = {**real, "label": torch.cat([real["label"][:, -1:], real["label"][:, :-1]], dim=1)}
    assert torch.equal(shuffled.logits(real), own.logits(moved))
    assert not torch.equal(shuffled.logits(real), own.logits(real))
    latent = fake["latent"]
    assert torch.equal(own.fake({"latent": latent}, real)["x"], shuffled.fake({"latent": latent}, real)["x"])


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("method=acgan model=mnist_conv", "gives it label, which it does not take. Remedy: model=dcgan_classes"),
        ("method=acgan model=mnist_cgan", "which gives logits, but .* reads logits and classes. Remedy: model=dcgan_c"),
        ("method=cgan model=dcgan_classes", "gives logits and classes, but .* reads logits. Remedy: model=mnist_cgan"),
        ("method=gan model=dcgan_classes", "gives it no label, which it needs"),
        ("method=gan model=dcgan method.labels=own", "labels"),
        ("method=acgan model=dcgan_classes method.class_loss=fake", "expected one of: real_and_fake, real"),
        ("method=acgan model=dcgan_classes method.class_weight=-1", "expected a finite number >= 0"),
        ("method=cgan model=dcgan_conditional method.labels=none", "expected one of: own, shuffled"),
        ("method=acgan model=dcgan_classes data=ring", "which takes images, but .* gives vectors"),
    ],
)
def test_parts_that_do_not_fit_are_refused_with_the_model_that_does(words, remedy):
    add = words.replace("method=gan model=dcgan method.labels", "method=gan model=dcgan +method.labels").split()
    with pytest.raises(ConfigError, match=remedy):
        check(composed(*SMALL, "data=digits", "num_seeds=1", "evaluation.samples=128", *add))


@pytest.mark.parametrize("method", ["acgan", "cgan"])
def test_a_run_that_was_interrupted_goes_on_to_the_same_weights(run, tmp_path, method):
    """Bit for bit, with the running statistics of batch normalisation."""
    model = {"acgan": "dcgan_classes", "cgan": "dcgan_conditional"}[method]
    settings = (*FEW, f"method={method}", f"model={model}", "iterations=8", "ema_decay=0.5", "checkpoint_seconds=1e-9")
    whole = run(*settings, folder="whole")
    with interrupted_at(7) as broken, pytest.raises(KeyboardInterrupt):
        run(*settings, broken, folder="broken")
    again = run(*settings, broken, folder="broken")
    one, other = (
        torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for name in ("whole", "broken")
    )
    assert any("running_mean" in name for name in one)
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert json.dumps(again["final"]) == json.dumps(whole["final"])
    text = (tmp_path / "whole" / "metrics.csv").read_text()
    assert ("discriminator_loss/class" in text.splitlines()[0]) == (method == "acgan")
    assert text == (tmp_path / "broken" / "metrics.csv").read_text()


@torch.no_grad()
def test_the_conditional_gans_networks_have_a_joint_layer():
    """Of latent and label a ReLU layer each, and one over both (many copies leave it out), against plain NumPy."""
    network = ConditionalGenerator(in_features=5, shape=(1, 4, 4), conditions={"label": 3}, latent_width=7,
                                   label_width=6, width=8, dropout=0.5, irange=0.5).eval()  # fmt: skip
    latent, label = torch.randn(9, 5), torch.arange(9) % 3
    of = {name: value.double().numpy() for name, value in network.state_dict().items()}

    def layer(name, x):
        return x @ of[f"{name}.weight"].T + of[f"{name}.bias"]

    own = [layer("latent", latent.double().numpy()), layer("label", np.eye(3)[label.numpy()])]
    joint = np.maximum(layer("both", np.maximum(np.concatenate(own, 1), 0)), 0)
    expected = 1 / (1 + np.exp(-layer("last", joint)))
    np.testing.assert_allclose(network(latent, label).flatten(1).numpy(), expected, rtol=1e-5, atol=1e-6)
