"""The GAN whose generator ascends log D(G(z)): Goodfellow et al. (2014), arXiv:1406.2661, section 3."""

from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.objectives import js, non_saturating


class NonSaturatingGAN(AdversarialModule):
    objective = non_saturating(js())
