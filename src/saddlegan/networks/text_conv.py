"""The one-dimensional residual networks of the boundary-seeking GAN on text, as its authors' code has them (Hjelm et
al. 2018, arXiv:1702.08431, BILLION-WORD/main.py), after Gulrajani et al. (2017), arXiv:1704.00028, section 5.4."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import NonNegativeFloat, NonNegativeInt, PositiveInt, checked


class Residual(nn.Module):
    """x plus an activation and two convolutions of it; `last` comes after them."""

    def __init__(self, width: int, activation: nn.Module, *last: nn.Module) -> None:
        super().__init__()
        convolutions = (nn.Conv1d(width, width, 5, padding=2) for _ in range(2))
        self.layers = nn.Sequential(activation, *convolutions, *last)

    def forward(self, x: Float[Tensor, "batch width length"]) -> Float[Tensor, "batch width length"]:
        return x + self.layers(x)


class TextGenerator(nn.Module):
    """Latents `(batch, latent)` to logits `(batch, characters, length)`: a dense layer to `width` channels, `blocks`
    residual blocks with batch normalisation, a convolution and batch normalisation. Their width is 256, their blocks
    3."""

    samples = "text"
    makes = "logits"

    @checked
    def __init__(
        self, *, in_features: PositiveInt, shape: Sequence[int], width: PositiveInt, blocks: NonNegativeInt
    ) -> None:
        super().__init__()
        characters, length = shape
        self.layers = nn.Sequential(
            nn.Linear(in_features, width * length),
            nn.BatchNorm1d(width * length),
            nn.Unflatten(1, (width, length)),
            *(Residual(width, nn.ReLU(), nn.BatchNorm1d(width)) for _ in range(blocks)),
            nn.Conv1d(width, characters, 5, padding=2),
            nn.BatchNorm1d(characters),
        )

    def forward(self, latent: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch characters length"]:
        return self.layers(latent)


class TextDiscriminator(nn.Module):
    """Texts `(batch, characters, length)` to logits `(batch,)`: a convolution to `width` channels, `blocks` residual
    blocks with leaky ReLU, a dense layer."""

    samples = "text"
    #: No layer looks across the batch.
    per_sample = True

    @checked
    def __init__(
        self, *, shape: Sequence[int], width: PositiveInt, blocks: NonNegativeInt, slope: NonNegativeFloat
    ) -> None:
        super().__init__()
        characters, length = shape
        self.layers = nn.Sequential(
            nn.Conv1d(characters, width, 5, padding=2),
            *(Residual(width, nn.LeakyReLU(slope)) for _ in range(blocks)),
            nn.Flatten(),
            nn.Linear(width * length, 1),
        )

    def forward(self, texts: Float[Tensor, "batch characters length"]) -> Float[Tensor, "batch"]:
        return self.layers(texts).squeeze(-1)
