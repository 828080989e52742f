"""The portable layers, networks and training, against the native ones to the error bounds.

The native ones are checked by finite differences. Portable passes are constant in small steps, so
that differences say nothing there; what is left to check is that the two numerics agree.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.nn.architectures import ACTIVATIONS, ARCHITECTURES
from cnn_from_scratch.nn.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    Layer,
    Mode,
    ReLU,
    Sigmoid,
    Tanh,
)
from cnn_from_scratch.nn.losses import softmax, softmax_cross_entropy
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.nn.numerics import NUMERICS, PORTABLE, NumericsName, using
from cnn_from_scratch.nn.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from cnn_from_scratch.nn.training import Samples, Training, evaluate, fit, gradient, update
from tests.nn.inputs import MODES, copies, normal, random_buffers, random_params, smooth_input
from tests.nn.test_architectures import SETTINGS
from tests.nn.test_layers import MakeMode, all_cases, both_modes

BOTH: tuple[NumericsName, NumericsName] = ("portable", "native")


# Sums here have up to 240 terms, so 45 bits or more, of numbers below 4: 240 * 2^-45 * 4.
OF_SUMS = 3e-11


def _bits(k: int) -> int:
    return (53 - math.ceil(math.log2(k))) // 2


def _product_bound(k: int, bits: int, *factors: Array) -> float:
    """Return how far an element of a product of k terms may be off, rounded to so many bits."""
    of_terms = math.prod(float(np.abs(factor).max()) for factor in factors)
    return k * (2.0 ** (1 - bits) + 2.0 ** (3 - 2 * bits)) * of_terms


def _bounds(layer: Layer, w: Array, x: Array, dy: Array) -> tuple[float, float, dict[str, float]]:
    """Return how far y, dx and the gradients may be off by the products' bound.

    An element of dx is the sum of at most one product for every place of the kernel. What is
    rounded as a whole has the bits of its larger side.
    """
    if isinstance(layer, Conv2D):
        outputs, channels, height, width = w.shape
        inputs, places = channels * height * width, height * width
        terms = dy.size // outputs
    elif isinstance(layer, Dense):
        inputs, outputs, places, terms = x.shape[1], layer.out_features, 1, len(x)
    else:
        return 0.0, 0.0, {}
    of_w, of_dy = _bits(max(inputs, outputs)), _bits(max(outputs, terms))
    bits = min(of_dy, _bits(max(inputs, terms)))
    return (
        _product_bound(inputs, of_w, w, x),
        places * _product_bound(outputs, min(of_w, of_dy), w, dy),
        {"W": _product_bound(terms, bits, dy, x), "b": _product_bound(terms, of_dy, dy)},
    )


@all_cases
@both_modes
def test_layers(
    layer: Layer, in_shape: Shape, out_shape: Shape, mode: MakeMode, rng: np.random.RandomState
) -> None:
    """Forward, backward and gradients of every layer; portable products round, and it shows."""
    params, buffers = random_params(layer, in_shape, rng), random_buffers(layer, in_shape, rng)
    x, dy = smooth_input((3, *in_shape), rng), normal(rng, (3, *out_shape))
    results = {}
    for which in BOTH:
        arrays = copies(params) | copies(buffers)
        with using(NUMERICS[which]):
            y, cache = layer.forward(arrays, x, mode())
            dx, gradients = layer.backward(arrays, dy, cache)
        results[which] = {"y": y, "dx": dx} | gradients | {name: arrays[name] for name in buffers}
    y_bound, dx_bound, bounds = _bounds(layer, params.get("W", x), x, dy)
    bounds |= {"y": y_bound, "dx": dx_bound}
    portable, native = results["portable"], results["native"]
    assert portable.keys() == native.keys()
    for name, expected in native.items():
        atol = OF_SUMS + bounds.get(name, 0.0)
        np.testing.assert_allclose(portable[name], expected, rtol=0, atol=atol, err_msg=name)
    if isinstance(layer, Conv2D | Dense):
        assert all(np.any(portable[name] != native[name]) for name in ("y", "dx", "W"))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1000.0])
def test_loss(scale: float, rng: np.random.RandomState) -> None:
    """Loss, gradient and probabilities have no products: nearly float64's full accuracy."""
    logits, targets = scale * normal(rng, (50, 10)), rng.randint(0, 10, 50)
    results = []
    for which in BOTH:
        with using(NUMERICS[which]):
            loss, dlogits = softmax_cross_entropy(logits, targets)
            results.append((loss, dlogits, softmax(logits)))
    for portable, native in zip(*results, strict=True):
        np.testing.assert_allclose(portable, native, rtol=1e-13, atol=1e-13)


