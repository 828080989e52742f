"""A network: layers in a row, with all their parameters in one vector theta."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.nn.backend import Backend
from cnn_from_scratch.nn.layers import EVALUATION, Arrays, Layer, Mode
from cnn_from_scratch.nn.windows import Patches


class Sequential:
    """Layers applied one after the other.

    theta, (P,) of the dtype, holds every parameter; `params[i]` are layer i's, as reshaped views
    into it, and `slices[i]` is where they stand; `first_to_learn` is the first layer with any.
    Change them through `theta += delta` (never by rebinding theta), and the layers follow.
    `buffers[i]` are the arrays that layer i keeps besides, such as running statistics; they stand
    in `params[i]` too.

    Args:
        layers: the layers, first to last.
        in_shape: the shape of one sample, without N.
        rng_for_layer: gives the i-th layer with weights W, counted from 0, its random stream, so
            that its start depends on no other layer.
        backend: what computes.
        dtype: of theta and the buffers.

    Raises:
        ValueError: if a layer cannot take the shape that reaches it; the message counts layers
            from 1.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        in_shape: Shape,
        rng_for_layer: Callable[[int], np.random.RandomState],
        backend: Backend,
        dtype: DTypeLike = np.float64,
    ):
        self.layers, self.backend = tuple(layers), backend
        self.mode_matters = any(layer.mode_matters for layer in self.layers)
        self.shapes = [in_shape]  # of a sample, before the first layer and after each
        initial: list[Arrays] = []
        self.buffers: list[Arrays] = []
        for i, layer in enumerate(self.layers):
            weighted = sum("W" in params for params in initial)
            try:
                shape, params, buffers = layer.init(self.shapes[-1], rng_for_layer(weighted))
            except ValueError as error:
                raise ValueError(f"layer {i + 1}: {layer}: {error}") from error
            self.shapes.append(shape)
            initial.append(params)
            self.buffers.append({name: a.astype(dtype) for name, a in buffers.items()})
        self.in_shape, self.out_shape = self.shapes[0], self.shapes[-1]
        arrays = [np.zeros(0), *(a.ravel() for params in initial for a in params.values())]
        self.theta = np.concatenate(arrays, dtype=dtype)
        sizes = [sum(array.size for array in params.values()) for params in initial]
        self.slices = list(map(slice, accumulate([0, *sizes]), accumulate(sizes)))
        self.first_to_learn = next((i for i, size in enumerate(sizes) if size > 0), len(sizes))
        views = _views(self.theta, initial)
        self.params = [own | kept for own, kept in zip(views, self.buffers, strict=True)]

    def prepare(self, x: Array) -> Any:
        """Return what `forward` takes in place of x, quicker, where x comes many times."""
        return self.layers[0].prepare(x)

    def forward(self, x: Array | Patches, mode: Mode = EVALUATION) -> tuple[Array, list[Any]]:
        """Return the last layer's output, and the caches that `backward` needs.

        x (N, *in_shape) -> (N, *out_shape), of theta's dtype. Only in training do layers draw from
        mode.rng or change their buffers. Raises TypeError if x has another dtype.
        """
        self._check_dtype(x)
        caches = []
        y: Any = x
        for layer, params in zip(self.layers, self.params, strict=True):
            y, cache = layer.forward(params, y, mode)
            caches.append(cache)
        return y, caches

    def backward(self, dy: Array, caches: list[Any]) -> Array:
        """Return dtheta from the gradient dy of the output: the chain rule, last to first.

        It ends at the first layer with parameters: the gradient below it is nobody's.

        dy (N, *out_shape) -> dtheta (P,) in theta's order.
        """
        dtheta = np.empty_like(self.theta)
        for i in reversed(range(self.first_to_learn, len(self.layers))):
            dy = self._backward(i, dy, caches[i], dtheta)
        return dtheta

    def _backward(self, i: int, dy: Array, cache: Any, dtheta: Array) -> Any:
        """Write layer i's part of dtheta, and return its dx, if a layer below it learns."""
        wants_dx = i > self.first_to_learn
        dx, grads = self.layers[i].backward(self.params[i], dy, cache, wants_dx)
        start = self.slices[i].start
        for grad in grads.values():
            dtheta[start : start + grad.size] = grad.ravel()
            start += grad.size
        return dx

    def _check_dtype(self, x: Array | Patches) -> None:
        if isinstance(x, np.ndarray) and x.dtype != self.theta.dtype:
            raise TypeError(f"expected inputs of the parameters' {self.theta.dtype}, got {x.dtype}")

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


def _views(theta: Array, like: list[Arrays]) -> list[Arrays]:
    """Return theta cut into views with the names and shapes of `like`."""
    sizes = [array.size for params in like for array in params.values()]
    cuts = iter(np.split(theta, list(accumulate(sizes))))
    return [{name: next(cuts).reshape(a.shape) for name, a in params.items()} for params in like]


NUMPY = Backend(Sequential)
