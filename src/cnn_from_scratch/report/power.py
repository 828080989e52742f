"""How many seeds a difference needs, so that the sign-flip test finds it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cnn_from_scratch import InputError
from cnn_from_scratch.report.measures import TIE_DIGITS
from cnn_from_scratch.report.names import SIGNIFICANCE, shown_split
from cnn_from_scratch.report.sign_flips import (
    is_exact,
    seeds_for,
    sign_patterns,
)
from cnn_from_scratch.report.statistics import RESAMPLING_SEED

POWER = 0.8  # with which a difference is to be found
SIMULATIONS = 1000  # of a study with n seeds
MAX_SEEDS = 1000  # that are simulated
LEAST_Z = 0.5  # of a step of the search: it goes to at most about 50 times as many seeds
BLOCK = 1024  # patterns tried at once: the means of all studies with them take 8 MB

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

    n = ceil(((z_(1 - a/2) + z_power) sd / |mean|)^2 + z_(1 - a/2)^2 / 2) at the corrected level a,
    but no fewer than can give a p so small. The last term is for the SD not being known: without
    it, few seeds would be too few. sd: the sample SD of the differences. None if the mean is 0, or
    no number of seeds can give such a p.

    Source: Guenther 1981, "Sample size formulas for normal theory t tests".
    """
    fewest = seeds_for(aim.comparisons, aim.level)
    if fewest is None or round(mean, TIE_DIGITS) == 0:
        return None
    z_level, z_power = stats.norm.ppf([1.0 - aim.corrected_level / 2.0, aim.power])
    n = ((z_level + z_power) * sd / mean) ** 2 + z_level**2 / 2.0
    return max(fewest, math.ceil(round(n, 6)))  # the last bits don't decide


def simulated_seeds(differences: Values, effect: float, aim: Aim) -> int | None:
    """Return the fewest seeds whose `simulated_power` reaches the aim's.

    The power grows with the seeds, but for the steps of a p of few patterns and for the error of
    the simulation. Each step tries the number that the normal approximation makes of the power just
    found, z_power + z_(1 - a/2) being proportional to sqrt(n), until n is enough and n - 1 is not.
    None if MAX_SEEDS are not enough. differences, effect: of `simulated_power`.
    """
    fewest = seeds_for(aim.comparisons, aim.level)
    n = seeds_needed(effect, float(np.std(differences, ddof=1)), aim)
    if fewest is None or n is None:
        return None
    z_level, z_power = stats.norm.ppf([1.0 - aim.corrected_level / 2.0, aim.power])
    low, high = fewest - 1, MAX_SEEDS + 1  # not enough; enough, as far as known
    while low + 1 < high:
        n = min(max(n, low + 1), high - 1)
        power = simulated_power(differences, effect, n, aim.corrected_level)
        low, high = (low, n) if power >= aim.power else (n, high)
        z = z_level + stats.norm.ppf(power)
        n = round(n * ((z_level + z_power) / max(z, LEAST_Z)) ** 2)
    return high if high <= MAX_SEEDS else None


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
    n = studies.shape[1]
    patterns = sign_patterns(n)
    found = np.round(np.mean(studies, axis=1), TIE_DIGITS)
    below, above = np.zeros((2, len(studies)), dtype=int)
    for start in range(0, len(patterns), BLOCK):
        means = np.round(patterns[start : start + BLOCK] @ studies.T / n, TIE_DIGITS)
        below += (means <= found).sum(axis=0)
        above += (means >= found).sum(axis=0)
    drawn = 0 if is_exact(n) else 1  # what was found counts besides the patterns drawn
    return np.minimum(2 * (np.minimum(below, above) + drawn) / (len(patterns) + drawn), 1.0)


def paired_differences(scores: pd.DataFrame, first: str, second: str) -> Values:
    """Return the first model's accuracy minus the second's, seed by seed, on the split shown.

    Raises InputError unless both are there, with two seeds or more, and not always equally far
    apart.
    """
    models = [*dict.fromkeys(scores["model"])]
    for name in (first, second):
        if name not in models:
            raise InputError(f"no model {name!r}; there are {', '.join(models)}")
    if scores["seed"].nunique() < 2:
        raise InputError("the runs have a single seed; a SD takes two")
    shown = scores[scores["split"] == shown_split(scores["split"])]
    accuracy = shown.pivot(index="seed", columns="model", values="accuracy")
    differences = (accuracy[first] - accuracy[second]).to_numpy(dtype=float)
    if np.ptp(np.round(differences, TIE_DIGITS)) == 0:
        raise InputError(
            f"{first} and {second} differ by the same in every seed, so no number of them is needed"
        )
    return differences
