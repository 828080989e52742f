"""NaN, infinities, zeros and the smallest numbers go through compiled loops as through NumPy."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.compiled import losses as compiled_losses
from cnn_from_scratch.compiled.chain import Chain
from cnn_from_scratch.compiled.optimizers import OPTIMIZERS_WITH_LOOPS, compiled
from cnn_from_scratch.nn import losses
from cnn_from_scratch.nn.layers import EVALUATION, Conv2D, Layer, MaxPool2D, ReLU, Sigmoid
from cnn_from_scratch.nn.numerics import NUMERICS, PORTABLE, NumericsName, using
from tests.compiled import test_chain as chains
from tests.compiled.backends import COMPILED
from tests.compiled.test_functions import all_functions, both
from tests.nn.inputs import normal, random_params

# NaN that differ in sign and in the bits that say no more; those of the last place, which a
# rounder's number k shares, above all. The last one is signalling.
NAN_BITS = [
    *(0x7FF8000000000000 + low for low in (0, 1, 2, 3, 5, 0x7FF, 0x800, 0xFFF, 0x7FFFFFFFFFFFF)),
    *(0xFFF8000000000000, 0xFFF8000000000001, 0xFFFFFFFFFFFFFFFF, 0x7FF0000000000001),
]
NANS: Array = np.array(NAN_BITS, np.uint64).view(np.float64)
OTHERS = [np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-310, 1e200, -1e200, 1e308]
SPECIAL: Array = np.concatenate([NANS, OTHERS])

LAYERS: list[tuple[Layer, Shape, Shape]] = [
    *chains.ONE_OF_EACH,
    (Conv2D(3, 2), (2, 4, 5), (3, 3, 4)),
    (Conv2D(2, 4), (2, 4, 4), (2, 1, 1)),
    (MaxPool2D(2), (2, 8, 6), (2, 4, 3)),
]


def same(which: NumericsName, actual: Array, expected: Array) -> None:
    """Check that they are the same, or what is not finite is, where sums are not exact."""
    if which == "portable":
        np.testing.assert_array_equal(actual, expected, strict=True)
    ours, right = (np.where(np.isfinite(some), 0.0, some) for some in (actual, expected))
    np.testing.assert_array_equal(ours, right, strict=True)


def spoilt(*arrays: Array) -> Iterator[list[Array]]:
    """Return copies with a special number at the first, a middle or the last place of one array."""
    for number in SPECIAL:
        for i, array in enumerate(arrays):
            for place in {0, array.size // 2, array.size - 1}:
                copies = [other.copy() for other in arrays]
                copies[i].reshape(-1)[place] = number
                yield copies


@pytest.mark.parametrize(("layer", "in_shape", "out_shape"), LAYERS, ids=str)
@chains.both_numerics
def test_layers(
    layer: Layer, in_shape: Shape, out_shape: Shape, which: NumericsName, rng: np.random.RandomState
) -> None:
    """Wherever it comes from: the inputs, the gradient of the outputs, or the parameters."""
    params = random_params(layer, in_shape, rng)
    arrays = [normal(rng, (4, *in_shape)), normal(rng, (4, *out_shape)), *params.values()]
    with np.errstate(all="ignore"):
        for x, dy, *others in spoilt(*arrays):
            given = dict(zip(params, others, strict=True))
            with using(NUMERICS[which]):
                expected = chains.all_passes(layer, given, x, dy, EVALUATION)
            with using(COMPILED[which].numerics):
                twin = chains.Twin(layer, which)
                actual = chains.all_passes(twin, given, x, dy, EVALUATION)
            for name, right in expected.items():
                same(which, actual[name], right)


@all_functions
def test_functions(name: str) -> None:
    """Alone, and beside numbers that go another way."""
    for number in SPECIAL:
        for x in (np.array([number]), np.array([0.5, number, 1.0, 300.0])):
            same("portable", *both(name, x))


@pytest.mark.parametrize("kind", OPTIMIZERS_WITH_LOOPS)
def test_optimizers(kind: Any, rng: np.random.RandomState) -> None:
    """In the gradient, or in what the optimizer remembers; and in what comes of it later."""
    theta = normal(rng, (7,))
    with np.errstate(all="ignore"):
        for g, memory in spoilt(normal(rng, (7,)), np.abs(normal(rng, (7,)))):
            found = []
            for optimizer in (kind(weight_decay=0.1), compiled(kind(weight_decay=0.1))):
                state = optimizer.init(theta)
                state = (memory, memory, *state[2:]) if isinstance(state, tuple) else memory
                for _ in range(2):
                    delta, state = optimizer.update(g, state, theta)
                    arrays = state[:2] if isinstance(state, tuple) else (state,)
                    found.append([delta, *arrays])
            numpys, ours = found[:2], found[2:]
            np.testing.assert_array_equal(ours, numpys, strict=True)


def test_the_loss(rng: np.random.RandomState) -> None:
    """It and its gradient, for the class that is right and the others."""
    targets = np.array([0, 2, 1, 1])
    with np.errstate(all="ignore"):
        for [logits] in spoilt(normal(rng, (4, 3))):
            expected = losses.softmax_cross_entropy(logits, targets)
            actual = compiled_losses.softmax_cross_entropy(logits, targets)
            for ours, right in zip(actual, expected, strict=True):
                same("native", np.asarray(ours), np.asarray(right))


# Of two samples and three classes. NumPy's loss takes a single target for all samples.
WRONG_TARGETS = [[0, 3], [-1, 0], [0, -(1 << 40)], [0, 1 << 40], [0, 1, 2], []]


@pytest.mark.parametrize("targets", WRONG_TARGETS, ids=str)
def test_targets_that_are_no_classes_are_refused(targets: list[int]) -> None:
    """In NumPy's loss as well; nothing is read beside the logits."""
    for loss in (losses.softmax_cross_entropy, compiled_losses.softmax_cross_entropy):
        with pytest.raises(ValueError, match=r"target|invalid entry|broadcast"):
            loss(np.zeros((2, 3)), np.array(targets, np.int64))


