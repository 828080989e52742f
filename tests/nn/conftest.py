"""What holds for every test of the network library."""

from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def floating_point_errors_raise() -> Iterator[None]:
    """Turn every floating-point warning into an error, except underflow to zero."""
    with np.errstate(all="raise", under="ignore"):
        yield


@pytest.fixture(autouse=True)
def global_random_state_is_untouched() -> Iterator[None]:
    """Fail a test that draws from NumPy's global random state, or seeds it."""
    before = np.random.get_state(legacy=False)  # noqa: NPY002
    yield
    np.testing.assert_equal(np.random.get_state(legacy=False), before)  # noqa: NPY002


@pytest.fixture
def rng() -> np.random.RandomState:
    """Return a random stream that is the same for every test."""
    return np.random.RandomState(0)
