"""The data of the plots: curves, accuracies, predictions, as rows."""

from typing import Any

import pandas as pd

from cnn_from_scratch.report.bounds import thinned
from cnn_from_scratch.report.moments import mean_sd
from cnn_from_scratch.report.names import split_title
from cnn_from_scratch.report.statistics import DIGITS, by_seed

MAX_MISCLASSIFIED = 12  # as many as a picture can show large
MAX_EPOCHS = 60  # of a single run's curve, about as many as a small plot can tell apart


def curve(history: pd.DataFrame, column: str) -> list[dict[str, Any]]:
    """Return one row per (model, epoch): a column's mean over seeds, and the band of +- one SD.

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


def run_curves(history: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row per (model, seed, epoch) with train_loss and val_loss in nats.

    Of long runs every second, third, ... epoch, so that at most MAX_EPOCHS are left, and the last.
    """
    rows, _ = thinned(history, ["model", "seed"], MAX_EPOCHS)
    return _rows(rows[["model", "seed", "epoch", "train_loss", "val_loss"]])


def accuracies(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row per (model, seed, split): the accuracy in 0..1, whether the run diverged.

    The split is a title, which says what was measured.
    """
    titles = [split_title(*pair) for pair in zip(scores["split"], scores["protocol"], strict=True)]
    return _rows(scores.assign(split=titles)[["model", "seed", "split", "accuracy", "diverged"]])


def confusion(predictions: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row per (model, split, label, predicted): how often, over all seeds.

    Pairs of labels that never occurred have no row: with many classes most pairs are such.
    """
    return [
        {
            "model": model,
            "split": split,
            "label": int(label),
            "predicted": int(predicted),
            "count": int(count),
        }
        for (model, split), some in predictions.groupby(["model", "split"], sort=False)
        for label, predicted, count in some.groupby(["label", "predicted"])
        .size()
        .reset_index()
        .itertuples(index=False)
    ]


def shown_predictions(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions for the test samples, or for validation if there are none."""
    split = "test" if "test" in set(predictions["split"]) else "val"
    return predictions[predictions["split"] == split]


def misclassified(predictions: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what the samples most often misclassified were called, over all models and seeds.

    Of the test samples if there are any, else of the validation samples. The order is by the share
    of wrong labels among the runs that predicted the sample, then by their number, then by index;
    the runs that held a validation sample out are not the same for all. One row per (split, index,
    label, predicted) with its count; the right label has a row too, where it was given, so that a
    sample's counts add up to its runs.
    """
    rows = shown_predictions(predictions)
    split = rows["split"].iloc[0]
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


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    records = frame.round(DIGITS).to_dict("records")
    return [{str(column): value for column, value in row.items()} for row in records]
