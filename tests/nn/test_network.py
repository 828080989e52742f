"""Sequential: one vector theta, shapes inferred once, and the chain rule through a stack."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.nn.architectures import LeNet, SimpleCNN
from cnn_from_scratch.nn.layers import (
    LAYERS,
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
    Standardize,
    Tanh,
)
from cnn_from_scratch.nn.losses import softmax_cross_entropy
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.nn.numerics import NUMERICS, NumericsName, using
from cnn_from_scratch.nn.windows import Patches
from tests.nn.gradient_check import check_gradient, numerical_gradient
from tests.nn.inputs import MEMORY_ORDERS, MODES, PROPERTY, normal, read_only, smooth_input


def _streams(seed: int) -> Callable[[int], np.random.RandomState]:
    return lambda i: np.random.RandomState([seed, i])


def _small_network() -> Sequential:
    layers: list[Layer] = [Conv2D(2, 2), Sigmoid(), MaxPool2D(2, stride=1), Flatten(), Dense(3)]
    return Sequential(layers, (1, 4, 4), _streams(0), NUMPY)


def test_theta_holds_every_parameter_once() -> None:
    """In the layers' order, W before b: 2*1*2*2 + 2, then 8*3 + 3."""
    network = _small_network()
    assert network.theta.shape == (10 + 27,)
    assert network.theta.dtype == np.float64
    assert network.out_shape == (3,)
    assert [[*params] for params in network.params] == [["W", "b"], [], [], [], ["W", "b"]]
    conv, *_, dense = network.params
    assert (conv["W"].shape, conv["b"].shape) == ((2, 1, 2, 2), (2,))
    assert (dense["W"].shape, dense["b"].shape) == ((8, 3), (3,))
    parts = [conv["W"], conv["b"], dense["W"], dense["b"]]
    np.testing.assert_array_equal(network.theta, np.concatenate([part.ravel() for part in parts]))


def test_params_are_views_of_theta() -> None:
    """What is added to theta in place is what the layers compute with, and the other way round."""
    network = _small_network()
    x = normal(np.random.RandomState(1), (2, 1, 4, 4))
    before, _ = network.forward(x)
    dense = network.params[4]
    more = np.array([1.0, 2.0, 3.0])
    b = dense["b"].copy()
    network.theta += np.concatenate([np.zeros(network.theta.size - 3), more])
    np.testing.assert_array_equal(dense["b"], b + more)
    np.testing.assert_allclose(network.forward(x)[0], before + more, rtol=0, atol=1e-14)
    dense["b"][0] = 42.0
    assert network.theta[-3] == 42.0
    for params in network.params:
        for array in params.values():
            assert np.shares_memory(array, network.theta)


def test_theta_does_not_share_memory_with_another_model() -> None:
    """Two networks of the same layers are trained apart."""
    layers: list[Layer] = [Flatten(), Dense(2)]
    one, other = (Sequential(layers, (3,), _streams(0), NUMPY) for _ in range(2))
    np.testing.assert_array_equal(one.theta, other.theta)
    one.theta += 1.0
    assert not np.any(one.theta == other.theta)


def test_a_layers_start_does_not_depend_on_the_layers_before_it() -> None:
    """The i-th layer with weights draws from stream i alone."""
    last = Conv2D(2, 2)
    firsts: list[list[Layer]] = [
        [Conv2D(3, 3)],
        [MaxPool2D(2), Conv2D(3, 1, weight_init="he"), BatchNorm()],
    ]
    starts = []
    for first in firsts:
        network = Sequential([*first, last, Conv2D(1, 1)], (3, 5, 5), _streams(7), NUMPY)
        starts.append(network.params[len(first)]["W"])
    np.testing.assert_array_equal(starts[1], starts[0])
    other_seed = Sequential([Conv2D(3, 3), last], (3, 5, 5), _streams(8), NUMPY)
    assert not np.any(other_seed.params[1]["W"] == starts[0])


