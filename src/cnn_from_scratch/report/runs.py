"""The runs that params.yaml names, read from their folders into tables."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import msgspec
import numpy as np
import pandas as pd

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.records import run_folder

HISTORY: dict[str, Any] = {
    "epoch": int,
    "train_loss": float,
    "train_accuracy": float,
    "val_loss": float,
    "val_accuracy": float,
}
PREDICTIONS: dict[str, Any] = {"split": str, "index": int, "label": int, "predicted": int}


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

    protocol: str
    parameters: int
    diverged: bool
    last_finite_epoch: int
    checkpoint_epoch: int
    scores: Scores
    diagnostics: Diagnostics


@dataclass(frozen=True)
class Runs:
    """What the runs recorded, in the order of params.yaml.

    scores: a row a (model, seed, split): accuracy 0..1, loss in nats, protocol, parameters,
        diverged, last_finite_epoch, checkpoint_epoch, dead_logits, loss_floor in nats.
    history: a row a (model, seed, epoch): train_loss, train_accuracy, val_loss, val_accuracy.
    predictions: a row a (model, seed, split, index): label, predicted.
    """

    scores: pd.DataFrame
    history: pd.DataFrame
    predictions: pd.DataFrame


def read_runs(models: Iterable[str], seeds: Iterable[int]) -> Runs:
    """Read the run of every (model, seed). Raises InputError if one is missing or damaged."""
    pairs = [(model, seed) for model in models for seed in seeds]
    return Runs(
        scores=_table(pairs, "result.json", _read_scores),
        history=_table(pairs, "history.csv", _read_history),
        predictions=_table(pairs, "predictions.csv", _read_predictions),
    )


def prune_runs(models: Iterable[str], seeds: Iterable[int]) -> Iterator[Path]:
    """Delete the folders of runs that are no longer named, yielding each when it is gone.

    Raises InputError if one cannot be deleted.
    """
    named = {run_folder(model, seed) for model in models for seed in seeds}
    parents = {parent for folder in named for parent in folder.parents if parent != Path()}
    candidates = {run for parent in parents for run in parent.glob("*/")}
    for folder in sorted(candidates - named - parents):
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise InputError(
                f"{folder}: no longer named in params.yaml, but cannot be deleted: {error}"
            ) from error
        yield folder


def _table(
    pairs: list[tuple[str, int]], name: str, read: Callable[[Path], pd.DataFrame]
) -> pd.DataFrame:
    """Return the tables that `read` makes of each run's file `name`, one below the other."""
    frames = []
    for model, seed in pairs:
        file = run_folder(model, seed) / name
        try:
            frame = read(file)
        except FileNotFoundError as error:
            raise InputError(f"{file}: not found; 'dvc repro' makes it") from error
        except (ValueError, OverflowError) as error:
            raise InputError(f"{file}: damaged; delete it, and 'dvc repro' makes it") from error
        frame.insert(0, "seed", seed)
        frame.insert(0, "model", model)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _read_scores(file: Path) -> pd.DataFrame:
    result = asdict(msgspec.json.decode(file.read_bytes(), type=Result))
    scores, diagnostics = result.pop("scores"), result.pop("diagnostics")
    return pd.DataFrame(
        {"split": split, **score, **result, **diagnostics} for split, score in scores.items()
    )


def _read_history(file: Path) -> pd.DataFrame:
    history = _read_csv(file, HISTORY)
    if history["epoch"].tolist() != list(range(len(history))):
        raise ValueError("expected the epochs 0, 1, 2 and so on")
    return history


def _read_predictions(file: Path) -> pd.DataFrame:
    predictions = _read_csv(file, PREDICTIONS)
    if not predictions["split"].isin(["val", "test"]).all():
        raise ValueError("expected the splits val and test")
    if (predictions[["label", "predicted"]] < 1).any(axis=None):
        raise ValueError("expected labels from 1 up")
    return predictions


def _read_csv(file: Path, columns: dict[str, Any]) -> pd.DataFrame:
    """Return the columns, of those types. Raises ValueError if a value is missing or not finite."""
    # Python's float rounds to the nearest float64, as pandas' own parser may not.
    frame = pd.read_csv(file, usecols=list(columns), converters=columns).astype(columns)
    if frame.empty or not np.isfinite(frame.select_dtypes("number")).all(axis=None):
        raise ValueError("expected rows of finite numbers")
    return frame
