"""Sequential: one vector theta, shapes inferred once, and the chain rule through a stack."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_from_scratch.nn.layers import (
    Array,
    Conv2D,
    Dense,
    Flatten,
    Layer,
    MaxPool2D,
    ReLU,
    Shape,
    Sigmoid,
)
from cnn_from_scratch.nn.losses import softmax_cross_entropy
from cnn_from_scratch.nn.model import Sequential
from tests.nn.gradient_check import check_gradient, numerical_gradient
from tests.nn.inputs import PROPERTY, normal, read_only, smooth_input


def _streams(seed: int) -> Callable[[int], np.random.RandomState]:
    return lambda i: np.random.RandomState([seed, i])


def _small_model() -> Sequential:
    layers: list[Layer] = [Conv2D(2, 2), Sigmoid(), MaxPool2D(2, stride=1), Flatten(), Dense(3)]
    return Sequential(layers, (1, 4, 4), _streams(0))


def test_theta_holds_every_parameter_once() -> None:
    """In the layers' order, W before b: 2*1*2*2 + 2, then 8*3 + 3."""
    model = _small_model()
    assert model.theta.shape == (10 + 27,)
    assert model.theta.dtype == np.float64
    assert model.out_shape == (3,)
    assert [[*params] for params in model.params] == [["W", "b"], [], [], [], ["W", "b"]]
    conv, *_, dense = model.params
    assert (conv["W"].shape, conv["b"].shape) == ((2, 1, 2, 2), (2,))
    assert (dense["W"].shape, dense["b"].shape) == ((8, 3), (3,))
    parts = [conv["W"], conv["b"], dense["W"], dense["b"]]
    np.testing.assert_array_equal(model.theta, np.concatenate([part.ravel() for part in parts]))


def test_params_are_views_of_theta() -> None:
    """What is added to theta in place is what the layers compute with, and the other way round."""
    model = _small_model()
    x = normal(np.random.RandomState(1), (2, 1, 4, 4))
    before, _ = model.forward(x)
    dense = model.params[4]
    more = np.array([1.0, 2.0, 3.0])
    b = dense["b"].copy()
    model.theta += np.concatenate([np.zeros(model.theta.size - 3), more])
    np.testing.assert_array_equal(dense["b"], b + more)
    np.testing.assert_allclose(model.forward(x)[0], before + more, rtol=0, atol=1e-14)
    dense["b"][0] = 42.0
    assert model.theta[-3] == 42.0
    for params in model.params:
        for array in params.values():
            assert np.shares_memory(array, model.theta)


def test_theta_does_not_share_memory_with_another_model() -> None:
    """Two models of the same layers are trained apart."""
    layers: list[Layer] = [Flatten(), Dense(2)]
    one, other = (Sequential(layers, (3,), _streams(0)) for _ in range(2))
    np.testing.assert_array_equal(one.theta, other.theta)
    one.theta += 1.0
    assert not np.any(one.theta == other.theta)


def test_a_layers_start_does_not_depend_on_the_layers_before_it() -> None:
    """Layer i draws from stream i alone."""
    last = Conv2D(2, 2)
    firsts: list[Layer] = [Conv2D(3, 3), MaxPool2D(3, stride=1)]
    starts = []
    for first in firsts:
        model = Sequential([first, last, Conv2D(1, 1)], (3, 5, 5), _streams(7))
        starts.append(model.params[1]["W"])
    np.testing.assert_array_equal(starts[1], starts[0])
    other_seed = Sequential([Conv2D(3, 3), last], (3, 5, 5), _streams(8))
    assert not np.any(other_seed.params[1]["W"] == starts[0])


def test_each_layer_is_given_the_stream_of_its_index() -> None:
    """Counting from 0, once each; the streams give the layers' own draws."""
    asked = []

    def stream(i: int) -> np.random.RandomState:
        asked.append(i)
        return _streams(0)(i)

    model = Sequential([Conv2D(2, 2), ReLU(), Conv2D(3, 1)], (1, 3, 3), stream)
    assert asked == [0, 1, 2]
    _, expected = Conv2D(3, 1).init((2, 2, 2), _streams(0)(2))
    np.testing.assert_equal(model.params[2], expected)


def test_forward_is_the_layers_in_turn(rng: np.random.RandomState) -> None:
    """The output and the caches are what the layers give one after the other."""
    model = _small_model()
    x = read_only(normal(rng, (3, 1, 4, 4)))
    y, caches = model.forward(x)
    by_hand = x
    for i, (layer, params) in enumerate(zip(model.layers, model.params, strict=True)):
        by_hand, cache = layer.forward(params, by_hand)
        np.testing.assert_equal(caches[i], cache)
    np.testing.assert_array_equal(y, by_hand)


def test_nothing_is_changed_or_remembered(rng: np.random.RandomState) -> None:
    """The passes leave x, dy and theta alone, and can be repeated and interleaved."""
    model = _small_model()
    x, other_x = (read_only(normal(rng, (3, 1, 4, 4))) for _ in range(2))
    dy = read_only(normal(rng, (3, 3)))
    theta = model.theta.copy()
    y, caches = model.forward(x)
    dtheta = model.backward(dy, caches)
    kept = y.copy(), dtheta.copy()
    model.backward(dy, model.forward(other_x)[1])
    np.testing.assert_equal((y, model.backward(dy, caches)), kept)
    np.testing.assert_array_equal(model.theta, theta)
    assert not np.shares_memory(dtheta, model.theta)


