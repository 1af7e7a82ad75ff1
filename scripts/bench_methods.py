"""`make bench`, of every objective: each method at 1 and 64 seeds against a bare loop of the same method.

As in `bench.py`, whose turns these are; the bare loops are written here as a user would write them for one seed. Losses
that are differentiated twice are marked. All have the networks of toys, Adam, and fresh minibatches.
"""

import math
from collections.abc import Callable

import bench

#: Iterations of a run of 1 seed and of 64.
SIZES = ((1, 1200), (64, 600))
METHODS = ("gan", "gan_non_saturating", "lsgan", "fgan", "bgan", "wgan", "began", "wgan_gp", "dragan", "unrolled")
TWICE = ("wgan_gp", "dragan", "unrolled")
#: What the methods' YAMLs say.
CLIP, PENALTY, AHEAD, GAMMA, GAIN, RATE = 0.01, 10.0, 10, 0.5, 0.001, 1e-3


def bare_loop(method: str) -> Callable[[], float]:
    """A stretch of the bare loop, when called: iterations a second."""
    import torch
    from torch import Tensor, nn
    from torch.func import functional_call
    from torch.nn.functional import softplus

    torch.set_num_threads(1)
    generator = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 1))
    discriminator = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 1))
    of_generator = torch.optim.Adam(generator.parameters(), lr=RATE, fused=True)
    of_discriminator = torch.optim.Adam(discriminator.parameters(), lr=RATE, fused=True)
    k = torch.zeros(())

    def norms(points: Tensor) -> Tensor:
        points.requires_grad_()
        (slope,) = torch.autograd.grad(discriminator(points).sum(), points, create_graph=True)
        return slope.norm(dim=-1)

    def cross_entropy(of_real: Tensor, of_fake: Tensor) -> Tensor:
        return softplus(-of_real).mean() + softplus(of_fake).mean()

    def activation(v: Tensor) -> Tensor:
        return math.log(2) - softplus(-v)

    def conjugate(v: Tensor) -> Tensor:
        return -torch.log(2 - activation(v).exp())

    def judged(real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss."""
        if method == "began":
            return (real - discriminator(real)).abs().mean() - k * (fake - discriminator(fake)).abs().mean()
        of_real, of_fake = discriminator(real), discriminator(fake)
        if method == "lsgan":
            return 0.5 * ((of_real - 1) ** 2).mean() + 0.5 * (of_fake**2).mean()
        if method == "fgan":
            return conjugate(of_fake).mean() - activation(of_real).mean()
        if method == "wgan":
            return of_fake.mean() - of_real.mean()
        if method == "wgan_gp":
            weight = torch.rand(bench.BATCH, 1)
            penalty = (norms(weight * real + (1 - weight) * fake) - 1) ** 2
            return of_fake.mean() - of_real.mean() + PENALTY * penalty.mean()
        if method == "dragan":
            penalty = (norms(real + 0.5 * real.std() * torch.rand_like(real)) - 1) ** 2
            return cross_entropy(of_real, of_fake) + PENALTY * penalty.mean()
        return cross_entropy(of_real, of_fake)

    def ahead(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The discriminator's weights after steps of its own Adam, with a graph."""
        weights = dict(discriminator.named_parameters())
        state = [of_discriminator.state.get(weight, {}) for weight in weights.values()]
        taken = int(state[0]["step"]) if state[0] else 0
        first, second = ([of.get(key, 0.0) for of in state] for key in ("exp_avg", "exp_avg_sq"))
        for step in range(taken + 1, taken + 1 + AHEAD):
            logits = functional_call(discriminator, weights, torch.cat([real, fake]))
            loss = cross_entropy(logits[: bench.BATCH], logits[bench.BATCH :])
            slopes = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
            first = [0.9 * m + 0.1 * slope for m, slope in zip(first, slopes, strict=True)]
            second = [0.999 * v + 0.001 * slope**2 for v, slope in zip(second, slopes, strict=True)]
            weights = {
                name: weight - RATE * m / (1 - 0.9**step) / ((v / (1 - 0.999**step) + 1e-38).sqrt() + 1e-8)
                for (name, weight), m, v in zip(weights.items(), first, second, strict=True)
            }
        return weights

    def cost(real: Tensor, fake: Tensor) -> Tensor:
        """The generator's loss."""
        if method == "unrolled":
            logits = functional_call(discriminator, ahead(real, fake), torch.cat([real, fake]))
            return -cross_entropy(logits[: bench.BATCH], logits[bench.BATCH :])
        if method == "began":
            return (fake - discriminator(fake)).abs().mean()
        of_fake = discriminator(fake)
        losses = {
            "gan": lambda: -softplus(of_fake).mean(),
            "lsgan": lambda: 0.5 * ((of_fake - 1) ** 2).mean(),
            "fgan": lambda: -conjugate(of_fake).mean(),
            "bgan": lambda: 0.5 * (of_fake**2).mean(),
            "wgan": lambda: -of_fake.mean(),
            "wgan_gp": lambda: -of_fake.mean(),
        }
        return losses.get(method, lambda: softplus(-of_fake).mean())()

    def iteration() -> None:
        nonlocal k
        for _ in range(5 if method in ("wgan", "wgan_gp") else 1):
            real = 1.0 + 0.0316 * torch.randn(bench.BATCH, 1)
            of_discriminator.zero_grad()
            judged(real, generator(torch.randn(bench.BATCH, 1)).detach()).backward()
            of_discriminator.step()
            if method == "wgan":
                with torch.no_grad():
                    for weight in discriminator.parameters():
                        weight.clamp_(-CLIP, CLIP)
        of_generator.zero_grad()
        loss = cost(real, generator(torch.randn(bench.BATCH, 1)))
        loss.backward(inputs=list(generator.parameters()))
        of_generator.step()
        if method == "began":
            with torch.no_grad():
                k = (k + GAIN * (GAMMA * (real - discriminator(real)).abs().mean() - loss)).clamp(0, 1)

    return bench.stretched(iteration)


def overrides(method: str) -> list[str]:
    given = ["method.minibatch=fresh"]
    given += ["method.updates=alternating"] if method == "fgan" else []
    return [*given, "model=mlp_autoencoder"] if method == "began" else given


if __name__ == "__main__":
    heading = f"One thread, uncompiled, batch {bench.BATCH}, networks 1-32-1"
    bench.Methods(str(__doc__), heading, METHODS, SIZES, bare_loop, overrides, TWICE).command(__file__)
