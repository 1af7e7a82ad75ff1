"""The Laplacian pyramid of LAPGAN (Denton et al. 2015, arXiv:1506.05751), as its authors' code has it: images are
halved and doubled by bilinear interpolation, without the blur that Burt & Adelson (1983) have. Whatever the two do, an
image is its coarse version plus a residual, by definition."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

Images = Float[Tensor, "n channels height width"]


def halved(images: Images) -> Images:
    """Half as high and wide: the means of 2 x 2 pixels, which is what bilinear interpolation gives there."""
    return avg_pool2d(images, 2)


def doubled(images: Images) -> Images:
    """Twice as high and wide, by bilinear interpolation."""
    return interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)
