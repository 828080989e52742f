"""The layers, each against finite differences, plain loops, SciPy and its own algebra."""

import inspect
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import correlate
from scipy.special import expit

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.nn import layers
from cnn_from_scratch.nn.initializers import INITIALIZERS
from cnn_from_scratch.nn.layers import (
    LAYERS,
    Arrays,
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
    Standardize,
    Tanh,
)
from tests.nn import oracle
from tests.nn.gradient_check import check_layer
from tests.nn.inputs import (
    MEMORY_ORDERS,
    MODES,
    PROPERTY,
    copies,
    normal,
    random_buffers,
    random_params,
    read_only,
    smooth_input,
)


def _windows(size: int, k: int, s: int, p: int = 0) -> int:
    """Count the windows by their first places."""
    return len(range(-p, size + p - k + 1, s))


# Every stride, padding and kernel with every other, on an image of 4x6.
STRIDED: list[tuple[Layer, Shape, Shape]] = [
    (Conv2D(2, k, stride=s, padding=p), (2, 4, 6), (2, _windows(4, k, s, p), _windows(6, k, s, p)))
    for k, s, p in product((1, 2, 3), (1, 2, 3), (0, 1, 2))
]

# Every layer needs a row: what to check, the shape of one sample, and the shape it becomes.
CASES: list[tuple[Layer, Shape, Shape]] = [
    (Conv2D(1, 1), (1, 1, 1), (1, 1, 1)),
    (Conv2D(3, 3), (1, 6, 6), (3, 4, 4)),
    (Conv2D(3, 2), (3, 2, 2), (3, 1, 1)),
    (Conv2D(2, 2), (3, 4, 5), (2, 3, 4)),
    (Conv2D(4, 3), (2, 3, 7), (4, 1, 5)),
    (Conv2D(2, 4), (1, 7, 5), (2, 4, 2)),
    *STRIDED,
    (Conv2D(3, 3, stride=2, padding=1), (2, 8, 6), (3, 4, 3)),  # padding below and right unused
    (Conv2D(2, 2, stride=4), (1, 9, 7), (2, 2, 2)),  # gaps between the windows, rows left over
    (Conv2D(1, 3, padding=1), (2, 1, 1), (1, 1, 1)),  # a kernel larger than the image
    (Conv2D(2, 5, stride=3, padding=4), (1, 2, 3), (2, 2, 3)),  # windows of padding alone
    (Conv2D(2, 2, weight_init="xavier_uniform"), (1, 3, 3), (2, 2, 2)),
    (Conv2D(3, None), (2, 3, 3), (3, 1, 1)),  # a kernel that spans the image
    (Conv2D(2, None), (3, 2, 5), (2, 1, 1)),
    (MaxPool2D(1), (2, 3, 2), (2, 3, 2)),
    (MaxPool2D(2), (3, 4, 4), (3, 2, 2)),
    (MaxPool2D(2), (2, 5, 7), (2, 2, 3)),  # a row and a column left over
    (MaxPool2D(3), (1, 8, 3), (1, 2, 1)),  # two rows left over
    (MaxPool2D(3, stride=1), (2, 5, 6), (2, 3, 4)),  # overlapping
    (MaxPool2D(3, stride=2), (2, 8, 7), (2, 3, 3)),  # overlapping, a row left over
    (MaxPool2D(2, stride=3), (1, 7, 5), (1, 2, 2)),  # gaps between the windows
    (AvgPool2D(1), (2, 3, 2), (2, 3, 2)),
    (AvgPool2D(2), (3, 4, 4), (3, 2, 2)),
    (AvgPool2D(2), (2, 5, 7), (2, 2, 3)),  # a row and a column left over
    (AvgPool2D(3), (1, 8, 3), (1, 2, 1)),  # two rows left over
    (AvgPool2D(3, stride=1), (2, 5, 6), (2, 3, 4)),  # overlapping
    (AvgPool2D(3, stride=2), (2, 8, 7), (2, 3, 3)),  # overlapping, a row left over
    (AvgPool2D(2, stride=3), (1, 7, 5), (1, 2, 2)),  # gaps between the windows
    (Dense(1), (1,), (1,)),
    (Dense(4), (3,), (4,)),
    (Dense(2, weight_init="he"), (5,), (2,)),
    (Flatten(), (5,), (5,)),
    (Flatten(), (2, 3, 4), (24,)),
    (Sigmoid(), (5,), (5,)),
    (Sigmoid(), (2, 3, 4), (2, 3, 4)),
    (Tanh(), (5,), (5,)),
    (Tanh(), (2, 3, 4), (2, 3, 4)),
    (ReLU(), (5,), (5,)),
    (ReLU(), (2, 3, 4), (2, 3, 4)),
    (BatchNorm(), (5,), (5,)),
    (BatchNorm(), (2, 3), (2, 3)),
    (BatchNorm(), (3, 3, 4), (3, 3, 4)),
    (BatchNorm(eps=0.1, momentum=0.7), (1, 4, 2), (1, 4, 2)),
    (Standardize((0.5,), (0.25,)), (1, 3, 4), (1, 3, 4)),
    (Standardize((0.4, -2.0), (3.0, 0.1)), (2, 2, 3), (2, 2, 3)),
    (Standardize((1.0, 2.0, 3.0), (1.0, 2.0, 3.0)), (3,), (3,)),
    (Dropout(0.0), (5,), (5,)),
    (Dropout(), (9,), (9,)),
    (Dropout(0.3), (2, 3, 4), (2, 3, 4)),
]
all_cases = pytest.mark.parametrize(("layer", "in_shape", "out_shape"), CASES, ids=str)
all_convs = pytest.mark.parametrize(
    ("layer", "in_shape"), [case[:2] for case in CASES if isinstance(case[0], Conv2D)], ids=str
)
all_max_pools = pytest.mark.parametrize(
    ("layer", "in_shape"), [case[:2] for case in CASES if isinstance(case[0], MaxPool2D)], ids=str
)
all_avg_pools = pytest.mark.parametrize(
    ("layer", "in_shape"), [case[:2] for case in CASES if isinstance(case[0], AvgPool2D)], ids=str
)
all_orders = pytest.mark.parametrize("order", MEMORY_ORDERS)
both_modes = pytest.mark.parametrize("mode", MODES.values(), ids=[*MODES])

