"""Distances between a fixed generator and the data, as fresh discriminators estimate them: one protocol for all
methods, so that none is judged by the discriminator that it was trained with (Hjelm et al. 2018, arXiv:1702.08431,
Table 2)."""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from saddlegan.metrics.facts import metric

Points = Float[Tensor, "n d"]
Reals = Float[Tensor, "m d"]
HeldOut = Float[Tensor, "k d"]
#: The discriminator's hidden layers; its steps, minibatches and rate (Adam); steps between two looks at held-out
#: samples.
WIDTH, STEPS, BATCH, RATE, EVERY = 256, 600, 128, 1e-3, 50
#: Weight of the gradient penalty by which Wasserstein's critic is kept 1-Lipschitz.
PENALTY = 10.0

#: To which log p/q is cut for KL(q|p), which is else without bounds where samples do not meet.
MOST = 10.0


def cut(v: Tensor) -> Tensor:
    return MOST * torch.tanh(v / MOST)


#: What a discriminator's raw output v says of (real, fake): lower bounds of JS, and of KL(q|p) in the form of Donsker &
#: Varadhan, whose logarithm keeps a few held-out values from deciding it; the difference of means of Wasserstein's.
BOUNDS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "fresh_js": lambda real, fake: (math.log(4.0) - softplus(-real).mean() - softplus(fake).mean()) / 2.0,
    "fresh_reverse_kl": lambda real, fake: math.log(len(real)) - (-cut(real)).logsumexp(0) - cut(fake).mean(),
    "fresh_wasserstein": lambda real, fake: real.mean() - fake.mean(),
}


@metric(
    gives={
        "fresh_js": {"name": "JS divergence by a fresh discriminator", "least": None, "most": 0.6931471805599453},
        "fresh_reverse_kl": {"name": "KL(q|p) by a fresh discriminator", "least": None, "most": 20.0},
        "fresh_wasserstein": {"name": "Wasserstein distance by a fresh critic", "least": None},
    },
    when="end",
)
def fresh(images: Points, others: Reals, test: HeldOut) -> dict[str, float]:
    """Estimates of the Jensen-Shannon divergence in nats (at most log 2), of KL(q|p) in nats (at most 20, since log p/q
    is cut to [-10, 10]) and of the Wasserstein-1 distance between samples of the generator, `images`, and data: lower
    is better, and samples of one law have about 0.

    Each is what a perceptron says that is trained on half of the samples and on `others`, images of the training part,
    at the step where it says most of a quarter of the samples and half of the test images, as the rest of both sees it:
    so that no choice flatters it. A perceptron that says the same of all, 0, is among these steps. Wasserstein's is
    divided by its steepest slope between held-out samples where that is above 1, since its penalty lets slopes grow
    with the distance; slopes elsewhere are not known, so it is no strict bound. NaN for samples that are not finite.
    """
    if not torch.isfinite(images).all():
        return dict.fromkeys(BOUNDS, math.nan)
    return {name: estimate(name, images, others, test) for name in BOUNDS}


def estimate(name: str, fake: Points, others: Reals, test: HeldOut) -> float:
    """One of `BOUNDS` by a discriminator of its own, always with the same draws."""
    half, quarter = len(fake) // 2, len(fake) * 3 // 4
    parts = [(test[::2], fake[half:quarter]), (test[1::2], fake[quarter:])]
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(0)
        critic = nn.Sequential(
            nn.Linear(fake.shape[1], WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, WIDTH), nn.LeakyReLU(0.2),
            nn.Linear(WIDTH, 1)
        ).to(fake.device)  # fmt: skip
        optimizer = torch.optim.Adam(critic.parameters(), RATE)
        found = [[0.0, 0.0]]
        for step in range(1, STEPS + 1):
            real, made = (x[torch.randint(len(x), (BATCH,))] for x in (others, fake[:half]))
            loss = -BOUNDS[name](critic(real)[:, 0], critic(made)[:, 0])
            if name == "fresh_wasserstein":
                loss = loss + PENALTY * (slopes(critic, real, made, create_graph=True) - 1.0).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % EVERY == 0:
                steepest = steepest_of(critic, parts) if name == "fresh_wasserstein" else 1.0
                with torch.no_grad():
                    found.append([BOUNDS[name](critic(x)[:, 0], critic(y)[:, 0]).item() / steepest for x, y in parts])
    chosen, said = zip(*found, strict=True)
    return said[max(range(len(found)), key=lambda k: chosen[k])]


def steepest_of(critic: nn.Module, parts: Sequence[tuple[Tensor, Tensor]]) -> float:
    """The steepest slope on lines between real and fake samples of all parts, at least 1."""
    found = [1.0]
    for real, fake in parts:
        count = min(len(real), len(fake))
        found.append(slopes(critic, real[:count], fake[:count]).max().item())
    return max(found)


def slopes(
    critic: nn.Module, real: Float[Tensor, "k d"], fake: Float[Tensor, "k d"], create_graph: bool = False
) -> Float[Tensor, "k"]:
    """|gradient| at a random point between each real sample and a fake one."""
    weight = torch.rand(len(real), 1, device=real.device)
    between = (real + weight * (fake - real)).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=create_graph)
    return slope.norm(dim=1)
