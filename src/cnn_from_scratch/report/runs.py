"""The runs that params.yaml names, read from their folders into tables.

A record's files must fit each other, the settings and the dataset; else the first that does not is
named.
"""

import csv
import io
from dataclasses import dataclass
from math import isclose
from typing import Any, NotRequired, TypedDict

import msgspec
import numpy as np
import pandas as pd

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.diagnostics import Diagnostics
from cnn_from_scratch.experiment.identity import trained_from
from cnn_from_scratch.experiment.models import Model, resolve_models
from cnn_from_scratch.experiment.params import Params, Split, Train
from cnn_from_scratch.experiment.records import (
    damaged,
    probability_column,
    read_record,
    run_folder,
)
from cnn_from_scratch.experiment.splits import run_split
from cnn_from_scratch.report.measures import values_of

HISTORY: dict[str, Any] = {
    "epoch": int,
    "train_loss": float,
    "train_accuracy": float,
    "val_loss": float,
    "val_accuracy": float,
}
PREDICTIONS: dict[str, Any] = {"split": str, "index": int, "label": str, "predicted": str}
LOSS_OFF = 1e-5  # of a loss: native numerics may add up the same samples in another order
SUM_OFF = 1e-4  # of many classes' probabilities, in float32


class RecordedScore(TypedDict):
    """A split's score in result.json."""

    loss: float
    accuracy: float


class RecordedScores(TypedDict):
    """`scores` in result.json; there may be no test samples."""

    train: RecordedScore
    val: RecordedScore
    test: NotRequired[RecordedScore]


@dataclass(frozen=True)
class Result:
    """What is read of a result.json."""

    model: str
    seed: int
    epochs: int
    protocol: str
    parameters: int
    diverged: bool
    last_finite_epoch: int
    checkpoint_epoch: int
    scores: RecordedScores
    diagnostics: Diagnostics


class FileError(ValueError):
    """Something that cannot be in a run's record; it knows the file."""

    def __init__(self, file: str, problem: object) -> None:
        super().__init__(f"{problem}")
        self.file = file


@dataclass(frozen=True)
class RunTables:
    """What a run recorded: history and predictions have the columns HISTORY and PREDICTIONS.

    In predictions the probability of each class follows, in the classes' order.
    """

    result: Result
    history: pd.DataFrame
    predictions: pd.DataFrame

    def scores(self, last_epoch: int) -> pd.DataFrame:
        """Return one row per split: its score, and what is the same for all splits.

        last_epoch: of the model's runs; for the measures of the history, this run's last row stands
        for those that it does not have.
        """
        epochs = range(last_epoch + 1)
        history = self.history.reindex(epochs, method="ffill").assign(epoch=epochs)
        result = self.result
        of_run = {
            "protocol": result.protocol,
            "parameters": result.parameters,
            "diverged": result.diverged,
            "last_finite_epoch": result.last_finite_epoch,
            "checkpoint_epoch": result.checkpoint_epoch,
            "dead_logits": result.diagnostics.dead_logits,
            "loss_floor": result.diagnostics.loss_floor,
            **values_of("result", result),
            **values_of("history", history),
        }
        predictions = dict(list(self.predictions.groupby("split")))
        scores: dict[str, Any] = {**result.scores}
        return pd.DataFrame(
            {"split": split, **score, **values_of("score", score), **of_run}
            | (values_of("predictions", predictions[split]) if split in predictions else {})
            for split, score in scores.items()
        )


@dataclass(frozen=True)
class Runs:
    """What the runs recorded, in the order of params.yaml.

    scores: one row per (model, seed, split): loss in nats, accuracy 0..1, protocol, parameters,
        diverged, last_finite_epoch, checkpoint_epoch, dead_logits, loss_floor in nats, and every
        other measure (MEASURES); those of whole runs stand in each row of the run.
    history: one row per (model, seed, epoch): step, which counts the updates made until then, and
        train_loss, train_accuracy, val_loss, val_accuracy.
    predictions: one row per (model, seed, split, index): label, predicted; both are categories, the
        names of all classes in their order; then `probability_column` of each class.
    """

    scores: pd.DataFrame
    history: pd.DataFrame
    predictions: pd.DataFrame


