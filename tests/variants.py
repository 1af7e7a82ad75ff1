"""The kinds of GAN that are hardest for an engine, each as one class: what `test_kinds.py` trains. Their YAMLs lie in
`variants/`; nothing outside of tests/ knows of them."""

from typing import ClassVar

import torch
from lightning.pytorch.loggers import Logger
from torch import nn
from torch.nn.functional import cross_entropy, one_hot, softplus

from saddlegan.data.images import Images
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.engine.variant import Turn
from saddlegan.methods.gan_non_saturating import NonSaturatingGAN
from saddlegan.networks.mlp import MLPDiscriminator, MLPGenerator
from saddlegan.random import Uniform

# Networks -------------------------------------------------------------------------------------------------------------


class Two(nn.Module):
    """Two perceptrons as one player: `there` and `back`."""

    samples = "vectors"
    stackable = True

    def __init__(self, *, seeds, in_features, kind, out_features=1):
        super().__init__()
        make = {"generator": MLPGenerator, "discriminator": MLPDiscriminator}[kind]
        sizes = {"out_features": 1} if kind == "generator" else {}
        for name, shift in {"there": 0, "back": 1000}.items():
            own = [seed + shift for seed in seeds]
            self.add_module(name, make(in_features=1, widths=[8], activation="relu", seeds=own, **sizes))

    def forward(self, x):
        return self.there(x)


class Chances(MLPGenerator):
    """Latents to the logits of `levels` values: a distribution, from which the variant draws."""

    def __init__(self, *, in_features, out_features, levels, seeds):
        super().__init__(in_features=in_features, out_features=levels, widths=[8], activation="relu", seeds=seeds)

    def forward(self, x):
        return {"logits": super().forward(x)}


class TwoHeads(nn.Module):
    """Images to a logit and to the logits of classes."""

    samples = "images"
    per_sample = True

    def __init__(self, *, shape, conditions):
        super().__init__()
        self.body = nn.Linear(shape[0] * shape[1] * shape[2], 16)
        self.head, self.classes = nn.Linear(16, 1), nn.Linear(16, conditions["label"])

    def forward(self, images, label):
        x = torch.relu(self.body(images.flatten(1)))
        return {"logits": self.head(x).squeeze(-1), "classes": self.classes(x)}


class OfPairs(MLPDiscriminator):
    """Samples with a latent to logits."""

    def __init__(self, *, in_features, **shared):
        super().__init__(in_features=in_features + 1, **shared)


class Labelled(nn.Module):
    """Latents and labels to images."""

    samples = "images"

    def __init__(self, *, in_features, shape, conditions):
        super().__init__()
        self.shape, self.classes = tuple(shape), conditions["label"]
        self.layer = nn.Linear(in_features + self.classes, shape[0] * shape[1] * shape[2])

    def forward(self, latent, label):
        given = torch.cat([latent, one_hot(label, self.classes).to(latent.dtype)], dim=-1)
        return torch.sigmoid(self.layer(given)).unflatten(-1, self.shape)


# Data -----------------------------------------------------------------------------------------------------------------


class Flags(Images):
    """Images in colour, 24 x 16, in three classes: red above green, green above blue, blue above red, and noise."""

    name = classes = "flags"
    shape = (3, 24, 16)
    sizes: ClassVar = {"label": 3}

    def __init__(self, spread: int = 60):
        self.spread = spread
        drawn = torch.Generator().manual_seed(0)
        self.train_labels, self.test_labels = (torch.arange(count) % 3 for count in (300, 150))
        self.train, self.test = (self.of(labels, drawn) for labels in (self.train_labels, self.test_labels))

    def of(self, labels, drawn):
        pixels = torch.randint(self.spread, (len(labels), *self.shape), generator=drawn, dtype=torch.uint8)
        rows = torch.arange(len(labels))
        pixels[rows, labels, :12] += 180
        pixels[rows, (labels + 1) % 3, 12:] += 180
        return pixels


class Noise(Images):
    """Images in colour, 64 x 64, of no class."""

    name = "noise"
    shape = (3, 64, 64)

    def __init__(self):
        drawn = torch.Generator().manual_seed(0)
        self.train, self.test = (
            torch.randint(256, (150, *self.shape), generator=drawn, dtype=torch.uint8) for _ in range(2)
        )


# Variants -------------------------------------------------------------------------------------------------------------


class Cycle(AdversarialModule):
    """Two generators and two discriminators, and a pool of earlier fakes that a coin chooses from, as in CycleGAN. The
    latent is the one domain, the data are the other."""

    noise: ClassVar = {"coin": Uniform()}
    size = 6

    def __init__(self, **shared):
        super().__init__(**shared)
        self.register_buffer("pool", torch.zeros(len(self.seeds), self.size, 1))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    def make(self, generator, given):
        there = generator.there(given["latent"])
        return {"x": there, "again": generator.back(there)}

    def generator_loss(self, real, fake):
        back = self.generator.back(real["x"])
        cycle = (fake["again"] - fake["latent"]).abs() + (self.generator.there(back) - real["x"]).abs()
        return {
            "there": softplus(-self.discriminator.there(fake["x"])).mean(-1),
            "back": softplus(-self.discriminator.back(back)).mean(-1),
            "cycle": 10.0 * cycle.mean((-1, -2)),
        }

    def pooled(self, fake):
        """Half of the time an earlier fake, once there are some."""
        earlier = self.pool[:, torch.arange(fake["x"].shape[1]) % self.size]
        use = (fake["coin"] < 0.5) & (self.filled > 0)
        mixed = torch.where(use, earlier, fake["x"])
        with torch.no_grad():
            self.pool = fake["x"][:, : self.size].clone()
            self.filled += 1
        return mixed

    def discriminator_loss(self, real, fake):
        back = self.generator.back(real["x"]).detach()
        of = {
            "there": (self.discriminator.there, real["x"], self.pooled(fake)),
            "back": (self.discriminator.back, fake["latent"], back),
        }
        return {
            name: softplus(-judge(true)).mean(-1) + softplus(judge(false)).mean(-1)
            for name, (judge, true, false) in of.items()
        }

    def score(self, batch):
        return self.discriminator.there(batch["x"])


