"""The 2014 GAN on discrete data by the straight-through estimator: Bengio, Leonard & Courville (2013), arXiv:1308.3432.
The discriminator sees a sample; the generator's gradient is that of its probabilities."""

from torch import Tensor, nn

from saddlegan.batch import Batch
from saddlegan.discrete import drawn, means
from saddlegan.engine.discrete import DiscreteModule
from saddlegan.methods.gan_non_saturating import NonSaturatingGAN


class StraightThroughGAN(DiscreteModule, NonSaturatingGAN):
    def make(self, generator: nn.Module, given: Batch) -> Batch:
        law = self.law(generator, given)
        mean: Tensor = means(law)
        return {"x": drawn(law, self.by_sample(given["choice"]))[0] + (mean - mean.detach())}
