"""The named architectures: their published sizes, their logits, and their whole gradients."""

from typing import Any, NamedTuple, get_args

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.nn.architectures import (
    ACTIVATIONS,
    ARCHITECTURES,
    ActivationName,
    Architecture,
    EnhancedCNN,
    LeNet,
    SimpleCNN,
    Stack,
    VGGSmall,
)
from cnn_from_scratch.nn.initializers import INITIALIZERS
from cnn_from_scratch.nn.layers import (
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    Mode,
    ReLU,
    Sigmoid,
    Tanh,
)
from cnn_from_scratch.nn.network import NUMPY, Sequential
from tests.nn.gradient_check import check_gradient, numerical_gradient
from tests.nn.inputs import MODES, normal


class Published(NamedTuple):
    """What is known of an architecture with three classes, without an activation at the end."""

    activation: str  # its default
    sizes: list[int]  # of the parameters, in theta's order
    shapes: list[Shape]  # from the image to the logits
    params_a_class: int


# The two of the published study.
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
all_networks = pytest.mark.parametrize("name", PUBLISHED)
all_activations = pytest.mark.parametrize("activation", get_args(ActivationName))
both_logits = pytest.mark.parametrize("activate_logits", [True, False])


def _build(
    name: str, num_classes: int = 3, seed: int = 0, in_shape: Shape = (1, 6, 6), **settings: Any
) -> Sequential:
    architecture: Any = ARCHITECTURES[name]
    return Sequential(
        architecture(**settings).layers(num_classes),
        in_shape,
        lambda i: np.random.RandomState([seed, i]),
        NUMPY,
    )


def test_the_published_networks_and_the_activations() -> None:
    """A new activation without a row fails here."""
    assert {"simple", "enhanced"} == PUBLISHED.keys()
    assert {*PUBLISHED, "stack"} <= ARCHITECTURES.keys()
    activations: dict[ActivationName, Layer] = {
        "sigmoid": Sigmoid(), "tanh": Tanh(), "relu": ReLU(),
    }  # fmt: skip
    assert activations == ACTIVATIONS
    assert set(get_args(ActivationName)) == ACTIVATIONS.keys()


def test_numbers_of_parameters() -> None:
    """69 and 239, as the arithmetic has it."""
    assert _build("simple").theta.size == 69
    assert _build("enhanced").theta.size == 239


@all_networks
def test_defaults_are_the_published_ones(name: str) -> None:
    """Sigmoid or ReLU as published, and the activation on the logits as in the released code."""
    default: Any = ARCHITECTURES[name]()
    assert default.activation == PUBLISHED[name].activation
    assert default.activate_logits is True
    assert (default.init, default.batch_norm, default.dropout) == ("published", False, 0.0)
    assert name != "simple" or default.pool == "max"


@all_networks
@all_activations
@both_logits
def test_published_shapes(name: str, activation: str, activate_logits: bool) -> None:
    """Every layer's output has the published shape, for every setting."""
    network = _build(name, activation=activation, activate_logits=activate_logits)
    shapes = PUBLISHED[name].shapes.copy()
    if activate_logits:
        shapes.insert(-1, shapes[-2])
    x: Array = np.zeros((2, *shapes[0]))
    actual = [x.shape]
    for layer, params in zip(network.layers, network.params, strict=True):
        x, _ = layer.forward(params, x)
        actual.append(x.shape)
    assert actual == [(2, *shape) for shape in shapes]
    assert network.out_shape == (3,)
    sizes = [array.size for params in network.params for array in params.values()]
    assert sizes == PUBLISHED[name].sizes


@all_networks
@pytest.mark.parametrize("num_classes", [1, 2, 10])
def test_any_number_of_classes(name: str, num_classes: int) -> None:
    """There are as many logits as classes, and only the last convolution grows."""
    network = _build(name, num_classes)
    assert network.out_shape == (num_classes,)
    more = (num_classes - 3) * PUBLISHED[name].params_a_class
    assert network.theta.size == _build(name).theta.size + more


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
    assert raw_logits.min() < 0.0
    assert np.any(logits != raw_logits)


CONV1, CONV_K = Conv2D(3, 3), Conv2D(3, None)
CONV4, NORM, FLATTEN = Conv2D(4, 3), BatchNorm(), Flatten()
AVG, MAX = AvgPool2D(2), MaxPool2D(2)


def _vgg_block(channels: int, dropout: float) -> list[Layer]:
    conv = Conv2D(channels, 3, padding=1, weight_init="he")
    return [conv, NORM, ReLU(), conv, NORM, ReLU(), MAX, Dropout(dropout)]


