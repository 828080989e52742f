"""The optimizers and whole networks, against trainings recorded from PyTorch.

references/make_references.py made the numbers; it needs PyTorch, and these tests do not.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
from cnn_from_scratch.nn.model import Sequential
from cnn_from_scratch.nn.networks import Architecture, EnhancedCNN, SimpleCNN, Stack
from cnn_from_scratch.nn.numerics import Array
from cnn_from_scratch.nn.optimizers import OPTIMIZERS
from cnn_from_scratch.nn.training import Samples, fit

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


def _model(name: str) -> tuple[Sequential, Samples, Any]:
    reference = REFERENCES["networks"][name]
    layers = OURS[name].layers(3)
    model = Sequential(layers, (1, 6, 6), lambda i: np.random.RandomState(i))
    assert model.theta.size == len(reference["theta"])
    model.theta[:] = reference["theta"]
    x = np.array(reference["x"]).reshape(-1, 1, 6, 6)
    return model, Samples(x, np.array(reference["targets"])), reference


def _check_end(model: Sequential, reference: dict[str, Any]) -> None:
    """Check the running statistics, and the logits that follow from them."""
    buffers = [[*buffers.values()] for buffers in model.buffers if buffers]
    assert len(buffers) == len(reference["running"])
    for actual, expected in zip(buffers, reference["running"], strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-10)
    logits, _ = model.forward(np.array(reference["x_val"]).reshape(-1, 1, 6, 6))
    np.testing.assert_allclose(logits.ravel(), reference["logits"], rtol=0, atol=1e-10)


@all_networks
def test_loss_curve_of_fit(name: str) -> None:
    """Fifty epochs of full-batch Adam, scored in evaluation after each."""
    model, train, reference = _model(name)
    optimizer = OPTIMIZERS["adam"](**reference["optimizer"])
    result = fit(
        model, optimizer, train, train, epochs=50, batch_size=None, rng=np.random.RandomState(0)
    )
    curve = [row.train.loss for row in result.history]
    assert len(curve) == 51
    np.testing.assert_allclose(curve, reference["curve"], rtol=0, atol=1e-10)
    assert curve[-1] < curve[0] - 0.01  # it learnt something
    _check_end(model, reference)


@all_networks
def test_loss_curve_in_training(name: str) -> None:
    """The losses that the gradients are of: with the batch's statistics, not the running ones."""
    model, train, reference = _model(name)
    optimizer = OPTIMIZERS["adam"](**reference["optimizer"])
    state, curve = optimizer.init(model.theta), []
    for _ in range(50):
        logits, caches = model.forward(train.x, Mode(training=True))
        loss, dlogits = softmax_cross_entropy(logits, train.targets)
        curve.append(loss)
        delta, state = optimizer.update(model.backward(dlogits, caches), state, model.theta)
        model.theta += delta
    np.testing.assert_allclose(curve, reference["training_curve"], rtol=0, atol=1e-10)
    differs = np.abs(np.subtract(curve, reference["curve"][:-1])).max() > 1e-3
    assert differs == bool(reference["running"])
    _check_end(model, reference)
