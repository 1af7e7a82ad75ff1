"""Whether a discriminator's gradient vanishes or explodes on its way through the layers: Gulrajani et al. (2017),
arXiv:1704.00028, figure 1b, draw such gradients; of which
quantity is not read again: here it is each layer's weights."""

import numpy as np
from jaxtyping import Float

from saddlegan.metrics.facts import metric

#: Norms below this count as this: a gradient that is 0 has no logarithm.
LEAST = 1e-30


@metric(
    gives={
        "depth_change": {"name": "change of the gradient per layer, in powers of ten"},
        "depth_slope": {"name": "the same with its sign", "better": "none", "least": None},
    }
)
def depth(layer_gradients: Float[np.ndarray, "seeds layers"]) -> dict[str, Float[np.ndarray, "seeds"]]:
    """log10(|gradient of the first layer| / |of the last one|), divided by the number of steps between them, and its
    absolute value (lower is better): 0 where the gradient keeps its size, -1 where it loses a factor of ten at each
    layer on its way to the input, +1 where it gains one. 0 of a single layer."""
    norms = np.log10(np.maximum(layer_gradients, LEAST))
    slope = (norms[:, 0] - norms[:, -1]) / max(norms.shape[1] - 1, 1)
    return {"depth_change": np.abs(slope), "depth_slope": slope}