MakeMode = Callable[[], Mode]


def _layer_classes() -> list[type[Any]]:
    return [
        item
        for name, item in inspect.getmembers(layers, inspect.isclass)
        if item.__module__ == layers.__name__
        and hasattr(item, "forward")
        and hasattr(item, "backward")
        and not name.startswith("_")
        and name not in ("Layer", "Activation")  # the bases
    ]


def test_every_layer_has_a_case() -> None:
    """A new layer without a row in CASES fails here, registered or not."""
    known = {Conv2D, MaxPool2D, AvgPool2D, Dense, Flatten, Sigmoid, Tanh, ReLU, BatchNorm, Dropout}
    assert known <= {*LAYERS.values()}
    assert {type(layer) for layer, _, _ in CASES} == {*LAYERS.values()} == {*_layer_classes()}


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
@both_modes
@pytest.mark.parametrize("n", [1, 4])
def test_gradients(
    layer: Layer,
    in_shape: Shape,
    out_shape: Shape,
    mode: MakeMode,
    n: int,
    rng: np.random.RandomState,
) -> None:
    """Every gradient agrees with finite differences, for one sample and for several."""
    if isinstance(layer, BatchNorm) and n == 1 and len(in_shape) == 1:
        n = 3  # a single number has no spread to normalize: its own test is below
    x = smooth_input((n, *in_shape), rng)
    arrays = random_params(layer, in_shape, rng), random_buffers(layer, in_shape, rng)
    check_layer(layer, *arrays, x, rng, mode)


@all_cases
@both_modes
def test_shapes(
    layer: Layer, in_shape: Shape, out_shape: Shape, mode: MakeMode, rng: np.random.RandomState
) -> None:
    """`init` infers the shape that `forward` returns, and gradients have their value's shape."""
    inferred, params, buffers = layer.init(in_shape, rng)
    x = smooth_input((3, *in_shape), rng)
    y, cache = layer.forward({**params, **buffers}, x, mode())
    assert inferred == out_shape
    assert all(type(size) is int for size in inferred)
    assert y.shape == (3, *out_shape)
    dy = np.ones(y.shape)
    dx, gradients = layer.backward({**params, **buffers}, dy, cache)
    assert dx.shape == x.shape
    assert {name: g.shape for name, g in gradients.items()} == {
        name: array.shape for name, array in params.items()
    }
    assert not params.keys() & buffers.keys()
    for array in [y, dx, *params.values(), *buffers.values(), *gradients.values()]:
        assert array.dtype == np.float64


def _all_passes(layer: Layer, params: Arrays, x: Array, dy: Array, mode: Mode) -> list[Array]:
    y, cache = layer.forward(params, x, mode)
    dx, gradients = layer.backward(params, dy, cache)
    return [y, dx, *gradients.values()]


@all_cases
@both_modes
def test_nothing_is_changed_or_remembered(
    layer: Layer, in_shape: Shape, out_shape: Shape, mode: MakeMode, rng: np.random.RandomState
) -> None:
    """All passes take read-only arrays, in any sequence, and repeat themselves to the bit.

    What may be written to are the buffers of a layer in training, and nothing else.
    """
    params = {n: read_only(a) for n, a in random_params(layer, in_shape, rng).items()}
    buffers = {n: read_only(a) for n, a in random_buffers(layer, in_shape, rng).items()}
    x, other_x = (read_only(normal(rng, (2, *in_shape))) for _ in range(2))
    dy, other_dy = (read_only(normal(rng, (2, *out_shape))) for _ in range(2))

    def arrays() -> Arrays:
        return {**params, **(copies(buffers) if mode().training else buffers)}

    expected = [array.copy() for array in _all_passes(layer, arrays(), x, dy, mode())]
    y, cache = layer.forward(arrays(), x, mode())
    _all_passes(layer, arrays(), other_x, other_dy, mode())
    dx, gradients = layer.backward({**params, **buffers}, dy, cache)
    np.testing.assert_equal([y, dx, *gradients.values()], expected)
    np.testing.assert_equal(layer.backward({**params, **buffers}, dy, cache)[0], expected[1])


