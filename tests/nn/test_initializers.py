"""The initial weights, against the legacy generator and their promised scale."""

import numpy as np
import pytest

from cnn_from_scratch.nn.initializers import published
from cnn_from_scratch.nn.layers import Conv2D, Dense, Layer, Shape
from tests.nn.inputs import normal

# A layer, its input, and fan_in: the inputs that one output sums over.
FAN_IN: list[tuple[Layer, Shape, int]] = [
    (Conv2D(500, 1), (1, 4, 4), 1),
    (Conv2D(300, 3), (2, 4, 5), 18),
    (Conv2D(200, 2), (5, 3, 2), 20),
    (Dense(900), (7,), 7),
    (Dense(200), (64,), 64),
]


@pytest.mark.parametrize("fan_in", [1, 4, 9])
def test_published_is_the_studys_draw(fan_in: int) -> None:
    """Standard normals of the legacy generator, in order, times sqrt(1 / fan_in)."""
    weights = published(np.random.RandomState(5), (2, 3, 4), fan_in)
    draws = np.random.RandomState(5).randn(2, 3, 4)
    np.testing.assert_allclose(weights * fan_in**0.5, draws, rtol=1e-15)
    assert weights.dtype == np.float64


@pytest.mark.parametrize(("layer", "in_shape", "fan_in"), FAN_IN, ids=str)
def test_layers_start_at_the_published_scale(
    layer: Layer, in_shape: Shape, fan_in: int, rng: np.random.RandomState
) -> None:
    """W has mean 0 and variance 1 / fan_in within five standard errors; b is 0."""
    _, params = layer.init(in_shape, rng)
    assert params.keys() == {"W", "b"}
    standard = params["W"] * fan_in**0.5
    n = standard.size
    assert abs(standard.mean()) < 5 / n**0.5
    assert abs(standard.var() - 1) < 5 * (2 / n) ** 0.5
    assert not params["b"].any()


@pytest.mark.parametrize(("layer", "in_shape", "fan_in"), FAN_IN, ids=str)
def test_layers_draw_from_the_given_stream_only(layer: Layer, in_shape: Shape, fan_in: int) -> None:
    """The weights are the stream's first draws, and each is drawn once."""
    rng, same = np.random.RandomState(3), np.random.RandomState(3)
    _, params = layer.init(in_shape, rng)
    draws = normal(same, params["W"].shape)
    np.testing.assert_allclose(params["W"] * fan_in**0.5, draws, rtol=1e-15)
    np.testing.assert_equal(rng.get_state(legacy=False), same.get_state(legacy=False))
