"""Measures of a classifier's answers."""

from typing import Any

import numpy as np

Labels = np.ndarray[Any, np.dtype[np.integer[Any]]]


def accuracy(predicted: Labels, targets: Labels) -> float:
    """Return the share of right answers, in 0..1; both (N,), N >= 1."""
    return int(np.count_nonzero(predicted == targets)) / len(targets)


def confusion_matrix(predicted: Labels, targets: Labels, num_classes: int) -> Labels:
    """Count the answers: M[k, j] samples of class k were called j.

    predicted and targets (N,) class indices 0..K-1 -> (K, K) int64, K = num_classes.
    """
    pairs = targets.astype(np.int64) * num_classes + predicted.astype(np.int64)
    return np.bincount(pairs, minlength=num_classes * num_classes).reshape(num_classes, num_classes)
