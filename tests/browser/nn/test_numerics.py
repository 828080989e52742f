"""Products and sums of the browser are Python's portable ones."""

import numpy as np
import pytest

from cnn_from_scratch.arithmetic import rounding
from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn import numerics
from cnn_from_scratch.nn.numerics import PORTABLE
from tests.browser.node import Node

PRODUCT = """
const [left, right] = [matrix(m, k, a), matrix(k, n, b)];
const whole = factor(right);
return {
  whole: matmul(factor(left), whole).data,
  byColumns: matmul(factor(left), factorByColumns(right)).data,
  transposed: matmulTransposed(factor(left), transposed(whole)).data,
  sums: rowSums(factor(left)),
};
"""


def spread(rng: np.random.RandomState, *shape: int) -> Array:
    """Return numbers of many sizes."""
    return rng.randn(*shape) * 2.0 ** rng.uniform(-30, 10, shape)


@pytest.mark.parametrize(
    ("m", "k", "n"), [(1, 1, 1), (3, 9, 40), (4, 36, 7), (2, 2048, 3), (2, 2049, 3), (3, 5000, 2)]
)
def test_products_have_the_same_bits(node: Node, m: int, k: int, n: int) -> None:
    rng = np.random.RandomState(k)
    a, b = spread(rng, m, k), spread(rng, k, n)
    ours = node(PRODUCT, m=m, k=k, n=n, a=a.ravel(), b=b.ravel())
    with numerics.using(PORTABLE):
        left, whole = numerics.factor(a), numerics.factor(b)
        product = numerics.matmul(left, whole).ravel()
        by_columns = numerics.matmul(left, numerics.factor(b, axis=0)).ravel()
        sums = numerics.factor_sum(left, axis=1)
    assert np.array_equal(ours["whole"], product)
    assert np.array_equal(ours["transposed"], product)
    assert np.array_equal(ours["byColumns"], by_columns)
    assert np.array_equal(ours["sums"], sums)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, 2.0**501, 1e-310, 0.0, -0.0])
def test_special_values_come_out_as_pythons(node: Node, special: float) -> None:
    rng = np.random.RandomState(0)
    a, b = rng.randn(3, 4), rng.randn(4, 5)
    b[1, 2] = special
    ours = node(PRODUCT, m=3, k=4, n=5, a=a.ravel(), b=b.ravel())
    with numerics.using(PORTABLE), np.errstate(all="ignore"):
        left = numerics.factor(a)
        product = numerics.matmul(left, numerics.factor(b)).ravel()
        by_columns = numerics.matmul(left, numerics.factor(b, axis=0)).ravel()
        total = numerics.sum(b)
    assert np.array_equal(ours["whole"], product, equal_nan=True)
    assert np.array_equal(ours["byColumns"], by_columns, equal_nan=True)
    ours_total = node("return Float64Array.of(sum(b))", b=b.ravel())
    assert np.array_equal(ours_total, [total], equal_nan=True)


@pytest.mark.parametrize("n", [1, 2, 3, 9, 1000, 70_000])
def test_sums_and_means_have_the_same_bits(node: Node, n: int) -> None:
    x = spread(np.random.RandomState(n), n)
    ours = node("return [sum(x), mean(x), sum(x, 0, 0), mean(x, 1, x.length)]", x=x)
    with numerics.using(PORTABLE):
        theirs = [numerics.sum(x), numerics.mean(x), 0.0]
        theirs += [numerics.mean(x[1:])] if n > 1 else []
    assert ours[: len(theirs)] == theirs


def test_factors_and_sums_keep_as_many_bits(node: Node) -> None:
    terms = [*range(1, 70), 2047, 2048, 2049, 10**6, 2**31]
    ours = node("return terms.map((n) => [factorBits(n), sumBits(n)])", terms=terms)
    assert ours == [[rounding.factor_bits(n), rounding.sum_bits(n)] for n in terms]
