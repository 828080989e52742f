"""The convolution's loops, each its formula of `nn.layers.Conv2D` with the samples innermost.

Images are (C, H, W, N) and padded already: x[c, i, j, n] is a pixel of sample n, and the loops over
n run through memory, several samples at once in the processor's vector registers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import prange

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.compiled.kernel import FUSED, INLINED, REORDERED, Kernel, function, kernel


@function(**INLINED)
def weights_of(link: Any, theta: Array) -> tuple[Array, Array]:
    """Return W and b, or their gradients."""
    shape = (link.out_channels, link.in_shape[0], link.kernel_size, link.kernel_size)
    end = link.params + shape[0] * shape[1] * shape[2] * shape[3]
    return theta[link.params : end].reshape(shape), theta[end : end + link.out_channels]


@kernel(**REORDERED)
def sums(W: Array, b: Array, x: Array, stride: int, taps: Sequence[int], y: Array) -> None:
    """y[o,i,j,n] = b[o] + sum over c,u,v of W[o,c,u,v] * x[c, s*i+u, s*j+v, n].

    taps: 0..k-1; of a tuple the compiler knows the length, and unrolls the loop over v.
    """
    out_channels, channels, k, _ = W.shape
    _, h_out, w_out, samples = y.shape
    for i in prange(h_out):
        total = np.empty((out_channels, samples), x.dtype)
        for j in range(w_out):
            for o in range(out_channels):
                total[o] = b[o]
            for c in range(channels):
                for u in range(k):
                    for o in range(out_channels):
                        for n in range(samples):
                            row = total[o, n]
                            for v in range(len(taps)):
                                row += W[o, c, u, v] * x[c, stride * i + u, stride * j + v, n]
                            total[o, n] = row
            for o in range(out_channels):
                for n in range(samples):
                    y[o, i, j, n] = total[o, n]


@function(**REORDERED)
def dot(a: Array, b: Array) -> Any:
    """Return the sum of a * b."""
    total = a.dtype.type(0.0)
    for t in range(len(a)):
        total += a[t] * b[t]
    return total


@kernel(**REORDERED)
def gradients(dy: Array, x: Array, stride: int, db: Array, dW: Array) -> None:
    """dW[o,c,u,v] = sum over i,j,n of dy[o,i,j,n] * x[c, s*i+u, s*j+v, n], db[o] that of dy.

    With a stride of 1, the x that a row of dy meets lie one after the other, as that row does: the
    sum over j and n is one long dot product. Else it is a dot product for each pixel.
    """
    out_channels, channels, k, _ = dW.shape
    _, h_out, w_out, samples = dy.shape
    pixels = w_out if stride == 1 else 1
    run = pixels * samples
    for o in prange(out_channels):
        total = db.dtype.type(0.0)
        dW[o] = 0.0
        for i in range(h_out):
            dy_row = dy[o, i].reshape(-1)
            for t in range(len(dy_row)):
                total += dy_row[t]
            for c in range(channels):
                for u in range(k):
                    x_row = x[c, stride * i + u].reshape(-1)
                    for v in range(k):
                        for j in range(0, w_out, pixels):
                            p, q = j * samples, (stride * j + v) * samples
                            dW[o, c, u, v] += dot(dy_row[p : p + run], x_row[q : q + run])
        db[o] = total


# Fused at most: portable numerics use it, too. Their products and sums over o are exact, but not
# the sum over u,v.
@kernel(**FUSED)
def input_gradient(W: Array, dy: Array, stride: int, dx: Array) -> None:
    """dx[c,p,q,n] = sum over u,v of (sum over o of W[o,c,u,v] * dy[o,i,j,n]), s*i+u=p, s*j+v=q."""
    out_channels, channels, k, _ = W.shape
    _, h_out, w_out, samples = dy.shape
    _, height, width, _ = dx.shape
    for p in prange(height):
        over_places = np.empty((channels, samples), dy.dtype)
        over_channels = np.empty((channels, samples), dy.dtype)
        for q in range(width):
            over_places[:] = 0.0
            for u in range(k):
                i, down = divmod(p - u, stride)
                for v in range(k):
                    j, right = divmod(q - v, stride)
                    if down == 0 and right == 0 and 0 <= i < h_out and 0 <= j < w_out:
                        over_channels[:] = 0.0
                        for o in range(out_channels):
                            for c in range(channels):
                                weight = W[o, c, u, v]
                                for n in range(samples):
                                    over_channels[c, n] += weight * dy[o, i, j, n]
                        for c in range(channels):
                            for n in range(samples):
                                over_places[c, n] += over_channels[c, n]
            for c in range(channels):
                for n in range(samples):
                    dx[c, p, q, n] = over_places[c, n]


@Kernel
def conv(link: Any, theta: Array, x: Array, y: Array) -> None:
    """Compute y, as `sums` does."""
    W, b = weights_of(link, theta)
    # The taps of the usual kernels as tuples: the loops are compiled for their lengths.
    if link.kernel_size == 2:
        sums(W, b, x, link.stride, (0, 1), y)
    elif link.kernel_size == 3:
        sums(W, b, x, link.stride, (0, 1, 2), y)
    elif link.kernel_size == 5:
        sums(W, b, x, link.stride, (0, 1, 2, 3, 4), y)
    else:
        sums(W, b, x, link.stride, range(link.kernel_size), y)


@Kernel
def conv_backward(
    link: Any, theta: Array, x: Array, y: Array, dy: Array, wants_dx: bool, dx: Array, dtheta: Array
) -> None:
    """Compute dW, db and dx."""
    W, _ = weights_of(link, theta)
    dW, db = weights_of(link, dtheta)
    gradients(dy, x, link.stride, db, dW)
    if wants_dx:
        input_gradient(W, dy, link.stride, dx)
