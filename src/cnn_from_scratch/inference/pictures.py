"""A sample beside its map, as a small picture."""

import numpy as np
import PIL.Image
import PIL.ImageDraw

from cnn_from_scratch.arithmetic.arrays import Array

SIDE = 192  # pixels of the longer side of an image, at least
GAP, LINE = 8, 20

WHITE = np.array([255.0, 255.0, 255.0])
FOR, AGAINST = np.array([178.0, 24.0, 43.0]), np.array([33.0, 102.0, 172.0])  # red, blue


def explained(pixels: Array, values: Array, title: str) -> PIL.Image.Image:
    """Return the sample, and beside it the map: red where it is positive, blue where negative.

    pixels: (C, H, W) in 0..1; values: (H, W). The strongest colour stands for the largest size.
    """
    gray_or_rgb = np.moveaxis(np.broadcast_to(pixels, (3, *pixels.shape[1:])), 0, -1) * 255.0
    largest = np.abs(values).max() or 1.0
    share = (np.abs(values) / largest)[..., np.newaxis]
    colour = np.where(values[..., np.newaxis] >= 0, FOR, AGAINST)
    tiles = [_enlarged(tile) for tile in (gray_or_rgb, WHITE + share * (colour - WHITE))]
    width, height = tiles[0].size
    picture = PIL.Image.new("RGB", (2 * width + 3 * GAP, height + 2 * GAP + LINE), "white")
    PIL.ImageDraw.Draw(picture).text((GAP, GAP), title, fill="black", font_size=14)
    for i, tile in enumerate(tiles):
        picture.paste(tile, (GAP + i * (width + GAP), GAP + LINE))
    return picture


def _enlarged(image: Array) -> PIL.Image.Image:
    picture = PIL.Image.fromarray(np.rint(image).astype(np.uint8))
    times = max(1, -(-SIDE // max(picture.size)))
    size = (picture.width * times, picture.height * times)
    return picture.resize(size, PIL.Image.Resampling.NEAREST)
