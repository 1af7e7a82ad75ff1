"""Conditional GAN: Mirza & Osindero (2014), arXiv:1411.1784, eq. (2): both players are given the label. The generator
ascends log D(G(z|y)|y)."""

from saddlegan.methods.gan_non_saturating import NonSaturatingGAN


class ConditionalGAN(NonSaturatingGAN):
    conditions = ("label",)
