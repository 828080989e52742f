"""The layers: each computes y from x, and the gradients of the loss from dy.

A layer is a frozen description. It remembers nothing: `forward` returns as `cache` what the
derivatives will need, and those are functions of (params, dy, cache): `gradients` for the
parameters, `backward` for the input. Shapes are worked out once, by `init`, and every shape
mistake is reported there.

Arrays are float64. N is the batch; images are (N, C, H, W), vectors (N, D). In formulas, `dz` is
the derivative of the loss with respect to z and has z's shape. In memory a convolution lays its
images out with N last, so that the same pixel of all samples lies in one run: the many small
copies and sums then work on runs of N numbers, and the results need no reordering.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from cnn_from_scratch.nn.initializers import published

Array = np.ndarray[Any, np.dtype[np.float64]]
Shape = tuple[int, ...]
Params = dict[str, Array]


class Init(NamedTuple):
    """What a layer is at the start: its output shape (without N) and its parameters."""

    out_shape: Shape
    params: Params


class Layer(Protocol):
    """What every layer can do."""

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Infer the output shape from in_shape (both without N) and draw the parameters.

        Raises ValueError if the layer cannot take in_shape.
        """

    def forward(self, params: Params, x: Array) -> tuple[Array, Any]:
        """Return (y, cache)."""

    def gradients(self, params: Params, dy: Array, cache: Any) -> Params:
        """Return the gradient of each parameter, with the names and shapes of params."""

    def backward(self, params: Params, dy: Array, cache: Any) -> Array:
        """Return dx, with x's shape."""


class _WithoutParams:
    """What the layers share that have nothing to learn."""

    def gradients(self, params: Params, dy: Array, cache: Any) -> Params:
        """Return no gradients."""
        return {}


class _Elementwise(_WithoutParams):
    """What the activations share: any shape passes through unchanged."""

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """No parameters; takes any shape and keeps it."""
        return Init(in_shape, {})


