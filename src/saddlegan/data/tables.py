"""A discrete space that is small enough for all of its outcomes to be gone through: what is estimated elsewhere is
known here."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np

from saddlegan.checks import Above, ConfigError, Filled, PositiveFloat, checked

#: Outcomes of a table, at most.
MOST = 4096


class JointTable:
    """The joint distribution of `places` variables of `levels` values each.

    Args:
        places: 1 to 8.
        levels: 2 to 8. Samples of two levels are bits, `(1, places)`; of more, one-hot vectors, `(levels, places)`.
        probabilities: of each outcome, or numbers in their proportion: the last variable varies fastest.

    Raises `ConfigError` where there are not levels ** places probabilities, or more than 4096.
    """

    #: What a model must take to be trained on this.
    samples = "tables"
    discrete = True

    @checked
    def __init__(
        self,
        *,
        places: Annotated[int, Above(1, inclusive=True, most=8)],
        levels: Annotated[int, Above(2, inclusive=True, most=8)],
        probabilities: Annotated[list[PositiveFloat], Filled()],
    ) -> None:
        count = levels**places
        if count > MOST or len(probabilities) != count:
            raise ConfigError(
                f"data.probabilities: got {len(probabilities)} of {places} places with {levels} levels, expected"
                f" {levels} ** {places} = {count}, at most {MOST}."
            )
        self.probabilities = np.asarray(probabilities) / math.fsum(probabilities)
        values = np.indices((levels,) * places).reshape(places, -1).T
        one_hot = np.eye(levels, dtype=np.float32)[values].swapaxes(1, 2)
        #: `(outcomes, 1 or levels, places)`, float32.
        self.outcomes = values[:, None].astype(np.float32) if levels == 2 else one_hot

    @classmethod
    def shape_of(cls, data: Mapping[str, Any]) -> tuple[int, ...]:
        """That of a sample, given the configuration's `data`."""
        return (1 if data["levels"] == 2 else data["levels"], data["places"])

    @property
    def names(self) -> list[str]:
        """The values of each outcome, one after the other."""
        values = self.outcomes[:, 0] if self.outcomes.shape[1] == 1 else self.outcomes.argmax(1)
        return ["".join(str(int(value)) for value in outcome) for outcome in values]

    def shares(self, samples: np.ndarray) -> np.ndarray:
        """How often each outcome occurs among samples `(seeds, n, levels, places)`: `(seeds, outcomes)`."""
        flat, known = samples.reshape(*samples.shape[:2], -1), self.outcomes.reshape(len(self.outcomes), -1)
        return (flat[:, :, None] == known).all(-1).mean(1)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Draw float32 of shape `(*shape, levels, places)`."""
        return self.outcomes[rng.choice(len(self.probabilities), size=shape, p=self.probabilities)]
