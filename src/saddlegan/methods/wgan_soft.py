"""Wasserstein GAN with clipped weights on discrete data: the critic is shown the probabilities of the generator's
samples, as a gradient passes through them, and real samples."""

from saddlegan.engine.discrete import SoftModule
from saddlegan.methods.wgan import WGAN


class SoftWGAN(SoftModule, WGAN):
    pass
