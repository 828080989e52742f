"""The training loop: forward, loss, backward, update, and a record of every epoch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np

from cnn_from_scratch.nn.layers import EVALUATION, Mode
from cnn_from_scratch.nn.metrics import Labels, accuracy
from cnn_from_scratch.nn.model import Sequential
from cnn_from_scratch.nn.numerics import Array
from cnn_from_scratch.nn.optimizers import Optimizer
from cnn_from_scratch.nn.schedules import Constant, Schedule

TRAINING = Mode(training=True)
CONSTANT = Constant()

# Of losses and parameters, by dtype: the square of a number beyond may not be finite.
LIMITS = {np.dtype(np.float64): 1e100, np.dtype(np.float32): 1e18}


class Samples(NamedTuple):
    """Inputs x (N, ...) with their class indices targets (N,), N >= 1.

    x: an array of the model's dtype; or what has a length and gives such an array when asked for
        some of its rows, by a slice or by indices.
    """

    x: Any
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


class Pass(NamedTuple):
    """A network's way from some samples to the loss, and what the way back needs."""

    logits: Array  # (N, K)
    loss: float  # mean cross-entropy in nats
    dlogits: Array  # its gradient, (N, K)
    caches: list[Any]  # the layers'


@dataclass(frozen=True)
class Fit:
    """What training did.

    history: the scores of every epoch from 0 to the last before a divergence.
    diverged: whether a loss or a parameter stopped being finite, or passed 1e100 (1e18 in float32).
    checkpoint_epoch: the epoch whose network the model was left as; the last of the history,
        unless the best one was asked for.
    """

    history: list[Epoch]
    diverged: bool
    checkpoint_epoch: int


def evaluate(model: Sequential, samples: Samples) -> Score:
    """Return the model's loss and accuracy on the samples."""
    logits = predict(model, samples.x)
    loss, _ = model.loss(logits, samples.targets)
    return _score(logits, loss, samples)


def predict(model: Sequential, x: Any) -> Array:
    """Return the model's logits (N, K) for inputs as in `Samples`, however many."""
    logits = model.map_parts(lambda rows: model.forward(x[rows])[0], parts(model, len(x)))
    return np.concatenate(list(logits))