@all_cases
@both_modes
def test_an_unwanted_dx_changes_no_gradient(
    layer: Layer, in_shape: Shape, out_shape: Shape, mode: MakeMode, rng: np.random.RandomState
) -> None:
    """The parameters' gradients are the same to the bit, and dx is None or what it is."""
    params = random_params(layer, in_shape, rng) | random_buffers(layer, in_shape, rng)
    y, cache = layer.forward(params, normal(rng, (3, *in_shape)), mode())
    dy = normal(rng, y.shape)
    dx, gradients = layer.backward(params, dy, cache)
    unwanted, same = layer.backward(params, dy, cache, wants_dx=False)
    np.testing.assert_equal(same, gradients)
    if unwanted is not None:
        np.testing.assert_array_equal(unwanted, dx)


@all_cases
def test_evaluation_is_the_default(
    layer: Layer, in_shape: Shape, out_shape: Shape, rng: np.random.RandomState
) -> None:
    """Without a mode, a forward pass is one of evaluation."""
    params = random_params(layer, in_shape, rng) | random_buffers(layer, in_shape, rng)
    x = normal(rng, (3, *in_shape))
    y, _ = layer.forward(params, x)
    np.testing.assert_array_equal(y, layer.forward(params, x, MODES["evaluation"]())[0])


@all_cases
def test_only_some_layers_know_of_training(
    layer: Layer, in_shape: Shape, out_shape: Shape, rng: np.random.RandomState
) -> None:
    """Training changes BatchNorm's and Dropout's output, and nobody else's by a bit.

    Only BatchNorm writes, and only its own running statistics; only Dropout draws.
    """
    params, buffers = random_params(layer, in_shape, rng), random_buffers(layer, in_shape, rng)
    arrays = copies(params) | copies(buffers)
    x = normal(rng, (3, *in_shape))
    training, untouched = MODES["training"](), MODES["training"]()
    assert training.rng is not None
    assert untouched.rng is not None
    expected, _ = layer.forward(arrays, x)
    np.testing.assert_equal(arrays, params | buffers)

    y, _ = layer.forward(arrays, x, training)
    special = isinstance(layer, BatchNorm) or (isinstance(layer, Dropout) and layer.rate > 0)
    assert np.array_equal(y, expected) != special
    assert layer.mode_matters or not special  # else `fit` would learn from passes of evaluation
    assert not layer.mode_matters or isinstance(layer, BatchNorm | Dropout)
    np.testing.assert_equal({name: arrays[name] for name in params}, params)
    changed = {name for name in buffers if not np.array_equal(arrays[name], buffers[name])}
    assert changed == ({"running_mean", "running_var"} if isinstance(layer, BatchNorm) else set())
    drew = training.rng.random_sample() != untouched.rng.random_sample()
    assert drew == isinstance(layer, Dropout)


@all_cases
def test_only_dropout_needs_a_stream(
    layer: Layer, in_shape: Shape, out_shape: Shape, rng: np.random.RandomState
) -> None:
    """Training without one is an error of dropout, and of nobody else."""
    arrays = random_params(layer, in_shape, rng) | random_buffers(layer, in_shape, rng)
    x = normal(rng, (3, *in_shape))
    if isinstance(layer, Dropout):
        with pytest.raises(ValueError, match=r"^dropout needs a random stream in training"):
            layer.forward(arrays, x, Mode(training=True))
    else:
        layer.forward(arrays, x, Mode(training=True))


@all_cases
def test_samples_do_not_mix(
    layer: Layer, in_shape: Shape, out_shape: Shape, rng: np.random.RandomState
) -> None:
    """In evaluation, a batch gives each sample what it gets alone, and sums the gradients."""
    params = random_params(layer, in_shape, rng) | random_buffers(layer, in_shape, rng)
    mode = MODES["evaluation"]()
    x, dy = normal(rng, (3, *in_shape)), normal(rng, (3, *out_shape))
    y, dx, *gradients = _all_passes(layer, params, x, dy, mode)
    alone = [_all_passes(layer, params, x[[n]], dy[[n]], mode) for n in range(3)]
    np.testing.assert_allclose(y, np.concatenate([a[0] for a in alone]), rtol=0, atol=1e-12)
    np.testing.assert_allclose(dx, np.concatenate([a[1] for a in alone]), rtol=0, atol=1e-12)
    for i, gradient in enumerate(gradients):
        total = np.sum([a[2 + i] for a in alone], axis=0)
        np.testing.assert_allclose(gradient, total, rtol=0, atol=1e-12)


