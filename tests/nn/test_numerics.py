"""The portable operations against exact arithmetic, and against themselves in other orders.

What is exact in float64 is compared with fractions, to the bit; what is rounded, with its bound.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from hashlib import sha256
from itertools import permutations
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cnn_from_scratch.arithmetic.arrays import Array, Axis, Shape
from cnn_from_scratch.nn import numerics
from cnn_from_scratch.nn.numerics import (
    NATIVE,
    NUMERICS,
    PORTABLE,
    Factor,
    Numerics,
    NumericsName,
    Portable,
    using,
)
from tests.nn.inputs import MEMORY_ORDERS, PROPERTY, normal, read_only

NAN, INF, PI = math.nan, math.inf, math.pi
TINIEST, LARGEST = 5e-324, float(np.finfo(np.float64).max)
LIMIT = 2.0**501  # products and sums take numbers below
BELOW_LIMIT = math.nextafter(LIMIT, 0.0)
SMALLEST = 2.0**-400  # an error is never relative to less
NAMES = ["matmul", "sum", "exp", "log", "tanh", "sin", "cos"]  # factor is a part of matmul

both_numerics = pytest.mark.parametrize("which", NUMERICS)
all_names = pytest.mark.parametrize("name", NAMES)


def _same(actual: Any, expected: Any) -> None:
    """Check that the numbers are the same, the signs of zeros too; NaN is NaN."""
    np.testing.assert_array_equal(actual, expected, strict=True)
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(actual)[numbers], np.signbit(expected)[numbers])


def _same_bits(actual: Array, expected: Array) -> None:
    """Check the same of products, in which the sign of a zero is the machine's choice."""
    _same(actual + 0.0, expected + 0.0)


def _matmul(computing: Numerics, a: Array, b: Array) -> Array:
    """Return the product of two matrices, each rounded as a whole."""
    return computing.matmul(computing.factor(a, None, None), computing.factor(b, None, None))


def _function(computing: Numerics, name: str) -> Any:
    """Return an operation on arrays."""
    return partial(_matmul, computing) if name == "matmul" else getattr(computing, name)


# Native and portable.


