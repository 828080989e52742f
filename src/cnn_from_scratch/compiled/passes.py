"""A chain of layers, forward and backward, each a single compiled function.

To call a compiled function from Python takes several times as long as most loops over small
images. So a chain is a table with one row per step, which these two work through. All numbers of
the chain lie in one vector `values`, each step's at a place of its own, and their gradients at the
same places of another: images (C, H, W, N) with the samples last, vectors (D, N).
"""

from typing import Any

import numpy as np

from cnn_from_scratch.compiled.activations import (
    portable_sigmoid,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
)
from cnn_from_scratch.compiled.convolution import forward as conv
from cnn_from_scratch.compiled.convolution import gradients as conv_gradients
from cnn_from_scratch.compiled.convolution import input_gradient as conv_input_gradient
from cnn_from_scratch.compiled.kernel import Array, Procedure, function
from cnn_from_scratch.compiled.pooling import backward as max_pool_backward
from cnn_from_scratch.compiled.pooling import forward as max_pool
from cnn_from_scratch.compiled.portable import bias_gradient, round_all, whole_shifter
from cnn_from_scratch.compiled.portable import forward as portable_conv
from cnn_from_scratch.compiled.portable import weight_gradient as portable_weight_gradient

# Kinds of steps.
PAD, CONV, PORTABLE_CONV, MAX_POOL, RELU, SIGMOID, PORTABLE_SIGMOID = range(7)

# A step. x, y: the places of its input and output in `values`; the same, where the output replaces
# the input. params: the place of its W, before its b, in theta. *_unit: to what the portable
# numerics round, as `portable.shifter` takes it, W, a window's inputs, all inputs, and dy.
STEP = np.dtype(
    [
        *((name, np.int64) for name in ("kind", "x", "y", "params")),
        *((name, np.int64) for name in ("in_channels", "in_height", "in_width")),
        *((name, np.int64) for name in ("out_channels", "out_height", "out_width")),
        *((name, np.int64) for name in ("kernel_size", "stride", "padding")),
        *((name, np.float64) for name in ("W_unit", "window_unit", "x_unit", "dy_unit")),
    ]
)


@function()
def input_of(step: Any, values: Array, n: int) -> Array:
    """Return a step's input, or its gradient, as images of n samples."""
    shape = (step.in_channels, step.in_height, step.in_width, n)
    return values[step.x : step.x + shape[0] * shape[1] * shape[2] * n].reshape(shape)


@function()
def output_of(step: Any, values: Array, n: int) -> Array:
    """Return a step's output, or its gradient, as images of n samples."""
    shape = (step.out_channels, step.out_height, step.out_width, n)
    return values[step.y : step.y + shape[0] * shape[1] * shape[2] * n].reshape(shape)


@function()
def params_of(step: Any, theta: Array) -> tuple[Array, Array]:
    """Return a convolution's W and b, or their gradients."""
    shape = (step.out_channels, step.in_channels, step.kernel_size, step.kernel_size)
    end = step.params + shape[0] * shape[1] * shape[2] * shape[3]
    return theta[step.params : end].reshape(shape), theta[end : end + step.out_channels]


@function()
def rounded(W: Array, unit: float) -> Array:
    """Return W as portable products take it."""
    result = np.empty_like(W)
    round_all(W, unit, result)
    return result


@function()
def pad(x: Array, padding: int, y: Array) -> None:
    """y[c, i+p, j+p, n] = x[c,i,j,n], and 0 around it."""
    channels, height, width, samples = x.shape
    y[:] = 0.0
    for c in range(channels):
        for i in range(height):
            for j in range(width):
                for n in range(samples):
                    y[c, i + padding, j + padding, n] = x[c, i, j, n]


@function()
def pad_backward(dy: Array, padding: int, dx: Array) -> None:
    """dx[c,i,j,n] = dy[c, i+p, j+p, n]."""
    channels, height, width, samples = dx.shape
    for c in range(channels):
        for i in range(height):
            for j in range(width):
                for n in range(samples):
                    dx[c, i, j, n] = dy[c, i + padding, j + padding, n]


@Procedure
def forward(steps: Any, theta: Array, values: Array, n: int) -> None:
    """Fill in `values` of n samples, whose first are the chain's inputs."""
    for i in range(len(steps)):
        step = steps[i]
        x, y = input_of(step, values, n), output_of(step, values, n)
        if step.kind == PAD:
            pad(x, step.padding, y)
        elif step.kind == CONV:
            W, b = params_of(step, theta)
            # The taps of the usual kernels as tuples: the loops are compiled for their lengths.
            if step.kernel_size == 2:
                conv(W, b, x, step.stride, (0, 1), y)
            elif step.kernel_size == 3:
                conv(W, b, x, step.stride, (0, 1, 2), y)
            elif step.kernel_size == 5:
                conv(W, b, x, step.stride, (0, 1, 2, 3, 4), y)
            else:
                conv(W, b, x, step.stride, range(step.kernel_size), y)
        elif step.kind == PORTABLE_CONV:
            W, b = params_of(step, theta)
            W = rounded(W, step.W_unit)
            portable_conv(W, b, x, step.stride, step.window_unit, y)
        elif step.kind == MAX_POOL:
            max_pool(x, step.kernel_size, step.stride, y)
        elif step.kind == RELU:
            relu(y.reshape(-1))
        elif step.kind == SIGMOID:
            sigmoid(y.reshape(-1))
        elif step.kind == PORTABLE_SIGMOID:
            portable_sigmoid(y.reshape(-1))


@Procedure
def backward(
    steps: Any, theta: Array, values: Array, n: int, wanted: int, dvalues: Array, dtheta: Array
) -> None:
    """Fill in dtheta, and dvalues but the last, which are the gradient of the chain's outputs.

    wanted: the first step the gradient of whose input is asked for.
    """
    for i in range(len(steps) - 1, -1, -1):
        step = steps[i]
        x, y = input_of(step, values, n), output_of(step, values, n)
        dx, dy = input_of(step, dvalues, n), output_of(step, dvalues, n)
        if step.kind == PAD:
            if i >= wanted:
                pad_backward(dy, step.padding, dx)
        elif step.kind == CONV:
            W, _ = params_of(step, theta)
            dW, db = params_of(step, dtheta)
            conv_gradients(dy, x, step.stride, db, dW)
            if i >= wanted:
                conv_input_gradient(W, dy, step.stride, dx)
        elif step.kind == PORTABLE_CONV:
            W, _ = params_of(step, theta)
            dW, db = params_of(step, dtheta)
            round_all(dy, step.dy_unit, dy)
            bias_gradient(dy, db)
            shift = whole_shifter(x, step.x_unit)
            portable_weight_gradient(dy, x, step.stride, shift, dW)
            if i >= wanted:
                W = rounded(W, step.W_unit)
                conv_input_gradient(W, dy, step.stride, dx)
        elif step.kind == MAX_POOL:
            max_pool_backward(x, y, dy, step.kernel_size, step.stride, dx)
        elif step.kind == RELU:
            relu_backward(y.reshape(-1), dy.reshape(-1))
        elif step.kind in (SIGMOID, PORTABLE_SIGMOID):
            sigmoid_backward(y.reshape(-1), dy.reshape(-1))