def test_each_layer_with_weights_is_given_the_stream_of_its_number() -> None:
    """Counting only those, from 0; so that what stands between them changes no start."""
    plain: list[Layer] = [Conv2D(2, 2), ReLU(), Conv2D(3, 1), Flatten(), Dense(4)]
    network = Sequential(plain, (1, 3, 3), _streams(0), NUMPY)
    starts = [params["W"] for params in network.params if "W" in params]
    expected = [
        Conv2D(2, 2).init((1, 3, 3), _streams(0)(0)).params["W"],
        Conv2D(3, 1).init((2, 2, 2), _streams(0)(1)).params["W"],
        Dense(4).init((12,), _streams(0)(2)).params["W"],
    ]
    np.testing.assert_equal(starts, expected)

    more: list[Layer] = [
        BatchNorm(), Conv2D(2, 2), BatchNorm(), Tanh(), Dropout(0.5), AvgPool2D(1), Conv2D(3, 1),
        Flatten(), BatchNorm(), Dense(4),
    ]  # fmt: skip
    network = Sequential(more, (1, 3, 3), _streams(0), NUMPY)
    np.testing.assert_equal([p["W"] for p in network.params if "W" in p], expected)


def _normalized_network() -> Sequential:
    layers: list[Layer] = [
        Conv2D(2, 2), BatchNorm(), Tanh(), Flatten(), BatchNorm(momentum=0.5), Dropout(0.5),
        Dense(3),
    ]  # fmt: skip
    return Sequential(layers, (1, 3, 3), _streams(0), NUMPY)


def test_buffers_stand_beside_the_parameters() -> None:
    """They are no part of theta; `params[i]` holds the very same arrays."""
    network = _normalized_network()
    names = ["running_mean", "running_var"]
    assert [[*buffers] for buffers in network.buffers] == [[], names, [], [], names, [], []]
    assert [*network.params[1]] == ["gamma", "beta", *names]
    assert network.theta.size == (8 + 2) + (2 + 2) + (8 + 8) + (24 + 3)
    for params, buffers in zip(network.params, network.buffers, strict=True):
        for name, array in params.items():
            assert np.shares_memory(array, network.theta) == (name not in buffers)
        for name, array in buffers.items():
            assert params[name] is array


def test_buffers_change_in_training_only(rng: np.random.RandomState) -> None:
    """And theta never does by a forward or backward pass."""
    network = _normalized_network()
    x = read_only(normal(rng, (5, 1, 3, 3)))
    start = network.state()
    y, caches = network.forward(x)
    network.backward(np.ones(y.shape), caches)
    np.testing.assert_equal(network.state(), start)
    y, caches = network.forward(x, MODES["training"]())
    after = network.state()
    changed = {name for name in start if not np.array_equal(after[name], start[name])}
    assert changed == {f"{i}.{name}" for i in (1, 4) for name in ("running_mean", "running_var")}
    network.backward(np.ones(y.shape), caches)
    np.testing.assert_equal(network.state(), after)


def test_state_and_restore(rng: np.random.RandomState) -> None:
    """Whatever happened since: theta and buffers go back to the bit, in the same memory."""
    network, x = _normalized_network(), normal(rng, (5, 1, 3, 3))
    network.forward(x, MODES["training"]())
    state, expected = network.state(), network.forward(x)[0]
    assert [*state] == [
        "theta", "1.running_mean", "1.running_var", "4.running_mean", "4.running_var",
    ]  # fmt: skip
    kept = {name: array.copy() for name, array in state.items()}
    theta, buffer = network.theta, network.buffers[4]["running_var"]

    network.theta += 1.0
    network.forward(x + 3.0, MODES["training"]())
    np.testing.assert_equal(state, kept)  # copies, which no training reaches
    assert np.all(network.forward(x)[0] != expected)
    network.restore(state)
    np.testing.assert_equal(network.state(), kept)
    np.testing.assert_array_equal(network.forward(x)[0], expected)
    assert network.theta is theta
    assert network.buffers[4]["running_var"] is buffer
    assert network.params[4]["running_var"] is buffer

    network.theta += 1.0  # and the state can be restored once more
    network.forward(x, MODES["training"]())
    np.testing.assert_equal(state, kept)

    other = _normalized_network()
    other.restore(state)
    np.testing.assert_array_equal(other.forward(x)[0], expected)


