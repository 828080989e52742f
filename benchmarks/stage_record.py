"""What a train stage reads and writes, for the stages in other libraries: the same as ours.

Only the diagnostics and the norms of the gradients are left out, which ours works out besides.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.dataset import Chosen, Images, Indices, Labels, load_dataset
from cnn_from_scratch.experiment.files import write_json
from cnn_from_scratch.experiment.models import find_model
from cnn_from_scratch.experiment.npz import write_npz
from cnn_from_scratch.experiment.params import load_params
from cnn_from_scratch.experiment.run import build_network
from cnn_from_scratch.experiment.splits import run_split
from cnn_from_scratch.nn.network import Sequential
from cnn_from_scratch.nn.optimizers import Adam
from cnn_from_scratch.nn.training import Samples

SEED = 0

Row = tuple[float, float, float, float]  # loss and accuracy of training, and of validation


class Stage(NamedTuple):
    """What is to be trained, and on what. batch_size: of minibatches; None: all at once."""

    network: Sequential
    adam: Adam
    epochs: int
    batch_size: int | None
    train: Samples
    val: Samples
    test: Samples


def read_stage(name: str) -> Stage:
    """Return the named model's run from params.yaml and data/dataset.npz, its pixels float32."""
    params, dataset = load_params(), load_dataset()
    model = find_model(params, name)
    assert isinstance(model.optimizer, Adam)
    train, val = run_split(dataset, params.models[name].split, SEED)

    def samples(images: Images, labels: Labels, indices: Indices) -> Samples:
        return Samples(Chosen(images, indices, dataset.scale, "float32")[:], labels[indices])

    assert dataset.X_test is not None and dataset.y_test is not None
    return Stage(
        build_network(model, SEED, dataset),
        model.optimizer,
        params.train.epochs,
        params.train.batch_size,
        samples(dataset.X, dataset.y, train),
        samples(dataset.X, dataset.y, val),
        samples(dataset.X_test, dataset.y_test, np.arange(len(dataset.y_test))),
    )


def write_stage(
    folder: Path, history: list[Row], parameters: dict[str, Array], logits: dict[str, Array]
) -> None:
    """Write the record: history, checkpoint, last scores, and predictions by split."""
    folder.mkdir(parents=True)
    with (folder / "history.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"))
        writer.writerows((epoch, *row) for epoch, row in enumerate(history))
    with (folder / "predictions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("split", "index", "predicted"))
        for split, some in logits.items():
            writer.writerows((split, i, label) for i, label in enumerate(some.argmax(axis=1) + 1))
    write_npz(folder / "checkpoint.npz", {k: np.asarray(v) for k, v in parameters.items()})
    write_json(folder / "result.json", {"epochs": len(history) - 1, "last": history[-1]})
