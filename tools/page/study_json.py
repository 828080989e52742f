"""A study as src/browser takes it: the dataset and the models, as plain JSON.

A network is trained there to the same bits as here, which the digests of its recorded parameters
prove.
"""

import hashlib
from typing import Any

from cnn_from_scratch import InputError
from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.models import Model, resolve_models
from cnn_from_scratch.experiment.params import Params, Split, Train
from cnn_from_scratch.experiment.params_file import PARAMS_FILE
from cnn_from_scratch.experiment.settings import settings
from cnn_from_scratch.experiment.trained import read_trained
from cnn_from_scratch.nn.layers import Arrays
from cnn_from_scratch.report.runs import read_named_record

LARGEST_SEED = (1 << 53) - 1  # the largest whole number that JavaScript's numbers count to
HOW_COMPUTED = ("numerics", "dtype", "backend")  # keys of `train` that leave no choice there


def study_json(params: Params, dataset: Dataset) -> dict[str, Any]:
    """Return {dataset, seeds, models}, with all settings, also those that have defaults.

    Raises InputError if the browser could not train a model to the same bits.
    """
    reason = why_untrainable(params)
    if reason is not None:
        raise InputError(reason)
    return shown_json(params, dataset)


def why_untrainable(params: Params) -> str | None:
    """Return why the browser could not train to the same bits; None if it could."""
    if max(params.seeds) > LARGEST_SEED:
        return f"{PARAMS_FILE}: seeds: expected at most {LARGEST_SEED}, for a browser"
    for name, model in resolve_models(params).items():
        if params.models[name].train.numerics != "portable":
            return f"{PARAMS_FILE}: models.{name}: expected numerics: portable, for a browser"
        if model.legacy_skip is not None:
            return f"{PARAMS_FILE}: models.{name}.legacy_skip: expected none, for a browser"
    return None


def shown_json(params: Params, dataset: Dataset) -> dict[str, Any]:
    """Return the same of any study, also of one that the browser can only show."""
    return {
        "dataset": dataset_json(dataset),
        "seeds": list(params.seeds),
        "models": {
            name: model_json(model, params.models[name].split, params.models[name].train)
            for name, model in resolve_models(params).items()
        },
    }


def dataset_json(dataset: Dataset) -> dict[str, Any]:
    """Return the images, each as a list of its pixels in 0..1, row by row, and their classes."""
    result = {
        "shape": list(dataset.X.shape[1:]),
        "class_names": list(dataset.class_names),
        "X": _lists(dataset.pixels[:]),
        "y": dataset.y.tolist(),
    }
    if dataset.test_pixels is not None and dataset.y_test is not None:
        result |= {"X_test": _lists(dataset.test_pixels[:]), "y_test": dataset.y_test.tolist()}
    return result


def _lists(images: Array) -> list[list[float]]:
    return [image.ravel().tolist() for image in images]


def model_json(model: Model, split: Split, train: Train) -> dict[str, Any]:
    """Return {architecture, optimizer, schedule, split, train}."""
    return {
        "architecture": settings(model.architecture),
        "optimizer": settings(model.optimizer),
        "schedule": settings(model.schedule),
        "split": settings(split),
        "train": {k: v for k, v in settings(train).items() if k not in HOW_COMPUTED},
    }


def recorded_digests(params: Params, dataset: Dataset) -> dict[str, dict[int, str]]:
    """Return the digest of each recorded run's parameters, by model and seed.

    Raises InputError if a record is missing, or is of other settings.
    """
    return {
        name: {
            seed: parameters_digest(
                read_named_record(params, name, model, seed, dataset)["checkpoint.npz"]
            )
            for seed in params.seeds
        }
        for name, model in resolve_models(params).items()
    }


def parameters_digest(checkpoint: bytes) -> str:
    """Return the digest of a checkpoint.npz's numbers, as `state_digest` makes it."""
    return state_digest(read_trained(checkpoint, "checkpoint.npz").network.state())


def state_digest(state: Arrays) -> str:
    """Return the SHA-256, in hex, of a network's numbers, as src/browser/digest.js has it.

    That is theta as little-endian float64, then the buffers in the order of their names.
    """
    buffers = sorted(name for name in state if name != "theta")
    numbers = [state[name].astype("<f8").tobytes() for name in ("theta", *buffers)]
    return hashlib.sha256(b"".join(numbers)).hexdigest()
