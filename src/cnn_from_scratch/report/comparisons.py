"""Which models differ by more than the seeds do: paired comparisons of every two models."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cnn_from_scratch.report.moments import mean_sd
from cnn_from_scratch.report.statistics import RESAMPLING_SEED, bootstrap_interval

MAX_PATTERNS = 2**16  # of signs that are tried: all there are for up to 16 seeds
TIE_DIGITS = 12  # two means of signed differences that agree so far are equal


def compare_models(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row per pair of models: how their accuracies differ, on the same seeds.

    A row has first, second, split (test; val where there are no test samples), n (seeds),
    mean_difference (first minus second, 0..1), interval_95 (its bootstrap interval), p (of
    `sign_flip_p`) and p_holm (of `holm`, over all pairs). A seed gives every model the same samples
    to train on and to be scored on, so the differences are taken seed by seed. There are no rows
    if there is one model or one seed.
    """
    split = compared_split(scores)
    accuracy = scores[scores["split"] == split].pivot(
        index="seed", columns="model", values="accuracy"
    )
    if len(accuracy) == 1:
        return []
    pairs = list(itertools.combinations(dict.fromkeys(scores["model"]), 2))
    differences = [(accuracy[a] - accuracy[b]).to_numpy() for a, b in pairs]
    p_values = [sign_flip_p(d) for d in differences]
    return [
        {
            "first": first,
            "second": second,
            "split": split,
            "n": len(d),
            "mean_difference": mean_sd(d)[0],
            "interval_95": bootstrap_interval(d),
            "p": p,
            "p_holm": p_holm,
        }
        for (first, second), d, p, p_holm in zip(
            pairs, differences, p_values, holm(p_values), strict=True
        )
    ]


def compared_split(scores: pd.DataFrame) -> str:
    """Return the split on which models are compared."""
    return "test" if "test" in set(scores["split"]) else "val"


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
