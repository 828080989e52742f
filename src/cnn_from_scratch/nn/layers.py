"""The layers: each computes y from x, and the gradients of the loss from dy.

A layer is a frozen description. It remembers nothing: `forward` returns as `cache` what the
derivatives will need, and those are functions of (params, dy, cache): `gradients` for the
parameters, `backward` for the input. Shapes are worked out once, by `init`, and every shape
mistake is reported there. Only BatchNorm writes anything: its own running statistics, in training.

Arrays are all float64 or all float32. N is the batch; images are (N, C, H, W), vectors (N, D). In
formulas, `dz` is the derivative of the loss with respect to z and has z's shape. In memory a
convolution lays its images out with N last, so that the same pixel of all samples lies in one run:
the many small copies and sums then work on runs of N numbers, and the results need no reordering.
"""

from dataclasses import dataclass
from functools import reduce
from itertools import chain, pairwise
from math import prod
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from cnn_from_scratch.nn import numerics
from cnn_from_scratch.nn.initializers import INITIALIZERS, InitializerName
from cnn_from_scratch.nn.numerics import Array, Operand, exp, matmul, mean, rounded_factor, tanh
from cnn_from_scratch.nn.settings import UNIT, Checked, Range

Shape = tuple[int, ...]
Arrays = dict[str, Array]


class Init(NamedTuple):
    """What a layer is at the start: its output shape (without N), parameters and buffers.

    Parameters are learned; buffers are arrays that the layer keeps besides.
    """

    out_shape: Shape
    params: Arrays
    buffers: Arrays


class Mode(NamedTuple):
    """Whether a forward pass is part of training, and the stream that dropout draws from."""

    training: bool
    rng: np.random.RandomState | None = None


EVALUATION = Mode(training=False)


class Layer(Protocol):
    """What every layer can do. `params` holds its parameters and buffers, by name.

    mode_matters: whether `forward` looks at its mode.
    """

    mode_matters: ClassVar[bool]

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Infer the output shape from in_shape (both without N) and draw the parameters.

        Raises ValueError if the layer cannot take in_shape.
        """

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Return (y, cache)."""

    def gradients(self, params: Arrays, dy: Array, cache: Any) -> Arrays:
        """Return the gradient of each parameter, with the names and shapes of Init.params."""

    def backward(self, params: Arrays, dy: Array, cache: Any) -> Array:
        """Return dx, with x's shape."""


class _WithoutParams:
    """What the layers share that have nothing to learn."""

    mode_matters: ClassVar[bool] = False

    def gradients(self, params: Arrays, dy: Array, cache: Any) -> Arrays:
        """Return no gradients."""
        return {}


class _ShapeKeeping(_WithoutParams):
    """What the layers share that, besides, take any shape and keep it."""

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """No parameters; takes any shape and keeps it."""
        return Init(in_shape, {}, {})


class Activation(_ShapeKeeping):
    """What the activations are: functions of each element by itself."""


class Affine:
    """What the layers share whose derivatives are products with dy."""

    mode_matters: ClassVar[bool] = False

    def share(self, dy: Array | Operand) -> Operand:
        """Return dy as `gradients` and `backward` both take it: vectors (N, O), images (O, H*W*N).

        They accept the array as well, but what they need to know of it is then worked out twice.
        """
        if isinstance(dy, Operand):
            return dy
        return Operand(dy if dy.ndim == 2 else _samples_last(dy).reshape(dy.shape[1], -1))


@dataclass(eq=False)
class Patches:
    """The inputs (N, C, H, W) of a convolution, as its products take them.

    columns (C*k*k, H'*W'*N): for every output pixel of every sample, the k x k inputs it sees.
    rows: the same, transposed; rounded as all of x, where columns are rounded one by one.
    """

    columns: Operand
    rows: Operand
    in_shape: Shape
    out_size: tuple[int, int]  # (H', W')

    def __len__(self) -> int:
        return self.in_shape[0]

    def __getitem__(self, rows: slice) -> "Patches":
        """Return all of them: they go through a network together."""
        return self


Images = Array | Patches


