"""What the samples of a dataset look like, so that new pictures can be made like them.

Digits are ink on a plain ground: of light ink on dark ground, say, that reaches from the top to the
bottom of the image. Photographs are not, and are taken as they are.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.checks import AT_LEAST_1, POSITIVE, UNIT, Checked
from cnn_from_scratch.experiment.dataset import Chosen
from cnn_from_scratch.nn import numerics

SAMPLES = 1000  # that are looked at, the first
PLAIN = 0.1  # how far from the ground a pixel of it may be
BORDER = 0.5  # the share of the border that must be ground
INK = 0.25  # how far from the ground a pixel of ink is at least
USUAL = 0.9  # the share of the samples whose ink is not larger than the size that is told


@dataclass(frozen=True)
class Preparation(Checked):
    """How samples are made, as it was measured on those that a network learned from.

    scale: the value of a full pixel in the dataset; networks take value / scale, in 0..1.
    ground: the value, in 0..1, of the plain ground that ink stands on; None: there is none.
    ink_height, ink_width: how large the ink usually is, in pixels; None where there is none.
    centred: what of the ink stands in the middle of the image: its box, or its mass.
    """

    scale: Annotated[float, POSITIVE]
    ground: Annotated[float | None, UNIT] = None
    ink_height: Annotated[int | None, AT_LEAST_1] = None
    ink_width: Annotated[int | None, AT_LEAST_1] = None
    centred: Literal["box", "mass"] = "box"


def measured(images: Chosen) -> Preparation:
    """Return the preparation that images (N, C, H, W) went through, by the first SAMPLES of them.

    The ground is the median of the border's pixels, of the mean over channels. It is plain if
    BORDER of them are within PLAIN of it; ink is what is INK away from it. It is centred by its
    mass, if the centres of mass are closer together than those of the boxes.
    """
    gray = gray_of(images[: min(SAMPLES, len(images))].astype(np.float64, copy=False))
    border = border_of(gray)
    ground = float(np.median(border))
    if np.count_nonzero(abs(border - ground) <= PLAIN) < BORDER * border.size:
        return Preparation(images.scale)
    away = abs(gray - ground)
    away = away[(away >= INK).any(axis=(1, 2))]
    if not len(away):
        return Preparation(images.scale)
    ink = away >= INK
    rows, columns = (_extents(ink.any(axis=axis)) for axis in (2, 1))
    by_box = _spread(numerics.mean(rows, axis=1)) + _spread(numerics.mean(columns, axis=1))
    by_mass = sum(_spread(_centres(away, axis)) for axis in (1, 2))
    return Preparation(
        images.scale,
        ground,
        ink_height=_usual(rows[:, 1] - rows[:, 0]),
        ink_width=_usual(columns[:, 1] - columns[:, 0]),
        centred="mass" if by_mass < by_box else "box",
    )


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


def _extents(lines: Any) -> Array:
    """Return where each sample's lines (N, L) with ink begin, and where they end: (N, 2)."""
    places = [np.flatnonzero(sample) for sample in lines]
    return np.array([[at[0], at[-1] + 1.0] for at in places])


def _usual(sizes: Array) -> int:
    return int(np.sort(sizes)[int(USUAL * (len(sizes) - 1))])


def _centres(ink: Array, axis: int) -> Array:
    """Return the centre of mass of each sample (N, H, W), along an axis: (N,)."""
    middles = np.arange(ink.shape[axis]) + 0.5
    by_line = numerics.sum(ink, axis=3 - axis)
    return numerics.sum(by_line * middles, axis=1) / numerics.sum(by_line, axis=1)


def _spread(places: Array) -> float:
    """Return the variance of some places."""
    deviations = places - numerics.mean(places)
    return float(numerics.mean(deviations * deviations))
