"""Convolution and pooling as plain loops, written from their formulas and nothing else."""

import numpy as np

from cnn_from_scratch.nn.layers import Array, Params


def conv_forward(w: Array, b: Array, x: Array) -> Array:
    """y[n,o,i,j] = b[o] + sum over c,u,v of W[o,c,u,v] * x[n, c, i+u, j+v]."""
    n_samples, _, height, width = x.shape
    out_channels, _, k, _ = w.shape
    y = np.zeros((n_samples, out_channels, height - k + 1, width - k + 1))
    for n, o, i, j in np.ndindex(y.shape):
        y[n, o, i, j] = b[o]
        for c, u, v in np.ndindex(w.shape[1:]):
            y[n, o, i, j] += w[o, c, u, v] * x[n, c, i + u, j + v]
    return y


def conv_gradients(w: Array, x: Array, dy: Array) -> Params:
    """dW[o,c,u,v] = sum over n,i,j of dy[n,o,i,j] * x[n, c, i+u, j+v], and db[o] of dy[n,o,i,j]."""
    dw, db = np.zeros(w.shape), np.zeros(len(w))
    for n, o, i, j in np.ndindex(dy.shape):
        db[o] += dy[n, o, i, j]
        for c, u, v in np.ndindex(w.shape[1:]):
            dw[o, c, u, v] += dy[n, o, i, j] * x[n, c, i + u, j + v]
    return {"W": dw, "b": db}


def conv_backward(w: Array, x: Array, dy: Array) -> Array:
    """dx[n,c,p,q] = sum over o,u,v of dy[n, o, p-u, q-v] * W[o,c,u,v], where dy has that place."""
    _, out_channels, h_out, w_out = dy.shape
    k = w.shape[2]
    dx = np.zeros(x.shape)
    for n, c, p, q in np.ndindex(x.shape):
        for o, u, v in np.ndindex(out_channels, k, k):
            if 0 <= p - u < h_out and 0 <= q - v < w_out:
                dx[n, c, p, q] += dy[n, o, p - u, q - v] * w[o, c, u, v]
    return dx


def pool_forward(k: int, s: int, x: Array) -> Array:
    """y[n,c,i,j] = max over u,v in 0..k-1 of x[n, c, s*i+u, s*j+v]."""
    n_samples, channels, height, width = x.shape
    y = np.zeros((n_samples, channels, (height - k) // s + 1, (width - k) // s + 1))
    for n, c, i, j in np.ndindex(y.shape):
        y[n, c, i, j] = max(x[n, c, s * i + u, s * j + v] for u in range(k) for v in range(k))
    return y


def pool_backward(k: int, s: int, x: Array, dy: Array) -> Array:
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
