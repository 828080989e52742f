"""The normal random numbers: frozen bits, NumPy's own method, and their distribution."""

import math
from hashlib import sha256

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.arithmetic.random import standard_normal

# The first numbers of two seeds, on every machine.
FROZEN_DRAWS = {
    0: ["0x1.99c2cfacc8953p-2", "0x1.c398ef3e5cfa5p+0", "0x1.1ed5969e3314ep+1",
        "0x1.f51d25222c9abp-1", "-0x1.f45dc42a58c82p-1", "0x1.de1847cb13ddap+0"],
    1: ["-0x1.393822fb7d9adp-1", "0x1.9fd5190657c50p+0", "-0x1.12ae1255cb80cp+0",
        "-0x1.0e6c872548fd2p-1", "-0x1.2698d1ecca259p+1", "0x1.bb16b5735117dp-1"],
}  # fmt: skip


def _draw(seed: int, shape: tuple[int, ...]) -> Array:
    return standard_normal(np.random.RandomState(seed), shape)


@pytest.mark.parametrize("seed", FROZEN_DRAWS)
def test_normal_numbers_are_frozen(seed: int) -> None:
    """Their bits depend on the seed alone."""
    assert [value.hex() for value in _draw(seed, (6,)).tolist()] == FROZEN_DRAWS[seed]


def test_many_normal_numbers_are_frozen() -> None:
    """So many that a logarithm with other last bits shows."""
    digest = sha256(_draw(0, (10_000,)).astype("<f8").tobytes()).hexdigest()
    assert digest[:16] == "d65a74052b206144"


@pytest.mark.parametrize("shape", [(), (0,), (1,), (5,), (2, 3), (4, 1, 25), (3, 0)])
def test_normal_numbers_of_any_shape(shape: tuple[int, ...]) -> None:
    """The same numbers in row-major order, however they are folded."""
    drawn = _draw(3, shape)
    assert drawn.shape == shape
    assert drawn.dtype == np.float64
    np.testing.assert_array_equal(drawn.ravel(), _draw(3, (math.prod(shape),)))
    drawn[...] = 0.0  # they are the caller's own


@pytest.mark.parametrize("n", [1, 2, 7, 20_000])
def test_normal_numbers_are_numpys_in_pairs_the_other_way_round(n: int) -> None:
    """The same method on the same stream: but for the logarithm's last bits, the same numbers."""
    numpys = np.random.RandomState(5).standard_normal(n + n % 2)
    np.testing.assert_allclose(_draw(5, (n,)), numpys.reshape(-1, 2)[:, ::-1].ravel()[:n], 1e-14)


def test_normal_numbers_are_normal() -> None:
    """Moments within five standard errors, and Kolmogorov and Smirnov's distance (1 in 1000)."""
    n = 40_000
    x = _draw(0, (n,))
    z = np.sort(x)
    # The standard errors of the moments 1 to 4: (E x^2k - (E x^k)^2) / n, squared.
    for k, (moment, variance) in enumerate([(0, 1), (1, 2), (0, 15), (3, 96)], 1):
        assert abs(np.mean(x**k) - moment) <= 5 * (variance / n) ** 0.5
    for lag in (1, 2, 3):
        assert abs(np.mean(x[lag:] * x[:-lag])) <= 5 / n**0.5
    below = np.array([(1.0 + math.erf(value / math.sqrt(2))) / 2 for value in z])
    steps = np.arange(n + 1) / n
    distance = max(np.abs(below - steps[1:]).max(), np.abs(below - steps[:-1]).max())
    assert distance <= 1.95 / n**0.5
