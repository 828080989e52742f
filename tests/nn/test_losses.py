"""Softmax and cross-entropy, against finite differences, SciPy and exact arithmetic."""

import sys
from math import e, inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.special import log_softmax
from scipy.special import softmax as scipy_softmax

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn.losses import softmax, softmax_cross_entropy
from tests.nn.gradient_check import check_gradient, numerical_gradient
from tests.nn.inputs import MEMORY_ORDERS, PROPERTY, normal, read_only

logits_in = st.floats(-50, 50)
matrices = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=logits_in)

# Exact values: ln 2 and so on are the losses of even odds.
BY_HAND = [
    ([[0.0, 0.0]], [0], log(2)),
    ([[7.0, 7.0, 7.0]], [2], log(3)),
    ([[log(3), 0.0]], [0], log(4 / 3)),
    ([[log(3), 0.0]], [1], log(4)),
    ([[log(3), 0.0], [0.0, 0.0]], [1, 0], (log(4) + log(2)) / 2),
    ([[1.0, 0.0, 0.0]], [0], log(1 + 2 / e)),  # the least that logits in 0..1 can reach
    ([[5.0]], [0], 0.0),
]


@pytest.mark.parametrize(("logits", "targets", "expected"), BY_HAND)
def test_loss_by_hand(logits: list[list[float]], targets: list[int], expected: float) -> None:
    """The mean over samples of -log p of the true class, in nats."""
    loss, _ = softmax_cross_entropy(np.array(logits), np.array(targets))
    assert loss == pytest.approx(expected, rel=1e-15, abs=1e-15)
    assert type(loss) is float


def test_gradient_by_hand() -> None:
    """(p - onehot) / N with p = 3/4, 1/4 and 1/2, 1/2."""
    _, dlogits = softmax_cross_entropy(np.array([[log(3), 0.0], [0.0, 0.0]]), np.array([1, 0]))
    expected = [[3 / 8, -3 / 8], [-1 / 4, 1 / 4]]
    np.testing.assert_allclose(dlogits, expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("n", "k"), [(1, 2), (4, 3), (5, 10)])
def test_gradient(n: int, k: int, rng: np.random.RandomState) -> None:
    """Dlogits agrees with finite differences of the loss, under a random cotangent."""
    logits, targets = 2.0 * normal(rng, (n, k)), rng.randint(0, k, n)
    dloss = normal(rng, (1,))
    _, dlogits = softmax_cross_entropy(logits, targets)
    numerical = numerical_gradient(
        lambda z: np.array([softmax_cross_entropy(z, targets)[0]]), logits, dloss
    )
    check_gradient("logits", dlogits * dloss, numerical)


