"""Ranges of constructor arguments, written once as annotations and read twice.

`config.check` reads them from the source of a target, without importing it (torch takes seconds), so that a bad value
fails before anything heavy starts. `@checked` reads them when the constructor runs, for users of the Python API.
"""

import difflib
import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin


class ConfigError(ValueError):
    """A setting that cannot be used. Its text says what was got, what was expected, and the remedy."""


@dataclass(frozen=True)
class Above:
    """The value must be a finite number `> bound`, or `>= bound` where `inclusive`, and at most `most`."""

    bound: float
    inclusive: bool = False
    most: float = math.inf

    def __str__(self) -> str:
        return self.words("a finite number")

    def words(self, kind: str) -> str:
        """The range, of numbers of a kind."""
        upper = f" and <= {self.most:g}" if math.isfinite(self.most) else ""
        return f"{kind} {'>=' if self.inclusive else '>'} {self.bound:g}{upper}"

    def holds(self, value: float) -> bool:
        return finite(value) and (self.bound <= value if self.inclusive else self.bound < value) and value <= self.most


@dataclass(frozen=True)
class Filled:
    """The list must have an item, or exactly `length` of them."""

    length: int | None = None

    def __str__(self) -> str:
        return "a list with at least one item" if self.length is None else f"a list of {self.length} items"

    def holds(self, value: Sized) -> bool:
        return len(value) > 0 if self.length is None else len(value) == self.length


@dataclass(frozen=True)
class Made:
    """The mapping must name what it makes by `_target_`; `partial`: the run gives the other arguments later."""

    partial: bool = False

    def __str__(self) -> str:
        return f"a mapping with _target_ (a class, by its full name) and _partial_: {str(self.partial).lower()}"

    def holds(self, value: Mapping[str, Any]) -> bool:
        return isinstance(value.get("_target_"), str) and value.get("_partial_", False) is self.partial


#: The largest integer that a setting may be.
MOST = 10**12
PositiveInt = Annotated[int, Above(0, most=MOST)]
NonNegativeInt = Annotated[int, Above(0, inclusive=True, most=MOST)]
PositiveFloat = Annotated[float, Above(0)]
NonNegativeFloat = Annotated[float, Above(0, inclusive=True)]
Rate = Annotated[float, Above(0, inclusive=True, most=0.99)]
Decay = Annotated[float, Above(0, inclusive=True, most=0.999999)]
#: A width whose square float32 can hold, and a place on the line that it can.
Width = Annotated[float, Above(1e-15, inclusive=True, most=1e15)]
Place = Annotated[float, Above(-1e30, inclusive=True, most=1e30)]
Places = Annotated[list[Place], Filled()]
NAMES = {int: "an integer", float: "a number", bool: "true or false", str: "text", dict: "a mapping", NoneType: "null"}


def check_value(name: str, annotation: Any, value: Any) -> None:
    """Raise `ConfigError` unless `value` fits `annotation` (an alias above, a Literal, a list or a union of them, a
    plain type). Annotations of other kinds are not judged here.
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        check_value(name, args[0], value)
        if not args[1].holds(value):
            raise wrong(name, value, str(args[1]))
    elif origin is Literal:
        if not any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in args):
            raise wrong(name, value, f"one of: {', '.join(map(str, args))}", nearest(str(value), args))
    elif origin in (Union, UnionType):
        _check_union(name, annotation, value)
    elif origin in (list, tuple) and args:
        if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__iter__"):
            raise wrong(name, value, f"a list, e.g. {name}=[1,2]")
        each = args if origin is tuple and ... not in args else (args[0],) * len(value)
        if len(each) != len(value):
            raise wrong(name, value, str(Filled(len(each))))
        for index, (item, kind) in enumerate(zip(value, each, strict=True)):
            check_value(f"{name}[{index}]", kind, item)
    elif annotation in NAMES:
        _check_plain(name, annotation, value)


def _check_union(name: str, annotation: Any, value: Any) -> None:
    """One of the alternatives must fit. Those of other kinds, such as a Tensor, no configuration can hold."""
    if any(isinstance(value, kind) for kind in get_args(annotation) if isinstance(kind, type) and kind not in NAMES):
        return None
    known = [kind for kind in get_args(annotation) if kind in NAMES or get_origin(kind)]
    if len(known) == 1:
        return check_value(name, known[0], value)
    for kind in known:
        try:
            return check_value(name, kind, value)
        except ConfigError:
            continue
    if known:
        raise wrong(name, value, " or ".join(map(_named, known)))
    return None


def _named(annotation: Any) -> str:
    """An alternative of a union in words."""
    args = get_args(annotation)
    if get_origin(annotation) is Literal:
        return " or ".join(map(str, args))
    if get_origin(annotation) is Annotated:
        kind, bound = args[:2]
        return bound.words(NAMES[kind]) if kind is int and isinstance(bound, Above) else str(bound)
    return NAMES.get(annotation, str(annotation))


def _check_plain(name: str, kind: type, value: Any) -> None:
    accepted = {float: (int, float), dict: Mapping}.get(kind, kind)
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):  # type: ignore[arg-type]
        raise wrong(name, value, NAMES[kind])
    if kind is float and not finite(value):
        raise wrong(name, value, "a finite number")


def wrong(name: str, value: Any, expected: str, hint: str = "") -> ConfigError:
    """The error for a value: what was got, what was expected."""
    if isinstance(value, Mapping):
        return ConfigError(f"{name}: got a mapping of {shown(', '.join(map(str, value)))}, expected {expected}.{hint}")
    got = "nothing (null)" if value is None else f"{type(value).__name__} {shown(repr(value))}"
    text = "null" if value is None else shown(str(value))
    return ConfigError(f"{name}={text}: got {got}, expected {expected}.{hint}")


def shown(text: str, most: int = 60) -> str:
    """The text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def finite(value: float) -> bool:
    """Whether a number is finite, and no larger than a float can be."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def converted(annotation: Any, value: Any) -> Any:
    """`value` in the type that `annotation` asks for, where nothing is lost: 1e3 as 1000, the folder 2024 as text.

    A pair of numbers is one of floats, as torch's optimizers want it.
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return converted(args[0], value)
    if origin in (Union, UnionType) and isinstance(value, float):  # the integer of `auto` or an integer
        return next((new for kind in args if isinstance(new := converted(kind, value), int)), value)
    if origin is list and args and isinstance(value, list):
        return [converted(args[0], item) for item in value]
    if origin is tuple and isinstance(value, list) and all(type(item) in (int, float) for item in value):
        return [float(item) for item in value]
    if origin is Literal:
        annotation = type(args[0]) if len({type(choice) for choice in args}) == 1 else None
    if annotation is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if annotation is str and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def nearest(word: str, options: Any) -> str:
    """A sentence that names the option nearest to `word`, or nothing where none is near."""
    close = difflib.get_close_matches(word, [str(option) for option in options], n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""


def checked(init: Callable[..., None]) -> Callable[..., None]:
    """Decorate a constructor: its annotated arguments are checked before its body runs."""
    signature = inspect.signature(init)

    @functools.wraps(init)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
        for name, value in signature.bind(self, *args, **kwargs).arguments.items():
            annotation = signature.parameters[name].annotation
            if signature.parameters[name].kind is not inspect.Parameter.VAR_KEYWORD:
                check_value(name, annotation, value)
        init(self, *args, **kwargs)

    return wrapper
