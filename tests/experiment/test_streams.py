"""The random streams: their numbers never change, and no two are alike."""

import itertools

import numpy as np
import pytest

from cnn_from_scratch.experiment.streams import Purpose, stream

# Recorded. A change here is a change of every published result.
WHOLE_NUMBERS = {
    (0, Purpose.SPLIT, 0): [1717164146, 583068604, 98226331],
    (0, Purpose.INIT, 0): [447290880, 406247079, 1850085549],
    (0, Purpose.INIT, 1): [2046875353, 895549370, 1585742270],
    (0, Purpose.SHUFFLE, 0): [1032390567, 25622920, 2108846155],
    (9, Purpose.SPLIT, 0): [598677075, 1085891955, 286293707],
    (2**40, Purpose.INIT, 3): [964547264, 935932964, 66074913],
}


@pytest.mark.parametrize("key", WHOLE_NUMBERS)
def test_the_first_whole_numbers_are_the_recorded_ones(key: tuple[int, Purpose, int]) -> None:
    assert stream(*key).randint(0, 2**31, size=3).tolist() == WHOLE_NUMBERS[key]


def test_the_first_normal_numbers_are_the_recorded_ones() -> None:
    first = stream(0, Purpose.INIT, 0).standard_normal(2)
    assert first.tolist() == [-1.303570764232218, 1.9605887684416077]


def test_the_first_permutation_is_the_recorded_one() -> None:
    assert stream(0, Purpose.SHUFFLE).permutation(6).tolist() == [2, 5, 1, 4, 3, 0]


def test_the_index_is_0_if_not_given() -> None:
    assert stream(3, Purpose.SPLIT).rand() == stream(3, Purpose.SPLIT, 0).rand()


def test_a_stream_starts_anew_whatever_else_was_drawn() -> None:
    first = stream(1, Purpose.INIT, 2).rand(4)
    np.random.seed(7)  # noqa: NPY002
    stream(1, Purpose.INIT, 1).rand(100)
    np.testing.assert_array_equal(stream(1, Purpose.INIT, 2).rand(4), first)


def test_every_seed_purpose_and_index_has_a_stream_of_its_own() -> None:
    keys = list(itertools.product(range(10), Purpose, range(8)))
    firsts = {stream(*key).randint(0, 2**31, size=4).tobytes() for key in keys}
    assert len(firsts) == len(keys) == 10 * len(Purpose) * 8


def test_streams_are_not_correlated() -> None:
    keys = itertools.product(range(3), Purpose, range(3))
    draws = np.array([stream(*key).standard_normal(4000) for key in keys])
    correlations = np.corrcoef(draws) - np.eye(len(draws))
    assert np.abs(correlations).max() < 5 / np.sqrt(4000)
