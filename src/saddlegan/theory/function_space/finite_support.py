"""The primal-dual method of the reproduced paper on its function space: eq. (2) on a finite support of n points.

    L(D, q) = sum_i p_i f0(D_i) + q_i f1(D_i)

D, the discriminator's outputs, ascends; q = p_g, the dual variable, descends: q <- q - step * f1(D). Everything runs
all `SCHEMES` on the first axis and all `GEOMETRIES` on the second at once, in float64. D itself takes the steps, not
its logits: the pairs are written on logits, so that slopes in D come from autograd through the logits of D.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from saddlegan.checks import ConfigError, PositiveInt, check_value
from saddlegan.objectives import Pair

#: Both step from the same point; q sees the new D; D is optimal for q, then q steps.
SCHEMES = ("simultaneous", "alternating", "best response")
#: Where q lives: q >= 0; the simplex, by Euclidean projection; the simplex, by multiplicative weights.
GEOMETRIES = ("orthant", "simplex", "mirror")
MARGIN = 0.01  # D is kept where js has it in [0.01, 0.99]: at logits up to 4.6 in absolute value, for every pair

_LOGITS: dict[Callable, Callable] = {torch.sigmoid: torch.logit, torch.exp: torch.log}


class State(NamedTuple):
    """`d` and `q` (scheme, geometry, ..., n)."""

    d: Tensor
    q: Tensor


class Distances(NamedTuple):
    """Of the `last` iterate and of the `mean` one, (t, scheme, geometry, ...), after `iterations` (t,).

    The mean is over the last three quarters of the iterations until then. That of all of them has the same limit, if
    any (m(t) is a fixed mixture of m(t/4) and of it), but sheds its start as slowly as steps add up.
    """

    iterations: Tensor
    last: Tensor
    mean: Tensor


def support(probabilities: Tensor) -> Tensor:
    """`probabilities` (..., n) in float64. Raises `ConfigError` unless n >= 2, all are > 0 and each row sums to 1."""
    p = probabilities.double()
    if p.shape[-1] < 2:
        raise ConfigError(f"support: got {p.shape[-1]} point, expected at least 2: one point has but one distribution.")
    if not (p > 0).all() or not ((p.sum(-1) - 1).abs() < 1e-9).all():
        raise ConfigError(f"probabilities: got {p.tolist()}, expected numbers > 0 that sum to 1. Divide by their sum.")
    return p


def uniform(n: int) -> Tensor:
    """p_i = 1/n; `ConfigError` where n < 2."""
    check_value("n", PositiveInt, n)
    return support(torch.full((n,), 1 / n, dtype=torch.float64))


def equilibrium(pair: Pair) -> float:
    """D where p = q: f1 is 0 there."""
    one = torch.ones((), dtype=torch.float64)
    return float(pair.optimum(one, one))


def advance(pair: Pair, p: Tensor, state: State, step: Tensor | float) -> State:
    """One iteration of every scheme in every geometry; `step` broadcasts against `state.d`."""
    climbed = state.d + step * slope(pair, p, state)
    d = torch.cat([climbed[:2], pair.optimum(p, state.q[2:])]).clamp(*_box(pair))
    descent = step * pair.f1(logits_of(pair, torch.cat([state.d[:1], d[1:]])))
    moved = state.q - descent
    weights = torch.softmax(state.q[:, 2:].log().clamp(min=-600) - descent[:, 2:], -1)  # 0 would stay 0
    return State(d, torch.cat([moved[:, :1].clamp(min=0), project(moved[:, 1:2]), weights], 1))


def slope(pair: Pair, p: Tensor, state: State) -> Tensor:
    """dL/dD."""
    d = state.d.detach().requires_grad_()
    logits = logits_of(pair, d)
    return torch.autograd.grad((pair.f0(logits), pair.f1(logits)), d, (p.expand_as(d), state.q))[0]


def project(q: Tensor) -> Tensor:
    """The nearest point of the simplex: all of q (..., n) lowered by one number, negative values cut at 0."""
    ordered = q.sort(-1, descending=True).values
    excess = (ordered.cumsum(-1) - 1) / torch.arange(1, q.shape[-1] + 1, dtype=q.dtype)
    kept = (ordered > excess).sum(-1, keepdim=True).clamp(min=1)
    return (q - excess.gather(-1, kept - 1)).clamp(min=0)


def run(
    pair: Pair, p: Tensor, start: State, step: Tensor | float, *, iterations: int, power: float = 0.0, every: int = 5
) -> Distances:
    """Distances to the equilibrium after every `every` of `iterations` with steps `step * t**power`.

    The mean iterate weights each by its step. A distance is the largest of |D - D*| over the support, or the total
    variation between q and p where that is larger. Raises `ConfigError` where a step is not positive or
    overflows, where `p` is no distribution on two points or more, and where the start lies outside of its domain.
    """
    p, steps = support(p), torch.as_tensor(step, dtype=torch.float64)
    check_value("every", PositiveInt, every)
    if not (torch.isfinite(steps) & (steps > 0)).all() or iterations < every:
        raise ConfigError(f"step={step}, iterations={iterations}: expected finite steps > 0 and at least {every}.")
    if not (torch.isfinite(start.d) & torch.isfinite(logits_of(pair, start.d)) & (start.q >= 0)).all():
        raise ConfigError("start: got D outside of its open domain or q < 0, expected a D that f0 and f1 have, q >= 0.")
    state = State(*(part.expand(torch.broadcast_shapes(part.shape, steps.shape)) for part in start))
    total = (torch.zeros((), dtype=torch.float64),) * 3  # of steps times D, of steps times q, of steps
    totals, rows = [total], []
    for t in range(1, iterations + 1):
        now = steps * t**power
        state = advance(pair, p, state, now)
        total = tuple(old + now * part for old, part in zip(total, (*state, 1.0), strict=True))
        if t % every == 0:
            totals.append(total)
            d, q, travelled = (new - old for new, old in zip(total, totals[(len(totals) - 1) // 4], strict=True))
            rows.append((t, distance(pair, p, state), distance(pair, p, State(d / travelled, q / travelled))))
            if not torch.isfinite(rows[-1][1] + rows[-1][2]).all():
                raise ConfigError(
                    f"step={step}: got a path that overflows, expected a finite one. "
                    f"Take at most {t - every} iterations, or a smaller step."
                )
    times, last, mean = zip(*rows, strict=True)
    return Distances(torch.tensor(times), torch.stack(last), torch.stack(mean))


def distance(pair: Pair, p: Tensor, state: State) -> Tensor:
    """(scheme, geometry, ...): see `run`."""
    return torch.maximum((state.q - p).abs().sum(-1) / 2, (state.d - equilibrium(pair)).abs().amax(-1))


def logits_of(pair: Pair, d: Tensor) -> Tensor:
    return _LOGITS[pair.output](d) if pair.output in _LOGITS else d


@cache
def _box(pair: Pair) -> tuple[float, float]:
    low, high = pair.output(torch.tensor([MARGIN, 1 - MARGIN], dtype=torch.float64).logit()).tolist()
    return low, high
