"""What the nearest neighbours make of the test digits, without any training: neighbours/.

A test digit gets the class of the training digit at the least Euclidean distance (k = 1), or the
most frequent class of the k nearest; of equally frequent ones that of the nearer digit.
(Cover and Hart 1967, "Nearest neighbor pattern classification".)
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

import start

import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import DATASET_FILE, Labels, load_dataset
from cnn_from_scratch.experiment.files import replacing, write_json, write_text

KS = (1, 3, 5)  # odd: two classes never get half of the votes each

WholeNumbers = np.ndarray[Any, np.dtype[np.integer[Any]]]


def nearest(known: WholeNumbers, asked: WholeNumbers) -> WholeNumbers:
    """Return for each row asked (M, D) the places of the known rows (N, D), nearest first: (M, N).

    The squared distances are whole numbers, |a|^2 - 2 a b + |b|^2, and so exact; of equally near
    rows the first comes first.
    """
    squares = (asked**2).sum(axis=1)[:, None] - 2 * asked @ known.T + (known**2).sum(axis=1)
    return np.argsort(squares, axis=1, kind="stable")


def vote(classes: Labels) -> Labels:
    """Return the most frequent class of each row (M, k), nearest first: (M,)."""
    counts = (classes[:, :, None] == classes[:, None, :]).sum(axis=2)
    return classes[np.arange(len(classes)), counts.argmax(axis=1)]


def main() -> None:
    """Write the accuracy of each k on the test digits."""
    dataset = load_dataset()
    if dataset.X_test is None or dataset.y_test is None:
        raise InputError(f"{DATASET_FILE}: expected test samples, found none")
    known, asked = (x.reshape(len(x), -1).astype(np.int64) for x in (dataset.X, dataset.X_test))
    order = nearest(known, asked)
    accuracies = {
        str(k): float(np.mean(vote(dataset.y[order[:, :k]]) == dataset.y_test)) for k in KS
    }
    rows = [f"| {k} | {100 * accuracy:.2f} |" for k, accuracy in accuracies.items()]
    table = ["| k | Test accuracy in percent |", "| - | ------------------------ |", *rows]
    with replacing(Path("neighbours/accuracy.json")) as numbers:
        write_json(numbers, accuracies)
    with replacing(Path("neighbours/neighbours.md")) as page:
        write_text(page, "\n".join(table) + "\n")


if __name__ == "__main__":
    main()
