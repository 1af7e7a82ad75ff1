"""Steps of an optimizer with a graph: where they lead is a function of what the gradients depend on."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from saddlegan.checks import ConfigError

Step = Callable[[Sequence[Tensor], Sequence[Tensor]], list[Tensor]]
#: Options under which a step is another one than `steps_ahead` takes.
OTHERS = ("weight_decay", "momentum", "amsgrad", "maximize")


def steps_ahead(optimizer: Optimizer, parameters: Sequence[Tensor]) -> Step:
    """`(weights, gradients) -> weights`, as often as it is called: the steps that `optimizer` would take from here on
    with its `parameters`. Neither is changed.

    Raises `ConfigError` where it is neither Adam nor SGD, or has one of the options `OTHERS`.
    """
    group = optimizer.param_groups[0]
    options = [name for name in OTHERS if group.get(name)]
    if options or not isinstance(optimizer, torch.optim.Adam | torch.optim.SGD):
        raise ConfigError(
            f"the discriminator's optimizer: got {' with '.join([type(optimizer).__name__, *options])}, expected Adam"
            " or SGD without further options, whose steps can be looked ahead. Remedy: optimizer=adam."
        )
    if isinstance(optimizer, torch.optim.SGD):
        return lambda weights, slopes: [w - group["lr"] * slope for w, slope in zip(weights, slopes, strict=True)]
    return _Adam(group, [optimizer.state.get(parameter, {}) for parameter in parameters], parameters)


class _Adam:
    """Kingma & Ba (2015), Algorithm 1, from a state of torch's."""

    def __init__(self, group: dict[str, Any], state: Sequence[dict[str, Any]], parameters: Sequence[Tensor]) -> None:
        self.group = group
        self.taken = max((int(found["step"]) for found in state if found), default=0)
        self.first, self.second = (
            [
                found[key].clone() if found else torch.zeros_like(parameter)
                for found, parameter in zip(state, parameters, strict=True)
            ]
            for key in ("exp_avg", "exp_avg_sq")
        )

    def __call__(self, weights: Sequence[Tensor], slopes: Sequence[Tensor]) -> list[Tensor]:
        (beta1, beta2), rate, epsilon = self.group["betas"], self.group["lr"], self.group["eps"]
        self.taken += 1
        moved = []
        for place, (weight, slope) in enumerate(zip(weights, slopes, strict=True)):
            self.first[place] = beta1 * self.first[place] + (1.0 - beta1) * slope
            self.second[place] = beta2 * self.second[place] + (1.0 - beta2) * slope.square()
            tiny = torch.finfo(weight.dtype).tiny  # a root has no finite slope at 0, where a unit is off
            root = (self.second[place] / (1.0 - beta2**self.taken) + tiny).sqrt()
            moved.append(weight - rate * self.first[place] / (1.0 - beta1**self.taken) / (root + epsilon))
        return moved