@dataclass(frozen=True)
class Conv2D(Affine):
    """Cross-correlation, plus one bias per channel.

    y[n,o,i,j] = b[o] + sum over c,u,v of W[o,c,u,v] * x[n, c, s*i+u-p, s*j+v-p]

    x (N, C, H, W), taken as 0 outside, -> y (N, out_channels, (H+2p-k)//s + 1, (W+2p-k)//s + 1),
    with W (out_channels, C, k, k), b (out_channels,), k = kernel_size, s = stride, p = padding.
    Initial W: `weight_init` with fan_in = C*k*k and fan_out = out_channels*k*k; initial b: 0.

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition".
    """

    out_channels: int
    kernel_size: int
    stride: int = 1
    padding: int = 0
    weight_init: InitializerName = "published"

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Draw W and b. Raises ValueError unless in_shape is (C, H, W) with H+2p, W+2p >= k."""
        out_size = _out_size(self, in_shape, self.kernel_size, self.stride, self.padding)
        channels, k = in_shape[0], self.kernel_size
        _check_sizes(self, inputs=channels, outputs=self.out_channels)
        draw, shape = INITIALIZERS[self.weight_init], (self.out_channels, channels, k, k)
        weight = draw(rng, shape, fan_in=channels * k * k, fan_out=self.out_channels * k * k)
        params = {"W": weight, "b": np.zeros(self.out_channels)}
        return Init((self.out_channels, *out_size), params, {})

    def prepare(self, x: Array) -> Patches:
        """Return what `forward` makes of x first, for inputs that it will get many times."""
        k, stride, p = self.kernel_size, self.stride, self.padding
        images = np.ascontiguousarray(_samples_last(x))
        padded = np.pad(images, ((0, 0), (p, p), (p, p), (0, 0))) if p > 0 else images

        def columns_of(images: Array) -> Array:
            windows = _windows(images, k, stride).transpose(2, 0, 1, 3, 4, 5)
            return windows.reshape(len(images) * k * k, -1)

        columns = columns_of(padded)
        terms = max(columns.shape)
        # To be rounded first and arranged then, as most pixels stand in several columns.
        rows = Operand(columns.T, rounding=lambda: columns_of(rounded_factor(padded, k=terms)).T)
        out_size = _out_size(self, x.shape[1:], k, stride, p)
        return Patches(Operand(columns, axis=0), rows, x.shape, out_size)

    def forward(self, params: Arrays, x: Images, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """One matrix product: W times a column of inputs for every output pixel."""
        patches = x if isinstance(x, Patches) else self.prepare(x)
        weight = Operand(params["W"].reshape(self.out_channels, -1))
        y = matmul(weight, patches.columns)  # (O, H'*W'*N)
        y += params["b"][:, np.newaxis]
        y = y.reshape(self.out_channels, *patches.out_size, len(patches))
        return _samples_first(y), (patches, weight)

    def gradients(self, params: Arrays, dy: Array | Operand, cache: Any) -> Arrays:
        """Return dW and db.

        dW[o,c,u,v] = sum over n,i,j of dy[n,o,i,j] * x[n, c, s*i+u-p, s*j+v-p]
        db[o]       = sum over n,i,j of dy[n,o,i,j]
        """
        (patches, _), dy = cache, self.share(dy)
        weight = matmul(dy, patches.rows).reshape(params["W"].shape)
        return {"W": weight, "b": numerics.sum(dy, axis=1)}

    def backward(self, params: Arrays, dy: Array | Operand, cache: Any) -> Array:
        """Return dx: each dy[n,o,i,j] * W[o,c,u,v] added to dx[n, c, s*i+u-p, s*j+v-p]."""
        patches, weight = cache
        n, channels, height, width = patches.in_shape
        k, p = self.kernel_size, self.padding
        dwindows = matmul(weight.T, self.share(dy)).reshape(channels, k, k, *patches.out_size, n)
        if (height, width, p) == (k, k, 0):  # one window sees all of the image
            return _samples_first(dwindows.reshape(channels, k, k, n))
        dx = np.zeros((channels, height + 2 * p, width + 2 * p, n), dwindows.dtype)
        _add_up(dwindows.transpose(1, 2, 0, 3, 4, 5), _windows(dx, k, self.stride))
        return _samples_first(dx[:, p : p + height, p : p + width])


@dataclass(frozen=True)
class _Pool2D(_WithoutParams):
    """What the pooling layers share: windows of kernel_size, stride apart (None: side by side)."""

    kernel_size: int
    stride: int | None = None

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """No parameters. Raises ValueError unless in_shape is (C, H, W) with H, W >= k."""
        out_size = _out_size(self, in_shape, self.kernel_size, self._stride)
        return Init((in_shape[0], *out_size), {}, {})

    @property
    def _stride(self) -> int:
        return self.kernel_size if self.stride is None else self.stride

    def _windows(self, images: Array) -> Array:
        return _windows(images, self.kernel_size, self._stride)


@dataclass(frozen=True)
class MaxPool2D(_Pool2D):
    """The maximum of each window; windows may overlap, and must fit inside the image.

    y[n,c,i,j] = max over u,v in 0..k-1 of x[n, c, s*i+u, s*j+v]

    x (N, C, H, W) -> y (N, C, (H-k)//s + 1, (W-k)//s + 1), with k = kernel_size and s = stride
    (None: k). Rows and columns that no window reaches are ignored, and get zero gradient.
    """

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Take the running maximum over the k*k places in a window."""
        x = _samples_last(x)
        y = reduce(np.maximum, chain.from_iterable(self._windows(x)))
        return _samples_first(y), (x, y)

    def backward(self, params: Arrays, dy: Array, cache: Any) -> Array:
        """Send dy to the first place, in row-major order, that holds the window's maximum."""
        x, y = cache
        found = np.equal(self._windows(x), y, order="C")
        places = found.reshape(-1, *y.shape)
        for earlier, place in pairwise(places):
            place |= earlier  # found at this place or before
        places[1:] ^= places[:-1]  # found first at this place
        dy, dx = _samples_last(dy), np.zeros(x.shape, dy.dtype)
        if self._stride >= self.kernel_size:  # no two windows share a pixel
            np.multiply(dy, found, out=self._windows(dx))  # several times quicker than np.where
        else:
            _add_up(dy * found, self._windows(dx))
        return _samples_first(dx)


@dataclass(frozen=True)
class AvgPool2D(_Pool2D):
    """The mean of each window; windows may overlap, and must fit inside the image.

    y[n,c,i,j] = (1/k^2) * sum over u,v in 0..k-1 of x[n, c, s*i+u, s*j+v]

    Shapes as MaxPool2D's.
    """

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Add up the k*k places in a window, and divide."""
        total = reduce(np.add, chain.from_iterable(self._windows(_samples_last(x))))
        return _samples_first(total / (self.kernel_size * self.kernel_size)), x.shape

    def backward(self, params: Arrays, dy: Array, cache: Any) -> Array:
        """Send dy / k^2 to every place of the window."""
        n, *shape = cache
        dx, share = np.zeros((*shape, n), dy.dtype), dy / (self.kernel_size * self.kernel_size)
        for place in chain.from_iterable(self._windows(dx)):
            place += _samples_last(share)
        return _samples_first(dx)


@dataclass(frozen=True)
class Dense(Affine):
    """An affine map of vectors.

    y = x W + b

    x (N, D) -> y (N, out_features), with W (D, out_features) and b (out_features,). Initial W:
    `weight_init` with fan_in = D and fan_out = out_features; initial b: 0.
    """

    out_features: int
    weight_init: InitializerName = "published"

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Draw W and b. Raises ValueError unless in_shape is (D,)."""
        if len(in_shape) != 1:
            raise ValueError(f"{self}: expected vectors (D,), got {in_shape}; put Flatten before")
        _check_sizes(self, inputs=in_shape[0], outputs=self.out_features)
        draw, shape = INITIALIZERS[self.weight_init], (*in_shape, self.out_features)
        weight = draw(rng, shape, fan_in=in_shape[0], fan_out=self.out_features)
        return Init((self.out_features,), {"W": weight, "b": np.zeros(self.out_features)}, {})

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Return y = x W + b."""
        weight = Operand(params["W"])
        return matmul(Operand(x, axis=1), weight) + params["b"], (x, weight)

    def gradients(self, params: Arrays, dy: Array | Operand, cache: Any) -> Arrays:
        """Return dW = x^T dy and db = sum over n of dy[n]."""
        (x, _), dy = cache, self.share(dy)
        return {"W": matmul(x.T, dy), "b": numerics.sum(dy, axis=0)}

    def backward(self, params: Arrays, dy: Array | Operand, cache: Any) -> Array:
        """Return dx = dy W^T."""
        return matmul(dy, cache[1].T)


@dataclass(frozen=True)
class Flatten(_WithoutParams):
    """Each sample as one vector, in row-major order: x (N, ...) -> y (N, D)."""

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """No parameters; takes any shape."""
        return Init((prod(in_shape),), {}, {})

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Return y, the same numbers reshaped."""
        return x.reshape(len(x), -1), x.shape

    def backward(self, params: Arrays, dy: Array, cache: Any) -> Array:
        """Return dx, the same numbers in x's shape."""
        return dy.reshape(cache)


@dataclass(frozen=True)
class Sigmoid(Activation):
    """The logistic function, stable for any finite x: x (N, ...) -> y like x, in [0, 1].

    y = 1 / (1 + exp(-x))

    Below x = -708, where exp(-x) would overflow, y stays at 3.3e-308 (float32: -88, 6.1e-39).
    """

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Return y = 1 / (1 + exp(-x))."""
        y = 1.0 / (1.0 + exp(np.minimum(-x, 708.0 if x.dtype == np.float64 else 88.0)))
        return y, y

    def backward(self, params: Arrays, dy: Array, cache: Any) -> Array:
        """Return dx = dy * y * (1 - y)."""
        y = cache
        return dy * (y * (1.0 - y))


@dataclass(frozen=True)
class Tanh(Activation):
    """The hyperbolic tangent: x (N, ...) -> y like x, in [-1, 1].

    y = tanh(x)
    """

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Return y = tanh(x)."""
        y = tanh(x)
        return y, y

    def backward(self, params: Arrays, dy: Array, cache: Any) -> Array:
        """Return dx = dy * (1 - y^2)."""
        y = cache
        return dy * ((1.0 - y) * (1.0 + y))


@dataclass(frozen=True)
class ReLU(Activation):
    """The rectifier: x (N, ...) -> y like x, in [0, inf).

    y = max(x, 0)
    """

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Return y = max(x, 0)."""
        return np.maximum(x, 0.0), x

    def backward(self, params: Arrays, dy: Array, cache: Any) -> Array:
        """Return dx = dy where x > 0, else 0 (so the derivative at 0 is 0)."""
        x = cache
        return dy * (x > 0)


@dataclass(frozen=True)
class BatchNorm(Checked):
    """Each channel shifted and scaled to mean 0 and variance 1 over the batch, then learned anew.

    xhat = (x - mean) / sqrt(var + eps),  y = gamma * xhat + beta

    x (N, C, ...) -> y like x, with gamma and beta (C,), 1 and 0 at the start. In training, mean
    and var (biased, divided by the m numbers of a channel) are those of the batch, and the
    buffers running_mean and running_var (C,), 0 and 1 at the start, follow them:

    running = (1 - momentum) * running + momentum * batch

    where the batch's variance is the unbiased one, m/(m-1) * var. In evaluation, mean and var are
    the running ones.

    Source: Ioffe and Szegedy 2015, "Batch normalization", algorithms 1 and 2.
    """

    eps: float = 1e-5
    momentum: float = 0.1
    mode_matters: ClassVar[bool] = True
    ranges: ClassVar[dict[str, Range]] = {"momentum": UNIT}

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Start at the identity. Raises ValueError unless in_shape has channels."""
        if len(in_shape) == 0 or in_shape[0] < 1:
            raise ValueError(f"{self}: expected at least one channel (C, ...), got {in_shape}")
        c = in_shape[0]
        buffers: Arrays = {"running_mean": np.zeros(c), "running_var": np.ones(c)}
        return Init(in_shape, {"gamma": np.ones(c), "beta": np.zeros(c)}, buffers)

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Return y; in training, also move the running statistics towards the batch's.

        Raises ValueError in training if m = 1: less its mean, a single value is always 0.
        """
        rest, (gamma, beta) = self._broadcast(x, params["gamma"], params["beta"])
        if mode.training:
            m = x.size // x.shape[1]
            if m == 1:
                raise ValueError(f"{self}: one value per channel has no variance, got x {x.shape}")
            center = mean(x, axis=rest)
            deviation = x - self._broadcast(x, center)[1][0]
            var = mean(deviation * deviation, axis=rest)
            for name, batch in (("running_mean", center), ("running_var", var * (m / (m - 1)))):
                params[name] += self.momentum * (batch - params[name])
        else:
            center, var = params["running_mean"], params["running_var"]
        _, (center, std) = self._broadcast(x, center, np.sqrt(var + self.eps))
        xhat = (x - center) / std
        return gamma * xhat + beta, (xhat, std, mode.training)

    def gradients(self, params: Arrays, dy: Array, cache: Any) -> Arrays:
        """Return dgamma[c] = sum of dy * xhat and dbeta[c] = sum of dy, over all but c."""
        xhat, _, _ = cache
        rest, _ = self._broadcast(dy)
        return {"gamma": numerics.sum(dy * xhat, axis=rest), "beta": numerics.sum(dy, axis=rest)}

    def backward(self, params: Arrays, dy: Array, cache: Any) -> Array:
        """Return dx.

        In training, where mean and var depend on x: with dxhat = gamma * dy,
        dx = (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)) / sqrt(var + eps),
        means over all but the channel. In evaluation: dx = dxhat / sqrt(var + eps).
        """
        xhat, std, training = cache
        rest, (gamma,) = self._broadcast(dy, params["gamma"])
        dxhat = gamma * dy
        if training:
            mean_product = mean(dxhat * xhat, axis=rest, keepdims=True)
            dxhat = dxhat - mean(dxhat, axis=rest, keepdims=True) - xhat * mean_product
        return dxhat / std

    def _broadcast(self, x: Array, *arrays: Array) -> tuple[Shape, list[Array]]:
        """Return x's axes but the channel's, and the (C,) arrays shaped to meet x."""
        shape = (1, -1, *[1] * (x.ndim - 2))
        return (0, *range(2, x.ndim)), [array.reshape(shape) for array in arrays]


@dataclass(frozen=True)
class Dropout(_ShapeKeeping, Checked):
    """In training, each element set to 0 with probability rate, the others scaled up.

    y = x * mask / (1 - rate),  mask 0 with probability rate, else 1

    So y's mean is x. In evaluation y = x. x (N, ...) -> y like x; masks come from Mode.rng.

    Source: Srivastava et al. 2014, "Dropout", in its inverted form (section 10).
    """

    rate: float = 0.5
    mode_matters: ClassVar[bool] = True

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Return y. Raises ValueError if training without a random stream."""
        if not mode.training:
            return x, 1.0
        if mode.rng is None:
            raise ValueError("dropout needs a random stream in training: Mode(True, rng)")
        scale = np.zeros_like(x)
        scale[mode.rng.random_sample(x.shape) >= self.rate] = 1.0 / (1.0 - self.rate)
        return x * scale, scale

    def backward(self, params: Arrays, dy: Array, cache: Any) -> Array:
        """Return dx = dy * mask / (1 - rate)."""
        scale = cache
        return dy * scale


