"""The optimizers and whole networks, against trainings recorded from PyTorch.

references/make_references.py made the numbers; it needs PyTorch, and these tests do not.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.backends import backend_for
from cnn_from_scratch.experiment.params import BackendName, DType, Train
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
    Tanh,
)
from cnn_from_scratch.nn.losses import softmax_cross_entropy
from cnn_from_scratch.nn.network import Sequential
from cnn_from_scratch.nn.optimizers import OPTIMIZERS
from cnn_from_scratch.nn.training import Samples, Training, fit

REFERENCES = json.loads(
    (Path(__file__).parent / "references" / "torch_float64.json").read_text(encoding="utf-8")
)

# Every recorded network, as ours.
OURS: dict[str, Architecture] = {
    "simple": SimpleCNN(),
    "simple, logits as they are": SimpleCNN(activate_logits=False),
    "simple, tanh, average": SimpleCNN(activation="tanh", pool="avg"),
    "simple, batch norm": SimpleCNN(batch_norm=True),
    "enhanced": EnhancedCNN(),
    "enhanced, batch norm, logits as they are": EnhancedCNN(activate_logits=False, batch_norm=True),
    "stack": Stack(
        (
            Conv2D(4, 3, stride=2, padding=2), BatchNorm(), Tanh(), AvgPool2D(2, stride=1),
            Conv2D(2, 2, padding=1), ReLU(), MaxPool2D(3, stride=1), Flatten(), Dense(5),
            BatchNorm(eps=1e-3, momentum=0.3), Tanh(), Dense(3),
        )
    ),
}  # fmt: skip
all_trajectories = pytest.mark.parametrize(
    "reference",
    REFERENCES["optimizers"],
    ids=[f"{row['name']} {row['settings']}" for row in REFERENCES["optimizers"]],
)
all_networks = pytest.mark.parametrize("name", OURS)


# What PyTorch has, or can be put together from its parts; other additions are proven elsewhere.
RECORDED = ["sgd", "momentum", "nag", "adagrad", "rmsprop", "adam", "adamw"]


def test_everything_is_recorded() -> None:
    """Each of those optimizers, without and with weight decay; and the networks, none twice."""
    rows = {(r["name"], r["settings"].get("weight_decay", 0) > 0) for r in REFERENCES["optimizers"]}
    decoupled = {("adamw", False)}
    assert rows == {(name, decay) for name in RECORDED for decay in (False, True)} - decoupled
    assert OURS.keys() == REFERENCES["networks"].keys()
    assert {*RECORDED} <= OPTIMIZERS.keys()
    assert {type(network) for network in OURS.values()} == {SimpleCNN, EnhancedCNN, Stack}


def _gradient(theta: Array) -> Array:
    """Return that of sum(theta^4)/4 + theta A theta/2 - b theta + product of theta / 2."""
    problem = REFERENCES["problem"]
    others = [np.prod(np.delete(theta, i)) for i in range(len(theta))]
    gradient = theta**3 + np.array(problem["matrix"]) @ theta - np.array(problem["vector"])
    return gradient + np.array(others) / 2


@all_trajectories
def test_twenty_steps(reference: dict[str, Any]) -> None:
    """On a problem that is not quadratic, each side with its own gradients: the same theta."""
    kind: Any = OPTIMIZERS[reference["name"]]
    optimizer = kind(**reference["settings"])
    theta = np.array(REFERENCES["problem"]["start"])
    state = optimizer.init(theta)
    assert len(reference["thetas"]) == 20
    for g, expected in zip(reference["gradients"], reference["thetas"], strict=True):
        gradient = _gradient(theta)
        np.testing.assert_allclose(gradient, g, rtol=0, atol=1e-12)
        delta, state = optimizer.update(gradient, state, theta)
        theta = theta + delta
        np.testing.assert_allclose(theta, expected, rtol=0, atol=1e-12)
    assert np.linalg.norm(theta - REFERENCES["problem"]["start"]) > 0.1  # it went somewhere


all_backends = pytest.mark.parametrize("backend", ["numpy", "compiled"])


class Recorded(NamedTuple):
    """A recorded network at its start, and its samples."""

    network: Sequential
    train: Samples
    x_val: Array


def _recorded(name: str, backend: BackendName, dtype: DType) -> Recorded:
    reference = REFERENCES["networks"][name]
    found = backend_for(Train(1, None, numerics="native", dtype=dtype, backend=backend))
    layers = OURS[name].layers(3)
    network = found.network(layers, (1, 6, 6), np.random.RandomState, found, dtype)
    assert network.theta.size == len(reference["theta"])
    network.theta[:] = reference["theta"]
    x, x_val = (np.array(reference[n], dtype).reshape(-1, 1, 6, 6) for n in ("x", "x_val"))
    return Recorded(network, Samples(x, np.array(reference["targets"])), x_val)


def _end(recorded: Recorded) -> dict[str, Array]:
    """Return the running statistics, and the logits that follow from them."""
    running = [array for buffers in recorded.network.buffers for array in buffers.values()]
    logits, _ = recorded.network.forward(recorded.x_val)
    return {"running": np.concatenate([np.zeros(0), *running]), "logits": logits.ravel()}


def _fitted(recorded: Recorded, settings: dict[str, float]) -> dict[str, Array]:
    """Return the losses of fifty epochs of full-batch Adam, scored in evaluation after each."""
    network, train, _ = recorded
    result = fit(
        network,
        OPTIMIZERS["adam"](**settings),
        train,
        train,
        Training(epochs=50, shuffle_rng=np.random.RandomState(0)),
    )
    return {"curve": np.array([row.train.loss for row in result.history]), **_end(recorded)}


def _stepped(recorded: Recorded, settings: dict[str, float]) -> dict[str, Array]:
    """Return the losses that the gradients are of: with the batch's statistics."""
    network, train, _ = recorded
    optimizer = OPTIMIZERS["adam"](**settings)
    state, curve = optimizer.init(network.theta), []
    for _ in range(50):
        logits, caches = network.forward(train.x, Mode(training=True))
        loss, dlogits = softmax_cross_entropy(logits, train.targets)
        curve.append(loss)
        delta, state = optimizer.update(network.backward(dlogits, caches), state, network.theta)
        network.theta += delta
    return {"training_curve": np.array(curve), **_end(recorded)}


