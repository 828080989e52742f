"""The ranges: on every field that needs one, and refused beyond by every class."""

import dataclasses
from math import inf, nan
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest

from cnn_from_scratch import checks
from cnn_from_scratch.checks import Checked, Range, ranges
from cnn_from_scratch.experiment.params import Augmentation, Convert, ModelParams, Split, Train
from cnn_from_scratch.nn.architectures import ARCHITECTURES
from cnn_from_scratch.nn.layers import LAYERS, AvgPool2D, BatchNorm, Conv2D, Dense, MaxPool2D
from cnn_from_scratch.nn.optimizers import OPTIMIZERS
from cnn_from_scratch.nn.schedules import SCHEDULES
from cnn_from_scratch.nn.training import Training

CLASSES: list[Any] = [
    *LAYERS.values(),
    *OPTIMIZERS.values(),
    *SCHEDULES.values(),
    *ARCHITECTURES.values(),
    *(Training, Convert, Split, Augmentation, Train, ModelParams),
]


def _takes_numbers(hint: Any) -> bool:
    """Return whether a field's values are numbers (truths, words and lists are not)."""
    return get_origin(hint) is not tuple and bool({int, float} & {hint, *get_args(hint)})


def _unchecked(kind: Any) -> list[str]:
    """Return the numbers of a class that stand without a range."""
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind) if _takes_numbers(hints[field.name])]
    return [name for name in names if name not in ranges(kind) or not issubclass(kind, Checked)]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_number_has_a_range(kind: Any) -> None:
    """A new hyper-parameter without one fails here."""
    assert _unchecked(kind) == []


def test_a_number_without_a_range_is_found() -> None:
    @dataclasses.dataclass(frozen=True)
    class Layer(Checked):
        slope: float
        size: int | None = None
        rate: Annotated[float, checks.UNIT] = 0.5
        name: str = ""
        flag: bool = False

    assert _unchecked(Layer) == ["slope", "size"]


@pytest.mark.parametrize("kind", CLASSES)
def test_what_stands_on_a_field_is_a_range(kind: Any) -> None:
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if get_origin(hint) is Annotated:
            assert _takes_numbers(get_args(hint)[0]), name
            assert [type(part) for part in get_args(hint)[1:]] == [Range]


# A range, numbers it takes, and numbers it does not.
RANGES = [
    (checks.POSITIVE, [5e-324, 1, 1e300], [0, -1, inf, nan]),
    (checks.NOT_NEGATIVE, [0, 5e-324, 1e300], [-5e-324, -1, inf, nan]),
    (checks.AT_LEAST_1, [1, 2], [0, -1, inf, nan]),
    (checks.UNIT, [0, 0.5, 1], [-0.1, 1.1, inf, nan]),
    (checks.UNIT_BELOW_1, [0, 0.5], [-0.1, 1, inf, nan]),
    (checks.UNIT_ABOVE_0, [0.5, 1], [0, 1.1, inf, nan]),
]


@pytest.mark.parametrize(("limits", "taken", "refused"), RANGES)
def test_ranges(limits: Range, taken: list[float], refused: list[float]) -> None:
    assert all(limits.fits(value) for value in taken)
    assert not any(limits.fits(value) for value in refused)


def test_every_range_has_its_row() -> None:
    assert {name for name, value in vars(checks).items() if isinstance(value, Range)} == {
        name for name, value in vars(checks).items() if value in [row[0] for row in RANGES]
    }
    assert len({limits.expected for limits, _, _ in RANGES}) == len(RANGES)


REFUSED: list[tuple[Any, str]] = [
    (lambda: Conv2D(0, 1), "out_channels: expected a number of at least 1, got 0"),
    (lambda: Conv2D(1, 0), "kernel_size: expected a number of at least 1, or null, got 0"),
    (lambda: Conv2D(1, 2, stride=0), "stride: expected a number of at least 1, got 0"),
    (lambda: Conv2D(1, 2, padding=-1), "padding: expected a number of at least 0, got -1"),
    (
        lambda: Conv2D(1, None, padding=1),
        "padding: expected 0 with a kernel that spans the image",
    ),
    (lambda: MaxPool2D(-1), "kernel_size: expected a number of at least 1, got -1"),
    (lambda: MaxPool2D(2, stride=0), "stride: expected a number of at least 1, or null, got 0"),
    (lambda: AvgPool2D(1, stride=-2), "stride: expected a number of at least 1, or null, got -2"),
    (lambda: Dense(0), "out_features: expected a number of at least 1, got 0"),
    (lambda: BatchNorm(eps=0.0), "eps: expected a number above 0, got 0.0"),
    (lambda: Training(0), "epochs: expected a number of at least 1, got 0"),
    (lambda: Training(1, 0), "batch_size: expected a number of at least 1, or null, got 0"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_numbers_out_of_range_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        make()


def test_none_is_taken_where_it_is_a_value() -> None:
    assert MaxPool2D(2).stride is None
    assert NoneType in get_args(get_type_hints(MaxPool2D)["stride"])
