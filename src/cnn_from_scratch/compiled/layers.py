"""The layers whose loops are compiled: what they compute is what their NumPy twins do.

In float64 a training step agrees with native NumPy's to 1e-12; with portable numerics, to the bit.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from cnn_from_scratch.compiled import activations, convolution, pooling, portable
from cnn_from_scratch.compiled.kernel import Kernel
from cnn_from_scratch.nn import numerics
from cnn_from_scratch.nn.layers import (
    EVALUATION,
    Arrays,
    Conv2D,
    Images,
    Init,
    Layer,
    MaxPool2D,
    Mode,
    Patches,
    ReLU,
    Shape,
    Sigmoid,
)
from cnn_from_scratch.nn.numerics import Array, Operand, Version


def compiled(layers: Sequence[Layer], version: Version) -> list[Layer]:
    """Return the layers with loops compiled for the numerics' version, where they have any."""
    twins = TWINS | ({Conv2D: PortableConv2D} if version == "portable" else {})
    return [_twin(layer, twins) for layer in layers]


def _twin(layer: Any, twins: dict[type, Any]) -> Layer:
    if type(layer) not in twins:
        return layer
    settings = {field.name: getattr(layer, field.name) for field in fields(layer)}
    return twins[type(layer)](**settings)


class CompiledConv2D(Conv2D):
    """`Conv2D` by `convolution`'s loops."""

    def prepare(self, x: Array) -> Any:
        """Return x as the loops take it, but for the padding: in memory, N last."""
        return _outside(_inside(x))

    def forward(self, params: Arrays, x: Images, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Return y, and as cache the padded input."""
        assert not isinstance(x, Patches)
        padded = self._padded(x)
        y = np.empty(self._shape_of_y(padded), x.dtype)
        self._forward(params, padded, y, steps=y.size * params["W"][0].size)
        return _outside(y), padded

    def share(self, dy: Array | Operand) -> Operand:
        """Return dy as `gradients` and `backward` both take it: (O, H'*W'*N), contiguous."""
        if isinstance(dy, Operand):
            return dy
        return Operand(_inside(dy).reshape(self.out_channels, -1))

    def gradients(self, params: Arrays, dy: Array | Operand, cache: Any) -> Arrays:
        """Return dW and db."""
        dy = self.share(dy)
        weight, bias = np.empty_like(params["W"]), np.empty_like(params["b"])
        self._gradients(dy, cache, weight, bias, steps=dy.array.size * weight[0].size)
        return {"W": weight, "b": bias}

    def backward(self, params: Arrays, dy: Array | Operand, cache: Any) -> Array:
        """Return dx."""
        dy, dx = self.share(dy), np.empty_like(cache)
        self._input_gradient(params["W"], dy, dx, steps=dy.array.size * params["W"][0].size)
        p = self.padding
        return _outside(dx[:, p : dx.shape[1] - p, p : dx.shape[2] - p])

    def _padded(self, x: Array) -> Array:
        if self.padding == 0:
            return _inside(x)
        frame = (self.padding, self.padding)
        return np.pad(_inside(x), ((0, 0), frame, frame, (0, 0)))

    def _forward(self, params: Arrays, x: Array, y: Array, steps: int) -> None:
        taps = tuple(range(self.kernel_size))
        convolution.forward(steps, params["W"], params["b"], x, self.stride, taps, y)

    def _shape_of_y(self, x: Array) -> Shape:
        _, height, width, n = x.shape
        k, s = self.kernel_size, self.stride
        return (self.out_channels, (height - k) // s + 1, (width - k) // s + 1, n)

    def _gradients(self, dy: Operand, x: Array, weight: Array, bias: Array, steps: int) -> None:
        images = dy.array.reshape(self._shape_of_y(x))
        convolution.gradients(steps, images, x, self.stride, bias, weight)

    def _input_gradient(self, weight: Array, dy: Operand, dx: Array, steps: int) -> None:
        images = dy.array.reshape(self._shape_of_y(dx))
        convolution.input_gradient(steps, weight, images, self.stride, dx)


class PortableConv2D(CompiledConv2D):
    """`Conv2D` by loops whose results are those of the portable matrix products, bit by bit."""

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Draw W and b. Raises ValueError if an output is a sum of too many terms as well."""
        start = super().init(in_shape, rng)
        terms = max(self.out_channels, in_shape[0] * self.kernel_size * self.kernel_size)
        if terms > numerics.BLOCK:  # the loops add up these sums in one block
            raise ValueError(
                f"{self}: compiled, with portable numerics, it has at most {numerics.BLOCK} terms"
                f" a sum, not {terms}"
            )
        return start

    def _forward(self, params: Arrays, x: Array, y: Array, steps: int) -> None:
        unit = numerics.FROM_OVERFLOW[numerics.factor_bits(params["W"][0].size)]
        portable.forward(steps, self._rounded(params["W"]), params["b"], x, self.stride, unit, y)

    def _gradients(self, dy: Operand, x: Array, weight: Array, bias: Array, steps: int) -> None:
        images = dy.rounded.reshape(self._shape_of_y(x))
        terms = max(images[0].size, weight[0].size)
        unit = numerics.FROM_OVERFLOW[numerics.factor_bits(terms)]
        shift = portable.whole_shifter(x, unit)
        portable.weight_gradient(steps, images, x, self.stride, shift, weight)
        bias[:] = numerics.sum(dy, axis=1)

    def _input_gradient(self, weight: Array, dy: Operand, dx: Array, steps: int) -> None:
        images = dy.rounded.reshape(self._shape_of_y(dx))
        convolution.input_gradient(steps, self._rounded(weight), images, self.stride, dx)

    def _rounded(self, weight: Array) -> Array:
        return numerics.rounded_factor(weight.reshape(self.out_channels, -1)).reshape(weight.shape)


class CompiledMaxPool2D(MaxPool2D):
    """`MaxPool2D` by `pooling`'s loops."""

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Return y."""
        x, k, s = _inside(x), self.kernel_size, self._stride
        channels, height, width, n = x.shape
        y = np.empty((channels, (height - k) // s + 1, (width - k) // s + 1, n), x.dtype)
        pooling.forward(y.size * k * k, x, k, s, y)
        return _outside(y), (x, y)

    def backward(self, params: Arrays, dy: Array, cache: Any) -> Array:
        """Return dx."""
        x, y = cache
        dx, k = np.empty_like(x), self.kernel_size
        pooling.backward(y.size * k * k, x, y, _inside(dy), k, self._stride, dx)
        return _outside(dx)


class CompiledReLU(ReLU):
    """`ReLU` by `activations`' loops."""

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Return y."""
        return _elementwise(activations.relu, 2, x), x

    def backward(self, params: Arrays, dy: Array, cache: Any) -> Array:
        """Return dx."""
        return _elementwise(activations.relu_backward, 3, cache, dy)


class CompiledSigmoid(Sigmoid):
    """`Sigmoid` by `activations`' loops."""

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Return y."""
        y = _elementwise(activations.sigmoid, 40, x)
        return y, y

    def backward(self, params: Arrays, dy: Array, cache: Any) -> Array:
        """Return dx."""
        return _elementwise(activations.sigmoid_backward, 4, cache, dy)


TWINS: dict[type, Any] = {
    Conv2D: CompiledConv2D,
    MaxPool2D: CompiledMaxPool2D,
    ReLU: CompiledReLU,
    Sigmoid: CompiledSigmoid,
}


def _elementwise(kernel: Kernel, steps: int, *arrays: Array) -> Array:
    """Return what the kernel makes of the arrays' numbers, one after the other, N last."""
    first_last = (*range(1, arrays[0].ndim), 0)
    inputs = [np.ascontiguousarray(array.transpose(first_last)) for array in arrays]
    result = np.empty_like(inputs[0])
    kernel(steps * result.size, *inputs, result)
    return result.transpose(-1, *range(result.ndim - 1))


def _inside(x: Array) -> Array:
    """Return images (N, C, H, W) as the loops take them: (C, H, W, N), one after the other."""
    return np.ascontiguousarray(x.transpose(1, 2, 3, 0))


def _outside(x: Array) -> Array:
    """Return images (C, H, W, N) as the layers' (N, C, H, W)."""
    return x.transpose(3, 0, 1, 2)
