"""The loss: how far the network's logits are from the true classes."""

from collections.abc import Callable
from functools import reduce

import numpy as np

from cnn_from_scratch.nn.metrics import Labels
from cnn_from_scratch.nn.numerics import Array, exp, log, mean

Loss = Callable[[Array, Labels], tuple[float, Array]]


def softmax(logits: Array) -> Array:
    """Turn logits into probabilities, stable for any finite input.

    p[n,k] = exp(z[n,k]) / sum over j of exp(z[n,j])

    logits (N, K) float64 -> (N, K) float64, each row summing to 1. The row's maximum is
    subtracted first, which changes nothing but keeps exp from overflowing.
    """
    e = exp(_below_maximum(logits))
    return e / reduce(np.add, e.T)[:, np.newaxis]


def softmax_cross_entropy(logits: Array, targets: Labels) -> tuple[float, Array]:
    """Return the mean cross-entropy of softmax(logits), and its gradient.

    loss    = -(1/N) * sum over n of log p[n, targets[n]],  p = softmax(logits)
    dlogits = (p - onehot(targets)) / N

    logits (N, K) float64; targets (N,) class indices 0..K-1. The loss is in nats. Computed
    through log-sum-exp, so a probability that underflows to 0 still has its finite loss.
    """
    n = len(logits)
    rows = np.arange(n)
    shifted = _below_maximum(logits)
    e = exp(shifted)
    total = reduce(np.add, e.T)  # class after class: in this order on every machine
    loss = float(mean(log(total) - shifted[rows, targets], axis=0))
    dlogits = e / total[:, np.newaxis]
    dlogits[rows, targets] -= 1.0
    return loss, dlogits / n


def _below_maximum(logits: Array) -> Array:
    """Return each logit minus its row's maximum: at most 0, so that exp cannot overflow."""
    with np.errstate(over="ignore"):  # -1e308 - 1e308 is -inf, whose exp is rightly 0
        return logits - np.maximum.reduce(logits, axis=1, keepdims=True)
