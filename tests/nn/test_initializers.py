"""The initial weights, against their stream and their promised scale."""

from typing import Any, NamedTuple, get_args

import numpy as np
import pytest
from scipy.stats import kstest

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.arithmetic.random import standard_normal
from cnn_from_scratch.nn.initializers import INITIALIZERS, InitializerName, published
from cnn_from_scratch.nn.layers import Conv2D, Dense, Layer


class Promise(NamedTuple):
    """What an initializer draws, for one fan_in and fan_out."""

    variance: float
    limit: float | None  # of a uniform draw; None: it is normal


def _promise(name: str, fan_in: int, fan_out: int) -> Promise:
    """Every initializer needs a row."""
    return {
        "published": Promise(1 / fan_in, None),
        "xavier_uniform": Promise(2 / (fan_in + fan_out), (6 / (fan_in + fan_out)) ** 0.5),
        "xavier_normal": Promise(2 / (fan_in + fan_out), None),
        "he": Promise(2 / fan_in, None),
        "lecun": Promise(1 / fan_in, (3 / fan_in) ** 0.5),
    }[name]


all_initializers = pytest.mark.parametrize("name", INITIALIZERS)

# A layer, its input, fan_in (the inputs that one output sums over) and fan_out.
FANS: list[tuple[type[Any], dict[str, int], Shape, int, int]] = [
    (Conv2D, {"out_channels": 500, "kernel_size": 1}, (1, 4, 4), 1, 500),
    (Conv2D, {"out_channels": 300, "kernel_size": 3}, (2, 4, 5), 18, 2700),
    (Conv2D, {"out_channels": 4, "kernel_size": 3}, (200, 4, 5), 1800, 36),
    (Conv2D, {"out_channels": 200, "kernel_size": 2, "stride": 2}, (5, 3, 2), 20, 800),
    (Conv2D, {"out_channels": 90, "kernel_size": 3, "padding": 2}, (5, 3, 2), 45, 810),
    (Dense, {"out_features": 900}, (7,), 7, 900),
    (Dense, {"out_features": 200}, (64,), 64, 200),
    (Dense, {"out_features": 7}, (900,), 900, 7),
]
all_fans = pytest.mark.parametrize(("kind", "settings", "in_shape", "fan_in", "fan_out"), FANS)


def test_every_initializer_has_a_row() -> None:
    """A new initializer without a row fails here."""
    assert {"published", "xavier_uniform", "xavier_normal", "he", "lecun"} <= INITIALIZERS.keys()
    assert {*get_args(InitializerName)} == INITIALIZERS.keys()
    for name in INITIALIZERS:
        assert _promise(name, 4, 9).variance > 0


@pytest.mark.parametrize("fan_in", [1, 4, 9])
def test_published_is_the_studys_draw(fan_in: int) -> None:
    """Standard normals, in order, times sqrt(1 / fan_in)."""
    weights = published(np.random.RandomState(5), (2, 3, 4), fan_in, 7)
    draws = standard_normal(np.random.RandomState(5), (2, 3, 4))
    np.testing.assert_allclose(weights * fan_in**0.5, draws, rtol=1e-15)
    assert weights.dtype == np.float64


@all_initializers
@pytest.mark.parametrize(("fan_in", "fan_out"), [(1, 1), (9, 27), (27, 9), (400, 3)])
def test_scale_and_shape_of_the_distribution(name: Any, fan_in: int, fan_out: int) -> None:
    """Mean 0 and the promised variance within five standard errors; the right family; bounds."""
    promise = _promise(name, fan_in, fan_out)
    n, rng = 100_000, np.random.RandomState(1)
    weights = INITIALIZERS[name](rng, (n,), fan_in, fan_out)
    sd = promise.variance**0.5
    kurtosis = 3.0 if promise.limit is None else 9 / 5
    assert abs(weights.mean()) < 5 * sd / n**0.5
    assert abs(weights.var() / promise.variance - 1) < 5 * ((kurtosis - 1) / n) ** 0.5
    if promise.limit is None:
        assert kstest(weights / sd, "norm").pvalue > 1e-3
    else:
        assert kstest((weights / promise.limit + 1) / 2, "uniform").pvalue > 1e-3
        assert -promise.limit <= weights.min() < -0.999 * promise.limit
        assert 0.999 * promise.limit < weights.max() <= promise.limit


@all_initializers
@all_fans
def test_layers_start_at_the_promised_scale(
    name: str,
    kind: type[Any],
    settings: dict[str, int],
    in_shape: Shape,
    fan_in: int,
    fan_out: int,
    rng: np.random.RandomState,
) -> None:
    """W has mean 0 and the fans' variance within five standard errors, and bounds; b is 0."""
    layer: Layer = kind(**settings, weight_init=name)
    _, params, buffers = layer.init(in_shape, rng)
    assert params.keys() == {"W", "b"}
    assert buffers == {}
    promise = _promise(name, fan_in, fan_out)
    w: Array = params["W"]
    n = w.size
    assert abs(w.mean()) < 5 * (promise.variance / n) ** 0.5
    assert abs(w.var() / promise.variance - 1) < 5 * (2 / n) ** 0.5
    assert promise.limit is None or np.abs(w).max() <= promise.limit
    assert not params["b"].any()


@all_initializers
@all_fans
def test_layers_draw_from_the_given_stream_only(
    name: Any,
    kind: type[Any],
    settings: dict[str, int],
    in_shape: Shape,
    fan_in: int,
    fan_out: int,
) -> None:
    """The weights are the stream's first draws, and each is drawn once."""
    rng, same = np.random.RandomState(3), np.random.RandomState(3)
    w = kind(**settings, weight_init=name).init(in_shape, rng).params["W"]
    promise = _promise(name, fan_in, fan_out)
    if promise.limit is None:
        expected = standard_normal(same, w.shape) * promise.variance**0.5
    else:
        expected = promise.limit * (2 * same.random_sample(w.shape) - 1)
    np.testing.assert_allclose(w, expected, rtol=1e-14)
    np.testing.assert_equal(rng.get_state(legacy=False), same.get_state(legacy=False))


def test_layers_start_at_the_published_scale_unless_told() -> None:
    """The published draw is the default."""
    assert Conv2D(2, 3).weight_init == Dense(2).weight_init == "published"
