"""One run's record as tables, once its files are known to fit each other and the dataset."""

import io
from dataclasses import asdict, dataclass
from math import isclose
from typing import Any, NotRequired, TypedDict

import msgspec
import numpy as np
import pandas as pd

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.params import Split, Train
from cnn_from_scratch.experiment.splits import split_indices
from cnn_from_scratch.experiment.streams import Purpose, stream

HISTORY: dict[str, Any] = {
    "epoch": int,
    "train_loss": float,
    "train_accuracy": float,
    "val_loss": float,
    "val_accuracy": float,
}
PREDICTIONS: dict[str, Any] = {"split": str, "index": int, "label": int, "predicted": int}
LOSS_OFF = 1e-5  # of a loss: native numerics may add up the same samples in another order


class Score(TypedDict):
    """A split's score in result.json."""

    loss: float
    accuracy: float


class Scores(TypedDict):
    """`scores` in result.json; there may be no test samples."""

    train: Score
    val: Score
    test: NotRequired[Score]


class Diagnostics(TypedDict):
    """What is read of `diagnostics` in result.json."""

    dead_logits: int
    loss_floor: float


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
    scores: Scores
    diagnostics: Diagnostics

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each split: its score, and what is the same for all splits."""
        result = asdict(self)
        scores, diagnostics = result.pop("scores"), result.pop("diagnostics")
        for key in ("model", "seed", "epochs"):
            del result[key]
        return [
            {"split": split, **score, **result, **diagnostics} for split, score in scores.items()
        ]


class FileError(ValueError):
    """Something that cannot be in a run's record; it knows the file."""

    def __init__(self, file: str, problem: object) -> None:
        super().__init__(f"{problem}")
        self.file = file


@dataclass(frozen=True)
class RunTables:
    """What a run recorded: history and predictions have the columns HISTORY and PREDICTIONS."""

    result: Result
    history: pd.DataFrame
    predictions: pd.DataFrame


def predicted_samples(split: Split, seed: int, dataset: Dataset) -> pd.DataFrame:
    """Return the samples that a run predicts, in order: split, index and label."""
    rng = stream(seed, Purpose.SPLIT)
    _, val = split_indices(dataset.y, dataset.num_classes, split, rng)
    of_val = pd.DataFrame({"split": "val", "index": val, "label": dataset.y[val]})
    if dataset.y_test is None:
        return of_val
    test = np.arange(len(dataset.y_test))
    of_test = pd.DataFrame({"split": "test", "index": test, "label": dataset.y_test})
    return pd.concat([of_val, of_test], ignore_index=True)


def run_tables(
    files: dict[str, bytes],
    model: str,
    seed: int,
    train: Train,
    samples: pd.DataFrame,
    classes: int,
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
        predictions = _read_csv(files[file], PREDICTIONS)
        _check_predictions(predictions, samples, classes)
        file = "result.json"
        _check_scores(result, history, predictions)
    except (ValueError, OverflowError) as error:
        raise FileError(file, error) from error
    return RunTables(result, history, predictions)


def _read_csv(content: bytes, columns: dict[str, Any]) -> pd.DataFrame:
    """Return the columns, of those types. Raises ValueError if a value is missing or not finite."""
    text = content.decode("ascii")  # int and float would take the digits of any script
    # Python's float rounds to the nearest float64, as pandas' own parser may not.
    frame = pd.read_csv(
        io.StringIO(text), usecols=list(columns), converters=columns, index_col=False
    ).astype(columns)
    if frame.empty or not np.isfinite(frame.select_dtypes("number")).all(axis=None):
        raise ValueError("expected rows of finite numbers")
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


def _check_predictions(predictions: pd.DataFrame, samples: pd.DataFrame, classes: int) -> None:
    same = (np.array_equal(predictions[column], samples[column]) for column in samples)
    if len(predictions) != len(samples) or not all(same):
        raise ValueError("expected each sample of the split and of the test sheet once, in order")
    if not predictions["predicted"].between(1, classes).all():
        raise ValueError(f"expected predicted labels from 1 to {classes}")


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
