"""The ledger: statements of sources beside their verdicts, as Markdown and as entries of claims.json."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import msgspec

from saddlegan.reporting.tables import escape

Outcome = Literal["reproduced", "contradicted", "inconclusive", "not_run"]
MARKS = {"reproduced": "✔", "contradicted": "✘", "inconclusive": "?", "not_run": "–"}


@dataclass(frozen=True)
class Verdict:
    """`effect`, named by `measure`, with its 95 % `interval` where it has one; `seeds`: the least number compared."""

    verdict: Outcome
    text: str
    effect: float | None = None
    interval: tuple[float, float] | None = None
    seeds: int = 0
    measure: str = ""


@dataclass(frozen=True)
class Statement:
    """What a source says, in our words. `source`: document, section, equation or figure."""

    id: str
    source: str
    statement: str


Finding = tuple[Statement, Verdict]


def paragraphs(statement: Statement, verdict: Verdict) -> list[str]:
    """The verdict on a statement, what was found, and where the statement stands."""
    mark = f"{MARKS[verdict.verdict]} {verdict.verdict.replace('_', ' ')}"
    return [
        f"**{mark}** · {escape(statement.statement)}",
        f"{escape(verdict.text)}",
        f"*`{statement.id}` · {escape(statement.source)}*",
    ]


def entry(statement: Statement, verdict: Verdict, experiments: tuple[str, ...]) -> dict[str, Any]:
    """One entry of claims.json; `experiments`: the names of what decides it."""
    about = {"id": statement.id, "source": statement.source, "statement": statement.statement}
    return about | {"experiments": list(experiments)} | asdict(verdict)


def finding(content: object) -> Finding:
    """An entry read back. Raises ValueError where it is not whole."""
    try:
        return msgspec.convert(content, Statement), msgspec.convert(content, Verdict)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
