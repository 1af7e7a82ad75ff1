"""Methods for the game x*y as linear recurrences: their paths, their averages, and their rates, derived and measured.

x descends x*y and y ascends it, from (1, 1). The derived rate is the largest root of a characteristic polynomial, of
x + iy where the method treats x and y alike.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlegan.checks import ConfigError, PositiveInt, check_value

LARGEST = 1e50  # of steps: their squares, and distances after them, are finite
DOUBLED_STEPS, DOUBLED_ITERATIONS = 0.05 * 2.0 ** np.arange(4), 50 * 2 ** np.arange(4)  # of `swings`


class Method(NamedTuple):
    """`update`: state (4, batch) of x, y and the x, y before -> state; `polynomial`: its characteristic one, from the
    highest power; `limit`: the step under which it converges, 0 where none does."""

    update: Callable[[NDArray, ArrayLike], NDArray]
    polynomial: Callable[[float], ArrayLike]
    limit: float = 0.0


def simultaneous(momentum: float) -> Method:
    """Both players step from the same point. No step converges, with any heavy-ball momentum."""

    def update(state: NDArray, step: ArrayLike) -> NDArray:
        x, y, u, v = state
        return np.stack([x - step * y + momentum * (x - u), y + step * x + momentum * (y - v), x, y])

    return Method(update, lambda step: [1, -(1 + momentum + 1j * step), momentum])


def alternating(momentum: float) -> Method:
    """y answers the x that has just moved: (r - 1)^2 (r - momentum)^2 + step^2 r^3 = 0.

    A root crosses the unit circle at -1 alone, at step 2 (1 + momentum); under it, all lie inside if momentum < 0.
    """

    def update(state: NDArray, step: ArrayLike) -> NDArray:
        x, y, u, v = state
        moved = x - step * y + momentum * (x - u)
        return np.stack([moved, y + step * moved + momentum * (y - v), x, y])

    quartic = np.poly([1, 1, momentum, momentum])
    limit = 2 * (1 + momentum) if momentum < 0 else 0.0
    return Method(update, lambda step: np.polyadd(quartic, [step**2, 0, 0, 0]), limit)


def _extragradient(state: NDArray, step: ArrayLike) -> NDArray:
    x, y, _, _ = state
    return np.stack([x - step * (y + step * x), y + step * (x - step * y), x, y])


def _optimistic(state: NDArray, step: ArrayLike) -> NDArray:
    x, y, u, v = state
    return np.stack([x - step * (2 * y - v), y + step * (2 * x - u), x, y])


METHODS = {
    "simultaneous": simultaneous(0.0),
    "alternating": alternating(0.0),
    **{f"simultaneous, momentum {momentum:g}": simultaneous(momentum) for momentum in (-0.5, 0.5)},
    **{f"alternating, momentum {momentum:g}": alternating(momentum) for momentum in (-0.5, 0.5)},
    "extragradient": Method(_extragradient, lambda step: [1, step**2 - 1 - 1j * step], 1.0),
    "optimistic": Method(_optimistic, lambda step: [1, -(1 + 2j * step), 1j * step], 1 / 3**0.5),
}


def path(method: Method, step: float, *, iterations: int, power: float = 0.0) -> NDArray:
    """x + iy over iterations 0..`iterations`; iteration t = 1, 2, .. takes the step `step * t**power`.

    Raises `ConfigError` where the step or the count is not positive, or where the path overflows.
    """
    if not 0 < step < np.inf or iterations < 1:
        raise ConfigError(f"step={step}, iterations={iterations}: expected a finite step > 0 and a count >= 1.")
    states = [np.ones(4)]
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(1, iterations + 1):
            states.append(method.update(states[-1], step * t**power))
            if not np.isfinite(states[-1]).all():
                raise ConfigError(
                    f"step={step:g}: got a path of {iterations} iterations that overflows, expected a finite one. "
                    f"Take at most {t - 1} iterations, or a smaller step."
                )
    return np.array(states)[:, 0] + 1j * np.array(states)[:, 1]


def average(points: NDArray, *, power: float = 0.0) -> NDArray:
    """Averages over the first 1, 2, .. of `points` (t + 1,), each weighted by the step taken from it."""
    weights = np.arange(1, points.size, dtype=float) ** power
    return np.cumsum(weights * points[:-1]) / np.cumsum(weights)


def derived_rate(method: Method, steps: NDArray) -> NDArray:
    """Spectral radius at each of `steps`: the largest root of the polynomial, an eigenvalue of its companion matrix.

    Raises `ConfigError` where a step is not positive or overflows.
    """
    _check(steps)
    return np.array([np.abs(np.roots(method.polynomial(step))).max() for step in steps])


def _check(steps: NDArray) -> None:
    if not ((steps > 0) & (steps < LARGEST)).all():
        raise ConfigError(
            f"steps={steps}: expected steps in (0, {LARGEST:g}): larger ones overflow. Remedy: smaller ones."
        )


def measured_rate(method: Method, steps: NDArray, *, iterations: int = 2000) -> NDArray:
    """Factor on the distance per iteration at each of `steps`, over the last three quarters of a path.

    The state is rescaled as it goes, so that nothing overflows. A smooth bump weights the mean of the log factors: the
    oscillation of the distance along a turning ellipse then leaves almost no trace in it. Raises `ConfigError` where a
    step is not positive or overflows.
    """
    check_value("iterations", PositiveInt, iterations)
    _check(steps)
    state, logs = np.ones((4, steps.size)), np.zeros((iterations, steps.size))
    for t in range(iterations):
        after = method.update(state, steps)
        logs[t] = np.log(np.hypot(after[0], after[1]) / np.hypot(state[0], state[1]))
        state = after / np.linalg.norm(after, axis=0)
    place = (np.arange(iterations // 4, iterations) + 0.5 - iterations // 4) / (iterations - iterations // 4)
    return np.exp(np.average(logs[iterations // 4 :], axis=0, weights=np.exp(-1 / (place * (1 - place)))))


def largest_step(steps: NDArray, rates: NDArray) -> float:
    """The step at which `rates` first rise to 1, by linear interpolation; NaN where they do not."""
    rises = np.flatnonzero((rates[:-1] < 1) & (rates[1:] >= 1))
    return float(np.interp(1.0, rates[rises[0] :][:2], steps[rises[0] :][:2])) if rises.size else np.nan


def power_of(distances: NDArray) -> float:
    """The power of t that `distances` (t,) follow: slope of the largest of each octave, over the last six octaves."""
    ends = 2 ** np.arange(int(np.log2(distances.size)) + 1)[-7:]
    peaks = [distances[low:high].max() for low, high in pairwise(ends)]
    return float(np.polyfit(np.log(ends[1:]), np.log(peaks), 1)[0])


def averages() -> dict[str, tuple[float, float]]:
    """Power of t that the distance of averages follows, derived and measured over 2^14 iterations.

    The alternating path stays on an ellipse. Simultaneous steps telescope: the sum of step * z is -i times the whole
    displacement, and |z| grows as t^(step^2 / 2).
    """
    found = {"alternating, step 0.5": (-1.0, power_of(abs(average(path(alternating(0.0), 0.5, iterations=2**14)))))}
    for step in (0.25, 0.5, 0.75, 1.25):
        points = path(simultaneous(0.0), step, iterations=2**14, power=-0.5)
        measured = power_of(abs(average(points, power=-0.5)))
        found[f"simultaneous, step {step:g}/sqrt(t)"] = ((step**2 - 1) / 2, measured)
    return found


def swings(method: Method) -> NDArray:
    """Largest distance so far, over `DOUBLED_STEPS` (rows) and `DOUBLED_ITERATIONS` (columns)."""
    paths = [np.abs(path(method, step, iterations=DOUBLED_ITERATIONS[-1])) for step in DOUBLED_STEPS]
    return np.array([[distances[: count + 1].max() for count in DOUBLED_ITERATIONS] for distances in paths])
