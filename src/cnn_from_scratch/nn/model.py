"""A network: layers in a row, with all their parameters in one vector theta."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from cnn_from_scratch.nn.layers import EVALUATION, Arrays, Layer, Mode, Shape
from cnn_from_scratch.nn.numerics import Array


class Sequential:
    """Layers applied one after the other.

    theta, (P,) float64, holds every parameter; `params[i]` are layer i's, as reshaped views into
    it. Change them through `theta += delta` (never by rebinding theta), and the layers follow.
    `buffers[i]` are the arrays that layer i keeps besides, such as running statistics; they stand
    in `params[i]` too.

    Args:
        layers: the layers, first to last.
        in_shape: the shape of one sample, without N.
        rng_for_layer: gives the i-th layer with weights W, counted from 0, its random stream, so
            that its start depends on no other layer.

    Raises:
        ValueError: if a layer cannot take the shape that reaches it; the message counts layers
            from 1.
    """

    theta: Array
    params: list[Arrays]
    buffers: list[Arrays]
    out_shape: Shape
    layer_parts: list[slice]

    def __init__(
        self,
        layers: Sequence[Layer],
        in_shape: Shape,
        rng_for_layer: Callable[[int], np.random.RandomState],
    ):
        self.layers = tuple(layers)
        initial: list[Arrays] = []
        self.buffers, shape = [], in_shape
        weighted = 0
        for i, layer in enumerate(self.layers):
            try:
                shape, params, buffers = layer.init(shape, rng_for_layer(weighted))
            except ValueError as error:
                raise ValueError(f"layer {i + 1}: {error}") from error
            weighted += "W" in params
            initial.append(params)
            self.buffers.append(buffers)
        self.out_shape = shape
        self.theta = _concatenate(initial)
        sizes = [sum(array.size for array in params.values()) for params in initial]
        self.layer_parts = list(map(slice, accumulate([0, *sizes]), accumulate(sizes)))
        views = _views(self.theta, initial)
        self.params = [own | kept for own, kept in zip(views, self.buffers, strict=True)]

    def forward(self, x: Array, mode: Mode = EVALUATION) -> tuple[Array, list[Any]]:
        """Return the last layer's output, and the caches that `backward` needs.

        x (N, *in_shape) float64 -> (N, *out_shape) float64. Only in training do layers draw from
        mode.rng or change their buffers.
        """
        caches = []
        for layer, params in zip(self.layers, self.params, strict=True):
            x, cache = layer.forward(params, x, mode)
            caches.append(cache)
        return x, caches

    def backward(self, dy: Array, caches: list[Any]) -> Array:
        """Return dtheta from the gradient dy of the output: the chain rule, last to first.

        dy (N, *out_shape) -> dtheta (P,) in theta's order.
        """
        grads: list[Arrays] = []
        for i in reversed(range(len(self.layers))):
            layer, params, cache = self.layers[i], self.params[i], caches[i]
            grads.append(layer.gradients(params, dy, cache))
            if i > 0:  # nobody asks for the gradient of the data
                dy = layer.backward(params, dy, cache)
        return _concatenate(grads[::-1])

    @property
    def mode_matters(self) -> bool:
        """Whether `forward` in training may differ from `forward` in evaluation."""
        return any(layer.mode_matters for layer in self.layers)

    def state(self) -> Arrays:
        """Return copies of theta, and of each buffer as <layer>.<name>, layers counted from 0."""
        buffers = {
            f"{i}.{name}": array.copy()
            for i, buffers in enumerate(self.buffers)
            for name, array in buffers.items()
        }
        return {"theta": self.theta.copy()} | buffers

    def restore(self, state: Arrays) -> None:
        """Go back to what `state` returned."""
        self.theta[:] = state["theta"]
        for i, buffers in enumerate(self.buffers):
            for name, array in buffers.items():
                array[:] = state[f"{i}.{name}"]


def _concatenate(params: list[Arrays]) -> Array:
    """Return all arrays of all layers, flattened, as one new vector."""
    return np.concatenate([np.zeros(0), *(a.ravel() for layer in params for a in layer.values())])


def _views(theta: Array, like: list[Arrays]) -> list[Arrays]:
    """Return theta cut into views with the names and shapes of `like`."""
    views: list[Arrays] = []
    start = 0
    for params in like:
        cut = {}
        for name, array in params.items():
            cut[name] = theta[start : start + array.size].reshape(array.shape)
            start += array.size
        views.append(cut)
    return views