def read_runs(params: Params, dataset: Dataset) -> Runs:
    """Read the run of every model and seed.

    Raises InputError if one is missing or damaged, was trained from other settings or another
    dataset than these, or contradicts itself or the dataset.
    """
    samples: dict[tuple[Split, int], pd.DataFrame] = {}
    scores: list[pd.DataFrame] = []
    history: list[pd.DataFrame] = []
    predictions: list[pd.DataFrame] = []
    for name, model in resolve_models(params).items():
        own = params.models[name]
        for seed in params.seeds:
            if (own.split, seed) not in samples:
                samples[own.split, seed] = predicted_samples(own.split, seed, dataset)
        runs = {
            seed: _read_run(params, name, model, seed, dataset, samples[own.split, seed])
            for seed in params.seeds
        }
        last_epoch = max(run.result.last_finite_epoch for run in runs.values())
        for seed, run in runs.items():
            predicted = samples[own.split, seed]
            updates = updates_per_epoch(own.train.batch_size, own.split, predicted, dataset)
            run.history.insert(1, "step", run.history["epoch"] * updates)
            for frames, frame in (
                (scores, run.scores(last_epoch)),
                (history, run.history),
                (predictions, run.predictions),
            ):
                frame.insert(0, "seed", seed)
                frame.insert(0, "model", name)
                frames.append(frame)
    tables = (pd.concat(frames, ignore_index=True) for frames in (scores, history, predictions))
    return Runs(*tables)


def read_named_record(
    params: Params, name: str, model: Model, seed: int, dataset: Dataset
) -> dict[str, bytes]:
    """Return the files of a run that params.yaml names. Raises InputError as `read_record` does."""
    own = params.models[name]
    digest = trained_from(model, own.split, own.train, seed, dataset)
    return read_record(run_folder(name, seed), digest)


def _read_run(
    params: Params, name: str, model: Model, seed: int, dataset: Dataset, samples: pd.DataFrame
) -> RunTables:
    files = read_named_record(params, name, model, seed, dataset)
    try:
        return run_tables(files, name, seed, params.models[name].train, samples)
    except FileError as error:
        raise damaged(run_folder(name, seed) / error.file, f"damaged: {error}") from error


def predicted_samples(split: Split, seed: int, dataset: Dataset) -> pd.DataFrame:
    """Return the samples that a run predicts, in order: split, index and label (a category)."""
    _, val = run_split(dataset, split, seed)
    parts = [("val", val, dataset.y[val])]
    if dataset.y_test is not None:
        parts.append(("test", np.arange(len(dataset.y_test)), dataset.y_test))
    splits, indices, labels = zip(*parts, strict=True)
    kind = pd.CategoricalDtype(list(dataset.class_names), ordered=True)
    return pd.DataFrame(
        {
            "split": np.repeat(splits, [len(some) for some in indices]),
            "index": np.concatenate(indices),
            "label": pd.Categorical.from_codes(np.concatenate(labels), dtype=kind),
        }
    )


