"""The gradient checker itself: it must fail on wrong gradients, or its passes mean nothing."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.nn.layers import (
    EVALUATION,
    Arrays,
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Gradients,
    Init,
    Layer,
    MaxPool2D,
    Mode,
    Sigmoid,
    Tanh,
)
from cnn_from_scratch.nn.numerics import factor
from tests.nn.gradient_check import check_gradient, check_layer, numerical_gradient
from tests.nn.inputs import MODES, random_buffers, random_params, smooth_input


@dataclass(frozen=True)
class _WrongGradient(Layer):
    """A layer in which one gradient, "x" or a parameter's, is not what it should be."""

    right: Layer
    wrong: str
    how: Any  # from the right gradient to the wrong one
    mode_matters: ClassVar[bool] = True

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        return self.right.init(in_shape, rng)

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        return self.right.forward(params, x, mode)

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        dx, grads = self.right.backward(params, dy, cache)
        every = {"x": dx} | grads
        every[self.wrong] = self.how(every[self.wrong])
        return every.pop("x"), every


def _transposed(g: Array) -> Array:
    return g.swapaxes(-1, -2)


def _flipped(g: Array) -> Array:
    return g[..., ::-1, ::-1]


def _dropped(g: Array) -> Array:
    return np.zeros_like(g)


def _halved(g: Array) -> Array:
    return g / 2


def _shifted(g: Array) -> Array:
    return np.roll(g, 1, axis=-1)


def _barely_wrong(g: Array) -> Array:
    return g * (1 + 1e-6)


def _one_place_wrong(g: Array) -> Array:
    wrong = g.copy()
    wrong.flat[-1] += 1e-5
    return wrong


def _broadcast(g: Array) -> Array:
    return g[:1]


CONV, DENSE, POOL, NORM = Conv2D(2, 3), Dense(3), MaxPool2D(2), BatchNorm()
IMAGE, VECTOR = (2, 5, 6), (3,)

WRONG = [
    (CONV, IMAGE, "W", _transposed),
    (CONV, IMAGE, "W", _flipped),
    (CONV, IMAGE, "W", _one_place_wrong),
    (CONV, IMAGE, "b", _dropped),
    (CONV, IMAGE, "b", _halved),
    (CONV, IMAGE, "b", _broadcast),
    (CONV, IMAGE, "x", _shifted),
    (CONV, IMAGE, "x", _barely_wrong),
    (CONV, IMAGE, "x", _broadcast),
    (DENSE, VECTOR, "W", _transposed),
    (DENSE, VECTOR, "b", _halved),
    (DENSE, VECTOR, "x", _one_place_wrong),
    (POOL, IMAGE, "x", _shifted),
    (POOL, IMAGE, "x", _dropped),
    (AvgPool2D(2), IMAGE, "x", _shifted),
    (Sigmoid(), VECTOR, "x", _barely_wrong),
    (Tanh(), VECTOR, "x", _barely_wrong),
    (NORM, IMAGE, "gamma", _barely_wrong),
    (NORM, IMAGE, "beta", _one_place_wrong),
    (NORM, IMAGE, "x", _barely_wrong),
    (Dropout(0.3), IMAGE, "x", _shifted),
]
both_modes = pytest.mark.parametrize("mode", MODES)


@pytest.mark.parametrize(("layer", "in_shape", "wrong", "how"), WRONG)
@both_modes
def test_a_wrong_gradient_fails(
    layer: Layer, in_shape: Shape, wrong: str, how: Any, mode: str, rng: np.random.RandomState
) -> None:
    """The right layer passes; with one gradient spoilt it fails, and that one is named."""
    arrays = random_params(layer, in_shape, rng), random_buffers(layer, in_shape, rng)
    x = smooth_input((2, *in_shape), rng)
    check_layer(layer, *arrays, x, rng, MODES[mode])
    with pytest.raises(AssertionError, match=f"^{wrong}: "):
        check_layer(_WrongGradient(layer, wrong, how), *arrays, x, rng, MODES[mode])


class _ForgetsMean(BatchNorm):
    """Batch normalization without the term that goes through the batch's mean."""

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        xhat, std, _ = cache
        dxhat = params["gamma"][:, np.newaxis, np.newaxis] * dy
        dx = (dxhat - xhat * (dxhat * xhat).mean(axis=(0, 2, 3), keepdims=True)) / std
        return dx, super().backward(params, dy, cache)[1]


class _ForgetsVariance(BatchNorm):
    """Batch normalization without the term that goes through the batch's variance."""

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        _, std, _ = cache
        dxhat = params["gamma"][:, np.newaxis, np.newaxis] * dy
        dx = (dxhat - dxhat.mean(axis=(0, 2, 3), keepdims=True)) / std
        return dx, super().backward(params, dy, cache)[1]


class _ForgetsBoth(BatchNorm):
    """Batch normalization that takes the batch's statistics for given numbers."""

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        return super().backward(params, dy, (*cache[:2], False))


def _through(conv: Conv2D, weight: Array, params: Arrays, dy: Array, cache: Any) -> Gradients:
    """Go back as if the convolution had gone forward with this W."""
    patches, _ = cache
    return Conv2D.backward(conv, params, dy, (patches, factor(weight.reshape(len(weight), -1))))


class _TransposesKernel(Conv2D):
    """A convolution that goes back through W[o,c,v,u]."""

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        return _through(self, params["W"].swapaxes(2, 3), params, dy, cache)


