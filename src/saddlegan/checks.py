"""Ranges of constructor arguments, written once as annotations and read twice.

`config.check` reads them from the source of a target, without importing it (torch takes seconds), so that a bad value
fails before anything heavy starts. `@checked` reads them when the constructor runs, for users of the Python API.
"""

import difflib
import functools
import inspect
import math
from collections.abc import Callable, Sized
from dataclasses import dataclass
from types import UnionType
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
        upper = f" and <= {self.most:g}" if math.isfinite(self.most) else ""
        return f"a finite number {'>=' if self.inclusive else '>'} {self.bound:g}{upper}"

    def holds(self, value: float) -> bool:
        return (
            math.isfinite(value)
            and (self.bound <= value if self.inclusive else self.bound < value)
            and value <= self.most
        )


@dataclass(frozen=True)
class Filled:
    """The list must have an item."""

    def __str__(self) -> str:
        return "a list with at least one item"

    def holds(self, value: Sized) -> bool:
        return len(value) > 0


PositiveInt = Annotated[int, Above(0)]
NonNegativeInt = Annotated[int, Above(0, inclusive=True)]
PositiveFloat = Annotated[float, Above(0)]
NonNegativeFloat = Annotated[float, Above(0, inclusive=True)]
Rate = Annotated[float, Above(0, inclusive=True, most=0.99)]
Decay = Annotated[float, Above(0, inclusive=True, most=0.999999)]
Floats = Annotated[list[float], Filled()]


def check_value(name: str, annotation: Any, value: Any) -> None:
    """Raise `ConfigError` unless `value` fits `annotation` (an alias above, a Literal, a list of them, a plain type).

    Annotations of other kinds are not judged here.
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        check_value(name, args[0], value)
        if not args[1].holds(value):
            raise ConfigError(f"{name}={value}: got {value}, expected {args[1]}.")
    elif origin is Literal:
        if value not in args:
            choices = ", ".join(map(str, args))
            raise ConfigError(f"{name}={value}: got {value!r}, expected one of: {choices}.{nearest(str(value), args)}")
    elif origin in (Union, UnionType):
        if not any(_fits(name, kind, value) for kind in args):
            raise ConfigError(f"{name}={value}: got {value!r}, expected one of: {', '.join(map(_said, args))}.")
    elif origin in (list, tuple) and args:
        if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
            raise ConfigError(f"{name}={value}: got {type(value).__name__}, expected a list, e.g. {name}=[1,2].")
        for index, item in enumerate(value):
            check_value(f"{name}[{index}]", args[0], item)
    elif annotation in (int, float, bool, str):
        accepted = (int, float) if annotation is float else annotation
        if not isinstance(value, accepted) or (isinstance(value, bool) and annotation is not bool):
            raise ConfigError(
                f"{name}={value}: got {type(value).__name__} {value!r}, expected a value of type {annotation.__name__}."
            )
        if annotation is float and not math.isfinite(float(value)):
            raise ConfigError(f"{name}={value}: got {value}, expected a finite number.")


def _fits(name: str, annotation: Any, value: Any) -> bool:
    try:
        check_value(name, annotation, value)
    except ConfigError:
        return False
    return True


def _said(annotation: Any) -> str:
    """An annotation in words."""
    args = get_args(annotation)
    return ", ".join(map(str, args)) if get_origin(annotation) is Literal else str(args[1] if args else annotation)


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