def test_targets_of_other_types_are_refused_as_well() -> None:
    logits = np.zeros((2, 3))
    right, _ = compiled_losses.softmax_cross_entropy(logits, np.array([0, 2], np.uint8))
    assert right == pytest.approx(np.log(3.0))
    for wrong in (np.array([0, 255], np.uint8), np.array([-1, 0], np.int8), np.array([0])):
        with pytest.raises(ValueError, match="target"):
            compiled_losses.softmax_cross_entropy(logits, wrong)


def test_no_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="target"):
        compiled_losses.softmax_cross_entropy(np.zeros((2, 0)), np.zeros(2, np.int64))


@pytest.mark.parametrize("shape", [(3, 1, 1, 1), (3, 2, 4, 1), (3, 2, 5, 4), (3, 8, 4)])
def test_inputs_and_gradients_of_another_shape_are_refused(shape: Shape) -> None:
    """Not even such as NumPy would copy over and over to fill the place."""
    chain = Chain([ReLU()], [(2, 4, 4)] * 2, [0], "native")
    theta, right = np.zeros(0), np.zeros((3, 2, 4, 4))
    message = rf"^expected samples of the shape \(2, 4, 4\), got {re.escape(str(shape[1:]))}$"
    with pytest.raises(ValueError, match=message):
        chain.forward(theta, np.zeros(shape))
    _, values = chain.forward(theta, right)
    with pytest.raises(ValueError, match=message):
        chain.backward(theta, np.zeros(shape), values, theta)
    for n in (1, 2, 4):
        with pytest.raises(ValueError, match=f"as many samples as went forward, got {n}$"):
            chain.backward(theta, np.zeros((n, 2, 4, 4)), values, theta)


@pytest.mark.parametrize("x", [-87.0, -88.0, -89.0, -100.0, -1e30, -np.inf])
def test_the_sigmoid_in_float32_stays_above_zero(x: float) -> None:
    """Where e^-x would overflow float32, as NumPy's layer does."""
    inputs = np.full((1, 3), x, np.float32)
    y, _ = chains.Twin(Sigmoid(), "native").forward({}, inputs)
    expected, _ = Sigmoid().forward({}, inputs)
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    assert y.min() > 0


def test_these_bits_are_nan_and_differ() -> None:
    """And reach the functions as they are."""
    assert np.isnan(NANS).all()
    assert len(set(NANS.copy().view(np.uint64).tolist())) == len(NAN_BITS)
    with np.errstate(invalid="ignore"):  # of the signalling one
        assert np.isnan(PORTABLE.exp(NANS)).all()
