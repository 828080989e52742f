"""What a run is trained from, as a digest, by which a record is told from another's."""

import dataclasses
import hashlib
import json
from typing import Any

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import Split, Train
from cnn_from_scratch.experiment.settings import name_of


def trained_from(model: Model, split: Split, train: Train, seed: int, dataset: Dataset) -> str:
    """Return the SHA-256, in hex, of all that decides a run's result but for the code.

    That is the settings, the seed and the dataset. Settings that have their default are left out,
    so that a new one changes no digest until it is used; the backend, too, where all backends have
    the same bits.
    """
    if train.numerics == "portable":
        train = dataclasses.replace(train, backend="numpy")
    settings = _plain(model)
    # The name that the first records were made under: a digest never changes with a name of ours.
    settings["network"] = settings.pop("architecture")
    decisive = {
        "model": settings,
        "split": _plain(split),
        "train": _plain(train),
        "seed": seed,
        "dataset": dataset.digest,
    }
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return a setting as JSON has it; a dataclass by its name in params.yaml, where it has one."""
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if not dataclasses.is_dataclass(value):
        return value
    kind = type(value)
    settings = {
        field.name: _plain(setting)
        for field in dataclasses.fields(value)
        if field.compare and (setting := getattr(value, field.name)) != field.default
    }
    return {"name": name_of(kind) or kind.__name__, **settings}