def test_a_model_without_parameters() -> None:
    """Its theta is empty, and so is the gradient."""
    model = Sequential([Sigmoid(), Flatten()], (2, 2), _streams(0))
    assert model.theta.shape == (0,)
    y, caches = model.forward(np.zeros((3, 2, 2)))
    assert model.backward(np.ones(y.shape), caches).shape == (0,)


# A stack, its input, which layer cannot take what reaches it, and why.
SHAPE_ERRORS: list[tuple[list[Layer], Shape, int, str]] = [
    ([Conv2D(2, 2)], (16,), 1, "expected images (C, H, W), got (16,)"),
    ([Flatten(), Conv2D(2, 2)], (1, 4, 4), 2, "expected images (C, H, W), got (16,)"),
    ([Conv2D(1, 2), ReLU(), Conv2D(1, 4)], (1, 4, 5), 3, "a 3x4 image is smaller than the kernel"),
    ([Conv2D(1, 0)], (1, 4, 4), 1, "expected a kernel_size of at least 1"),
    ([Conv2D(1, 3)], (1, 0, 4), 1, "a 0x4 image is smaller than the kernel"),
    ([Conv2D(1, 1), MaxPool2D(5)], (1, 5, 4), 2, "a 5x4 image is smaller than the kernel"),
    ([MaxPool2D(2)], (4, 4), 1, "expected images (C, H, W), got (4, 4)"),
    ([ReLU(), MaxPool2D(-1)], (1, 4, 4), 2, "expected a kernel_size of at least 1"),
    ([MaxPool2D(2, stride=0)], (1, 4, 4), 1, "expected a stride of at least 1"),
    ([MaxPool2D(2, stride=-2)], (1, 4, 4), 1, "expected a stride of at least 1"),
    ([Sigmoid(), Dense(3)], (1, 4), 2, "expected vectors (D,), got (1, 4); put Flatten before"),
    ([Dense(3)], (), 1, "expected vectors (D,), got (); put Flatten before"),
    ([Conv2D(0, 1)], (1, 4, 4), 1, "expected at least 1 input and 1 output, got 1 and 0"),
    ([Conv2D(-1, 1)], (1, 4, 4), 1, "expected at least 1 input and 1 output, got 1 and -1"),
    ([Conv2D(2, 1)], (0, 4, 4), 1, "expected at least 1 input and 1 output, got 0 and 2"),
    ([ReLU(), Dense(0)], (3,), 2, "expected at least 1 input and 1 output, got 3 and 0"),
    ([Dense(1)], (0,), 1, "expected at least 1 input and 1 output, got 0 and 1"),
]


@pytest.mark.parametrize(("layers", "in_shape", "number", "why"), SHAPE_ERRORS)
def test_shape_errors_say_which_layer_and_why(
    layers: list[Layer], in_shape: Shape, number: int, why: str
) -> None:
    """Every mistake is found before anything is computed; layers are counted from 1."""
    message = re.escape(f"layer {number}: {layers[number - 1]}: {why}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        Sequential(layers, in_shape, _streams(0))


@st.composite
def _stacks(draw: st.DrawFn) -> tuple[list[Layer], Shape]:
    """Draw layers that fit one another, and the shape of their input."""
    height, width = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    in_shape = draw(st.integers(1, 3)), height, width
    layers: list[Layer] = []
    for kind in draw(st.lists(st.sampled_from(["conv", "pool", "sigmoid", "relu"]), max_size=5)):
        k = draw(st.integers(1, min(height, width)))
        if kind == "conv":
            layers.append(Conv2D(draw(st.integers(1, 3)), k))
            height, width = height - k + 1, width - k + 1
        elif kind == "pool":
            stride = draw(st.none() | st.integers(1, 4))
            layers.append(MaxPool2D(k, stride))
            # The number of windows, counted by their first rows and columns.
            height = len(range(0, height - k + 1, stride or k))
            width = len(range(0, width - k + 1, stride or k))
        else:
            layers.append(Sigmoid() if kind == "sigmoid" else ReLU())
    if draw(st.booleans()):
        layers.append(Flatten())
        for size in draw(st.lists(st.integers(1, 4), max_size=2)):
            layers.append(Dense(size))
    return layers, in_shape


@PROPERTY
@given(_stacks(), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_shapes_of_random_stacks(stack: tuple[list[Layer], Shape], n: int, seed: int) -> None:
    """The inferred shape is the actual one, and the gradient has theta's."""
    layers, in_shape = stack
    model = Sequential(layers, in_shape, _streams(seed))
    y, caches = model.forward(smooth_input((n, *in_shape), np.random.RandomState(seed)))
    assert y.shape == (n, *model.out_shape)
    assert model.backward(np.ones(y.shape), caches).shape == model.theta.shape


def test_gradient_of_a_stack_with_its_loss(rng: np.random.RandomState) -> None:
    """From theta to the loss and back, through every smooth kind of layer."""
    convs: list[Layer] = [Conv2D(2, 2), Sigmoid(), Conv2D(3, 2), Flatten()]
    model = Sequential([*convs, Dense(4), Sigmoid(), Dense(3)], (2, 4, 4), _streams(0))
    x, targets = normal(rng, (4, 2, 4, 4)), np.array([0, 1, 2, 1])
    theta = model.theta.copy()

    def loss(theta: Array) -> Array:
        model.theta[:] = theta
        return np.array([softmax_cross_entropy(model.forward(x)[0], targets)[0]])

    logits, caches = model.forward(x)
    _, dlogits = softmax_cross_entropy(logits, targets)
    dtheta = model.backward(dlogits, caches)
    numerical = numerical_gradient(loss, theta, np.ones(1))
    check_gradient("theta", dtheta, numerical)
