"""What DCGAN's networks are made of: halved sides, normalisation, labels beside maps, the first weights."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saddlegan.checks import ConfigError
from saddlegan.networks.labels import Shares, shares

#: Sides are not halved below this.
SMALLEST = 4


def halvings(shape: Sequence[int]) -> tuple[int, tuple[int, int]]:
    """How often the sides of `(channels, height, width)` are halved, while they are even and above 4, and the sides
    then. Raises `ConfigError` where they cannot be halved once."""
    (height, width), levels = shape[1:], 0
    while not (height % 2 or width % 2) and min(height, width) > SMALLEST:
        height, width, levels = height // 2, width // 2, levels + 1
    if not levels:
        raise ConfigError(
            f"model: got images of {shape[1]} x {shape[2]}, expected even sides above {SMALLEST}, such as 16, 28, 32 or"
            " 64, since these networks halve them. Remedy: another model."
        )
    return levels, (height, width)


def activation_of(name: str, slope: float) -> nn.Module:
    return nn.ReLU() if name == "relu" else nn.LeakyReLU(slope)


def with_norm(
    layers: list[nn.Module], outputs: int, norm: str, then: nn.Module, batch: type[nn.Module] = nn.BatchNorm2d
) -> nn.Sequential:
    """Layers, what normalises their outputs, and what follows it."""
    norms = {"batch": lambda: [batch(outputs)], "layer": lambda: [nn.GroupNorm(1, outputs)], "none": list}
    return nn.Sequential(*layers, *norms[norm](), then)


def labels_beside(x: Tensor, label: Sequence[Tensor], classes: int) -> Shares:
    """The label that comes with samples `x`, as shares of the classes; no columns without one."""
    return shares(label[0], classes, x.dtype) if label else x.new_zeros(len(x), 0)


def beside(
    x: Float[Tensor, "batch maps height width"], given: Float[Tensor, "batch numbers"]
) -> Float[Tensor, "batch more height width"]:
    """Maps, and after them one for each number that is given, which is constant."""
    return torch.cat([x, given[:, :, None, None].expand(-1, -1, *x.shape[2:])], dim=1) if given.shape[1] else x


@torch.no_grad()
def initialise(network: nn.Module, law: str, std: float) -> None:
    """Start weights as N(0, std^2), gains as N(1, std^2) and biases at 0; `torch` leaves them as they are."""
    for layer in network.modules() if law == "normal" else ():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            layer.weight.normal_(0.0, std)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.GroupNorm):
            layer.weight.normal_(1.0, std)
        else:
            continue
        if layer.bias is not None:
            layer.bias.zero_()
