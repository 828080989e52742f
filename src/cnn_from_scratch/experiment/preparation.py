"""What the samples of a dataset look like, so that new pictures can be made like them.

Digits are ink on a plain ground: of light ink on dark ground, say, that reaches from the top to the
bottom of the image. Photographs are not, and are taken as they are.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.dataset import Chosen

SAMPLES = 1000  # that are looked at, the first
PLAIN = 0.1  # how far from the ground a pixel of it may be
BORDER = 0.5  # the share of the border that must be ground
INK = 0.25  # how far from the ground a pixel of ink is at least
USUAL = 0.9  # the share of the samples whose ink is not larger than the size that is told


@dataclass(frozen=True)
class Preparation:
    """How samples are made, as it was measured on those that a network learned from.

    scale: the value of a full pixel in the dataset; networks take value / scale, in 0..1.
    ground: the value, in 0..1, of the plain ground that ink stands on; None: there is none.
    ink_height, ink_width: how large the ink usually is, in pixels; None where there is none.
    """

    scale: float
    ground: float | None = None
    ink_height: int | None = None
    ink_width: int | None = None


def measured(images: Chosen) -> Preparation:
    """Return the preparation that images (N, C, H, W) went through, by the first SAMPLES of them.

    The ground is the median of the border's pixels, of the mean over channels. It is plain if
    BORDER of them are within PLAIN of it; ink is what is INK away from it.
    """
    gray = gray_of(images[: min(SAMPLES, len(images))].astype(np.float64, copy=False))
    border = border_of(gray)
    ground = float(np.median(border))
    if np.count_nonzero(abs(border - ground) <= PLAIN) < BORDER * border.size:
        return Preparation(images.scale)
    ink = abs(gray - ground) >= INK
    heights, widths = (_extents(ink.any(axis=axis)) for axis in (2, 1))
    if not heights:
        return Preparation(images.scale)
    return Preparation(images.scale, ground, _usual(heights), _usual(widths))


def gray_of(images: Array) -> Array:
    """Return the mean over channels, added up in their order: (N, C, H, W) -> (N, H, W)."""
    total = images[:, 0].copy()
    for channel in range(1, images.shape[1]):
        total += images[:, channel]
    return total / images.shape[1]


def border_of(gray: Array) -> Array:
    """Return the outermost pixels of images (N, H, W), all in one row."""
    inside = np.zeros(gray.shape[1:], dtype=bool)
    inside[1:-1, 1:-1] = True
    return gray[:, ~inside].ravel()


def _extents(lines: Any) -> list[int]:
    """Return from where to where each sample's lines (N, L) have ink, in pixels, if any has."""
    places = (np.flatnonzero(sample) for sample in lines)
    return [int(at[-1] - at[0]) + 1 for at in places if at.size]


def _usual(sizes: list[int]) -> int:
    return sorted(sizes)[int(USUAL * (len(sizes) - 1))]
