"""The measure of a classifier's answers."""

from typing import Any

import numpy as np

Targets = np.ndarray[Any, np.dtype[np.integer[Any]]]  # class indices 0..K-1


def accuracy(predicted: Targets, targets: Targets) -> float:
    """Return the share of right answers, in 0..1; both (N,), N >= 1."""
    return int(np.count_nonzero(predicted == targets)) / len(targets)
