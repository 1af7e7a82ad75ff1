"""StackGAN: Zhang et al. (2017), arXiv:1612.03242, section 3: images of captions, small ones first, and from these
larger ones by a second GAN. Both stages have these losses; which one it is the networks say, `networks/stackgan.py`.

The discriminator is aware of matching: it also rejects real images with captions of others. Weights as in the authors'
code: real + (mismatched + fake) / 2, and the divergence of augmented captions as a mean over coordinates, times 2.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from saddlegan.batch import Batch
from saddlegan.checks import NonNegativeFloat, checked
from saddlegan.engine.variant import Loss, Losses
from saddlegan.methods.gan_non_saturating import NonSaturatingGAN


class StackGAN(NonSaturatingGAN):
    """Args beyond those of `AdversarialModule`:

    mismatched: whether the discriminator also rejects real images with the captions of others, that of the one
        before in the minibatch. Where both captions have equal vectors the pair does not count.
    divergence_weight: of KL(N(mean, variance) | N(0, 1)) of augmented captions; without augmentation there is none.
    """

    conditions = ("text",)

    @checked
    def __init__(self, *, mismatched: bool, divergence_weight: NonNegativeFloat, **shared: Any) -> None:
        super().__init__(**shared)
        self.mismatched, self.divergence_weight = mismatched, divergence_weight

    def discriminator_loss(self, real: Batch, fake: Batch) -> Losses:
        of_fake = softplus(self.logits(fake)).mean(-1)
        terms = {"real": softplus(-self.logits(real)).mean(-1)}
        if not self.mismatched:
            return terms | {"fake": of_fake}
        other = real["text"].roll(1, dims=1)
        differs = (other != real["text"]).any(-1).to(of_fake.dtype)
        rejected = softplus(self.logits({**real, "text": other}))
        of_others = (differs * rejected).sum(-1) / differs.sum(-1).clamp(min=1.0)
        return terms | {"fake": of_fake / 2, "mismatched": of_others / 2}

    def generator_loss(self, real: Batch, fake: Batch) -> Losses:
        terms = {"judged": super().generator_loss(real, fake)}
        if "mean" not in fake:
            return terms  # type: ignore[return-value]
        divergence = normal_divergence(fake["mean"], fake["log_variance"])
        return terms | {"divergence": self.divergence_weight * divergence}  # type: ignore[return-value]

    def coarse(self, given: Batch) -> Tensor | None:
        """The first stage's images, `(seeds, n, channels, height, width)`, from which a second stage makes samples of a
        batch; None in the first."""
        if not hasattr(self.generator.network, "first"):
            return None
        return self.of_average(given, lambda generator, part: self.make(generator, part)["coarse"])


def normal_divergence(mean: Float[Tensor, "seeds batch dim"], log_variance: Float[Tensor, "seeds batch dim"]) -> Loss:
    """KL(N(mean, variance) | N(0, 1)) in nats, the mean over coordinates and the batch."""
    return (0.5 * (mean.square() + torch.exp(log_variance) - 1.0 - log_variance)).mean((-2, -1))
