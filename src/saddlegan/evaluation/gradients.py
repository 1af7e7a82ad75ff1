"""How a discriminator's gradient fares on its way through the layers."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from saddlegan.batch import Batch
from saddlegan.checks import ConfigError


def layer_gradients(module: Any, real: Batch, fake: Batch) -> Float[np.ndarray, "seeds layers"]:
    """The norm of the gradient of E D(real) - E D(fake), D(x) the discriminator's raw output, with respect to each
    layer's weights, from the layer next to the input to the last one, without frozen ones. Nothing that training uses
    is moved. Raises `ConfigError` where there is no such layer."""
    own = module.discriminator.named_parameters()
    layers = [
        value for name, value in own if "weight" in name and value.dim() >= 2 + module.stacked and value.requires_grad
    ]
    if not layers:
        raise ConfigError(
            f"evaluation.metrics.depth: got {type(module.discriminator).__name__} without a layer that is trained,"
            " expected some with weights. Remedy: ~evaluation.metrics.depth."
        )
    training = module.training
    module.eval()
    with torch.enable_grad(), torch.compiler.set_stance("force_eager"):
        judged = (logits.flatten(1).mean(1).sum() for logits in module.judge(module.placed(real), module.placed(fake)))
        of_real, of_fake = judged
        slopes = torch.autograd.grad(of_real - of_fake, layers, materialize_grads=True)
    module.train(training)
    seeds = len(module.seeds)
    return torch.stack([slope.double().reshape(seeds, -1).norm(dim=1) for slope in slopes], dim=1).cpu().numpy()
