"""A picture of any size made as a network's samples were made: gray, cropped, averaged to size."""

from dataclasses import dataclass

import numpy as np
import PIL.Image
from scipy.ndimage import find_objects, label

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.experiment.preparation import Preparation, border_of

FAINT = 0.1  # how far from the ground the strongest ink is at least
SPECK = 0.05  # ink that is smaller than this part of the largest piece is none


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
    the samples' ink usually is, in the middle of the image; each new pixel is the mean over the
    area that it covers. Of one channel, the ground's and the strongest ink's values become those of
    the samples. Without such a ground the whole picture is averaged to size.

    Raises ValueError if there is no ink.
    """
    channels, height, width = in_shape
    ground = preparation.ground
    if ground is None or preparation.ink_height is None or preparation.ink_width is None:
        return Fitted(_averaged(pixels, (0, 0, pixels.shape[2], pixels.shape[1]), height, width))
    notes = []
    if abs(_ground(pixels) - ground) > abs(1.0 - _ground(pixels) - ground):
        pixels = 1.0 - pixels
        was, now = ("light", "dark") if ground < 0.5 else ("dark", "light")
        notes.append(f"inverted: its ground is {was}, that of the samples {now}")
    ink = _ink(pixels, bright=ground < 0.5)
    top, bottom, left, right = _box(ink)
    scale = max((bottom - top) / preparation.ink_height, (right - left) / preparation.ink_width)
    middle_y, middle_x = (top + bottom) / 2, (left + right) / 2
    half_y, half_x = scale * height / 2, scale * width / 2
    box = (middle_x - half_x, middle_y - half_y, middle_x + half_x, middle_y + half_y)
    if channels > 1:
        return Fitted(_averaged(pixels, box, height, width), tuple(notes))
    amount = _averaged(ink[np.newaxis], box, height, width)
    full = 1.0 if ground < 0.5 else 0.0
    return Fitted(ground + amount / amount.max() * (full - ground), tuple(notes))


def _ground(pixels: Array) -> float:
    return float(np.median(border_of(pixels.mean(axis=0, keepdims=True))))


def _ink(pixels: Array, *, bright: bool) -> Array:
    """Return how much ink is where, (h, w): 0 on the ground, and 1 where it is strongest."""
    away = pixels.mean(axis=0) - _ground(pixels)
    away = np.maximum(away if bright else -away, 0.0)
    if away.max() < FAINT:
        raise ValueError("expected ink on a plain ground, found none")
    return np.asarray(away / away.max())


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


def _averaged(
    pixels: Array, box: tuple[float, float, float, float], height: int, width: int
) -> Array:
    """Return the means over equal areas of a box (left, top, right, bottom), (C, height, width).

    Outside of the picture is its ground.
    """
    left, top, right, bottom = box
    beyond = max(0.0, -left, -top, right - pixels.shape[2], bottom - pixels.shape[1])
    around = int(np.ceil(beyond))
    moved = (left + around, top + around, right + around, bottom + around)
    channels = []
    for channel in pixels:
        ground = float(np.median(border_of(channel[np.newaxis])))
        wide = np.pad(channel, around, constant_values=ground)
        picture = PIL.Image.fromarray(wide.astype(np.float32))
        resized = picture.resize((width, height), PIL.Image.Resampling.BOX, box=moved)
        channels.append(np.asarray(resized, dtype=np.float64))
    return np.clip(np.stack(channels), 0.0, 1.0)
