"""Normal random numbers with the same bits on every machine."""

import math

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.arithmetic.elementary import log


def standard_normal(rng: np.random.RandomState, shape: Shape) -> Array:
    """Draw from N(0, 1).

    NumPy's own draw takes its logarithms from the platform's C library. This is the same method
    (polar: Marsaglia and Bray 1964), on the stream's uniform numbers and our logarithm.
    """
    needed = math.prod(shape)
    drawn = np.empty(0)
    while drawn.size < needed:
        u = 2.0 * rng.random_sample((needed - drawn.size, 2)) - 1.0
        s = u[:, 0] * u[:, 0] + u[:, 1] * u[:, 1]
        u, s = u[(s > 0) & (s < 1)], s[(s > 0) & (s < 1)]
        pairs = u * np.sqrt(-2.0 * log(s) / s)[:, np.newaxis]
        drawn = np.concatenate([drawn, pairs.ravel()])
    return drawn[:needed].reshape(shape)