def test_the_mode_reaches_every_layer(rng: np.random.RandomState) -> None:
    """In evaluation dropout is out of order; in training it draws from the mode's stream."""
    network = Sequential([Dropout(0.5), Flatten(), Dropout(0.25)], (2, 8), _streams(0), NUMPY)
    x = normal(rng, (3, 2, 8))
    np.testing.assert_array_equal(network.forward(x)[0], x.reshape(3, 16))
    stream = np.random.RandomState(4)
    masks = [stream.random_sample((3, 2, 8)) >= 0.5, stream.random_sample((3, 16)) >= 0.25]
    y, _ = network.forward(x, Mode(training=True, rng=np.random.RandomState(4)))
    expected = (x * masks[0] / 0.5).reshape(3, 16) * masks[1] / 0.75
    np.testing.assert_allclose(y, expected, rtol=1e-15)


def _same(cache: Any, other: Any) -> None:
    """Check that two caches hold the same numbers."""
    if isinstance(cache, tuple):
        for one, its in zip(cache, other, strict=True):
            _same(one, its)
    elif isinstance(cache, Patches):
        assert (cache.in_shape, cache.out_size) == (other.in_shape, other.out_size)
        _same((cache.columns, cache.rows), (other.columns, other.rows))
    else:
        np.testing.assert_equal(cache, other)


def test_forward_is_the_layers_in_turn(rng: np.random.RandomState) -> None:
    """The output and the caches are what the layers give one after the other."""
    network = _small_network()
    x = read_only(normal(rng, (3, 1, 4, 4)))
    y, caches = network.forward(x)
    by_hand = x
    for i, (layer, params) in enumerate(zip(network.layers, network.params, strict=True)):
        by_hand, cache = layer.forward(params, by_hand)
        _same(caches[i], cache)
    np.testing.assert_array_equal(y, by_hand)


FIRST: list[list[Layer]] = [
    [Conv2D(2, 3), Tanh(), Flatten(), Dense(3)],
    [Conv2D(3, 3, stride=2, padding=2), MaxPool2D(2), Flatten(), Dense(3)],
    [Conv2D(2, 2), ReLU(), Conv2D(3, 2), Flatten(), Dense(3)],
    [MaxPool2D(2), Conv2D(2, 2), Flatten()],
    [Flatten(), Dense(3)],
]


@pytest.mark.parametrize("layers", FIRST)
@pytest.mark.parametrize("which", ["native", "portable"])
@pytest.mark.parametrize("order", MEMORY_ORDERS)
def test_prepared_inputs_change_no_bit(
    layers: list[Layer], which: NumericsName, order: str, rng: np.random.RandomState
) -> None:
    """However often they are used, and however x lies in memory."""
    network = Sequential(layers, (2, 5, 6), _streams(0), NUMPY)
    x = read_only(MEMORY_ORDERS[order](normal(rng, (4, 2, 5, 6))))
    with using(NUMERICS[which]):
        prepared = network.prepare(x)
        assert isinstance(prepared, Patches) == isinstance(layers[0], Conv2D)
        assert len(prepared) == 4
        for _ in range(3):
            y, caches = network.forward(x)
            y_prepared, caches_prepared = network.forward(prepared)
            np.testing.assert_array_equal(y_prepared, y, strict=True)
            dy = normal(rng, y.shape)
            dtheta = network.backward(dy, caches)
            np.testing.assert_array_equal(network.backward(dy, caches_prepared), dtheta)
            network.theta += 0.1 * normal(rng, network.theta.shape)


