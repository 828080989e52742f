"""The layers, each against finite differences, plain loops, SciPy and its own algebra."""

import inspect
from dataclasses import FrozenInstanceError, fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import correlate
from scipy.special import expit

from cnn_from_scratch.nn import layers
from cnn_from_scratch.nn.layers import (
    Array,
    Conv2D,
    Dense,
    Flatten,
    Layer,
    MaxPool2D,
    Params,
    ReLU,
    Shape,
    Sigmoid,
)
from tests.nn import oracle
from tests.nn.gradient_check import check_layer
from tests.nn.inputs import MEMORY_ORDERS, PROPERTY, normal, random_params, read_only, smooth_input

# Every layer needs a row: what to check, the shape of one sample, and the shape it becomes.
CASES: list[tuple[Layer, Shape, Shape]] = [
    (Conv2D(1, 1), (1, 1, 1), (1, 1, 1)),
    (Conv2D(3, 3), (1, 6, 6), (3, 4, 4)),
    (Conv2D(3, 2), (3, 2, 2), (3, 1, 1)),
    (Conv2D(2, 2), (3, 4, 5), (2, 3, 4)),
    (Conv2D(4, 3), (2, 3, 7), (4, 1, 5)),
    (Conv2D(2, 4), (1, 7, 5), (2, 4, 2)),
    (MaxPool2D(1), (2, 3, 2), (2, 3, 2)),
    (MaxPool2D(2), (3, 4, 4), (3, 2, 2)),
    (MaxPool2D(2), (2, 5, 7), (2, 2, 3)),  # a row and a column left over
    (MaxPool2D(3), (1, 8, 3), (1, 2, 1)),  # two rows left over
    (MaxPool2D(3, stride=1), (2, 5, 6), (2, 3, 4)),  # overlapping
    (MaxPool2D(3, stride=2), (2, 8, 7), (2, 3, 3)),  # overlapping, a row left over
    (MaxPool2D(2, stride=3), (1, 7, 5), (1, 2, 2)),  # gaps between the windows
    (Dense(1), (1,), (1,)),
    (Dense(4), (3,), (4,)),
    (Flatten(), (5,), (5,)),
    (Flatten(), (2, 3, 4), (24,)),
    (Sigmoid(), (5,), (5,)),
    (Sigmoid(), (2, 3, 4), (2, 3, 4)),
    (ReLU(), (5,), (5,)),
    (ReLU(), (2, 3, 4), (2, 3, 4)),
]
all_cases = pytest.mark.parametrize(("layer", "in_shape", "out_shape"), CASES, ids=str)
all_convs = pytest.mark.parametrize(
    ("layer", "in_shape"), [case[:2] for case in CASES if isinstance(case[0], Conv2D)], ids=str
)
all_pools = pytest.mark.parametrize(
    ("layer", "in_shape"), [case[:2] for case in CASES if isinstance(case[0], MaxPool2D)], ids=str
)
all_orders = pytest.mark.parametrize("order", MEMORY_ORDERS)


def _layer_classes() -> list[type[Any]]:
    return [
        item
        for name, item in inspect.getmembers(layers, inspect.isclass)
        if item.__module__ == layers.__name__
        and hasattr(item, "forward")
        and hasattr(item, "backward")
        and not name.startswith("_")
        and name != "Layer"  # the protocol
    ]


def test_every_layer_has_a_case() -> None:
    """A new layer without a row in CASES fails here."""
    assert {Conv2D, MaxPool2D, Dense, Flatten, Sigmoid, ReLU} <= set(_layer_classes())
    assert {type(layer) for layer, _, _ in CASES} == set(_layer_classes())


