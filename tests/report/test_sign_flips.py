"""The sign-flip permutation test, checked against enumeration and worked examples."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_from_scratch.report.sign_flips import (
    MAX_PATTERNS,
    is_exact,
    seeds_for,
    sign_flip_p,
    sign_patterns,
    smallest_p,
)

MANY = MAX_PATTERNS.bit_length()  # the fewest differences whose patterns are too many to try


def enumerated_p(counts: list[int]) -> float:
    """Return the share of the patterns of signs with as large a sum, in whole numbers."""
    found = abs(sum(counts))
    sums = [
        abs(sum(s * c for s, c in zip(signs, counts, strict=True)))
        for signs in product((1, -1), repeat=len(counts))
    ]
    return float(Fraction(sum(total >= found for total in sums), len(sums)))


@settings(deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=2, max_size=9), st.sampled_from([1, 19, 446]))
def test_p_is_that_of_enumeration(counts: list[int], samples: int) -> None:
    """Also where many patterns tie, which rounding errors of fractions must not break."""
    differences = np.array([count / samples for count in counts])
    assert sign_flip_p(differences) == enumerated_p(counts)


def test_p_of_fractions_that_tie_but_for_their_last_bits() -> None:
    """Their mean is 0, so every pattern is as far from 0; the sum of the floats is not."""
    differences = np.array([-4, -3, 4, -1, 4]) / 10
    assert np.sum(differences) != 0.0
    assert sign_flip_p(differences) == 1.0


def test_p_of_fishers_data() -> None:
    """Darwin's maize in eighths of an inch; Fisher 1935 counts 863 of 2^15 sums on either side."""
    heights = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    assert sign_flip_p(np.array(heights)) == 2 * 863 / 2**15


@pytest.mark.parametrize("n", [2, 5, 10])
def test_the_smallest_p_is_that_of_one_model_always_better(n: int) -> None:
    assert sign_flip_p(np.linspace(0.1, 0.2, n)) == smallest_p(n) == 2 / 2**n


def test_beyond_the_limit_random_patterns_estimate_p() -> None:
    assert is_exact(MANY - 1)
    assert not is_exact(MANY)
    always_better = np.linspace(0.1, 0.2, MANY)
    assert smallest_p(MANY) <= sign_flip_p(always_better) < 10 / MAX_PATTERNS
    counts = [3, -1, 4, -1, 5, -9, 2, 6, 5, 3, -5, 8, -9, 7, 9, 3, -2]
    assert len(counts) == MANY
    estimate = sign_flip_p(np.array(counts) / 446)
    assert estimate == pytest.approx(enumerated_p(counts), abs=0.01)
    assert estimate == sign_flip_p(np.array(counts) / 446)


def test_never_an_impossible_p() -> None:
    """No random pattern reaches what is found with 60 seeds, and still p is above 0."""
    assert sign_flip_p(np.ones(60)) == smallest_p(60) > 0


@pytest.mark.parametrize("n", [2, 3, 9])
def test_the_patterns_are_all_there_are(n: int) -> None:
    assert sorted(map(tuple, sign_patterns(n))) == sorted(product((-1, 1), repeat=n))


def test_random_patterns_are_of_independent_fair_signs() -> None:
    patterns = sign_patterns(MANY).astype(float)
    assert patterns.shape == (MAX_PATTERNS, MANY)
    assert set(patterns.ravel()) == {-1.0, 1.0}
    covariances = patterns.T @ patterns / MAX_PATTERNS
    error = 5 / np.sqrt(MAX_PATTERNS)  # standard errors
    np.testing.assert_allclose(covariances, np.eye(MANY), atol=error)
    np.testing.assert_allclose(patterns.mean(axis=0), 0.0, atol=error)


@pytest.mark.parametrize(
    ("comparisons", "p", "seeds"),
    [
        (1, 0.05, 6),  # 2 / 2^6 = 0.03125
        (1, 0.5, 2),
        (1, 2 / 2**7, 7),  # at most, not only below
        (10, 0.05, 9),
        (10, 0.01, 11),
        (91, 0.01, 15),
        (327, 0.01, MANY - 1),
        (328, 0.01, None),  # 328 * 2 / 65,537 = 0.01001
    ],
)
def test_the_fewest_seeds_for_a_corrected_p(comparisons: int, p: float, seeds: int | None) -> None:
    assert seeds_for(comparisons, p) == seeds
    if seeds is not None:
        assert comparisons * smallest_p(seeds) <= p
        assert seeds == 2 or comparisons * smallest_p(seeds - 1) > p