@PROPERTY
@given(matrices, st.data())
def test_equals_scipy(logits: Array, data: st.DataObject) -> None:
    """Probabilities and loss are SciPy's; every row of the gradient sums to 0."""
    n, k = logits.shape
    targets = np.array(data.draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n)))
    np.testing.assert_allclose(softmax(logits), scipy_softmax(logits, axis=1), rtol=1e-13)
    loss, dlogits = softmax_cross_entropy(logits, targets)
    expected = -log_softmax(logits, axis=1)[np.arange(n), targets].mean()
    np.testing.assert_allclose(loss, expected, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(dlogits.sum(axis=1), 0.0, rtol=0, atol=1e-15)


@PROPERTY
@given(matrices, st.floats(-1000, 1000))
def test_shift_invariance(logits: Array, shift: float) -> None:
    """A number added to a row's logits changes neither probabilities, nor loss, nor gradient."""
    targets = np.zeros(len(logits), dtype=np.int64)
    loss, dlogits = softmax_cross_entropy(logits, targets)
    shifted_loss, shifted_dlogits = softmax_cross_entropy(logits + shift, targets)
    np.testing.assert_allclose(softmax(logits + shift), softmax(logits), rtol=1e-12)
    np.testing.assert_allclose(shifted_loss, loss, rtol=0, atol=1e-12)
    np.testing.assert_allclose(shifted_dlogits, dlogits, rtol=0, atol=1e-12)


# logits, probabilities, and the losses of targets 0 and 1
EXTREME = [
    ([0.0, 0.0], [0.5, 0.5], [log(2), log(2)]),
    ([745.0, 0.0], [1.0, 0.0], [0.0, 745.0]),
    ([-745.0, 0.0], [0.0, 1.0], [745.0, 0.0]),
    ([745.0, -745.0], [1.0, 0.0], [0.0, 1490.0]),
    ([1e308, 0.0], [1.0, 0.0], [0.0, 1e308]),
    ([-1e308, 0.0], [0.0, 1.0], [1e308, 0.0]),
    ([1e308, 1e308], [0.5, 0.5], [log(2), log(2)]),
    ([-1e308, -1e308], [0.5, 0.5], [log(2), log(2)]),
    ([8e307, -8e307], [1.0, 0.0], [0.0, 1.6e308]),
    ([1e308, -1e308], [1.0, 0.0], [0.0, inf]),
    ([-1e308, 1e308], [0.0, 1.0], [inf, 0.0]),
]


@pytest.mark.parametrize(("logits", "probabilities", "losses"), EXTREME)
def test_softmax_is_right_for_any_finite_logits(
    logits: list[float], probabilities: list[float], losses: list[float]
) -> None:
    """No warning, and the limit that the formula tends to."""
    np.testing.assert_allclose(softmax(np.array([logits])), [probabilities], rtol=0, atol=1e-300)


@pytest.mark.parametrize(("logits", "probabilities", "losses"), EXTREME)
@pytest.mark.parametrize("target", [0, 1])
def test_cross_entropy_is_right_for_huge_logits(
    logits: list[float], probabilities: list[float], losses: list[float], target: int
) -> None:
    """No warning; the loss is finite, also of a probability that underflows to 0."""
    loss, dlogits = softmax_cross_entropy(np.array([logits]), np.array([target]))
    largest = sys.float_info.max  # or inf, where even that is too small
    assert min(loss, largest) == pytest.approx(min(losses[target], largest), rel=1e-15, abs=1e-15)
    right = [p - (k == target) for k, p in enumerate(probabilities)]
    np.testing.assert_allclose(dlogits, [right], rtol=0, atol=1e-300)


def test_samples_do_not_mix() -> None:
    """A row far below another is as exact as it is alone."""
    logits, targets = np.array([[log(3), 0.0], [1e5, 1e5], [-1e308, -1e308]]), np.array([1, 0, 1])
    expected = [[3 / 4, 1 / 4], [1 / 2, 1 / 2], [1 / 2, 1 / 2]]
    np.testing.assert_allclose(softmax(logits), expected, rtol=1e-15)
    loss, _ = softmax_cross_entropy(logits, targets)
    assert loss == pytest.approx((log(4) + 2 * log(2)) / 3, rel=1e-15, abs=1e-15)


def test_nothing_is_changed(rng: np.random.RandomState) -> None:
    """Logits and targets may be read-only, and lie in memory as they like."""
    logits, targets = normal(rng, (4, 3)), read_only(rng.randint(0, 3, 4))
    expected = softmax_cross_entropy(logits, targets)
    for reorder in MEMORY_ORDERS.values():
        given_logits = read_only(reorder(logits))
        np.testing.assert_equal(softmax(given_logits), softmax(logits))
        np.testing.assert_equal(softmax_cross_entropy(given_logits, targets), expected)


@pytest.mark.parametrize("target", [-1, 2])
def test_targets_that_are_no_class_are_refused(target: int) -> None:
    with pytest.raises(ValueError, match="invalid entry"):
        softmax_cross_entropy(np.zeros((2, 2)), np.array([0, target]))


def test_targets_of_any_integer_type() -> None:
    """Labels read from files are often bytes."""
    logits = np.array([[0.0, 1.0], [2.0, 0.0]])
    expected = softmax_cross_entropy(logits, np.array([1, 0]))
    for dtype in (np.uint8, np.int32, np.uint64):
        np.testing.assert_equal(softmax_cross_entropy(logits, np.array([1, 0], dtype)), expected)
