"""What the seeds' scores amount to: means, deviations, robust means and intervals."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cnn_from_scratch.nn.metrics import confusion_matrix
from cnn_from_scratch.report.moments import mean_sd

DIGITS = 6  # of every number that is written to a metrics or plots file
CONFIDENCE = 0.95  # of every interval
RESAMPLES = 9999  # of a bootstrap
RESAMPLING_SEED = 0  # the same for every interval, so that none depends on what else is compared
TRIMMED = 0.25  # at either end, for the interquartile mean
MAX_MISCLASSIFIED = 12  # as many as a picture can show large


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
    mean, population_sd = mean_sd(numbers)
    return {
        "n": n,
        "mean": mean,
        "population_sd": population_sd,
        "sample_sd": float(np.std(numbers, ddof=1)) if n > 1 else None,
        "median": float(np.median(numbers)),
        "interquartile_mean": float(stats.trim_mean(numbers, TRIMMED)),
        "interval_95": bootstrap_interval(numbers),
    }


def model_statistics(scores: pd.DataFrame) -> dict[str, Any]:
    """Return `describe` of the seeds' scores: <model>.<split>.<measure>.<statistic>.

    The splits are val and, where there is one, test; the measures accuracy (0..1) and loss (nats).
    """
    result: dict[str, Any] = {}
    held_out = scores[scores["split"] != "train"]
    for (model, split), rows in held_out.groupby(["model", "split"], sort=False):
        of_split = {measure: describe(rows[measure]) for measure in ("accuracy", "loss")}
        result.setdefault(str(model), {})[str(split)] = of_split
    return result


def rounded(value: Any) -> Any:
    """Return a value of dicts and lists with its floats rounded, as it is written to a file."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def summary(scores: pd.DataFrame) -> dict[str, Any]:
    """Return, for every model, mean, sd and n of each split's accuracy and loss.

    Keys: <model>.<split>_accuracy.mean, .sd (population), .n, likewise _loss (nats),
    <model>.diverged, the number of diverged runs, which count with their last finite epoch, and
    <model>.dead_logit_runs, the number of runs with a dead logit.
    """
    result: dict[str, Any] = {}
    for model, of_model in scores.groupby("model", sort=False):
        entry: dict[str, Any] = {}
        for split, of_split in of_model.groupby("split", sort=False):
            for measure in ("accuracy", "loss"):
                mean, sd = mean_sd(of_split[measure])
                entry[f"{split}_{measure}"] = {
                    "mean": round(mean, DIGITS),
                    "sd": round(sd, DIGITS),
                    "n": len(of_split),
                }
        runs = of_model.drop_duplicates("seed")
        entry["diverged"] = int(runs["diverged"].sum())
        entry["dead_logit_runs"] = int((runs["dead_logits"] > 0).sum())
        result[str(model)] = entry
    return result


def curve(history: pd.DataFrame, column: str) -> list[dict[str, Any]]:
    """Return a row a (model, epoch): the mean over seeds of a column, and the band of +- one SD.

    A diverged run keeps its last finite value to the end, as it does in `summary`.
    """
    rows: list[dict[str, Any]] = []
    for model, of_model in history.groupby("model", sort=False):
        lines = by_seed(of_model, column)
        for epoch, values in zip(lines.index, lines.to_numpy(), strict=True):
            mean, sd = mean_sd(values)
            rows.append(
                {
                    "model": model,
                    "epoch": int(epoch),
                    "mean": round(mean, DIGITS),
                    "low": round(mean - sd, DIGITS),
                    "high": round(mean + sd, DIGITS),
                }
            )
    return rows


def by_seed(of_model: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a column of one model's history, by epoch (down) and seed (across).

    A run that ended before the others, as a diverged one does, keeps its last value to the end.
    """
    return of_model.pivot(index="epoch", columns="seed", values=column).ffill()


def confusion(predictions: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row a (model, split, label, predicted): how often, over all seeds, zeros too."""
    num_classes = int(predictions[["label", "predicted"]].to_numpy().max())
    rows: list[dict[str, Any]] = []
    for (model, split), some in predictions.groupby(["model", "split"], sort=False):
        counts = confusion_matrix(
            some["predicted"].to_numpy() - 1, some["label"].to_numpy() - 1, num_classes
        )
        for label in range(1, num_classes + 1):
            for predicted in range(1, num_classes + 1):
                rows.append(
                    {
                        "model": model,
                        "split": split,
                        "label": label,
                        "predicted": predicted,
                        "count": int(counts[label - 1, predicted - 1]),
                    }
                )
    return rows


def misclassified(predictions: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what the samples most often misclassified were called, over all models and seeds.

    Of the test samples if there are any, else of the validation samples. The order is by the share
    of wrong labels among the runs that predicted the sample, then by their number, then by index;
    the runs that held a validation sample out are not the same for all. A row a (split, index,
    label, predicted) with its count; the right label has a row too, where it was given, so that a
    sample's counts add up to its runs.
    """
    split = "test" if "test" in set(predictions["split"]) else "val"
    rows = predictions[predictions["split"] == split]
    rows = rows.assign(wrong=rows["predicted"] != rows["label"])
    by_index = rows.groupby("index")["wrong"].agg(["mean", "sum"])
    by_index = by_index[by_index["sum"] > 0]
    worst = by_index.sort_values(["mean", "sum"], ascending=False)  # stable, so ties by index
    return [
        {
            "split": split,
            "index": int(index),
            "label": int(label),
            "predicted": int(predicted),
            "count": len(some),
        }
        for index in worst.index[:MAX_MISCLASSIFIED]
        for (label, predicted), some in rows[rows["index"] == index].groupby(["label", "predicted"])
    ]
