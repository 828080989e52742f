"""The compiled loss is the one of NumPy."""

from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.compiled.losses import softmax_cross_entropy
from cnn_from_scratch.nn import losses


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1000.0])
@pytest.mark.parametrize(("n", "classes"), [(1, 1), (1, 3), (96, 3), (50, 10)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_loss_and_gradient(scale: float, n: int, classes: int, order: Any) -> None:
    """To the rounding of sums of at most 96 terms, none above the largest logit."""
    rng = np.random.RandomState(0)
    logits = np.array(scale * rng.standard_normal((n, classes)), order=order)
    targets = rng.randint(0, classes, n)
    expected, gradient = losses.softmax_cross_entropy(logits, targets)
    logits.flags.writeable = False
    loss, dlogits = softmax_cross_entropy(logits, targets)
    assert loss == pytest.approx(expected, rel=1e-13, abs=1e-15)
    np.testing.assert_allclose(dlogits, gradient, rtol=0, atol=1e-15)


def test_it_keeps_float32() -> None:
    rng = np.random.RandomState(0)
    logits, targets = rng.standard_normal((20, 4)), rng.randint(0, 4, 20)
    expected, gradient = losses.softmax_cross_entropy(logits, targets)
    loss, dlogits = softmax_cross_entropy(logits.astype(np.float32), targets)
    assert loss == pytest.approx(expected, rel=1e-6)
    assert dlogits.dtype == np.float32
    np.testing.assert_allclose(dlogits, gradient, rtol=0, atol=1e-7)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_is_seen(wrong: float) -> None:
    logits = np.zeros((3, 2))
    logits[1, 0] = wrong
    loss, _ = softmax_cross_entropy(logits, np.array([0, 1, 0]))
    assert not np.isfinite(loss)