class NumPys(NamedTuple):
    """What an operation is in NumPy, and arguments for it."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]


ORDINARY = np.array([0.1, 0.5, 1.0, 2.0, 3.0])

# Every operation needs a row.
NUMPYS: dict[str, NumPys] = {
    "matmul": NumPys(np.matmul, (np.outer(ORDINARY, ORDINARY), np.outer(ORDINARY, 1 / ORDINARY))),
    "sum": NumPys(np.sum, (1 / ORDINARY,)),
    "exp": NumPys(np.exp, (ORDINARY,)),
    "log": NumPys(np.log, (ORDINARY,)),
    "tanh": NumPys(np.tanh, (ORDINARY,)),
    "sin": NumPys(np.sin, (ORDINARY,)),
    "cos": NumPys(np.cos, (ORDINARY,)),
}


def test_every_operation_has_its_rows() -> None:
    """A new operation without a row in a table fails here."""
    names = {name for name in vars(Numerics) if not name.startswith("_")} - {"factor"}
    assert names == {*NAMES} == NUMPYS.keys() == SPECIAL.keys()
    assert names == {"matmul", "sum", *FUNCTIONS}
    assert {*FUNCTIONS} == FROZEN_VALUES.keys()


@pytest.mark.parametrize("name", ["factor", *NAMES])
def test_the_numerics_share_no_operation(name: str) -> None:
    assert vars(Portable)[name] is not vars(Numerics)[name]


@all_names
def test_native_is_numpys_and_the_default(name: str) -> None:
    """To the bit; and the portable one is near it, so that each name computes what it says."""
    numpys = NUMPYS[name]
    expected = numpys.function(*numpys.arguments)

    def public(*arguments: Any) -> Any:
        if name == "matmul":
            return numerics.matmul(*map(numerics.factor, arguments))
        return getattr(numerics, name)(*arguments)

    _same(public(*numpys.arguments), expected)
    with using(NATIVE):
        _same(public(*numpys.arguments), expected)
    with using(PORTABLE):
        np.testing.assert_allclose(public(*numpys.arguments), expected, rtol=1e-6)


def _active() -> NumericsName:
    """Return which numerics compute: only the portable one refuses large numbers in a sum."""
    with np.errstate(over="ignore", invalid="ignore"):
        return "portable" if np.isnan(numerics.sum(np.array([LIMIT]))) else "native"


def test_using_switches_and_goes_back() -> None:
    """Inside a block, also one in another; after it, also when it raised."""
    assert _active() == "native"
    with using(PORTABLE):
        assert _active() == "portable"
        with using(NATIVE):
            assert _active() == "native"
            with using(PORTABLE):
                assert _active() == "portable"
            assert _active() == "native"
        assert _active() == "portable"
        with pytest.raises(ArithmeticError), using(NATIVE):
            raise ArithmeticError
        assert _active() == "portable"
    assert _active() == "native"


# Special values.


class Special(NamedTuple):
    """What an operation must return, and the floating-point errors that it may report."""

    arguments: tuple[Any, ...]
    expected: Any
    errors: frozenset[str] = frozenset()


OVERFLOW = frozenset({"overflow"})
SPOILT = frozenset({"overflow", "invalid value"})
ROW = [[1.0, 2.0], [3.0, 4.0]]


def _values(*rows: tuple[float, float] | tuple[float, float, frozenset[str]]) -> list[Special]:
    """Return rows of functions of one number: x, y, and the errors."""
    return [Special(([x],), [y], *errors) for x, y, *errors in rows]


def _spoilt_matrices(value: float) -> list[Special]:
    """Return the rows of a number that makes everything NaN."""
    other, spoilt = [[value, 2.0], [3.0, 4.0]], [[NAN, NAN], [NAN, NAN]]
    return [Special((other, ROW), spoilt, SPOILT), Special((ROW, other), spoilt, SPOILT)]


# Every operation needs rows.
SPECIAL: dict[str, list[Special]] = {
    "exp": _values(
        (NAN, NAN), (-NAN, NAN), (INF, INF, OVERFLOW), (-INF, 0.0), (0.0, 1.0), (-0.0, 1.0),
        (TINIEST, 1.0), (-TINIEST, 1.0), (2.0**-60, 1.0), (-(2.0**-60), 1.0),
        (709.8, INF, OVERFLOW), (710.0, INF, OVERFLOW), (1e6, INF, OVERFLOW),
        (LARGEST, INF, OVERFLOW),
        (-744.44, TINIEST), (-745.2, 0.0), (-746.0, 0.0), (-747.0, 0.0), (-1e6, 0.0),
        (-LARGEST, 0.0),
    ),
    "log": _values(
        (NAN, NAN), (-NAN, NAN), (INF, INF), (-INF, NAN), (0.0, -INF), (-0.0, -INF),
        (-TINIEST, NAN), (-1.0, NAN), (-LARGEST, NAN), (1.0, 0.0),
    ),
    "tanh": _values(
        (NAN, NAN), (-NAN, NAN), (INF, 1.0), (-INF, -1.0), (0.0, 0.0), (-0.0, -0.0),
        (TINIEST, TINIEST), (-TINIEST, -TINIEST), (1e-300, 1e-300), (-1e-300, -1e-300),
        (30.0, 1.0), (-30.0, -1.0), (800.0, 1.0), (-800.0, -1.0),
        (LARGEST, 1.0), (-LARGEST, -1.0),
    ),
    "sin": _values(
        (NAN, NAN), (-NAN, NAN), (0.0, 0.0), (-0.0, -0.0), (TINIEST, TINIEST),
        (-TINIEST, -TINIEST), (1e-300, 1e-300), (-1e-300, -1e-300),
    ),
    "cos": _values(
        (NAN, NAN), (-NAN, NAN), (0.0, 1.0), (-0.0, 1.0), (TINIEST, 1.0), (-1e-300, 1.0),
    ),
    "matmul": [
        *_spoilt_matrices(NAN),
        *_spoilt_matrices(INF),
        *_spoilt_matrices(-INF),
        Special(([[INF, -INF]], [[1.0], [1.0]]), [[NAN]], SPOILT),
        Special(([[0.0]], [[INF]]), [[NAN]], SPOILT),
        Special(([[LIMIT]], [[2.0]]), [[NAN]], SPOILT),
        Special(([[2.0]], [[-LIMIT]]), [[NAN]], SPOILT),
        Special(([[LARGEST]], [[0.5]]), [[NAN]], SPOILT),
        Special(([[2.0**500, 2.0**500]], [[2.0**500], [2.0**500]]), [[2.0**1001]]),
        Special(([[BELOW_LIMIT]], [[-BELOW_LIMIT]]), [[-(2.0**1002)]]),
        Special(([[0.0, -0.0]], [[-1.0], [-1.0]]), [[0.0]]),
        Special(([[2.0**-400]], [[2.0**-400]]), [[2.0**-800]]),
        Special(([[2.0**-425]], [[2.0**-425]]), [[2.0**-850]]),  # one unit each
        Special(([[2.0**-427]], [[2.0**400]]), [[0.0]]),
        Special(([[TINIEST]], [[2.0**500]]), [[0.0]]),
        Special(([[TINIEST, 1.0]], [[2.0], [1.0]]), [[1.0]]),
        Special(([[], []], np.zeros((0, 3))), np.zeros((2, 3))),
        Special((np.zeros((0, 2)), ROW), np.zeros((0, 2))),
        Special((ROW, np.zeros((2, 0))), np.zeros((2, 0))),
    ],
    "sum": [
        Special(([NAN, 1.0], None, False), NAN, SPOILT),
        Special(([1.0, -NAN], None, False), NAN, SPOILT),
        Special(([INF, 1.0], None, False), NAN, SPOILT),
        Special(([-INF, 1.0], None, False), NAN, SPOILT),
        Special(([INF, -INF], None, False), NAN, SPOILT),
        Special(([LIMIT], None, False), NAN, SPOILT),
        Special(([0.0, -LIMIT], None, False), NAN, SPOILT),
        Special(([[NAN, 1.0], [2.0, 3.0]], 0, False), [NAN, 4.0], SPOILT),
        Special(([[NAN, 1.0], [2.0, 3.0]], 1, True), [[NAN], [5.0]], SPOILT),
        Special(([[1.0, LIMIT], [2.0, 3.0]], 0, False), [3.0, NAN], SPOILT),
        Special(([BELOW_LIMIT] * 2, None, False), 2.0**502),
        Special(([2.0**500, -(2.0**500), 1.0], None, False), 0.0),
        Special(([-0.0, 0.0], None, False), 0.0),
        Special(([1.0, -1.0], None, False), 0.0),
        Special(([2.0**-400, 2.0**-400], None, False), 2.0**-399),
        Special(([2.0**-449, 2.0**-449], None, False), 2.0**-448),  # one unit each
        Special(([2.0**-451, 2.0**-451], None, False), 0.0),
        Special(([TINIEST, TINIEST], None, False), 0.0),
        Special(([], None, False), 0.0),
        Special((np.zeros((0, 3)), 0, False), np.zeros(3)),
        Special((np.zeros((0, 3)), 0, True), np.zeros((1, 3))),
        Special((np.zeros((3, 0)), (0, 1), False), 0.0),
        Special((np.zeros((0, 3)), 1, False), np.zeros(0)),
        Special((ROW, (), False), ROW),
        Special((5.0, None, False), 5.0),
    ],
}  # fmt: skip


def _special_rows() -> list[Any]:
    return [
        pytest.param(name, special, id=f"{name}{special.arguments}")
        for name, specials in SPECIAL.items()
        for special in specials
    ]


def _arguments(special: Special) -> tuple[Any, ...]:
    """Return the arguments with the numbers in read-only arrays, the axes as they are."""
    return tuple(
        x if isinstance(x, bool | int | tuple) or x is None else read_only(np.array(x, np.float64))
        for x in special.arguments
    )


@pytest.mark.parametrize(("name", "special"), _special_rows())
def test_special_values(name: str, special: Special) -> None:
    """The signs of zeros count, but for a product's. No other floating-point error than named."""
    errors = set()
    with np.errstate(all="call", under="ignore", call=lambda kind, _: errors.add(kind)):
        actual = _function(PORTABLE, name)(*_arguments(special))
    check = _same_bits if name == "matmul" else _same
    check(np.asarray(actual), np.array(special.expected, np.float64))
    assert errors <= special.errors


