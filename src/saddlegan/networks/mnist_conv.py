"""The convolutional networks of the reproduced paper's Table 2, layer by layer; what it leaves open is an argument."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import Annotated, Filled, Literal, NonNegativeFloat, PositiveInt, Rate, checked
from saddlegan.networks.dropout import Dropout, dropout


class ConvGenerator(nn.Module):
    """Latents `(batch, latent)` to images `(batch, 1, 28, 28)` in (0, 1): Table 2, right column.

    Dense and reshape, up, convolution, convolution, up, convolution; dropout after the first three layers that have
    weights.

    Args:
        widths: channels after the dense layer and after each of the next two convolutions; Table 2: 64, 64, 32.
        activation: after the dense layer and those two convolutions. Table 2 lists none, which makes the generator
            linear in the latent up to dropout and the last sigmoid.
        slope: of the leaky ReLU.
        dropout: probability that a value is dropped.
        dropout_at_sampling: whether it is dropped from samples too, and not in training alone.
        kernel_size: of the convolutions, odd.
        upsampling: how the sides are doubled.
        initialisation: of the weights, `torch`'s or that of `keras`: Glorot and Bengio's (2010) uniform law, and biases
            at 0. The layers of Table 2 have the names of Keras.
        output: `sigmoid`, or `tanh` scaled to (0, 1), which is a sigmoid of twice the value.
    """

    #: What the players make and judge: data of another kind needs another model.
    samples = "images"

    @checked
    def __init__(
        self,
        *,
        in_features: PositiveInt,
        shape: Sequence[int],
        widths: Annotated[list[PositiveInt], Filled(3)],
        activation: Literal["leaky_relu", "relu", "none"],
        slope: NonNegativeFloat,
        dropout: Rate,
        dropout_at_sampling: bool,
        kernel_size: Literal[1, 3, 5, 7],
        upsampling: Literal["nearest", "bilinear"],
        initialisation: Literal["torch", "keras"],
        output: Literal["sigmoid", "tanh"],
    ) -> None:
        super().__init__()
        first, second, third = widths
        channels, height, width = shape
        padding = kernel_size // 2
        self.dropout_at_sampling = dropout_at_sampling
        self.start = (first, height // 4, width // 4)
        self.dense = nn.Linear(in_features, first * (height // 4) * (width // 4))
        self.second = nn.Conv2d(first, second, kernel_size, padding=padding)
        self.third = nn.Conv2d(second, third, kernel_size, padding=padding)
        self.last = nn.Conv2d(third, channels, kernel_size, padding=padding)
        self.activation = {"leaky_relu": nn.LeakyReLU(slope), "relu": nn.ReLU(), "none": nn.Identity()}[activation]
        self.dropout = dropout
        self.steepness = {"sigmoid": 1.0, "tanh": 2.0}[output]
        self.up = nn.Upsample(scale_factor=2, mode=upsampling)
        initialise(self, initialisation)

    def forward(self, latent: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch channel height width"]:
        x = self._drop(self.activation(self.dense(latent)))
        x = self.up(x.unflatten(-1, self.start))
        x = self._drop(self.activation(self.second(x)))
        x = self._drop(self.activation(self.third(x)))
        return torch.sigmoid(self.steepness * self.last(self.up(x)))

    def _drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.dropout, self.training or self.dropout_at_sampling)


class ConvDiscriminator(nn.Module):
    """Images `(batch, 1, 28, 28)` in [0, 1] to logits `(batch,)`: Table 2, left column.

    Convolution of stride 2 (28 to 14 forces it), leaky ReLU, dropout, max-pooling, convolution, leaky ReLU, dropout,
    dense. Arguments as in `ConvGenerator`; `widths` of Table 2: 128, 128. `rescale`: images are brought to [-1, 1]
    first, as those of a generator that ends in tanh are.
    """

    samples = "images"
    #: No layer looks across the batch.
    per_sample = True

    @checked
    def __init__(
        self,
        *,
        shape: Sequence[int],
        widths: Annotated[list[PositiveInt], Filled(2)],
        slope: NonNegativeFloat,
        dropout: Rate,
        kernel_size: Literal[1, 3, 5, 7],
        initialisation: Literal["torch", "keras"],
        rescale: bool,
    ) -> None:
        super().__init__()
        self.rescale = rescale
        first, second = widths
        channels, height, width = shape
        padding = kernel_size // 2
        self.layers = nn.Sequential(
            nn.Conv2d(channels, first, kernel_size, stride=2, padding=padding),
            nn.LeakyReLU(slope),
            Dropout(dropout),
            nn.MaxPool2d(2),
            nn.Conv2d(first, second, kernel_size, padding=padding),
            nn.LeakyReLU(slope),
            Dropout(dropout),
            nn.Flatten(),
            nn.Linear(second * (height // 4) * (width // 4), 1),
        )
        initialise(self, initialisation)

    def forward(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch"]:
        return self.layers(2.0 * images - 1.0 if self.rescale else images).squeeze(-1)


def initialise(network: nn.Module, law: Literal["torch", "keras"]) -> None:
    """Start the dense and convolutional layers of a network as Keras does; `torch` leaves them as they are."""
    for layer in network.modules():
        if law == "keras" and isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