@all_cases
@both_modes
@all_orders
def test_memory_order_does_not_matter(
    layer: Layer,
    in_shape: Shape,
    out_shape: Shape,
    mode: MakeMode,
    order: str,
    rng: np.random.RandomState,
) -> None:
    """The numbers are the same however x and dy lie in memory."""
    params, buffers = random_params(layer, in_shape, rng), random_buffers(layer, in_shape, rng)
    x, dy = normal(rng, (3, *in_shape)), normal(rng, (3, *out_shape))
    expected = _all_passes(layer, params | copies(buffers), x, dy, mode())
    reorder = MEMORY_ORDERS[order]
    actual = _all_passes(layer, params | copies(buffers), reorder(x), reorder(dy), mode())
    for some, right in zip(actual, expected, strict=True):
        np.testing.assert_allclose(some, right, rtol=0, atol=1e-12)


@all_convs
@all_orders
def test_conv_equals_plain_loops(
    layer: Conv2D, in_shape: Shape, order: str, rng: np.random.RandomState
) -> None:
    """Forward and both derivatives agree with the formulas written as loops."""
    params = random_params(layer, in_shape, rng)
    x = MEMORY_ORDERS[order](normal(rng, (2, *in_shape)))
    y, cache = layer.forward(params, x)
    dy = MEMORY_ORDERS[order](normal(rng, y.shape))
    w, b, s, p = params["W"], params["b"], layer.stride, layer.padding
    np.testing.assert_allclose(y, oracle.conv_forward(w, b, x, s, p), rtol=0, atol=1e-12)
    dx, gradients = layer.backward(params, dy, cache)
    np.testing.assert_allclose(dx, oracle.conv_backward(w, x, dy, s, p), rtol=0, atol=1e-12)
    for name, expected in oracle.conv_gradients(w, x, dy, s, p).items():
        np.testing.assert_allclose(gradients[name], expected, rtol=0, atol=1e-12)


@all_convs
def test_conv_equals_scipy(layer: Conv2D, in_shape: Shape, rng: np.random.RandomState) -> None:
    """Y is SciPy's valid cross-correlation, and dx its full convolution of dy with W.

    The padding is np.pad's, and the stride takes every s-th of all places. On the way back, dy is
    put at every s-th place among zeros, and the padding's gradient is cut off.
    """
    params = random_params(layer, in_shape, rng)
    x = normal(rng, (2, *in_shape))
    y, cache = layer.forward(params, x)
    dy = normal(rng, y.shape)
    dx = layer.backward(params, dy, cache)[0]
    s, p, (h, w) = layer.stride, layer.padding, params["W"].shape[2:]
    height, width = in_shape[1:]
    spread = np.zeros((*dy.shape[:2], height + 2 * p - h + 1, width + 2 * p - w + 1))
    spread[:, :, ::s, ::s] = dy
    for n in range(2):
        for o, (kernels, b) in enumerate(zip(params["W"], params["b"], strict=True)):
            padded = np.pad(x[n], ((0, 0), (p, p), (p, p)))
            (expected,) = correlate(padded, kernels, mode="valid", method="direct") + b
            np.testing.assert_allclose(y[n, o], expected[::s, ::s], rtol=0, atol=1e-12)
        for c in range(in_shape[0]):
            full = sum(
                correlate(spread[n, o], params["W"][o, c, ::-1, ::-1], mode="full", method="direct")
                for o in range(layer.out_channels)
            )
            expected = full[p : p + height, p : p + width]
            np.testing.assert_allclose(dx[n, c], expected, rtol=0, atol=1e-12)


def _k_s(layer: MaxPool2D | AvgPool2D) -> tuple[int, int]:
    return layer.kernel_size, layer.kernel_size if layer.stride is None else layer.stride


@all_max_pools
@all_orders
def test_max_pool_equals_plain_loops(
    layer: MaxPool2D, in_shape: Shape, order: str, rng: np.random.RandomState
) -> None:
    """Forward and backward agree with the formulas written as loops, on inputs full of ties."""
    for x in (normal(rng, (3, *in_shape)), normal(rng, (3, *in_shape)).round()):
        x = MEMORY_ORDERS[order](x)
        y, cache = layer.forward({}, x)
        dy = MEMORY_ORDERS[order]((9 * normal(rng, y.shape)).round())  # so that sums are exact
        np.testing.assert_array_equal(y, oracle.max_pool_forward(*_k_s(layer), x))
        dx = layer.backward({}, dy, cache)[0]
        np.testing.assert_array_equal(dx, oracle.max_pool_backward(*_k_s(layer), x, dy))


@all_avg_pools
@all_orders
def test_avg_pool_equals_plain_loops(
    layer: AvgPool2D, in_shape: Shape, order: str, rng: np.random.RandomState
) -> None:
    """Forward and backward agree with the formulas written as loops."""
    x = MEMORY_ORDERS[order](normal(rng, (3, *in_shape)))
    y, cache = layer.forward({}, x)
    dy = MEMORY_ORDERS[order](normal(rng, y.shape))
    np.testing.assert_allclose(y, oracle.avg_pool_forward(*_k_s(layer), x), rtol=0, atol=1e-12)
    dx = layer.backward({}, dy, cache)[0]
    expected = oracle.avg_pool_backward(*_k_s(layer), x, dy)
    np.testing.assert_allclose(dx, expected, rtol=0, atol=1e-12)