def _numbers(name: str) -> tuple[Array, Array]:
    """Return the arguments and the values of all the rows of a function of one number."""
    specials = [(special.arguments[0][0], special.expected[0]) for special in SPECIAL[name]]
    x, y = np.array(specials, np.float64).T
    return read_only(x), y


FUNCTIONS = ["exp", "log", "tanh", "sin", "cos"]
all_functions = pytest.mark.parametrize("name", FUNCTIONS)


@all_functions
def test_special_values_are_the_native_ones(name: str) -> None:
    x, expected = _numbers(name)
    with np.errstate(all="ignore"):
        _same(getattr(NATIVE, name)(x), expected)


@all_functions
@pytest.mark.parametrize("ordinary", [0.3, 1.0])
def test_special_values_disturb_no_others(name: str, ordinary: float) -> None:
    """An element's value is its own, in whatever company, shape and memory order."""
    function = getattr(PORTABLE, name)
    x, expected = _numbers(name)
    x = np.stack([x, np.full(len(x), ordinary)])
    expected = np.stack([expected, np.full(len(expected), function(np.array([ordinary]))[0])])
    with np.errstate(all="ignore"):
        for reorder in MEMORY_ORDERS.values():
            _same(function(read_only(reorder(x))), expected)
            _same(function(read_only(reorder(x.T))), expected.T)


@all_functions
def test_functions_take_any_shape(name: str) -> None:
    """None at all, or no numbers."""
    function = getattr(PORTABLE, name)
    expected = function(np.array([0.5]))
    _same(np.asarray(function(np.array(0.5))), expected.reshape(()))
    _same(function(np.full((1, 1, 1), 0.5)), expected.reshape(1, 1, 1))
    _same(function(np.zeros((0, 2))), np.zeros((0, 2)))