def parts(model: Sequential, n: int) -> list[slice]:
    """Cut n samples into parts of about the same size that go through the network at once.

    What the network makes of a part then stays in the processor's cache, and takes little memory,
    however many samples there are. Where there is more than one, their number is even: two threads
    then have the same to do.
    """
    most = max(1, model.part_size // prod(model.in_shape))
    if n <= most:
        return [slice(0, n)]
    count = min(n, 2 * -(-n // (2 * most)))
    return [slice(i * n // count, (i + 1) * n // count) for i in range(count)]


def gradient(model: Sequential, batch: Samples, mode: Mode = TRAINING) -> Array:
    """Return the gradient (P,) of the batch's mean loss, added up over its parts."""
    n = len(batch.x)
    cut = [slice(n)] if model.mode_matters else parts(model, n)
    if len(cut) == 1:
        return model.backward(*_pass(model, batch, mode)[2:])

    def of_part(rows: slice) -> Array:
        passed = _pass(model, Samples(batch.x[rows], batch.targets[rows]), mode)
        return len(passed.logits) / n * model.backward(passed.dlogits, passed.caches)

    return np.asarray(sum(model.map_parts(of_part, cut)))


def train_step(
    model: Sequential,
    optimizer: Optimizer,
    state: Any,
    batch: Samples,
    mode: Mode = TRAINING,
    lr_factor: float = 1.0,
    passed: Pass | None = None,
) -> Any:
    """Update the model once, on one batch, and return the optimizer's new state.

    passed: the model's forward pass on the batch, if it has been made already.
    """
    g = model.backward(*passed[2:]) if passed else gradient(model, batch, mode)
    delta, state = optimizer.update(g, state, model.theta)
    model.theta += lr_factor * delta
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
    dropout_rng: np.random.RandomState | None = None,
    augment: Callable[[Array], Array] | None = None,
    schedule: Schedule = CONSTANT,
    early_stopping: int | None = None,
    best_checkpoint: bool = False,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> Fit:
    """Train the model in place on `train`, and score it on `train` and `val` after every epoch.

    Unless early_stopping or best_checkpoint is asked for, `val` is only looked at, and decides
    nothing but whether a run has diverged.

    Args:
        model: the network, changed in place.
        optimizer: the rule that turns a gradient into a step.
        train: the samples to learn from.
        val: the samples to score beside them.
        epochs: passes over `train`, at least 1.
        batch_size: samples in a minibatch, the last of an epoch may be smaller; None: all.
        rng: shuffles the samples before each epoch of minibatches; a full batch draws nothing.
        dropout_rng: what dropout draws its masks from; needed only by networks that have it.
        augment: changes the inputs of each batch before they are learned from.
        schedule: by what factor an epoch's steps are scaled.
        early_stopping: end when the validation loss has not fallen below its lowest for this many
            epochs; None: never.
        best_checkpoint: leave the model as it was when the validation loss was lowest.
        on_epoch: told of every epoch as it ends, for showing progress; it leaves the model alone.

    If a loss or a parameter stops being finite, or passes 1e100 (1e18 in float32) in size, the run
    has diverged: training ends, and model and history go back to the last epoch before. Raises
    ValueError if that is so before the first epoch.
    """
    state, mode = optimizer.init(model.theta), Mode(training=True, rng=dropout_rng)
    n = len(train.x)
    size = n if batch_size is None else min(batch_size, n)
    if fixed_batch := size == n and augment is None and len(parts(model, n)) == 1:
        train = _prepared(model, train)
    val = _prepared(model, val)
    # Where an update sees just what was scored last, one forward pass does for both.
    reuse = fixed_batch and not model.mode_matters
    passed: Pass | None = None
    history: list[Epoch] = []
    diverged = False
    last = best = model.state()
    best_epoch = 0
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is looked for, not warned of
        for epoch in range(epochs + 1):
            if epoch > 0:
                lr_factor = schedule.factor(epoch - 1, epochs)
                for batch in _batches(train, size, rng, augment):
                    state = train_step(model, optimizer, state, batch, mode, lr_factor, passed)
            passed = _pass(model, train, EVALUATION) if reuse else None
            score = _score(passed.logits, passed.loss, train) if passed else evaluate(model, train)
            scores = Epoch(epoch, score, evaluate(model, val))
            if diverged := not _finite(model, scores):
                break
            history.append(scores)
            last = model.state()
            if scores.val.loss < history[best_epoch].val.loss:
                best_epoch, best = epoch, last
            on_epoch(scores)
            if early_stopping is not None and epoch - best_epoch >= early_stopping:
                break
    if not history:
        raise ValueError("the network's loss or parameters are not finite before training")
    model.restore(best if best_checkpoint else last)
    return Fit(history, diverged, best_epoch if best_checkpoint else len(history) - 1)


def _prepared(model: Sequential, samples: Samples) -> Samples:
    """Return the samples as the network takes them quickest, if they go through it at once."""
    if len(parts(model, len(samples.x))) > 1:
        return samples
    return samples._replace(x=model.prepare(samples.x[:]))


def _batches(
    samples: Samples,
    size: int,
    rng: np.random.RandomState,
    augment: Callable[[Array], Array] | None,
) -> Iterator[Samples]:
    n = len(samples.x)
    order = None if size == n else rng.permutation(n)
    for start in range(0, n, size):
        rows = slice(None) if order is None else order[start : start + size]
        x = samples.x if order is None else samples.x[rows]  # all are asked for part by part
        yield Samples(x if augment is None else augment(x[:]), samples.targets[rows])


def _pass(model: Sequential, samples: Samples, mode: Mode) -> Pass:
    logits, caches = model.forward(samples.x[:], mode)
    loss, dlogits = model.loss(logits, samples.targets)
    return Pass(logits, loss, dlogits, caches)


def _score(logits: Array, loss: float, samples: Samples) -> Score:
    return Score(loss, accuracy(logits.argmax(axis=1), samples.targets))


def _finite(model: Sequential, scores: Epoch) -> bool:
    limit = LIMITS[model.theta.dtype]
    values = [*model.state().values(), np.array(scores.train.loss), np.array(scores.val.loss)]
    return all(np.all(np.abs(value) < limit) for value in values)
