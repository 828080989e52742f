"""The elementary functions: exp, log, tanh, sin and cos, each a fixed row of exact operations."""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array

Integers = np.ndarray[Any, np.dtype[np.int64]]


def _constant(value: float) -> Any:
    """Return an array of no dimension: NumPy converts a Python number anew in each operation."""
    return np.array(value)


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


def in_memory_order(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
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


@in_memory_order
def exp(x: Array) -> Array:
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


def log(x: Array) -> Array:
    """Ln x = e ln 2 + ln(1+f), x = 2^e (1+f), and with s = f / (2+f): ln(1+f) = 2 artanh s.

    Written so that the leading term f is added last (fdlibm's e_log.c, with Taylor terms).
    """
    ordinary = (x > 0) & (x < np.inf)
    if not ordinary.all():
        y = log(np.where(ordinary, x, 1.0))
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


@in_memory_order
def tanh(x: Array) -> Array:
    """Tanh |x| = r / C near 0, for r = 2|x|, and (e^r - 1) / (e^r + 1); from 20 on, 1."""
    r = 2.0 * np.minimum(np.abs(x), 20.0)
    k_in_last_bits, numerator, denominator = _split_exp(r)
    numerator = _times_power_of_two(numerator, k_in_last_bits)
    far = (numerator - denominator) / (numerator + denominator)
    near = np.minimum(r, 0.35)
    near /= _polynomial(near * near, COTH_TERMS)
    return np.copysign(np.where(r > 0.35, far, near), x)


def sin(x: Array) -> Array:
    """Sin x = x * its power series in x^2."""
    return x * _polynomial(x * x, SIN_TERMS)


def cos(x: Array) -> Array:
    """Cos x = its power series in x^2."""
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