# The bits of the functions of one number.

# Of the function's values at 10,000 numbers from -4 to 4 (sin, cos: -3 to 3; log: their sizes).
# An error bound leaves many choices; the bits are to stay.
FROZEN_VALUES = {
    "exp": "b7a5cf339733c8bb",
    "log": "9d93749413f5644a",
    "tanh": "4b33f8252daeaed1",
    "sin": "bf7e115e0df7e6f6",
    "cos": "cf5b7436cc3d28eb",
}


def _digest(x: Array) -> str:
    return sha256(x.astype("<f8").tobytes()).hexdigest()[:16]


@all_functions
def test_the_bits_are_frozen(name: str) -> None:
    """On every machine."""
    x = np.random.RandomState(0).random_sample(10_000) - 0.5
    x *= 6.0 if name in ("sin", "cos") else 8.0
    x = np.abs(x) if name == "log" else x
    assert _digest(getattr(PORTABLE, name)(x)) == FROZEN_VALUES[name]


# Products.

# The docstring's bits, for the fewest and the most terms that have them.
BITS = {1: 26, 2: 26, 3: 25, 8: 25, 9: 24, 32: 24, 33: 23, 128: 23, 129: 22, 512: 22, 513: 21,
        2048: 21}  # fmt: skip
BLOCK = 2048
SIZES_OF_SUMS = [*BITS, 2049, 5000]


def _wholes(x: Array) -> Any:
    """Return each number as a whole number of the least units, 2^-1074, with no end of digits."""
    ratios = [value.as_integer_ratio() for value in x.ravel().tolist()]
    wholes = [above << 1075 - below.bit_length() for above, below in ratios]  # below is 2^...
    return np.array([*wholes, None])[:-1].reshape(x.shape)  # None: so that they stay Python's


def _nearest(terms: Array, bits: int) -> Array:
    """Round some numbers together by hand: x + S to the nearest float64, less S.

    And see that this makes them whole numbers n of one unit, with |n| <= 2^bits.
    """
    largest = Fraction(max(float(np.abs(terms).max(initial=0.0)), SMALLEST))
    shifter = Fraction(float(largest * (2 ** (53 - bits) + 2)))
    _, exponent = math.frexp(shifter - largest)
    exponent -= Fraction(2) ** (exponent - 1) > shifter - largest  # it was rounded up to a power
    unit = Fraction(2) ** (exponent - 53)
    rounded = []
    for term in terms.tolist():
        value = Fraction(float(Fraction(term) + shifter)) - shifter
        assert (value / unit).denominator == 1
        assert abs(value / unit) <= 2**bits
        rounded.append(float(value))
    return np.array(rounded)


def _factor(x: Array, axis: int | None) -> Array:
    """Return how a factor must be rounded for products over the axis, or as a whole."""
    if axis is None:
        return _nearest(x.ravel(), _bits(max(x.shape))).reshape(x.shape)
    lines = x if axis == 1 else x.T
    rounded = np.array([_nearest(line, _bits(len(line))) for line in lines])
    return rounded if axis == 1 else rounded.T


def _product(a: Array, b: Array) -> list[list[Fraction]]:
    """Return the exact product."""
    product = np.dot(_wholes(a), _wholes(b))
    return [[Fraction(value, 2**2148) for value in row] for row in product]


def _product_by_hand(a: Array, b: Array) -> Array:
    """Return the product of rounded factors: of blocks, exactly, and these added."""
    total = np.zeros((len(a), b.shape[1]))
    for start in range(0, a.shape[1], BLOCK):
        block = slice(start, start + BLOCK)
        exact = _product(a[:, block], b[block])
        total = total + np.array([[float(value) for value in row] for row in exact])
    return total


# The axes of the two factors: each row and column rounded by itself, or all together.
FORMS: dict[str, tuple[Literal[1] | None, Literal[0] | None]] = {
    "lines": (1, 0),
    "wholes": (None, None),
    "a whole and columns": (None, 0),
    "rows and a whole": (1, None),
}
all_forms = pytest.mark.parametrize("form", FORMS)


def _factors(form: str, a: Array, b: Array) -> tuple[Factor, Factor]:
    of_a, of_b = FORMS[form]
    return PORTABLE.factor(a, of_a, None), PORTABLE.factor(b, of_b, None)


def _signs(rng: np.random.RandomState, k: int) -> Array:
    return rng.choice([-1.0, 1.0], k)