@pytest.mark.parametrize("cls", _layer_classes())
def test_layers_are_frozen_dataclasses(cls: type[Any]) -> None:
    """A layer is a description: equal by value, and never changed."""
    layer = next(layer for layer, _, _ in CASES if type(layer) is cls)
    settings = {field.name: getattr(layer, field.name) for field in fields(cls)}
    assert cls(**settings) == layer
    for name in [*settings, "anything"]:
        with pytest.raises((FrozenInstanceError, TypeError)):
            setattr(layer, name, 1)


@all_cases
@pytest.mark.parametrize("n", [1, 3])
def test_gradients(
    layer: Layer, in_shape: Shape, out_shape: Shape, n: int, rng: np.random.RandomState
) -> None:
    """Every gradient agrees with finite differences, for one sample and for several."""
    x = smooth_input((n, *in_shape), rng)
    check_layer(layer, random_params(layer, in_shape, rng), x, rng)


@all_cases
def test_shapes(
    layer: Layer, in_shape: Shape, out_shape: Shape, rng: np.random.RandomState
) -> None:
    """`init` infers the shape that `forward` returns, and gradients have their value's shape."""
    inferred, params = layer.init(in_shape, rng)
    x = smooth_input((3, *in_shape), rng)
    y, cache = layer.forward(params, x)
    assert inferred == out_shape
    assert all(type(size) is int for size in inferred)
    assert y.shape == (3, *out_shape)
    dy = np.ones(y.shape)
    assert layer.backward(params, dy, cache).shape == x.shape
    gradients = layer.gradients(params, dy, cache)
    assert {name: g.shape for name, g in gradients.items()} == {
        name: array.shape for name, array in params.items()
    }
    for array in [y, layer.backward(params, dy, cache), *params.values(), *gradients.values()]:
        assert array.dtype == np.float64


def _all_passes(layer: Layer, params: Params, x: Array, dy: Array) -> list[Array]:
    y, cache = layer.forward(params, x)
    gradients = layer.gradients(params, dy, cache)
    return [y, layer.backward(params, dy, cache), *gradients.values()]


@all_cases
def test_nothing_is_changed_or_remembered(
    layer: Layer, in_shape: Shape, out_shape: Shape, rng: np.random.RandomState
) -> None:
    """All passes take read-only arrays, in any sequence, and repeat themselves to the bit."""
    params = {n: read_only(a) for n, a in random_params(layer, in_shape, rng).items()}
    x, other_x = (read_only(normal(rng, (2, *in_shape))) for _ in range(2))
    dy, other_dy = (read_only(normal(rng, (2, *out_shape))) for _ in range(2))
    expected = [array.copy() for array in _all_passes(layer, params, x, dy)]

    y, cache = layer.forward(params, x)
    _all_passes(layer, params, other_x, other_dy)
    dx = layer.backward(params, dy, cache)
    gradients = layer.gradients(params, dy, cache)
    np.testing.assert_equal([y, dx, *gradients.values()], expected)
    np.testing.assert_equal(layer.backward(params, dy, cache), expected[1])


@all_cases
def test_samples_do_not_mix(
    layer: Layer, in_shape: Shape, out_shape: Shape, rng: np.random.RandomState
) -> None:
    """A batch gives each sample what it gets alone, and sums the parameters' gradients."""
    params = random_params(layer, in_shape, rng)
    x, dy = normal(rng, (3, *in_shape)), normal(rng, (3, *out_shape))
    y, dx, *gradients = _all_passes(layer, params, x, dy)
    alone = [_all_passes(layer, params, x[[n]], dy[[n]]) for n in range(3)]
    np.testing.assert_allclose(y, np.concatenate([a[0] for a in alone]), rtol=0, atol=1e-12)
    np.testing.assert_allclose(dx, np.concatenate([a[1] for a in alone]), rtol=0, atol=1e-12)
    for i, gradient in enumerate(gradients):
        total = np.sum([a[2 + i] for a in alone], axis=0)
        np.testing.assert_allclose(gradient, total, rtol=0, atol=1e-12)


