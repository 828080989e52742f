"""A run's record: the folder of files that a run leaves behind.

history.csv      epoch, then loss (nats) and accuracy (0..1) on train and val
result.json      what was trained and how (the optimizer with all its settings, the epochs asked
                 for), the final scores, whether the run diverged, and how its units fare
gradients.csv    epoch, then the gradient's norm by layer that learns, at the epoch's last update
checkpoint.npz   theta, (P,) float64, and buffers as <layer>.<name>
predictions.csv  the label given to each validation and test sample
"""

import csv
import io
import itertools
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.files import replacing, write_json, write_text
from cnn_from_scratch.experiment.models import Model, optimizer_settings
from cnn_from_scratch.experiment.npz import write_npz
from cnn_from_scratch.experiment.run import Run, build_network
from cnn_from_scratch.nn.model import Sequential
from cnn_from_scratch.nn.optimizers import Optimizer

RUNS_FOLDER = Path("runs")


def run_folder(model: str, seed: int) -> Path:
    """Return where the workflow keeps a run."""
    return RUNS_FOLDER / model / str(seed)


def check_run_folder(folder: Path, named: Path | None) -> None:
    """Check that writing a run's record at `folder` loses nothing, now or later.

    named: where the workflow keeps the run; None if params.yaml does not name it. Raises
    InputError.
    """
    is_named = named is not None and folder.resolve() == named.resolve()
    if folder.resolve().is_relative_to(RUNS_FOLDER.resolve()) and not is_named:
        raise InputError(
            f"--out: {folder}: '{RUNS_FOLDER}' keeps the runs that params.yaml names, by model and"
            f" seed, and no others; choose another folder, such as {Path('scratch', 'mine')}"
        )
    if folder.exists() and not (folder / "result.json").exists():
        raise InputError(
            f"{folder}: is there already, and is no run's folder; choose another --out"
        )


def write_run(
    folder: Path,
    run: Run,
    *,
    model: str,
    seed: int,
    optimizer: Optimizer,
    epochs: int,
    protocol: str,
) -> None:
    """Write a run's record; an earlier one at the same place is replaced, as a whole."""
    result = {
        "model": model,
        "seed": seed,
        "optimizer": optimizer_settings(optimizer),
        "epochs": epochs,
        "protocol": protocol,
        "parameters": run.num_params,
        "diverged": run.fit.diverged,
        "last_finite_epoch": run.fit.history[-1].epoch,
        "checkpoint_epoch": run.fit.checkpoint_epoch,
        "scores": {split: score._asdict() for split, score in run.scores.items()},
        "diagnostics": asdict(run.diagnostics),
    }
    with replacing(folder) as new:
        new.mkdir()
        write_text(new / "history.csv", _history(run))
        write_json(new / "result.json", result)
        write_text(new / "gradients.csv", _gradients(run))
        write_npz(new / "checkpoint.npz", run.checkpoint)
        write_text(new / "predictions.csv", _predictions(run))


def read_network(folder: Path, model: Model, seed: int, dataset: Dataset) -> Sequential:
    """Return the trained network of a run's record.

    Raises InputError if the checkpoint is missing or damaged, or is of another network.
    """
    file = folder / "checkpoint.npz"
    network = build_network(model, seed, dataset)
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            network.restore(dict(arrays))
    except FileNotFoundError as error:
        raise InputError(f"{file}: not found; 'dvc repro' makes it") from error
    except Exception as error:  # a damaged file can fail anywhere in zip and NumPy's format
        raise InputError(
            f"{file}: damaged, or of another network; delete it, and 'dvc repro' makes it"
        ) from error
    return network


def _history(run: Run) -> str:
    header = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
    rows = ((row.epoch, *row.train, *row.val) for row in run.fit.history)
    return _csv(header, rows)


def _gradients(run: Run) -> str:
    header = ("epoch", *(f"layer_{number}" for number in run.gradient_norms))
    rows = zip(itertools.count(1), *run.gradient_norms.values())  # none before the first update
    return _csv(header, rows)


def _predictions(run: Run) -> str:
    rows = (
        (split, *row)
        for split, p in run.predictions.items()
        for row in zip(p.indices, p.labels, p.predicted, strict=True)
    )
    return _csv(("split", "index", "label", "predicted"), rows)


def _csv(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
