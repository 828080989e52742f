"""The training loop, against the same loop written out, and on problems that are not digits."""

from math import log
from typing import Any, NoReturn

import numpy as np
import pytest

from cnn_from_scratch.nn.layers import (
    Array,
    Conv2D,
    Dense,
    Flatten,
    Init,
    Layer,
    MaxPool2D,
    Params,
    ReLU,
    Shape,
    Sigmoid,
)
from cnn_from_scratch.nn.losses import softmax_cross_entropy
from cnn_from_scratch.nn.metrics import Labels
from cnn_from_scratch.nn.model import Sequential
from cnn_from_scratch.nn.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from cnn_from_scratch.nn.training import Epoch, Samples, Score, evaluate, fit, train_step
from tests.nn.inputs import normal, read_only

MLP: list[Layer] = [Dense(4), Sigmoid(), Dense(3)]
all_optimizers = pytest.mark.parametrize("name", OPTIMIZERS)


def _model(layers: list[Layer], in_shape: Shape = (5,), seed: int = 0) -> Sequential:
    return Sequential(layers, in_shape, lambda i: np.random.RandomState([seed, i]))


def _samples(n: int, in_shape: Shape = (5,), num_classes: int = 3, seed: int = 0) -> Samples:
    """Return random inputs and random labels, which cannot be written to."""
    rng = np.random.RandomState(seed)
    x, targets = normal(rng, (n, *in_shape)), rng.randint(0, num_classes, n)
    return Samples(read_only(x), read_only(targets))


TRAIN, VAL = _samples(20, seed=1), _samples(6, seed=2)


def _rng(seed: int = 0) -> np.random.RandomState:
    return np.random.RandomState(seed)


def _score(model: Sequential, x: Array, targets: Labels) -> Score:
    """Score a model without the library's own `evaluate`."""
    logits, _ = model.forward(x)
    loss, _ = softmax_cross_entropy(logits, targets)
    right = [z[k] == max(z) for z, k in zip(logits, targets, strict=True)]  # there are no ties
    return Score(loss, sum(right) / len(x))


