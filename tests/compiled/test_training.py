"""Whole networks with compiled loops, trained as NumPy's are."""

from dataclasses import replace
from typing import Any

import numba
import numpy as np
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.compiled import kernel
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import Augmentation, Train
from cnn_from_scratch.experiment.run import Run, train_run
from cnn_from_scratch.nn.architectures import Architecture, EnhancedCNN, SimpleCNN, Stack
from cnn_from_scratch.nn.layers import (
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    Mode,
    ReLU,
    Sigmoid,
    Tanh,
)
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.nn.optimizers import OPTIMIZERS, SGD, Adam
from cnn_from_scratch.nn.training import Samples, gradient, update
from tests.compiled.backends import COMPILED
from tests.experiment.studies import DIVERGING, HOLDOUT, stripes

pytestmark = pytest.mark.release  # whole trainings

DIGITS = Stack(
    (
        Conv2D(8, 3, padding=1, weight_init="he"), ReLU(), MaxPool2D(2),
        Conv2D(16, 3, weight_init="he"), ReLU(), MaxPool2D(2), Flatten(),
        Dense(10, weight_init="he"),
    )
)  # fmt: skip
ARCHITECTURES: dict[str, tuple[Architecture, Shape]] = {
    "simple": (SimpleCNN(), (1, 6, 6)),
    "enhanced": (EnhancedCNN(), (1, 6, 6)),
    "28x28": (DIGITS, (1, 28, 28)),
}
all_networks = pytest.mark.parametrize("name", ARCHITECTURES)


def _batch(in_shape: Shape, n: int = 50) -> Samples:
    rng = np.random.RandomState(3)
    return Samples(rng.uniform(0, 1, (n, *in_shape)), rng.randint(0, 3, n))


def _network(name: str, backend: str) -> Sequential:
    architecture, in_shape = ARCHITECTURES[name]
    layers, streams = architecture.layers(3), lambda i: np.random.RandomState([0, i])
    found = COMPILED["native"] if backend == "compiled" else NUMPY
    return found.network(layers, in_shape, streams, found)


def _steps(name: str, backend: str, optimizer: Any) -> list[Array]:
    """Return a batch's gradient, and what three steps make of theta."""
    network = _network(name, backend)
    batch = _batch(network.in_shape)
    found = [gradient(network, batch, Mode(training=True))]
    state = optimizer.init(network.theta)
    for _ in range(3):
        state = update(network, optimizer, state, gradient(network, batch, Mode(training=True)))
        found.append(network.theta.copy())
    return found


@all_networks
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_train_steps_agree_with_native_numpy(name: str, optimizer: str) -> None:
    """To 1e-12, at the start and after a step or two; with batches that are cut into chunks, too.

    A sum of a few hundred terms about 1 in another order differs by some 1e-14; six layers
    leave that below 1e-12, and so do optimizers as long as no gradient is 0 but for rounding.
    """
    rule = OPTIMIZERS[optimizer]()
    (g, *thetas), (of_numpy, *of_numpys) = (_steps(name, b, rule) for b in ("compiled", "numpy"))
    assert np.abs(g - of_numpy).max() <= 1e-12 * np.abs(of_numpy).max()
    for theta, expected in zip(thetas, of_numpys, strict=True):
        assert np.abs(theta - expected).max() <= 1e-12 * np.abs(expected).max()
    assert np.abs(of_numpys[-1] - of_numpys[0]).max() > 1e-6  # it moves


@all_networks
def test_threads_change_no_bit_of_a_gradient(
    name: str, numbers_of_threads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even of native convolutions, whose sums the compiler may reorder."""
    gradients = []
    for number, parallel_from in ((1, 1 << 62), *((number, 0) for number in numbers_of_threads)):
        numba.set_num_threads(number)
        monkeypatch.setattr(kernel, "PARALLEL_FROM", parallel_from)
        network = _network(name, "compiled")
        gradients.append(gradient(network, _batch(network.in_shape), Mode(training=True)))
    for g in gradients[1:]:
        np.testing.assert_array_equal(g, gradients[0])


# What the backend has loops for, and what it has none for, in one network.
MIXED = Stack(
    (
        Conv2D(4, 3, stride=2, padding=2), BatchNorm(), Tanh(), AvgPool2D(2, stride=1),
        Conv2D(3, 2, padding=1), ReLU(), MaxPool2D(2, stride=1), Flatten(), Dropout(0.2),
        Dense(5), Sigmoid(), Dense(3),
    )
)  # fmt: skip
RUNS: dict[str, tuple[Model, Train, Shape]] = {
    "simple": (Model(SimpleCNN(), Adam()), Train(4, None), (1, 6, 6)),
    "enhanced": (Model(EnhancedCNN(), Adam()), Train(4, 7), (1, 6, 6)),
    "mixed": (
        Model(MIXED, Adam()),
        Train(4, 7, augment=Augmentation(shift=1, rotation=20.0, noise=0.1)),
        (1, 6, 6),
    ),
    "28x28": (
        Model(Stack((*DIGITS.stack[:-1], Dense(3, "he"))), SGD(lr=0.1)),
        Train(2, None),
        (1, 28, 28),
    ),
    "diverging": (DIVERGING, Train(20, None), (1, 6, 6)),
}


def _run(name: str, **settings: Any) -> Run:
    network, train, shape = RUNS[name]
    samples = 120 if shape[-1] == 28 else 24  # 28x28: more than go through at once
    return train_run(network, 3, stripes(samples, shape=shape), HOLDOUT, replace(train, **settings))


@pytest.mark.parametrize("name", RUNS)
def test_portable_runs_are_the_same_bits(name: str) -> None:
    """All that a run finds out: scores, parameters, norms of gradients, predictions."""
    run, expected = _run(name, backend="compiled"), _run(name)
    assert run.fit == expected.fit
    np.testing.assert_equal(run.checkpoint, expected.checkpoint)
    assert run.gradient_norms == expected.gradient_norms
    assert run.diagnostics == expected.diagnostics
    assert run.scores == expected.scores
    np.testing.assert_equal(
        [vars(p) for p in run.predictions.values()],
        [vars(p) for p in expected.predictions.values()],
    )
    assert run.fit.diverged == (name == "diverging")


@pytest.mark.parametrize("name", ["simple", "enhanced", "mixed", "28x28"])
def test_native_runs_agree(name: str) -> None:
    """To 1e-9 after all of a run's steps."""
    run, expected = (_run(name, numerics="native", backend=b) for b in ("compiled", "numpy"))
    for row, right in zip(run.fit.history, expected.fit.history, strict=True):
        scores, right_scores = [*row.train, *row.val], [*right.train, *right.val]
        np.testing.assert_allclose(scores, right_scores, rtol=0, atol=1e-9)
    assert run.fit.history[-1].train.loss < run.fit.history[0].train.loss


def test_a_portable_network_of_too_large_sums_is_refused() -> None:
    """In one line, before any training."""
    stack = Stack((Conv2D(240, 3), Conv2D(4, 3), Conv2D(3, 2), Flatten()))
    network, train = Model(stack, SGD()), Train(1, None, backend="compiled")
    with pytest.raises(InputError, match=r"at most 2048 terms a sum, not 2160$") as error:
        train_run(network, 0, stripes(), HOLDOUT, train)
    assert len(str(error.value).splitlines()) == 1