# Each setting beyond the published study: the layers that it makes.
BEYOND: list[tuple[Any, list[Layer]]] = [
    (SimpleCNN(), [CONV1, Sigmoid(), MAX, CONV_K, Sigmoid(), FLATTEN]),
    (SimpleCNN("tanh", False), [CONV1, Tanh(), MAX, CONV_K, FLATTEN]),
    (SimpleCNN(pool="avg"), [CONV1, Sigmoid(), AVG, CONV_K, Sigmoid(), FLATTEN]),
    (SimpleCNN(batch_norm=True), [CONV1, NORM, Sigmoid(), MAX, CONV_K, Sigmoid(), FLATTEN]),
    (SimpleCNN(dropout=0.3), [CONV1, Sigmoid(), MAX, Dropout(0.3), CONV_K, Sigmoid(), FLATTEN]),
    (
        SimpleCNN("relu", False, "avg", "he", True, 0.2),
        [Conv2D(3, 3, weight_init="he"), NORM, ReLU(), AVG, Dropout(0.2),
         Conv2D(3, None, weight_init="he"), FLATTEN],
    ),
    (EnhancedCNN(), [CONV4, ReLU(), CONV4, ReLU(), CONV_K, ReLU(), FLATTEN]),
    (EnhancedCNN("tanh", False), [CONV4, Tanh(), CONV4, Tanh(), CONV_K, FLATTEN]),
    (
        EnhancedCNN(batch_norm=True),
        [CONV4, NORM, ReLU(), CONV4, NORM, ReLU(), CONV_K, ReLU(), FLATTEN],
    ),
    (
        EnhancedCNN(dropout=0.3),
        [CONV4, ReLU(), CONV4, ReLU(), Dropout(0.3), CONV_K, ReLU(), FLATTEN],
    ),
    (
        EnhancedCNN("sigmoid", False, "lecun", True, 0.2),
        [Conv2D(4, 3, weight_init="lecun"), NORM, Sigmoid(), Conv2D(4, 3, weight_init="lecun"),
         NORM, Sigmoid(), Dropout(0.2), Conv2D(3, None, weight_init="lecun"), FLATTEN],
    ),
    (
        LeNet(),
        [Conv2D(6, 5, padding=2, weight_init="he"), ReLU(), MAX,
         Conv2D(16, 5, weight_init="he"), ReLU(), MAX, FLATTEN,
         Dense(120, "he"), ReLU(), Dense(84, "he"), ReLU(), Dense(3, "he")],
    ),
    (
        LeNet(3, 1),
        [Conv2D(6, 3, padding=1, weight_init="he"), ReLU(), MAX,
         Conv2D(16, 3, weight_init="he"), ReLU(), MAX, FLATTEN,
         Dense(120, "he"), ReLU(), Dense(84, "he"), ReLU(), Dense(3, "he")],
    ),
    (
        VGGSmall(),
        [*_vgg_block(32, 0.2), *_vgg_block(64, 0.2), *_vgg_block(128, 0.2), FLATTEN,
         Dense(3, "he")],
    ),
    (
        VGGSmall(2, 0.5),
        [*_vgg_block(2, 0.5), *_vgg_block(4, 0.5), *_vgg_block(8, 0.5), FLATTEN, Dense(3, "he")],
    ),
    (Stack((FLATTEN, Dense(7), Tanh(), Dense(3))), [FLATTEN, Dense(7), Tanh(), Dense(3)]),
]  # fmt: skip


@pytest.mark.parametrize(("architecture", "expected"), BEYOND, ids=str)
def test_settings_beyond_the_published_study(architecture: Any, expected: list[Layer]) -> None:
    """The layers, written out."""
    assert architecture.layers(3) == expected


def test_every_architecture_is_written_out() -> None:
    """A new architecture without a row fails here."""
    assert {type(architecture) for architecture, _ in BEYOND} == {*ARCHITECTURES.values()}


@all_networks
@pytest.mark.parametrize("init", INITIALIZERS)
def test_init_changes_the_kernels_and_nothing_else(name: str, init: str) -> None:
    """Every kernel starts with the named draw."""
    layers = ARCHITECTURES[name](init=init).layers(3)  # type: ignore[call-arg]
    assert [x.weight_init for x in layers if isinstance(x, Conv2D)] == [init] * (
        2 if name == "simple" else 3
    )
    other = [x for x in layers if not isinstance(x, Conv2D)]
    assert other == [x for x in ARCHITECTURES[name]().layers(3) if not isinstance(x, Conv2D)]
    theta, published = _build(name, init=init).theta, _build(name).theta
    assert np.array_equal(theta, published) == (init == "published")


