"""The training loop, against the same loop written out, and on problems that are not digits."""

from dataclasses import replace
from math import log
from typing import Any, ClassVar, NoReturn

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.nn import numerics
from cnn_from_scratch.nn.architectures import ACTIVATIONS, ActivationName, SimpleCNN
from cnn_from_scratch.nn.layers import (
    EVALUATION,
    Arrays,
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Gradients,
    Layer,
    MaxPool2D,
    Mode,
    ReLU,
    Sigmoid,
    Tanh,
)
from cnn_from_scratch.nn.losses import softmax_cross_entropy
from cnn_from_scratch.nn.metrics import Targets
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.nn.numerics import NUMERICS, NumericsName, using
from cnn_from_scratch.nn.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from cnn_from_scratch.nn.schedules import Constant, Cosine, Schedule, StepDecay
from cnn_from_scratch.nn.training import (
    Epoch,
    Fit,
    Samples,
    Score,
    Training,
    chunks,
    evaluate,
    fit,
    gradient,
    predict,
    update,
)
from tests.nn.inputs import normal, read_only

MLP: list[Layer] = [Dense(4), Sigmoid(), Dense(3)]
all_optimizers = pytest.mark.parametrize("name", OPTIMIZERS)
both_numerics = pytest.mark.parametrize("which", ["native", "portable"])


def _network(layers: list[Layer], in_shape: Shape = (5,), seed: int = 0) -> Sequential:
    return Sequential(layers, in_shape, lambda i: np.random.RandomState([seed, i]), NUMPY)


def _samples(n: int, in_shape: Shape = (5,), num_classes: int = 3, seed: int = 0) -> Samples:
    """Return random inputs and random labels, which cannot be written to."""
    rng = np.random.RandomState(seed)
    x, targets = normal(rng, (n, *in_shape)), rng.randint(0, num_classes, n)
    return Samples(read_only(x), read_only(targets))


TRAIN, VAL = _samples(20, seed=1), _samples(6, seed=2)


def _rng(seed: int = 0) -> np.random.RandomState:
    return np.random.RandomState(seed)


def _score(network: Sequential, x: Array, targets: Targets) -> Score:
    """Score a network without the library's own `evaluate`."""
    logits, _ = network.forward(x)
    loss, _ = softmax_cross_entropy(logits, targets)
    right = [z[k] == max(z) for z, k in zip(logits, targets, strict=True)]  # there are no ties
    return Score(loss, sum(right) / len(x))


class Recorder(Layer):
    """A layer that passes x through, and notes every batch that the network learns from."""

    mode_matters: ClassVar[bool] = True

    def __init__(self) -> None:
        self.batches: list[Array] = []

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Note the batch in training, and return it."""
        if mode.training:
            self.batches.append(x)
        return x, None

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Return dy."""
        return dy, {}


def test_evaluate_by_hand() -> None:
    """With W = 0 the logits are b = (ln 2, 0): the loss is ln 3/2 or ln 3, and class 0 wins."""
    network = _network([Dense(2)], (1,))
    network.theta[:] = [0.0, 0.0, log(2), 0.0]
    samples = Samples(np.ones((4, 1)), np.array([0, 0, 0, 1]))
    score = evaluate(network, samples)
    assert score.loss == pytest.approx((3 * log(3 / 2) + log(3)) / 4, rel=1e-15, abs=1e-15)
    assert score.accuracy == 0.75


def test_train_step_by_hand() -> None:
    """One step of SGD with lr 1 on b alone: the mean of onehot - p is added."""
    network = _network([Dense(2)], (1,))
    network.theta[:] = 0.0
    batch = Samples(np.zeros((4, 1)), np.array([0, 0, 0, 1]))
    assert update(network, SGD(lr=1.0), (), gradient(network, batch, Mode(training=True))) == ()
    # p = 1/2, 1/2; the classes' shares are 3/4 and 1/4.
    np.testing.assert_allclose(network.theta, [0.0, 0.0, 1 / 4, -1 / 4], rtol=0, atol=1e-16)


@all_optimizers
def test_history_is_that_of_the_loop_written_out(name: str) -> None:
    """Row e holds the scores after e epochs, row 0 those of the untrained network."""
    optimizer: Optimizer = OPTIMIZERS[name]()
    network, by_hand = _network(MLP), _network(MLP)
    result = fit(network, optimizer, TRAIN, VAL, Training(epochs=4, shuffle_rng=_rng()))

    state = optimizer.init(by_hand.theta)
    rows = [Epoch(0, _score(by_hand, *TRAIN), _score(by_hand, *VAL))]
    for epoch in range(1, 5):
        logits, caches = by_hand.forward(TRAIN.x)
        _, dlogits = softmax_cross_entropy(logits, TRAIN.targets)
        g = by_hand.backward(dlogits, caches)
        delta, state = optimizer.update(g, state, by_hand.theta)
        by_hand.theta += delta
        rows.append(Epoch(epoch, _score(by_hand, *TRAIN), _score(by_hand, *VAL)))
    assert result == Fit(rows, diverged=False, checkpoint_epoch=4)
    assert len({row.train.loss for row in rows}) == 5  # so that no row stands for another
    np.testing.assert_array_equal(network.theta, by_hand.theta)


