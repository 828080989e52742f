"""The training loop: forward, loss, backward, update, and a record of every epoch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf, prod
from typing import Annotated, Any, NamedTuple

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.checks import AT_LEAST_1, Checked
from cnn_from_scratch.nn.layers import EVALUATION, Arrays, Mode
from cnn_from_scratch.nn.metrics import Targets, accuracy
from cnn_from_scratch.nn.network import Sequential
from cnn_from_scratch.nn.numerics import using
from cnn_from_scratch.nn.optimizers import Optimizer
from cnn_from_scratch.nn.schedules import Constant, Schedule

CONSTANT = Constant()

# Of losses and parameters, by dtype: the square of a number beyond may not be finite.
LIMITS = {np.dtype(np.float64): 1e100, np.dtype(np.float32): 1e18}


class Samples(NamedTuple):
    """Inputs x (N, ...) with their class indices targets (N,), N >= 1.

    x: an array of the network's dtype; or what has a length and gives such an array when asked for
        some of its rows, by a slice or by indices.
    """

    x: Any
    targets: Targets


@dataclass(frozen=True)
class Training(Checked):
    """How a network is trained. One is for one `fit`, which draws from its streams.

    epochs: passes over the training samples.
    batch_size: samples in a minibatch, the last of an epoch may be smaller; None: all.
    schedule: by what factor an epoch's updates, or each update, are scaled.
    augment: changes the inputs of each batch before they are learned from.
    early_stopping: end when the validation loss has not fallen below its lowest for this many
        epochs; None: never.
    best_checkpoint: leave the network as it was when the validation loss was lowest.
    shuffle_rng: shuffles the samples before each epoch of minibatches; needed by these alone.
    dropout_rng: what dropout draws its masks from; needed only by networks that have it.
    """

    epochs: Annotated[int, AT_LEAST_1]
    batch_size: Annotated[int | None, AT_LEAST_1] = None
    schedule: Schedule = CONSTANT
    augment: Callable[[Array], Array] | None = None
    early_stopping: Annotated[int | None, AT_LEAST_1] = None
    best_checkpoint: bool = False
    shuffle_rng: np.random.RandomState | None = None
    dropout_rng: np.random.RandomState | None = None


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
    """What training did.

    history: the scores of every epoch from 0 to the last before a divergence.
    diverged: whether a loss or a parameter stopped being finite, or passed 1e100 (1e18 in float32).
    checkpoint_epoch: the epoch whose network was left; the last of the history, unless the best one
        was asked for.
    """

    history: list[Epoch]
    diverged: bool
    checkpoint_epoch: int


@dataclass
class Progress:
    """How far a training has come: all that the next epoch depends on but network and streams.

    history: the scores of every epoch so far.
    optimizer_state: None before the first epoch.
    best_epoch, best: the epoch of the lowest validation loss, and its network.
    """

    history: list[Epoch] = field(default_factory=list)
    optimizer_state: Any = None
    best_epoch: int = 0
    best: Arrays = field(default_factory=dict)


def fit(
    network: Sequential,
    optimizer: Optimizer,
    train: Samples,
    val: Samples,
    training: Training,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    progress: Progress | None = None,
    save: Callable[[Progress], None] = lambda _: None,
) -> Fit:
    """Train the network in place on `train`, and score it on `train` and `val` after every epoch.

    Unless early_stopping or best_checkpoint is asked for, `val` is only looked at, and decides
    nothing but whether a run has diverged. on_epoch is told of every epoch as it ends, for showing
    progress; it leaves the network alone. So does save, which is called when an epoch's work is all
    done: with what it is given, the network's state and the streams' states, a training goes on
    from there as if it had never ended, if it is given all three again (progress is the first).

    If a loss or a parameter stops being finite, or passes 1e100 (1e18 in float32) in size, the run
    has diverged: training ends, and network and history go back to the last epoch before. Raises
    ValueError if that is so before the first epoch.
    """
    progress = progress or Progress()
    history = progress.history
    diverged = False
    last = network.state()
    patience = training.early_stopping or inf
    # Divergence is looked for, not warned of.
    with using(network.backend.numerics), np.errstate(over="ignore", invalid="ignore"):
        for scored in epochs(network, optimizer, train, val, training, progress):
            if diverged := not _finite(network, scored):
                break
            history.append(scored)
            last = network.state()
            if not progress.best or scored.val.loss < history[progress.best_epoch].val.loss:
                progress.best_epoch, progress.best = scored.epoch, last
            on_epoch(scored)
            if scored.epoch - progress.best_epoch >= patience:
                break
            save(progress)
    if not history:
        raise ValueError("the network's loss or parameters are not finite before training")
    network.restore(progress.best if training.best_checkpoint else last)
    left = progress.best_epoch if training.best_checkpoint else history[-1].epoch
    return Fit(history, diverged, left)


def epochs(
    network: Sequential,
    optimizer: Optimizer,
    train: Samples,
    val: Samples,
    training: Training,
    progress: Progress,
) -> Iterator[Epoch]:
    """Train the network in place, and yield its scores: untrained, and after every epoch.

    Those that are in progress.history already are not yielded again.
    """
    n = len(train.x)
    batch_size = min(training.batch_size or n, n)
    # A full batch without augmentation is the same in every epoch, so it is prepared once. If the
    # network does the same in training as in scoring, an update goes back from the scoring pass.
    repeats = batch_size == n and training.augment is None
    reuses = repeats and not network.mode_matters and len(chunks(network, n)) == 1
    val = _prepared(network, val)
    if repeats:
        train = _prepared(network, train)
    optimizer = network.backend.optimizer(optimizer)
    if progress.optimizer_state is None:
        progress.optimizer_state = optimizer.init(network.theta)
    mode = Mode(training=True, rng=training.dropout_rng)
    scored = len(progress.history)
    for epoch in range(max(scored - 1, 0), training.epochs + 1):
        if reuses:
            passed = _forward(network, train, EVALUATION)
        if epoch >= scored:
            ours = _score(passed.logits, passed.loss, train) if reuses else evaluate(network, train)
            yield Epoch(epoch, ours, evaluate(network, val))
        if epoch == training.epochs:
            return
        factors = _lr_factors(training, epoch, updates=-(-n // batch_size))
        for batch, lr_factor in zip(_batches(train, batch_size, training), factors, strict=True):
            g = passed.to_gradient() if reuses else gradient(network, batch, mode)
            state = progress.optimizer_state
            progress.optimizer_state = update(network, optimizer, state, g, lr_factor)


def update(
    network: Sequential, optimizer: Optimizer, state: Any, g: Array, lr_factor: float = 1.0
) -> Any:
    """Update the network once, with the gradient g (P,); return the optimizer's new state."""
    delta, state = optimizer.update(g, state, network.theta)
    network.theta += lr_factor * delta
    return state


