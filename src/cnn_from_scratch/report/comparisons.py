"""What the models differ by, seed by seed: weighted sums of their accuracies.

A comparison is one model minus another; a contrast is what a factor does, as a weighted sum of the
models that have it and that have not.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cnn_from_scratch.report.measures import mean_and_population_sd
from cnn_from_scratch.report.names import shown_split
from cnn_from_scratch.report.power import Aim, seeds_needed
from cnn_from_scratch.report.probability import probability_better, wilson_interval
from cnn_from_scratch.report.sign_flips import sign_flip_p
from cnn_from_scratch.report.statistics import (
    WITH_SAMPLES,
    bootstrap_interval,
    percentile_interval,
)

Weights = Mapping[str, float]  # by model
Resampled = Mapping[str, np.ndarray[Any, Any]]  # by model


def compare_models(scores: pd.DataFrame, resampled: Resampled) -> dict[str, dict[str, Any]]:
    """Return `contrast_models` of every two models, the first minus the second, by '<A> - <B>'.

    There are none if there is one model or one seed.
    """
    if scores["seed"].nunique() == 1:
        return {}
    pairs = itertools.combinations(dict.fromkeys(scores["model"]), 2)
    weights = {f"{a} - {b}": {a: 1.0, b: -1.0} for a, b in pairs}
    return contrast_models(scores, weights, resampled)


def contrast_models(
    scores: pd.DataFrame, contrasts: Mapping[str, Weights], resampled: Resampled
) -> dict[str, dict[str, Any]]:
    """Return for each contrast, by its name, the weighted sum of the models' accuracies.

    contrasts: for each, by its name, the weights of the models that it takes; they add up to 0. A
    seed gives every model the same samples to train on and to be scored on, so the sum is taken
    seed by seed. resampled: of `resampled_means`, empty if there are no test samples. What is told
    of the sums is the split (test; val where there are no test samples) and what `_described`
    tells, with p_holm, which is `holm` over all contrasts given. Needs two seeds.
    """
    split = shown_split(scores["split"])
    table = scores[scores["split"] == split].pivot(index="seed", columns="model", values="accuracy")
    accuracy = {str(model): values.to_numpy() for model, values in table.items()}
    rows = {
        name: {
            "split": split,
            **_described(_weighted(weights, accuracy), len(contrasts)),
            WITH_SAMPLES: percentile_interval(_weighted(weights, resampled)) if resampled else None,
        }
        for name, weights in contrasts.items()
    }
    corrected = holm([row["p"] for row in rows.values()])
    return {
        name: row | {"p_holm": p} for (name, row), p in zip(rows.items(), corrected, strict=True)
    }


def _weighted(weights: Weights, values: Resampled) -> np.ndarray[Any, Any]:
    """Return the weighted sum of the models' values (n,)."""
    total: np.ndarray[Any, Any]
    total = np.sum([weight * values[model] for model, weight in weights.items()], axis=0)
    return total


def _described(sums: np.ndarray[Any, Any], comparisons: int) -> dict[str, Any]:
    """Return what is told of the seeds' sums (n,), one of so many comparisons.

    n (seeds), mean (-1..1 for a difference), sample_sd, interval_95 (the bootstrap interval of the
    mean), probability_better (of a sum above 0), probability_interval_95 (its Wilson interval), p
    (of `sign_flip_p`), seeds_needed and seeds_needed_holm (to find such a mean, before and after
    the correction for the comparisons).
    """
    n = len(sums)
    mean, sample_sd = mean_and_population_sd(sums)[0], float(np.std(sums, ddof=1))
    better = probability_better(sums)
    return {
        "n": n,
        "mean": mean,
        "sample_sd": sample_sd,
        "interval_95": bootstrap_interval(sums),
        "probability_better": better,
        "probability_interval_95": wilson_interval(better, n),
        "p": sign_flip_p(sums),
        "seeds_needed": seeds_needed(mean, sample_sd, Aim()),
        "seeds_needed_holm": seeds_needed(mean, sample_sd, Aim(comparisons=comparisons)),
    }


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
