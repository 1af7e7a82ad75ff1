"""`make bench`, of methods on discrete data: each at 1 and 64 seeds on three bits, against a bare loop of the same one.

As in `bench_methods.py`: the bare loops are written as a user would write them for one seed.
"""

import itertools
import math
from collections.abc import Callable

import bench

#: Iterations of a run of 1 seed and of 64.
SIZES = ((1, 1200), (64, 300))
METHODS = ("bgan_discrete", "bgan_reinforce", "straight_through", "gumbel_softmax", "wgan_soft", "wgan_gp_soft")
#: What the methods' YAMLs say, and the table of `data=bits`.
SAMPLES, DECAY, TEMPERATURE, CLIP, PENALTY, RATE = 20, 0.995, 0.5, 0.01, 10.0, 1e-3
TABLE = (0.30, 0.05, 0.05, 0.10, 0.02, 0.13, 0.05, 0.30)


def bare_loop(method: str) -> Callable[[], float]:
    """A stretch of the bare loop, when called: iterations a second."""
    import torch
    from torch import Tensor, nn
    from torch.distributions import Bernoulli
    from torch.nn.functional import softplus

    torch.set_num_threads(1)
    generator = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 3))
    discriminator = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
    of_generator = torch.optim.Adam(generator.parameters(), lr=RATE, fused=True)
    of_discriminator = torch.optim.Adam(discriminator.parameters(), lr=RATE, fused=True)
    outcomes = torch.tensor(list(itertools.product((0.0, 1.0), repeat=3)))
    table, log_beta = torch.tensor(TABLE), torch.zeros(())

    def shown(logits: Tensor) -> Tensor:
        """What the discriminator is shown in the place of samples."""
        chance = torch.sigmoid(logits)
        if method == "straight_through":
            return torch.bernoulli(chance) + chance - chance.detach()
        if method == "gumbel_softmax":
            return torch.sigmoid((logits + torch.logit(torch.rand_like(logits).clamp(1e-6, 1 - 1e-6))) / TEMPERATURE)
        return chance

    def judged(real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss."""
        of_real, of_fake = discriminator(real), discriminator(fake)
        if not method.startswith("wgan"):
            return softplus(-of_real).mean() + softplus(of_fake).mean()
        loss = of_fake.mean() - of_real.mean()
        if method == "wgan_gp_soft":
            weight = torch.rand(bench.BATCH, 1)
            between = (weight * real + (1 - weight) * fake).requires_grad_()
            (slope,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
            loss = loss + PENALTY * ((slope.norm(dim=-1) - 1) ** 2).mean()
        return loss

    def step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def weighed() -> None:
        """An iteration of a boundary-seeking GAN, both of whose players see the same samples."""
        nonlocal log_beta
        law = Bernoulli(logits=generator(torch.randn(bench.BATCH, 4)), validate_args=False)
        x = law.sample((SAMPLES,))
        step(of_discriminator, judged(outcomes[torch.multinomial(table, bench.BATCH, replacement=True)], x))
        with torch.no_grad():
            log_weight = discriminator(x)[..., 0]
        log_g = law.log_prob(x).sum(-1)
        if method == "bgan_discrete":
            loss = -(log_weight.softmax(0) * log_g).sum(0).mean()
        else:
            loss = -((log_weight - log_beta) * log_g).mean()
            mean = log_weight.logsumexp((0, 1)) - math.log(log_weight.numel())
            log_beta = DECAY * log_beta + (1 - DECAY) * mean
        step(of_generator, loss)

    def iteration() -> None:
        if method.startswith("bgan"):
            return weighed()
        for _ in range(5 if method.startswith("wgan") else 1):
            real = outcomes[torch.multinomial(table, bench.BATCH, replacement=True)]
            step(of_discriminator, judged(real, shown(generator(torch.randn(bench.BATCH, 4))).detach()))
            if method == "wgan_soft":
                with torch.no_grad():
                    for weight in discriminator.parameters():
                        weight.clamp_(-CLIP, CLIP)
        of_fake = discriminator(shown(generator(torch.randn(bench.BATCH, 4))))
        step(of_generator, -of_fake.mean() if method.startswith("wgan") else softplus(-of_fake).mean())
        return None

    return bench.stretched(iteration)


def overrides(method: str) -> list[str]:
    return ["data=bits"]


if __name__ == "__main__":
    heading = f"One thread, uncompiled, batch {bench.BATCH}, M = {SAMPLES}, networks 4-32-3 and 3-32-1"
    bench.Methods(str(__doc__), heading, METHODS, SIZES, bare_loop, overrides).command(__file__)
