"""Augmentation: training images changed at random, so that a network sees more than there are."""

from math import pi
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.arithmetic.random import standard_normal
from cnn_from_scratch.experiment.params import Augmentation
from cnn_from_scratch.nn.numerics import cos, sin


def augment(images: Array, how: Augmentation, rng: np.random.RandomState) -> Array:
    """Return changed copies of images (N, C, H, W) with pixels in 0..1, of the same dtype."""
    n, dtype = len(images), images.dtype
    if how.flip:
        images = flip(images, rng.random_sample(n) < 0.5)
    if how.rotation > 0:
        degrees = how.rotation * (2.0 * rng.random_sample(n) - 1.0)
        images = rotate(images, degrees)
    if how.shift > 0:
        images = shift(images, rng.randint(-how.shift, how.shift + 1, size=(n, 2)))
    if how.noise > 0:
        noisy = images + how.noise * standard_normal(rng, images.shape)
        images = np.clip(noisy, 0.0, 1.0)
    return images.astype(dtype, copy=False)


def flip(images: Array, which: np.ndarray[Any, np.dtype[np.bool_]]) -> Array:
    """Mirror image n from left to right where which[n]: images (N, C, H, W), which (N,)."""
    return np.where(which[:, None, None, None], images[..., ::-1], images)


def shift(images: Array, offsets: np.ndarray[Any, np.dtype[np.integer[Any]]]) -> Array:
    """Move image n down by offsets[n, 0] and right by offsets[n, 1] pixels; zeros come in.

    images (N, C, H, W), offsets (N, 2) -> (N, C, H, W).
    """
    farthest = int(np.abs(offsets).max(initial=0))
    crops = sliding_window_view(_with_zeros_around(images, farthest), images.shape[2:], axis=(2, 3))
    rows, columns = (farthest - offsets).T  # where each image's crop begins
    return crops[np.arange(len(images)), :, rows, columns]


def rotate(images: Array, degrees: Array) -> Array:
    """Turn image n counter-clockwise by degrees[n] about its centre, interpolating bilinearly.

    images (N, C, H, W), degrees (N,) -> (N, C, H, W).
    """
    n, channels, height, width = images.shape
    y = (np.arange(height) - (height - 1) / 2)[:, None]  # down from the centre
    x = (np.arange(width) - (width - 1) / 2)[None, :]  # right from the centre
    within_half_turns = degrees - 360.0 * np.rint(degrees / 360.0)
    angle = (within_half_turns * (pi / 180.0))[:, None, None]
    source_y = cos(angle) * y + sin(angle) * x + (height - 1) / 2  # (N, H, W)
    source_x = cos(angle) * x - sin(angle) * y + (width - 1) / 2
    top, left = np.floor(source_y), np.floor(source_x)
    down, right = source_y - top, source_x - left
    pixels = _with_zeros_around(images, 1)
    image_starts = np.arange(n * channels).reshape(n, channels, 1, 1) * pixels[0, 0].size
    result = np.zeros_like(images)
    for dy, weight_y in ((0, 1.0 - down), (1, down)):
        row_starts = image_starts + (width + 2) * _places(top + dy, height)
        for dx, weight_x in ((0, 1.0 - right), (1, right)):
            weights = (weight_y * weight_x).astype(images.dtype, copy=False)
            result += pixels.take(row_starts + _places(left + dx, width)) * weights[:, None]
    return result


def _with_zeros_around(images: Array, pixels: int) -> Array:
    return np.pad(images, ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels)))


def _places(coordinates: Array, size: int) -> np.ndarray[Any, np.dtype[np.integer[Any]]]:
    """Return rows or columns (N, H, W) as places with one 0 before and behind: (N, 1, H, W)."""
    return (np.clip(coordinates, -1.0, size) + 1.0).astype(np.intp)[:, None]
