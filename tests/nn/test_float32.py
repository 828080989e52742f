"""Float32: everything keeps it, and computes nearly what float64 does."""

from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.nn.architectures import EnhancedCNN, SimpleCNN
from cnn_from_scratch.nn.layers import (
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    Mode,
    Sigmoid,
    Tanh,
)
from cnn_from_scratch.nn.losses import softmax, softmax_cross_entropy
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.nn.numerics import PORTABLE, using
from cnn_from_scratch.nn.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from cnn_from_scratch.nn.schedules import Cosine
from cnn_from_scratch.nn.training import Samples, Training, evaluate, fit, gradient, predict, update
from tests.nn.inputs import copies, normal, random_buffers, random_params, smooth_input
from tests.nn.test_layers import MakeMode, all_cases, both_modes

ROUNDING = 2.0**-24
# Of the largest element, a layer's passes: they have sums of at most 140 terms, each rounded
# once more, and batch normalization divides by a deviation, the root of such sums.
OF_LAYERS = 1000 * ROUNDING


def _float32(arrays: dict[str, Array]) -> dict[str, Array]:
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def _passes(layer: Layer, arrays: dict[str, Array], x: Array, dy: Array, mode: Mode) -> Any:
    y, cache = layer.forward(arrays, x, mode)
    dx, grads = layer.backward(arrays, dy, cache)
    return {"y": y, "dx": dx} | grads


@all_cases
@both_modes
def test_layers(
    layer: Layer, in_shape: Shape, out_shape: Shape, mode: MakeMode, rng: np.random.RandomState
) -> None:
    """Y, dx, gradients and buffers are float32, and those of float64 but for rounding."""
    params, buffers = random_params(layer, in_shape, rng), random_buffers(layer, in_shape, rng)
    x, dy = smooth_input((3, *in_shape), rng), normal(rng, (3, *out_shape))
    exact = copies(params) | copies(buffers)
    rounded = _float32(params) | _float32(buffers)
    expected = _passes(layer, exact, x, dy, mode())
    actual = _passes(layer, rounded, x.astype(np.float32), dy.astype(np.float32), mode())
    for name, right in (expected | {n: exact[n] for n in buffers}).items():
        value = rounded[name] if name in buffers else actual[name]
        assert value.dtype == np.float32, name
        size = np.abs(right).max()
        np.testing.assert_allclose(value, right, rtol=0, atol=OF_LAYERS * size, err_msg=name)


EXTREME = [[-3e38, -1e3, -104.0, -103.0, -89.0, -88.0, 0.0, 88.0, 89.0, 104.0, 1e3, 3e38]]


def test_sigmoid_and_tanh_are_right_for_any_finite_number() -> None:
    """No overflow on the way, though e^89 is beyond float32: 0 or 1, and derivatives vanish."""
    x = np.array(EXTREME, np.float32)
    ones = np.ones_like(x)
    y, cache = Sigmoid().forward({}, x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, [[0.0] * 6 + [0.5] + [1.0] * 5], rtol=0, atol=1e-37)
    dx = Sigmoid().backward({}, ones, cache)[0]
    np.testing.assert_allclose(dx, [[0.0] * 6 + [0.25] + [0.0] * 5], rtol=0, atol=1e-37)
    y, cache = Tanh().forward({}, x)
    assert y.tolist() == [[-1.0] * 6 + [0.0] + [1.0] * 5]
    assert Tanh().backward({}, ones, cache)[0].tolist() == [[0.0] * 6 + [1.0] + [0.0] * 5]


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1000.0])
def test_loss(scale: float, rng: np.random.RandomState) -> None:
    """Its gradient is float32, and as near as logits are that were rounded: by 2^-24 of theirs."""
    logits, targets = scale * normal(rng, (50, 10)), rng.randint(0, 10, 50)
    loss, dlogits = softmax_cross_entropy(logits, targets)
    loss32, dlogits32 = softmax_cross_entropy(logits.astype(np.float32), targets)
    assert dlogits32.dtype == softmax(logits.astype(np.float32)).dtype == np.float32
    bound = ROUNDING * (20 + 4 * float(np.abs(logits).max()))
    assert abs(loss32 - loss) <= bound * max(1.0, loss)
    np.testing.assert_allclose(dlogits32, dlogits, rtol=0, atol=bound)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str, rng: np.random.RandomState) -> None:
    """Ten steps: deltas and states stay float32, and theta is nearly that of float64."""
    optimizer: Any = OPTIMIZERS[name](weight_decay=0.01)  # type: ignore[call-arg]
    theta, theta32 = np.ones(20), np.ones(20, np.float32)
    state, state32 = optimizer.init(theta), optimizer.init(theta32)
    for _ in range(10):
        g = normal(rng, (20,))
        delta, state = optimizer.update(g, state, theta)
        delta32, state32 = optimizer.update(g.astype(np.float32), state32, theta32)
        assert delta32.dtype == np.float32
        kept = state32 if isinstance(state32, tuple) else (state32,)
        assert all(a.dtype == np.float32 for a in kept if isinstance(a, np.ndarray))
        assert not any(isinstance(a, np.float64) for a in kept)
        theta, theta32 = theta + delta, theta32 + delta32
    largest = max(1.0, float(np.abs(theta).max()))
    np.testing.assert_allclose(theta32, theta, rtol=0, atol=10 * 20 * ROUNDING * largest)


