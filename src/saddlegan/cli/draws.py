"""Random settings: the jobs of a grid that is drawn from, and not multiplied out."""

import math
import random
from collections.abc import Sequence

from hydra.core.override_parser.types import IntervalSweep, Override

from saddlegan.checks import ConfigError


def drawn(overrides: Sequence[Override], count: int) -> list[list[str]]:
    """`count` jobs, each with a value of every override: of an interval a uniform one, of one with the tag `log` one
    whose logarithm is uniform, to four digits; of several values one; else its only value. A later override of a key
    wins.

    A value depends on its key, what is drawn from, and the job's number alone: the first four of eight are those of
    four, and grids of two methods that draw from the same interval have the same values. Raises `ConfigError` for an
    interval that has no logarithm.
    """
    last = {override.get_key_element(): override for override in overrides}
    return [
        [
            f"{key}={_value(override, random.Random(f'{number} {override.input_line}'))}"
            for key, override in last.items()
        ]
        for number in range(count)
    ]


def _value(override: Override, rng: random.Random) -> str:
    if not override.is_sweep_override():
        return override.get_value_element_as_str()
    sweep = override.value()
    if not isinstance(sweep, IntervalSweep):
        return rng.choice(list(override.sweep_string_iterator()))
    low, high = float(sweep.start or 0.0), float(sweep.end or 0.0)
    if "log" not in sweep.tags:
        return f"{rng.uniform(low, high):.4g}"
    if not 0.0 < low <= high:
        raise ConfigError(f"{override.input_line}: got an interval from {low:g} to {high:g}, expected 0 < from <= to.")
    return f"{math.exp(rng.uniform(math.log(low), math.log(high))):.4g}"
