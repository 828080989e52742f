"""The convolution's loops with the portable numerics' rounding: the same bits on every machine.

`arithmetic` rounds the factors of a matrix product so far that its products, and all sums of them,
are exact. Then no order of adding changes a bit, not even the one that `dot` takes, and these loops
give what the product gives. The other factor comes rounded already; what is left is to round the
inputs.
"""

from typing import Any

import numpy as np
from numba import prange

from cnn_from_scratch.arithmetic import rounding
from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.compiled.convolution import input_gradient, weights_of
from cnn_from_scratch.compiled.kernel import INLINED, REORDERED, Kernel, function

BLOCK = rounding.BLOCK
TO_OVERFLOW = rounding.TO_OVERFLOW
# To what factors of products are rounded, as `shifter` takes it, by the number of their terms.
UNITS = np.array([rounding.FROM_OVERFLOW[rounding.factor_bits(k)] for k in range(BLOCK + 1)])
SIZE = (1 << 63) - 1  # all bits of a float but its sign's
SMALLEST_BITS = int(np.array(rounding.SMALLEST).view(np.int64))


@function()
def unit_of(terms: int) -> float:
    """Return to what factors of so many products are rounded, as `shifter` takes it."""
    return float(UNITS[min(terms, BLOCK)])


@function()
def size(x: float) -> int:
    """Return the bits of |x|; as whole numbers they are in its order, with inf and NaN on top."""
    return int(np.float64(x).view(np.int64) & SIZE)


@function()
def shifter(largest: int, unit: float) -> float:
    """Return what to add and subtract, to round numbers the largest of which has this size."""
    return float(np.int64(largest).view(np.float64) * TO_OVERFLOW * unit)


@function()
def whole_shifter(x: Array, unit: float) -> float:
    """Return the shifter for all numbers of x."""
    largest = SMALLEST_BITS
    numbers = x.reshape(-1)
    for i in range(len(numbers)):
        largest = max(largest, size(numbers[i]))
    return shifter(largest, unit)


@function()
def round_all(x: Array, unit: float, rounded: Array) -> None:
    """Round all numbers of x to the same unit; `rounded` may be x itself."""
    numbers, results = x.reshape(-1), rounded.reshape(-1)
    shift = whole_shifter(x, unit)
    for i in range(len(numbers)):
        results[i] = numbers[i] + shift - shift


@function(**INLINED)
def rounded(W: Array, unit: float) -> Array:
    """Return W as products take it."""
    result = np.empty_like(W)
    round_all(W, unit, result)
    return result


@function()
def bias_gradient(dy: Array, db: Array) -> None:
    """db[o] = sum over i,j,n of dy[o,i,j,n]."""
    for o in range(len(db)):
        total = 0.0
        for term in dy[o].reshape(-1):
            total += term
        db[o] = total


@Kernel
def sums(W: Array, b: Array, x: Array, stride: int, unit: float, y: Array) -> None:
    """y[o,i,j,n] = b[o] + sum over c,u,v of W[o,c,u,v] * rounded x[c, s*i+u, s*j+v, n]."""
    out_channels, channels, k, _ = W.shape
    _, h_out, w_out, samples = y.shape
    for i in prange(h_out):
        total = np.empty((out_channels, samples))
        largest = np.empty(samples, np.int64)
        shift = np.empty(samples)
        rounded = np.empty(samples)
        for j in range(w_out):
            largest[:] = SMALLEST_BITS
            for c in range(channels):
                for u in range(k):
                    for v in range(k):
                        for n in range(samples):
                            here = size(x[c, stride * i + u, stride * j + v, n])
                            largest[n] = max(largest[n], here)
            for n in range(samples):
                shift[n] = shifter(largest[n], unit)
            total[:] = 0.0
            for c in range(channels):
                for u in range(k):
                    for v in range(k):
                        for n in range(samples):
                            shifted = x[c, stride * i + u, stride * j + v, n] + shift[n]
                            rounded[n] = shifted - shift[n]
                        for o in range(out_channels):
                            weight = W[o, c, u, v]
                            for n in range(samples):
                                total[o, n] += weight * rounded[n]
            for o in range(out_channels):
                for n in range(samples):
                    y[o, i, j, n] = total[o, n] + b[o]


@function(**REORDERED)
def dot(a: Array, b: Array) -> Any:
    """Return the sum of a * b."""
    total = a.dtype.type(0.0)
    for t in range(len(a)):
        total += a[t] * b[t]
    return total


@Kernel
def weight_gradient(dy: Array, x: Array, stride: int, shift: float, dW: Array) -> None:
    """dW[o,c,u,v] = sum over n,i,j of dy[o,i,j,n] * rounded x[c, s*i+u, s*j+v, n], in blocks."""
    out_channels, channels, k, _ = dW.shape
    _, h_out, w_out, samples = dy.shape
    by_channel = dy.reshape(out_channels, -1)
    terms = by_channel.shape[1]
    for u in prange(k):
        rounded = np.empty((h_out, w_out, samples))
        flat = rounded.reshape(-1)
        for c in range(channels):
            for v in range(k):
                for i in range(h_out):
                    for j in range(w_out):
                        for n in range(samples):
                            shifted = x[c, stride * i + u, stride * j + v, n] + shift
                            rounded[i, j, n] = shifted - shift
                for start in range(0, terms, BLOCK):
                    block = slice(start, min(start + BLOCK, terms))
                    for o in range(out_channels):
                        product = dot(by_channel[o, block], flat[block])
                        dW[o, c, u, v] = product if start == 0 else dW[o, c, u, v] + product


@Kernel
def conv(link: Any, theta: Array, x: Array, y: Array) -> None:
    """Compute y, as `sums` does."""
    W, b = weights_of(link, theta)
    window = W[0].size
    sums(rounded(W, unit_of(max(len(W), window))), b, x, link.stride, unit_of(window), y)


@Kernel
def conv_backward(
    link: Any, theta: Array, x: Array, y: Array, dy: Array, wants_dx: bool, dx: Array, dtheta: Array
) -> None:
    """Compute dW, db and dx."""
    W, _ = weights_of(link, theta)
    dW, db = weights_of(link, dtheta)
    window, places = W[0].size, dy[0].size
    round_all(dy, unit_of(max(places, len(W))), dy)
    bias_gradient(dy, db)
    weight_gradient(dy, x, link.stride, whole_shifter(x, unit_of(max(places, window))), dW)
    if wants_dx:
        W = rounded(W, unit_of(max(len(W), window)))
        input_gradient(W, dy, link.stride, dx)