@all_optimizers
def test_minibatches_are_those_of_the_loop_written_out(name: str) -> None:
    """Every batch keeps inputs and labels together, and the state lasts from epoch to epoch."""
    optimizer: Optimizer = OPTIMIZERS[name]()
    recorder = Recorder()
    network, by_hand = _network([recorder, *MLP]), _network([Flatten(), *MLP])
    fit(network, optimizer, TRAIN, VAL, Training(epochs=3, batch_size=6, shuffle_rng=_rng()))

    label_of = {x.tobytes(): k for x, k in zip(TRAIN.x, TRAIN.targets, strict=True)}
    state = optimizer.init(by_hand.theta)
    for x in recorder.batches:
        targets = np.array([label_of[row.tobytes()] for row in x])
        state = update(
            by_hand, optimizer, state, gradient(by_hand, Samples(x, targets), Mode(training=True))
        )
    np.testing.assert_array_equal(network.theta, by_hand.theta)


@pytest.mark.parametrize(
    ("batch_size", "sizes"),
    [(1, [1] * 20), (6, [6, 6, 6, 2]), (10, [10, 10]), (19, [19, 1]), (20, [20]), (21, [20])],
)
def test_an_epoch_covers_each_sample_once(batch_size: int, sizes: list[int]) -> None:
    """In batches of the given size, the last one smaller, and in a new order each epoch."""
    recorder = Recorder()
    numbers = np.arange(20.0)[:, np.newaxis]
    train = Samples(read_only(numbers / 20), TRAIN.targets)
    network = _network([recorder, Dense(3)], (1,))
    fit(
        network,
        SGD(lr=0.1),
        train,
        train,
        Training(epochs=3, batch_size=batch_size, shuffle_rng=_rng()),
    )

    assert [len(batch) for batch in recorder.batches] == sizes * 3
    epochs = np.concatenate(recorder.batches).reshape(3, 20) * 20
    np.testing.assert_allclose(np.sort(epochs), np.tile(numbers.T, (3, 1)), rtol=1e-15)
    orders = {tuple(epoch) for epoch in epochs}
    assert len(orders) == (3 if batch_size < 20 else 1)


@pytest.mark.parametrize("batch_size", [None, 20, 100])
def test_a_full_batch_draws_nothing(batch_size: int | None) -> None:
    """The samples come in their own order, and the stream stays where it was."""
    recorder, rng = Recorder(), _rng()
    network = _network([recorder, Dense(3)])
    fit(
        network, SGD(lr=0.1), TRAIN, VAL, Training(epochs=2, batch_size=batch_size, shuffle_rng=rng)
    )
    np.testing.assert_equal(rng.get_state(legacy=False), _rng().get_state(legacy=False))
    np.testing.assert_array_equal(recorder.batches, [TRAIN.x, TRAIN.x])


class _CountedPasses(Flatten):
    """A layer that counts the forward passes."""

    passes: ClassVar[int] = 0

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Count, and flatten."""
        type(self).passes += 1
        return super().forward(params, x, mode)


REUSE = [
    (MLP, None, False, 2),  # train and val are scored; the update goes back from train's pass
    (MLP, 20, False, 2),
    (MLP, 10, False, 4),
    (MLP, None, True, 3),
    ([BatchNorm(), *MLP], None, False, 3),
    ([*MLP[:2], Dropout(0.3), Dense(3)], None, False, 3),
]


@pytest.mark.parametrize(("layers", "batch_size", "augmented", "passes"), REUSE)
def test_no_pass_is_made_twice(
    layers: list[Layer], batch_size: int | None, augmented: bool, passes: int
) -> None:
    """Where training and scoring see the same, one forward pass per epoch does for both."""
    _CountedPasses.passes = 0
    network = _network([_CountedPasses(), *layers])
    augment = (lambda x: x) if augmented else None
    fit(
        network,
        SGD(0.1),
        TRAIN,
        VAL,
        Training(
            epochs=3,
            batch_size=batch_size,
            shuffle_rng=_rng(),
            dropout_rng=_rng(1),
            augment=augment,
        ),
    )
    assert _CountedPasses.passes == 2 + 3 * passes


@all_optimizers
def test_same_stream_same_bits(name: str) -> None:
    """The stream decides the minibatches, and nothing else does."""
    thetas, histories = [], []
    for seed in (3, 3, 4):
        network = _network(MLP)
        result = fit(
            network,
            OPTIMIZERS[name](),
            TRAIN,
            VAL,
            Training(epochs=3, batch_size=7, shuffle_rng=_rng(seed)),
        )
        thetas.append(network.theta)
        histories.append(result.history)
    np.testing.assert_array_equal(thetas[0], thetas[1])
    assert histories[0] == histories[1]
    assert np.any(thetas[0] != thetas[2])


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("layers", [MLP, [BatchNorm(), Dense(4), Tanh(), Dropout(), Dense(3)]])
def test_val_is_only_looked_at(batch_size: int | None, layers: list[Layer]) -> None:
    """Other validation samples change their own scores; neither the network nor train scores."""
    network, other = _network(layers), _network(layers)
    results = [
        fit(
            m,
            Adam(),
            TRAIN,
            val,
            Training(epochs=5, batch_size=batch_size, shuffle_rng=_rng(), dropout_rng=_rng(1)),
        )
        for m, val in [(network, VAL), (other, _samples(50, seed=9))]
    ]
    np.testing.assert_equal(network.state(), other.state())
    for row, other_row in zip(results[0].history, results[1].history, strict=True):
        assert row.train == other_row.train
        assert row.val != other_row.val


def test_on_epoch_is_told_of_every_row_as_it_ends() -> None:
    """Once each, in order, when theta is that epoch's."""
    network = _network(MLP)
    told: list[Epoch] = []
    thetas: list[Array] = []

    def on_epoch(row: Epoch) -> None:
        told.append(row)
        thetas.append(network.theta.copy())

    result = fit(
        network,
        Adam(),
        TRAIN,
        VAL,
        Training(epochs=4, batch_size=7, shuffle_rng=_rng()),
        on_epoch=on_epoch,
    )
    assert told == result.history
    assert [row.epoch for row in told] == [0, 1, 2, 3, 4]
    for row, theta in zip(told, thetas, strict=True):
        network.theta[:] = theta
        assert row.train == evaluate(network, TRAIN)


