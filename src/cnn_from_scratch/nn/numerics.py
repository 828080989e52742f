"""The few operations whose last bits, left to BLAS and to the C library, depend on the machine.

IEEE 754 fixes the result of one +, -, *, /, square root, rounding or comparison. It does not fix
the order in which a matrix product or a sum adds up, nor exp, log, tanh, sin and cos. Here are
these, in two versions: `portable`, with the same bits on every machine, and `native`, NumPy's own.
The layers call the functions of this module; `using` chooses the version, native unless told.
docs/portability.md has the mathematics: why the portable ones are exact or fixed, how accurate, and
at what cost.

All take and return float64; the native ones keep float32 as well.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, reduce, wraps
from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, np.dtype[np.floating[Any]]]
Integers = np.ndarray[Any, np.dtype[np.int64]]
Axis = int | tuple[int, ...] | None
Version = Literal["portable", "native"]

EXACT_BITS = 53  # whole numbers up to 2^53 in size, and so their sums, are exact in float64
BLOCK = 2048  # terms of a matrix product's sum that are added exactly; then blocks, in order
SMALLEST = math.ldexp(1.0, -400)  # so that products of rounded numbers never underflow


def _constant(value: float) -> Any:
    """Return an array of no dimension: NumPy converts a Python number anew in each operation."""
    return np.array(value)


TO_OVERFLOW = math.ldexp(1.0, 523)  # takes 2^501 and more to inf: no product overflows
# And back, times 2^(53-bits) + 2.
FROM_OVERFLOW = [math.ldexp(2.0 ** (53 - bits) + 2.0, -523) for bits in range(EXACT_BITS + 1)]
# Adding ROUNDER rounds to a whole number, which the last bits then hold.
ROUNDER = _constant(math.ldexp(1.5, 52))
ROUNDER_BITS = 0x4338000000000000
LOG2_E = _constant(1.4426950408889634)
# ln 2 is LN2_HIGH + LN2_LOW; the first ends in zero bits, so that its products with whole numbers
# below 2^20 are exact.
LN2_HIGH = _constant(6.93147180369123816490e-01)
LN2_LOW = _constant(1.90821492927058770002e-10)
SQRT_HALF = _constant(0.7071067811865476)
HALF, ONE, TWO = _constant(0.5), _constant(1.0), _constant(2.0)
COTH = [2, 1 / 6, -1 / 360, 1 / 15120, -1 / 604800, 1 / 23950080, -691 / 653837184000]
COTH_TERMS = [_constant(term) for term in COTH]
LOG_TERMS = [_constant(2.0 / (2 * i + 3)) for i in range(10)]
SIN_TERMS = [_constant((1 - i % 2 * 2) / math.factorial(2 * i + 1)) for i in range(14)]
COS_TERMS = [_constant((1 - i % 2 * 2) / math.factorial(2 * i)) for i in range(15)]


@dataclass(eq=False)
class Operand:
    """A factor of several products, or of a sum as well: how it is rounded for them is kept.

    axis: None, as for a plain array, if it is rounded as a whole; or the one that the products add
        up, so that each row (axis 1) or column (axis 0) is rounded by itself.
    rounding: what rounds it, where there is a quicker way to the same.
    """

    array: Array
    axis: Literal[0, 1] | None = None
    rounding: Callable[[], Array] | None = None

    @cached_property
    def rounded(self) -> Array:
        """The factor as portable products and sums take it."""
        return self.rounding() if self.rounding else rounded_factor(self.array, self.axis)

    @property
    def T(self) -> "Operand":  # noqa: N802, as NumPy has it
        """The transposed factor of one that is rounded as a whole; both are rounded at once."""
        return Operand(self.array.T, rounding=lambda: self.rounded.T)


@dataclass(frozen=True)
class Primitives:
    """One version of the operations."""

    matmul: Callable[[Array | Operand, Array | Operand], Array]
    sum: Callable[..., Array]
    exp: Callable[[Array], Array]
    log: Callable[[Array], Array]
    tanh: Callable[[Array], Array]
    sin: Callable[[Array], Array]
    cos: Callable[[Array], Array]


def matmul(a: Array | Operand, b: Array | Operand) -> Array:
    """Return a b for a (M, K) and b (K, N).

    Portable: each factor is first rounded, as a whole or, if an `Operand` says so, each row of a or
    column of b by itself. An element's error is then at most K * (2^(1-bits) + 2^(3-2*bits)) times
    the largest number of each factor (or of its row or column; or 2^-400, if that is larger), with
    bits = (53 - log2 min(K, 2048)) / 2, rounded down: 21 to 26; K stands for the larger side of
    what is rounded as a whole. Where one number is not finite, or is 2^501 or more, all that are
    rounded with it become NaN.
    """
    return _active.matmul(a, b)


def sum(x: Array | Operand, axis: Axis = None, keepdims: bool = False) -> Array:  # noqa: A001
    """Return the sum over the axes; 0 of no terms.

    Portable: the error is at most n * (2^-bits + 2^-51) times the largest of the n terms (or
    2^-400, if that is larger), with bits = 53 - log2 n, rounded down, and at most 50. NaN if a term
    is not finite, or is 2^501 or more. An operand is rounded as for its products.
    """
    return _active.sum(x, axis=axis, keepdims=keepdims)


def mean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the mean over the axes: their sum, divided by the number of terms, at least one."""
    total = sum(x, axis, keepdims)
    return total / (x.size // total.size)


def exp(x: Array) -> Array:
    """Return e^x: 0 below -746, inf above 709.8; NaN passes through. Portable: within 2.1 ulp."""
    return _active.exp(x)


def log(x: Array) -> Array:
    """Return ln x: -inf at 0, NaN below, inf at inf; NaN passes. Portable: within 1.2 ulp."""
    return _active.log(x)


def tanh(x: Array) -> Array:
    """Return tanh x; NaN passes through. Portable: within 5.1 ulp."""
    return _active.tanh(x)


def sin(x: Array) -> Array:
    """Return sin x for x from -pi to pi. Portable: error at most 2e-15."""
    return _active.sin(x)


def cos(x: Array) -> Array:
    """Return cos x for x from -pi to pi. Portable: error at most 2e-15."""
    return _active.cos(x)


def standard_normal(rng: np.random.RandomState, shape: tuple[int, ...]) -> Array:
    """Draw from N(0, 1), with the same bits on every machine in both versions.

    NumPy's own draw takes its logarithms from the platform's C library. This is the same method
    (polar: Marsaglia and Bray 1964), on the stream's uniform numbers and the portable logarithm.
    """
    needed = math.prod(shape)
    drawn = np.empty(0)
    while drawn.size < needed:
        u = 2.0 * rng.random_sample((needed - drawn.size, 2)) - 1.0
        s = u[:, 0] * u[:, 0] + u[:, 1] * u[:, 1]
        u, s = u[(s > 0) & (s < 1)], s[(s > 0) & (s < 1)]
        pairs = u * np.sqrt(-2.0 * _portable_log(s) / s)[:, np.newaxis]
        drawn = np.concatenate([drawn, pairs.ravel()])
    return drawn[:needed].reshape(shape)


@contextmanager
def using(version: Version | Primitives) -> Iterator[None]:
    """Compute with the named version, or with these operations, inside the block."""
    global _active
    before, _active = _active, VERSIONS[version] if isinstance(version, str) else version
    try:
        yield
    finally:
        _active = before


def _portable_matmul(a: Array | Operand, b: Array | Operand) -> Array:
    """Add up the products of blocks of at most 2048 terms, in order; each is exact once rounded."""
    a = a.rounded if isinstance(a, Operand) else rounded_factor(a)
    b = b.rounded if isinstance(b, Operand) else rounded_factor(b)
    if len(b) <= BLOCK:
        return _native_matmul(a, b)
    starts = range(0, len(b), BLOCK)
    return reduce(np.add, (_native_matmul(a[:, i : i + BLOCK], b[i : i + BLOCK]) for i in starts))


def rounded_factor(x: Array, axis: Literal[0, 1] | None = None, k: int | None = None) -> Array:
    """Round so far that products of K terms along the axis, and all sums of them, are exact.

    With |n| <= 2^bits for the whole numbers n of units, and K * 2^(2*bits) <= 2^53, no order of
    adding and no fused multiply-add can change the result. For K > 2048, that holds for each block
    of terms. Rounded as a whole (axis None), x may be a factor on either side: K is its larger one;
    or k, if x is what such a factor is made of.
    """
    k = k or (max(x.shape) if axis is None else x.shape[axis])
    return _rounded(x, axis, factor_bits(k))


def factor_bits(k: int) -> int:
    """Return to how many bits the factors of k products are rounded."""
    return (EXACT_BITS - (min(k, BLOCK) - 1).bit_length()) // 2


def _native_matmul(a: Array | Operand, b: Array | Operand) -> Array:
    """Return a b. Long sums go to BLAS transposed if a is the smaller factor: it is quicker."""
    a, b = _array(a), _array(b)
    if len(a) < b.shape[1] < len(b):
        return np.dot(b.T, a.T).T
    return np.dot(a, b)


def _array(x: Array | Operand) -> Array:
    return x.array if isinstance(x, Operand) else x


def _portable_sum(x: Array | Operand, axis: Axis, keepdims: bool) -> Array:
    if isinstance(x, Operand):
        return _native_sum(x.rounded, axis, keepdims)
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    terms = math.prod([x.shape[i] for i in axes])
    bits = min(EXACT_BITS - (terms - 1).bit_length(), 50)
    return _native_sum(_rounded(x, None if terms == x.size else axis, bits), axis, keepdims)


def _native_sum(x: Array | Operand, axis: Axis, keepdims: Any) -> Array:
    return np.add.reduce(_array(x), axis=axis, keepdims=keepdims)


def _rounded(x: Array, axis: Axis, bits: int) -> Array:
    """Round x to n units, |n| <= 2^bits: the same unit for all numbers along the axis.

    Adding and subtracting S = (2^(53-bits) + 2) * max |x| makes the hardware do it: between
    S - max |x| and S + max |x|, float64 numbers are multiples of the unit. Where the largest is
    below 2^-400, 2^-400 takes its place. All numbers along the axis become NaN if one is not
    finite, or is 2^501 or more.
    """
    if x.dtype != np.float64:
        raise TypeError(f"portable numerics take float64, not {x.dtype}")
    keepdims: Any = axis is not None
    shifter = np.maximum.reduce(np.abs(x), axis=axis, keepdims=keepdims, initial=SMALLEST)
    shifter *= TO_OVERFLOW
    shifter *= FROM_OVERFLOW[bits]
    rounded = x + shifter
    rounded -= shifter
    return rounded


def samples_last(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Let a function of each element work through an image batch as it lies in memory, N last.

    NumPy takes nearly twice the time for many small steps on an array whose axes are permuted.
    """

    @wraps(function)
    def on_memory(x: Array) -> Array:
        if x.flags.c_contiguous:
            return function(x)
        y = function(x.transpose(*range(1, x.ndim), 0))
        return y.transpose(-1, *range(x.ndim - 1))

    return on_memory


@samples_last
def _portable_exp(x: Array) -> Array:
    """Return e^x = 2^k (C + r) / (C - r)."""
    if not np.maximum.reduce(np.abs(x), axis=None, initial=0.0) <= 707.0:
        return _extreme_exp(x)
    k_in_last_bits, y, denominator = _split_exp(x)
    y /= denominator
    return _times_power_of_two(y, k_in_last_bits)


def _extreme_exp(x: Array) -> Array:
    """The same where 2^k itself may be out of range though e^x is not."""
    k_in_last_bits, y, denominator = _split_exp(np.minimum(np.maximum(x, -746.0), 710.0))
    k = k_in_last_bits.view(np.int64) - ROUNDER_BITS
    half = k >> 1
    return y / denominator * _power_of_two(half) * _power_of_two(k - half)


def _split_exp(x: Array) -> tuple[Array, Array, Array]:
    """Return k, as a whole number in the last bits of a float, and C + r and C - r.

    k = rint(x / ln 2) and r = x - k ln 2, so |r| <= 0.35 (Cody and Waite 1980); and
    C = r coth(r/2) = r (e^r + 1) / (e^r - 1), so e^r = (C + r) / (C - r).
    """
    k_in_last_bits = x * LOG2_E
    k_in_last_bits += ROUNDER
    k = k_in_last_bits - ROUNDER
    r = x - k * LN2_HIGH
    k *= LN2_LOW
    r -= k
    c = _polynomial(r * r, COTH_TERMS)
    return k_in_last_bits, c + r, c - r


def _times_power_of_two(y: Array, k_in_last_bits: Array) -> Array:
    """Return 2^k y."""
    bits = k_in_last_bits.view(np.int64) << 52  # k in the exponent's bits; the rounder's are gone
    bits += y.view(np.int64)
    return bits.view(np.float64)


def _portable_log(x: Array) -> Array:
    """Ln x = e ln 2 + ln(1+f), x = 2^e (1+f), and with s = f / (2+f): ln(1+f) = 2 artanh s.

    Written so that the leading term f is added last (fdlibm's e_log.c, with Taylor terms).
    """
    ordinary = (x > 0) & (x < np.inf)
    if not ordinary.all():
        y = _portable_log(np.where(ordinary, x, 1.0))
        return np.where(ordinary, y, np.where(x == 0, -np.inf, np.where(x > 0, np.inf, np.nan)))
    m, e = np.frexp(x)
    low = m < SQRT_HALF
    f = m + m * low - ONE
    e = (e - low).astype(np.float64)
    s = f / (TWO + f)
    z = s * s
    rest = z * _polynomial(z, LOG_TERMS)
    half_square = HALF * f * f
    return e * LN2_HIGH - ((half_square - (s * (half_square + rest) + e * LN2_LOW)) - f)


@samples_last
def _portable_tanh(x: Array) -> Array:
    """Tanh |x| = r / C near 0, for r = 2|x|, and (e^r - 1) / (e^r + 1); from 20 on, 1."""
    r = 2.0 * np.minimum(np.abs(x), 20.0)
    k_in_last_bits, numerator, denominator = _split_exp(r)
    numerator = _times_power_of_two(numerator, k_in_last_bits)
    far = (numerator - denominator) / (numerator + denominator)
    near = np.minimum(r, 0.35)
    near /= _polynomial(near * near, COTH_TERMS)
    return np.copysign(np.where(r > 0.35, far, near), x)


def _portable_sin(x: Array) -> Array:
    return x * _polynomial(x * x, SIN_TERMS)


def _portable_cos(x: Array) -> Array:
    return _polynomial(x * x, COS_TERMS)


def _polynomial(x: Array, terms: list[Array]) -> Array:
    """Return sum of terms[i] * x^i by Horner's rule, each * and + rounded by itself."""
    y = x * terms[-1]
    for term in terms[-2:0:-1]:
        y += term
        y *= x
    y += terms[0]
    return y


def _power_of_two(k: Integers) -> Array:
    """Return 2^k for k from -1022 to 1023, by writing k into the exponent's bits."""
    return (k + 1023 << 52).view(np.float64)


PORTABLE = Primitives(
    *(_portable_matmul, _portable_sum, _portable_exp, _portable_log, _portable_tanh),
    *(_portable_sin, _portable_cos),
)
NATIVE = Primitives(_native_matmul, _native_sum, np.exp, np.log, np.tanh, np.sin, np.cos)
VERSIONS: dict[Version, Primitives] = {"portable": PORTABLE, "native": NATIVE}
_active = NATIVE