def test_nothing_is_changed_or_remembered(rng: np.random.RandomState) -> None:
    """The passes leave x, dy and theta alone, and can be repeated and interleaved."""
    network = _small_network()
    x, other_x = (read_only(normal(rng, (3, 1, 4, 4))) for _ in range(2))
    dy = read_only(normal(rng, (3, 3)))
    theta = network.theta.copy()
    y, caches = network.forward(x)
    dtheta = network.backward(dy, caches)
    kept = y.copy(), dtheta.copy()
    network.backward(dy, network.forward(other_x)[1])
    np.testing.assert_equal((y, network.backward(dy, caches)), kept)
    np.testing.assert_array_equal(network.theta, theta)
    assert not np.shares_memory(dtheta, network.theta)


@dataclass(frozen=True)
class _AsksNothing(Standardize):
    """A layer that nobody asks for a gradient."""

    def backward(self, *args: Any, **kwargs: Any) -> Gradients:
        raise AssertionError("nobody needs this gradient")


@dataclass(frozen=True)
class _AsksNoDx(Dense):
    """A layer that nobody asks for dx."""

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        assert not wants_dx
        return super().backward(params, dy, cache, wants_dx)


def test_backward_ends_at_the_first_layer_with_parameters(rng: np.random.RandomState) -> None:
    """Below it no gradient is asked for, and theta's is the same."""
    below: list[Layer] = [_AsksNothing((0.5,), (2.0,)), Flatten()]
    above: list[Layer] = [Sigmoid(), Dense(3)]
    network = Sequential([*below, _AsksNoDx(4), *above], (1, 2, 3), _streams(0), NUMPY)
    assert network.first_to_learn == 2
    x = normal(rng, (5, 1, 2, 3))
    y, caches = network.forward(x)
    dy = normal(rng, y.shape)
    of_the_rest = Sequential([Dense(4), *above], (6,), _streams(0), NUMPY)
    same_y, same_caches = of_the_rest.forward((x.reshape(5, 6) - 0.5) / 2.0)
    np.testing.assert_array_equal(same_y, y)
    dtheta = network.backward(dy, caches)
    np.testing.assert_array_equal(of_the_rest.backward(dy, same_caches), dtheta)


def test_a_network_without_parameters() -> None:
    """Its theta is empty, and so is the gradient."""
    network = Sequential([Sigmoid(), Flatten()], (2, 2), _streams(0), NUMPY)
    assert network.theta.shape == (0,)
    y, caches = network.forward(np.zeros((3, 2, 2)))
    assert network.backward(np.ones(y.shape), caches).shape == (0,)


A_MEAN_AND_AN_SD = "expected a mean and an sd above 0 for each channel of {}"