LAYERS: dict[str, type[Layer]] = {
    "conv2d": Conv2D,
    "max_pool2d": MaxPool2D,
    "avg_pool2d": AvgPool2D,
    "dense": Dense,
    "flatten": Flatten,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
    "batch_norm": BatchNorm,
    "dropout": Dropout,
}


def _out_size(
    layer: object, in_shape: Shape, kernel_size: int, stride: int, padding: int = 0
) -> tuple[int, int]:
    """Return how many windows fit in height and width, or say why the layer cannot take it."""
    if kernel_size < 1 or stride < 1 or padding < 0:
        raise ValueError(f"{layer}: expected a kernel_size and stride >= 1 and a padding >= 0")
    if len(in_shape) != 3:
        raise ValueError(f"{layer}: expected images (C, H, W), got {in_shape}")
    _, height, width = in_shape
    if min(height, width) + 2 * padding < kernel_size:
        raise ValueError(f"{layer}: a {height}x{width} image is smaller than the kernel")
    return (
        (height + 2 * padding - kernel_size) // stride + 1,
        (width + 2 * padding - kernel_size) // stride + 1,
    )


def _check_sizes(layer: Layer, inputs: int, outputs: int) -> None:
    if min(inputs, outputs) < 1:
        sizes = f"{inputs} and {outputs}"
        raise ValueError(f"{layer}: expected at least 1 input and 1 output, got {sizes}")


