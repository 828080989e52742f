"""What the page of a study holds: all that it takes to train it, and what its runs came to."""

import base64
from dataclasses import replace
from typing import Any

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import Params
from cnn_from_scratch.experiment.trained import read_trained
from cnn_from_scratch.report.runs import read_named_record
from page.study_json import parameters_digest, shown_json, why_untrainable

MOST_NUMBERS = 1_000_000  # of a dataset that a page holds whole: pixels of all images
SAMPLES = 100  # of a dataset that it does not


def explained(params: Params, dataset: Dataset) -> dict[str, Any]:
    """Return the study as `study_json` has it, with {untrainable, digests, parameters}.

    digests, parameters: of each run, by model and seed; parameters as {name: {float64: base64}}.
    untrainable: why the page only shows the study, or None; then it has a sample of the data.
    Raises InputError if a record is missing, or is of other settings.
    """
    reason = why_untrainable(params) or _too_large(dataset)
    shown = dataset if reason is None else _sample(dataset)
    study = shown_json(params, shown) | {"untrainable": reason, "digests": {}, "parameters": {}}
    for name, model in resolve_models(params).items():
        checkpoints = {
            seed: read_named_record(params, name, model, seed, dataset)["checkpoint.npz"]
            for seed in params.seeds
        }
        study["digests"][name] = {s: parameters_digest(file) for s, file in checkpoints.items()}
        study["parameters"][name] = {s: parameters(file) for s, file in checkpoints.items()}
    return study


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


def _evenly(count: int) -> Array:
    """Return the places of at most SAMPLES of so many samples, evenly spread."""
    return np.arange(min(count, SAMPLES)) * count // min(count, SAMPLES)


def parameters(checkpoint: bytes) -> dict[str, dict[str, str]]:
    """Return a checkpoint.npz's numbers, by name, as {float64: base64 of little-endian bytes}."""
    state = read_trained(checkpoint, "checkpoint.npz").network.state()
    return {
        name: {"float64": base64.b64encode(array.astype("<f8").tobytes()).decode()}
        for name, array in sorted(state.items())
    }
