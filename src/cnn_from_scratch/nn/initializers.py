"""Initial weights: how the random start of a layer scales with its inputs and outputs.

fan_in is the number of inputs that one output sums over, fan_out the number of outputs that one
input goes to (for a convolution, kernel places count). All return float64 of the given shape, with
mean 0; what differs is the standard deviation, and whether it is a normal or a uniform draw.
A uniform draw from [-a, a] has the standard deviation a / sqrt(3).
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.random import RandomState

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.arithmetic.random import standard_normal

InitializerName = Literal["published", "xavier_uniform", "xavier_normal", "he", "lecun"]


def published(rng: RandomState, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """Draw W ~ N(0, 1 / fan_in), as the published study does (Lee 2025, released code)."""
    return standard_normal(rng, shape) * np.sqrt(1.0 / fan_in)


def xavier_uniform(rng: RandomState, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """Draw W ~ U[-a, a] with a = sqrt(6 / (fan_in + fan_out)).

    Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward
    neural networks", equation 16.
    """
    return _uniform(rng, shape, np.sqrt(6.0 / (fan_in + fan_out)))


def xavier_normal(rng: RandomState, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """Draw W ~ N(0, 2 / (fan_in + fan_out)) (Glorot and Bengio 2010, equation 12)."""
    return standard_normal(rng, shape) * np.sqrt(2.0 / (fan_in + fan_out))


def he(rng: RandomState, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """Draw W ~ N(0, 2 / fan_in), for ReLU.

    Source: He et al. 2015, "Delving deep into rectifiers", equation 10.
    """
    return standard_normal(rng, shape) * np.sqrt(2.0 / fan_in)


def lecun(rng: RandomState, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """Draw W ~ U[-a, a] with a = sqrt(3 / fan_in), so that the variance is 1 / fan_in.

    Source: LeCun et al. 1998, "Efficient BackProp", equation 16. (`published` has the same
    variance, but is normal.)
    """
    return _uniform(rng, shape, np.sqrt(3.0 / fan_in))


INITIALIZERS: dict[InitializerName, Callable[..., Array]] = {
    "published": published,
    "xavier_uniform": xavier_uniform,
    "xavier_normal": xavier_normal,
    "he": he,
    "lecun": lecun,
}


def _uniform(rng: RandomState, shape: Shape, limit: float) -> Array:
    return limit * (2.0 * rng.random_sample(shape) - 1.0)
