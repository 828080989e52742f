"""The layers: each computes y from x, and the gradients of the loss from dy.

A layer is a frozen description. It remembers nothing: `forward` returns as `cache` what `backward`
will need. Shapes are worked out once, by `init`, and every shape mistake is reported there. Only
BatchNorm writes anything: its own running statistics, in training.

Arrays are all float64 or all float32. N is the batch; images are (N, C, H, W), vectors (N, D). In
formulas, `dz` is the derivative of the loss with respect to z and has z's shape. `factor` and
`matmul` are those of numerics.py: a matrix is made a factor once, for all products it stands in.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import reduce
from itertools import chain, pairwise
from math import prod
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.checks import AT_LEAST_1, NOT_NEGATIVE, POSITIVE, UNIT, UNIT_BELOW_1, Checked
from cnn_from_scratch.nn import numerics
from cnn_from_scratch.nn.initializers import INITIALIZERS, InitializerName
from cnn_from_scratch.nn.numerics import exp, factor, factor_sum, matmul, mean, rearranged, tanh
from cnn_from_scratch.nn.windows import (
    Patches,
    add_to_windows,
    samples_first,
    samples_last,
    windows,
    windows_in,
)

Arrays = dict[str, Array]
Output = tuple[Array, Any]  # y, and the cache: what the way back needs
Gradients = tuple[Any, Arrays]  # dx (None, if nobody asked for it), and the parameters' by name


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


class Layer(Checked, ABC):
    """What every layer can do; unless told, it keeps the shape and has no parameters.

    `params` holds a layer's parameters and buffers, by name. mode_matters: whether `forward` looks
    at its mode.
    """

    mode_matters: ClassVar[bool] = False

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Infer the output shape from in_shape (both without N) and draw the parameters.

        Raises ValueError if the layer cannot take in_shape.
        """
        return Init(in_shape, {}, {})

    def prepare(self, x: Array) -> Any:
        """Return what `forward` makes of x first; it takes that, too, if x comes many times."""
        return x

    @abstractmethod
    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> Output:
        """Return (y, cache)."""

    @abstractmethod
    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Return dx, with x's shape, and the gradient of each parameter, by its name.

        wants_dx: whether dx is asked for; if it is not, it may be None.
        """


class Activation(Layer):
    """A function of each element by itself."""


@dataclass(frozen=True)
class Conv2D(Layer):
    """Cross-correlation, plus one bias per channel.

    y[n,o,i,j] = b[o] + sum over c,u,v of W[o,c,u,v] * x[n, c, s*i+u-p, s*j+v-p]

    x (N, C, H, W), taken as 0 outside, -> y (N, out_channels, (H+2p-h)//s + 1, (W+2p-w)//s + 1),
    with W (out_channels, C, h, w), b (out_channels,), s = stride, p = padding. The kernel's height
    and width h, w are both kernel_size; without one (None) they are H, W: it spans the image, and
    takes no padding.
    Initial W: `weight_init` with fan_in = C*h*w and fan_out = out_channels*h*w; initial b: 0.

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition".
    """

    out_channels: Annotated[int, AT_LEAST_1]
    kernel_size: Annotated[int | None, AT_LEAST_1]
    stride: Annotated[int, AT_LEAST_1] = 1
    padding: Annotated[int, NOT_NEGATIVE] = 0
    weight_init: InitializerName = "published"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kernel_size is None and self.padding > 0:
            raise ValueError("padding: expected 0 with a kernel that spans the image")

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Draw W and b. Raises ValueError unless in_shape is (C, H, W), H+2p >= h, W+2p >= w."""
        kernel = self._kernel(in_shape)
        out_size = windows_in(in_shape, kernel, self.stride, self.padding)
        channels, places, o = in_shape[0], prod(kernel), self.out_channels
        draw = INITIALIZERS[self.weight_init]
        W = draw(rng, (o, channels, *kernel), fan_in=channels * places, fan_out=o * places)
        return Init((o, *out_size), {"W": W, "b": np.zeros(o)}, {})

    def _kernel(self, in_shape: Shape) -> Shape:
        """Return the kernel's height and width."""
        return in_shape[1:] if self.kernel_size is None else (self.kernel_size, self.kernel_size)

    def prepare(self, x: Array) -> Patches:
        """Return the columns of x."""
        return Patches(x, self._kernel(x.shape[1:]), self.stride, self.padding)

    def forward(self, params: Arrays, x: Array | Patches, mode: Mode = EVALUATION) -> Output:
        """One matrix product: W times a column of inputs for every output pixel."""
        patches = x if isinstance(x, Patches) else self.prepare(x)
        W = factor(params["W"].reshape(self.out_channels, -1))  # (O, C*h*w)
        y = matmul(W, patches.columns)  # (O, H'*W'*N)
        y += params["b"][:, np.newaxis]
        y = y.reshape(self.out_channels, *patches.out_size, -1)  # (O, H', W', N)
        return samples_first(y), (patches, W)

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Return dx and dW, db.

        dW[o,c,u,v] = sum over n,i,j of dy[n,o,i,j] * x[n, c, s*i+u-p, s*j+v-p]
        db[o]       = sum over n,i,j of dy[n,o,i,j]
        dx: each dy[n,o,i,j] * W[o,c,u,v] added to dx[n, c, s*i+u-p, s*j+v-p]
        """
        patches, W = cache
        dy_factor = factor(samples_last(dy).reshape(self.out_channels, -1))  # (O, H'*W'*N)
        dW = matmul(dy_factor, patches.rows).reshape(params["W"].shape)
        grads = {"W": dW, "b": factor_sum(dy_factor, axis=1)}
        dx = patches.col2im(matmul(rearranged(W, np.transpose), dy_factor)) if wants_dx else None
        return dx, grads


@dataclass(frozen=True)
class _Pool2D(Layer):
    """What the pooling layers share: windows of kernel_size, stride apart (None: side by side)."""

    kernel_size: Annotated[int, AT_LEAST_1]
    stride: Annotated[int | None, AT_LEAST_1] = None

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """No parameters. Raises ValueError unless in_shape is (C, H, W) with H, W >= k."""
        out_size = windows_in(in_shape, (self.kernel_size, self.kernel_size), self._stride)
        return Init((in_shape[0], *out_size), {}, {})

    @property
    def _stride(self) -> int:
        return self.kernel_size if self.stride is None else self.stride

    def _windows(self, images: Array) -> Array:
        return windows(images, (self.kernel_size, self.kernel_size), self._stride)


@dataclass(frozen=True)
class MaxPool2D(_Pool2D):
    """The maximum of each window; windows may overlap, and must fit inside the image.

    y[n,c,i,j] = max over u,v in 0..k-1 of x[n, c, s*i+u, s*j+v]

    x (N, C, H, W) -> y (N, C, (H-k)//s + 1, (W-k)//s + 1), with k = kernel_size and s = stride
    (None: k). Rows and columns that no window reaches are ignored, and get zero gradient.
    """

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> Output:
        """Take the running maximum over the k*k places in a window."""
        x = samples_last(x)  # (C, H, W, N)
        y = reduce(np.maximum, chain.from_iterable(self._windows(x)))  # (C, H', W', N)
        return samples_first(y), (x, y)

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Send dy to the first place, in row-major order, that holds the window's maximum."""
        x, y = cache
        found = np.equal(self._windows(x), y, order="C")  # (k, k, C, H', W', N)
        places = found.reshape(-1, *y.shape)  # (k*k, C, H', W', N)
        for earlier, place in pairwise(places):
            place |= earlier  # found at this place or before
        places[1:] ^= places[:-1]  # found first at this place
        dy, dx = samples_last(dy), np.zeros(x.shape, dy.dtype)
        if self._stride >= self.kernel_size:  # no two windows share a pixel
            np.multiply(dy, found, out=self._windows(dx))  # several times quicker than np.where
        else:
            add_to_windows(dy * found, self._windows(dx))
        return samples_first(dx), {}


@dataclass(frozen=True)
class AvgPool2D(_Pool2D):
    """The mean of each window; windows may overlap, and must fit inside the image.

    y[n,c,i,j] = (1/k^2) * sum over u,v in 0..k-1 of x[n, c, s*i+u, s*j+v]

    Shapes as MaxPool2D's.
    """

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> Output:
        """Add up the k*k places in a window, and divide."""
        x = samples_last(x)  # (C, H, W, N)
        total = reduce(np.add, chain.from_iterable(self._windows(x)))  # (C, H', W', N)
        return samples_first(total / (self.kernel_size * self.kernel_size)), x.shape

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Send dy / k^2 to every place of the window."""
        dx = np.zeros(cache, dy.dtype)  # (C, H, W, N)
        share = samples_last(dy / (self.kernel_size * self.kernel_size))  # (C, H', W', N)
        for place in chain.from_iterable(self._windows(dx)):
            place += share
        return samples_first(dx), {}


@dataclass(frozen=True)
class Dense(Layer):
    """An affine map of vectors.

    y = x W + b

    x (N, D) -> y (N, out_features), with W (D, out_features) and b (out_features,). Initial W:
    `weight_init` with fan_in = D and fan_out = out_features; initial b: 0.
    """

    out_features: Annotated[int, AT_LEAST_1]
    weight_init: InitializerName = "published"

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Draw W and b. Raises ValueError unless in_shape is (D,), D >= 1."""
        if len(in_shape) != 1 or in_shape[0] < 1:
            raise ValueError(f"expected vectors (D,), D >= 1, got {in_shape}; put Flatten before")
        (d,), o = in_shape, self.out_features
        W = INITIALIZERS[self.weight_init](rng, (d, o), fan_in=d, fan_out=o)
        return Init((o,), {"W": W, "b": np.zeros(o)}, {})

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> Output:
        """Return y = x W + b."""
        W = factor(params["W"])
        return matmul(factor(x, axis=1), W) + params["b"], (x, W)

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Return dx = dy W^T, and dW = x^T dy and db = sum over n of dy[n]."""
        (x, W), dy_factor = cache, factor(dy)
        grads = {"W": matmul(factor(x.T), dy_factor), "b": factor_sum(dy_factor, axis=0)}
        dx = matmul(dy_factor, rearranged(W, np.transpose)) if wants_dx else None
        return dx, grads


@dataclass(frozen=True)
class Flatten(Layer):
    """Each sample as one vector, in row-major order: x (N, ...) -> y (N, D)."""

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """No parameters; takes any shape."""
        return Init((prod(in_shape),), {}, {})

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> Output:
        """Return y, the same numbers reshaped."""
        return x.reshape(len(x), -1), x.shape

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Return dx, the same numbers in x's shape."""
        return dy.reshape(cache), {}


@dataclass(frozen=True)
class Sigmoid(Activation):
    """The logistic function, stable for any finite x: x (N, ...) -> y like x, in [0, 1].

    y = 1 / (1 + exp(-x))

    Below x = -708, where exp(-x) would overflow, y stays at 3.3e-308 (float32: -88, 6.1e-39).
    """

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> Output:
        """Return y = 1 / (1 + exp(-x))."""
        y = 1.0 / (1.0 + exp(np.minimum(-x, 708.0 if x.dtype == np.float64 else 88.0)))
        return y, y

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Return dx = dy * y * (1 - y)."""
        y = cache
        return dy * (y * (1.0 - y)), {}


@dataclass(frozen=True)
class Tanh(Activation):
    """The hyperbolic tangent: x (N, ...) -> y like x, in [-1, 1].

    y = tanh(x)
    """

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> Output:
        """Return y = tanh(x)."""
        y = tanh(x)
        return y, y

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Return dx = dy * (1 - y^2)."""
        y = cache
        return dy * ((1.0 - y) * (1.0 + y)), {}


@dataclass(frozen=True)
class ReLU(Activation):
    """The rectifier: x (N, ...) -> y like x, in [0, inf).

    y = max(x, 0)
    """

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> Output:
        """Return y = max(x, 0)."""
        return np.maximum(x, 0.0), x

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Return dx = dy where x > 0, else 0 (so the derivative at 0 is 0)."""
        x = cache
        return dy * (x > 0), {}


@dataclass(frozen=True)
class BatchNorm(Layer):
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

    eps: Annotated[float, POSITIVE] = 1e-5
    momentum: Annotated[float, UNIT] = 0.1
    mode_matters: ClassVar[bool] = True

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Start at the identity. Raises ValueError unless in_shape has channels."""
        if len(in_shape) == 0 or in_shape[0] < 1:
            raise ValueError(f"expected at least one channel (C, ...), got {in_shape}")
        c = in_shape[0]
        buffers: Arrays = {"running_mean": np.zeros(c), "running_var": np.ones(c)}
        return Init(in_shape, {"gamma": np.ones(c), "beta": np.zeros(c)}, buffers)

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> Output:
        """Return y; in training, also move the running statistics towards the batch's.

        Raises ValueError in training if m = 1: less its mean, a single value is always 0.
        """
        center, var = params["running_mean"], params["running_var"]
        if mode.training:
            m = x.size // x.shape[1]
            if m == 1:
                raise ValueError(f"{self}: one value per channel has no variance, got x {x.shape}")
            center = mean(x, axis=_all_but_channel(x))
            deviation = x - _per_channel(center, x)
            var = mean(deviation * deviation, axis=_all_but_channel(x))
            unbiased = var * (m / (m - 1))
            params["running_mean"] += self.momentum * (center - params["running_mean"])
            params["running_var"] += self.momentum * (unbiased - params["running_var"])
        std = _per_channel(np.sqrt(var + self.eps), x)
        xhat = (x - _per_channel(center, x)) / std
        y = _per_channel(params["gamma"], x) * xhat + _per_channel(params["beta"], x)
        return y, (xhat, std, mode.training)

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Return dx and dgamma[c] = sum of dy * xhat, dbeta[c] = sum of dy, over all but c.

        In training, where mean and var depend on x: with dxhat = gamma * dy,
        dx = (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)) / sqrt(var + eps),
        means over all but the channel. In evaluation: dx = dxhat / sqrt(var + eps).
        """
        xhat, std, training = cache
        axes = _all_but_channel(dy)
        grads = {"gamma": numerics.sum(dy * xhat, axis=axes), "beta": numerics.sum(dy, axis=axes)}
        if not wants_dx:
            return None, grads
        dxhat = _per_channel(params["gamma"], dy) * dy
        if training:
            mean_product = mean(dxhat * xhat, axis=axes, keepdims=True)
            dxhat = dxhat - mean(dxhat, axis=axes, keepdims=True) - xhat * mean_product
        return dxhat / std, grads


def _all_but_channel(x: Array) -> Shape:
    """Return the axes of x (N, C, ...) but that of C."""
    return (0, *range(2, x.ndim))


def _per_channel(numbers: Array, x: Array) -> Array:
    """Return one number per channel, (C,), shaped to meet x (N, C, ...)."""
    return numbers.reshape(1, -1, *[1] * (x.ndim - 2))


@dataclass(frozen=True)
class Standardize(Layer):
    """Each channel less its mean, divided by its standard deviation.

    y = (x - mean) / sd

    x (N, C, ...) -> y like x, with C numbers in mean and in sd. They are kept as buffers (C,) of
    these names, and nothing is learned.
    """

    mean: tuple[float, ...]
    sd: tuple[float, ...]

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Keep the numbers. Raises ValueError unless there are two a channel, with every sd > 0."""
        if (len(self.mean), len(self.sd)) != (*in_shape[:1], *in_shape[:1]) or min(self.sd) <= 0:
            raise ValueError(f"expected a mean and an sd above 0 for each channel of {in_shape}")
        return Init(in_shape, {}, {"mean": np.array(self.mean), "sd": np.array(self.sd)})

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> Output:
        """Return y."""
        sd = _per_channel(params["sd"], x)
        return (x - _per_channel(params["mean"], x)) / sd, sd

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Return dx = dy / sd."""
        return dy / cache, {}


@dataclass(frozen=True)
class Dropout(Layer):
    """In training, each element set to 0 with probability rate, the others scaled up.

    y = x * mask / (1 - rate),  mask 0 with probability rate, else 1

    So y's mean is x. In evaluation y = x. x (N, ...) -> y like x; masks come from Mode.rng.

    Source: Srivastava et al. 2014, "Dropout", in its inverted form (section 10).
    """

    rate: Annotated[float, UNIT_BELOW_1] = 0.5
    mode_matters: ClassVar[bool] = True

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> Output:
        """Return y. Raises ValueError if training without a random stream."""
        if not mode.training:
            return x, 1.0
        if mode.rng is None:
            raise ValueError("dropout needs a random stream in training: Mode(True, rng)")
        scale = np.zeros_like(x)
        scale[mode.rng.random_sample(x.shape) >= self.rate] = 1.0 / (1.0 - self.rate)
        return x * scale, scale

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Return dx = dy * mask / (1 - rate)."""
        scale = cache
        return dy * scale, {}


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
    "standardize": Standardize,
    "dropout": Dropout,
}
