"""Dead and saturated units by hand, the floor of the loss, and gradient norms against a loop."""

from dataclasses import replace
from math import e, exp, log
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.dataset import Chosen
from cnn_from_scratch.experiment.diagnostics import (
    Diagnostics,
    NotingGradients,
    Units,
    diagnose,
)
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.nn import training
from cnn_from_scratch.nn.architectures import Stack
from cnn_from_scratch.nn.layers import Conv2D, Dense, Flatten, Layer, ReLU, Sigmoid, Tanh
from cnn_from_scratch.nn.losses import softmax_cross_entropy
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.nn.numerics import NUMERICS, NumericsName, using
from cnn_from_scratch.nn.optimizers import SGD, Adam
from tests.experiment.studies import HOLDOUT, SIMPLE, stripes


def _identity(*layers: Layer, size: int = 3) -> Sequential:
    """Return Dense layers that change nothing, before and between the given ones."""
    network = Sequential([Dense(size), *layers], (size,), np.random.RandomState, NUMPY)
    for params in network.params:
        if "W" in params:
            params["W"][:] = np.eye(*params["W"].shape)
    return network


def test_a_dead_relu_is_one_that_no_sample_activates() -> None:
    x = np.array([[-1.0, 2.0, 0.0], [-2.0, -3.0, 0.0]])
    found = diagnose(_identity(ReLU()), x)
    assert found == Diagnostics(2, 0.0, [Units(2, "ReLU", units=3, dead=2, saturated=None)])


def test_a_channel_lives_if_one_pixel_does() -> None:
    network = Sequential([ReLU(), Flatten(), Dense(2)], (2, 2, 2), np.random.RandomState, NUMPY)
    x = -np.ones((3, 2, 2, 2))
    x[1, 1, 0, 1] = 0.1
    assert diagnose(network, x).activations == [Units(1, "ReLU", units=2, dead=1, saturated=None)]


def test_logits_that_no_relu_squeezes_are_not_dead() -> None:
    assert diagnose(_identity(), np.array([[-1.0, 0.0, -3.0], [0.0, -1.0, 1.0]])).dead_logits == 0


@pytest.mark.parametrize(
    ("layer", "near"), [(Sigmoid(), log(99)), (Tanh(), np.arctanh(0.98))], ids=["sigmoid", "tanh"]
)
def test_saturated_is_within_a_hundredth_of_the_range(layer: Layer, near: float) -> None:
    x = near * np.array([[1.01, -1.01, 0.99], [-0.99, 0.0, 30.0]])
    units = Units(2, type(layer).__name__, units=3, dead=None, saturated=0.5)
    assert diagnose(_identity(layer), x).activations == [units]


@pytest.mark.parametrize(
    ("layers", "floor"),
    [
        ([Sigmoid()], log(1 + 2 / e)),
        ([Tanh(), Flatten()], log(1 + 2 * exp(-2))),
        ([ReLU()], 0.0),
        ([], 0.0),
        ([Sigmoid(), Dense(3)], 0.0),  # squeezed, but not the logits
    ],
    ids=["sigmoid", "tanh", "relu", "none", "hidden"],
)
def test_the_floor_of_the_loss(layers: list[Layer], floor: float) -> None:
    """No logits do better, and the best within the bounds get there."""
    network = _identity(*layers)
    assert diagnose(network, np.eye(3)).loss_floor == pytest.approx(floor, abs=1e-6)
    if floor > 0:
        low, high = (0.0, 1.0) if isinstance(layers[0], Sigmoid) else (-1.0, 1.0)
        best, _ = softmax_cross_entropy(np.where(np.eye(3) > 0, high, low), np.arange(3))
        assert best == pytest.approx(floor, rel=1e-12)


def test_noted_gradients_change_nothing_and_are_the_norms() -> None:
    network = Sequential(
        [Conv2D(2, 2), ReLU(), Flatten(), Dense(3)], (1, 3, 3), np.random.RandomState, NUMPY
    )
    noting, plain = NotingGradients(Adam(), network), Adam()
    g = np.random.RandomState(0).standard_normal(network.theta.size)
    for step, expected in zip(
        noting.update(g, noting.init(network.theta), network.theta),
        plain.update(g, plain.init(network.theta), network.theta),
        strict=True,
    ):
        np.testing.assert_equal(step, expected)
    assert list(noting.slices) == [1, 4]
    noting.end_epoch()
    [[conv, dense]] = noting.norms
    assert conv == pytest.approx(np.linalg.norm(g[: 2 * 4 + 2]), rel=1e-14)
    assert dense == pytest.approx(np.linalg.norm(g[2 * 4 + 2 :]), rel=1e-14)