@all_cases
@all_orders
def test_memory_order_does_not_matter(
    layer: Layer, in_shape: Shape, out_shape: Shape, order: str, rng: np.random.RandomState
) -> None:
    """The numbers are the same however x and dy lie in memory."""
    params = random_params(layer, in_shape, rng)
    x, dy = normal(rng, (3, *in_shape)), normal(rng, (3, *out_shape))
    expected = _all_passes(layer, params, x, dy)
    reorder = MEMORY_ORDERS[order]
    for actual, right in zip(
        _all_passes(layer, params, reorder(x), reorder(dy)), expected, strict=True
    ):
        np.testing.assert_allclose(actual, right, rtol=0, atol=1e-12)


@all_convs
@all_orders
def test_conv_equals_plain_loops(
    layer: Conv2D, in_shape: Shape, order: str, rng: np.random.RandomState
) -> None:
    """Forward and both derivatives agree with the formulas written as loops."""
    params = random_params(layer, in_shape, rng)
    x = MEMORY_ORDERS[order](normal(rng, (3, *in_shape)))
    y, cache = layer.forward(params, x)
    dy = MEMORY_ORDERS[order](normal(rng, y.shape))
    w, b = params["W"], params["b"]
    np.testing.assert_allclose(y, oracle.conv_forward(w, b, x), rtol=0, atol=1e-12)
    dx = layer.backward(params, dy, cache)
    np.testing.assert_allclose(dx, oracle.conv_backward(w, x, dy), rtol=0, atol=1e-12)
    gradients = layer.gradients(params, dy, cache)
    for name, expected in oracle.conv_gradients(w, x, dy).items():
        np.testing.assert_allclose(gradients[name], expected, rtol=0, atol=1e-12)


@all_convs
def test_conv_equals_scipy(layer: Conv2D, in_shape: Shape, rng: np.random.RandomState) -> None:
    """Y is SciPy's valid cross-correlation, and dx its full convolution of dy with W."""
    params = random_params(layer, in_shape, rng)
    x = normal(rng, (2, *in_shape))
    y, cache = layer.forward(params, x)
    dy = normal(rng, y.shape)
    dx = layer.backward(params, dy, cache)
    for n in range(2):
        for o, (w, b) in enumerate(zip(params["W"], params["b"], strict=True)):
            (expected,) = correlate(x[n], w, mode="valid", method="direct") + b
            np.testing.assert_allclose(y[n, o], expected, rtol=0, atol=1e-12)
        for c in range(in_shape[0]):
            expected = sum(
                correlate(dy[n, o], params["W"][o, c, ::-1, ::-1], mode="full", method="direct")
                for o in range(layer.out_channels)
            )
            np.testing.assert_allclose(dx[n, c], expected, rtol=0, atol=1e-12)


@all_pools
@all_orders
def test_pool_equals_plain_loops(
    layer: MaxPool2D, in_shape: Shape, order: str, rng: np.random.RandomState
) -> None:
    """Forward and backward agree with the formulas written as loops, on inputs full of ties."""
    k, s = layer.kernel_size, layer.kernel_size if layer.stride is None else layer.stride
    for x in (normal(rng, (3, *in_shape)), normal(rng, (3, *in_shape)).round()):
        x = MEMORY_ORDERS[order](x)
        y, cache = layer.forward({}, x)
        dy = MEMORY_ORDERS[order]((9 * normal(rng, y.shape)).round())  # so that sums are exact
        np.testing.assert_array_equal(y, oracle.pool_forward(k, s, x))
        dx = layer.backward({}, dy, cache)
        np.testing.assert_array_equal(dx, oracle.pool_backward(k, s, x, dy))


def _pool_backward(layer: MaxPool2D, image: list[list[float]], dy: list[list[float]]) -> Any:
    _, cache = layer.forward({}, np.array([[image]], dtype=float))
    return layer.backward({}, np.array([[dy]], dtype=float), cache)[0, 0].tolist()


