"""The gradient checker itself: it must fail on wrong gradients, or its passes mean nothing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.nn.layers import (
    Array,
    Conv2D,
    Dense,
    Layer,
    MaxPool2D,
    Params,
    Shape,
    Sigmoid,
)
from tests.nn.gradient_check import check_gradient, check_layer, numerical_gradient
from tests.nn.inputs import random_params, smooth_input


@dataclass(frozen=True)
class _WrongGradient:
    """A layer in which one gradient, "x" or a parameter's, is not what it should be."""

    right: Layer
    wrong: str
    how: Any  # from the right gradient to the wrong one

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Any:
        return self.right.init(in_shape, rng)

    def forward(self, params: Params, x: Array) -> tuple[Array, Any]:
        return self.right.forward(params, x)

    def gradients(self, params: Params, dy: Array, cache: Any) -> Params:
        gradients = self.right.gradients(params, dy, cache)
        return {n: self.how(g) if n == self.wrong else g for n, g in gradients.items()}

    def backward(self, params: Params, dy: Array, cache: Any) -> Array:
        dx = self.right.backward(params, dy, cache)
        return self.how(dx) if self.wrong == "x" else dx


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


CONV, DENSE, POOL = Conv2D(2, 3), Dense(3), MaxPool2D(2)
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
    (Sigmoid(), VECTOR, "x", _barely_wrong),
]


@pytest.mark.parametrize(("layer", "in_shape", "wrong", "how"), WRONG)
def test_a_wrong_gradient_fails(
    layer: Layer, in_shape: Shape, wrong: str, how: Any, rng: np.random.RandomState
) -> None:
    """The right layer passes; with one gradient spoilt it fails, and that one is named."""
    params, x = random_params(layer, in_shape, rng), smooth_input((2, *in_shape), rng)
    check_layer(layer, params, x, rng)
    with pytest.raises(AssertionError, match=f"^{wrong}: "):
        check_layer(_WrongGradient(layer, wrong, how), params, x, rng)


@dataclass(frozen=True)
class _ForgetsBias(Conv2D):
    def gradients(self, params: Params, dy: Array, cache: Any) -> Params:
        return {"W": super().gradients(params, dy, cache)["W"]}


def test_a_missing_gradient_fails(rng: np.random.RandomState) -> None:
    """A parameter without any gradient is found."""
    layer, x = _ForgetsBias(2, 3), smooth_input((2, *IMAGE), rng)
    with pytest.raises(AssertionError, match=r"^gradients of \['W'\] for \['W', 'b'\]"):
        check_layer(layer, random_params(layer, IMAGE, rng), x, rng)


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
