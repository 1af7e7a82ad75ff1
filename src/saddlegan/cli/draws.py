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
    four, and grids of two methods that draw from the same interval have the same values. Raises `ConfigError` where
    there is nothing to draw from.
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
        values = list(override.sweep_string_iterator())
        if not values:
            raise ConfigError(
                f"{override.input_line}: got no value, so that there is nothing to draw. Remedy: give some."
            )
        return rng.choice(values)
    if isinstance(sweep.start, int):
        raise ConfigError(f"{override.input_line}: got an interval of whole numbers. Remedy: a list, e.g. range(1,6).")
    low, high = (math.nan if end is None else end for end in (sweep.start, sweep.end))
    logarithmic = "log" in sweep.tags
    if not (math.isfinite(low) and math.isfinite(high) and low <= high and (low > 0.0 or not logarithmic)):
        expected = "0 < from <= to" if logarithmic else "finite numbers, from <= to"
        raise ConfigError(f"{override.input_line}: got an interval from {low:g} to {high:g}, expected {expected}.")
    value = math.exp(rng.uniform(math.log(low), math.log(high))) if logarithmic else rng.uniform(low, high)
    return f"{value:.4g}"
