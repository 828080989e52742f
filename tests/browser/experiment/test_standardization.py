"""The browser measures the same means and deviations as Python."""

import numpy as np
import pytest

from cnn_from_scratch.experiment.dataset import Chosen
from cnn_from_scratch.experiment.standardization import measured
from cnn_from_scratch.nn.numerics import PORTABLE, using
from tests.browser.node import Node, batch


@pytest.mark.parametrize("n", [1, 7, 1000, 2500])
def test_they_have_the_same_bits(node: Node, n: int) -> None:
    """Also where one channel's pixels are all the same."""
    images = np.random.RandomState(n).random_sample((n, 3, 4, 5))
    images[:, 1] = 0.1
    with using(PORTABLE):
        theirs = measured(Chosen(images, np.arange(n), 1.0, "float64"))
    ours = node("const { mean, sd } = measured(images); return { mean, sd }", images=batch(images))
    assert ours == {"mean": list(theirs.mean), "sd": list(theirs.sd)}