def gradient(network: Sequential, batch: Samples, mode: Mode) -> Array:
    """Return the gradient (P,) of the batch's mean loss, added up over its chunks."""
    n = len(batch.x)
    if network.mode_matters or len(chunks(network, n)) == 1:
        return _forward(network, batch, mode).to_gradient()

    def of_chunk(rows: slice) -> Array:
        chunk = Samples(batch.x[rows], batch.targets[rows])
        return len(chunk.x) / n * _forward(network, chunk, mode).to_gradient()

    return np.asarray(sum(network.backend.map_chunks(of_chunk, chunks(network, n))))


def evaluate(network: Sequential, samples: Samples) -> Score:
    """Return the network's loss and accuracy on the samples."""
    logits = predict(network, samples.x)
    loss, _ = network.backend.loss(logits, samples.targets)
    return _score(logits, loss, samples)


def predict(network: Sequential, x: Any) -> Array:
    """Return the network's logits (N, K) for inputs as in `Samples`, however many."""
    rows = chunks(network, len(x))
    logits = network.backend.map_chunks(lambda some: network.forward(x[some])[0], rows)
    return np.concatenate(list(logits))


def chunks(network: Sequential, n: int) -> list[slice]:
    """Cut n samples into chunks of about the same size that go through the network at once.

    What the network makes of a chunk then stays in the processor's cache, and takes little memory,
    however many samples there are. Where there is more than one, their number is even: two threads
    then have the same to do.
    """
    most = max(1, network.backend.chunk_size // prod(network.in_shape))
    if n <= most:
        return [slice(0, n)]
    count = min(n, 2 * -(-n // (2 * most)))
    return [slice(i * n // count, (i + 1) * n // count) for i in range(count)]


class _Pass(NamedTuple):
    """What a forward pass came to, and what goes back from it to the gradient."""

    logits: Array  # (N, K)
    loss: float  # mean cross-entropy in nats
    to_gradient: Callable[[], Array]  # (P,)


def _forward(network: Sequential, samples: Samples, mode: Mode) -> _Pass:
    logits, caches = network.forward(samples.x[:], mode)
    loss, dlogits = network.backend.loss(logits, samples.targets)
    return _Pass(logits, loss, lambda: network.backward(dlogits, caches))


def _prepared(network: Sequential, samples: Samples) -> Samples:
    """Return the samples as the network takes them quickest, if they go through it at once."""
    if len(chunks(network, len(samples.x))) > 1:
        return samples
    return samples._replace(x=network.prepare(samples.x[:]))


def _batches(samples: Samples, batch_size: int, training: Training) -> Iterator[Samples]:
    """Yield the batches of an epoch: all samples as they are, or shuffled minibatches."""
    n, augment = len(samples.x), training.augment
    if batch_size == n:
        yield samples if augment is None else samples._replace(x=augment(samples.x[:]))
        return
    if training.shuffle_rng is None:
        raise ValueError("minibatches need a random stream to shuffle: Training(shuffle_rng=...)")
    order = training.shuffle_rng.permutation(n)
    for start in range(0, n, batch_size):
        rows = order[start : start + batch_size]
        x = samples.x[rows]
        yield Samples(x if augment is None else augment(x), samples.targets[rows])


def _lr_factors(training: Training, epoch: int, updates: int) -> list[float]:
    """Return the schedule's factor for each of an epoch's updates."""
    schedule, epochs = training.schedule, training.epochs
    if schedule.by == "epoch":
        return [schedule.factor(epoch, epochs)] * updates
    in_steps = schedule.in_steps(updates)
    return [in_steps.factor(epoch * updates + i, epochs * updates) for i in range(updates)]


def _score(logits: Array, loss: float, samples: Samples) -> Score:
    return Score(loss, accuracy(logits.argmax(axis=1), samples.targets))


def _finite(network: Sequential, scored: Epoch) -> bool:
    limit = LIMITS[network.theta.dtype]
    values = [*network.state().values(), np.array(scored.train.loss), np.array(scored.val.loss)]
    return all(np.all(np.abs(value) < limit) for value in values)
