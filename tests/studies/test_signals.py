"""studies/initialisation/signals.py: the variances along a network, and what stays of its units."""

import numpy as np
import pytest

from cnn_from_scratch.nn.layers import Conv2D, ReLU
from cnn_from_scratch.nn.network import NUMPY, Sequential
from tests.studies.scripts import script

signals = script("initialisation", "signals")

RNG = np.random.RandomState(5)


def test_the_variances_are_of_the_pixels_and_each_convolutions_output() -> None:
    x = RNG.rand(7, 1, 6, 6)
    layers = (Conv2D(2, 3), ReLU(), Conv2D(3, 4), ReLU())
    network = Sequential(layers, (1, 6, 6), lambda i: np.random.RandomState(i), NUMPY)
    first, _ = layers[0].forward(network.params[0], x)
    second, _ = layers[2].forward(network.params[2], np.maximum(first, 0))
    expected = [x.var(), first.var(), second.var()]
    np.testing.assert_allclose(signals.variances(network, x), expected, rtol=1e-12)


def test_spread() -> None:
    assert signals.spread([1.0, 2.0, 6.0]) == {
        "mean": 3.0, "population_sd": pytest.approx(np.std([1, 2, 6])), "min": 1.0, "max": 6.0,
    }  # fmt: skip


def test_dead_units_are_counted_and_saturation_is_shared_out() -> None:
    relu = [[{"dead": 1, "saturated": None}], [{"dead": 2, "saturated": None}]]
    assert signals.mean_share(relu, 0) == {"dead": 1.5}
    tanh = [[{"dead": None, "saturated": 0.25}], [{"dead": None, "saturated": 0.75}]]
    assert signals.mean_share(tanh, 0) == {"saturated": 0.5}
    layer = {"units": 4, "before": {"dead": 1.5}, "after": {"saturated": 0.5}}
    assert signals.in_words(layer, "before") == "1.5 of 4 dead"
    assert signals.in_words(layer, "after") == "50 %"
