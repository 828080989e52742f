"""A picture of many small images, on one pair of axes that measures in inches."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

Image = np.ndarray[Any, np.dtype[np.floating[Any]]]  # (H, W), or in colour (H, W, 3)


def as_picture(image: Image) -> Image:
    """Return an image (C, H, W) as it is drawn: three channels in colour, others by their mean."""
    return np.moveaxis(image, 0, -1) if len(image) == 3 else image.mean(axis=0)


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure of width x height inches, and the axes that fill it.

    The axes' unit is an inch, their origin is at the top left, and y goes down, as in an image.
    """
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set(xlim=(0.0, width), ylim=(height, 0.0))
    return figure, axes


def draw_tile(
    axes: Axes,
    image: Image,
    left: float,
    top: float,
    *,
    limits: tuple[float, float],
    cmap: str,
    size: float,
) -> None:
    """Draw an image with a frame, in a square of that size, in its own proportions.

    limits: the values of the two ends of the colour map, which an image in colour does without.
    """
    height, width = (size * n / max(image.shape[:2]) for n in image.shape[:2])
    low, high = limits
    axes.imshow(
        image, extent=(left, left + width, top + height, top), aspect="auto", cmap=cmap,
        vmin=low, vmax=high,
    )  # fmt: skip
    frame = Rectangle((left, top), width, height, fill=False, edgecolor="0.6", lw=0.6, zorder=2)
    axes.add_patch(frame)
