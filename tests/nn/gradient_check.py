"""Checks hand-written gradients against central finite differences.

For y = f(x), `backward` claims to return the gradient of <dy, f(x)>. Here dy is random, so that
every output counts with a weight of its own and no errors cancel.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn.layers import Arrays, Layer, Mode
from tests.nn.inputs import MODES, copies, normal

TOLERANCE = 1e-7  # of the difference, relative in norm
STEP = 1e-5


def numerical_gradient(f: Callable[[Array], Array], x: Array, dy: Array) -> Array:
    """Return the gradient of <dy, f(x)> with respect to x, place by place."""
    gradient = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[place] = STEP
        gradient[place] = np.vdot(dy, f(x + step) - f(x - step)) / (2.0 * STEP)
    return gradient


def check_gradient(name: str, claimed: Array, numerical: Array) -> None:
    """Raise AssertionError, naming the gradient, unless the two agree."""
    assert claimed.shape == numerical.shape, f"{name}: shape {claimed.shape}"
    size = np.linalg.norm(numerical)
    assert size > 1e-3, f"{name}: a gradient of zero proves nothing"
    error = np.linalg.norm(claimed - numerical) / size
    assert error <= TOLERANCE, f"{name}: relative error {error:.1e}"


def check_layer(
    layer: Layer,
    params: Arrays,
    buffers: Arrays,
    x: Array,
    rng: np.random.RandomState,
    mode: Callable[[], Mode] = MODES["evaluation"],
) -> None:
    """Check the layer's gradient for x ("x") and for each parameter (its name).

    Every pass has a mode of its own, and its own copy of the buffers.
    """

    def forward(params: Arrays, x: Array) -> tuple[Array, Any]:
        return layer.forward({**params, **copies(buffers)}, x, mode())

    y, cache = forward(params, x)
    dy = normal(rng, y.shape)
    claimed_dx, claimed = layer.backward({**params, **buffers}, dy, cache)
    assert claimed.keys() == params.keys(), f"gradients of {[*claimed]} for {[*params]}"

    def with_param(name: str) -> Callable[[Array], Array]:
        return lambda value: forward({**params, name: value}, x)[0]

    for name, value in params.items():
        check_gradient(name, claimed[name], numerical_gradient(with_param(name), value, dy))
    dx = numerical_gradient(lambda x: forward(params, x)[0], x, dy)
    check_gradient("x", claimed_dx, dx)
