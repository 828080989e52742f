"""What the models differ by, seed by seed: weighted sums of their accuracies.

A comparison is one model minus another; a contrast is what a factor does, as a weighted sum of the
models that have it and that have not.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cnn_from_scratch.report.measures import mean_and_population_sd
from cnn_from_scratch.report.names import shown_split
from cnn_from_scratch.report.statistics import RESAMPLING_SEED, bootstrap_interval

Weights = Mapping[str, float]  # by model

MAX_PATTERNS = 2**16  # of signs that are tried: all there are for up to 16 seeds
TIE_DIGITS = 12  # two means of signed differences that agree so far are equal


def compare_models(scores: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return `contrast_models` of every two models, the first minus the second, by '<A> - <B>'.

    There are none if there is one model or one seed.
    """
    if scores["seed"].nunique() == 1:
        return {}
    pairs = itertools.combinations(dict.fromkeys(scores["model"]), 2)
    return contrast_models(scores, {f"{a} - {b}": {a: 1.0, b: -1.0} for a, b in pairs})


def contrast_models(
    scores: pd.DataFrame, contrasts: Mapping[str, Weights]
) -> dict[str, dict[str, Any]]:
    """Return for each contrast, by its name, the weighted sum of the models' accuracies.

    contrasts: for each, by its name, the weights of the models that it takes; they add up to 0. A
    seed gives every model the same samples to train on and to be scored on, so the sum is taken
    seed by seed. What is told of it is the split (test; val where there are no test samples), n
    (seeds), mean (of the sums, -1..1 for a difference), interval_95 (its bootstrap interval), p (of
    `sign_flip_p`) and p_holm (of `holm`, over all contrasts given). Needs two seeds.
    """
    split = shown_split(scores["split"])
    table = scores[scores["split"] == split].pivot(index="seed", columns="model", values="accuracy")
    accuracy = {str(model): values.to_numpy() for model, values in table.items()}
    sums = [
        np.sum([weight * accuracy[model] for model, weight in weights.items()], axis=0)
        for weights in contrasts.values()
    ]
    p_values = [sign_flip_p(x) for x in sums]
    return {
        name: {
            "split": split,
            "n": len(x),
            "mean": mean_and_population_sd(x)[0],
            "interval_95": bootstrap_interval(x),
            "p": p,
            "p_holm": p_holm,
        }
        for name, x, p, p_holm in zip(contrasts, sums, p_values, holm(p_values), strict=True)
    }


def sign_flip_p(differences: np.ndarray[Any, Any]) -> float:
    """Return the two-sided p-value of the sign-flip permutation test that the mean is 0.

    differences (n,), n >= 2. If neither model is better, each difference could as well have had the
    other sign. p = the share of the 2^n patterns of signs whose mean is as far from 0 as the one
    found. Beyond MAX_PATTERNS, so many are drawn at random instead, and p is
    2 (b + 1) / (MAX_PATTERNS + 1), for b of them as far on the side of the one found.

    Source: Fisher 1935, "The design of experiments", section 21; for random patterns Phipson and
    Smyth 2010, "Permutation p-values should never be zero".
    """
    result = stats.permutation_test(
        (differences,),
        _mean_with_ties,
        permutation_type="samples",
        n_resamples=MAX_PATTERNS,
        rng=np.random.default_rng(RESAMPLING_SEED),
    )
    return float(result.pvalue)


def smallest_p(n: int) -> float:
    """Return the smallest p-value that `sign_flip_p` can give for n differences."""
    return 2 / 2**n if is_exact(n) else 2 / (MAX_PATTERNS + 1)


def is_exact(n: int) -> bool:
    """Return whether `sign_flip_p` tries all patterns of n signs."""
    return 2**n <= MAX_PATTERNS


def holm(p_values: list[float]) -> list[float]:
    """Return the p-values corrected for their number m, so that one may pick among them.

    In ascending order, p_(i) becomes max over j <= i of min(1, (m - j + 1) p_(j)).

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.maximum.accumulate(factors * np.asarray(p_values)[order])
    return [float(p) for p in np.minimum(corrected, 1.0)]


def _mean_with_ties(x: np.ndarray[Any, Any], axis: int) -> Any:
    """Return the mean, rounded: the order of a sum must not decide whether two are equal."""
    return np.round(np.mean(x, axis=axis), TIE_DIGITS)
