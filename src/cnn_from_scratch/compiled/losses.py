"""The softmax cross-entropy's loop: `nn.losses.softmax_cross_entropy`, a sample after the other."""

import math

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.compiled.functions import exp_of
from cnn_from_scratch.compiled.kernel import function
from cnn_from_scratch.nn.metrics import Targets


def softmax_cross_entropy(logits: Array, targets: Targets) -> tuple[float, Array]:
    """Return the mean cross-entropy in nats, and its gradient.

    Raises ValueError unless there is a target for each sample, and each of them is a class.
    """
    dlogits = np.empty_like(logits)
    return _softmax_cross_entropy(logits, targets, dlogits), dlogits


@function()
def _softmax_cross_entropy(logits: Array, targets: Targets, dlogits: Array) -> float:
    """Loss = mean over n of (log sum over k of exp z[n,k]) - z[n, target], z below its maximum."""
    samples, classes = logits.shape
    if len(targets) != samples:
        raise ValueError("expected a target for each sample")
    loss = 0.0
    for n in range(samples):
        if not 0 <= targets[n] < classes:
            raise ValueError("a target is no class")
        most = logits[n, 0]
        for k in range(1, classes):
            most = max(most, logits[n, k])
        total = 0.0
        for k in range(classes):
            e = exp_of(logits[n, k] - most)
            total += e
            dlogits[n, k] = e
        loss += math.log(total) - (logits[n, targets[n]] - most)
        for k in range(classes):
            probability = dlogits[n, k] / total
            dlogits[n, k] = (probability - (1.0 if k == targets[n] else 0.0)) / samples
    return loss / samples
