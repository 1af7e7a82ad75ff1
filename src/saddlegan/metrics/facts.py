"""What tables need to know of a metric, written on the function that computes it.

A metric asks for what it needs by the names of its arguments; an evaluation offers things by name, and computes what it
can. `conf/evaluation` lists the metrics of each kind of data. Facts are literals: they are read without being imported.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

Better = Literal["lower", "higher", "one", "none"]
#: The end of a range: a number, or what the data's number of classes makes of it.
Most = float | Literal["classes", "log(classes)"] | None
When = Literal["through", "over", "end"]
ARROWS = {"lower": " ↓", "higher": " ↑", "one": " → 1", "none": ""}
#: Points of either side that W1 in the plane pairs: the optimal assignment takes time with their cube.
ASSIGNED = 256
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Facts:
    """`name`: as tables write it; `better`: lower, higher, near one, or none (not judged); `least` and `most`: the ends
    of its range, None where it has none."""

    name: str
    better: Better = "lower"
    least: float | None = 0.0
    most: Most = None

    @property
    def directed(self) -> str:
        """The name and an arrow that says which way is better."""
        return self.name + ARROWS[self.better]


def metric(
    name: str = "",
    *,
    better: Better = "lower",
    least: float | None = 0.0,
    most: Most = None,
    when: When = "through",
    gives: Mapping[str, Mapping[str, Any]] | None = None,
) -> Callable[[Function], Function]:
    """Mark a function as a metric with these `Facts`. `gives`: those of each value by name, of a function that returns
    several.

    `when` it is computed: `through` training, from samples; `over` some evaluations, from the metrics in them, each
    `(evaluations, seeds)` by its name; at the `end`, from samples.
    """

    def marked(function: Function) -> Function:
        function.facts = facts_of({"name": name, "better": better, "least": least, "most": most}, gives)  # type: ignore
        function.when = when  # type: ignore[attr-defined]
        return function

    return marked


def facts_of(own: Mapping[str, Any], gives: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Facts]:
    """{name of a value: its facts}; "" stands for the only one."""
    return {key: Facts(**facts) for key, facts in (gives or {"": own}).items()}
