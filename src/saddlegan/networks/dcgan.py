"""The networks of DCGAN: Radford, Metz & Chintala (2016), arXiv:1511.06434, section 3, for images whose sides can be
halved: 16, 28, 32, 64. A side of 28 goes from 7 over 14; others begin at 4.

Each rule of the source is an argument, so that it can be taken away alone. Where labels are given, see
`dcgan_conditional`, they stand beside the input of every layer, as in the authors' code for MNIST: as one-hot vectors,
constant over the places of a map.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import Literal, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, checked
from saddlegan.networks.dcgan_layers import activation_of, beside, halvings, initialise, labels_beside, with_norm


class Upwards(nn.Module):
    """Latents `(batch, latent)` to images in (0, 1): a dense layer to `width * 2^(levels - 1)` small maps, then a layer
    per level, which doubles their sides and halves their number; the last one gives the image.

    Args:
        width: maps at half of the image's sides.
        kernel_size: of the convolutions.
        normalisation: after all layers but the last: `batch`, `layer` (one mean and variance per sample) or `none`;
            `everywhere`: batch normalisation after the last layer, too.
        pooling: sides are doubled by copying each value, before a plain convolution, and not by a transposed one.
        hidden_dense: units of a hidden dense layer; 0: there is none.
        activation: after all layers but the last.
        slope: of the leaky ReLU.
        output: `tanh`, brought from (-1, 1) to (0, 1) since images are in [0, 1], or `sigmoid`.
        initialisation: `normal`, N(0, initial_std^2) for weights and N(1, initial_std^2) for gains; or `torch`.
    """

    samples = "images"

    @checked
    def __init__(
        self,
        *,
        classes: NonNegativeInt,
        in_features: PositiveInt,
        shape: Sequence[int],
        width: PositiveInt,
        kernel_size: Literal[3, 5],
        normalisation: Literal["batch", "layer", "none", "everywhere"],
        pooling: bool,
        hidden_dense: NonNegativeInt,
        activation: Literal["relu", "leaky_relu"],
        slope: NonNegativeFloat,
        output: Literal["tanh", "sigmoid"],
        initialisation: Literal["normal", "torch"],
        initial_std: PositiveFloat,
    ) -> None:
        super().__init__()
        levels, sides = halvings(shape)
        self.classes, self.steepness = classes, {"tanh": 2.0, "sigmoid": 1.0}[output]
        self.start = (width * 2 ** (levels - 1), *sides)
        maps = [self.start[0] // 2**level for level in range(levels)] + [shape[0]]
        units = [in_features, *([hidden_dense] if hidden_dense else []), self.start[0] * sides[0] * sides[1]]
        norm = normalisation.replace("everywhere", "batch")
        norms = [norm] * (levels - 1) + ["batch" if normalisation == "everywhere" else "none"]
        act = activation_of(activation, slope)
        self.dense = nn.ModuleList(
            with_norm([nn.Linear(n + classes, m, bias=norm == "none")], m, norm, act, nn.BatchNorm1d)
            for n, m in pairwise(units)
        )
        self.convolutions = nn.ModuleList()
        for level, own in enumerate(norms):
            sizes = (maps[level] + classes, maps[level + 1], kernel_size)
            shared = {"padding": kernel_size // 2, "bias": own == "none"}
            up: list[nn.Module] = [nn.ConvTranspose2d(*sizes, stride=2, output_padding=1, **shared)]
            if pooling:
                up = [nn.Upsample(scale_factor=2), nn.Conv2d(*sizes, **shared)]
            last = level == levels - 1
            self.convolutions.append(with_norm(up, sizes[1], own, nn.Identity() if last else act))
        initialise(self, initialisation, initial_std)

    def forward(self, latent: Float[Tensor, "batch latent"], *label: Tensor) -> Float[Tensor, "batch c height width"]:
        given, x = labels_beside(latent, label, self.classes), latent
        for layer in self.dense:
            x = layer(torch.cat([x, given], dim=1))
        x = x.unflatten(1, self.start)
        for layer in self.convolutions:
            x = layer(beside(x, given))
        return torch.sigmoid(self.steepness * x)  # (1 + tanh(x)) / 2 is the sigmoid of 2 x


class Downwards(nn.Module):
    """Images `(batch, channel, height, width)` in [0, 1] to logits `(batch,)`: a layer per level, which halves their
    sides, to `width` maps and twice as many each time, and one dense layer.

    Arguments as in `Upwards`; the first layer has no normalisation, but with `everywhere`. `pooling`: sides are halved
    by the maximum of each 2 x 2, after a plain convolution. `rescale`: images are brought to [-1, 1] first.
    """

    samples = "images"
    #: Whether it shows what its layers make of images alone, by `activations`.
    represents = True

    @checked
    def __init__(
        self,
        *,
        classes: NonNegativeInt,
        shape: Sequence[int],
        width: PositiveInt,
        kernel_size: Literal[3, 5],
        normalisation: Literal["batch", "layer", "none", "everywhere"],
        pooling: bool,
        hidden_dense: NonNegativeInt,
        activation: Literal["relu", "leaky_relu"],
        slope: NonNegativeFloat,
        rescale: bool,
        initialisation: Literal["normal", "torch"],
        initial_std: PositiveFloat,
    ) -> None:
        super().__init__()
        levels, sides = halvings(shape)
        self.classes, self.rescale = classes, rescale
        #: Whether no layer looks across the batch.
        self.per_sample = normalisation in ("layer", "none")
        maps = [shape[0]] + [width * 2**level for level in range(levels)]
        norm = normalisation.replace("everywhere", "batch")
        norms = ["batch" if normalisation == "everywhere" else "none"] + [norm] * (levels - 1)
        act = activation_of(activation, slope)
        self.convolutions = nn.ModuleList()
        for level, own in enumerate(norms):
            sizes = (maps[level] + classes, maps[level + 1], kernel_size)
            stride = 1 if pooling else 2
            down = nn.Conv2d(*sizes, stride=stride, padding=kernel_size // 2, bias=own == "none")
            halved = [nn.MaxPool2d(2)] * pooling
            self.convolutions.append(with_norm([down], sizes[1], own, nn.Sequential(act, *halved)))
        self.features = maps[-1] * sides[0] * sides[1]
        self.dense = nn.ModuleList()
        if hidden_dense:
            layer = nn.Linear(self.features + classes, hidden_dense, bias=norm == "none")
            self.dense.append(with_norm([layer], hidden_dense, norm, act, nn.BatchNorm1d))
            self.features = hidden_dense
        self.last = nn.Linear(self.features + classes, 1)
        self.start_as = (initialisation, initial_std)
        initialise(self, *self.start_as)

    def activations(self, images: Float[Tensor, "batch c height width"], *label: Tensor) -> list[Tensor]:
        """What each convolutional layer gives, after its activation."""
        given, found = labels_beside(images, label, self.classes), []
        x = 2.0 * images - 1.0 if self.rescale else images
        for layer in self.convolutions:
            x = layer(beside(x, given))
            found.append(x)
        return found

    def seen(self, images: Tensor, *label: Tensor) -> Float[Tensor, "batch features"]:
        """What the last layer is given: features, and labels beside them."""
        x, given = self.activations(images, *label)[-1].flatten(1), labels_beside(images, label, self.classes)
        for layer in self.dense:
            x = layer(torch.cat([x, given], dim=1))
        return torch.cat([x, given], dim=1)

    def forward(self, images: Float[Tensor, "batch c height width"], *label: Tensor) -> Float[Tensor, "batch"]:
        return self.last(self.seen(images, *label)).squeeze(-1)


class DCGANGenerator(Upwards):
    """The generator without labels."""

    def __init__(self, **shared: Any) -> None:
        super().__init__(classes=0, **shared)


class DCGANDiscriminator(Downwards):
    """The discriminator without labels."""

    def __init__(self, **shared: Any) -> None:
        super().__init__(classes=0, **shared)
