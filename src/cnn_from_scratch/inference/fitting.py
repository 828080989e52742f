"""A picture of any size made as a network's samples were made: gray, cropped, averaged to size."""

from dataclasses import dataclass
from math import pi

import numpy as np
from scipy.ndimage import center_of_mass, find_objects, label, maximum_filter

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.experiment.preparation import Preparation, border_of

FAINT = 0.1  # how far from the ground the strongest ink is at least
NONE, FULL = 0.25, 0.75  # of the strongest ink: up to where it is none, from where on it is full
SPECK = 0.05  # ink that is smaller than this part of the largest piece is none
SQUEEZED = 2.0  # how much more than in height ink is made smaller in width, at most


@dataclass(frozen=True)
class Fitted:
    """pixels: (C, H, W) in 0..1. notes: what was done to the picture, in words."""

    pixels: Array
    notes: tuple[str, ...] = ()


def fit(pixels: Array, in_shape: Shape, preparation: Preparation) -> Fitted:
    """Return a picture as a sample of in_shape.

    pixels: (C, h, w) in 0..1, with the channels of in_shape.

    Where samples are ink on a plain ground, so must be the picture. If its ground is dark and the
    samples' light, or the other way round, it is inverted. The ink is cropped, and made as large as
    the samples' ink usually is. What is centred in the samples, the ink's box or its mass, comes to
    the middle of the image. Each new pixel is the mean over the area that it covers. Of one
    channel, faint ink counts as ground, strokes thinner than a new pixel are made as thick as one,
    and the ground's and the strongest ink's values become those of the samples. Without such a
    ground the whole picture is averaged to size.

    Raises ValueError if there is no ink.
    """
    channels, height, width = in_shape
    ground = preparation.ground
    if ground is None or preparation.ink_height is None or preparation.ink_width is None:
        whole = (0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[2]))
        return Fitted(np.stack([_averaged(channel, whole, height, width) for channel in pixels]))
    notes = []
    if abs(_ground(pixels) - ground) > abs(1.0 - _ground(pixels) - ground):
        pixels = 1.0 - pixels
        was, now = ("light", "dark") if ground < 0.5 else ("dark", "light")
        notes.append(f"inverted: its ground is {was}, that of the samples {now}")
    ink = _ink(pixels, bright=ground < 0.5)
    top, bottom, left, right = _box(ink)
    usual = (preparation.ink_height, preparation.ink_width)
    mass = preparation.centred == "mass"
    if channels > 1:
        middle = _middle(ink[top:bottom, left:right], mass=mass)
        box = _around((top, left, bottom, right), middle, usual, (height, width))
        colours = [_averaged(c, box, height, width, _ground(c[np.newaxis])) for c in pixels]
        return Fitted(np.stack(colours), tuple(notes))
    ink = _thickened(ink[top:bottom, left:right], usual, (height, width))
    box = _around((0, 0, *ink.shape), _middle(ink, mass=mass), usual, (height, width))
    amount = _averaged(ink, box, height, width)
    full = 1.0 if ground < 0.5 else 0.0
    sample = ground + amount / amount.max() * (full - ground)
    return Fitted(sample[np.newaxis], tuple(notes))


def _ground(pixels: Array) -> float:
    return float(np.median(border_of(pixels.mean(axis=0, keepdims=True))))


def _ink(pixels: Array, *, bright: bool) -> Array:
    """Return how much ink is where, (h, w): 0 on the ground, and 1 where it is full."""
    away = pixels.mean(axis=0) - _ground(pixels)
    away = np.maximum(away if bright else -away, 0.0)
    if away.max() < FAINT:
        raise ValueError("expected ink on a plain ground, found none")
    return np.asarray(np.clip((away / away.max() - NONE) / (FULL - NONE), 0.0, 1.0))


