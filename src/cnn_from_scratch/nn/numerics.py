"""The few operations whose last bits, left to BLAS and to the C library, depend on the machine.

IEEE 754 fixes the result of one +, -, *, /, square root, rounding or comparison. It does not fix
the order in which a matrix product or a sum adds up, nor exp, log, tanh, sin and cos. Here are
these, in two numerics: `portable`, with the same bits on every machine, and `native`, NumPy's own.
The layers call the functions of this module; `using` chooses the numerics, native unless told. How
the portable ones work is in the package `arithmetic`, and the mathematics in docs/portability.md.

All take and return float64; the native ones keep float32 as well.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from math import prod
from typing import Any, Literal, NewType

import numpy as np

from cnn_from_scratch.arithmetic import elementary
from cnn_from_scratch.arithmetic.arrays import Array, Axis
from cnn_from_scratch.arithmetic.rounding import BLOCK, factor_bits, rounded, sum_bits

NumericsName = Literal["portable", "native"]
# A matrix made ready for products by `factor`, and for nothing else.
Factor = NewType("Factor", Array)


def factor(x: Array, axis: Literal[0, 1] | None = None, terms: int | None = None) -> Factor:
    """Return the matrix x as a factor of products; native: x itself.

    Portable: x rounded so far that a product with another factor adds up exactly. All of x is
    rounded to one unit, so that it may stand on either side, and so may its transpose; or, with the
    axis along which the products add up, each row (axis 1) or column (axis 0) to one of its own.
    terms: how many products are added up, if x is
    not the matrix itself but what it will be made of.
    """
    return _active.factor(x, axis, terms)


def rearranged(a: Factor, arrange: Callable[[Array], Array]) -> Factor:
    """Return a factor's numbers in another arrangement: it is a factor, too."""
    return Factor(arrange(a))


def factor_sum(a: Factor, axis: Axis) -> Array:
    """Return the sum of a factor's numbers over the axes: portable, it is exact."""
    return np.add.reduce(a, axis=axis)


def matmul(a: Factor, b: Factor) -> Array:
    """Return a b for a (M, K) and b (K, N).

    Portable: an element's error is at most K * (2^(1-bits) + 2^(3-2*bits)) times the largest number
    of each factor (or of its row or column, if these were rounded by themselves; or 2^-400, if that
    is larger), with bits = (53 - log2 min(K, 2048)) / 2, rounded down: 21 to 26; K stands for the
    larger side of what is rounded as a whole. Where one number is not finite, or is 2^501 or more,
    all that are rounded with it become NaN.
    """
    return _active.matmul(a, b)


def sum(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:  # noqa: A001
    """Return the sum over the axes; 0 of no terms.

    Portable: the error is at most n * (2^-bits + 2^-51) times the largest of the n terms (or
    2^-400, if that is larger), with bits = 53 - log2 n, rounded down, and at most 50. NaN if a term
    is not finite, or is 2^501 or more.
    """
    return _active.sum(x, axis, keepdims)


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


@contextmanager
def using(numerics: "Numerics") -> Iterator[None]:
    """Compute with these numerics inside the block."""
    global _active
    before, _active = _active, numerics
    try:
        yield
    finally:
        _active = before


class Numerics:
    """The operations, all of them NumPy's own: native numerics."""

    def factor(self, x: Array, axis: Literal[0, 1] | None, terms: int | None) -> Factor:
        """Return x."""
        return Factor(x)

    def matmul(self, a: Factor, b: Factor) -> Array:
        """Return a b. Long sums go to BLAS transposed if a is the smaller factor: it is quicker."""
        if len(a) < b.shape[1] < len(b):
            return np.dot(b.T, a.T).T
        return np.dot(a, b)

    def sum(self, x: Array, axis: Axis, keepdims: Any) -> Array:
        """Return the sum over the axes."""
        return np.add.reduce(x, axis=axis, keepdims=keepdims)

    exp: Callable[[Array], Array] = np.exp
    log: Callable[[Array], Array] = np.log
    tanh: Callable[[Array], Array] = np.tanh
    sin: Callable[[Array], Array] = np.sin
    cos: Callable[[Array], Array] = np.cos


class Portable(Numerics):
    """The operations, with the same bits on every machine: portable numerics."""

    def factor(self, x: Array, axis: Literal[0, 1] | None, terms: int | None) -> Factor:
        """Round so far that products along the axis, and all sums of them, are exact.

        No order of adding, and no fused multiply-add, can then change the result.
        """
        terms = terms or (max(x.shape) if axis is None else x.shape[axis])
        return Factor(rounded(x, axis, factor_bits(terms)))

    def matmul(self, a: Factor, b: Factor) -> Array:
        """Add up the products of blocks of at most 2048 terms, in order; each is exact."""
        if len(b) <= BLOCK:
            return super().matmul(a, b)
        blocks = [slice(start, start + BLOCK) for start in range(0, len(b), BLOCK)]
        return reduce(np.add, [np.dot(a[:, terms], b[terms]) for terms in blocks])

    def sum(self, x: Array, axis: Axis, keepdims: Any) -> Array:
        """Round so far that all sums of the terms are exact, and add them up."""
        axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        terms = prod([x.shape[i] for i in axes])
        exact = rounded(x, None if terms == x.size else axis, sum_bits(terms))
        return super().sum(exact, axis, keepdims)

    exp: Callable[[Array], Array] = staticmethod(elementary.exp)
    log: Callable[[Array], Array] = staticmethod(elementary.log)
    tanh: Callable[[Array], Array] = staticmethod(elementary.tanh)
    sin: Callable[[Array], Array] = staticmethod(elementary.sin)
    cos: Callable[[Array], Array] = staticmethod(elementary.cos)


NATIVE, PORTABLE = Numerics(), Portable()
NUMERICS: dict[NumericsName, Numerics] = {"portable": PORTABLE, "native": NATIVE}
_active = NATIVE