@all_avg_pools
def test_avg_pool_is_a_convolution_with_equal_weights(
    layer: AvgPool2D, in_shape: Shape, rng: np.random.RandomState
) -> None:
    """Of each channel with a kernel of 1/k^2, forward and backward."""
    k, s = _k_s(layer)
    x = normal(rng, (3, *in_shape))
    y, cache = layer.forward({}, x)
    dy = normal(rng, y.shape)
    dx = layer.backward({}, dy, cache)[0]
    conv, params = Conv2D(1, k, stride=s), {"W": np.full((1, 1, k, k), 1 / k**2), "b": np.zeros(1)}
    for c in range(in_shape[0]):
        by_conv, conv_cache = conv.forward(params, x[:, [c]])
        np.testing.assert_allclose(y[:, [c]], by_conv, rtol=0, atol=1e-12)
        dx_by_conv = conv.backward(params, dy[:, [c]], conv_cache)[0]
        np.testing.assert_allclose(dx[:, [c]], dx_by_conv, rtol=0, atol=1e-12)


def _pool_backward(layer: MaxPool2D, image: list[list[float]], dy: list[list[float]]) -> Any:
    _, cache = layer.forward({}, np.array([[image]], dtype=float))
    return layer.backward({}, np.array([[dy]], dtype=float), cache)[0][0, 0].tolist()


def test_max_pool_sends_the_gradient_to_the_first_maximum() -> None:
    """Among equal maxima the first in row-major order, row before column, gets all of dy."""
    pool = MaxPool2D(2)
    assert _pool_backward(pool, [[5, 5], [5, 5]], [[7]]) == [[7, 0], [0, 0]]
    assert _pool_backward(pool, [[1, 5], [5, 5]], [[7]]) == [[0, 7], [0, 0]]
    assert _pool_backward(pool, [[1, 2], [5, 5]], [[7]]) == [[0, 0], [7, 0]]
    assert _pool_backward(pool, [[1, 2], [3, 5]], [[7]]) == [[0, 0], [0, 7]]
    assert _pool_backward(pool, [[1, 1 + 2**-52], [1, 0]], [[7]]) == [[0, 7], [0, 0]]
    assert _pool_backward(pool, [[-0.0, 0.0], [0.0, -0.0]], [[7]]) == [[7, 0], [0, 0]]


def test_max_pool_adds_up_the_gradients_of_overlapping_windows() -> None:
    """A place that is the first maximum of several windows gets the sum of their dy."""
    pool = MaxPool2D(2, stride=1)
    image = [[0.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 0.0]]
    assert _pool_backward(pool, image, [[1, 2], [4, 8]]) == [[0, 0, 0], [0, 15, 0], [0, 0, 0]]
    ties = [[3.0, 3.0, 3.0], [3.0, 3.0, 3.0], [3.0, 3.0, 3.0]]
    assert _pool_backward(pool, ties, [[1, 2], [4, 8]]) == [[1, 2, 0], [4, 8, 0], [0, 0, 0]]


def test_max_pool_ignores_what_no_window_reaches() -> None:
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
    dx, gradients = Dense(3).backward(params, dy, cache)
    assert gradients["W"].tolist() == [[1, 6, 2], [0, -3, 0]]
    assert gradients["b"].tolist() == [1, 3, 2]
    assert dx.tolist() == [[7, 16], [6, 15]]


def test_flatten_is_row_major() -> None:
    """Channels come before rows, and rows before columns."""
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    for reorder in MEMORY_ORDERS.values():
        y, cache = Flatten().forward({}, reorder(x))
        assert y.tolist() == [[*range(12)], [*range(12, 24)]]
        assert Flatten().backward({}, y, cache)[0].tolist() == x.tolist()


EXTREME = np.array([[-1e308, -1e3, -745.0, -709.0, -708.0, 0.0, 708.0, 709.0, 745.0, 1e3, 1e308]])


def test_sigmoid_is_right_for_any_finite_number() -> None:
    """No warning, no overflow: 0 or 1 within 1e-300, 1/2 at 0, and derivatives that vanish."""
    y, cache = Sigmoid().forward({}, EXTREME)
    expected = [[0, 0, 0, 0, 0, 0.5, 1, 1, 1, 1, 1]]
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-300)
    dx = Sigmoid().backward({}, np.ones(EXTREME.shape), cache)[0]
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
    dx = ReLU().backward({}, np.full(x.shape, 3.0), cache)[0]
    assert dx.tolist() == [[0, 0, 0, 0, 3, 3]]


def test_tanh_is_right_for_any_finite_number() -> None:
    """No warning: -1 or 1 far out, and derivatives that vanish there."""
    y, cache = Tanh().forward({}, EXTREME)
    assert y.tolist() == [[-1, -1, -1, -1, -1, 0, 1, 1, 1, 1, 1]]
    dx = Tanh().backward({}, np.full(EXTREME.shape, 3.0), cache)[0]
    assert dx.tolist() == [[0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0]]


