"""Means and deviations over the seeds."""

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from cnn_from_scratch.nn.metrics import confusion_matrix

DIGITS = 6  # of every number that is written to a metrics or plots file
MAX_MISCLASSIFIED = 12  # as many as a picture can show large


def mean_sd(values: Iterable[float]) -> tuple[float, float]:
    """Return the mean and the population SD, sqrt(sum((x - mean)^2) / n), of n >= 1 numbers.

    The sums are exact (math.fsum), so their order does not matter.
    """
    numbers = list(values)
    mean = math.fsum(numbers) / len(numbers)
    deviations = [x - mean for x in numbers]
    return mean, math.sqrt(math.fsum(d * d for d in deviations) / len(numbers))


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
        by_seed = of_model.pivot(index="epoch", columns="seed", values=column).ffill()
        for epoch, values in zip(by_seed.index, by_seed.to_numpy(), strict=True):
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
