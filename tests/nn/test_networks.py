"""The named architectures: their published sizes, their logits, and their whole gradients."""

from typing import Any, NamedTuple, get_args

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from cnn_from_scratch.nn.layers import Array, Layer, MaxPool2D, ReLU, Shape, Sigmoid
from cnn_from_scratch.nn.model import Sequential
from cnn_from_scratch.nn.networks import ACTIVATIONS, NETWORKS, ActivationName
from tests.nn.gradient_check import check_gradient, numerical_gradient
from tests.nn.inputs import normal


class Published(NamedTuple):
    """What is known of an architecture with three classes, without an activation at the end."""

    activation: str  # its default
    sizes: list[int]  # of the parameters, in theta's order
    shapes: list[Shape]  # from the image to the logits
    params_a_class: int


# Every architecture needs a row.
PUBLISHED: dict[str, Published] = {
    "simple": Published(
        activation="sigmoid",
        sizes=[27, 3, 36, 3],  # 69
        shapes=[(1, 6, 6), (3, 4, 4), (3, 4, 4), (3, 2, 2), (3, 1, 1), (3,)],
        params_a_class=13,
    ),
    "enhanced": Published(
        activation="relu",
        sizes=[36, 4, 144, 4, 48, 3],  # 239
        shapes=[(1, 6, 6), (4, 4, 4), (4, 4, 4), (4, 2, 2), (4, 2, 2), (3, 1, 1), (3,)],
        params_a_class=17,
    ),
}
all_networks = pytest.mark.parametrize("name", NETWORKS)
all_activations = pytest.mark.parametrize("activation", get_args(ActivationName))
both_logits = pytest.mark.parametrize("activate_logits", [True, False])


def _build(name: str, num_classes: int = 3, seed: int = 0, **settings: Any) -> Sequential:
    architecture: Any = NETWORKS[name]
    return Sequential(
        architecture(**settings).layers(num_classes),
        (1, 6, 6),
        lambda i: np.random.RandomState([seed, i]),
    )


def test_every_network_has_a_row() -> None:
    """A new architecture or activation without a row fails here."""
    assert {"simple", "enhanced"} <= NETWORKS.keys()
    assert PUBLISHED.keys() == NETWORKS.keys()
    activations: dict[ActivationName, Layer] = {"sigmoid": Sigmoid(), "relu": ReLU()}
    assert activations == ACTIVATIONS
    assert set(get_args(ActivationName)) == ACTIVATIONS.keys()


def test_numbers_of_parameters() -> None:
    """69 and 239, as the arithmetic has it."""
    assert _build("simple").theta.size == 69
    assert _build("enhanced").theta.size == 239


@all_networks
def test_defaults_are_the_published_ones(name: str) -> None:
    """Sigmoid or ReLU as published, and the activation on the logits as in the released code."""
    default: Any = NETWORKS[name]()
    assert default.activation == PUBLISHED[name].activation
    assert default.activate_logits is True


@all_networks
@all_activations
@both_logits
def test_published_shapes(name: str, activation: str, activate_logits: bool) -> None:
    """Every layer's output has the published shape, for every setting."""
    model = _build(name, activation=activation, activate_logits=activate_logits)
    shapes = PUBLISHED[name].shapes.copy()
    if activate_logits:
        shapes.insert(-1, shapes[-2])
    x = np.zeros((2, *shapes[0]))
    actual = [x.shape]
    for layer, params in zip(model.layers, model.params, strict=True):
        x, _ = layer.forward(params, x)
        actual.append(x.shape)
    assert actual == [(2, *shape) for shape in shapes]
    assert model.out_shape == (3,)
    sizes = [array.size for params in model.params for array in params.values()]
    assert sizes == PUBLISHED[name].sizes


@all_networks
@pytest.mark.parametrize("num_classes", [1, 2, 10])
def test_any_number_of_classes(name: str, num_classes: int) -> None:
    """There are as many logits as classes, and only the last convolution grows."""
    model = _build(name, num_classes)
    assert model.out_shape == (num_classes,)
    more = (num_classes - 3) * PUBLISHED[name].params_a_class
    assert model.theta.size == _build(name).theta.size + more


@all_networks
@all_activations
def test_activate_logits(name: str, activation: ActivationName) -> None:
    """It passes the logits through the activation, and changes nothing else."""
    raw = _build(name, activation=activation, activate_logits=False)
    activated = _build(name, activation=activation, activate_logits=True)
    np.testing.assert_array_equal(activated.theta, raw.theta)
    x = np.random.RandomState(1).uniform(0, 1, (20, 1, 6, 6))
    raw_logits, _ = raw.forward(x)
    logits, _ = activated.forward(x)
    expected, _ = ACTIVATIONS[activation].forward({}, raw_logits)
    np.testing.assert_array_equal(logits, expected)
    assert raw_logits.min() < 0.0 <= logits.min()


def _kink_distance(model: Sequential, x: Array) -> float:
    """Return how far all rectifiers' inputs are from 0, and all maxima above 0 from a tie."""
    distances = [np.inf]
    for layer, params in zip(model.layers, model.params, strict=True):
        if isinstance(layer, ReLU):
            distances.append(np.abs(x).min())
        if isinstance(layer, MaxPool2D):
            k = layer.kernel_size
            windows = sliding_window_view(x, (k, k), axis=(2, 3)).reshape(-1, k * k)
            second, first = np.sort(windows)[:, -2:].T
            distances.append((first - second)[first > 0.0].min())
        x, _ = layer.forward(params, x)
    return min(distances)


@all_networks
@all_activations
@both_logits
def test_gradient_of_the_whole_network(name: str, activation: str, activate_logits: bool) -> None:
    """The gradient of all of theta, and of each parameter by itself, agrees with differences."""
    rng = np.random.RandomState(3)  # leaves no rectifier dead for all samples, or at its kink
    model = _build(name, activation=activation, activate_logits=activate_logits)
    model.theta += 0.2 * normal(rng, model.theta.shape)  # biases too
    x = rng.uniform(0, 1, (3, 1, 6, 6))
    assert _kink_distance(model, x) > 1e-3
    theta = model.theta.copy()

    def forward(theta: Array) -> Array:
        model.theta[:] = theta
        return model.forward(x)[0]

    logits, caches = model.forward(x)
    dlogits = normal(rng, logits.shape)
    dtheta = model.backward(dlogits, caches)
    numerical = numerical_gradient(forward, theta, dlogits)
    check_gradient("theta", dtheta, numerical)
    ends = np.cumsum(PUBLISHED[name].sizes)[:-1]
    for claimed, expected in zip(np.split(dtheta, ends), np.split(numerical, ends), strict=True):
        check_gradient("part of theta", claimed, expected)