def test_tanh_is_a_sigmoid_rescaled(rng: np.random.RandomState) -> None:
    """tanh(x) = 2 sigmoid(2x) - 1, and likewise the derivatives."""
    x, dy = 3.0 * normal(rng, (50, 4)), normal(rng, (50, 4))
    y, cache = Tanh().forward({}, x)
    sigmoid, sigmoid_cache = Sigmoid().forward({}, 2.0 * x)
    np.testing.assert_allclose(y, 2.0 * sigmoid - 1.0, rtol=0, atol=1e-15)
    dx = 4.0 * Sigmoid().backward({}, dy, sigmoid_cache)[0]
    np.testing.assert_allclose(Tanh().backward({}, dy, cache)[0], dx, rtol=0, atol=1e-14)


def test_conv_with_stride_and_padding_by_hand() -> None:
    """A 2x2 kernel of 1, 2, 4, 8 on the corners of a padded 2x2 image."""
    params = {"W": np.array([[[[1.0, 2.0], [4.0, 8.0]]]]), "b": np.array([100.0])}
    conv = Conv2D(1, 2, stride=2, padding=1)
    y, cache = conv.forward(params, np.array([[[[1.0, 3.0], [5.0, 7.0]]]]))
    assert y.tolist() == [[[[108, 112], [110, 107]]]]  # 8*1, 4*3; 2*5, 1*7
    dx, gradients = conv.backward(params, np.array([[[[1.0, 10.0], [100.0, 1000.0]]]]), cache)
    assert dx.tolist() == [[[[8, 40], [200, 1000]]]]
    assert gradients["W"].tolist() == [[[[7000, 500], [30, 1]]]]
    assert gradients["b"].tolist() == [1111]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", range(3, 9))
def test_conv_adds_up_a_pixels_gradient_in_the_kernels_order(
    size: int, stride: int, rng: np.random.RandomState
) -> None:
    """To the bit, whether there are fewer windows or fewer places in a window."""
    conv, k = Conv2D(1, 3, stride), 3
    params = random_params(conv, (2, size, size), rng)
    y, cache = conv.forward(params, normal(rng, (5, 2, size, size)))
    dy, expected = normal(rng, y.shape), np.zeros((5, 2, size, size))
    for u, v in product(range(k), range(k)):
        for i, j in product(range(y.shape[2]), range(y.shape[3])):
            term = dy[:, 0, i, j, np.newaxis] * params["W"][0, :, u, v]
            expected[:, :, stride * i + u, stride * j + v] += term
    np.testing.assert_array_equal(conv.backward(params, dy, cache)[0], expected)


@st.composite
def _conv_problems(
    draw: st.DrawFn, paddings: st.SearchStrategy[int]
) -> tuple[Conv2D, Arrays, Array, np.random.RandomState]:
    k = draw(st.integers(1, 4))
    in_shape = draw(st.integers(1, 3)), draw(st.integers(k, 7)), draw(st.integers(k, 7))
    layer = Conv2D(draw(st.integers(1, 3)), k, draw(st.integers(1, 3)), draw(paddings))
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    x = normal(rng, (draw(st.integers(1, 3)), *in_shape))
    return layer, random_params(layer, in_shape, rng), x, rng


@PROPERTY
@given(_conv_problems(st.integers(0, 3)), st.floats(-3, 3), st.floats(-3, 3))
def test_conv_is_linear(
    problem: tuple[Conv2D, Arrays, Array, np.random.RandomState], a: float, b: float
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
@given(_conv_problems(st.just(0)), st.data())
def test_conv_commutes_with_translation(
    problem: tuple[Conv2D, Arrays, Array, np.random.RandomState], data: st.DataObject
) -> None:
    """To move the image, by the stride or so, and then convolve is to convolve and then move."""
    layer, params, x, _ = problem
    s = layer.stride
    y, _ = layer.forward(params, x)
    down = data.draw(st.integers(0, y.shape[2] - 1))
    right = data.draw(st.integers(0, y.shape[3] - 1))
    moved, _ = layer.forward(params, x[:, :, s * down :, s * right :])
    np.testing.assert_allclose(moved, y[:, :, down:, right:], rtol=0, atol=1e-12)


@PROPERTY
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 4), st.floats(-1e308, 1e308))
def test_max_pool_of_a_constant_is_that_constant(k: int, s: int, more: int, value: float) -> None:
    """And each window's gradient goes to its first place."""
    x = np.full((2, 2, k + more, k + 2 * more), value)
    y, cache = MaxPool2D(k, stride=s).forward({}, x)
    np.testing.assert_array_equal(y, np.full(y.shape, value))
    dy = np.arange(1.0, y.size + 1.0).reshape(y.shape)
    dx = MaxPool2D(k, stride=s).backward({}, dy, cache)[0]
    h_out, w_out = y.shape[2:]
    np.testing.assert_array_equal(dx[:, :, : s * h_out : s, : s * w_out : s], dy)
    assert dx.sum() == dy.sum()


