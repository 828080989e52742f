"""The browser's loss, its gradient and the softmax are Python's."""

import numpy as np
import pytest

from cnn_from_scratch.nn.losses import softmax, softmax_cross_entropy
from cnn_from_scratch.nn.metrics import accuracy
from cnn_from_scratch.nn.numerics import PORTABLE, using
from tests.browser.node import Node, batch, same, samples


@pytest.mark.parametrize("classes", [1, 2, 3, 10])
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e300])
def test_they_have_the_same_bits(node: Node, classes: int, scale: float) -> None:
    rng = np.random.RandomState(classes)
    logits, targets = scale * rng.randn(29, classes), rng.randint(0, classes, 29)
    ours = node(
        """
        const { loss, dlogits } = softmaxCrossEntropy(logits, targets);
        const share = accuracy(classesOf(logits), targets);
        return { loss: Float64Array.of(loss), dlogits, probabilities: softmax(logits), share };
        """,
        logits=batch(logits),
        targets=targets,
    )
    with using(PORTABLE), np.errstate(over="ignore", invalid="ignore"):
        loss, dlogits = softmax_cross_entropy(logits, targets)
        probabilities = softmax(logits)
    assert same(ours["loss"], np.array([loss]))
    assert ours["share"] == accuracy(logits.argmax(axis=1), targets)
    assert np.array_equal(samples(ours["dlogits"]), dlogits)
    assert np.array_equal(samples(ours["probabilities"]), probabilities)


def test_of_equal_logits_the_first_class_is_taken(node: Node) -> None:
    logits = np.array([[1.0, 2.0, 2.0], [3.0, 3.0, 3.0]])
    assert node("return classesOf(logits)", logits=batch(logits)) == [1, 0]
