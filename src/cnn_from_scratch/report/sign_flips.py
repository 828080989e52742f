"""The sign-flip permutation test of paired differences, and how many of them it takes."""

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
from scipy import stats

from cnn_from_scratch.report.measures import TIE_DIGITS
from cnn_from_scratch.report.statistics import RESAMPLING_SEED

MAX_PATTERNS = 2**16  # of signs that are tried: all there are for up to 16 seeds
BATCH = 2**13  # patterns made at once, which bounds the memory


def sign_flip_p(differences: np.ndarray[Any, Any]) -> float:
    """Return the two-sided p-value of the sign-flip permutation test that the mean is 0.

    differences (n,), n >= 2. If neither model is better, each difference could as well have had the
    other sign. p = the share of the 2^n patterns of signs whose mean is as far from 0 as the one
    found. Beyond MAX_PATTERNS, so many are drawn at random instead, and p is
    2 (b + 1) / (MAX_PATTERNS + 1), for b of them as far on the side of the one found.

    Source: Fisher 1935, "The design of experiments", section 21; for random patterns Phipson and
    Smyth 2010, "Permutation p-values should never be zero".
    """
    return float(_permutation_test(differences, _mean_with_ties).pvalue)


def sign_patterns(n: int) -> np.ndarray[Any, Any]:
    """Return the patterns of signs that `sign_flip_p` tries, as int8 -1 or 1, (patterns, n).

    SciPy keeps them to itself, so they are read off from what it makes of ones.
    """
    seen: list[np.ndarray[Any, Any]] = []

    def record(x: np.ndarray[Any, Any], axis: int) -> Any:
        seen.append(np.moveaxis(x, axis, -1).reshape(-1, n).astype(np.int8))
        return np.mean(x, axis=axis)

    _permutation_test(np.ones(n), record)
    return np.concatenate(seen[1:])  # the first is of the differences found


def smallest_p(n: int) -> float:
    """Return the smallest p-value that `sign_flip_p` can give for n differences."""
    return 2 / 2**n if is_exact(n) else 2 / (MAX_PATTERNS + 1)


def is_exact(n: int) -> bool:
    """Return whether `sign_flip_p` tries all patterns of n signs."""
    return 2**n <= MAX_PATTERNS


def seeds_for(comparisons: int, p: float) -> int | None:
    """Return the fewest seeds with which the best p, corrected for the comparisons, can be <= p.

    It is corrected as by Holm's first step: comparisons * smallest_p(n). None if no number of seeds
    is enough, as a p of random patterns has a least value, whatever their number.
    """
    inexact = next(n for n in count(2) if not is_exact(n))
    return next((n for n in range(2, inexact + 1) if comparisons * smallest_p(n) <= p), None)


def _permutation_test(differences: np.ndarray[Any, Any], statistic: Callable[..., Any]) -> Any:
    return stats.permutation_test(
        (differences,),
        statistic,
        permutation_type="samples",
        n_resamples=MAX_PATTERNS,
        batch=BATCH,
        rng=np.random.default_rng(RESAMPLING_SEED),
    )


def _mean_with_ties(x: np.ndarray[Any, Any], axis: int) -> Any:
    """Return the mean, rounded: the order of a sum must not decide whether two are equal."""
    return np.round(np.mean(x, axis=axis), TIE_DIGITS)
