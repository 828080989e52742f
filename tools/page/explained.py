"""What the page of a study holds: all that it takes to train it, and what its runs came to."""

import base64
import csv
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from cnn_from_scratch.experiment.dataset import Dataset, Indices
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import Params
from cnn_from_scratch.experiment.trained import read_trained
from cnn_from_scratch.report.runs import read_named_record
from page.study_json import parameters_digest, shown_json, why_untrainable

MOST_NUMBERS = 1_000_000  # of a dataset that a page holds whole: pixels of all images
SAMPLES = 100  # of a dataset that it does not


def explained(params: Params, dataset: Dataset) -> dict[str, Any]:
    """Return the study as `study_json` has it, with more: what its runs came to.

    untrainable: why the page only shows the study; None: it trains it.

    digests, parameters: of each run, by model and seed; parameters as {name: {float64: base64}}.
    preparation: how samples are made, by model.
    records: only of a study that it shows; its dataset is a sample then.
    Raises InputError if a record is missing, or is of other settings.
    """
    reason = why_untrainable(params) or _too_large(dataset)
    shown = dataset if reason is None else _sample(dataset)
    study = shown_json(params, shown) | {"untrainable": reason}
    records = {
        name: {s: read_named_record(params, name, model, s, dataset) for s in params.seeds}
        for name, model in resolve_models(params).items()
    }

    def of_each(value: Callable[[dict[str, bytes]], Any]) -> dict[str, dict[int, Any]]:
        return {
            name: {seed: value(files) for seed, files in of_model.items()}
            for name, of_model in records.items()
        }

    study |= {
        "digests": of_each(lambda files: parameters_digest(files["checkpoint.npz"])),
        "parameters": of_each(lambda files: parameters(files["checkpoint.npz"])),
        "preparation": {
            name: preparation(of_model[params.seeds[0]]["checkpoint.npz"])
            for name, of_model in records.items()
        },
    }
    return study if reason is None else study | {"records": of_each(_told)}


def _told(files: dict[str, bytes]) -> dict[str, Any]:
    """Return what a run that the page cannot train has recorded of its training."""
    rows = csv.reader(files["history.csv"].decode().splitlines()[1:])
    history = [
        {
            "epoch": int(epoch),
            "train": {"loss": float(loss), "accuracy": float(accuracy)},
            "val": {"loss": float(val_loss), "accuracy": float(val_accuracy)},
        }
        for epoch, loss, accuracy, val_loss, val_accuracy in rows
    ]
    checkpoint_epoch = json.loads(files["result.json"])["checkpoint_epoch"]
    return {"history": history, "checkpoint_epoch": checkpoint_epoch}


def _too_large(dataset: Dataset) -> str | None:
    numbers = dataset.X.size + (0 if dataset.X_test is None else dataset.X_test.size)
    if numbers <= MOST_NUMBERS:
        return None
    return f"its images are {numbers:,} numbers, and a page takes {MOST_NUMBERS:,}"


def _sample(dataset: Dataset) -> Dataset:
    """Return a dataset of a few samples: of those that test, or else of all."""
    if dataset.X_test is None or dataset.y_test is None:
        places = _evenly(len(dataset.X))
        return replace(dataset, X=dataset.X[places], y=dataset.y[places])
    places = _evenly(len(dataset.X_test))
    return replace(
        dataset,
        X=dataset.X[:0],
        y=dataset.y[:0],
        X_test=dataset.X_test[places],
        y_test=dataset.y_test[places],
    )


def _evenly(count: int) -> Indices:
    """Return the places of at most SAMPLES of so many samples, evenly spread."""
    return np.arange(min(count, SAMPLES)) * count // min(count, SAMPLES)


def preparation(checkpoint: bytes) -> dict[str, Any]:
    """Return what a checkpoint.npz tells of its samples, which are prepared alike in all runs."""
    return asdict(read_trained(checkpoint, "checkpoint.npz").description.preparation)


def parameters(checkpoint: bytes) -> dict[str, dict[str, str]]:
    """Return a checkpoint.npz's numbers, by name, as {float64: base64 of little-endian bytes}."""
    state = read_trained(checkpoint, "checkpoint.npz").network.state()
    return {
        name: {"float64": base64.b64encode(array.astype("<f8").tobytes()).decode()}
        for name, array in sorted(state.items())
    }