class Recorder:
    """A layer that passes x through, and notes every batch that a gradient is asked for."""

    def __init__(self) -> None:
        self.batches: list[Array] = []

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Keep the shape."""
        return Init(in_shape, {})

    def forward(self, params: Params, x: Array) -> tuple[Array, Any]:
        """Return x."""
        return x, x

    def gradients(self, params: Params, dy: Array, cache: Any) -> Params:
        """Note the batch."""
        self.batches.append(cache)
        return {}

    def backward(self, params: Params, dy: Array, cache: Any) -> Array:
        """Return dy."""
        return dy


def test_evaluate_by_hand() -> None:
    """With W = 0 the logits are b = (ln 2, 0): the loss is ln 3/2 or ln 3, and class 0 wins."""
    model = _model([Dense(2)], (1,))
    model.theta[:] = [0.0, 0.0, log(2), 0.0]
    samples = Samples(np.ones((4, 1)), np.array([0, 0, 0, 1]))
    score = evaluate(model, samples)
    assert score.loss == pytest.approx((3 * log(3 / 2) + log(3)) / 4, rel=1e-15, abs=1e-15)
    assert score.accuracy == 0.75


def test_train_step_by_hand() -> None:
    """One step of SGD with lr 1 on b alone: the mean of onehot - p is added."""
    model = _model([Dense(2)], (1,))
    model.theta[:] = 0.0
    batch = Samples(np.zeros((4, 1)), np.array([0, 0, 0, 1]))
    assert train_step(model, SGD(lr=1.0), (), batch) == ()
    # p = 1/2, 1/2; the classes' shares are 3/4 and 1/4.
    np.testing.assert_allclose(model.theta, [0.0, 0.0, 1 / 4, -1 / 4], rtol=0, atol=1e-16)


@all_optimizers
def test_history_is_that_of_the_loop_written_out(name: str) -> None:
    """Row e holds the scores after e epochs, row 0 those of the untrained network."""
    optimizer: Optimizer = OPTIMIZERS[name]()
    model, by_hand = _model(MLP), _model(MLP)
    result = fit(model, optimizer, TRAIN, VAL, epochs=4, batch_size=None, rng=_rng())

    state = optimizer.init(by_hand.theta)
    rows = [Epoch(0, _score(by_hand, *TRAIN), _score(by_hand, *VAL))]
    for epoch in range(1, 5):
        logits, caches = by_hand.forward(TRAIN.x)
        _, dlogits = softmax_cross_entropy(logits, TRAIN.targets)
        delta, state = optimizer.update(by_hand.backward(dlogits, caches), state)
        by_hand.theta += delta
        rows.append(Epoch(epoch, _score(by_hand, *TRAIN), _score(by_hand, *VAL)))
    assert not result.diverged
    assert result.history == rows
    assert len({row.train.loss for row in rows}) == 5  # so that no row stands for another
    np.testing.assert_array_equal(model.theta, by_hand.theta)


@all_optimizers
def test_minibatches_are_those_of_the_loop_written_out(name: str) -> None:
    """Every batch keeps inputs and labels together, and the state lasts from epoch to epoch."""
    optimizer: Optimizer = OPTIMIZERS[name]()
    recorder = Recorder()
    model, by_hand = _model([recorder, *MLP]), _model([Flatten(), *MLP])
    fit(model, optimizer, TRAIN, VAL, epochs=3, batch_size=6, rng=_rng())

    label_of = {x.tobytes(): k for x, k in zip(TRAIN.x, TRAIN.targets, strict=True)}
    state = optimizer.init(by_hand.theta)
    for x in recorder.batches:
        targets = np.array([label_of[row.tobytes()] for row in x])
        state = train_step(by_hand, optimizer, state, Samples(x, targets))
    np.testing.assert_array_equal(model.theta, by_hand.theta)


@pytest.mark.parametrize(
    ("batch_size", "sizes"),
    [(1, [1] * 20), (6, [6, 6, 6, 2]), (10, [10, 10]), (19, [19, 1]), (20, [20]), (21, [20])],
)
def test_an_epoch_covers_each_sample_once(batch_size: int, sizes: list[int]) -> None:
    """In batches of the given size, the last one smaller, and in a new order each epoch."""
    recorder = Recorder()
    numbers = np.arange(20.0)[:, np.newaxis]
    train = Samples(read_only(numbers / 20), TRAIN.targets)
    model = _model([recorder, Dense(3)], (1,))
    fit(model, SGD(lr=0.1), train, train, epochs=3, batch_size=batch_size, rng=_rng())

    assert [len(batch) for batch in recorder.batches] == sizes * 3
    epochs = np.concatenate(recorder.batches).reshape(3, 20) * 20
    np.testing.assert_allclose(np.sort(epochs), np.tile(numbers.T, (3, 1)), rtol=1e-15)
    orders = {tuple(epoch) for epoch in epochs}
    assert len(orders) == (3 if batch_size < 20 else 1)


@pytest.mark.parametrize("batch_size", [None, 20, 100])
def test_a_full_batch_draws_nothing(batch_size: int | None) -> None:
    """The samples come in their own order, and the stream stays where it was."""
    recorder, rng = Recorder(), _rng()
    model = _model([recorder, Dense(3)])
    fit(model, SGD(lr=0.1), TRAIN, VAL, epochs=2, batch_size=batch_size, rng=rng)
    np.testing.assert_equal(rng.get_state(legacy=False), _rng().get_state(legacy=False))
    np.testing.assert_array_equal(recorder.batches, [TRAIN.x, TRAIN.x])


@all_optimizers
def test_same_stream_same_bits(name: str) -> None:
    """The stream decides the minibatches, and nothing else does."""
    thetas, histories = [], []
    for seed in (3, 3, 4):
        model = _model(MLP)
        result = fit(model, OPTIMIZERS[name](), TRAIN, VAL, epochs=3, batch_size=7, rng=_rng(seed))
        thetas.append(model.theta)
        histories.append(result.history)
    np.testing.assert_array_equal(thetas[0], thetas[1])
    assert histories[0] == histories[1]
    assert np.any(thetas[0] != thetas[2])


@pytest.mark.parametrize("batch_size", [None, 7])
def test_val_is_only_looked_at(batch_size: int | None) -> None:
    """Other validation samples change their own scores, and neither theta nor train scores."""
    model, other = _model(MLP), _model(MLP)
    results = [
        fit(m, Adam(), TRAIN, val, epochs=5, batch_size=batch_size, rng=_rng())
        for m, val in [(model, VAL), (other, _samples(50, seed=9))]
    ]
    np.testing.assert_array_equal(model.theta, other.theta)
    for row, other_row in zip(results[0].history, results[1].history, strict=True):
        assert row.train == other_row.train
        assert row.val != other_row.val


def test_on_epoch_is_told_of_every_row_as_it_ends() -> None:
    """Once each, in order, when theta is that epoch's."""
    model = _model(MLP)
    told: list[Epoch] = []
    thetas: list[Array] = []

    def on_epoch(row: Epoch) -> None:
        told.append(row)
        thetas.append(model.theta.copy())

    result = fit(model, Adam(), TRAIN, VAL, epochs=4, batch_size=7, rng=_rng(), on_epoch=on_epoch)
    assert told == result.history
    assert [row.epoch for row in told] == [0, 1, 2, 3, 4]
    for row, theta in zip(told, thetas, strict=True):
        model.theta[:] = theta
        assert row.train == evaluate(model, TRAIN)


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
    model = _model(layers, in_shape)
    told: list[Epoch] = []
    result = fit(
        model, optimizer, train, val, epochs=50, batch_size=batch_size, rng=_rng(),
        on_epoch=told.append,
    )  # fmt: skip
    assert result.diverged
    rows = len(result.history)
    assert 1 <= rows <= 50
    assert told == result.history
    for row in result.history:
        assert np.isfinite([row.train.loss, row.val.loss]).all()
    assert np.isfinite(model.theta).all()

    shorter = _model(layers, in_shape)
    if rows > 1:
        again = fit(
            shorter, optimizer, train, val, epochs=rows - 1, batch_size=batch_size, rng=_rng()
        )
        assert not again.diverged
        assert again.history == result.history
    np.testing.assert_array_equal(model.theta, shorter.theta)
    with np.errstate(over="ignore"):
        assert evaluate(model, train) == result.history[-1].train