@PROPERTY
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 4), st.floats(-1e300, 1e300))
def test_avg_pool_of_a_constant_is_that_constant(k: int, s: int, more: int, value: float) -> None:
    """And the gradient is shared out, with nothing lost."""
    x = np.full((2, 2, k + more, k + 2 * more), value)
    y, cache = AvgPool2D(k, stride=s).forward({}, x)
    np.testing.assert_allclose(y, np.full(y.shape, value), rtol=1e-14)
    dy = np.arange(1.0, y.size + 1.0).reshape(y.shape)
    dx = AvgPool2D(k, stride=s).backward({}, dy, cache)[0]
    np.testing.assert_allclose(dx.sum(axis=(2, 3)), dy.sum(axis=(2, 3)), rtol=1e-13)


BN_SHAPES = st.tuples(st.integers(4, 9), st.integers(1, 4)) | st.tuples(
    st.integers(1, 4), st.integers(1, 3), st.integers(2, 4), st.integers(2, 4)
)
seeds = st.integers(0, 2**32 - 1)


def _channels(x: Array) -> Array:
    """Return each channel's numbers as a row."""
    return np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)


@PROPERTY
@given(BN_SHAPES, seeds, st.floats(-50, 50), st.floats(0.1, 20))
def test_batch_norm_gives_mean_0_and_variance_1(
    shape: Shape, seed: int, mean: float, sd: float
) -> None:
    """In training each channel's variance becomes var / (var + eps), and gamma, beta follow."""
    rng = np.random.RandomState(seed)
    x = mean + sd * normal(rng, shape)
    layer = BatchNorm()
    params = layer.init(shape[1:], rng).params
    buffers = random_buffers(layer, shape[1:], rng)
    y, _ = layer.forward(params | copies(buffers), x, Mode(training=True))
    var = np.array([np.mean((row - row.mean()) ** 2) for row in _channels(x)])
    np.testing.assert_allclose(_channels(y).mean(axis=1), 0.0, rtol=0, atol=1e-11)
    np.testing.assert_allclose(_channels(y).var(axis=1), var / (var + 1e-5), rtol=1e-11)

    gamma, beta = normal(rng, var.shape), normal(rng, var.shape)
    scaled, _ = layer.forward({"gamma": gamma, "beta": beta, **buffers}, x, Mode(training=True))
    expected = gamma[:, np.newaxis] * _channels(y) + beta[:, np.newaxis]
    np.testing.assert_allclose(_channels(scaled), expected, rtol=0, atol=1e-12)


@PROPERTY
@given(BN_SHAPES, seeds, st.floats(0, 1), st.integers(1, 4))
def test_batch_norm_running_statistics(
    shape: Shape, seed: int, momentum: float, steps: int
) -> None:
    """They follow their formula from 0 and 1, with the unbiased variance of each batch."""
    rng = np.random.RandomState(seed)
    layer = BatchNorm(momentum=momentum)
    _, params, buffers = layer.init(shape[1:], rng)
    means, variances = [0.0] * shape[1], [1.0] * shape[1]
    for _ in range(steps):
        x = normal(rng, shape)
        layer.forward(params | buffers, x, Mode(training=True))
        for c, row in enumerate(_channels(x)):
            mean = sum(row) / len(row)
            variance = sum((z - mean) ** 2 for z in row) / (len(row) - 1)
            means[c] = (1 - momentum) * means[c] + momentum * mean
            variances[c] = (1 - momentum) * variances[c] + momentum * variance
    np.testing.assert_allclose(buffers["running_mean"], means, rtol=0, atol=1e-13)
    np.testing.assert_allclose(buffers["running_var"], variances, rtol=0, atol=1e-13)


@PROPERTY
@given(BN_SHAPES, seeds, st.floats(1e-8, 1))
def test_batch_norm_in_evaluation_uses_the_running_statistics(
    shape: Shape, seed: int, eps: float
) -> None:
    """Whatever the batch is: y = gamma * (x - running_mean) / sqrt(running_var + eps) + beta."""
    rng = np.random.RandomState(seed)
    layer = BatchNorm(eps=eps)
    params, buffers = random_params(layer, shape[1:], rng), random_buffers(layer, shape[1:], rng)
    x = normal(rng, shape)
    y, _ = layer.forward(params | buffers, x)
    for c in range(shape[1]):
        mean, var = buffers["running_mean"][c], buffers["running_var"][c]
        expected = params["gamma"][c] * (x[:, c] - mean) / (var + eps) ** 0.5 + params["beta"][c]
        np.testing.assert_allclose(y[:, c], expected, rtol=0, atol=1e-12)


def test_batch_norm_starts_as_the_identity_in_evaluation(rng: np.random.RandomState) -> None:
    """Mean 0, variance 1, gamma 1 and beta 0, so only eps tells y from x."""
    x = normal(rng, (3, 2, 4, 4))
    _, params, buffers = BatchNorm().init((2, 4, 4), rng)
    y, _ = BatchNorm().forward(params | buffers, x)
    np.testing.assert_allclose(y, x / (1 + 1e-5) ** 0.5, rtol=1e-15)