WAYS: dict[str, Callable[[Recorded, dict[str, float]], dict[str, Array]]] = {
    "fit": _fitted,
    "step by step": _stepped,
}
both_ways = pytest.mark.parametrize("way", WAYS)


def _expected(name: str) -> dict[str, Array]:
    reference = REFERENCES["networks"][name]
    running = np.concatenate([np.zeros(0), *(a for row in reference["running"] for a in row)])
    names = ("curve", "training_curve", "logits")
    return {"running": running} | {name: np.array(reference[name]) for name in names}


def _deviation(name: str, backend: BackendName, dtype: DType, way: str) -> float:
    """Return by how much a training is off PyTorch's, at the most."""
    actual = WAYS[way](_recorded(name, backend, dtype), REFERENCES["networks"][name]["optimizer"])
    expected = _expected(name)
    assert all(actual[key].shape == expected[key].shape for key in actual)
    differences = [np.abs(actual[key] - expected[key]) for key in actual]
    return float(np.concatenate(differences).max())


def test_the_recorded_networks_learn() -> None:
    """So that nothing of the below would hold for a training that stands still."""
    for name, reference in REFERENCES["networks"].items():
        curve, training_curve = reference["curve"], reference["training_curve"]
        assert len(curve) == len(training_curve) + 1 == 51
        assert curve[-1] < curve[0] - 0.01, name
        differs = np.abs(np.subtract(training_curve, curve[:-1])).max() > 1e-3
        assert differs == bool(reference["running"])


@all_networks
@all_backends
@both_ways
def test_trainings_in_float64(name: str, backend: BackendName, way: str) -> None:
    """Loss curves, running statistics and logits are PyTorch's."""
    assert _deviation(name, backend, "float64", way) <= 1e-10


@all_networks
@all_backends
@both_ways
def test_trainings_in_float32(name: str, backend: BackendName, way: str) -> None:
    """The same, as far as rounding lets them be.

    Float32 rounds as often as float64, each time by up to 2^29 times as much, and a training makes
    more of each error, or less, by the same factors: so it is off by about 2^29 times what float64
    is off here, where at least a few of its roundings, of 2^-53, have to be seen. As these are
    other errors, which add up otherwise, 16 times that is let pass; 3 times is the most there is.
    """
    of_float64 = max(_deviation(name, "numpy", "float64", way), 2.0**-50)
    assert _deviation(name, backend, "float32", way) <= 16 * 2.0**29 * of_float64