def test_pool_sends_the_gradient_to_the_first_maximum() -> None:
    """Among equal maxima the first in row-major order, row before column, gets all of dy."""
    pool = MaxPool2D(2)
    assert _pool_backward(pool, [[5, 5], [5, 5]], [[7]]) == [[7, 0], [0, 0]]
    assert _pool_backward(pool, [[1, 5], [5, 5]], [[7]]) == [[0, 7], [0, 0]]
    assert _pool_backward(pool, [[1, 2], [5, 5]], [[7]]) == [[0, 0], [7, 0]]
    assert _pool_backward(pool, [[1, 2], [3, 5]], [[7]]) == [[0, 0], [0, 7]]
    assert _pool_backward(pool, [[1, 1 + 2**-52], [1, 0]], [[7]]) == [[0, 7], [0, 0]]
    assert _pool_backward(pool, [[-0.0, 0.0], [0.0, -0.0]], [[7]]) == [[7, 0], [0, 0]]


def test_pool_adds_up_the_gradients_of_overlapping_windows() -> None:
    """A place that is the first maximum of several windows gets the sum of their dy."""
    pool = MaxPool2D(2, stride=1)
    image = [[0.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 0.0]]
    assert _pool_backward(pool, image, [[1, 2], [4, 8]]) == [[0, 0, 0], [0, 15, 0], [0, 0, 0]]
    ties = [[3.0, 3.0, 3.0], [3.0, 3.0, 3.0], [3.0, 3.0, 3.0]]
    assert _pool_backward(pool, ties, [[1, 2], [4, 8]]) == [[1, 2, 0], [4, 8, 0], [0, 0, 0]]


def test_pool_ignores_what_no_window_reaches() -> None:
    """A left-over row and column neither count nor get gradient."""
    image = [[1.0, 2.0, 99.0], [4.0, 3.0, 99.0], [99.0, 99.0, 99.0]]
    y, _ = MaxPool2D(2).forward({}, np.array([[image]]))
    assert y.tolist() == [[[[4.0]]]]
    assert _pool_backward(MaxPool2D(2), image, [[7]]) == [[0, 0, 0], [7, 0, 0], [0, 0, 0]]


def test_dense_by_hand() -> None:
    """Y = x W + b, dW = x^T dy, db = sum of dy, dx = dy W^T, in whole numbers."""
    params = {"W": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), "b": np.array([10.0, 20.0, 30.0])}
    y, cache = Dense(3).forward(params, np.array([[1.0, 0.0], [2.0, -1.0]]))
    assert y.tolist() == [[11, 22, 33], [8, 19, 30]]
    dy = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
    gradients = Dense(3).gradients(params, dy, cache)
    assert gradients["W"].tolist() == [[1, 6, 2], [0, -3, 0]]
    assert gradients["b"].tolist() == [1, 3, 2]
    assert Dense(3).backward(params, dy, cache).tolist() == [[7, 16], [6, 15]]


def test_flatten_is_row_major() -> None:
    """Channels come before rows, and rows before columns."""
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    for reorder in MEMORY_ORDERS.values():
        y, cache = Flatten().forward({}, reorder(x))
        assert y.tolist() == [[*range(12)], [*range(12, 24)]]
        assert Flatten().backward({}, y, cache).tolist() == x.tolist()


EXTREME = np.array([[-1e308, -1e3, -745.0, -709.0, -708.0, 0.0, 708.0, 709.0, 745.0, 1e3, 1e308]])


def test_sigmoid_is_right_for_any_finite_number() -> None:
    """No warning, no overflow: 0 or 1 within 1e-300, 1/2 at 0, and derivatives that vanish."""
    y, cache = Sigmoid().forward({}, EXTREME)
    expected = [[0, 0, 0, 0, 0, 0.5, 1, 1, 1, 1, 1]]
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-300)
    dx = Sigmoid().backward({}, np.ones(EXTREME.shape), cache)
    np.testing.assert_allclose(dx, 0.25 * (EXTREME == 0.0), rtol=0, atol=1e-300)


