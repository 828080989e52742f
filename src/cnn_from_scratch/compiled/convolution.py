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

# Tuples, as the compiler knows their lengths.
ONE, FOUR = (0,), (0, 1, 2, 3)


@function(**INLINED)
def weights_of(link: Any, theta: Array) -> tuple[Array, Array]:
    """Return W and b, or their gradients."""
    shape = (link.out_channels, link.in_shape[0], link.kernel_size, link.kernel_size)
    end = link.params + shape[0] * shape[1] * shape[2] * shape[3]
    return theta[link.params : end].reshape(shape), theta[end : end + link.out_channels]


@kernel(**REORDERED)
def sums(W: Array, b: Array, x: Array, stride: int, taps: Sequence[int], y: Array) -> None:
    """y[o,i,j,n] = b[o] + sum over c,u,v of W[o,c,u,v] * x[c, s*i+u, s*j+v, n].

    taps: 0..k-1; of a tuple the compiler knows the length, and unrolls the loops over u and v.
    """
    out_channels, channels, _, _ = W.shape
    _, h_out, w_out, samples = y.shape
    for i in prange(h_out):
        total = np.empty((out_channels, samples), x.dtype)
        for j in range(w_out):
            for o in range(out_channels):
                total[o] = b[o]
            for c in range(channels):
                for o in range(out_channels):
                    for n in range(samples):
                        here = total[o, n]
                        for u in range(len(taps)):
                            for v in range(len(taps)):
                                here += W[o, c, u, v] * x[c, stride * i + u, stride * j + v, n]
                        total[o, n] = here
            for o in range(out_channels):
                for n in range(samples):
                    y[o, i, j, n] = total[o, n]


@function(**REORDERED)
def total(x: Array) -> Any:
    """Return the sum of a vector."""
    so_far = x.dtype.type(0.0)
    for t in range(len(x)):
        so_far += x[t]
    return so_far


@function(**REORDERED)
def add_dots(a: Array, b: Array, x: Array, y: Array, z: Array, totals: Array) -> None:
    """Add the dot products of a (first row) and b, with x, y and z (columns), to the totals.

    Six at once, as what has been loaded is then used for two or three of them.
    """
    ax = ay = az = bx = by = bz = a.dtype.type(0.0)
    for t in range(len(a)):
        ax += a[t] * x[t]
        ay += a[t] * y[t]
        az += a[t] * z[t]
        bx += b[t] * x[t]
        by += b[t] * y[t]
        bz += b[t] * z[t]
    totals[0, 0] += ax
    totals[0, 1] += ay
    totals[0, 2] += az
    totals[1, 0] += bx
    totals[1, 1] += by
    totals[1, 2] += bz


@function()
def places_of(x: Array, k: int) -> Array:
    """Return where in memory the first window's taps (c, u, v) begin; the last three times."""
    channels, height, width, samples = x.shape
    taps = channels * k * k
    places = np.empty(taps + 2, np.int64)
    for t in range(taps + 2):
        c, place = divmod(min(t, taps - 1), k * k)
        u, v = divmod(place, k)
        places[t] = ((c * height + u) * width + v) * samples
    return places


@kernel(**REORDERED)
def gradients(dy: Array, x: Array, stride: int, db: Array, dW: Array) -> None:
    """dW[o,c,u,v] = sum over i,j,n of dy[o,i,j,n] * x[c, s*i+u, s*j+v, n], db[o] that of dy.

    With a stride of 1, the x that a row of dy meets lie one after the other, as that row does: the
    sum over j and n is one long dot product. Else it is a dot product for each pixel.
    """
    out_channels = len(dy)
    _, h_out, w_out, samples = dy.shape
    pixels = w_out if stride == 1 else 1
    run = pixels * samples
    places, numbers = places_of(x, dW.shape[3]), x.reshape(-1)
    taps = dW[0].size
    for pair in prange((out_channels + 1) // 2):
        # Two o and three taps (c, u, v) at a time. Where fewer are left, the last stands for those
        # missing, and comes to totals of no use.
        o, other = 2 * pair, min(2 * pair + 1, out_channels - 1)
        totals = np.zeros((2, taps + 2), x.dtype)
        for i in range(h_out):
            a, b = dy[o, i].reshape(-1), dy[other, i].reshape(-1)
            for j in range(0, w_out, pixels):
                p = j * samples
                window = stride * (i * x.shape[2] + j) * samples
                for t in range(0, taps, 3):
                    q, r, s = window + places[t], window + places[t + 1], window + places[t + 2]
                    add_dots(
                        a[p : p + run],
                        b[p : p + run],
                        numbers[q : q + run],
                        numbers[r : r + run],
                        numbers[s : s + run],
                        totals[:, t : t + 3],
                    )
        for one in range(o, other + 1):
            db[one] = total(dy[one].reshape(-1))
            of_one = dW[one].reshape(-1)
            for t in range(taps):
                of_one[t] = totals[one - o, t]


@function(**FUSED, **INLINED)
def add_channels(
    W: Array, dy: Array, first: int, some: Any, u: int, v: int, i: int, j: int, totals: Array
) -> None:
    """totals[c,n] += sum over o of W[o,c,u,v] * dy[o,i,j,n]; o: the first, and `some` from it."""
    channels, samples = totals.shape
    for c in range(channels):
        for n in range(samples):
            here = totals[c, n]
            for o in range(len(some)):
                here += W[first + o, c, u, v] * dy[first + o, i, j, n]
            totals[c, n] = here


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
                        together = out_channels // len(FOUR) * len(FOUR)
                        for o in range(0, together, len(FOUR)):
                            add_channels(W, dy, o, FOUR, u, v, i, j, over_channels)
                        for o in range(together, out_channels):
                            add_channels(W, dy, o, ONE, u, v, i, j, over_channels)
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
