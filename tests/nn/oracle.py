"""Convolution and pooling as plain loops, written from their formulas and nothing else."""

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn.layers import Arrays


def conv_forward(w: Array, b: Array, x: Array, s: int, p: int) -> Array:
    """y[n,o,i,j] = b[o] + sum over c,u,v of W[o,c,u,v] * x[n, c, s*i+u-p, s*j+v-p]; 0 outside x."""
    n_samples, _, height, width = x.shape
    out_channels, _, rows, columns = w.shape
    h_out, w_out = (height + 2 * p - rows) // s + 1, (width + 2 * p - columns) // s + 1
    y = np.zeros((n_samples, out_channels, h_out, w_out))
    for n, o, i, j in np.ndindex(y.shape):
        y[n, o, i, j] = b[o]
        for c, u, v in np.ndindex(w.shape[1:]):
            row, column = s * i + u - p, s * j + v - p
            if 0 <= row < height and 0 <= column < width:
                y[n, o, i, j] += w[o, c, u, v] * x[n, c, row, column]
    return y


def conv_gradients(w: Array, x: Array, dy: Array, s: int, p: int) -> Arrays:
    """dW[o,c,u,v] = sum over n,i,j of dy[n,o,i,j] * x[n, c, s*i+u-p, s*j+v-p]; db[o] of dy."""
    height, width = x.shape[2:]
    dw, db = np.zeros(w.shape), np.zeros(len(w))
    for n, o, i, j in np.ndindex(dy.shape):
        db[o] += dy[n, o, i, j]
        for c, u, v in np.ndindex(w.shape[1:]):
            row, column = s * i + u - p, s * j + v - p
            if 0 <= row < height and 0 <= column < width:
                dw[o, c, u, v] += dy[n, o, i, j] * x[n, c, row, column]
    return {"W": dw, "b": db}


def conv_backward(w: Array, x: Array, dy: Array, s: int, p: int) -> Array:
    """dx[n,c,q,r] = sum over o,u,v of dy[n, o, (q+p-u)/s, (r+p-v)/s] * W[o,c,u,v].

    Only where dy has that place: both quotients whole, and in its range.
    """
    _, out_channels, h_out, w_out = dy.shape
    dx = np.zeros(x.shape)
    for n, c, q, r in np.ndindex(x.shape):
        for o, u, v in np.ndindex(out_channels, *w.shape[2:]):
            (i, i_rest), (j, j_rest) = divmod(q + p - u, s), divmod(r + p - v, s)
            if i_rest == j_rest == 0 and 0 <= i < h_out and 0 <= j < w_out:
                dx[n, c, q, r] += dy[n, o, i, j] * w[o, c, u, v]
    return dx


def max_pool_forward(k: int, s: int, x: Array) -> Array:
    """y[n,c,i,j] = max over u,v in 0..k-1 of x[n, c, s*i+u, s*j+v]."""
    n_samples, channels, height, width = x.shape
    y = np.zeros((n_samples, channels, (height - k) // s + 1, (width - k) // s + 1))
    for n, c, i, j in np.ndindex(y.shape):
        y[n, c, i, j] = max(x[n, c, s * i + u, s * j + v] for u in range(k) for v in range(k))
    return y


def max_pool_backward(k: int, s: int, x: Array, dy: Array) -> Array:
    """dx[n,c,p,q] = sum of dy over the windows whose first maximum, row by row, is at (p,q)."""
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(dy.shape):
        first = None
        for u in range(k):
            for v in range(k):
                place = n, c, s * i + u, s * j + v
                if first is None or x[place] > x[first]:
                    first = place
        assert first is not None
        dx[first] += dy[n, c, i, j]
    return dx


def avg_pool_forward(k: int, s: int, x: Array) -> Array:
    """y[n,c,i,j] = (1/k^2) * sum over u,v in 0..k-1 of x[n, c, s*i+u, s*j+v]."""
    n_samples, channels, height, width = x.shape
    y = np.zeros((n_samples, channels, (height - k) // s + 1, (width - k) // s + 1))
    for n, c, i, j in np.ndindex(y.shape):
        for u, v in np.ndindex(k, k):
            y[n, c, i, j] += x[n, c, s * i + u, s * j + v] / k**2
    return y


def avg_pool_backward(k: int, s: int, x: Array, dy: Array) -> Array:
    """dx[n,c,p,q] = (1/k^2) * sum of dy over the windows that (p,q) lies in."""
    dx = np.zeros(x.shape)
    for n, c, p, q in np.ndindex(x.shape):
        for i, j in np.ndindex(dy.shape[2:]):
            if s * i <= p < s * i + k and s * j <= q < s * j + k:
                dx[n, c, p, q] += dy[n, c, i, j] / k**2
    return dx