STACK: list[Layer] = [
    Conv2D(3, 3, stride=2, padding=2), BatchNorm(), Tanh(), MaxPool2D(2, stride=1), Conv2D(2, 2),
    Sigmoid(), AvgPool2D(1), Flatten(), Dropout(0.2), Dense(4), BatchNorm(), Dense(3),
]  # fmt: skip


def _stack(dtype: str, layers: list[Layer] = STACK) -> Sequential:
    return Sequential(layers, (1, 6, 6), lambda i: np.random.RandomState([0, i]), NUMPY, dtype)


def _samples(dtype: str, n: int = 20) -> Samples:
    rng = np.random.RandomState(4)
    return Samples(rng.uniform(0, 1, (n, 1, 6, 6)).astype(dtype), rng.randint(0, 3, n))


def test_sequential() -> None:
    """Theta, views, buffers, what is kept of them, and all that passes through are float32."""
    network, exact = _stack("float32"), _stack("float64")
    np.testing.assert_array_equal(network.theta, exact.theta.astype(np.float32), strict=True)
    for params in network.params:
        assert all(array.dtype == np.float32 for array in params.values())
    x, targets = _samples("float32")
    logits, caches = network.forward(x, Mode(training=True, rng=np.random.RandomState(0)))
    assert logits.dtype == np.float32
    _, dlogits = softmax_cross_entropy(logits, targets)
    assert network.backward(dlogits, caches).dtype == np.float32
    assert network.forward(network.prepare(x))[0].dtype == np.float32
    assert predict(network, x).dtype == np.float32
    state = network.state()
    assert all(array.dtype == np.float32 for array in state.values())
    network.theta += 1.0
    network.restore(state)
    assert network.theta.dtype == np.float32


@pytest.mark.parametrize(("of_model", "of_x"), [("float32", "float64"), ("float64", "float32")])
def test_mixed_dtypes_are_refused(of_model: str, of_x: str) -> None:
    """In plain words, and before anything is computed."""
    expected = f"^expected inputs of the parameters' {of_model}, got {of_x}$"
    with pytest.raises(TypeError, match=expected):
        _stack(of_model).forward(_samples(of_x).x)


def test_portable_numerics_refuse_float32() -> None:
    """Rather than to compute something else."""
    with using(PORTABLE), pytest.raises(TypeError, match=r"^portable numerics take float64"):
        _stack("float32").forward(_samples("float32").x)


@pytest.mark.parametrize("batch_size", [None, 8])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_step_and_a_training(optimizer: str, batch_size: int | None) -> None:
    """Gradients, steps and a schedule's factors leave theta and the buffers float32."""
    network = _stack("float32")
    rule = OPTIMIZERS[optimizer]()
    samples = _samples("float32")
    mode = Mode(training=True, rng=np.random.RandomState(0))
    assert gradient(network, samples, mode).dtype == np.float32
    update(network, rule, rule.init(network.theta), gradient(network, samples, mode))
    fit(
        network,
        rule,
        samples,
        samples,
        Training(
            epochs=3,
            batch_size=batch_size,
            shuffle_rng=np.random.RandomState(0),
            dropout_rng=np.random.RandomState(1),
            schedule=Cosine(),
        ),
    )
    assert all(array.dtype == np.float32 for array in network.state().values())