class _Explodes:
    """An optimizer that moves nothing, until its third step sends the first number to infinity."""

    def init(self, theta: Array) -> int:
        """Count from 1."""
        return 1

    def update(self, g: Array, state: int) -> tuple[Array, int]:
        """Return a step of zeros, with infinity at the front of the third."""
        delta = np.zeros_like(g)
        delta[0] = np.inf if state == 3 else 0.0
        return delta, state + 1


def test_a_parameter_that_is_not_finite_is_a_divergence() -> None:
    """Even where the loss stays finite, as behind a sigmoid that takes infinity for 1."""
    model, train = _model(MLP), Samples(np.abs(TRAIN.x), TRAIN.targets)
    start = model.theta.copy()
    result = fit(model, _Explodes(), train, train, epochs=5, batch_size=None, rng=_rng())
    assert result.diverged
    assert [row.epoch for row in result.history] == [0, 1, 2]
    np.testing.assert_array_equal(model.theta, start)
    model.theta[0] = np.inf
    assert np.isfinite(evaluate(model, train).loss)


def test_divergence_from_the_start_leaves_the_network_as_it_was() -> None:
    """A network that scores no finite loss untrained has no row at all."""
    model = _model([Dense(3)])
    model.theta[:] = 1e308
    model.theta[::2] = -1e308
    start = model.theta.copy()
    result = fit(model, SGD(), TRAIN, VAL, epochs=3, batch_size=None, rng=_rng())
    assert result.diverged
    assert result.history == []
    np.testing.assert_array_equal(model.theta, start)


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


@pytest.mark.parametrize("build", [_convolutional, _dense])
@pytest.mark.parametrize("seed", range(5))
def test_overfits_random_labels_of_any_shape(build: Any, seed: int) -> None:
    """Twenty random samples are learnt by heart, whatever their shape and number of classes."""
    layers, in_shape, num_classes = build(_rng(seed))
    train = _samples(20, in_shape, num_classes, seed)
    model = _model(layers, in_shape, seed)
    result = fit(model, Adam(), train, train, epochs=400, batch_size=None, rng=_rng())
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
    layers: list[Layer] = [Conv2D(2, 2), ReLU(), MaxPool2D(2), Flatten(), Dense(3), Sigmoid()]
    model = _model(layers, (1, 6, 6))
    train = _samples(20, (1, 6, 6))
    fit(model, OPTIMIZERS[name](), train, train, epochs=2, batch_size=7, rng=_rng())
