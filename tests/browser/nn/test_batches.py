"""Batches are made of samples, and samples taken of them, as NumPy arranges them."""

import numpy as np

from tests.browser.node import Node, batch, samples


def test_samples_go_in_and_come_out(node: Node) -> None:
    x = np.random.RandomState(0).random_sample((5, 2, 3, 4))
    rows = list(x.reshape(5, -1))
    made = node("return batchOf([2, 3, 4], rows)", rows=rows)
    assert np.array_equal(samples(made), x)
    taken = node("return [0, 1, 2, 3, 4].map((s) => sampleOf(x, s))", x=batch(x))
    assert np.array_equal(taken, rows)
    some = node("return chosen(x, [3, 0, 3])", x=batch(x))
    assert np.array_equal(samples(some), x[[3, 0, 3]])