def _samples_last(x: Array) -> Array:
    """Return images (N, C, H, W) as they lie in memory: (C, H, W, N)."""
    return x.transpose(1, 2, 3, 0)


def _samples_first(x: Array) -> Array:
    """Return images (C, H, W, N) as the layers see them: (N, C, H, W)."""
    return x.transpose(3, 0, 1, 2)


def _windows(images: Array, kernel_size: int, stride: int) -> Array:
    """Return what stands at each place (u, v) of all windows; without a copy, if contiguous.

    images (C, H, W, N) -> windows (k, k, C, H', W', N):
    windows[u,v,c,i,j,n] = images[c, s*i+u, s*j+v, n]
    """
    k, images = kernel_size, np.ascontiguousarray(images)
    channels, height, width, n = images.shape
    c, h, w, one = images.strides
    shape = (k, k, channels, (height - k) // stride + 1, (width - k) // stride + 1, n)
    return np.ndarray(shape, images.dtype, images, 0, (h, w, c, stride * h, stride * w, one))


def _add_up(terms: Array, windows: Array) -> None:
    """Add what is meant for each place of all windows to the images that they are a view of.

    Both (k, k, C, H', W', N). A pixel stands in several windows, so they are added place by place
    or, where that is fewer sums, window by window: from the last, as each pixel's sum is then in
    the same order.
    """
    k, _, _, h_out, w_out, _ = windows.shape
    if k * k > h_out * w_out:
        terms, windows = (a.transpose(3, 4, 2, 0, 1, 5)[::-1, ::-1] for a in (terms, windows))
    for pixels, term in zip(*map(chain.from_iterable, (windows, terms)), strict=True):
        pixels += term
