"""The loss: how far the network's logits are from the true classes."""

from collections.abc import Callable
from functools import reduce

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn.metrics import Targets
from cnn_from_scratch.nn.numerics import exp, log, mean

Loss = Callable[[Array, Targets], tuple[float, Array]]


def softmax(logits: Array) -> Array:
    """Turn logits into probabilities, stable for any finite input.

    p[n,k] = exp(z[n,k]) / sum over j of exp(z[n,j])

    logits (N, K) -> (N, K) of their dtype, each row summing to 1. The row's maximum is
    subtracted first, which changes nothing but keeps exp from overflowing.
    """
    e = exp(_below_maximum(logits))
    return (e / reduce(np.add, e)).T


def softmax_cross_entropy(logits: Array, targets: Targets) -> tuple[float, Array]:
    """Return the mean cross-entropy of softmax(logits), and its gradient.

    loss    = -(1/N) * sum over n of log p[n, targets[n]],  p = softmax(logits)
    dlogits = (p - onehot(targets)) / N

    logits (N, K); targets (N,) class indices 0..K-1. The loss is in nats. Computed
    through log-sum-exp, so a probability that underflows to 0 still has its finite loss. Raises
    ValueError if a target is no class.
    """
    shifted = _below_maximum(logits)
    right = np.ravel_multi_index((targets, np.arange(len(logits))), shifted.shape)
    e = exp(shifted)
    total = reduce(np.add, e)  # class after class: in this order on every machine
    loss = float(mean(log(total) - shifted.ravel()[right], axis=0))
    dlogits = e / total
    dlogits.ravel()[right] -= 1.0
    return loss, (dlogits / len(logits)).T


def _below_maximum(logits: Array) -> Array:
    """Return each logit minus its row's maximum: at most 0, so that exp cannot overflow.

    logits (N, K) -> (K, N): a class is a run of N numbers, and quickly gone through.
    """
    with np.errstate(over="ignore"):  # -1e308 - 1e308 is -inf, whose exp is rightly 0
        return np.ascontiguousarray((logits - np.maximum.reduce(logits, axis=1, keepdims=True)).T)
