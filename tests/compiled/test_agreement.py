"""How far native gradients and steps may be from NumPy's: what compiled/network.py says."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.compiled import optimizers
from cnn_from_scratch.nn.architectures import Architecture, EnhancedCNN, SimpleCNN, Stack
from cnn_from_scratch.nn.layers import (
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    Mode,
    ReLU,
    Sigmoid,
    Tanh,
)
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.nn.optimizers import OPTIMIZERS
from cnn_from_scratch.nn.training import Samples, gradient, update
from tests.compiled.backends import COMPILED

pytestmark = pytest.mark.release  # what the pages say of native loops

IN_SHAPE = (1, 6, 6)
PLAIN: dict[str, Architecture] = {
    "simple": SimpleCNN(),
    "enhanced": EnhancedCNN(),
    "others": Stack(
        (
            Conv2D(4, 3, stride=2, padding=2), Tanh(), AvgPool2D(2, stride=1),
            Conv2D(3, 2, padding=1), ReLU(), MaxPool2D(2, stride=1), Flatten(), Dense(5),
            Sigmoid(), Dense(3),
        )
    ),
}  # fmt: skip
NORMALIZED: dict[str, Architecture] = {
    "simple": SimpleCNN(batch_norm=True),
    "enhanced": EnhancedCNN(batch_norm=True),
    "vectors": Stack(
        (Conv2D(4, 3), Sigmoid(), Flatten(), Dense(5), BatchNorm(), ReLU(), Dense(3))
    ),
    "deep": Stack(
        (
            Conv2D(4, 3, padding=1), BatchNorm(), ReLU(), Conv2D(4, 3, padding=1), BatchNorm(),
            ReLU(), Conv2D(4, 3), BatchNorm(), Tanh(), Flatten(), Dense(6), BatchNorm(), Sigmoid(),
            Dense(3),
        )
    ),
}  # fmt: skip

# What inputs are made of numbers from 0 to 1.
INPUTS: dict[str, Callable[[Array], Array]] = {
    "grey": lambda x: x,
    "black and white": lambda x: (x > 0.7) * 1.0,
    "bytes": lambda x: np.rint(255.0 * x),
    "nearly the same": lambda x: 1.0 + 1e-3 * x,
}
all_inputs = pytest.mark.parametrize("kind", INPUTS)
SEEDS = range(6)
WORST = [140, 142, 145]  # with two samples, among the first 150


def _networks(architecture: Architecture, seed: int) -> tuple[Sequential, Sequential]:
    def streams(i: int) -> np.random.RandomState:
        return np.random.RandomState([seed, i])

    numpys, ours = (
        backend.network(architecture.layers(3), IN_SHAPE, streams, backend)
        for backend in (NUMPY, COMPILED["native"])
    )
    return numpys, ours


def _batch(kind: str, n: int, seed: int) -> Samples:
    rng = np.random.RandomState([seed, n])
    return Samples(INPUTS[kind](rng.uniform(0, 1, (n, *IN_SHAPE))), rng.randint(0, 3, n))


def _apart(architecture: Architecture, kind: str, n: int, seed: int) -> tuple[float, float]:
    """Return how far the gradients are apart, and their largest number, 0 in a dead network."""
    batch = _batch(kind, n, seed)
    numpys, ours = (
        gradient(network, batch, Mode(training=True)) for network in _networks(architecture, seed)
    )
    return float(np.abs(ours - numpys).max()), float(np.abs(numpys).max())


@all_inputs
@pytest.mark.parametrize("name", PLAIN)
def test_gradients(name: str, kind: str) -> None:
    for seed in SEEDS:
        for n in (2, 5, 24):
            apart, largest = _apart(PLAIN[name], kind, n, seed)
            assert apart <= 1e-12 * largest, (n, seed)


@all_inputs
@pytest.mark.parametrize("name", NORMALIZED)
def test_gradients_through_batch_normalization(name: str, kind: str) -> None:
    for seed in (*SEEDS, *WORST):
        for n in (2, 5, 24):
            apart, largest = _apart(NORMALIZED[name], kind, n, seed)
            assert apart <= 1e-11 * largest, (n, seed)


def test_a_small_spread_makes_a_difference() -> None:
    """So that the limit of batch normalization is another one."""
    of_kinds = []
    for kind in ("grey", "nearly the same"):
        pairs = [_apart(NORMALIZED["deep"], kind, n, seed) for n in (2, 5) for seed in SEEDS]
        of_kinds.append(max(apart / largest for apart, largest in pairs))
    assert of_kinds[1] > 10 * of_kinds[0]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", NORMALIZED)
def test_first_steps(name: str, optimizer: str) -> None:
    """Of a gradient's difference they make up to lr / eps times as much, or else about lr times.

    As |d/dg g / (c |g| + eps)| <= 1 / eps; NAG's first step is 1.9 lr g.
    """
    rule: Any = OPTIMIZERS[optimizer]()
    slope = rule.lr / rule.eps if hasattr(rule, "eps") else 2.0 * rule.lr
    for seed in SEEDS:
        batch = _batch("grey", 24, seed)
        numpys, ours = _networks(NORMALIZED[name], seed)
        of_gradients = np.abs(
            gradient(ours, batch, Mode(training=True))
            - gradient(numpys, batch, Mode(training=True))
        )
        update(numpys, rule, rule.init(numpys.theta), gradient(numpys, batch, Mode(training=True)))
        update(
            ours,
            optimizers.compiled(rule),
            rule.init(ours.theta),
            gradient(ours, batch, Mode(training=True)),
        )
        rounding = 1e-14 * np.abs(numpys.theta).max()
        assert np.all(np.abs(ours.theta - numpys.theta) <= slope * of_gradients + rounding)
