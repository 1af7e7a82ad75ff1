"""Variants on discrete data: the generator gives the law of its samples, and no gradient passes through a draw."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Independent

from saddlegan.batch import Batch
from saddlegan.checks import checked
from saddlegan.discrete import drawn, law_of, log_probability, means
from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.random import Law, Uniform


class DiscreteModule(AdversarialModule):
    """The generator maps latents to logits of samples of `shape` = `(levels, *places)`; see `saddlegan.discrete`.

    Of n latents `num_samples` = M times as many samples are made in training, first one of each, then another of each.
    """

    makes = "logits"
    num_samples = 1

    @checked
    def __init__(self, *, shape: Sequence[int], **shared: Any) -> None:
        self.shape = tuple(shape)
        self.noise = {**self.noise, **self.noise_of_training()}
        super().__init__(shape=shape, **shared)

    def noise_of_training(self) -> Mapping[str, Law]:
        """What is drawn for the samples that training shows to the discriminator."""
        return {"choice": Uniform(self.num_samples * math.prod(self.shape[1:]))}

    def law(self, generator: nn.Module, given: Batch) -> Independent:
        """That of a sample of each latent."""
        return law_of(self.logits_of_samples(generator, given))

    def logits_of_samples(self, generator: nn.Module, given: Batch) -> Float[Tensor, "seeds batch levels *places"]:
        logits = generator(given["latent"], *(given[name] for name in self.conditions))
        return logits.reshape(*logits.shape[:2], *self.shape)

    def make(self, generator: nn.Module, given: Batch) -> Batch:
        """`x`, samples without gradients, and `log_probability`, log g(x|z), `(seeds, M n)`."""
        law = self.law(generator, given)
        with torch.no_grad():
            x = drawn(law, self.by_sample(given["choice"]))
        found = {"x": x, "log_probability": log_probability(law, x)}
        again = {name: given[name].repeat(1, len(x), *[1] * (given[name].dim() - 2)) for name in self.conditions}
        return again | {name: values.movedim(0, 1).flatten(1, 2) for name, values in found.items()}

    def by_sample(self, noise: Float[Tensor, "seeds batch numbers"]) -> Float[Tensor, "count seeds batch *places"]:
        """The numbers of each sample of a latent."""
        return noise.unflatten(-1, (-1, *self.shape[1:])).movedim(2, 0)

    # Samples to look at ---------------------------------------------------------------------------------------------

    def laws_of_samples(self) -> Mapping[str, Law]:
        return {**super().laws_of_samples(), "choice": Uniform(math.prod(self.shape[1:]))}

    def sampled(self, generator: nn.Module, given: Batch) -> Tensor:
        """One sample of each latent, whatever training shows to the discriminator."""
        return drawn(self.law(generator, given), self.by_sample(given["choice"]))[0]

    def expected(self, given: Tensor | Batch) -> Float[Tensor, "seeds n *shape"]:
        """The probabilities of the samples that `forward` draws of these latents."""
        return self.of_average(given, lambda generator, part: means(self.law(generator, part)))


class SoftModule(DiscreteModule):
    """The discriminator is shown probabilities in training, through which gradients pass, beside real samples."""

    def noise_of_training(self) -> Mapping[str, Law]:
        return {}

    def make(self, generator: nn.Module, given: Batch) -> Batch:
        return {"x": means(self.law(generator, given))}