# Of the largest element. A product in these networks has at most 320 terms, so 22 bits or more: its
# rounding changes a term by at most 2 * 2^-22 = 4.8e-7 of the largest. Up to six products follow
# one another, forward and back, which makes 3e-6 where none of their sums cancels; the rest is
# for those that do, and for batch normalization, which enlarges what varies little.
AGREEMENT = 1e-5


def _build(name: str, activation: str, activate_logits: bool, **settings: Any) -> Sequential:
    architecture: Any = ARCHITECTURES[name]
    described = architecture(activation=activation, activate_logits=activate_logits, **settings)
    return Sequential(
        described.layers(3), (1, 6, 6), lambda i: np.random.RandomState([0, i]), NUMPY
    )


def _batch(n: int = 4) -> Samples:
    rng = np.random.RandomState(3)
    return Samples(rng.uniform(0, 1, (n, 1, 6, 6)), rng.randint(0, 3, n))


def _agree(name: str, portable: Array, native: Array) -> None:
    """Check that the two differ by at most this share of the largest element, but do differ."""
    size = np.abs(native).max()
    assert size > 1e-3
    error = np.abs(portable - native).max() / size
    assert 0.0 < error <= AGREEMENT, f"{name}: {error:.1e}"


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("activate_logits", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_networks(
    name: str, settings: dict[str, Any], activation: str, activate_logits: bool, mode: str
) -> None:
    """Logits, and the loss's gradient for all of theta, at weights that are no special ones."""
    network, batch = _build(name, activation, activate_logits, **settings), _batch()
    start = network.state()
    theta = start["theta"] + 0.2 * normal(np.random.RandomState(1), network.theta.shape)
    passes = []
    for which in BOTH:
        network.restore({**start, "theta": theta})
        with using(NUMERICS[which]):
            logits, caches = network.forward(batch.x, MODES[mode]())
            _, dlogits = softmax_cross_entropy(logits, batch.targets)
            passes.append((logits, network.backward(dlogits, caches)))
    for what, portable, native in zip(("logits", "theta"), *passes, strict=True):
        _agree(what, portable, native)


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
def test_a_samples_logits_are_its_own(name: str, settings: dict[str, Any]) -> None:
    """To the bit the same alone and in a batch, also beside a sample of another size."""
    network, batch = _build(name, "relu", activate_logits=False, **settings), _batch().x
    batch[1] *= 1e6
    with using(PORTABLE):
        logits, _ = network.forward(batch)
        for i in range(len(batch)):
            alone, _ = network.forward(batch[i : i + 1])
            np.testing.assert_array_equal(alone[0], logits[i], strict=True)


def test_a_samples_output_of_a_dense_layer_is_its_own(rng: np.random.RandomState) -> None:
    """Likewise of vectors."""
    layer, x = Dense(5), normal(rng, (4, 7))
    x[1] *= 1e6
    params = random_params(layer, (7,), rng)
    with using(PORTABLE):
        y, _ = layer.forward(params, x)
        for i in range(len(x)):
            np.testing.assert_array_equal(layer.forward(params, x[i : i + 1])[0][0], y[i])


def _gradient(network: Sequential, batch: Samples) -> Array:
    logits, caches = network.forward(batch.x)
    return network.backward(softmax_cross_entropy(logits, batch.targets)[1], caches)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["simple", "enhanced"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_train_step(optimizer: str, name: str, activation: str) -> None:
    """One step from the same theta and state, which three native steps have filled.

    What an optimizer makes of a gradient's relative error e, for a parameter by itself: SGD, e of
    its step. Adagrad and RMSprop, at most that, as d ln(g / sqrt(a + b g^2)) / d ln g is between
    0 and 1. Adam adds the same again for the mean of its gradients, and NAG looks ahead as well:
    so at most 2 e of the largest step. Where g is near 0, e is large, and so may the difference be.
    """
    network, batch = _build(name, activation, activate_logits=False), _batch(20)
    rule: Any = OPTIMIZERS[optimizer]()
    state = rule.init(network.theta)
    for _ in range(3):
        state = update(network, rule, state, gradient(network, batch, Mode(training=True)))
    before = network.state()
    steps, gradients = [], []
    for which in BOTH:
        network.restore(before)
        with using(NUMERICS[which]):
            gradients.append(_gradient(network, batch))
            update(network, rule, state, gradient(network, batch, Mode(training=True)))
        steps.append(network.theta - before["theta"])
    _agree("gradient", *gradients)
    relative = np.abs(gradients[0] - gradients[1]) / np.maximum(np.abs(gradients[1]), 1e-300)
    assert np.mean(relative < 1e-4) > 0.75
    differences = np.abs(steps[0] - steps[1])
    assert np.all(differences <= 2.0 * relative * np.abs(steps[1]).max() + 1e-14)
    assert np.any(differences > 1e-12)


@pytest.mark.parametrize("name", ["simple", "enhanced"])
@pytest.mark.parametrize("batch_size", [None, 8])
def test_fit(name: str, batch_size: int | None) -> None:
    """Ten epochs of a smooth network's training: the same losses, nearly, that go down."""
    histories = []
    for which in BOTH:
        network = _build(name, "tanh", activate_logits=False)
        network.backend = replace(NUMPY, numerics=NUMERICS[which])
        training = Training(10, batch_size, shuffle_rng=np.random.RandomState(0))
        result = fit(network, SGD(lr=0.1), _batch(20), _batch(6), training)
        assert not result.diverged
        histories.append(np.array([[row.train.loss, row.val.loss] for row in result.history]))
    portable, native = histories
    assert native.shape == (11, 2)
    assert native[-1, 0] < native[0, 0]
    _agree("losses", portable, native)


# A network, its input, and the optimizer that drives it out of the numbers' range.
DIVERGING: list[tuple[list[Layer], Shape, Optimizer]] = [
    ([Dense(3)], (5,), SGD(lr=1e308)),
    ([Dense(3)], (5,), Adam(lr=1e308)),
    ([Dense(8), ReLU(), Dense(3)], (5,), SGD(lr=1e60)),
    ([Dense(8), Tanh(), Dense(3)], (5,), SGD(lr=1e120)),
    ([Dense(8), BatchNorm(), Sigmoid(), Dense(3)], (5,), SGD(lr=1e120)),
    ([Conv2D(4, 2), ReLU(), Flatten(), Dense(3)], (2, 4, 4), SGD(lr=1e150)),
]


@pytest.mark.parametrize(("layers", "in_shape", "optimizer"), DIVERGING, ids=str)
@pytest.mark.parametrize("which", BOTH)
@pytest.mark.parametrize("batch_size", [None, 7])
def test_divergence(
    layers: list[Layer],
    in_shape: Shape,
    optimizer: Optimizer,
    which: NumericsName,
    batch_size: int | None,
) -> None:
    """Noticed in both numerics, with no warning; what is kept is finite, and the last epoch's."""
    rng = np.random.RandomState(1)
    samples = Samples(normal(rng, (20, *in_shape)), rng.randint(0, 3, 20))
    backend = replace(NUMPY, numerics=NUMERICS[which])
    network = Sequential(layers, in_shape, lambda i: np.random.RandomState([0, i]), backend)
    with using(backend.numerics):
        result = fit(
            network,
            optimizer,
            samples,
            samples,
            Training(epochs=50, batch_size=batch_size, shuffle_rng=rng),
        )
        assert result.diverged
        assert 1 <= len(result.history) <= 50
        for row in result.history:
            assert np.isfinite([row.train.loss, row.val.loss]).all()
        assert all(np.isfinite(array).all() for array in network.state().values())
        with np.errstate(over="ignore"):
            assert evaluate(network, samples) == result.history[-1].train
