"""The compiled exponential, logarithm and tanh: bit by bit the portable ones of `nn.numerics`."""

import math

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.compiled import functions, kernel
from cnn_from_scratch.nn import numerics
from tests.nn.inputs import MEMORY_ORDERS, PROPERTY, normal, read_only

NAMES = ["exp", "log", "tanh"]
all_functions = pytest.mark.parametrize("name", NAMES)

# Where the functions change their course, and the numbers beside these.
TURNS = [
    *(0.0, 5e-324, 1e-310, 2.2250738585072014e-308, 1e-300, 1e-20, 2.0**-53, 0.17, 0.175, 0.35),
    *(math.sqrt(0.5), 1.0, math.sqrt(2.0), math.log(2.0) / 2, math.log(2.0), 2.0, math.e, 10.0),
    *(20.0, 22.0, 350.0, 700.0, 707.0, 708.0, 708.3964, 709.0, 709.782712893384, 710.0, 744.0),
    *(745.1332191019412, 746.0, 747.0, 1e3, 2.0**52, 2.0**53, 1e100, 1.7976931348623157e308),
    *(math.inf, math.nan),
]


def _special() -> Array:
    turns = np.array(TURNS)
    with np.errstate(over="ignore"):
        beside = [turns, np.nextafter(turns, np.inf), np.nextafter(turns, 0.0)]
    return np.concatenate([sign * some for some in beside for sign in (1.0, -1.0)])


def _bits(x: Array) -> list[int]:
    """Return the numbers' bits, but for a NaN those of one NaN: IEEE 754 fixes no other."""
    assert x.dtype == np.float64
    one = np.where(np.isnan(x), np.nan, x)
    return list(np.ascontiguousarray(one).view(np.int64).ravel())


def both(name: str, x: Array) -> tuple[Array, Array]:
    """Return what the compiled function makes of x, and what NumPy's portable one does."""
    with np.errstate(all="ignore"):
        expected = getattr(numerics.PORTABLE, name)(x)
    return getattr(functions.PORTABLE, name)(x), expected


def test_only_these_three_are_other_functions() -> None:
    """All other portable operations are NumPy's."""
    own = {name for name in vars(functions.CompiledPortable) if not name.startswith("_")}
    assert own == {*NAMES} < vars(numerics.Portable).keys()


@all_functions
def test_special_values(name: str) -> None:
    """Each by itself, and all in one array, which NumPy's may take another way through."""
    x = _special()
    actual, expected = both(name, x)
    assert _bits(actual) == _bits(expected)
    for number in x:
        actual, expected = both(name, np.array([number]))
        assert _bits(actual) == _bits(expected), number


@all_functions
@PROPERTY
@given(st.lists(st.floats(), min_size=1, max_size=50))
def test_any_numbers(name: str, numbers: list[float]) -> None:
    """Any at all: tiny and huge ones, infinities and NaN."""
    actual, expected = both(name, np.array(numbers))
    assert _bits(actual) == _bits(expected)


@all_functions
@pytest.mark.parametrize("scale", [1e-8, 0.1, 1.0, 30.0, 400.0])
def test_many_numbers(name: str, scale: float, rng: np.random.RandomState) -> None:
    """A hundred thousand of every size that a network has; for the logarithm, positive ones."""
    x = scale * normal(rng, (100_000,))
    actual, expected = both(name, np.abs(x) if name == "log" else x)
    assert _bits(actual) == _bits(expected)


@all_functions
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (7,), (2, 3), (2, 3, 4, 5)])
@pytest.mark.parametrize("order", MEMORY_ORDERS)
def test_any_shape(
    name: str, shape: tuple[int, ...], order: str, rng: np.random.RandomState
) -> None:
    """However it lies in memory; and x, which may be read-only, stays as it was."""
    x: Array = np.asarray(rng.uniform(0.1, 3.0, shape))
    x = read_only(MEMORY_ORDERS[order](x) if x.ndim else x)
    given = x.copy()
    actual, expected = both(name, x)
    assert actual.shape == x.shape
    assert _bits(actual) == _bits(np.asarray(expected))
    np.testing.assert_array_equal(x, given)
    assert not np.shares_memory(actual, x)


@all_functions
def test_threads_change_no_bit(
    name: str,
    numbers_of_threads: list[int],
    rng: np.random.RandomState,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Shared out or not: a thousand and one numbers, and the special ones."""
    x = np.concatenate([normal(rng, (1001,)), _special()])
    _, expected = both(name, x)
    monkeypatch.setattr(kernel, "PARALLEL_FROM", 0)
    for number in numbers_of_threads:
        numba.set_num_threads(number)
        actual, _ = both(name, x)
        assert _bits(actual) == _bits(expected)
