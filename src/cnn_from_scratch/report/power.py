"""How many seeds a difference needs, so that the sign-flip test finds it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from cnn_from_scratch.report.names import SIGNIFICANCE
from cnn_from_scratch.report.sign_flips import (
    MAX_PATTERNS,
    TIE_DIGITS,
    is_exact,
    seeds_for,
    sign_patterns,
)
from cnn_from_scratch.report.statistics import RESAMPLING_SEED

POWER = 0.8  # with which a difference is to be found
SIMULATIONS = 1000  # of a study with n seeds
MAX_SEEDS = 300  # that are simulated
CHUNK = 64  # simulated studies tested at once: their means over all patterns take 32 MB

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Aim:
    """What a study is to find: a p <= level, corrected for comparisons, with the given power."""

    level: float = SIGNIFICANCE
    power: float = POWER
    comparisons: int = 1

    @property
    def corrected_level(self) -> float:
        """The level of one comparison: Bonferroni's step, the hardest of Holm's."""
        return self.level / self.comparisons


def seeds_needed(mean: float, sd: float, aim: Aim) -> int | None:
    """Return how many seeds find a mean difference, by the normal approximation.

    n = ceil(((z_(1 - a/2) + z_power) sd / |mean|)^2) at the corrected level a, but no fewer than
    can give a p so small. sd: the sample SD of the differences. None if the mean is 0, or no number
    of seeds can give such a p.

    Source: for instance Chow, Shao and Wang 2008, "Sample size calculations in clinical research",
    section 3.1.
    """
    fewest = seeds_for(aim.comparisons, aim.level)
    if fewest is None or round(mean, TIE_DIGITS) == 0:
        return None
    z = stats.norm.ppf([1.0 - aim.corrected_level / 2.0, aim.power]).sum()
    return max(fewest, math.ceil(round((z * sd / mean) ** 2, 6)))  # the last bits don't decide


def simulated_seeds(differences: Values, effect: float, aim: Aim) -> int | None:
    """Return the fewest seeds whose `simulated_power` reaches the aim's, or None above MAX_SEEDS.

    The power grows with the seeds, but for the steps of a p of few patterns, and for the error of
    the simulation; the answer is found by bisection. differences, effect: of `simulated_power`.
    """
    low = seeds_for(aim.comparisons, aim.level)
    if low is None:
        return None

    def enough(n: int) -> bool:
        return simulated_power(differences, effect, n, aim.corrected_level) >= aim.power

    high = low
    while not enough(high):
        if high == MAX_SEEDS:
            return None
        low, high = high + 1, min(2 * high, MAX_SEEDS)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high


def simulated_power(differences: Values, effect: float, n: int, level: float) -> float:
    """Return the share of simulated studies of n seeds in which the sign-flip test has p <= level.

    A study's differences are drawn with replacement from the measured ones, shifted so that their
    mean is the effect, and spread so that their SD is the measured sample SD. Of SIMULATIONS
    studies, so that the standard error is sqrt(power (1 - power) / SIMULATIONS).
    """
    measured = len(differences)
    residuals = (differences - np.mean(differences)) * math.sqrt(measured / (measured - 1))
    rng = np.random.default_rng(RESAMPLING_SEED)
    studies = effect + residuals[rng.integers(measured, size=(SIMULATIONS, n))]
    return float(np.mean(sign_flip_ps(studies) <= level))


def sign_flip_ps(studies: Values) -> Values:
    """Return `sign_flip_p` of each row: (studies, n) -> (studies,)."""
    patterns = sign_patterns(studies.shape[1])
    return np.concatenate(
        [
            _ps(patterns, studies[start : start + CHUNK])
            for start in range(0, len(studies), CHUNK)
        ]
    )


def _ps(patterns: Values, studies: Values) -> Values:
    n = studies.shape[1]
    found = np.round(np.mean(studies, axis=1), TIE_DIGITS)
    means = np.round(patterns @ studies.T / n, TIE_DIGITS)
    sides = np.minimum((means <= found).sum(axis=0), (means >= found).sum(axis=0))
    drawn = 0 if is_exact(n) else 1  # the pattern found counts besides those drawn
    return np.minimum(2 * (sides + drawn) / (len(patterns) + drawn), 1.0)
