"""Augmentation: training images changed at random, so that a network sees more than there are."""

from math import pi
from typing import Any

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.arithmetic.random import standard_normal
from cnn_from_scratch.experiment.params import Augmentation
from cnn_from_scratch.nn.numerics import cos, sin


def augment(images: Array, how: Augmentation, rng: np.random.RandomState) -> Array:
    """Return changed copies of images (N, C, H, W) with pixels in 0..1, of the same dtype."""
    n, dtype = len(images), images.dtype
    if how.rotation > 0:
        degrees = how.rotation * (2.0 * rng.random_sample(n) - 1.0)
        images = rotate(images, degrees)
    if how.shift > 0:
        images = shift(images, rng.randint(-how.shift, how.shift + 1, size=(n, 2)))
    if how.noise > 0:
        noisy = images + how.noise * standard_normal(rng, images.shape)
        images = np.clip(noisy, 0.0, 1.0)
    return images.astype(dtype, copy=False)


def shift(images: Array, offsets: np.ndarray[Any, np.dtype[np.integer[Any]]]) -> Array:
    """Move image n down by offsets[n, 0] and right by offsets[n, 1] pixels; zeros come in.

    images (N, C, H, W), offsets (N, 2) -> (N, C, H, W).
    """
    height, width = images.shape[2:]
    rows = np.arange(height) - offsets[:, :1]  # (N, H): where each row comes from
    columns = np.arange(width) - offsets[:, 1:]  # (N, W)
    return _take(images, rows[:, :, None], columns[:, None, :])


def rotate(images: Array, degrees: Array) -> Array:
    """Turn image n counter-clockwise by degrees[n] about its centre, interpolating bilinearly.

    images (N, C, H, W), degrees (N,) -> (N, C, H, W).
    """
    height, width = images.shape[2:]
    y = (np.arange(height) - (height - 1) / 2)[:, None]  # down from the centre
    x = (np.arange(width) - (width - 1) / 2)[None, :]  # right from the centre
    within_half_turns = degrees - 360.0 * np.rint(degrees / 360.0)
    angle = (within_half_turns * (pi / 180.0))[:, None, None]
    source_y = cos(angle) * y + sin(angle) * x + (height - 1) / 2  # (N, H, W)
    source_x = cos(angle) * x - sin(angle) * y + (width - 1) / 2
    top, left = np.floor(source_y), np.floor(source_x)
    down, right = source_y - top, source_x - left
    result = np.zeros_like(images)
    for dy, weight_y in ((0, 1.0 - down), (1, down)):
        for dx, weight_x in ((0, 1.0 - right), (1, right)):
            rows, columns = top.astype(int) + dy, left.astype(int) + dx
            result = result + _take(images, rows, columns) * (weight_y * weight_x)[:, None]
    return result


def _take(
    images: Array,
    rows: np.ndarray[Any, np.dtype[np.integer[Any]]],
    columns: np.ndarray[Any, np.dtype[np.integer[Any]]],
) -> Array:
    """Return images[n, :, rows[n,i,j], columns[n,i,j]], and 0 outside: (N, C, H, W)."""
    height, width = images.shape[2:]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)  # (N, H, W)
    n = np.arange(len(images))[:, None, None]
    taken = images[n, :, np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    return taken.transpose(0, 3, 1, 2) * inside[:, None]
