"""The maximum pooling's loops, each its formula of `nn.layers.MaxPool2D`, the samples innermost."""

from typing import Any

import numpy as np
from numba import prange

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.compiled.kernel import Kernel


@Kernel
def max_pool(link: Any, theta: Array, x: Array, y: Array) -> None:
    """y[c,i,j,n] = max over u,v of x[c, s*i+u, s*j+v, n]; NaN if one of them is."""
    k, stride = link.kernel_size, link.stride or link.kernel_size
    channels, h_out, w_out, samples = y.shape
    for c in prange(channels):
        for i in range(h_out):
            for j in range(w_out):
                for n in range(samples):
                    y[c, i, j, n] = x[c, stride * i, stride * j, n]
                for u in range(k):
                    for v in range(k):
                        for n in range(samples):
                            here = x[c, stride * i + u, stride * j + v, n]
                            y[c, i, j, n] = np.maximum(y[c, i, j, n], here)


@Kernel
def max_pool_backward(
    link: Any, theta: Array, x: Array, y: Array, dy: Array, wants_dx: bool, dx: Array, dtheta: Array
) -> None:
    """Add dy[c,i,j,n] to dx at the window's first place, in row-major order, that holds y."""
    k, stride = link.kernel_size, link.stride or link.kernel_size
    channels, h_out, w_out, samples = y.shape
    for c in prange(channels):
        dx[c] = 0.0
        remaining = np.empty(samples, dy.dtype)  # what has not found its maximum yet
        nothing = np.empty(samples, dy.dtype)  # 0 dy: 0, or NaN where dy is not finite
        # Where windows overlap, the last comes first: so the NumPy layer adds up, place by place.
        for i in range(h_out - 1, -1, -1):
            for j in range(w_out - 1, -1, -1):
                for n in range(samples):
                    remaining[n] = dy[c, i, j, n]
                    nothing[n] = 0.0 * dy[c, i, j, n]
                for u in range(k):
                    for v in range(k):
                        for n in range(samples):
                            row, column = stride * i + u, stride * j + v
                            found = x[c, row, column, n] == y[c, i, j, n]
                            left, none = remaining[n], nothing[n]
                            routed = left if found else none
                            dx[c, row, column, n] += routed
                            remaining[n] = none if found else left
