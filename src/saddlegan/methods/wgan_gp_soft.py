"""Wasserstein GAN with a gradient penalty on discrete data: the critic is shown the probabilities of the generator's
samples, and real samples, as on text in Gulrajani et al. (2017), arXiv:1704.00028, section 5.4."""

from saddlegan.engine.discrete import SoftModule
from saddlegan.methods.wgan_gp import WGANGP


class SoftWGANGP(SoftModule, WGANGP):
    pass