def test_batch_norm_of_a_single_number() -> None:
    """Less its mean it is 0, whatever it was: nothing could be learned. In evaluation it may be."""
    params = {"gamma": np.array([3.0]), "beta": np.array([7.0])}
    buffers = {"running_mean": np.array([4.0]), "running_var": np.array([1.0])}
    layer, x = BatchNorm(), np.array([[4.0]])
    with pytest.raises(ValueError, match=r"one value per channel has no variance, got x \(1, 1\)"):
        layer.forward(params | buffers, x, Mode(training=True))
    assert buffers["running_mean"].tolist() == [4]
    assert layer.forward(params | buffers, x)[0].tolist() == [[7]]
    y, _ = layer.forward(params | buffers, np.array([[[4.0, 4.0]]]), Mode(training=True))
    assert y.tolist() == [[[7, 7]]]


def test_batch_norm_of_a_constant_channel_is_beta() -> None:
    """With no warning, though the variance is 0."""
    params = {"gamma": np.array([3.0, 1.0]), "beta": np.array([7.0, 0.0])}
    buffers = {"running_mean": np.zeros(2), "running_var": np.ones(2)}
    x = np.stack([np.full((4, 2), 5.0), np.array([[1.0, -1.0]] * 4)], axis=1)
    y, _ = BatchNorm(eps=3.0).forward(params | buffers, x, Mode(training=True))
    assert y.tolist() == [[[7, 7], [0.5, -0.5]]] * 4  # 1 / sqrt(1 + 3)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropouts_mean_is_x(rate: float, rng: np.random.RandomState) -> None:
    """Each element is 0 or x / (1 - rate); the share of zeros is the rate, the mean is x's.

    Within five standard errors: those of a share, and those of x times a mask / (1 - rate).
    """
    x, n = np.full((1000, 40), 2.0), 40_000
    y, _ = Dropout(rate).forward({}, x, Mode(training=True, rng=rng))
    assert {*np.unique(y)} <= {0.0, 2.0 / (1.0 - rate)}
    variance = rate * (1.0 - rate)
    assert abs(np.mean(y == 0.0) - rate) <= 5 * (variance / n) ** 0.5
    assert abs(y.mean() - 2.0) <= 5 * 2.0 / (1.0 - rate) * (variance / n) ** 0.5
    # No row or column is dropped as a whole more often than chance has it.
    for axis, size in ((0, 1000), (1, 40)):
        shares = np.mean(y == 0.0, axis=axis)
        assert np.abs(shares - rate).max() <= 6 * (variance / size) ** 0.5


@PROPERTY
@given(seeds, st.floats(0, 0.99), st.integers(1, 30))
def test_dropout_goes_back_through_its_own_mask(seed: int, rate: float, size: int) -> None:
    """Dx is dy / (1 - rate) where y was kept, and 0 where it was not; in evaluation dx = dy."""
    rng = np.random.RandomState(seed)
    x, dy = 1.0 + rng.random_sample((2, size)), normal(rng, (2, size))
    layer = Dropout(rate)
    y, cache = layer.forward({}, x, Mode(training=True, rng=rng))
    kept = y != 0.0
    np.testing.assert_allclose(y, np.where(kept, x / (1.0 - rate), 0.0), rtol=1e-15)
    dx = layer.backward({}, dy, cache)[0]
    np.testing.assert_allclose(dx, np.where(kept, dy / (1.0 - rate), 0.0), rtol=1e-15)

    y, cache = layer.forward({}, x, Mode(training=False, rng=rng))
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(layer.backward({}, dy, cache)[0], dy)


def test_dropout_draws_a_new_mask_each_time(rng: np.random.RandomState) -> None:
    """From the stream, which alone decides it."""
    x = np.ones((2, 50))
    mode = Mode(training=True, rng=rng)
    first, second = (Dropout(0.5).forward({}, x, mode)[0] for _ in range(2))
    assert np.any(first != second)
    again, _ = Dropout(0.5).forward({}, x, Mode(training=True, rng=np.random.RandomState(0)))
    np.testing.assert_array_equal(again, first)


@pytest.mark.parametrize("rate", [1.0, 1.5, -0.1, float("nan"), float("inf")])
def test_wrong_rates_are_refused(rate: float) -> None:
    """The error names the setting and the value."""
    with pytest.raises(ValueError, match=rf"^rate: .* got {rate}$"):
        Dropout(rate)


@pytest.mark.parametrize("weight_init", INITIALIZERS)
def test_weight_init_is_the_named_draw(weight_init: Any) -> None:
    """A convolution and a dense layer start with it, and with the biases 0."""
    conv = Conv2D(3, 2, stride=2, padding=1, weight_init=weight_init)
    params = conv.init((4, 5, 5), np.random.RandomState(1)).params
    expected = INITIALIZERS[weight_init](np.random.RandomState(1), (3, 4, 2, 2), 16, 12)
    np.testing.assert_array_equal(params["W"], expected)
    assert params["b"].tolist() == [0, 0, 0]
    params = Dense(3, weight_init).init((5,), np.random.RandomState(1)).params
    expected = INITIALIZERS[weight_init](np.random.RandomState(1), (5, 3), 5, 3)
    np.testing.assert_array_equal(params["W"], expected)
    assert params["b"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["eps", "momentum"])
@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_batch_norm_refuses_settings_out_of_range(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        BatchNorm(**{name: value})
