"""The portable exponential, logarithm and tanh, operation by operation those of `arithmetic`.

There every operation goes once through the whole array; here all of them are done with one number
after the other, several at once in the processor's vector registers. The bits are the same.
"""

import math
from collections.abc import Callable

import numpy as np
from numba import prange

from cnn_from_scratch.arithmetic import elementary
from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.compiled.kernel import Kernel, function, fused
from cnn_from_scratch.nn.numerics import Portable

LOG2_E, LN2_HIGH, LN2_LOW, ROUNDER = map(
    float, (elementary.LOG2_E, elementary.LN2_HIGH, elementary.LN2_LOW, elementary.ROUNDER)
)
COTH_TERMS = tuple(map(float, elementary.COTH_TERMS))
LOG_TERMS = tuple(map(float, elementary.LOG_TERMS))
SQRT_HALF = float(elementary.SQRT_HALF)


@function()
def polynomial(x: float, terms: tuple[float, ...]) -> float:
    """Return sum of terms[i] * x^i by Horner's rule."""
    y = x * terms[-1]
    for i in range(len(terms) - 2, 0, -1):
        y = (y + terms[i]) * x
    return y + terms[0]


@function()
def power_of_two(k: np.int64) -> float:
    """Return 2^k for k from -1022 to 1023; k may stand in a rounder's last bits.

    NaN times it is NaN, whatever became of k. (To add k to another number's exponent is no quicker,
    and makes some NaN a number.)
    """
    return float(np.int64((k + 1023) << 52).view(np.float64))


@function()
def split_exp(x: float) -> tuple[np.int64, float, float]:
    """Return k = rint(x / ln 2) in a rounder's last bits, and C + r and C - r.

    r = x - k ln 2, and C = r coth(r/2).
    """
    shifted = x * LOG2_E + ROUNDER
    k = shifted - ROUNDER
    r = x - k * LN2_HIGH - k * LN2_LOW
    c = polynomial(r * r, COTH_TERMS)
    return np.float64(shifted).view(np.int64), c + r, c - r


fused_polynomial = fused(polynomial)
fused_split_exp = fused(split_exp, polynomial=fused_polynomial)


@function()
def exp_in_range(x: float) -> float:
    """Return e^x = 2^k (C + r) / (C - r) for x from -708 to 709."""
    k_in_last_bits, numerator, denominator = split_exp(x)
    return numerator / denominator * power_of_two(k_in_last_bits)


@function()
def exp_of(x: float) -> float:
    """Return e^x for any x; 2^k itself may be out of range where y * 2^k is not."""
    if x < -746.0:
        x = -746.0
    elif x > 710.0:
        x = 710.0
    k_in_last_bits, numerator, denominator = split_exp(x)
    k = k_in_last_bits - elementary.ROUNDER_BITS
    half = k >> 1
    return numerator / denominator * power_of_two(half) * power_of_two(k - half)


@function()
def log_of(x: float) -> float:
    """Return ln x = e ln 2 + ln(1+f), with x = 2^e (1+f); -inf at 0, NaN below, inf at inf."""
    if not (x > 0.0 and x < np.inf):
        return -np.inf if x == 0.0 else (np.inf if x > 0.0 else np.nan)
    m, e = math.frexp(x)
    if m < SQRT_HALF:
        m, e = m + m, e - 1
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    rest = z * polynomial(z, LOG_TERMS)
    half_square = 0.5 * f * f
    return e * LN2_HIGH - ((half_square - (s * (half_square + rest) + e * LN2_LOW)) - f)


@function()
def tanh_of(x: float) -> float:
    """Return tanh |x|, near 0 r / C with r = 2|x|, else (e^r - 1) / (e^r + 1), and x's sign."""
    r = 2.0 * min(abs(x), 20.0)
    if r > 0.35:
        k_in_last_bits, numerator, denominator = split_exp(r)
        numerator *= power_of_two(k_in_last_bits)
        y = (numerator - denominator) / (numerator + denominator)
    else:
        y = r / polynomial(r * r, COTH_TERMS)
    return math.copysign(y, x)


@Kernel
def exp_all(x: Array, y: Array) -> None:
    """y[i] = exp(x[i])."""
    for i in prange(len(x)):
        y[i] = exp_of(x[i])


@Kernel
def log_all(x: Array, y: Array) -> None:
    """y[i] = log(x[i])."""
    for i in prange(len(x)):
        y[i] = log_of(x[i])


@Kernel
def tanh_all(x: Array, y: Array) -> None:
    """y[i] = tanh(x[i])."""
    for i in prange(len(x)):
        y[i] = tanh_of(x[i])


def of_each(kernel: Kernel, steps: int) -> Callable[[Array], Array]:
    """Return the function of arrays of any shape; a number takes about so many steps."""

    def of_array(x: Array) -> Array:
        flat = x.reshape(-1)
        y = np.empty(flat.shape)
        kernel.run(steps * flat.size, flat, y)
        return y.reshape(x.shape)

    return elementary.in_memory_order(of_array)


class CompiledPortable(Portable):
    """Portable numerics, with the same bits in less time."""

    exp: Callable[[Array], Array] = staticmethod(of_each(exp_all, 30))
    log: Callable[[Array], Array] = staticmethod(of_each(log_all, 40))
    tanh: Callable[[Array], Array] = staticmethod(of_each(tanh_all, 40))


PORTABLE = CompiledPortable()
