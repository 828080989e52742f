"""A network: layers in a row, with all their parameters in one vector theta."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cnn_from_scratch.nn.layers import Array, Layer, Params, Shape


class Sequential:
    """Layers applied one after the other.

    theta, (P,) float64, holds every parameter; `params[i]` are layer i's, as reshaped views into
    it. Change them through `theta += delta` (never by rebinding theta), and the layers follow.

    Args:
        layers: the layers, first to last.
        in_shape: the shape of one sample, without N.
        rng_for_layer: gives layer i its random stream, so that a layer's start does not depend
            on the layers before it.

    Raises:
        ValueError: if a layer cannot take the shape that reaches it; the message counts layers
            from 1.
    """

    theta: Array
    params: list[Params]
    out_shape: Shape

    def __init__(
        self,
        layers: Sequence[Layer],
        in_shape: Shape,
        rng_for_layer: Callable[[int], np.random.RandomState],
    ):
        self.layers = tuple(layers)
        initial, shape = [], in_shape
        for i, layer in enumerate(self.layers):
            try:
                shape, params = layer.init(shape, rng_for_layer(i))
            except ValueError as error:
                raise ValueError(f"layer {i + 1}: {error}") from error
            initial.append(params)
        self.out_shape = shape
        self.theta = _concatenate(initial)
        self.params = _views(self.theta, initial)

    def forward(self, x: Array) -> tuple[Array, list[Any]]:
        """Return the last layer's output, and the caches that `backward` needs.

        x (N, *in_shape) float64 -> (N, *out_shape) float64.
        """
        caches = []
        for layer, params in zip(self.layers, self.params, strict=True):
            x, cache = layer.forward(params, x)
            caches.append(cache)
        return x, caches

    def backward(self, dy: Array, caches: list[Any]) -> Array:
        """Return dtheta from the gradient dy of the output: the chain rule, last to first.

        dy (N, *out_shape) -> dtheta (P,) in theta's order.
        """
        grads: list[Params] = []
        for i in reversed(range(len(self.layers))):
            layer, params, cache = self.layers[i], self.params[i], caches[i]
            grads.append(layer.gradients(params, dy, cache))
            if i > 0:  # nobody asks for the gradient of the data
                dy = layer.backward(params, dy, cache)
        return _concatenate(grads[::-1])


def _concatenate(params: list[Params]) -> Array:
    """Return all arrays of all layers, flattened, as one new vector."""
    return np.concatenate([np.zeros(0), *(a.ravel() for layer in params for a in layer.values())])


def _views(theta: Array, like: list[Params]) -> list[Params]:
    """Return theta cut into views with the names and shapes of `like`."""
    views: list[Params] = []
    start = 0
    for params in like:
        cut = {}
        for name, array in params.items():
            cut[name] = theta[start : start + array.size].reshape(array.shape)
            start += array.size
        views.append(cut)
    return views
