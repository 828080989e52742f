"""The numbers that describe optimizers, schedules, layers and networks, checked by their names."""

from collections.abc import Callable
from math import inf
from typing import ClassVar

Range = tuple[Callable[[float], bool], str]

POSITIVE: Range = (lambda value: 0 < value < inf, "a number above 0")
NOT_NEGATIVE: Range = (lambda value: 0 <= value < inf, "a number of at least 0")
FRACTION: Range = (lambda value: 0 <= value < 1, "a number from 0 up to but not 1")
UNIT: Range = (lambda value: 0 <= value <= 1, "a number from 0 to 1")
RANGES = {
    **dict.fromkeys(["lr", "eps"], POSITIVE),
    **dict.fromkeys(["momentum", "rho", "beta1", "beta2", "rate", "dropout"], FRACTION),
    "weight_decay": NOT_NEGATIVE,
    "warmup_epochs": (lambda value: value >= 0, "at least 0"),
    "every": (lambda value: value >= 1, "at least 1"),
    "gamma": (lambda value: 0 < value <= 1, "a number above 0 and up to 1"),
    "final": UNIT,
}


class Checked:
    """A dataclass that raises ValueError if one of its numbers is out of its range.

    ranges: the class's own, where they differ.
    """

    ranges: ClassVar[dict[str, Range]] = {}

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            fits, expected = (RANGES | self.ranges).get(name, (None, ""))
            if fits is not None and not fits(value):
                raise ValueError(f"{name}: expected {expected}, got {value}")