class _FlipsKernel(Conv2D):
    """A convolution, in the strict sense, on the way back of a correlation."""

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        return _through(self, params["W"][:, :, ::-1, ::-1], params, dy, cache)


@dataclass(frozen=True)
class _Confused(Layer):
    """A layer that goes forward as it should, and back as if it were another one."""

    right: Layer
    other: Layer
    mode_matters: ClassVar[bool] = True

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        return self.right.init(in_shape, rng)

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        y, cache = self.right.forward(params, x, mode)
        other_y, other_cache = self.other.forward(params, x, mode)
        assert other_y.shape == y.shape  # or the mistake would be found without any checker
        return y, (cache, other_cache)

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        _, grads = self.right.backward(params, dy, cache[0])
        dx, _ = self.other.backward(params, dy, cache[1])
        return dx, grads


@dataclass(frozen=True)
class _ConfusedGradients(_Confused):
    """One that goes back as it should, but has another layer's gradients."""

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        dx, _ = self.right.backward(params, dy, cache[0])
        _, grads = self.other.backward(params, dy, cache[1])
        return dx, grads


# A layer, one that is wrong in a known way, and an image that fits both.
CONFUSED: list[tuple[Layer, Layer, Shape]] = [
    (NORM, _ForgetsMean(), IMAGE),
    (NORM, _ForgetsVariance(), IMAGE),
    (NORM, _ForgetsBoth(), IMAGE),
    (CONV, _TransposesKernel(2, 3), IMAGE),
    (CONV, _FlipsKernel(2, 3), IMAGE),
    (Conv2D(2, 3, stride=2, padding=1), _TransposesKernel(2, 3, stride=2, padding=1), IMAGE),
    (Conv2D(2, 2, stride=2), Conv2D(2, 2, stride=3), (2, 5, 5)),
    (Conv2D(2, 2, stride=3), Conv2D(2, 2, stride=2), (2, 5, 5)),
    (Conv2D(2, 2, stride=3, padding=1), Conv2D(2, 2, stride=3, padding=0), (2, 5, 5)),
    (AvgPool2D(2, stride=2), AvgPool2D(2, stride=3), (2, 5, 5)),
    (AvgPool2D(2, stride=3), MaxPool2D(2, stride=3), (2, 5, 5)),
    (MaxPool2D(2, stride=2), MaxPool2D(3, stride=2), (2, 5, 5)),
]


@pytest.mark.parametrize(("right", "other", "in_shape"), CONFUSED, ids=str)
def test_a_wrong_layer_fails(
    right: Layer, other: Layer, in_shape: Shape, rng: np.random.RandomState
) -> None:
    """A dropped term, a transposed kernel, a stride or padding off by one: all are found."""
    arrays = random_params(right, in_shape, rng), random_buffers(right, in_shape, rng)
    x = smooth_input((3, *in_shape), rng)
    check_layer(right, *arrays, x, rng, MODES["training"])
    with pytest.raises(AssertionError, match=r"^x: relative error"):
        check_layer(_Confused(right, other), *arrays, x, rng, MODES["training"])


@pytest.mark.parametrize(
    ("right", "other", "in_shape"),
    [case for case in CONFUSED if type(case[1]) is Conv2D],
    ids=str,
)
def test_wrong_gradients_of_the_kernel_fail(
    right: Layer, other: Layer, in_shape: Shape, rng: np.random.RandomState
) -> None:
    """A stride or padding off by one is found in dW too."""
    arrays = random_params(right, in_shape, rng), random_buffers(right, in_shape, rng)
    x = smooth_input((3, *in_shape), rng)
    with pytest.raises(AssertionError, match=r"^W: relative error"):
        check_layer(_ConfusedGradients(right, other), *arrays, x, rng)


@dataclass(frozen=True)
class _ForgetsBias(Conv2D):
    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        dx, grads = super().backward(params, dy, cache)
        return dx, {"W": grads["W"]}


def test_a_missing_gradient_fails(rng: np.random.RandomState) -> None:
    """A parameter without any gradient is found."""
    layer, x = _ForgetsBias(2, 3), smooth_input((2, *IMAGE), rng)
    with pytest.raises(AssertionError, match=r"^gradients of \['W'\] for \['W', 'b'\]"):
        check_layer(layer, random_params(layer, IMAGE, rng), {}, x, rng)


def test_a_new_mask_in_every_pass_fails(rng: np.random.RandomState) -> None:
    """With one stream for all passes, dropout is no function, and the checker says so."""
    mode = Mode(training=True, rng=np.random.RandomState(7))
    with pytest.raises(AssertionError, match=r"^x: relative error"):
        check_layer(Dropout(0.5), {}, {}, smooth_input((3, *IMAGE), rng), rng, lambda: mode)


def test_a_gradient_that_is_zero_or_not_a_number_fails() -> None:
    """Two zeros agree on nothing, and NaN agrees with nothing."""
    with pytest.raises(AssertionError, match=r"^dz: .* proves nothing"):
        check_gradient("dz", np.zeros(3), np.zeros(3))
    with pytest.raises(AssertionError, match=r"^dz: relative error nan"):
        check_gradient("dz", np.full(3, np.nan), np.ones(3))


def test_numerical_gradient_of_a_known_function() -> None:
    """The gradient of <dy, x^2> is 2 x dy."""
    x, dy = np.array([1.0, -2.0, 3.0]), np.array([1.0, 0.5, -1.0])
    gradient = numerical_gradient(lambda x: x**2, x, dy)
    np.testing.assert_allclose(gradient, [2.0, -2.0, -6.0], rtol=1e-9)
