"""As many digits as MNIST has: the stages hold less than 1.3 times one float32 copy of them."""

from pathlib import Path

import pytest

from digit_stages import ONE_COPY, SAMPLES, STAGES, TESTS, measure, write_digits


@pytest.mark.release
def test_the_stages_hold_little_more_than_the_digits(tmp_path: Path) -> None:
    assert (SAMPLES, TESTS, ONE_COPY) == (60_000, 10_000, 188_160_000)
    write_digits(tmp_path)
    for name, command in STAGES.items():
        _, peak = measure(tmp_path, command)
        assert ONE_COPY / 4 < peak < 1.3 * ONE_COPY, f"{name}: {peak / 1e6:.0f} MB"