@all_networks
def test_batch_norm_and_dropout_change_no_kernels_start(name: str) -> None:
    """The streams count the kernels alone."""
    plain = [p["W"] for p in _build(name).params if "W" in p]
    more = [p["W"] for p in _build(name, batch_norm=True, dropout=0.5).params if "W" in p]
    np.testing.assert_equal(more, plain)


def test_a_stack_of_the_same_layers_is_the_same_network() -> None:
    """Written out, SimpleCNN starts and answers alike."""
    simple = _build("simple")
    stacked = _build("stack", stack=tuple(SimpleCNN().layers(3)))
    np.testing.assert_array_equal(stacked.theta, simple.theta)
    x = np.random.RandomState(1).uniform(0, 1, (5, 1, 6, 6))
    np.testing.assert_array_equal(stacked.forward(x)[0], simple.forward(x)[0])


# Images of other sizes: an architecture, the shapes before its dense layers or its last kernel, and
# how many parameters it has with ten classes.
SIZES: list[tuple[Architecture, list[Shape], int]] = [
    (SimpleCNN(), [(1, 4, 4), (3, 2, 2), (3, 1, 1)], 30 + 3 * 10 + 10),
    (SimpleCNN(), [(1, 8, 8), (3, 6, 6), (3, 3, 3)], 30 + 27 * 10 + 10),
    (SimpleCNN(), [(1, 28, 28), (3, 26, 26), (3, 13, 13)], 30 + 507 * 10 + 10),
    (SimpleCNN(), [(3, 32, 32), (3, 30, 30), (3, 15, 15)], 84 + 675 * 10 + 10),
    (SimpleCNN(), [(2, 7, 10), (3, 5, 8), (3, 2, 4)], 57 + 24 * 10 + 10),
    (EnhancedCNN(), [(1, 5, 5), (4, 3, 3), (4, 1, 1)], 40 + 148 + 4 * 10 + 10),
    (EnhancedCNN(), [(3, 32, 32), (4, 30, 30), (4, 28, 28)], 112 + 148 + 3136 * 10 + 10),
    (EnhancedCNN(), [(1, 9, 6), (4, 7, 4), (4, 5, 2)], 40 + 148 + 40 * 10 + 10),
    (LeNet(), [(1, 28, 28), (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5)], 61_706),
    (LeNet(padding=0), [(1, 32, 32), (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5)], 61_706),
    (LeNet(), [(3, 32, 32), (6, 32, 32), (6, 16, 16), (16, 12, 12), (16, 6, 6)], 83_126),
    (LeNet(3, 3), [(1, 8, 8), (6, 12, 12), (6, 6, 6), (16, 4, 4), (16, 2, 2)], 19_754),
    (LeNet(), [(1, 20, 32), (6, 20, 32), (6, 10, 16), (16, 6, 12), (16, 3, 6)], 48_266),
    (VGGSmall(), [(3, 32, 32), (32, 16, 16), (64, 8, 8), (128, 4, 4)], 308_394),
    (VGGSmall(), [(1, 28, 28), (32, 14, 14), (64, 7, 7), (128, 3, 3)], 298_858),
    (VGGSmall(), [(1, 8, 11), (32, 4, 5), (64, 2, 2), (128, 1, 1)], 288_618),
]


@pytest.mark.parametrize(("architecture", "shapes", "parameters"), SIZES, ids=str)
def test_images_of_other_sizes(
    architecture: Architecture, shapes: list[Shape], parameters: int
) -> None:
    """The images go through the shapes of the picture, in this order, and become ten logits."""
    layers = architecture.layers(10)
    network = Sequential(layers, shapes[0], lambda i: np.random.RandomState(i), NUMPY)
    passed = iter(network.shapes)
    assert all(shape in passed for shape in shapes), network.shapes
    assert network.out_shape == (10,)
    assert network.theta.size == parameters
    logits, _ = network.forward(np.random.RandomState(1).uniform(0, 1, (2, *shapes[0])))
    assert np.isfinite(logits).all()
    assert logits.std() > 0.0


