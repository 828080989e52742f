"""The convolution and the pooling as plain loops over samples, channels and pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn.layers import (
    EVALUATION,
    Arrays,
    Conv2D,
    Gradients,
    Layer,
    MaxPool2D,
    Mode,
)
from cnn_from_scratch.nn.windows import Patches


@dataclass(frozen=True)
class LoopConv2D(Conv2D):
    """Conv2D, a window at a time."""

    def prepare(self, x: Array) -> Any:
        """Return x: there is nothing to prepare."""
        return x

    def forward(
        self, params: Arrays, x: Array | Patches, mode: Mode = EVALUATION
    ) -> tuple[Array, Any]:
        """Return y, each element a sum over one window."""
        assert isinstance(x, np.ndarray)
        k = params["W"].shape[-1]
        n_samples, _, height, width = x.shape
        y = np.empty((n_samples, self.out_channels, height - k + 1, width - k + 1))
        for n, o, i, j in np.ndindex(y.shape):
            window = x[n, :, i : i + k, j : j + k]
            y[n, o, i, j] = np.sum(window * params["W"][o]) + params["b"][o]
        return y, x

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Return dx, adding up kernels, and dW and db, adding up windows."""
        k, dx, weight = params["W"].shape[-1], np.zeros(cache.shape), np.zeros_like(params["W"])
        for n, o, i, j in np.ndindex(dy.shape):
            window = n, slice(None), slice(i, i + k), slice(j, j + k)
            weight[o] += dy[n, o, i, j] * cache[window]
            if wants_dx:
                dx[window] += dy[n, o, i, j] * params["W"][o]
        return dx, {"W": weight, "b": dy.sum(axis=(0, 2, 3))}


@dataclass(frozen=True)
class LoopMaxPool2D(MaxPool2D):
    """MaxPool2D with windows side by side, a window at a time."""

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Return the maximum of each window."""
        k = self.kernel_size
        y = np.empty((*x.shape[:2], x.shape[2] // k, x.shape[3] // k))
        for n, c, i, j in np.ndindex(y.shape):
            y[n, c, i, j] = x[n, c, k * i : k * i + k, k * j : k * j + k].max()
        return y, x

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Send dy to the first maximum of each window."""
        k = self.kernel_size
        dx = np.zeros(cache.shape)
        for n, c, i, j in np.ndindex(dy.shape):
            window = cache[n, c, k * i : k * i + k, k * j : k * j + k]
            u, v = divmod(int(window.argmax()), k)
            dx[n, c, k * i + u, k * j + v] = dy[n, c, i, j]
        return dx, {}


def looped(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers with loops in place of array operations."""
    replaced: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Conv2D):
            replaced.append(LoopConv2D(layer.out_channels, layer.kernel_size))
        elif isinstance(layer, MaxPool2D):
            replaced.append(LoopMaxPool2D(layer.kernel_size))
        else:
            replaced.append(layer)
    return replaced
