"""The samples that a variant gives to look at: of fixed latents, from the averaged generator, without dropout."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from saddlegan.batch import Batch, each, split
from saddlegan.checks import ConfigError
from saddlegan.engine.draws import meant_for
from saddlegan.engine.variant import Samples, Variant
from saddlegan.random import Latent, Law, Purpose, draw_evaluation, torch_stream

#: Samples that are made at once.
CHUNK = 2000
#: How conditions that are missing can be had, besides in Python.
ASKING = {
    "text": 'saddlegan-sample RUN caption="...", or ',
    "coarse": "train with earlier=RUN, the level below, or pass ",
}


class Sampler(Variant):
    """A variant with what its samples are made of."""

    latent: Latent
    #: The laws of the variant's own noise, by name.
    laws: Mapping[str, Law]
    seeds: Sequence[int]
    #: Of each of `conditions` that is a label, the number of its classes.
    sizes: Mapping[str, int]
    #: The exponential average of the generator, where one is kept.
    average: AveragedModel | None
    #: Whether the networks carry all seeds.
    stacked: bool

    def forward(self, given: Tensor | Batch) -> Samples:
        """Samples to look at, on the CPU, of latents `(seeds, n, dim)`, or of a batch with a `latent` and the variant's
        conditions: from the averaged generator, where one is kept, without training's dropout.

        The same latents give the same samples, also where the generator drops values from samples. For samples that
        carry gradients call `generator`. Raises `ConfigError` for latents of another shape, and without a condition.
        """
        return self.of_average(given, self.sampled)

    @torch.no_grad()
    def of_average(
        self, given: Tensor | Batch, found: Callable[[nn.Module, Batch], Float[Tensor, "seeds n *shape"]]
    ) -> Float[Tensor, "seeds n *shape"]:
        """What is `found` of the averaged generator, where one is kept, and of the parts of a batch; on the CPU."""
        batch = self.complete(given if isinstance(given, Mapping) else {"latent": given})
        sampler = self.generator if self.average is None else self.average
        training = sampler.training
        sampler.eval()
        masks = self.mask_stream(Purpose.EVALUATION, 2)
        with masks, torch.compiler.set_stance("force_eager"):  # other sizes would be compiled anew
            parts = [found(sampler, self.placed(part)) for part in split(batch, CHUNK)]
        sampler.train(training)
        return torch.cat([part.cpu() for part in parts], dim=1)

    def sampled(self, generator: nn.Module, given: Batch) -> Samples:
        """The samples that a generator gives to look at."""
        return self.make(generator, given)["x"]

    def laws_of_samples(self) -> Mapping[str, Law]:
        """What is drawn besides latents for samples to look at."""
        return meant_for("generator", self.laws)

    def complete(self, given: Batch) -> dict[str, Tensor]:
        """A batch with all that `make` is given: labels that are missing run through their classes, and noise is that
        of evaluation."""
        latent = given["latent"]
        if latent.dim() != 3 or len(latent) != len(self.seeds) or latent.shape[-1] != self.latent.dim:
            raise ConfigError(
                f"latents: got a tensor of shape {tuple(latent.shape)}, expected (seeds, n, dim) ="
                f" ({len(self.seeds)}, n, {self.latent.dim})."
            )
        count = latent.shape[1]
        labels = {
            name: torch.arange(count).remainder(size).expand(len(latent), -1) for name, size in self.sizes.items()
        }
        missing = [name for name in self.conditions if name not in given and name not in labels]
        if missing:
            raise ConfigError(
                f"samples: got no {missing[0]}, which this method's generator is given besides the latent. Remedy:"
                f" {ASKING.get(missing[0], '')}a batch, {{'latent': ..., '{missing[0]}': ...}}, in Python."
            )
        laws = self.laws_of_samples()
        noise = {name: draw_evaluation(law.draw, self.seeds, count, part=name) for name, law in laws.items()}
        return {**labels, **noise, **given}

    def sample(self, count: int, **conditions: Tensor) -> Samples:
        """`count` samples per seed, `(seeds, count, *shape)`: the first ones that evaluation measures; those of some
        conditions, each `(seeds, count, ...)` by its name, where these are given."""
        return self({"latent": draw_evaluation(self.latent.draw, self.seeds, count, part=0), **conditions})

    def place(self, x: Tensor) -> Tensor:
        """`x` on the device of the networks; a floating tensor in their type, and labels as they are."""
        return x.to(self.device, self.dtype if x.is_floating_point() else None)  # type: ignore[arg-type]

    def placed(self, batch: Batch) -> dict[str, Tensor]:
        """`place` of every tensor."""
        return each(self.place, batch)

    def mask_stream(self, purpose: Purpose, number: int) -> AbstractContextManager[None]:
        """Where dropout's masks come from: in training by the iteration, in an evaluation, where a generator may keep
        them in samples, by its part. Stacked networks have none: torch's generator is one for all seeds."""
        return nullcontext() if self.stacked else torch_stream(self.seeds[0], purpose, number)