def _kink_distance(network: Sequential, x: Array, mode: Mode) -> float:
    """Return how far all rectifiers' inputs are from 0, and all maxima above 0 from a tie."""
    distances = [np.inf]
    for layer, params in zip(network.layers, network.params, strict=True):
        if isinstance(layer, ReLU):
            distances.append(np.abs(x).min())
        if isinstance(layer, MaxPool2D):
            k = layer.kernel_size
            windows = sliding_window_view(x, (k, k), axis=(2, 3)).reshape(-1, k * k)
            second, first = np.sort(windows)[:, -2:].T
            gaps = (first - second)[first > 0.0]
            distances.append(gaps.min(initial=np.inf))
        x, _ = layer.forward(params, x, mode)
    return float(min(distances))


# Every way to set a network up, apart from its activation.
SETTINGS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in PUBLISHED),
    *((name, {"batch_norm": True}) for name in PUBLISHED),
    *((name, {"dropout": 0.3}) for name in PUBLISHED),
    *((name, {"batch_norm": True, "dropout": 0.3, "init": "he"}) for name in PUBLISHED),
    ("simple", {"pool": "avg"}),
    ("simple", {"pool": "avg", "batch_norm": True, "dropout": 0.3}),
]


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
@all_activations
@both_logits
@pytest.mark.parametrize("mode", MODES)
def test_gradient_of_the_whole_network(
    name: str, settings: dict[str, Any], activation: str, activate_logits: bool, mode: str
) -> None:
    """The gradient of all of theta, and of each parameter by itself, agrees with differences.

    A bias in front of batch normalization is taken out again in training: its gradient is 0.
    """
    network = _build(name, activation=activation, activate_logits=activate_logits, **settings)
    start, rng = network.state(), np.random.RandomState(3)
    for _ in range(100):  # until no rectifier is at its kink, and no logit dead for all samples
        theta = start["theta"] + 0.2 * normal(rng, network.theta.shape)  # biases too
        x = rng.uniform(0, 1, (4, 1, 6, 6))
        network.restore({**start, "theta": theta})
        distance = _kink_distance(network, x, MODES[mode]())
        network.restore({**start, "theta": theta})
        logits, caches = network.forward(x, MODES[mode]())
        if distance > 1e-3 and (logits != 0.0).any(axis=0).all():
            break
    else:
        raise AssertionError("no smooth place found")

    def forward(theta: Array) -> Array:
        network.restore({**start, "theta": theta})
        return network.forward(x, MODES[mode]())[0]

    dlogits = normal(rng, logits.shape)
    dtheta = network.backward(dlogits, caches)
    numerical = numerical_gradient(forward, theta, dlogits)
    check_gradient("theta", dtheta, numerical)
    start_of = 0
    for i, (params, buffers) in enumerate(zip(network.params, network.buffers, strict=True)):
        for part in [part for part in params if part not in buffers]:
            place = slice(start_of, start_of := start_of + params[part].size)
            removed = part == "b" and network.layers[i + 1] == BatchNorm() and mode == "training"
            if removed:
                np.testing.assert_allclose(dtheta[place], 0.0, rtol=0, atol=1e-12)
                np.testing.assert_allclose(numerical[place], 0.0, rtol=0, atol=1e-8)
            else:
                check_gradient(f"{i}.{part}", dtheta[place], numerical[place])
    assert start_of == network.theta.size


@pytest.mark.parametrize(
    ("name", "in_shape", "settings"),
    [
        ("lenet", (1, 8, 9), {"kernel_size": 3, "padding": 3}),
        ("vgg_small", (3, 8, 9), {"channels": 3}),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_gradient_of_the_larger_networks(
    name: str, in_shape: Shape, settings: dict[str, Any], mode: str
) -> None:
    """In random directions, along all of theta, the loss's slope is the gradient's."""
    network, rng = _build(name, in_shape=in_shape, **settings), np.random.RandomState(0)
    network.theta += 0.1 * normal(rng, network.theta.shape)  # a bias of 0 is at a kink
    start = network.state()
    x = rng.uniform(0, 1, (4, *in_shape))
    logits, caches = network.forward(x, MODES[mode]())
    dlogits = normal(rng, logits.shape)
    dtheta = network.backward(dlogits, caches)

    def loss(theta: Array) -> float:
        network.restore({**start, "theta": theta})
        return float(np.vdot(dlogits, network.forward(x, MODES[mode]())[0]))

    for _ in range(5):
        step = 1e-7 * normal(rng, dtheta.shape)  # so small that hardly any unit passes its kink
        slope = loss(start["theta"] + step) - loss(start["theta"] - step)
        claimed = 2.0 * float(np.vdot(dtheta, step))
        assert abs(slope - claimed) <= 1e-7 * 2.0 * float(np.linalg.norm(dtheta) * 1e-7)
