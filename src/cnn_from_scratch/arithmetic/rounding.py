"""Rounding by which sums, and sums of products, become exact: then no order can change them."""

import math
from typing import Any

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array, Axis

EXACT_BITS = 53  # whole numbers up to 2^53 in size, and so their sums, are exact in float64
BLOCK = 2048  # terms of a matrix product's sum that are added exactly; then blocks, in order
SMALLEST = math.ldexp(1.0, -400)  # so that products of rounded numbers never underflow


TO_OVERFLOW = math.ldexp(1.0, 523)  # takes 2^501 and more to inf: no product overflows
# And back, times 2^(53-bits) + 2.
FROM_OVERFLOW = [
    math.ldexp(math.ldexp(1.0, EXACT_BITS - bits) + 2.0, -523) for bits in range(EXACT_BITS + 1)
]


def factor_bits(terms: int) -> int:
    """Return to how many bits the factors of so many products are rounded.

    With |n| <= 2^bits for the whole numbers n of units, and K * 2^(2*bits) <= 2^53, K products add
    up exactly. For K > BLOCK, that holds for each block of terms.
    """
    return (EXACT_BITS - (min(terms, BLOCK) - 1).bit_length()) // 2


def sum_bits(terms: int) -> int:
    """Return to how many bits so many terms are rounded, so that they add up exactly."""
    return min(EXACT_BITS - (terms - 1).bit_length(), 50)


def rounded(x: Array, axis: Axis, bits: int) -> Array:
    """Round x to n units, |n| <= 2^bits: the same unit for all numbers along the axis.

    Adding and subtracting S = (2^(53-bits) + 2) * max |x| makes the hardware do it: between
    S - max |x| and S + max |x|, float64 numbers are multiples of the unit. Where the largest is
    below 2^-400, 2^-400 takes its place. All numbers along the axis become NaN if one is not
    finite, or is 2^501 or more.

    x float64; raises TypeError if it is not.
    """
    if x.dtype != np.float64:
        raise TypeError(f"portable numerics take float64, not {x.dtype}")
    keepdims: Any = axis is not None
    shifter = np.maximum.reduce(np.abs(x), axis=axis, keepdims=keepdims, initial=SMALLEST)
    shifter *= TO_OVERFLOW
    shifter *= FROM_OVERFLOW[bits]
    result = x + shifter
    result -= shifter
    return result
