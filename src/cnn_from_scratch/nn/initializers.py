"""Initial weights: how the random start of a layer scales with its number of inputs."""

import numpy as np


def published(
    rng: np.random.RandomState, shape: tuple[int, ...], fan_in: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Draw weights as the published study does (and LeCun et al. 1998, section 4.6).

    W ~ N(0, 1) * sqrt(1 / fan_in)

    fan_in is the number of inputs that one output sums over. Returns float64 of the given shape.
    """
    return rng.standard_normal(shape) * np.sqrt(1.0 / fan_in)