class Policy(NonSaturatingGAN):
    """A generator that returns a distribution, and is trained by a policy gradient, as a boundary-seeking GAN is. A
    value is drawn from it with noise of the variant's own."""

    noise: ClassVar = {"choice": Uniform()}
    values = torch.linspace(-1, 3, 9)

    def make(self, generator, given):
        logits = generator(given["latent"])["logits"]
        below = logits.softmax(-1).cumsum(-1)
        chosen = (given["choice"].to(below.dtype) > below).sum(-1).clamp(max=len(self.values) - 1)
        return {"logits": logits, "chosen": chosen, "x": self.values.to(logits)[chosen][..., None]}

    def generator_loss(self, real, fake):
        reward = self.logits(fake).detach()
        chance = fake["logits"].log_softmax(-1).gather(-1, fake["chosen"][..., None]).squeeze(-1)
        return -((reward - reward.mean(-1, keepdim=True)) * chance).mean(-1)


class Classifying(AdversarialModule):
    """A discriminator with two heads and labels, as in AC-GAN."""

    conditions = ("label",)

    def of_label(self, batch):
        """The logits, and the loss of the classes `(seeds,)`."""
        found = self.discriminator(batch["x"], batch["label"])
        loss = cross_entropy(found["classes"].flatten(0, 1), batch["label"].flatten(), reduction="none")
        return found["logits"], loss.unflatten(0, batch["label"].shape).mean(-1)

    def discriminator_loss(self, real, fake):
        (of_real, real_classes), (of_fake, fake_classes) = self.of_label(real), self.of_label(fake)
        source = softplus(-of_real).mean(-1) + softplus(of_fake).mean(-1)
        return {"source": source, "classes": real_classes + fake_classes}

    def generator_loss(self, real, fake):
        logits, classes = self.of_label(fake)
        return {"source": softplus(-logits).mean(-1), "classes": classes}

    def score(self, batch):
        return torch.sigmoid(self.of_label(batch)[0])


class Bidirectional(NonSaturatingGAN):
    """A third player, the encoder, takes samples to latents, and the discriminator judges pairs, as in BiGAN."""

    def turns(self):
        return [*super().turns(), Turn("encoder")]

    def of_real(self, batch):
        return self.discriminator(torch.cat([batch["x"], self.encoder(batch["x"])], -1))

    def logits(self, batch):
        return self.discriminator(torch.cat([batch["x"], batch["latent"]], -1))

    def discriminator_loss(self, real, fake):
        return self.objective.discriminator(self.of_real(real), self.logits(fake))

    def encoder_loss(self, real, fake):
        return softplus(self.of_real(real)).mean(-1)

    def score(self, batch):
        return torch.sigmoid(self.of_real(batch))


class Falling(NonSaturatingGAN):
    """A weight that falls with each step, as a number of Python's own."""

    weight = 1.0

    def generator_loss(self, real, fake):
        return self.weight * super().generator_loss(real, fake)

    def after_step(self, player, terms):
        self.weight *= 0.9


class Looking(NonSaturatingGAN):
    """Its samples come with what the discriminator says of them, which is no way to the discriminator's weights."""

    def make(self, generator, given):
        made = generator(given["latent"])
        return {"x": made, "said": self.discriminator(made)}

    def discriminator_loss(self, real, fake):
        return super().discriminator_loss(real, fake) + 0.1 * (fake["said"] - self.logits(real)).square().mean(-1)


class OneStep(NonSaturatingGAN):
    """Says itself how often who moves, and on what."""

    def __init__(self, **shared):
        super().__init__(num_critic_steps=1, minibatch="reused", **shared)


class Twice(NonSaturatingGAN):
    """The generator moves twice per turn, as in MidiNet."""

    def turns(self):
        return [Turn("discriminator", self.num_critic_steps), Turn("generator", 2)]


class Refined(nn.Module):
    """A second stage: what a frozen generator makes, moved by a perceptron of the seeds' own."""

    samples = "vectors"
    stackable = True

    def __init__(self, *, first, in_features, out_features, seeds):
        super().__init__()
        self.first = first
        self.second = MLPGenerator(
            in_features=out_features, out_features=out_features, widths=[8], activation="relu", seeds=seeds
        )

    def forward(self, latent):
        made = self.first(latent)
        return made + self.second(made)


class Broken(Logger):
    """A logger that cannot be made."""

    def __init__(self, save_dir):
        raise ValueError(f"no logger in {save_dir}")