class _Explodes(Optimizer):
    """An optimizer that moves nothing, until its third step sends the first number to infinity."""

    def init(self, theta: Array) -> int:
        """Count from 1."""
        return 1

    def update(self, g: Array, state: int, theta: Array) -> tuple[Array, int]:
        """Return a step of zeros, with infinity at the front of the third."""
        delta = np.zeros_like(g)
        delta[0] = np.inf if state == 3 else 0.0
        return delta, state + 1


@pytest.mark.parametrize("batch_size", [None, 7])
def test_the_schedule_scales_every_step_of_its_epoch(batch_size: int | None) -> None:
    """By its factor for this epoch of this many; the optimizer's state knows nothing of it."""
    asked: list[tuple[int, int]] = []

    class Halving(Schedule):
        warmup_epochs, by = 0, "epoch"

        def factor(self, epoch: int, epochs: int) -> float:
            asked.append((epoch, epochs))
            return float(0.5**epoch)

    class Ones(Optimizer):
        """An optimizer whose every delta is 1."""

        def init(self, theta: Array) -> int:
            return 0

        def update(self, g: Array, state: int, theta: Array) -> tuple[Array, int]:
            return np.ones_like(theta), state + 1

    network = _network(MLP)
    network.theta[:] = 0.0
    schedule = Halving()
    fit(
        network,
        Ones(),
        TRAIN,
        VAL,
        Training(epochs=4, batch_size=batch_size, shuffle_rng=_rng(), schedule=schedule),
    )
    assert asked == [(0, 4), (1, 4), (2, 4), (3, 4)]
    batches = 1 if batch_size is None else 3
    assert network.theta.tolist() == [batches * (1 + 1 / 2 + 1 / 4 + 1 / 8)] * network.theta.size


@all_optimizers
@pytest.mark.parametrize("schedule", [StepDecay(every=2, gamma=0.25, warmup_epochs=2), Cosine(0.1)])
def test_scheduled_training_is_the_loop_written_out(name: str, schedule: Any) -> None:
    """Theta moves by factor * delta, and the next gradient is taken where it went."""
    optimizer: Optimizer = OPTIMIZERS[name]()
    network, by_hand, plain = _network(MLP), _network(MLP), _network(MLP)
    fit(network, optimizer, TRAIN, VAL, Training(epochs=5, shuffle_rng=_rng(), schedule=schedule))
    state = optimizer.init(by_hand.theta)
    for epoch in range(5):
        logits, caches = by_hand.forward(TRAIN.x)
        _, dlogits = softmax_cross_entropy(logits, TRAIN.targets)
        g = by_hand.backward(dlogits, caches)
        delta, state = optimizer.update(g, state, by_hand.theta)
        by_hand.theta += schedule.factor(epoch, 5) * delta
    np.testing.assert_array_equal(network.theta, by_hand.theta)
    fit(plain, optimizer, TRAIN, VAL, Training(epochs=5, shuffle_rng=_rng(), schedule=Constant()))
    assert np.all(plain.theta != network.theta)


@pytest.mark.parametrize("batch_size", [None, 7])
def test_augment_changes_training_batches_only(batch_size: int | None) -> None:
    """Each batch's inputs, once an epoch, are learnt from as changed; no score sees the change."""
    seen: list[Array] = []

    def augment(x: Array) -> Array:
        seen.append(x)
        return read_only(-2.0 * x)

    recorder = Recorder()
    network, negative = _network([recorder, *MLP]), _network([Flatten(), *MLP])
    result = fit(
        network,
        Adam(),
        TRAIN,
        VAL,
        Training(epochs=3, batch_size=batch_size, shuffle_rng=_rng(), augment=augment),
    )
    assert len(seen) == 3 * (1 if batch_size is None else 3)
    for x, changed in zip(seen, recorder.batches, strict=True):
        np.testing.assert_array_equal(changed, -2.0 * x)
    known = np.sort(TRAIN.x, axis=0)
    for epoch in np.concatenate(seen).reshape(3, *TRAIN.x.shape):
        np.testing.assert_array_equal(np.sort(epoch, axis=0), known)

    changed_train = Samples(-2.0 * TRAIN.x, TRAIN.targets)
    expected = fit(
        negative,
        Adam(),
        changed_train,
        VAL,
        Training(epochs=3, batch_size=batch_size, shuffle_rng=_rng()),
    )
    np.testing.assert_array_equal(network.theta, negative.theta)
    assert [row.val for row in result.history] == [row.val for row in expected.history]
    assert result.history[-1].train == evaluate(network, TRAIN)
    assert result.history[-1].train != expected.history[-1].train