@pytest.mark.parametrize(("scale", "norm"), [(0.0, 0.0), (1e-200, 5e-200), (1e200, 5e200)])
def test_norms_neither_overflow_nor_underflow(scale: float, norm: float) -> None:
    network = Sequential([Dense(1)], (1,), np.random.RandomState, NUMPY)
    noting = NotingGradients(SGD(), network)
    noting.update(scale * np.array([3.0, 4.0]), (), network.theta)
    noting.end_epoch()
    assert noting.norms[0][0] == pytest.approx(norm, rel=1e-15)


@pytest.mark.parametrize(("batch_size", "updates"), [(None, 1), (18, 1), (7, 3), (100, 1)])
def test_a_run_keeps_the_norms_of_each_epochs_last_update(
    batch_size: int | None, updates: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[NotingGradients] = []
    seen_gradients: list[Array] = []

    class Spy(NotingGradients):
        def __init__(self, *args: object) -> None:
            super().__init__(*args)  # type: ignore[arg-type]
            seen.append(self)

        def update(self, g: Array, state: Any, theta: Array) -> tuple[Array, Any]:
            seen_gradients.append(g)
            return super().update(g, state, theta)

    monkeypatch.setattr("cnn_from_scratch.experiment.run.NotingGradients", Spy)
    run = train_run(SIMPLE, 0, stripes(), HOLDOUT, Train(5, batch_size))
    [noting] = seen
    assert len(seen_gradients) == 5 * updates
    kept = [
        [np.linalg.norm(g[rows]) for rows in noting.slices.values()]
        for g in seen_gradients[updates - 1 :: updates]
    ]
    for i, layer in enumerate((1, 4)):
        assert run.gradient_norms[layer] == pytest.approx([row[i] for row in kept], rel=1e-14)


def test_a_diverged_run_keeps_the_norms_up_to_its_last_finite_epoch() -> None:
    diverging = replace(SIMPLE, optimizer=SGD(lr=1e10, weight_decay=1.0))
    run = train_run(diverging, 0, stripes(), HOLDOUT, Train(50, None))
    assert run.fit.diverged
    assert len(run.gradient_norms[1]) == run.fit.history[-1].epoch
    assert np.isfinite(list(run.gradient_norms.values())).all()


def test_a_network_without_activations_has_an_empty_list() -> None:
    model = Model(Stack((Flatten(), Dense(3))), SGD(lr=0.1))
    run = train_run(model, 0, stripes(), HOLDOUT, Train(2, None))
    assert run.diagnostics == Diagnostics(0, 0.0, [])
    assert list(run.gradient_norms) == [2]


SQUEEZED: list[list[Layer]] = [
    [Conv2D(6, 3), ReLU(), Conv2D(4, 2), Sigmoid(), Flatten(), Dense(3), Tanh()],
    [Conv2D(6, 3), ReLU(), Flatten(), Dense(3), ReLU()],
]


@pytest.mark.parametrize("layers", SQUEEZED)
@pytest.mark.parametrize("which", ["native", "portable"])
@pytest.mark.parametrize("chunk_size", [1, 100, 1000])
def test_many_samples_are_looked_at_part_by_part(
    layers: list[Layer], which: NumericsName, chunk_size: int
) -> None:
    """And what is found is that of all together: units that live in one part alone, too."""
    network = Sequential(layers, (1, 6, 6), lambda i: np.random.RandomState([5, i]), NUMPY)
    network.theta *= 10.0
    network.params[0]["b"][:] = [-1.0, -8.0, -4.0, -80.0, -5.0, -2.0]
    x = np.random.RandomState(0).uniform(0, 1, (60, 1, 6, 6))
    with using(NUMERICS[which]):
        whole = diagnose(network, x)
        [relu, *others] = whole.activations
        assert relu.dead is not None
        assert 0 < relu.dead < 6
        assert all(0 < unit.saturated < 1 for unit in others if unit.saturated is not None)
        network.backend = replace(network.backend, chunk_size=chunk_size)
        assert len(training.chunks(network, 60)) > 1
        assert diagnose(network, x) == whole
        assert diagnose(network, Chosen(x, np.arange(60), 1.0, "float64")) == whole
