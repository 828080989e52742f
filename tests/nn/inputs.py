"""Inputs and settings that the tests of the network library share."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from hypothesis import settings

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.nn.layers import EVALUATION, Arrays, Layer, Mode

PROPERTY = settings(max_examples=60, deadline=None, derandomize=True)

MEMORY_ORDERS: dict[str, Callable[[Array], Array]] = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "batch last": lambda a: np.moveaxis(np.moveaxis(a, 0, -1).copy(), -1, 0),
    "reversed": lambda a: a[..., ::-1].copy()[..., ::-1],
    "every second": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
}

# A training mode is made anew for each pass, so that dropout draws the same mask each time.
MODES: dict[str, Callable[[], Mode]] = {
    "evaluation": lambda: EVALUATION,
    "training": lambda: Mode(training=True, rng=np.random.RandomState(7)),
}

_Scalar = TypeVar("_Scalar", bound=np.generic)


def read_only(array: np.ndarray[Any, np.dtype[_Scalar]]) -> np.ndarray[Any, np.dtype[_Scalar]]:
    """Return a copy that raises ValueError when it is written to."""
    copy = array.copy(order="K")
    copy.flags.writeable = False
    return copy


def normal(rng: np.random.RandomState, shape: Shape) -> Array:
    """Return standard normal numbers."""
    return np.asarray(rng.standard_normal(shape))


def smooth_input(shape: Shape, rng: np.random.RandomState) -> Array:
    """Return numbers in -2..2, no two closer than 3/size, and none closer to 0 than 0.6/size.

    So a finite difference crosses no kink of a rectifier and no tie of a maximum.
    """
    size = int(np.prod(shape))
    places = np.arange(size) - size // 2 + 0.25 + rng.uniform(-0.1, 0.1, size)
    return rng.permutation(4.0 * places / size).reshape(shape)


def random_params(layer: Layer, in_shape: Shape, rng: np.random.RandomState) -> Arrays:
    """Return the layer's parameters with no zeros among them, biases included."""
    params = layer.init(in_shape, rng).params
    return {name: normal(rng, array.shape) for name, array in params.items()}


def random_buffers(layer: Layer, in_shape: Shape, rng: np.random.RandomState) -> Arrays:
    """Return the layer's buffers, none as at the start, and all above 0, as a variance must be."""
    buffers = layer.init(in_shape, rng).buffers
    return {name: np.asarray(rng.uniform(0.5, 2.0, array.shape)) for name, array in buffers.items()}


def copies(arrays: Arrays) -> Arrays:
    """Return copies, which may be written to."""
    return {name: array.copy() for name, array in arrays.items()}