@pytest.mark.parametrize(("batch_size", "sizes"), [(None, [20]), (7, [7, 7, 6])])
def test_dropout_draws_in_training_only(batch_size: int | None, sizes: list[int]) -> None:
    """One mask for each batch from its own stream; scoring draws none, shuffling is untouched."""
    layers: list[Layer] = [Dense(4), Sigmoid(), Dropout(0.5), Dense(3)]
    rngs = _rng(1), _rng(2)
    results = []
    for rng, dropout_rng in (rngs, (_rng(1), _rng(3))):
        network = _network(layers)
        fit(
            network,
            SGD(0.1),
            TRAIN,
            VAL,
            Training(epochs=3, batch_size=batch_size, shuffle_rng=rng, dropout_rng=dropout_rng),
        )
        results.append(network.theta)
    assert np.any(results[0] != results[1])

    same = _rng(2)
    for size in sizes * 3:
        same.random_sample((size, 4))
    np.testing.assert_equal(rngs[1].get_state(legacy=False), same.get_state(legacy=False))
    shuffled = _rng(1)
    if batch_size is not None:
        for _ in range(3):
            shuffled.permutation(20)
    np.testing.assert_equal(rngs[0].get_state(legacy=False), shuffled.get_state(legacy=False))


def test_a_network_without_dropout_draws_no_masks() -> None:
    """The stream stays where it was, and need not be there."""
    thetas = []
    for dropout_rng in (_rng(5), None):
        network = _network([Dense(4), BatchNorm(), Sigmoid(), Dense(3)])
        fit(
            network,
            SGD(0.1),
            TRAIN,
            VAL,
            Training(epochs=2, batch_size=7, shuffle_rng=_rng(), dropout_rng=dropout_rng),
        )
        thetas.append(network.theta)
        if dropout_rng is not None:
            untouched = _rng(5).get_state(legacy=False)
            np.testing.assert_equal(dropout_rng.get_state(legacy=False), untouched)
    np.testing.assert_array_equal(thetas[0], thetas[1])


def test_dropout_without_a_stream_is_an_error() -> None:
    """It is not silently left out."""
    with pytest.raises(ValueError, match=r"^dropout needs a random stream"):
        fit(_network([Dropout(), *MLP]), SGD(), TRAIN, VAL, Training(epochs=1, shuffle_rng=_rng()))


def test_running_statistics_are_those_of_the_batches() -> None:
    """One update for each training batch, and none for scoring."""
    network = _network([BatchNorm(momentum=0.25), Dense(3)])
    fit(network, SGD(0.1), TRAIN, VAL, Training(epochs=2, shuffle_rng=_rng()))
    mean, var = np.zeros(5), np.ones(5)
    for _ in range(2):
        mean = 0.75 * mean + 0.25 * TRAIN.x.mean(axis=0)
        var = 0.75 * var + 0.25 * TRAIN.x.var(axis=0, ddof=1)
    np.testing.assert_allclose(network.buffers[0]["running_mean"], mean, rtol=0, atol=1e-15)
    np.testing.assert_allclose(network.buffers[0]["running_var"], var, rtol=0, atol=1e-15)


class _Scripted(Optimizer):
    """An optimizer that moves the last parameter through given values."""

    def __init__(self, values: list[float]) -> None:
        self.values = values

    def init(self, theta: Array) -> int:
        """Count from 1."""
        return 1

    def update(self, g: Array, state: int, theta: Array) -> tuple[Array, int]:
        """Return the step to the next value."""
        delta = np.zeros_like(theta)
        delta[-1] = self.values[state] - self.values[state - 1]
        return delta, state + 1


# Validation losses, in a row; the patience; the epochs trained, and the best of them.
STOPPING: list[tuple[list[float], int | None, int, int]] = [
    ([5, 4, 3, 2, 1, 0], 1, 5, 5),
    ([5, 4, 3, 4, 2, 1], 1, 3, 2),
    ([5, 4, 3, 4, 2, 1], 2, 5, 5),
    ([5, 4, 3, 4, 4, 4, 1], 3, 5, 2),
    ([5, 4, 3, 4, 4, 4, 1], 4, 6, 6),
    ([3, 3, 3, 3], 2, 2, 0),  # not below: no better
    ([3, 4, 3, 4, 3, 4], 3, 3, 0),
    ([3, 4, 5, 6], 1, 1, 0),
    ([3, 2, 3, 2, 1, 2, 2, 2, 2], 3, 7, 4),  # patience starts anew at each best
    ([5, 4, 3, 4, 2, 6], None, 5, 4),
    ([5, 4, 3, 4, 2, 6], 6, 5, 4),
]


@pytest.mark.parametrize(("losses", "patience", "trained", "best"), STOPPING)
@pytest.mark.parametrize("best_checkpoint", [False, True])
def test_early_stopping_by_hand(
    losses: list[float], patience: int | None, trained: int, best: int, best_checkpoint: bool
) -> None:
    """The run ends `patience` epochs after its best, no sooner and no later."""
    network = _network([Dense(2)], (1,))
    network.theta[:] = [0.0, 0.0, 0.0, losses[0]]  # the loss of class 0 is log(1 + e^last)
    val = Samples(np.ones((1, 1)), np.array([0]))
    train = Samples(np.ones((1, 1)), np.array([1]))  # whose loss falls as val's rises
    told: list[int] = []
    result = fit(
        network,
        _Scripted(losses),
        train,
        val,
        Training(
            epochs=len(losses) - 1,
            shuffle_rng=_rng(),
            early_stopping=patience,
            best_checkpoint=best_checkpoint,
        ),
        on_epoch=lambda row: told.append(row.epoch),
    )
    assert [row.epoch for row in result.history] == told == [*range(trained + 1)]
    expected = np.log1p(np.exp(losses[: trained + 1]))
    np.testing.assert_allclose([row.val.loss for row in result.history], expected, rtol=1e-14)
    assert not result.diverged
    assert result.checkpoint_epoch == (best if best_checkpoint else trained)
    assert network.theta[-1] == losses[result.checkpoint_epoch]