# A stack, its input, which layer cannot take what reaches it, and why.
SHAPE_ERRORS: list[tuple[list[Layer], Shape, int, str]] = [
    ([Conv2D(2, 2)], (16,), 1, "expected images (C, H, W), C >= 1, got (16,)"),
    ([Flatten(), Conv2D(2, 2)], (1, 4, 4), 2, "expected images (C, H, W), C >= 1, got (16,)"),
    ([Conv2D(1, 2), ReLU(), Conv2D(1, 4)], (1, 4, 5), 3, "a 3x4 image is smaller than the kernel"),
    ([Conv2D(1, 3)], (1, 0, 4), 1, "a 0x4 image is smaller than the kernel"),
    ([Conv2D(1, 1), MaxPool2D(5)], (1, 5, 4), 2, "a 5x4 image is smaller than the kernel"),
    ([MaxPool2D(2)], (4, 4), 1, "expected images (C, H, W), C >= 1, got (4, 4)"),
    ([Conv2D(1, 7, padding=1)], (1, 6, 4), 1, "a 6x4 image is smaller than the kernel"),
    ([Flatten(), AvgPool2D(2)], (1, 4, 4), 2, "expected images (C, H, W), C >= 1, got (16,)"),
    ([AvgPool2D(5)], (1, 5, 4), 1, "a 5x4 image is smaller than the kernel"),
    ([Tanh(), BatchNorm()], (), 2, "expected at least one channel (C, ...), got ()"),
    ([BatchNorm()], (0, 4, 4), 1, "expected at least one channel (C, ...), got (0, 4, 4)"),
    (
        [Sigmoid(), Dense(3)],
        (1, 4),
        2,
        "expected vectors (D,), D >= 1, got (1, 4); put Flatten before",
    ),
    ([Dense(3)], (), 1, "expected vectors (D,), D >= 1, got (); put Flatten before"),
    ([Conv2D(2, 1)], (0, 4, 4), 1, "expected images (C, H, W), C >= 1, got (0, 4, 4)"),
    ([Dense(1)], (0,), 1, "expected vectors (D,), D >= 1, got (0,); put Flatten before"),
    ([Conv2D(1, None)], (3,), 1, "expected images (C, H, W), C >= 1, got (3,)"),
    (SimpleCNN().layers(3), (1, 3, 3), 3, "a 1x1 image is smaller than the kernel"),
    (LeNet().layers(3), (1, 8, 8), 4, "a 4x4 image is smaller than the kernel"),
    ([Standardize((0.5,), (1.0,))], (3, 2, 2), 1, A_MEAN_AND_AN_SD.format("(3, 2, 2)")),
    ([Standardize((0.5,), (1.0, 1.0))], (1, 2, 2), 1, A_MEAN_AND_AN_SD.format("(1, 2, 2)")),
    ([Standardize((0.5,), (0.0,))], (1, 2, 2), 1, A_MEAN_AND_AN_SD.format("(1, 2, 2)")),
    ([Standardize((0.5,), (1.0,))], (), 1, A_MEAN_AND_AN_SD.format("()")),
]


@pytest.mark.parametrize(("layers", "in_shape", "number", "why"), SHAPE_ERRORS)
def test_shape_errors_say_which_layer_and_why(
    layers: list[Layer], in_shape: Shape, number: int, why: str
) -> None:
    """Every mistake is found before anything is computed; layers are counted from 1."""
    message = re.escape(f"layer {number}: {layers[number - 1]}: {why}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        Sequential(layers, in_shape, _streams(0), NUMPY)


def _windows(size: int, k: int, s: int, p: int = 0) -> int:
    """Count the windows by their first places."""
    return len(range(-p, size + p - k + 1, s))


def _draw_conv(draw: st.DrawFn, in_shape: Shape) -> tuple[Layer, Shape]:
    _, height, width = in_shape
    channels, s, p = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 2))
    k = draw(st.integers(1, min(height, width) + 2 * p))
    out_size = _windows(height, k, s, p), _windows(width, k, s, p)
    return Conv2D(channels, k, s, p), (channels, *out_size)


def _draw_pool(
    kind: type[MaxPool2D] | type[AvgPool2D],
) -> Callable[[st.DrawFn, Shape], tuple[Layer, Shape]]:
    def draw_pool(draw: st.DrawFn, in_shape: Shape) -> tuple[Layer, Shape]:
        channels, height, width = in_shape
        k = draw(st.integers(1, min(height, width)))
        stride = draw(st.none() | st.integers(1, 4))
        out_size = _windows(height, k, stride or k), _windows(width, k, stride or k)
        return kind(k, stride), (channels, *out_size)

    return draw_pool


def _draw_dense(draw: st.DrawFn, in_shape: Shape) -> tuple[Layer, Shape]:
    size = draw(st.integers(1, 4))
    return Dense(size), (size,)


def _draw_flatten(draw: st.DrawFn, in_shape: Shape) -> tuple[Layer, Shape]:
    size = 1
    for side in in_shape:
        size *= side
    return Flatten(), (size,)


def _draw_standardize(draw: st.DrawFn, in_shape: Shape) -> tuple[Layer, Shape]:
    channels = in_shape[0]
    return Standardize((0.5,) * channels, (2.0,) * channels), in_shape


def _keeping(layer: Layer) -> Callable[[st.DrawFn, Shape], tuple[Layer, Shape]]:
    return lambda draw, in_shape: (layer, in_shape)


