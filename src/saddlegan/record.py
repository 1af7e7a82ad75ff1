"""What result.json holds: its schema, by which the run folder and the report read it. No torch."""

from typing import Any, Literal

import msgspec

#: Of each metric a value per seed; None where it is not a finite number.
Metrics = dict[str, list[float | None]]


class Weights(msgspec.Struct, frozen=True):
    """Digests of the players' final weights."""

    generator: str
    discriminator: str


class Extractor(msgspec.Struct, frozen=True):
    """The network whose features the metrics of images are computed from: the digest of its weights, the data set that
    it was trained on, and the share of test images that it reads right."""

    sha256: str
    dataset: str = "unknown"
    accuracy: float | None = None

    @property
    def described(self) -> str:
        """Its data set in words, with what it reads right."""
        return self.dataset + (
            "" if self.accuracy is None else f" (of held-out images it reads {self.accuracy:.1%} right)"
        )


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One run. What has a default is not in every run; whatever else a file holds is left alone.

    `last_fifth` and `stops` are means over the fifth of training before its end, or before an iteration; `floors` what
    metrics say of real data, `independent` of characters that are drawn one by one; `scales` distances between real
    images; `choices` those of Hydra's groups."""

    status: Literal["finished", "diverged", "failed"]
    config: dict[str, Any]
    seeds: list[int]
    iterations: int
    final: Metrics
    last_fifth: Metrics
    stops: dict[int, Metrics] = {}
    evaluations: int = 0
    choices: dict[str, str] = {}
    experiment: str = ""
    command: str = ""
    error: str = ""
    seconds: float = 0.0
    device: str = ""
    commit: str = ""
    versions: dict[str, str] = {}
    floors: dict[str, float | None] = {}
    independent: dict[str, float | None] = {}
    scales: dict[str, float | str] = {}
    extractor: Extractor | None = None
    weights: Weights | None = None

    def __post_init__(self) -> None:
        for metrics in (self.final, self.last_fifth, *self.stops.values()):
            for metric, values in metrics.items():
                if len(values) != len(self.seeds):
                    raise ValueError(f"{metric}: got {len(values)} values, expected one per seed, {len(self.seeds)}")
        if self.status != "failed" and not self.final:
            raise ValueError("got no final metrics, expected those of a run that ended")
        if not isinstance(self.config.get("report"), dict | None):
            raise ValueError(f"config.report: got {self.config['report']!r:.60}, expected an object or null")

    @property
    def report(self) -> dict[str, Any]:
        """How the run's experiment is to be reported."""
        return self.config.get("report") or {}


def result_of(content: object) -> Result:
    """What a result.json holds. Raises ValueError, whose text says what was got, what was expected, and where."""
    given = {k: v for k, v in content.items() if v is not None} if isinstance(content, dict) else content
    try:
        return msgspec.convert(given, Result, str_keys=True)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
