"""The runs that params.yaml names, read from their folders into tables."""

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.records import RUNS_FOLDER, run_folder

T = TypeVar("T")


@dataclass(frozen=True)
class Runs:
    """What the runs recorded, in the order of params.yaml.

    scores: a row a (model, seed, split): accuracy 0..1, loss in nats, protocol, parameters,
        diverged, last_finite_epoch, checkpoint_epoch.
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
        history=_table(pairs, "history.csv", pd.read_csv),
        predictions=_table(pairs, "predictions.csv", pd.read_csv),
    )


def prune_runs(models: Iterable[str], seeds: Iterable[int]) -> list[Path]:
    """Delete the folders of runs that are no longer named, and return them."""
    named = {run_folder(model, seed) for model in models for seed in seeds}
    parents = {folder.parent for folder in named}
    unnamed = [
        folder
        for folder in sorted([*RUNS_FOLDER.glob("*/"), *RUNS_FOLDER.glob("*/*/")])
        if folder not in named and folder not in parents
    ]
    for folder in unnamed:
        shutil.rmtree(folder, ignore_errors=True)  # its parent may have gone before it
    return unnamed


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
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file}: damaged; delete it, and 'dvc repro' makes it") from error
        frame.insert(0, "seed", seed)
        frame.insert(0, "model", model)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _read_scores(file: Path) -> pd.DataFrame:
    result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    per_run = ("protocol", "parameters", "diverged", "last_finite_epoch", "checkpoint_epoch")
    return pd.DataFrame(
        {"split": split, **score, **{key: result[key] for key in per_run}}
        for split, score in result["scores"].items()
    )
