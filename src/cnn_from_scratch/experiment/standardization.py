"""Standardization: the mean and the standard deviation of each channel, as a network's first layer.

They are measured on training samples alone, and go with the network, as buffers of its checkpoint.
"""

from collections.abc import Callable
from functools import reduce

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.dataset import Chosen
from cnn_from_scratch.nn import numerics
from cnn_from_scratch.nn.layers import Standardize

ROWS = 1000  # images that are floats at a time


def measured(images: Chosen) -> Standardize:
    """Return the layer for images (N, C, H, W): each channel's mean and population SD.

    A channel whose pixels are all the same has the SD 1: it becomes 0.
    """
    origin = _as_float64(images, slice(1))[0, :, :1, :1]  # less it, such a channel is exactly 0
    offset = _mean(images, lambda x: x - origin)

    def squares(x: Array) -> Array:
        deviations = x - origin - offset
        return deviations * deviations

    sd = np.sqrt(_mean(images, squares))
    sd[sd == 0.0] = 1.0
    return Standardize(tuple((origin + offset).ravel().tolist()), tuple(sd.ravel().tolist()))


def _mean(images: Chosen, of_pixels: Callable[[Array], Array]) -> Array:
    """Return the mean of a function of the pixels, by channel: (C, 1, 1)."""
    height, width = images.images.shape[2:]
    totals = [
        numerics.sum(of_pixels(_as_float64(images, slice(start, start + ROWS))), axis=(0, 2, 3))
        for start in range(0, len(images), ROWS)
    ]
    return reduce(np.add, totals)[:, None, None] / (len(images) * height * width)


def _as_float64(images: Chosen, rows: slice) -> Array:
    return images[rows].astype(np.float64, copy=False)
