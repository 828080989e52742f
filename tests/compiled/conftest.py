"""What the tests of the compiled backend share."""

import os
from collections.abc import Iterator

import numba
import pytest

from tests.nn.conftest import rng as rng

# Numba's number of threads cannot change in a process, and the stages' scripts, which other tests
# import, set it where it is not set.
os.environ.setdefault("NUMBA_NUM_THREADS", str(numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]


@pytest.fixture
def numbers_of_threads() -> Iterator[list[int]]:
    """Return one and two, if there are two; and set the number back after the test."""
    before = numba.get_num_threads()
    yield sorted({1, min(2, before)})
    numba.set_num_threads(before)
