"""The minimax GAN: eq. (1) and Algorithm 1 of Goodfellow et al. (2014), arXiv:1406.2661. The generator saturates."""

from saddlegan.engine.adversarial import AdversarialModule
from saddlegan.objectives import js, saturating


class GAN(AdversarialModule):
    objective = saturating(js())