def _learnable(n: int, seed: int) -> Samples:
    """Return samples of the class whose number among the first three is largest, but for noise."""
    rng = _rng(seed)
    x = normal(rng, (n, 5))
    return Samples(read_only(x), read_only((x[:, :3] + normal(rng, (n, 3))).argmax(axis=1)))


LEARNABLE_TRAIN, LEARNABLE_VAL = _learnable(20, seed=1), _learnable(12, seed=2)


def _overfitting() -> list[Layer]:
    return [Dense(16), BatchNorm(), Tanh(), Dropout(0.2), Dense(3)]


def _fit(layers: list[Layer], epochs: int, **options: Any) -> tuple[Sequential, Fit]:
    network = _network(layers)
    result = fit(
        network,
        Adam(lr=0.02),
        LEARNABLE_TRAIN,
        LEARNABLE_VAL,
        Training(epochs=epochs, batch_size=7, shuffle_rng=_rng(), dropout_rng=_rng(1), **options),
    )
    return network, result


def test_best_checkpoint_is_that_of_a_run_which_ended_there() -> None:
    """Theta and the running statistics are those of the best epoch, to the bit."""
    network, plain = _fit(_overfitting(), 40)
    losses = [row.val.loss for row in plain.history]
    best = int(np.argmin(losses))
    assert 0 < best < 40
    assert plain.checkpoint_epoch == 40

    best_model, result = _fit(_overfitting(), 40, best_checkpoint=True)
    assert result.history == plain.history
    assert result.checkpoint_epoch == best
    shorter, short = _fit(_overfitting(), best)
    np.testing.assert_equal(best_model.state(), shorter.state())
    assert evaluate(best_model, LEARNABLE_VAL) == short.history[-1].val == plain.history[best].val
    for name, array in network.state().items():
        assert np.any(array != best_model.state()[name])  # buffers too, not theta alone


@pytest.mark.parametrize("patience", [1, 3, 8])
@pytest.mark.parametrize("best_checkpoint", [False, True])
def test_early_stopping_is_a_run_cut_short(patience: int, best_checkpoint: bool) -> None:
    """The history is the plain run's up to `patience` epochs after the best so far."""
    _, plain = _fit(_overfitting(), 60)
    losses = [row.val.loss for row in plain.history]
    end = next(e for e in range(61) if e - int(np.argmin(losses[: e + 1])) >= patience)
    best = int(np.argmin(losses[: end + 1]))
    assert end == best + patience < 60

    network, result = _fit(
        _overfitting(), 60, early_stopping=patience, best_checkpoint=best_checkpoint
    )
    assert result.history == plain.history[: end + 1]
    assert result.checkpoint_epoch == (best if best_checkpoint else end)
    shorter, _ = _fit(_overfitting(), result.checkpoint_epoch)
    np.testing.assert_equal(network.state(), shorter.state())


@pytest.mark.parametrize("best_checkpoint", [False, True])
def test_divergence_goes_back_to_finite_buffers_too(best_checkpoint: bool) -> None:
    """What is kept is a whole earlier network, not its theta with later statistics."""
    layers: list[Layer] = [Dense(4), BatchNorm(), Sigmoid(), Dense(3)]
    network = _network(layers)
    result = fit(
        network,
        _Explodes(),
        TRAIN,
        VAL,
        Training(epochs=5, shuffle_rng=_rng(), best_checkpoint=best_checkpoint),
    )
    assert result.diverged
    assert len(result.history) == 3
    best = min(range(3), key=lambda e: result.history[e].val.loss)
    assert result.checkpoint_epoch == (best if best_checkpoint else 2)
    shorter = _network(layers)
    for _ in range(result.checkpoint_epoch):
        shorter.forward(TRAIN.x, Mode(training=True))
    np.testing.assert_equal(network.state(), shorter.state())