# How to draw a layer that fits its input; every registered layer needs a row.
DRAW: dict[str, Callable[[st.DrawFn, Shape], tuple[Layer, Shape]]] = {
    "conv2d": _draw_conv,
    "max_pool2d": _draw_pool(MaxPool2D),
    "avg_pool2d": _draw_pool(AvgPool2D),
    "dense": _draw_dense,
    "flatten": _draw_flatten,
    "sigmoid": _keeping(Sigmoid()),
    "tanh": _keeping(Tanh()),
    "relu": _keeping(ReLU()),
    "batch_norm": _keeping(BatchNorm()),
    "standardize": _draw_standardize,
    "dropout": _keeping(Dropout(0.4)),
}
ON_IMAGES_ONLY = {"conv2d", "max_pool2d", "avg_pool2d"}
ON_VECTORS_ONLY = {"dense"}


def test_random_stacks_are_of_all_layers() -> None:
    """A new layer without a row fails here."""
    assert DRAW.keys() == LAYERS.keys()


@st.composite
def stacks(draw: st.DrawFn) -> tuple[list[Layer], Shape, Shape]:
    """Draw layers that fit one another, the shape of their input and that of their output."""
    in_shape: Shape = draw(st.integers(1, 3)), draw(st.integers(1, 8)), draw(st.integers(1, 8))
    layers: list[Layer] = []
    shape = in_shape
    for _ in range(draw(st.integers(0, 7))):
        unfit = ON_VECTORS_ONLY if len(shape) == 3 else ON_IMAGES_ONLY
        name = draw(st.sampled_from([name for name in DRAW if name not in unfit]))
        layer, shape = DRAW[name](draw, shape)
        layers.append(layer)
    return layers, in_shape, shape


@PROPERTY
@given(stacks(), st.integers(1, 3), st.integers(0, 2**32 - 1), st.sampled_from([*MODES]))
def test_shapes_of_random_stacks(
    stack: tuple[list[Layer], Shape, Shape], n: int, seed: int, mode: str
) -> None:
    """The inferred shape is the counted and the actual one, and the gradient has theta's."""
    layers, in_shape, out_shape = stack
    network = Sequential(layers, in_shape, _streams(seed), NUMPY)
    assert network.out_shape == out_shape
    x = smooth_input((n, *in_shape), np.random.RandomState(seed))
    y, caches = network.forward(x, MODES[mode]())
    assert y.shape == (n, *out_shape)
    assert np.isfinite(y).all()
    dtheta = network.backward(np.ones(y.shape), caches)
    assert dtheta.shape == network.theta.shape
    assert np.isfinite(dtheta).all()


@pytest.mark.parametrize("mode", MODES)
def test_gradient_of_a_stack_with_its_loss(mode: str, rng: np.random.RandomState) -> None:
    """From theta to the loss and back, through every smooth kind of layer."""
    layers: list[Layer] = [
        Conv2D(2, 3, stride=2, padding=2), Sigmoid(), BatchNorm(), AvgPool2D(2, stride=1),
        Conv2D(3, 2), Tanh(), Flatten(), Dropout(0.3), Dense(4), Sigmoid(), BatchNorm(), Dense(3),
    ]  # fmt: skip
    network = Sequential(layers, (2, 5, 5), _streams(0), NUMPY)
    x, targets = normal(rng, (6, 2, 5, 5)), np.array([0, 1, 2, 1, 0, 2])
    start = network.state()
    start["theta"] += 0.1 * normal(rng, start["theta"].shape)

    def forward(theta: Array) -> tuple[Array, Array]:
        network.restore({**start, "theta": theta})
        logits, caches = network.forward(x, MODES[mode]())
        loss, dlogits = softmax_cross_entropy(logits, targets)
        return np.array([loss]), network.backward(dlogits, caches)

    _, dtheta = forward(start["theta"])
    numerical = numerical_gradient(lambda theta: forward(theta)[0], start["theta"], np.ones(1))
    check_gradient("theta", dtheta, numerical)