def test_sigmoid_equals_scipy() -> None:
    """Within a few units in the last place over the whole range in which exp(-x) is finite."""
    x = np.linspace(-708.0, 708.0, 100_001)
    y, _ = Sigmoid().forward({}, x)
    np.testing.assert_allclose(y, expit(x), rtol=1e-15)


def test_relu_at_zero_and_at_the_extremes() -> None:
    """Y = max(x, 0), and the derivative at 0 is 0."""
    x = np.array([[-1e308, -5e-324, -0.0, 0.0, 5e-324, 1e308]])
    y, cache = ReLU().forward({}, x)
    assert y.tolist() == [[0, 0, 0, 0, 5e-324, 1e308]]
    dx = ReLU().backward({}, np.full(x.shape, 3.0), cache)
    assert dx.tolist() == [[0, 0, 0, 0, 3, 3]]


@st.composite
def _conv_problems(draw: st.DrawFn) -> tuple[Conv2D, Params, Array, np.random.RandomState]:
    k = draw(st.integers(1, 4))
    in_shape = draw(st.integers(1, 3)), draw(st.integers(k, 7)), draw(st.integers(k, 7))
    layer = Conv2D(draw(st.integers(1, 3)), k)
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    x = normal(rng, (draw(st.integers(1, 3)), *in_shape))
    return layer, random_params(layer, in_shape, rng), x, rng


@PROPERTY
@given(_conv_problems(), st.floats(-3, 3), st.floats(-3, 3))
def test_conv_is_linear(
    problem: tuple[Conv2D, Params, Array, np.random.RandomState], a: float, b: float
) -> None:
    """Without its bias, a convolution of a sum is the sum of convolutions, in x and in W."""
    layer, params, x, rng = problem
    w, other_w = params["W"], normal(rng, params["W"].shape)
    other_x = normal(rng, x.shape)

    def conv(w: Array, x: Array) -> Array:
        return layer.forward({"W": w, "b": np.zeros(len(w))}, x)[0]

    in_x = a * conv(w, x) + b * conv(w, other_x)
    np.testing.assert_allclose(conv(w, a * x + b * other_x), in_x, rtol=0, atol=1e-12)
    in_w = a * conv(w, x) + b * conv(other_w, x)
    np.testing.assert_allclose(conv(a * w + b * other_w, x), in_w, rtol=0, atol=1e-12)


@PROPERTY
@given(_conv_problems(), st.data())
def test_conv_commutes_with_translation(
    problem: tuple[Conv2D, Params, Array, np.random.RandomState], data: st.DataObject
) -> None:
    """To move the image and then convolve is to convolve and then move."""
    layer, params, x, _ = problem
    y, _ = layer.forward(params, x)
    down = data.draw(st.integers(0, y.shape[2] - 1))
    right = data.draw(st.integers(0, y.shape[3] - 1))
    moved, _ = layer.forward(params, x[:, :, down:, right:])
    np.testing.assert_allclose(moved, y[:, :, down:, right:], rtol=0, atol=1e-12)


@PROPERTY
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 4), st.floats(-1e308, 1e308))
def test_pool_of_a_constant_is_that_constant(k: int, s: int, more: int, value: float) -> None:
    """And each window's gradient goes to its first place."""
    x = np.full((2, 2, k + more, k + 2 * more), value)
    y, cache = MaxPool2D(k, stride=s).forward({}, x)
    np.testing.assert_array_equal(y, np.full(y.shape, value))
    dy = np.arange(1.0, y.size + 1.0).reshape(y.shape)
    dx = MaxPool2D(k, stride=s).backward({}, dy, cache)
    h_out, w_out = y.shape[2:]
    np.testing.assert_array_equal(dx[:, :, : s * h_out : s, : s * w_out : s], dy)
    assert dx.sum() == dy.sum()