@dataclass(frozen=True)
class Conv2D:
    """Valid cross-correlation with stride 1, plus a bias a channel.

    y[n,o,i,j] = b[o] + sum over c,u,v of W[o,c,u,v] * x[n, c, i+u, j+v]

    x (N, C, H, W) -> y (N, out_channels, H-k+1, W-k+1), with W (out_channels, C, k, k),
    b (out_channels,) and k = kernel_size. Initial W: standard normal / sqrt(fan_in) with
    fan_in = C*k*k; initial b: 0 (Lee 2025, released code).

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition".
    """

    out_channels: int
    kernel_size: int

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Draw W and b. Raises ValueError unless in_shape is (C, H, W) with H, W >= k."""
        channels, height, width = _image_shape(self, in_shape, self.kernel_size)
        _check_sizes(self, inputs=channels, outputs=self.out_channels)
        k = self.kernel_size
        weight = published(rng, (self.out_channels, channels, k, k), fan_in=channels * k * k)
        out_shape = (self.out_channels, height - k + 1, width - k + 1)
        return Init(out_shape, {"W": weight, "b": np.zeros(self.out_channels)})

    def forward(self, params: Params, x: Array) -> tuple[Array, Any]:
        """One matrix product: W times a column of inputs for every output pixel."""
        places = _places(x, self.kernel_size, stride=1)
        n, channels, h_out, w_out = places[0].shape
        patches = np.stack([place.transpose(1, 2, 3, 0) for place in places], axis=1)
        patches = patches.reshape(channels * len(places), -1)  # (C*k*k, H'*W'*N)
        y = params["W"].reshape(self.out_channels, -1) @ patches  # (O, H'*W'*N)
        y += params["b"][:, np.newaxis]
        y = y.reshape(self.out_channels, h_out, w_out, n).transpose(3, 0, 1, 2)
        return y, (patches, x.shape)

    def gradients(self, params: Params, dy: Array, cache: Any) -> Params:
        """Return dW and db.

        dW[o,c,u,v] = sum over n,i,j of dy[n,o,i,j] * x[n, c, i+u, j+v]
        db[o]       = sum over n,i,j of dy[n,o,i,j]
        """
        patches, _ = cache
        dy = dy.transpose(1, 2, 3, 0).reshape(self.out_channels, -1)  # (O, H'*W'*N)
        return {"W": (dy @ patches.T).reshape(params["W"].shape), "b": dy.sum(axis=1)}

    def backward(self, params: Params, dy: Array, cache: Any) -> Array:
        """Return dx.

        dx[n,c,p,q] = sum over o,u,v of dy[n, o, p-u, q-v] * W[o,c,u,v]
        """
        _, (n, channels, height, width) = cache
        _, out_channels, h_out, w_out = dy.shape
        dy = dy.transpose(1, 2, 3, 0).reshape(out_channels, -1)  # (O, H'*W'*N)
        dpatches = params["W"].reshape(out_channels, -1).T @ dy  # (C*k*k, H'*W'*N)
        dpatches = dpatches.reshape(channels, -1, h_out, w_out, n)  # (C, k*k, H', W', N)
        dx = np.zeros((channels, height, width, n)).transpose(3, 0, 1, 2)
        for i, place in enumerate(_places(dx, self.kernel_size, stride=1)):
            place += dpatches[:, i].transpose(3, 0, 1, 2)
        return dx


@dataclass(frozen=True)
class MaxPool2D(_WithoutParams):
    """The maximum of each window; windows may overlap, and must fit inside the image.

    y[n,c,i,j] = max over u,v in 0..k-1 of x[n, c, s*i+u, s*j+v]

    x (N, C, H, W) -> y (N, C, (H-k)//s + 1, (W-k)//s + 1), with k = kernel_size and s = stride
    (None: k). Rows and columns that no window reaches are ignored, and get zero gradient.
    """

    kernel_size: int
    stride: int | None = None

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """No parameters. Raises ValueError unless in_shape is (C, H, W) with H, W >= k."""
        channels, height, width = _image_shape(self, in_shape, self.kernel_size)
        if self.stride is not None and self.stride < 1:
            raise ValueError(f"{self}: expected a stride of at least 1")
        sizes = [(size - self.kernel_size) // self._stride + 1 for size in (height, width)]
        return Init((channels, *sizes), {})

    def forward(self, params: Params, x: Array) -> tuple[Array, Any]:
        """Take the running maximum over the k*k places in a window."""
        y, *others = _places(x, self.kernel_size, self._stride)
        for place in others:
            y = np.maximum(y, place)
        return y, (x, y)

    def backward(self, params: Params, dy: Array, cache: Any) -> Array:
        """Send dy to the first place, in row-major order, that holds the window's maximum."""
        x, y = cache
        dx = np.zeros_like(x)
        remaining = dy  # what has not found its maximum yet
        for x_place, dx_place in zip(
            _places(x, self.kernel_size, self._stride),
            _places(dx, self.kernel_size, self._stride),
            strict=True,
        ):
            routed = np.where(x_place == y, remaining, 0.0)
            dx_place += routed
            remaining = remaining - routed
        return dx

    @property
    def _stride(self) -> int:
        return self.kernel_size if self.stride is None else self.stride


@dataclass(frozen=True)
class Dense:
    """An affine map of vectors.

    y = x W + b

    x (N, D) -> y (N, out_features), with W (D, out_features) and b (out_features,). Initial W:
    standard normal / sqrt(fan_in) with fan_in = D; initial b: 0.
    """

    out_features: int

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Draw W and b. Raises ValueError unless in_shape is (D,)."""
        if len(in_shape) != 1:
            raise ValueError(f"{self}: expected vectors (D,), got {in_shape}; put Flatten before")
        _check_sizes(self, inputs=in_shape[0], outputs=self.out_features)
        weight = published(rng, (*in_shape, self.out_features), fan_in=in_shape[0])
        return Init((self.out_features,), {"W": weight, "b": np.zeros(self.out_features)})

    def forward(self, params: Params, x: Array) -> tuple[Array, Any]:
        """Return y = x W + b."""
        return x @ params["W"] + params["b"], x

    def gradients(self, params: Params, dy: Array, cache: Any) -> Params:
        """Return dW = x^T dy and db = sum over n of dy[n]."""
        x = cache
        return {"W": x.T @ dy, "b": dy.sum(axis=0)}

    def backward(self, params: Params, dy: Array, cache: Any) -> Array:
        """Return dx = dy W^T."""
        return dy @ params["W"].T


@dataclass(frozen=True)
class Flatten(_WithoutParams):
    """Each sample as one vector, in row-major order: x (N, ...) -> y (N, D)."""

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """No parameters; takes any shape."""
        return Init((int(np.prod(in_shape)),), {})

    def forward(self, params: Params, x: Array) -> tuple[Array, Any]:
        """Return y, the same numbers reshaped."""
        return x.reshape(len(x), -1), x.shape

    def backward(self, params: Params, dy: Array, cache: Any) -> Array:
        """Return dx, the same numbers in x's shape."""
        return dy.reshape(cache)


@dataclass(frozen=True)
class Sigmoid(_Elementwise):
    """The logistic function, stable for any finite x: x (N, ...) -> y like x, in [0, 1].

    y = 1 / (1 + exp(-x))

    Below x = -708, where exp(-x) would overflow, y stays at 3.3e-308.
    """

    def forward(self, params: Params, x: Array) -> tuple[Array, Any]:
        """Return y = 1 / (1 + exp(-x))."""
        y = 1.0 / (1.0 + np.exp(np.minimum(-x, 708.0)))
        return y, y

    def backward(self, params: Params, dy: Array, cache: Any) -> Array:
        """Return dx = dy * y * (1 - y)."""
        y = cache
        return dy * (y * (1.0 - y))


@dataclass(frozen=True)
class ReLU(_Elementwise):
    """The rectifier: x (N, ...) -> y like x, in [0, inf).

    y = max(x, 0)
    """

    def forward(self, params: Params, x: Array) -> tuple[Array, Any]:
        """Return y = max(x, 0)."""
        return np.maximum(x, 0.0), x

    def backward(self, params: Params, dy: Array, cache: Any) -> Array:
        """Return dx = dy where x > 0, else 0 (so the derivative at 0 is 0)."""
        x = cache
        return dy * (x > 0)


def _image_shape(layer: Layer, in_shape: Shape, kernel_size: int) -> tuple[int, int, int]:
    """Return in_shape as (C, H, W), or say why the layer cannot take it."""
    if kernel_size < 1:
        raise ValueError(f"{layer}: expected a kernel_size of at least 1")
    if len(in_shape) != 3:
        raise ValueError(f"{layer}: expected images (C, H, W), got {in_shape}")
    channels, height, width = in_shape
    if min(height, width) < kernel_size:
        raise ValueError(f"{layer}: a {height}x{width} image is smaller than the kernel")
    return channels, height, width


def _check_sizes(layer: Layer, inputs: int, outputs: int) -> None:
    if min(inputs, outputs) < 1:
        raise ValueError(
            f"{layer}: expected at least 1 input and 1 output, got {inputs} and {outputs}"
        )


def _places(image: Array, kernel_size: int, stride: int) -> list[Array]:
    """Return, for each place (u, v) of a window in row-major order, its view in all windows.

    image (N, C, H, W) -> k*k views (N, C, H', W'): view[n,c,i,j] = image[n, c, s*i+u, s*j+v]
    """
    h_span, w_span = ((size - kernel_size) // stride * stride + 1 for size in image.shape[2:])
    return [
        image[:, :, u : u + h_span : stride, v : v + w_span : stride]
        for u in range(kernel_size)
        for v in range(kernel_size)
    ]
