"""Ranges of numbers, each on the field it belongs to: `lr: Annotated[float, POSITIVE]`.

Layers, optimizers, schedules, architectures and parameters are all checked by them.
"""

from collections.abc import Callable
from functools import cache
from math import inf
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints


class Range(NamedTuple):
    """Which numbers a field takes, and these in words."""

    fits: Callable[[float], bool]
    expected: str


POSITIVE = Range(lambda value: 0 < value < inf, "a number above 0")
NOT_NEGATIVE = Range(lambda value: 0 <= value < inf, "a number of at least 0")
AT_LEAST_1 = Range(lambda value: 1 <= value < inf, "a number of at least 1")
UNIT = Range(lambda value: 0 <= value <= 1, "a number from 0 to 1")
UNIT_BELOW_1 = Range(lambda value: 0 <= value < 1, "a number from 0 up to but not 1")
UNIT_ABOVE_0 = Range(lambda value: 0 < value <= 1, "a number above 0 and up to 1")


class Checked:
    """A dataclass that raises ValueError if a number is not in the range on its field."""

    def __post_init__(self) -> None:
        kind: Any = type(self)
        for name, (fits, expected) in ranges(kind).items():
            value = getattr(self, name)
            if value is not None and not fits(value):
                raise ValueError(f"{name}: expected {expected}, got {value}")


@cache
def ranges(kind: Any) -> dict[str, Range]:
    """Return the ranges on a class's fields, by name; where None is a value, the words say so."""
    found = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if get_origin(hint) is Annotated:
            number, limits = get_args(hint)
            if type(None) in get_args(number):
                limits = limits._replace(expected=f"{limits.expected}, or null")
            found[name] = limits
    return found
