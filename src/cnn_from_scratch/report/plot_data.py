"""The data of the plots: curves, accuracies, predictions, as rows."""

from typing import Any

import pandas as pd

from cnn_from_scratch.report.calibration import BINS, confidence_bins
from cnn_from_scratch.report.measures import DIGITS, MEASURES, mean_and_population_sd, told_in
from cnn_from_scratch.report.names import shown_split, split_title

MAX_MISCLASSIFIED = 12  # as many as a picture can show large
MAX_EPOCHS = 60  # of a single run's curve, about as many as a small plot can tell apart


def curve(history: pd.DataFrame, column: str) -> list[dict[str, Any]]:
    """Return one row per (model, epoch): a column's mean over seeds, and the band of +- one SD.

    step: the updates of the parameters made until then, epoch times the updates in an epoch.
    column: <split>_<measure>; the band ends where the measure does. A run that ended before the
    others, as a diverged one does, keeps its last value to the end.
    """
    measure = MEASURES[column.partition("_")[2]]
    rows: list[dict[str, Any]] = []
    for model, of_model in history.groupby("model", sort=False):
        lines = of_model.pivot(index="epoch", columns="seed", values=column).ffill()
        steps = of_model.groupby("epoch")["step"].max()
        for epoch, step, values in zip(lines.index, steps, lines.to_numpy(), strict=True):
            mean, sd = mean_and_population_sd(values)
            rows.append(
                {
                    "model": model,
                    "epoch": int(epoch),
                    "step": int(step),
                    "mean": round(mean, DIGITS),
                    "low": round(measure.clamp(mean - sd), DIGITS),
                    "high": round(measure.clamp(mean + sd), DIGITS),
                }
            )
    return rows


def run_curves(history: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row per (model, seed, epoch) with step, and train_loss and val_loss in nats.

    Of long runs every second, third, ... epoch, so that at most MAX_EPOCHS are left, and the last.
    """
    rows, _ = thinned(history, ["model", "seed"], MAX_EPOCHS)
    return _rows(rows[["model", "seed", "epoch", "step", "train_loss", "val_loss"]])


def scores_by_seed(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row per (model, seed, split): the measures of splits, whether the run diverged.

    The split is a title, which says what was measured. A measure that a split does not have, as it
    is of predictions for held-out samples, is None.
    """
    titles = [split_title(*pair) for pair in zip(scores["split"], scores["protocol"], strict=True)]
    measures = told_in("results", by_split=True)
    rows = _rows(scores.assign(split=titles)[["model", "seed", "split", *measures, "diverged"]])
    return [{key: None if value != value else value for key, value in row.items()} for row in rows]


def confusion(predictions: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row per (model, split, label, predicted): how often, over all seeds.

    Labels are class names, in the order of the classes. Pairs that never occurred have no row: with
    many classes most pairs are such.
    """
    return [
        {"model": model, "split": split, "label": label, "predicted": predicted, "count": count}
        for (model, split), some in predictions.groupby(["model", "split"], sort=False)
        for (label, predicted), count in _pairs(some)
    ]


def shown_predictions(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions for the test samples, or for validation if there are none."""
    split = shown_split(predictions["split"])
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
            "label": label,
            "predicted": predicted,
            "count": count,
        }
        for index in worst.index[:MAX_MISCLASSIFIED]
        for (label, predicted), count in _pairs(rows[rows["index"] == index])
    ]


def reliability(predictions: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row per (model, bin of the confidence): how sure its runs are, how often right.

    Of the test samples if there are any, else of the validation samples, over all seeds. A bin is
    of the confidences above low, up to high; count is its predictions, confidence and accuracy are
    their means. A bin without predictions has no row.
    """
    return [
        {
            "model": model,
            "split": split,
            "low": round(place / BINS, DIGITS),
            "high": round((place + 1) / BINS, DIGITS),
            "count": int(count),
            "confidence": round(confidence / count, DIGITS),
            "accuracy": round(right / count, DIGITS),
        }
        for (model, split), rows in shown_predictions(predictions).groupby(
            ["model", "split"], sort=False
        )
        for place, (count, right, confidence) in enumerate(confidence_bins(rows).T.tolist())
        if count
    ]


def _pairs(predictions: pd.DataFrame) -> list[tuple[tuple[str, str], int]]:
    """Return each pair of a true and a predicted label that occurs, and how often."""
    counts = predictions.groupby(["label", "predicted"], observed=True).size()
    pairs: list[tuple[str, str]] = counts.index.tolist()
    return list(zip(pairs, counts.tolist(), strict=True))


def thinned(rows: pd.DataFrame, by: list[str], most: int) -> tuple[pd.DataFrame, str]:
    """Return the rows of every second, third, ... epoch, and in words which those are.

    rows: one row per (curve, epoch), curves told apart by the columns `by`. So that at most `most`
    epochs are left, and the last one of each curve.
    """
    epochs = rows["epoch"]
    step = -(-(int(epochs.max()) + 1) // most)
    last = epochs == rows.groupby(by)["epoch"].transform("max")
    return rows[(epochs % step == 0) | last], f"one epoch in {step}" if step > 1 else ""


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    records = frame.round(DIGITS).to_dict("records")
    return [{str(column): value for column, value in row.items()} for row in records]