def _losses(layers: list[Layer], dtype: str, optimizer: Optimizer, epochs: int) -> Array:
    network, samples = _stack(dtype, layers), _samples(dtype)
    result = fit(
        network,
        optimizer,
        samples,
        samples,
        Training(
            epochs=epochs,
            batch_size=8,
            shuffle_rng=np.random.RandomState(0),
            dropout_rng=np.random.RandomState(1),
        ),
    )
    assert not result.diverged
    assert evaluate(network, samples) == result.history[-1].train
    return np.array([row.train.loss for row in result.history])


@pytest.mark.parametrize(
    "layers",
    [SimpleCNN(activate_logits=False).layers(3), EnhancedCNN("tanh", False).layers(3), STACK],
    ids=["simple", "enhanced", "stack"],
)
@pytest.mark.parametrize("optimizer", [SGD(lr=0.1), Adam(eps=1e-4)], ids=str)
def test_trainings_are_nearly_those_of_float64(layers: list[Layer], optimizer: Optimizer) -> None:
    """As near as trainings in float64 are whose start is off by float32's rounding.

    How much a training makes of a small error is measured in float64, on starts that are off by
    1e-8: so the rounding of every step, of which there are `steps`, does no more than that in
    proportion, `steps` times, where it always points the same way.
    """
    epochs, steps = 20, 60
    exact, rounded = (_losses(layers, t, optimizer, epochs) for t in ("float64", "float32"))
    assert exact[-1] < exact[0]
    assert np.any(rounded != exact)
    nudged = [_nudged(layers, optimizer, epochs, seed) for seed in range(5)]
    off = max(float(np.abs(losses - exact).max()) for losses in nudged) / 1e-8
    assert np.abs(rounded - exact).max() <= steps * ROUNDING * max(off, 1.0)


def _nudged(layers: list[Layer], optimizer: Optimizer, epochs: int, seed: int) -> Array:
    """Return the losses of a training in float64 from a start that is off by 1e-8."""

    class Nudging(Optimizer):
        """The optimizer, whose state begins as theta is nudged."""

        def init(self, theta: Array) -> Any:
            theta += 1e-8 * np.random.RandomState(seed).choice([-1.0, 1.0], theta.size)
            return optimizer.init(theta)

        def update(self, g: Array, state: Any, theta: Array) -> tuple[Array, Any]:
            return optimizer.update(g, state, theta)

    return _losses(layers, "float64", Nudging(), epochs)


class _Scaled(Optimizer):
    """An optimizer that moves all parameters to a number in its first step."""

    def __init__(self, number: float):
        self.number = number

    def init(self, theta: Array) -> int:
        return 0

    def update(self, g: Array, state: int, theta: Array) -> tuple[Array, int]:
        return (np.full_like(theta, self.number) - theta) * (state == 0), state + 1


@pytest.mark.parametrize(
    ("dtype", "limit"), [("float32", 1e18), ("float64", 1e100)], ids=["float32", "float64"]
)
@pytest.mark.parametrize(("share", "diverged"), [(0.9, False), (1.1, True)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_divergence_is_beyond_the_dtypes_limit(
    dtype: str, limit: float, share: float, diverged: bool, sign: float
) -> None:
    """By a parameter, where the loss is small: with all of them equal, so are the logits."""
    network = Sequential([Flatten(), Dense(3)], (1, 6, 6), np.random.RandomState, NUMPY, dtype)
    samples = Samples(np.zeros((6, 1, 6, 6), dtype), np.arange(6) % 3)
    result = fit(
        network,
        _Scaled(sign * share * limit),
        samples,
        samples,
        Training(epochs=2, shuffle_rng=np.random.RandomState(0)),
    )
    assert result.diverged == diverged
    assert len(result.history) == (1 if diverged else 3)
    assert all(np.isfinite(array).all() for array in network.state().values())
