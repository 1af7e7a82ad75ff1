"""A GAN of captions, as small as it can be: both networks are linear in an image and a caption's vector."""

import torch
from torch import nn

from saddlegan.methods.gan_non_saturating import NonSaturatingGAN


class CaptionedGAN(NonSaturatingGAN):
    conditions = ("text",)


class Drawer(nn.Module):
    """Latents and captions to images."""

    samples = "images"

    def __init__(self, *, in_features, shape, conditions):
        super().__init__()
        self.shape = tuple(shape)
        self.layer = nn.Linear(in_features + conditions["text"][0], shape[0] * shape[1] * shape[2])

    def forward(self, latent, text):
        return torch.sigmoid(self.layer(torch.cat([latent, text], dim=-1))).unflatten(-1, self.shape)


class Reader(nn.Module):
    """Images and captions to logits."""

    samples = "images"
    per_sample = True

    def __init__(self, *, shape, conditions):
        super().__init__()
        self.layer = nn.Linear(conditions["text"][0] + shape[0] * shape[1] * shape[2], 1)

    def forward(self, images, text):
        return self.layer(torch.cat([images.flatten(1), text], dim=-1)).squeeze(-1)
