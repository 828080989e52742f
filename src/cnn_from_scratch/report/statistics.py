"""What the seeds' scores amount to: means, deviations, robust means and intervals."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cnn_from_scratch.report.arrivals import expected_running_time, kaplan_meier_median
from cnn_from_scratch.report.measures import (
    MEASURES,
    Measure,
    mean_and_population_sd,
    rounded,
    told_in,
)

CONFIDENCE = 0.95  # of every interval
RESAMPLES = 9999  # of a bootstrap
RESAMPLING_SEED = 0  # the same for every interval, so that none depends on what else is compared
WITH_SAMPLES = "interval_95_with_samples"
TRIMMED = 0.25  # at either end, for the interquartile mean


def over_seeds(name: str, runs: pd.DataFrame) -> Any:
    """Return what is told of a measure of a model's runs; None or a count if none has a number.

    runs: one row per run, with the columns of `Runs.scores`.
    """
    measure = MEASURES[name]
    if measure.over_seeds == "arrival":
        return arrivals(name, runs)
    numbers = runs[name].dropna()
    if measure.over_seeds == "count":
        return int((numbers > 0).sum())
    if numbers.empty:
        return None
    mean, population_sd = mean_and_population_sd(numbers)
    return {"mean": mean, "population_sd": population_sd}


def arrivals(name: str, runs: pd.DataFrame) -> dict[str, float | None]:
    """Return what is told of the epoch in which a model's runs get somewhere, NaN for never.

    expected: `expected_running_time`. A run that never arrives spends the epochs that it trained,
    also where it diverged.
    kaplan_meier_median: `kaplan_meier_median`. Of a run that never arrives it is known until its
    last epoch. One that diverged would never have arrived, so that is known until the last epoch
    of all these runs.
    followed_to: that last epoch; the median is beyond it if it is None.
    """
    arrived = runs[name].to_numpy(dtype=float)
    trained = runs["last_finite_epoch"].to_numpy(dtype=float)
    followed_to = float(trained.max())
    followed = np.where(runs["diverged"], followed_to, trained)
    return {
        "expected": expected_running_time(arrived, trained),
        "kaplan_meier_median": kaplan_meier_median(arrived, followed),
        "followed_to": followed_to,
    }


def over_runs(scores: pd.DataFrame, measures: dict[str, Measure]) -> dict[str, Any]:
    """Return `over_seeds` of each measure of whole runs, by its key. scores: of one model."""
    runs = scores.drop_duplicates("seed")
    return {m.key or name: over_seeds(name, runs) for name, m in measures.items()}


def by_model(scores: pd.DataFrame, measures: dict[str, Measure]) -> dict[str, dict[str, Any]]:
    """Return, for every model, the number n of its runs, and `over_runs` of them."""
    return {
        str(model): {"n": rows["seed"].nunique(), **over_runs(rows, measures)}
        for model, rows in scores.groupby("model", sort=False)
    }


def bootstrap_interval(values: Iterable[float]) -> list[float] | None:
    """Return the ends of the 95 % bootstrap interval of the mean, or None for a single number.

    They are the 2.5 % and 97.5 % quantiles of the means of resamples, drawn with replacement
    (the percentile method). BCa, the usual alternative, is undefined where all numbers are equal,
    and with ten of them covers the true mean hardly more often. The order of the numbers does not
    matter.

    Source: Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 13.
    """
    numbers = np.sort(np.asarray(list(values), float))
    if len(numbers) == 1:
        return None
    interval = stats.bootstrap(
        (numbers,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(RESAMPLING_SEED),
    ).confidence_interval
    return sorted((float(interval.low), float(interval.high)))  # rounding may cross equal ends


def percentile_interval(resampled: np.ndarray[Any, Any]) -> list[float]:
    """Return the ends of the 95 % interval of resampled values: the 2.5 and 97.5 % quantiles."""
    tail = (1.0 - CONFIDENCE) / 2.0
    return [float(end) for end in np.quantile(resampled, [tail, 1.0 - tail])]


def normal_coverage(n: int) -> float:
    """Return how often the bootstrap interval of n >= 2 normally distributed numbers is right.

    The interval is about mean +- z sd / sqrt(n) with the population SD; the true mean lies in it
    with probability P(|t| <= z sqrt((n - 1) / n)) < 0.95, for Student's t of n - 1 degrees of
    freedom. It never leaves the range of the numbers, which misses the true mean with probability
    2^(1 - n).
    """
    z = stats.norm.ppf((1.0 + CONFIDENCE) / 2.0)
    covered = 1.0 - 2.0 * stats.t.sf(z * math.sqrt((n - 1) / n), n - 1)
    return float(min(covered, 1.0 - 2.0 ** (1 - n)))


def describe(values: Iterable[float]) -> dict[str, Any]:
    """Return the statistics of n >= 1 numbers; those that need two are None for one.

    n, mean, population_sd (divided by n), sample_sd (by n - 1), median, interquartile_mean (the
    mean without the floor(n / 4) lowest and as many highest) and interval_95 [low, high], the
    bootstrap interval of the mean.
    """
    numbers = np.asarray(list(values), float)
    n = len(numbers)
    mean, population_sd = mean_and_population_sd(numbers)
    return {
        "n": n,
        "mean": mean,
        "population_sd": population_sd,
        "sample_sd": float(np.std(numbers, ddof=1)) if n > 1 else None,
        "median": float(np.median(numbers)),
        "interquartile_mean": float(stats.trim_mean(numbers, TRIMMED)),
        "interval_95": bootstrap_interval(numbers),
    }


def model_statistics(
    scores: pd.DataFrame, resampled: Mapping[str, np.ndarray[Any, Any]]
) -> dict[str, Any]:
    """Return `describe` of the seeds' scores: <model>.<split>.<measure>.<statistic>.

    The splits are val and, where there is one, test; the measures are those of splits.
    The test accuracy has one statistic more, interval_95_with_samples, the interval of the means in
    resampled, which is of `resampled_means`; None if there are none.
    """
    result: dict[str, Any] = {}
    held_out = scores[scores["split"] != "train"]
    for (model, split), rows in held_out.groupby(["model", "split"], sort=False):
        of_split = {name: describe(rows[name]) for name in told_in("statistics", by_split=True)}
        if split == "test":
            means = resampled.get(str(model))
            wide = None if means is None else percentile_interval(means)
            of_split["accuracy"][WITH_SAMPLES] = wide
        result.setdefault(str(model), {})[str(split)] = of_split
    return result


def model_convergence(scores: pd.DataFrame) -> dict[str, Any]:
    """Return `by_model` of the measures of whole runs.

    For instance <model>.reached_95, .epochs_to_95.expected, .kaplan_meier_median and .followed_to
    (`arrivals`), and .loss_area.mean and .population_sd.
    """
    return by_model(scores, told_in("statistics", by_split=False))


def summary(scores: pd.DataFrame) -> dict[str, Any]:
    """Return, for every model, mean, population_sd and n of each split's measures.

    Keys: <model>.<split>_<measure>.mean, .population_sd, .n, and for the measures of whole runs
    what `over_runs` gives, such as <model>.diverged, the number of diverged runs, which count with
    their last finite epoch, and <model>.dead_logit_runs, the number of runs with a dead logit.
    """
    result: dict[str, Any] = {}
    for model, of_model in scores.groupby("model", sort=False):
        entry: dict[str, Any] = {}
        for split, of_split in of_model.groupby("split", sort=False):
            for name in told_in("summary", by_split=True):
                if told := over_seeds(name, of_split):
                    entry[f"{split}_{name}"] = told | {"n": int(of_split[name].count())}
        entry |= over_runs(of_model, told_in("summary", by_split=False))
        result[str(model)] = entry
    return rounded(result)
