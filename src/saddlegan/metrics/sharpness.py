"""How sharp images are: the energy of their gradients."""

from jaxtyping import Float
from torch import Tensor

from saddlegan.metrics.facts import metric

Pictures = Float[Tensor, "n channels height width"]
RealPictures = Float[Tensor, "m channels height width"]


def gradient_energy(images: Float[Tensor, "count channels height width"]) -> float:
    """The mean squared difference of neighbouring pixels, down and across."""
    down, across = (images.diff(dim=dim).square().mean() for dim in (-2, -1))
    return float(down + across) / 2.0


@metric("sharpness: gradient energy / that of real images", better="none")
def sharpness(pictures: Pictures, real_pictures: RealPictures) -> float:
    """1: as sharp as real images; below 1 smoother, above 1 noisier."""
    return gradient_energy(pictures) / gradient_energy(real_pictures)


@metric("sharpness of chained samples", better="none")
def chained_sharpness(chained_pictures: Pictures, real_pictures: RealPictures) -> float:
    """`sharpness` of samples that all levels of a pyramid made."""
    return sharpness(chained_pictures, real_pictures)


@metric("sharpness of coarse images, enlarged", better="none")
def enlarged_sharpness(enlarged_pictures: Pictures, real_pictures: RealPictures) -> float:
    """`sharpness` of what a first stage made, or of real coarse images, resized by bilinear interpolation."""
    return sharpness(enlarged_pictures, real_pictures)
