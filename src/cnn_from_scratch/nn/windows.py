"""Images as convolutions and poolings take them: N last in memory, and window by window.

The layers' images are (N, C, H, W). In memory they lie as (C, H, W, N), so that the same pixel of
all samples is one run: the many small copies and sums then work on runs of N numbers, and results
need no reordering.

A window is the h x w pixels that a kernel sees at a time; the windows are `stride` apart, and
(H', W') is how many of them fit. im2col lays them out as the columns of a matrix, so that a
convolution is one product; col2im is its transpose, and adds up what stands for the same pixel.
(Chellapilla, Puri and Simard 2006, "High performance convolutional neural networks for document
processing", section 2.1.)
"""

from functools import cached_property
from itertools import chain
from math import prod

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.nn.numerics import Factor, factor, rearranged


def samples_last(x: Array) -> Array:
    """Return samples (N, ...) as they lie in memory: (..., N)."""
    return x.transpose(1, 2, 3, 0) if x.ndim == 4 else np.moveaxis(x, 0, -1)


def samples_first(x: Array) -> Array:
    """Return samples (..., N) as the layers see them: (N, ...)."""
    return x.transpose(3, 0, 1, 2) if x.ndim == 4 else np.moveaxis(x, -1, 0)


def windows_in(in_shape: Shape, kernel: Shape, stride: int, padding: int = 0) -> tuple[int, int]:
    """Return (H', W') for in_shape (C, H, W) and a kernel (h, w).

    Raises ValueError unless a window fits in it.
    """
    if len(in_shape) != 3 or in_shape[0] < 1:
        raise ValueError(f"expected images (C, H, W), C >= 1, got {in_shape}")
    _, height, width = in_shape
    h, w = kernel
    down, right = height + 2 * padding - h, width + 2 * padding - w  # how far a window can go
    if min(down, right) < 0:
        raise ValueError(f"a {height}x{width} image is smaller than the kernel")
    return down // stride + 1, right // stride + 1


def windows(images: Array, kernel: Shape, stride: int) -> Array:
    """Return what stands at each place (u, v) of all windows; without a copy, if contiguous.

    images (C, H, W, N) -> (h, w, C, H', W', N):
    windows[u,v,c,i,j,n] = images[c, s*i+u, s*j+v, n]
    """
    images = np.ascontiguousarray(images)
    c, down, right, one = images.strides
    out_size = windows_in(images.shape[:3], kernel, stride)
    shape = (*kernel, images.shape[0], *out_size, images.shape[3])
    strides = (down, right, c, stride * down, stride * right, one)
    return np.ndarray(shape, images.dtype, images, 0, strides)


def add_to_windows(terms: Array, pixels: Array) -> None:
    """Add the terms for each place of all windows to the images that `pixels` are the windows of.

    Both (h, w, C, H', W', N). A pixel stands in several windows, so they are added place by place
    or, where that is fewer sums, window by window: from the last, as each pixel's sum is then in
    the same order.
    """
    h, w, _, h_out, w_out, _ = pixels.shape
    if h * w > h_out * w_out:
        terms = terms.transpose(3, 4, 2, 0, 1, 5)[::-1, ::-1]
        pixels = pixels.transpose(3, 4, 2, 0, 1, 5)[::-1, ::-1]
    for some, more in zip(chain.from_iterable(pixels), chain.from_iterable(terms), strict=True):
        some += more


class Patches:
    """Images (N, C, H, W) as the columns of a convolution's products, taken as 0 outside."""

    def __init__(self, x: Array, kernel: Shape, stride: int, padding: int):
        self.in_shape = x.shape
        self.kernel, self.stride, self.padding = kernel, stride, padding
        self.out_size = windows_in(x.shape[1:], kernel, stride, padding)
        images = np.ascontiguousarray(samples_last(x))
        around = ((0, 0), (padding, padding), (padding, padding), (0, 0))
        self._images = np.pad(images, around) if padding > 0 else images
        self.columns = factor(self._im2col(self._images), axis=0)  # (C*h*w, H'*W'*N)

    def __len__(self) -> int:
        return self.in_shape[0]

    def __getitem__(self, rows: slice) -> "Patches":
        """Return all of them: they go through a network together."""
        return self

    @cached_property
    def rows(self) -> Factor:
        """The columns transposed, (H'*W'*N, C*h*w), as a factor that is rounded as a whole."""
        # Rounded first and arranged then: most pixels stand in several columns.
        images = factor(self._images, terms=max(self.columns.shape))
        if images is self._images:  # native: what is not rounded need not be arranged again
            return rearranged(self.columns, np.transpose)
        return rearranged(images, lambda x: self._im2col(x).T)

    def _im2col(self, images: Array) -> Array:
        """Padded images (C, H, W, N) -> (C*h*w, H'*W'*N)."""
        by_place = windows(images, self.kernel, self.stride).transpose(2, 0, 1, 3, 4, 5)
        return by_place.reshape(len(images) * prod(self.kernel), -1)

    def col2im(self, columns: Array) -> Array:
        """Add each number of columns (C*h*w, H'*W'*N) to the pixel it stands for: (N, C, H, W)."""
        n, channels, height, width = self.in_shape
        p = self.padding
        by_place = columns.reshape(channels, *self.kernel, *self.out_size, n)
        if (height, width, p) == (*self.kernel, 0):  # one window sees all of the image
            return samples_first(by_place.reshape(channels, height, width, n))
        images = np.zeros((channels, height + 2 * p, width + 2 * p, n), columns.dtype)
        pixels = windows(images, self.kernel, self.stride)
        add_to_windows(by_place.transpose(1, 2, 0, 3, 4, 5), pixels)
        return samples_first(images[:, p : p + height, p : p + width])
