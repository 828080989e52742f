"""The activations' loops: over all numbers of an array, whatever its shape."""

from numba import prange

from cnn_from_scratch.compiled.functions import exp_of
from cnn_from_scratch.compiled.kernel import Array, Kernel


@Kernel
def sigmoid(x: Array, y: Array) -> None:
    """Y = 1 / (1 + exp(-x)), stable as `nn.layers.Sigmoid`."""
    x, y = x.reshape(-1), y.reshape(-1)
    for i in prange(len(x)):
        y[i] = 1.0 / (1.0 + exp_of(min(-x[i], 708.0)))


@Kernel
def sigmoid_backward(y: Array, dy: Array, dx: Array) -> None:
    """Dx = dy * y * (1 - y)."""
    y, dy, dx = y.reshape(-1), dy.reshape(-1), dx.reshape(-1)
    for i in prange(len(y)):
        dx[i] = dy[i] * (y[i] * (1.0 - y[i]))


@Kernel
def relu(x: Array, y: Array) -> None:
    """Y = max(x, 0), NaN if x is."""
    x, y = x.reshape(-1), y.reshape(-1)
    for i in prange(len(x)):
        y[i] = 0.0 if x[i] <= 0.0 else x[i]


@Kernel
def relu_backward(x: Array, dy: Array, dx: Array) -> None:
    """Dx = dy where x > 0, else 0."""
    x, dy, dx = x.reshape(-1), dy.reshape(-1), dx.reshape(-1)
    for i in prange(len(x)):
        dx[i] = dy[i] * (1.0 if x[i] > 0.0 else 0.0)