@all_optimizers
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("activate_logits", [False, True])
def test_the_last_convolution_is_a_fully_connected_layer(
    name: str, activation: ActivationName, activate_logits: bool
) -> None:
    """Flatten and Dense in place of the 2x2 convolution to 1x1: a training run of equal numbers.

    With W_dense[(c,u,v), o] = W_conv[o,c,u,v] at the start, and so ever after.
    """
    in_shape, act = (1, 6, 6), ACTIVATIONS[activation]
    layers = SimpleCNN(activation, activate_logits).layers(3)
    conv_at = 3
    assert layers[conv_at] == Conv2D(3, None)
    dense_layers = [
        *layers[:conv_at], Flatten(), Dense(3), *([act] if activate_logits else []),
    ]  # fmt: skip
    conv, dense = _network(layers, in_shape), _network(dense_layers, in_shape)

    def dense_theta() -> Array:
        last = conv.params[conv_at]
        first = [conv.params[0]["W"], conv.params[0]["b"]]
        return np.concatenate([a.ravel() for a in [*first, last["W"].reshape(3, 12).T, last["b"]]])

    dense.theta[:] = dense_theta()
    x = _rng(4).uniform(0, 1, (24, *in_shape))
    train = Samples(read_only(x[:18]), _rng(5).randint(0, 3, 18))
    val = Samples(read_only(x[18:]), _rng(6).randint(0, 3, 6))
    results = [
        fit(
            network,
            OPTIMIZERS[name](),
            train,
            val,
            Training(epochs=50, batch_size=5, shuffle_rng=_rng()),
        )
        for network in (conv, dense)
    ]
    curves = [[(row.train.loss, row.val.loss) for row in r.history] for r in results]
    assert len(curves[0]) == 51
    np.testing.assert_allclose(curves[1], curves[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(dense.theta, dense_theta(), rtol=0, atol=1e-11)
    accuracies = [[(row.train.accuracy, row.val.accuracy) for row in r.history] for r in results]
    assert accuracies[1] == accuracies[0]
    assert len({*curves[0]}) > 1  # it learnt something


# A network, its input, and the optimizer that drives it out of the numbers' range.
DIVERGING: list[tuple[list[Layer], Shape, Optimizer]] = [
    ([Dense(3)], (5,), SGD(lr=1e308)),
    ([Dense(8), ReLU(), Dense(3)], (5,), SGD(lr=1e100)),
    ([Conv2D(4, 2), ReLU(), Flatten(), Dense(3)], (2, 4, 4), SGD(lr=1e150)),
    ([Dense(3)], (5,), Adam(lr=1e308)),
]


@pytest.mark.parametrize(("layers", "in_shape", "optimizer"), DIVERGING, ids=str)
@pytest.mark.parametrize("batch_size", [None, 7])
def test_divergence_goes_back_to_the_last_finite_epoch(
    layers: list[Layer], in_shape: Shape, optimizer: Optimizer, batch_size: int | None
) -> None:
    """No warning; every row is finite, and theta is the last row's to the bit."""
    train, val = _samples(20, in_shape), _samples(6, in_shape, seed=5)
    network = _network(layers, in_shape)
    told: list[Epoch] = []
    result = fit(
        network,
        optimizer,
        train,
        val,
        Training(epochs=50, batch_size=batch_size, shuffle_rng=_rng()),
        on_epoch=told.append,
    )
    assert result.diverged
    rows = len(result.history)
    assert 1 <= rows <= 50
    assert told == result.history
    for row in result.history:
        assert np.isfinite([row.train.loss, row.val.loss]).all()
    assert np.isfinite(network.theta).all()

    shorter = _network(layers, in_shape)
    if rows > 1:
        again = fit(
            shorter,
            optimizer,
            train,
            val,
            Training(epochs=rows - 1, batch_size=batch_size, shuffle_rng=_rng()),
        )
        assert not again.diverged
        assert again.history == result.history
    np.testing.assert_array_equal(network.theta, shorter.theta)
    with np.errstate(over="ignore"):
        assert evaluate(network, train) == result.history[-1].train


def test_a_parameter_that_is_not_finite_is_a_divergence() -> None:
    """Even where the loss stays finite, as behind a sigmoid that takes infinity for 1."""
    network, train = _network(MLP), Samples(np.abs(TRAIN.x), TRAIN.targets)
    start = network.theta.copy()
    result = fit(network, _Explodes(), train, train, Training(epochs=5, shuffle_rng=_rng()))
    assert result.diverged
    assert [row.epoch for row in result.history] == [0, 1, 2]
    np.testing.assert_array_equal(network.theta, start)
    network.theta[0] = np.inf
    assert np.isfinite(evaluate(network, train).loss)


def test_a_network_that_starts_beyond_all_bounds_is_refused() -> None:
    """And left as it was."""
    network = _network([Dense(3)])
    network.theta[:] = 1e308
    network.theta[::2] = -1e308
    start = network.theta.copy()
    with pytest.raises(ValueError, match="not finite before training"):
        fit(network, SGD(), TRAIN, VAL, Training(epochs=3, shuffle_rng=_rng()))
    np.testing.assert_array_equal(network.theta, start)


def _convolutional(rng: np.random.RandomState) -> tuple[list[Layer], Shape, int]:
    in_shape = int(rng.randint(1, 4)), int(rng.randint(4, 9)), int(rng.randint(4, 9))
    num_classes = int(rng.randint(2, 7))
    layers: list[Layer] = [
        Conv2D(24, 3),
        ReLU(),
        MaxPool2D(2, stride=1),
        Flatten(),
        Dense(num_classes),
    ]
    return layers, in_shape, num_classes


def _dense(rng: np.random.RandomState) -> tuple[list[Layer], Shape, int]:
    more = (int(size) for size in rng.randint(1, 5, rng.randint(0, 3)))
    in_shape = int(rng.randint(12, 30)), *more
    num_classes = int(rng.randint(2, 7))
    return [Flatten(), Dense(64), ReLU(), Dense(num_classes)], in_shape, num_classes


def _normalized(rng: np.random.RandomState) -> tuple[list[Layer], Shape, int]:
    in_shape = int(rng.randint(1, 4)), int(rng.randint(4, 9)), int(rng.randint(4, 9))
    num_classes = int(rng.randint(2, 7))
    layers: list[Layer] = [
        Conv2D(16, 3, stride=2, padding=1),
        BatchNorm(),
        Tanh(),
        AvgPool2D(2, stride=1),
        Flatten(),
        Dropout(0.1),
        Dense(32),
        BatchNorm(),
        ReLU(),
        Dense(num_classes),
    ]
    return layers, in_shape, num_classes


@pytest.mark.parametrize("build", [_convolutional, _dense, _normalized])
@pytest.mark.parametrize("seed", range(5))
def test_overfits_random_labels_of_any_shape(build: Any, seed: int) -> None:
    """Twenty random samples are learnt by heart, whatever their shape and number of classes."""
    layers, in_shape, num_classes = build(_rng(seed))
    train = _samples(20, in_shape, num_classes, seed)
    network = _network(layers, in_shape, seed)
    result = fit(
        network, Adam(), train, train, Training(epochs=400, shuffle_rng=_rng(), dropout_rng=_rng())
    )
    assert result.history[0].train.accuracy < 1.0
    assert result.history[-1].train.accuracy == 1.0


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    raise AssertionError("drew from the global random state")


@all_optimizers
def test_training_needs_no_global_random_state(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every function of numpy.random that hides a state is out of order, and nobody misses it."""
    hidden = np.random.mtrand._rand
    for function in dir(np.random):
        if getattr(getattr(np.random, function), "__self__", None) is hidden:
            monkeypatch.setattr(np.random, function, _refuse)
    with pytest.raises(AssertionError, match="global random state"):
        np.random.rand()  # noqa: NPY002
    layers: list[Layer] = [
        Conv2D(2, 2, stride=2, padding=1), BatchNorm(), ReLU(), MaxPool2D(2, stride=1),
        AvgPool2D(2), Tanh(), Dropout(), Flatten(), Dense(3), Sigmoid(),
    ]  # fmt: skip
    network = _network(layers, (1, 6, 6))
    train = _samples(20, (1, 6, 6))
    fit(
        network,
        OPTIMIZERS[name](),
        train,
        train,
        Training(epochs=2, batch_size=7, shuffle_rng=_rng(), dropout_rng=_rng()),
    )


@both_numerics
def test_fit_computes_as_its_backend_does(which: NumericsName) -> None:
    """In its numerics, whatever is in use, with its loss and its optimizer."""
    losses: list[float] = []
    made: list[Optimizer] = []

    def loss(logits: Array, targets: Targets) -> tuple[float, Array]:
        assert numerics._active is NUMERICS[which]
        value, gradient = softmax_cross_entropy(logits, targets)
        losses.append(value)
        return value, gradient

    def optimizer(given: Optimizer) -> Optimizer:
        made.append(given)
        return SGD(0.25)

    network, plain = _network(MLP), _network(MLP)
    network.backend = replace(NUMPY, numerics=NUMERICS[which], loss=loss, optimizer=optimizer)
    result = fit(network, Adam(), TRAIN, VAL, Training(2))
    assert made == [Adam()]
    assert losses == [score.loss for row in result.history for score in (row.train, row.val)]
    plain.backend = replace(NUMPY, numerics=NUMERICS[which])
    assert fit(plain, SGD(0.25), TRAIN, VAL, Training(2)) == result


def test_a_running_statistic_that_overflows_is_divergence() -> None:
    """Loss and parameters may be finite all the while."""
    network = Sequential([BatchNorm(), Dense(3)], (2,), np.random.RandomState, NUMPY)
    x = np.array([[1e80, 0.0], [-1e80, 1.0], [3.0, 2.0], [4.0, 3.0]])
    samples = Samples(x, np.array([0, 1, 2, 0]))
    val = Samples(np.zeros((1, 2)), np.array([0]))
    rng = np.random.RandomState(0)
    result = fit(network, SGD(0.1), samples, val, Training(epochs=3, shuffle_rng=rng))
    assert result.diverged
    assert [row.epoch for row in result.history] == [0]
    assert all(np.isfinite(array).all() for array in network.state().values())


# Many samples go through a network chunk by chunk.

CUT: list[Layer] = [
    Conv2D(3, 3, padding=1), Sigmoid(), MaxPool2D(2), Conv2D(4, 2), Tanh(), Flatten(), Dense(3),
]  # fmt: skip
CUT_SHAPE = (2, 6, 6)
CUT_TRAIN = _samples(50, CUT_SHAPE, seed=3)


def _cut_network(size: int, layers: list[Layer] = CUT) -> Sequential:
    """Return a network that takes so many numbers of inputs at once."""
    return _cut_to(_network(layers, CUT_SHAPE), size)


def _cut_to(network: Sequential, size: int) -> Sequential:
    network.backend = replace(network.backend, chunk_size=size)
    return network


chunk_sizes = pytest.mark.parametrize("size", [1, 72, 300, 1000])  # numbers; a sample has 72


@pytest.mark.parametrize("size", [1, 71, 72, 73, 300, 1000, 3600, 10**6])
def test_chunks(size: int) -> None:
    """They cover all samples once, in order, differ by at most one, and none is over its size.

    Unless one sample is: then each goes by itself. Two threads share them out evenly.
    """
    network = _cut_network(size)
    for n in (1, 2, 3, 4, 5, 7, 49, 50, 51, 997):
        cut = chunks(network, n)
        assert [i for rows in cut for i in range(n)[rows]] == [*range(n)]
        lengths = {rows.stop - rows.start for rows in cut}
        assert min(lengths) >= 1
        assert max(lengths) - min(lengths) <= 1
        most = max(1, size // 72)
        assert max(lengths) <= most
        needed = -(-n // most)
        assert len(cut) in (needed, needed + 1)
        assert len(cut) % 2 == 0 or len(cut) == 1 or most == 1


def test_a_chunk_holds_what_the_cache_does() -> None:
    """All 240 digits of 6x6 go through at once, and some eighty of 28x28."""
    assert chunks(_network([Flatten(), Dense(3)], (1, 6, 6)), 240) == [slice(0, 240)]
    cut = chunks(_network([Flatten(), Dense(3)], (1, 28, 28)), 60_000)
    assert 700 < len(cut) < 750


@both_numerics
@chunk_sizes
def test_predictions_in_chunks_are_those_of_the_whole(which: NumericsName, size: int) -> None:
    """To the bit in portable numerics; within the rounding of sums of some 50 terms in native."""
    network = _network(CUT, CUT_SHAPE)
    with using(NUMERICS[which]):
        whole, score = network.forward(CUT_TRAIN.x)[0], evaluate(network, CUT_TRAIN)
        _cut_to(network, size)
        assert len(chunks(network, 50)) > 1
        cut, cut_score = predict(network, CUT_TRAIN.x), evaluate(network, CUT_TRAIN)
        assert score == _score(network, *CUT_TRAIN)
    if which == "portable":
        np.testing.assert_array_equal(cut, whole, strict=True)
        assert cut_score == score
    np.testing.assert_allclose(cut, whole, rtol=0, atol=1e-14)
    np.testing.assert_allclose(cut_score, score, rtol=0, atol=1e-14)


@chunk_sizes
def test_the_gradient_of_parts_is_that_of_the_whole(size: int) -> None:
    """Weighted by their samples: 50 do not divide evenly."""
    network = _network(CUT, CUT_SHAPE)
    whole = gradient(network, CUT_TRAIN, Mode(training=True))
    logits, caches = network.forward(CUT_TRAIN.x)
    by_hand = network.backward(softmax_cross_entropy(logits, CUT_TRAIN.targets)[1], caches)
    np.testing.assert_array_equal(whole, by_hand)
    _cut_to(network, size)
    cut = gradient(network, CUT_TRAIN, Mode(training=True))
    assert np.any(cut != whole)  # it was cut
    assert np.abs(cut - whole).max() <= 1e-12 * np.abs(whole).max()


MODAL: list[list[Layer]] = [
    [Conv2D(3, 3), BatchNorm(), Tanh(), Flatten(), Dense(3)],
    [Conv2D(3, 3), Tanh(), Flatten(), Dropout(0.3), Dense(3)],
]


@pytest.mark.parametrize("layers", MODAL)
def test_networks_whose_mode_matters_learn_from_whole_batches(layers: list[Layer]) -> None:
    """For their statistics and masks are the batch's; they are scored in parts, as all are."""
    results = []
    for size in (10**6, 100):
        network = _cut_network(size, layers)
        g = gradient(network, CUT_TRAIN, Mode(training=True, rng=_rng(2)))
        fit(
            network,
            Adam(),
            CUT_TRAIN,
            CUT_TRAIN,
            Training(epochs=2, shuffle_rng=_rng(), dropout_rng=_rng(1)),
        )
        results.append([g, *network.state().values()])
    np.testing.assert_equal(results[0], results[1])


@both_numerics
@chunk_sizes
@pytest.mark.parametrize("batch_size", [None, 20])
def test_trainings_whose_batches_are_cut(
    which: NumericsName, size: int, batch_size: int | None
) -> None:
    """Ten epochs, whose steps differ by rounding: float64's, or that of portable products.

    These round a term by 2^-21 of the largest or less, and in parts another largest.
    """
    histories = []
    for of_chunk in (10**6, size):
        network = _cut_network(of_chunk)
        network.backend = replace(network.backend, numerics=NUMERICS[which])
        training = Training(10, batch_size, shuffle_rng=_rng())
        result = fit(network, SGD(0.5), CUT_TRAIN, VAL_CUT, training)
        histories.append([[*row.train, *row.val] for row in result.history])
    whole, cut = np.array(histories)
    atol = 1e-12 if which == "native" else 1e-5
    np.testing.assert_allclose(cut[:, [0, 2]], whole[:, [0, 2]], rtol=0, atol=atol)
    assert whole[-1, 0] < whole[0, 0]


VAL_CUT = _samples(7, CUT_SHAPE, seed=5)


class _Asked:
    """Inputs that are made when they are asked for, and note how many that was at the most."""

    def __init__(self, x: Array):
        self.x = x
        self.most = 0

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: Any) -> Array:
        found = self.x[rows]
        self.most = max(self.most, len(found))
        return found


@pytest.mark.parametrize(("batch_size", "most"), [(None, 5), (20, 20), (3, 5)])
def test_inputs_are_asked_for_a_few_at_a_time(batch_size: int | None, most: int) -> None:
    """Where they are more than go through at once; and the training is that on an array."""
    states = []
    asked = Samples(_Asked(CUT_TRAIN.x), CUT_TRAIN.targets)
    for train in (CUT_TRAIN, asked):
        network = _cut_network(5 * 72)
        fit(
            network,
            Adam(),
            train,
            train,
            Training(epochs=2, batch_size=batch_size, shuffle_rng=_rng()),
        )
        states.append(network.theta)
    np.testing.assert_array_equal(states[0], states[1])
    assert asked.x.most == most


@pytest.mark.parametrize("size", [10**6, 100])
@pytest.mark.parametrize("batch_size", [None, 20])
@both_numerics
def test_preparing_changes_no_bit_of_a_training(
    size: int, batch_size: int | None, which: NumericsName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it where the inputs come in another order in memory."""
    results = []
    for prepare in (Sequential.prepare, lambda network, x: x):
        monkeypatch.setattr(Sequential, "prepare", prepare)
        network = _cut_network(size)
        network.backend = replace(network.backend, numerics=NUMERICS[which])
        training = Training(3, batch_size, shuffle_rng=_rng())
        results.append(fit(network, Adam(), CUT_TRAIN, VAL_CUT, training))
    assert results[0] == results[1]