def updates_per_epoch(
    batch_size: int | None, split: Split, samples: pd.DataFrame, dataset: Dataset
) -> int:
    """Return how often an epoch updates the parameters: once for each minibatch.

    samples: as `predicted_samples` gives them.
    """
    held_out = int((samples["split"] == "val").sum()) if split.protocol == "holdout" else 0
    size = len(dataset.y) - held_out
    return -(-size // (batch_size or size))


def run_tables(
    files: dict[str, bytes],
    model: str,
    seed: int,
    train: Train,
    samples: pd.DataFrame,
) -> RunTables:
    """Return the tables of a record's files.

    samples: as `predicted_samples` gives them. Raises FileError if something in a file cannot be,
    or the files contradict each other, the settings or the samples.
    """
    file = "result.json"
    try:
        result = msgspec.json.decode(files[file], type=Result)
        if (result.model, result.seed) != (model, seed):
            raise ValueError(f"expected {model} seed {seed}, got {result.model} seed {result.seed}")
        _check_result(result, train)
        file = "history.csv"
        history = _read_csv(files[file], HISTORY)
        _check_epochs(history["epoch"].tolist(), 0, result)
        _check_history(history)
        file = "gradients.csv"
        rows = files[file].splitlines()[1:]
        _check_epochs([int(row.partition(b",")[0]) for row in rows], 1, result)
        file = "predictions.csv"
        probabilities = map(probability_column, samples["label"].cat.categories)
        columns = PREDICTIONS | dict.fromkeys(probabilities, float)
        predictions = _with_labels(_read_csv(files[file], columns), samples)
        _check_probabilities(predictions)
        file = "result.json"
        _check_scores(result, history, predictions)
    except (ValueError, OverflowError, csv.Error) as error:
        raise FileError(file, error) from error
    return RunTables(result, history, predictions)


def _read_csv(content: bytes, columns: dict[str, Any]) -> pd.DataFrame:
    """Return the columns, of those types. Raises ValueError if a value is missing or not finite."""
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
    if not rows or any(len(row) != len(header) for row in rows):
        raise ValueError("expected rows of as many values as columns")
    values = dict(zip(header, zip(*rows, strict=True), strict=True))
    if missing := columns.keys() - values.keys():
        raise ValueError(f"expected the columns {', '.join(sorted(missing))}")
    for name, kind in columns.items():
        if kind is not str and not all(map(str.isascii, values[name])):
            raise ValueError(f"{name}: expected numbers in ASCII")  # int would take any script's
    # Python's float rounds to the nearest float64, as pandas' own parser may not.
    frame = pd.DataFrame({name: list(map(kind, values[name])) for name, kind in columns.items()})
    if not np.isfinite(frame.select_dtypes("number")).all(axis=None):
        raise ValueError("expected finite numbers")
    return frame


def _check_result(result: Result, train: Train) -> None:
    """Check the epochs: all have been trained, unless there is a reason to end before."""
    early = result.diverged or train.early_stopping is not None
    last = result.last_finite_epoch
    if result.epochs != train.epochs or not (
        last <= train.epochs if early else last == train.epochs
    ):
        raise ValueError(f"expected {train.epochs} epochs")
    if not 0 <= result.checkpoint_epoch <= last:
        raise ValueError(f"checkpoint_epoch: expected a number up to {last}")


def _check_epochs(epochs: list[int], first: int, result: Result) -> None:
    if epochs != list(range(first, result.last_finite_epoch + 1)):
        raise ValueError(f"expected the epochs {first} to {result.last_finite_epoch}, each once")


def _check_history(history: pd.DataFrame) -> None:
    accuracies = history[["train_accuracy", "val_accuracy"]]
    if history.to_numpy().min() < 0 or accuracies.to_numpy().max() > 1:
        raise ValueError("expected losses from 0 up and accuracies from 0 to 1")


def _with_labels(predictions: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions with categories as labels, once it is sure that they are of these."""
    same = (predictions[column].tolist() == samples[column].tolist() for column in samples)
    if not all(same):
        raise ValueError("expected each sample of the split and of the test samples once, in order")
    kind = samples["label"].dtype
    known = predictions["predicted"].isin(samples["label"].cat.categories)
    for name in predictions.loc[~known, "predicted"].head(1):
        raise ValueError(f"expected predicted labels that name a class, got {name!r}")
    return predictions.astype({"label": kind, "predicted": kind})


def _check_probabilities(predictions: pd.DataFrame) -> None:
    """Check that they add up to 1, and that the highest is the predicted label's."""
    probabilities = predictions.iloc[:, len(PREDICTIONS) :].to_numpy()
    of_predicted = probabilities[np.arange(len(predictions)), predictions["predicted"].cat.codes]
    is_highest = (of_predicted == probabilities.max(axis=1)).all()
    off = np.abs(probabilities.sum(axis=1) - 1.0).max()
    if not is_highest or probabilities.min() < 0.0 or off > SUM_OFF:
        raise ValueError(
            "expected probabilities that add up to 1, with the predicted label's as the highest"
        )


def _check_scores(result: Result, history: pd.DataFrame, predictions: pd.DataFrame) -> None:
    """Check the accuracies against the predictions, and all against the checkpoint's epoch."""
    right = (predictions["predicted"] == predictions["label"]).groupby(predictions["split"])
    counted = {str(split): of_split.sum() / len(of_split) for split, of_split in right}
    scores: dict[str, Any] = {**result.scores}
    if scores.keys() - {"train"} != counted.keys():
        raise ValueError("expected a score for each split")
    epoch = history.iloc[result.checkpoint_epoch]
    for split, score in scores.items():
        if split != "test" and not (
            score["accuracy"] == epoch[f"{split}_accuracy"]
            and isclose(score["loss"], epoch[f"{split}_loss"], rel_tol=LOSS_OFF, abs_tol=LOSS_OFF)
        ):
            raise ValueError(f"scores.{split}: expected those of epoch {result.checkpoint_epoch}")
        if score["accuracy"] != counted.get(split, score["accuracy"]) or score["loss"] < 0:
            raise ValueError(f"scores.{split}: expected those of the predictions")