# Adversarial terms: a stream, how many, and the bits that they will be rounded to.
Terms = Callable[[np.random.RandomState, int, int], Any]
TERMS: dict[str, Terms] = {
    "normal": lambda rng, k, bits: normal(rng, (k,)),
    "of many sizes": lambda rng, k, bits: 10.0 ** rng.uniform(-12, 12, k) * _signs(rng, k),
    "of all sizes": lambda rng, k, bits: 2.0 ** rng.uniform(-1074, 500, k) * _signs(rng, k),
    "just above a power": lambda rng, k, bits: 1.0 + rng.randint(0, 2, k) * 2.0**-52,
    "just below a power": lambda rng, k, bits: np.full(k, 2.0 - 2.0**-52),
    "half a unit off": lambda rng, k, bits: np.full(k, 1.0 + 2.0**-bits),
    "nearly half a unit off": lambda rng, k, bits: (
        1.0 + rng.randint(0, 50, k) * 2.0 ** (1 - bits) + 2.0**-bits + _signs(rng, k) * 2.0**-52
    ),
    "full": lambda rng, k, bits: 2.0 - rng.randint(1, 50, k) * 2.0 ** (1 - bits),
    "cancelling": lambda rng, k, bits: (
        np.resize([1.0, -1.0], k) * np.repeat(rng.uniform(1, 9, k), 2)[:k]
    ),
    "one is large": lambda rng, k, bits: np.where(np.arange(k) == k // 2, 2.0**90, rng.rand(k)),
    "blocks of other sizes": lambda rng, k, bits: (
        np.resize(np.repeat([2.0**30, 1.0, -(2.0**30)], BLOCK), k) * rng.rand(k)
    ),
    "at the limit": lambda rng, k, bits: BELOW_LIMIT * _signs(rng, k),
    "about the smallest": lambda rng, k, bits: 2.0 ** rng.uniform(-430, -398, k) * _signs(rng, k),
    "subnormal": lambda rng, k, bits: TINIEST * rng.randint(-99, 99, k),
    "0": lambda rng, k, bits: np.zeros(k),
}


def _rows(k: int, bits: int, rng: np.random.RandomState) -> Array:
    """Return a row of k terms of every kind."""
    return np.array([terms(rng, k, bits) for terms in TERMS.values()])


def _largest(x: Array, axis: int) -> list[Fraction]:
    """Return the largest sizes, and not less than errors can be relative to."""
    return [Fraction(value) for value in np.abs(x).max(axis=axis, initial=SMALLEST).tolist()]


def _bits(k: int) -> int:
    return BITS[max(size for size in BITS if size <= k)]


def test_bits() -> None:
    """As many as possible, so that k products of two such numbers stay within 2^53."""
    for k, bits in BITS.items():
        assert k * 2 ** (2 * bits) <= 2**53 < 2 * k * 2 ** (2 * bits + 2)
        assert _bits(k) == bits


def _shares(a: Array, b: Array, actual: Array, bits: int, largest: Any) -> list[Fraction]:
    """Return each element's error as a share of what it may be, given the largest factors."""
    k, exact = a.shape[1], _product(a, b)
    bound = k * (Fraction(2) ** (1 - bits) + Fraction(2) ** (3 - 2 * bits))
    return [
        abs(Fraction(float(actual[i, j])) - exact[i][j]) / (bound * largest(i, j))
        for i, j in np.ndindex(actual.shape)
    ]


@pytest.mark.parametrize("k", SIZES_OF_SUMS)
def test_products_error_bound(k: int, rng: np.random.RandomState) -> None:
    """Rows of every kind times columns of every kind, each element against the docstring's."""
    a, b = _rows(k, _bits(k), rng), _rows(k, _bits(k), rng).T
    assert a.shape == (len(TERMS), k)
    actual = PORTABLE.matmul(*_factors("lines", a, b))
    of_rows, of_columns = _largest(a, 1), _largest(b, 0)
    shares = _shares(a, b, actual, _bits(k), lambda i, j: of_rows[i] * of_columns[j])
    assert max(shares) <= 1
    assert max(shares) >= 0.99  # it is the least bound


@pytest.mark.parametrize("k", SIZES_OF_SUMS)
@pytest.mark.parametrize("kind", TERMS)
def test_products_error_bound_of_wholes(k: int, kind: str, rng: np.random.RandomState) -> None:
    """Likewise of matrices of one kind; their larger sides decide to how many bits."""
    bits = _bits(max(k, 3))
    a, b = (np.array([TERMS[kind](rng, k, bits) for _ in range(rows)]) for rows in (2, 3))
    (of_a,), (of_b,) = _largest(a.reshape(1, -1), 1), _largest(b.reshape(1, -1), 1)
    actual = _matmul(PORTABLE, a, b.T)
    assert max(_shares(a, b.T, actual, bits, lambda i, j: of_a * of_b)) <= 1


@pytest.mark.parametrize("k", SIZES_OF_SUMS)
@all_forms
def test_products_of_rounded_numbers_are_exact(
    k: int, form: str, rng: np.random.RandomState
) -> None:
    """The result has the bits of the one that is rounded and multiplied in whole numbers."""
    a, b = _rows(k, _bits(k), rng), _rows(k, _bits(k), rng).T
    of_a, of_b = FORMS[form]
    product = PORTABLE.matmul(*_factors(form, a, b))
    _same_bits(product, _product_by_hand(_factor(a, of_a), _factor(b, of_b)))


@pytest.mark.parametrize("k", [1, 3, 40, 2049])
@pytest.mark.parametrize("spoiler", [NAN, INF, -INF, LIMIT, -LARGEST, 1e100, 0.0])
def test_rows_and_columns_are_their_own(k: int, spoiler: float, rng: np.random.RandomState) -> None:
    """What stands in a row of A changes its row of the product; likewise a column of B."""
    a, b = normal(rng, (4, k)), normal(rng, (k, 5))
    product = PORTABLE.matmul(*_factors("lines", a, b))
    spoilt_a, spoilt_b = a.copy(), b.copy()
    spoilt_a[2, k // 2] = spoilt_b[k // 2, 3] = spoiler
    with np.errstate(over="ignore", invalid="ignore"):
        of_a = PORTABLE.matmul(*_factors("lines", spoilt_a, b))
        of_b = PORTABLE.matmul(*_factors("lines", a, spoilt_b))
    _same_bits(np.delete(of_a, 2, axis=0), np.delete(product, 2, axis=0))
    _same_bits(np.delete(of_b, 3, axis=1), np.delete(product, 3, axis=1))
    assert not np.any(of_a[2] == product[2])
    assert not np.any(of_b[:, 3] == product[:, 3])
    if not abs(spoiler) < LIMIT:
        assert np.isnan(of_a[2]).all()
        assert np.isnan(of_b[:, 3]).all()


@pytest.mark.parametrize("k", [3, 2049])
@pytest.mark.parametrize("order", MEMORY_ORDERS)
@all_forms
def test_products_of_any_memory_order(
    k: int, order: str, form: str, rng: np.random.RandomState
) -> None:
    """Arguments may be read-only, lie in memory as they like, and are not changed."""
    a, b = 2.0 ** rng.uniform(-30, 30, (4, k)), normal(rng, (k, 5))
    expected, reorder = PORTABLE.matmul(*_factors(form, a, b)), MEMORY_ORDERS[order]
    given_a, given_b = reorder(a), reorder(b)
    given_a.flags.writeable = given_b.flags.writeable = False
    _same_bits(PORTABLE.matmul(*_factors(form, given_a, given_b)), expected)
    _same(given_a, a)
    _same(given_b, b)


@pytest.mark.parametrize("k", [3, 2049])
def test_products_of_transposed_factors(k: int, rng: np.random.RandomState) -> None:
    """(A B)^T = B^T A^T, to the bit: no side of a product is treated in another way."""
    a, b = 2.0 ** rng.uniform(-30, 30, (4, k)), normal(rng, (k, 5))
    _same_bits(_matmul(PORTABLE, b.T, a.T), _matmul(PORTABLE, a, b).T)
    lines = PORTABLE.matmul(*_factors("lines", b.T, a.T))
    _same_bits(lines, PORTABLE.matmul(*_factors("lines", a, b)).T)


# Sums and means.

SUMMED = [1, 2, 3, 8, 9, 100, 2**13, 2**13 + 1, 20_000]


def _bits_of_sum(n: int) -> int:
    return min(53 - math.ceil(math.log2(n)), 50)


def _sum_by_hand(terms: Array) -> float:
    """Return what a portable sum must be: the terms rounded, and added exactly."""
    wholes = _wholes(_nearest(terms, _bits_of_sum(terms.size))) if terms.size else []
    return float(Fraction(sum(wholes), 2**1074))


@pytest.mark.parametrize("n", SUMMED)
def test_sums_error_bound(n: int, rng: np.random.RandomState) -> None:
    """Terms of every kind, against the docstring's; means likewise, and half a unit more."""
    bits = _bits_of_sum(n)
    x = _rows(n, bits, rng)
    bound = n * (Fraction(2) ** -bits + Fraction(1, 2**51))
    with using(PORTABLE):
        sums, means = numerics.sum(x, axis=1).tolist(), numerics.mean(x, axis=1).tolist()
    assert means == [total / n for total in sums]
    errors = [
        abs(Fraction(total) - Fraction(sum(_wholes(row)), 2**1074)) / largest
        for row, total, largest in zip(x, sums, _largest(x, 1), strict=True)
    ]
    assert max(errors) <= bound
    assert max(errors) >= 0.99 * n * 2.0**-bits  # so its first part is the least


@pytest.mark.parametrize("n", SUMMED)
def test_sums_of_rounded_numbers_are_exact(n: int, rng: np.random.RandomState) -> None:
    """The result has the bits of the one that is rounded and added in whole numbers."""
    x = _rows(n, _bits_of_sum(n), rng)
    _same(PORTABLE.sum(x, 1, False), np.array([_sum_by_hand(row) for row in x]))


# An axis of an array with three, and the axes that it means.
AXES: list[tuple[Axis, tuple[int, ...]]] = [
    (None, (0, 1, 2)), (0, (0,)), (1, (1,)), (2, (2,)), (-1, (2,)), (-3, (0,)), ((), ()),
    ((1,), (1,)), ((0, 2), (0, 2)), ((2, 1), (1, 2)), ((-1, 0), (0, 2)), ((0, 1, 2), (0, 1, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("axis", "meant"), AXES)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("order", MEMORY_ORDERS)
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 9, 1), (3, 0, 2)])
def test_sums_over_axes(
    axis: Axis, meant: tuple[int, ...], keepdims: bool, order: str, shape: tuple[int, ...],
    rng: np.random.RandomState,
) -> None:  # fmt: skip
    """Each is the sum over its own terms, rounded to their own unit; nothing is changed."""
    x = 10.0 ** rng.uniform(-9, 9, shape) * rng.choice([-1.0, 1.0], shape)
    kept = tuple(i for i in range(3) if i not in meant)
    sizes = [shape[i] for i in kept]
    rows = x.transpose(*kept, *meant).reshape(*sizes, math.prod(shape[i] for i in meant))
    expected = np.array([_sum_by_hand(rows[place]) for place in np.ndindex(*sizes)]).reshape(sizes)
    expected = np.expand_dims(expected, meant) if keepdims else expected
    given = MEMORY_ORDERS[order](x)
    given.flags.writeable = False
    with using(PORTABLE):
        _same(numerics.sum(given, axis, keepdims), expected)
        if expected.size and rows.shape[-1]:
            _same(numerics.mean(given, axis, keepdims), expected / rows.shape[-1])
    _same(given, x)
    with using(NATIVE):
        _same(
            numerics.sum(given, axis, keepdims), np.asarray(np.sum(given, axis, keepdims=keepdims))
        )


def test_sums_are_over_everything_by_default() -> None:
    for computing in NUMERICS.values():
        with using(computing):
            assert np.asarray(numerics.sum(np.ones((2, 3)))).tolist() == 6
            assert np.asarray(numerics.mean(np.ones((2, 3)))).tolist() == 1


# The order of a sum.

numbers = st.floats(-LIMIT, LIMIT, exclude_min=True, exclude_max=True)
seeds = st.integers(0, 2**32 - 1)
sums = st.integers(1, 40).flatmap(lambda k: arrays(np.float64, (3, k), elements=numbers))
products = st.integers(1, 40).flatmap(
    lambda k: st.tuples(
        arrays(np.float64, (3, k), elements=numbers), arrays(np.float64, (k, 2), elements=numbers)
    )
)


@PROPERTY
@given(products, st.sampled_from([*FORMS]), st.data())
def test_the_order_of_a_products_terms_does_not_matter(
    factors: tuple[Array, Array], form: str, data: st.DataObject
) -> None:
    """The product of permuted factors, and the loop over the terms, have the same bits."""
    a, b = factors
    order = data.draw(st.permutations(range(a.shape[1])))
    product = PORTABLE.matmul(*_factors(form, a, b))
    _same_bits(PORTABLE.matmul(*_factors(form, a[:, order], b[order])), product)
    of_a, of_b = FORMS[form]
    rounded_a, rounded_b = _factor(a, of_a), _factor(b, of_b)
    total = np.zeros(product.shape)
    for i in order:
        total += np.outer(rounded_a[:, i], rounded_b[i])
    _same_bits(total, product)


@PROPERTY
@given(
    st.sampled_from(SIZES_OF_SUMS[2:]), st.sampled_from([*TERMS]), st.sampled_from([*FORMS]), seeds
)
def test_the_order_of_many_terms_does_not_matter(k: int, kind: str, form: str, seed: int) -> None:
    """Up to 2048, which come within a little of 2^53 units; of more, within each block."""
    rng = np.random.RandomState(seed)
    terms = TERMS[kind]
    a = np.array([terms(rng, k, _bits(k)) for _ in range(3)])
    b = np.array([TERMS["full"](rng, k, _bits(k)), terms(rng, k, _bits(k))]).T
    blocks = [np.arange(start, min(start + BLOCK, k)) for start in range(0, k, BLOCK)]
    order = np.concatenate([rng.permutation(block) for block in blocks])
    permuted = PORTABLE.matmul(*_factors(form, a[:, order], b[order]))
    _same_bits(permuted, PORTABLE.matmul(*_factors(form, a, b)))
    terms_of_sum = np.array([terms(rng, k, _bits_of_sum(k)) for _ in range(3)])
    order = rng.permutation(k)
    _same(PORTABLE.sum(terms_of_sum[:, order], 1, False), PORTABLE.sum(terms_of_sum, 1, False))


@PROPERTY
@given(sums, st.data())
def test_the_order_of_a_sums_terms_does_not_matter(x: Array, data: st.DataObject) -> None:
    """Sum and mean of permuted terms have the same bits, and so has the loop."""
    order = data.draw(st.permutations(range(x.shape[1])))
    everywhere = data.draw(st.permutations(range(x.size)))
    with using(PORTABLE):
        for operation in (numerics.sum, numerics.mean):
            _same(operation(x[:, order], axis=1), operation(x, axis=1))
            _same(operation(x.T[order], axis=0), operation(x, axis=1))
            _same(operation(x.ravel()[everywhere]), operation(x))
        bits = _bits_of_sum(x.shape[1])
        rounded = np.array([_nearest(row, bits) for row in x])
        total = np.zeros(3)
        for i in order:
            total += rounded[:, i]
        _same(total, numerics.sum(x, axis=1))


def test_the_order_matters_to_native() -> None:
    """2^53 + 1 - 2^53 is 0 or 1, whatever comes first; so the tests above look at something."""
    orders = [np.array(order) for order in permutations([2.0**53, 1.0, -(2.0**53)])]
    for computing, different in ((PORTABLE, 1), (NATIVE, 2)):
        sums = {float(computing.sum(x, axis=None, keepdims=False)) for x in orders}
        products = {_matmul(computing, x[np.newaxis], np.ones((3, 1))).item() for x in orders}
        assert (len(sums), len(products)) == (different, different)


# Factors.


@both_numerics
def test_native_factors_are_the_arrays(which: NumericsName, rng: np.random.RandomState) -> None:
    """The very same; portable ones are other arrays, and leave the given ones alone."""
    x = read_only(normal(rng, (4, 3)))
    with using(NUMERICS[which]):
        assert (numerics.factor(x) is x) == (which == "native")
        assert np.any(numerics.factor(x, axis=0) != x) == (which == "portable")


@pytest.mark.parametrize("k", [1, 5, 2047, 2048, 2049, 5000])
@pytest.mark.parametrize("order", MEMORY_ORDERS)
def test_a_factor_may_be_transposed(k: int, order: str, rng: np.random.RandomState) -> None:
    """One that is rounded as a whole is rounded as its transpose is."""
    x = MEMORY_ORDERS[order](normal(rng, (k, 3)) * 10.0 ** rng.randint(-9, 9, (k, 3)))
    _same(PORTABLE.factor(x, None, None).T, PORTABLE.factor(x.T, None, None))


def test_a_factor_may_be_rounded_before_it_is_arranged(rng: np.random.RandomState) -> None:
    """To the bits that its own, larger shape asks for."""
    source = normal(rng, (5,)) * 10.0 ** rng.randint(-9, 9, 5)
    copies = rng.randint(0, 5, (300, 7))
    copies[0, :5] = range(5)  # the largest, too
    arranged = PORTABLE.factor(source, None, 300)[copies]
    _same(arranged, PORTABLE.factor(source[copies], None, None))


@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (2, 3000), (3000, 2), (1, 1)])
@pytest.mark.parametrize("axis", [0, 1])
def test_sums_of_a_factor(shape: Shape, axis: int, rng: np.random.RandomState) -> None:
    """They are exact, as NumPy adds them up in whatever order."""
    x = normal(rng, shape) * 10.0 ** rng.randint(-4, 4, shape)
    lines = _factor(x, None) if axis else _factor(x, None).T
    exact = [float(Fraction(sum(_wholes(line)), 2**1074)) for line in lines]
    _same(PORTABLE.factor(x, None, None).sum(axis=axis), np.array(exact))


def test_portable_products_and_sums_refuse_float32() -> None:
    """Every layer that learns has one of them, and so has the loss; native ones keep it."""
    x = np.ones((3, 3), np.float32)
    calls: list[Callable[[Numerics], Array]] = [
        lambda n: _matmul(n, x, x),
        lambda n: n.factor(x, 0, None),
        lambda n: n.sum(x, axis=0, keepdims=False),
    ]
    for call in calls:
        assert call(NATIVE).dtype == np.float32
        with pytest.raises(TypeError, match=r"^portable numerics take float64, not float32$"):
            call(PORTABLE)
    for name in ("exp", "log", "tanh", "sin", "cos"):
        assert getattr(NATIVE, name)(x).dtype == np.float32