def _box(ink: Array) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of the ink, without specks."""
    pieces, _ = label(ink >= 0.5, structure=np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel())[1:]
    large = sizes >= SPECK * sizes.max()
    boxes = [box for box, keep in zip(find_objects(pieces), large, strict=True) if keep]
    rows, columns = zip(*boxes, strict=True)
    return (
        min(row.start for row in rows),
        max(row.stop for row in rows),
        min(column.start for column in columns),
        max(column.stop for column in columns),
    )


def _scales(size: Shape, usual: tuple[int, int], image: tuple[int, int]) -> tuple[float, float]:
    """Return the height and width, in pixels of the picture, of what becomes a new pixel.

    Both are the same, so that proportions stay. But where samples reach from the top to the bottom
    of the image, ink that is wider than theirs is squeezed.
    """
    by_height, by_width = size[0] / usual[0], size[1] / usual[1]
    largest = max(by_height, by_width)
    return max(by_height, by_width / SQUEEZED) if usual[0] == image[0] else largest, largest


def _thickened(ink: Array, usual: tuple[int, int], image: tuple[int, int]) -> Array:
    """Return ink (h, w), and what is added around it, with strokes as thick as a new pixel.

    thickness = (8 / pi) * area / edges,  with edges the pixel sides between ink and ground: along a
    stroke of any direction there are on average 4 / pi sides in a pixel's length
    """
    solid = np.pad(ink >= 0.5, 1)
    edges = sum(int(np.count_nonzero(np.diff(solid, axis=axis))) for axis in (0, 1))
    thickness = 8 / pi * np.count_nonzero(solid) / edges
    lacking = max(0, round((_scales(ink.shape, usual, image)[0] - thickness) / 2))
    add = min(lacking, *ink.shape)  # a line of a thousand times its width stays small in memory
    return np.asarray(maximum_filter(np.pad(ink, add), size=2 * add + 1, mode="constant"))


def _middle(ink: Array, *, mass: bool) -> tuple[float, float]:
    """Return the middle of ink (h, w), from its top left: that of its box, or of its mass."""
    if not mass:
        return ink.shape[0] / 2, ink.shape[1] / 2
    y, x = center_of_mass(ink)
    return float(y) + 0.5, float(x) + 0.5


def _around(
    ink: tuple[int, int, int, int],
    middle: tuple[float, float],
    usual: tuple[int, int],
    image: tuple[int, int],
) -> tuple[float, float, float, float]:
    """Return the box (top, left, bottom, right) that becomes the image.

    ink: the box of the ink. middle: what becomes the middle of the image, from its top left.
    """
    top, left, bottom, right = ink
    by_height, by_width = _scales((bottom - top, right - left), usual, image)
    middle_y, middle_x = top + middle[0], left + middle[1]
    half_y, half_x = by_height * image[0] / 2, by_width * image[1] / 2
    return middle_y - half_y, middle_x - half_x, middle_y + half_y, middle_x + half_x


def _averaged(
    picture: Array,
    box: tuple[float, float, float, float],
    height: int,
    width: int,
    outside: float = 0.0,
) -> Array:
    """Return the means over the equal areas of a box (top, left, bottom, right), (height, width).

    outside: the value beyond the picture (h, w).
    """
    top, left, bottom, right = box
    rows = _shares(top, bottom, height, picture.shape[0])
    columns = _shares(left, right, width, picture.shape[1])
    return np.asarray(np.clip(outside + rows @ (picture - outside) @ columns.T, 0.0, 1.0))


def _shares(start: float, stop: float, parts: int, size: int) -> Array:
    """Return which share of each of the equal parts, from start to stop, a pixel is: (parts, size).

    The pixel j covers j to j + 1.
    """
    ends = np.linspace(start, stop, parts + 1)[:, np.newaxis]
    pixels = np.arange(size)
    shared = np.minimum(ends[1:], pixels + 1) - np.maximum(ends[:-1], pixels)
    return np.asarray(np.maximum(shared, 0.0) * parts / (stop - start))
