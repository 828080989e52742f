"""The runs that params.yaml names, read from their folders into tables."""

from dataclasses import dataclass

import pandas as pd

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.identity import trained_from
from cnn_from_scratch.experiment.models import Model, resolve_models
from cnn_from_scratch.experiment.params import Params
from cnn_from_scratch.experiment.records import damaged, read_record, run_folder
from cnn_from_scratch.report.run_tables import (
    FileError,
    RunTables,
    predicted_samples,
    run_tables,
)


@dataclass(frozen=True)
class Runs:
    """What the runs recorded, in the order of params.yaml.

    scores: one row per (model, seed, split): accuracy 0..1, loss in nats, protocol, parameters,
        diverged, last_finite_epoch, checkpoint_epoch, dead_logits, loss_floor in nats.
    history: one row per (model, seed, epoch): train_loss, train_accuracy, val_loss, val_accuracy.
    predictions: one row per (model, seed, split, index): label, predicted.
    """

    scores: pd.DataFrame
    history: pd.DataFrame
    predictions: pd.DataFrame


def read_runs(params: Params, dataset: Dataset) -> Runs:
    """Read the run of every model and seed.

    Raises InputError if one is missing or damaged, was trained from other settings or another
    dataset than these, or contradicts itself or the dataset.
    """
    samples = {seed: predicted_samples(params.split, seed, dataset) for seed in params.seeds}
    scores: list[pd.DataFrame] = []
    history: list[pd.DataFrame] = []
    predictions: list[pd.DataFrame] = []
    for name, model in resolve_models(params).items():
        for seed in params.seeds:
            run = _read_run(params, name, model, seed, dataset, samples[seed])
            for frames, frame in (
                (scores, pd.DataFrame(run.result.rows())),
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
    digest = trained_from(model, params.split, params.models[name].train, seed, dataset)
    return read_record(run_folder(name, seed), digest)


def _read_run(
    params: Params, name: str, model: Model, seed: int, dataset: Dataset, samples: pd.DataFrame
) -> RunTables:
    files = read_named_record(params, name, model, seed, dataset)
    try:
        return run_tables(
            files, name, seed, params.models[name].train, samples, dataset.num_classes
        )
    except FileError as error:
        raise damaged(run_folder(name, seed) / error.file, f"damaged: {error}") from error
