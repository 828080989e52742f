"""The training loop: forward, loss, backward, update, and a record of every epoch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from cnn_from_scratch.nn.layers import Array
from cnn_from_scratch.nn.losses import softmax_cross_entropy
from cnn_from_scratch.nn.metrics import Labels, accuracy
from cnn_from_scratch.nn.model import Sequential
from cnn_from_scratch.nn.optimizers import Optimizer

LIMIT = 1e100  # of losses and parameters; the square of a number beyond may not be finite


class Samples(NamedTuple):
    """Inputs x (N, ...) float64 with their class indices targets (N,), N >= 1."""

    x: Array
    targets: Labels


class Score(NamedTuple):
    """How well a network does on some samples."""

    loss: float  # mean cross-entropy in nats
    accuracy: float  # 0..1


class Epoch(NamedTuple):
    """The scores of the network after `epoch` epochs; epoch 0 is the untrained network."""

    epoch: int
    train: Score
    val: Score


@dataclass(frozen=True)
class Fit:
    """What training did: the scores from epoch 0 to the last finite one, and whether it diverged.

    The model is left as it was after that last epoch.
    """

    history: list[Epoch]
    diverged: bool


def evaluate(model: Sequential, samples: Samples) -> Score:
    """Return the model's loss and accuracy on the samples."""
    logits, _ = model.forward(samples.x)
    loss, _ = softmax_cross_entropy(logits, samples.targets)
    return Score(loss, accuracy(logits.argmax(axis=1), samples.targets))


def train_step(model: Sequential, optimizer: Optimizer, state: Any, batch: Samples) -> Any:
    """Update the model once, on one batch, and return the optimizer's new state."""
    logits, caches = model.forward(batch.x)
    _, dlogits = softmax_cross_entropy(logits, batch.targets)
    delta, state = optimizer.update(model.backward(dlogits, caches), state)
    model.theta += delta
    return state


def fit(
    model: Sequential,
    optimizer: Optimizer,
    train: Samples,
    val: Samples,
    *,
    epochs: int,
    batch_size: int | None,
    rng: np.random.RandomState,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> Fit:
    """Train the model in place on `train`, and score it on `train` and `val` after every epoch.

    Args:
        model: the network, changed in place.
        optimizer: the rule that turns a gradient into a step.
        train: the samples to learn from.
        val: the samples to score beside them.
        epochs: passes over `train`, at least 1.
        batch_size: samples in a minibatch, the last of an epoch may be smaller; None: all.
        rng: shuffles the samples before each epoch of minibatches; a full batch draws nothing.
        on_epoch: told of every epoch as it ends, for showing progress.

    Training stops early only if a loss or a parameter stops being finite, or passes 1e100 in size:
    then the run has diverged, and model and history go back to the last epoch before. (So `val`
    decides nothing but whether a run has diverged.)
    """
    state = optimizer.init(model.theta)
    last_finite = model.theta.copy()
    history: list[Epoch] = []
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is looked for, not warned of
        for epoch in range(epochs + 1):
            if epoch > 0:
                for batch in _batches(train, batch_size, rng):
                    state = train_step(model, optimizer, state, batch)
            scores = Epoch(epoch, evaluate(model, train), evaluate(model, val))
            if not _finite(model, scores):
                model.theta[:] = last_finite
                return Fit(history, diverged=True)
            last_finite = model.theta.copy()
            history.append(scores)
            on_epoch(scores)
    return Fit(history, diverged=False)


def _batches(
    samples: Samples, batch_size: int | None, rng: np.random.RandomState
) -> Iterator[Samples]:
    n = len(samples.x)
    if batch_size is None or batch_size >= n:
        yield samples
        return
    order = rng.permutation(n)
    for start in range(0, n, batch_size):
        chosen = order[start : start + batch_size]
        yield Samples(samples.x[chosen], samples.targets[chosen])


def _finite(model: Sequential, scores: Epoch) -> bool:
    return (
        scores.train.loss < LIMIT
        and scores.val.loss < LIMIT
        and bool(np.all(np.abs(model.theta) < LIMIT))
    )
