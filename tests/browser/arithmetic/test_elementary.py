"""The elementary functions of the browser have Python's bits."""

import numpy as np
import pytest

from cnn_from_scratch.arithmetic import elementary
from cnn_from_scratch.arithmetic.arrays import Array
from tests.browser.node import Node, same

SPECIAL = [0.0, 5e-324, 1e-310, 2.0**-1022, 1e-20, 0.175, 0.1750001, 0.5, np.sqrt(0.5), 1.0,
           np.nextafter(1.0, 0.0), 2.0, 20.0, 20.1, 707.0, 707.1, 708.4, 709.7, 709.8, 710.0,
           745.1, 745.2, 746.0, 1e10, 1e308, np.inf, np.nan]  # fmt: skip


def everywhere() -> Array:
    """Return numbers of all sizes and both signs, and special ones."""
    rng = np.random.RandomState(0)
    of_all_sizes = rng.choice([-1.0, 1.0], 40_000) * 2.0 ** rng.uniform(-1074, 1024, 40_000)
    ordinary = [rng.uniform(-limit, limit, 15_000) for limit in (0.4, 1.0, 20.0, 750.0)]
    return np.concatenate([of_all_sizes, *ordinary, SPECIAL, np.negative(SPECIAL)])


def half_turns() -> Array:
    """Return numbers from -pi to pi."""
    special = [0.0, -0.0, np.pi, -np.pi, 1e-300]
    return np.concatenate([np.random.RandomState(0).uniform(-np.pi, np.pi, 100_000), special])


@pytest.mark.parametrize(
    ("name", "x"),
    [
        ("exp", everywhere()),
        ("log", everywhere()),
        ("tanh", everywhere()),
        ("sin", half_turns()),
        ("cos", half_turns()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_has_the_same_bits(node: Node, name: str, x: Array) -> None:
    y = node(f"return x.map((xi) => {name}(xi))", x=x)
    with np.errstate(all="ignore"):
        assert same(y, getattr(elementary, name)(x))


def test_one_bit_would_be_noticed() -> None:
    assert not same(np.array([1.0]), np.array([np.nextafter(1.0, 2.0)]))
    assert not same(np.array([0.0]), np.array([-0.0]))


def test_it_rounds_halves_to_even(node: Node) -> None:
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 0.49, 7.51])
    assert node("return x.map(roundHalfEven)", x=x).tolist() == np.rint(x).tolist()
